"""Which addresses of links in an article are shown to readers. What an article says comes from outside, so an address
is checked where it is rendered, whoever checked it before."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import SplitResult, urlsplit

LONGEST = 2000
"""Characters of an address: more than that some browsers and mailers do not take."""

_MAILTO = re.compile(r"mailto:[^\s@?&#,;:%]+@[^\s@?&#,;:%/]+(?:\?subject=[^&#]*)?", re.IGNORECASE)
_NEVER = frozenset('<>"`\\^{|}')  # RFC 3986 has none of them, and each means something to some reader of markup
# Words that a reader takes for an address: with a scheme, or a host of Latin letters alone.
_ADDRESS = re.compile(r"(?:https?://)?((?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24})(?=[:/?#]|$)", re.IGNORECASE)


def safe_href(href: str) -> str:
    """The address as it may stand in a link, or "".

    Allowed are absolute http and https addresses with a host and without a user's name, and mailto addresses of one
    mailbox, perhaps with a subject; at most LONGEST characters, all of them printable.
    """
    if not href or len(href) > LONGEST or not all(map(_may_stand, href)):
        return ""
    if href[:7].lower() == "mailto:":
        return href if _MAILTO.fullmatch(href) else ""
    parts = _split(href)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return ""
    return href


def deceives(text: str, href: str) -> bool:
    """Whether the words of a link are an address on another host than the one that it leads to."""
    found = _ADDRESS.match(text.strip())
    parts = _split(href)
    if found is None or parts is None or parts.scheme == "mailto":
        return False
    return _bare(found[1]) != _bare(parts.hostname or "")


def spelled_out(text: str, href: str) -> str:
    """The address to write behind the words of a link where nothing can be clicked; "" where they say it already."""
    address = href[7:] if href[:7].lower() == "mailto:" else href
    return "" if _same(text) == _same(address) else address


def _same(text: str) -> str:
    return re.sub(r"^https?://", "", text.strip(), flags=re.IGNORECASE).rstrip("/").lower()


def _bare(host: str) -> str:
    return host.lower().removeprefix("www.")


def _may_stand(character: str) -> bool:
    """Neither space nor control, format, private or unassigned characters: the marks of slots are private ones."""
    if character.isascii():
        return "!" <= character <= "~" and character not in _NEVER
    return unicodedata.category(character)[0] not in "CZ"


def _split(href: str) -> SplitResult | None:
    try:
        parts = urlsplit(href)
        _ = parts.port  # checked when it is asked for
    except ValueError:
        return None
    return parts
