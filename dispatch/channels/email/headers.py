"""Header fields of a message as bytes on the wire, folded and encoded.

Written out here because `email.message` takes a millisecond or more a message, and folds long addresses (of
unsubscribe links) into encoded words, which no mailer reads (https://github.com/python/cpython/issues/81574).
"""

from __future__ import annotations

import re
from base64 import b64encode
from email.header import Header
from email.utils import quote

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+")
_WORD = 42  # bytes of text that make an encoded word which fits beside any name of a field (RFC 2047 2: 75 characters)
_OUTSIDE_URL = re.compile('[ <>"]')
_MAX_WORDS = 200  # characters of a subject or name; RFC 5322 2.1.1 limits lines, and readers see far less


def plain(text: str) -> str:
    """One line without control characters: nothing in it can begin another field."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip(" ")
    return " ".join(_CONTROL.sub(" ", text.encode("utf-8", "replace").decode()).split())


def unstructured(name: str, text: str) -> str:
    """A field of words, such as Subject: RFC 2047 encoded words where it is not ASCII."""
    words = plain(text)[:_MAX_WORDS]
    return f"{name}: {_encode(words, len(name) + 2)}"


def mailbox(name: str, display: str, address: str) -> str:
    """A field with one address and its display name (RFC 5322 3.4); `address` is already checked."""
    words = plain(display)[:_MAX_WORDS]
    if not words:
        return f"{name}: {address}"
    phrase = f'"{quote(words)}"' if _is_plain(words) else _encode(words, len(name) + 2)
    return f"{name}: {phrase}\r\n <{address}>"


def addresses(name: str, urls: list[str]) -> str:
    """A field of addresses in angle brackets (RFC 2369), one a line."""
    return f"{name}: " + ",\r\n ".join(f"<{url}>" for url in urls)


def is_plain_url(url: str) -> bool:
    """Whether it can stand in angle brackets: ASCII, no spaces, no brackets, short enough for one line."""
    return url.isascii() and url.isprintable() and len(url) < 900 and not _OUTSIDE_URL.search(url)


def _encode(words: str, used: int) -> str:
    data = words.encode()
    if len(data) <= _WORD and len(data) > len(words):  # as most names are
        return f"=?utf-8?b?{b64encode(data).decode()}?="
    charset = "us-ascii" if _is_plain(words) else "utf-8"
    return Header(words, charset, maxlinelen=75, header_name="x" * used).encode(linesep="\r\n")


def _is_plain(words: str) -> bool:
    """Whether they can stand as they are: mailers decode what looks like an encoded word (RFC 2047), even within
    quotation marks, and it could hold line breaks."""
    return words.isascii() and "=?" not in words
