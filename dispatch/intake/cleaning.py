"""Text without the characters that no text needs."""

from __future__ import annotations

import re

_LINE_ENDS = re.compile(r"\r\n?|[\n\v\x1c-\x1e\x85\u2028\u2029]")
_UNWANTED = re.compile(
    "["
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # control characters
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible, and those that reorder
    "\ud800-\udfff"
    "\ue000-\uf8ff\U000f0000-\U0010ffff"  # private use: our own marks are made of these
    "\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e0fff"
    "]+"
)
_KEPT = "\n\f\u3000"
_SPACES = re.compile(r"[\t\xa0\u2000-\u200a\u202f\u205f]")


def clean(text: str, *, pages: bool = False) -> str:
    """Line ends as \\n, blanks of all sorts as a space (the ideographic one stays), what cannot be seen removed.

    The end of a page (a form feed) is a line's end too; with `pages` it stays as it is.
    """
    text = _LINE_ENDS.sub("\n", text)
    text = _SPACES.sub(" ", _UNWANTED.sub("", text if pages else text.replace("\f", "\n")))
    odd = [char for char in set(text) if not char.isprintable() and char not in _KEPT]
    return text.translate({ord(char): " " if char.isspace() else None for char in odd}) if odd else text
