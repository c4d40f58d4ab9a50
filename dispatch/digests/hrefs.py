"""Which addresses of links in an article are shown to readers. What an article says comes from outside, so an address
is checked where it is rendered, whoever checked it before."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

LONGEST = 2000
"""Characters of an address: more than that some browsers and mailers do not take."""

_MAILTO = re.compile(r"mailto:[^\s@?&#,;:%]+@[^\s@?&#,;:%/]+(?:\?subject=[^&#]*)?", re.IGNORECASE)
_NEVER = frozenset('<>"`\\^{|}')  # RFC 3986 has none of them, and each means something to some reader of markup
_FILLERS = frozenset("\u115f\u1160")  # fillers of Hangul: letters that nothing is seen of
_CJK = re.compile(
    "[\u2e80-\u2fff\u3005-\u3007\u3040-\u31ff\u3400-\u9fff\ua960-\ua97f\uac00-\ud7ff\U00020000-\U0003ffff]"
)
_STOP = re.compile("(?<=[a-z0-9])\u3002(?=[a-z0-9])")  # browsers take the Chinese full stop for a dot in a host
_TOKEN = re.compile(r"(?P<lead>(?:(?<=:)|(?<![\w/]))//)?(?P<name>[\w.-]+)")
_PATH = re.compile(r"(?::[0-9]{1,5})?(?:[/?#][!-~]*)?")
_LETTERS_END = re.compile(r"[^\W\d_]{2,24}|xn--[a-z0-9-]{1,59}")
_COMMON_END = re.compile("com|cn|net|org|gov|edu|top|xyz|vip|info|biz|club|shop|site|online|wang|ltd")
_CHINESE_END = re.compile("中国|中國|公司|网络|網絡|网址|网站|網站|集团|政务|政府|公益|机构|在线|香港|商标|商城|移动")
# Ends of the names of files. The few that are ends of hosts as well are taken for these after `//` or www alone.
_FILE_END = re.compile(
    "7z|apk|aspx|avi|bmp|css|csv|dll|docx?|dps|dwg|eml|epub|et|exe|gif|gz|html?|iso|jpe?g|js|json|jsp|log|md|mov|mp|mpeg"
    "|od[pst]|ofd|pdf|php|png|pps|pptx?|psd?|py|rar|rtf|sh|shtml|sql|svg|tar|tiff?|toml|txt|wav|webp|wps|xlsx?|xml"
    "|ya?ml|zip"
)
_LONGEST_HOST = 253  # RFC 1035, section 2.3.4, as it is written


class Host(NamedTuple):
    """A host that words name, and where in them it stands."""

    name: str
    start: int
    end: int


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
    """Whether the words of a link name a host that it does not lead to."""
    return any(not leads_to(host.name, href) for host in named_hosts(text))


def leads_to(host: str, href: str) -> bool:
    """Whether the address is on the host, on one below it, or on one that it is below. Not to be asked of addresses
    that `safe_href` refuses."""
    target = _target(href)
    one, other = sorted((_bare(host), _bare(target)), key=len)
    return one == other or ("." in one and other.endswith("." + one))


def named_hosts(text: str) -> list[Host]:
    """The hosts that a reader finds in a text, in their order: alone, in an address of the web or of mail, in Chinese
    words, written with wide characters or with such as cannot be seen. Takes time in proportion to the text."""
    folded, places = _folded(text)
    return [Host(name, places[start], places[end - 1] + 1) for name, start, end in _found(folded)]


def _found(folded: str) -> Iterator[tuple[str, int, int]]:
    place = 0
    while match := _TOKEN.search(folded, place):
        place = match.end()
        start, led = match.start("name"), match["lead"] is not None
        for part in re.finditer(r"[^.]+(?:\.[^.]+)*", match["name"]):  # dots in a row are none of a host
            name = part[0].strip("-_")
            if _is_host(name, led=led):
                yield name[-_LONGEST_HOST:], start + part.start(), start + part.end()
                if part.end() == len(match["name"]):
                    place = max(place, _end_of_path(folded, place))
            led = False


def _end_of_path(folded: str, place: int) -> int:
    found = _PATH.match(folded, place)
    return found.end() if found else place


def _is_host(name: str, *, led: bool) -> bool:
    """Whether it is taken for one: what follows `//` or begins with www is, the rest by how it ends."""
    labels = name.split(".")
    end = labels[-1]
    if len(labels) < 2 or (not led and not all(label.strip("-_") for label in labels)):
        return False
    if led or (labels[0] == "www" and not end.isdigit()):
        return True
    if _FILE_END.fullmatch(end):
        return False
    if any(_CJK.search(label) for label in labels):
        of_country = len(end) == 2 and end.isascii() and end.isalpha()
        in_chinese = _CHINESE_END.fullmatch(end) and not labels[-2].isdigit()
        return bool(of_country or in_chinese or _COMMON_END.fullmatch(end))
    if labels[-2].isdigit():  # 163.com, but neither a version nor a figure
        return bool(_COMMON_END.fullmatch(end))
    return bool(_LETTERS_END.fullmatch(end))


def _folded(text: str) -> tuple[str, list[int]]:
    """The text in lower case, without differences of width and what is not seen, with spaces between Chinese and Latin
    letters; and for each character of it the place in the text that it comes from."""
    found: list[str] = []
    places: list[int] = []
    for place, original in enumerate(text):
        for character in unicodedata.normalize("NFKC", original).lower():
            if _is_unseen(character):
                continue
            if found and _is_change(found[-1], character):
                found.append(" ")
                places.append(place)
            found.append(character)
            places.append(place)
    return _STOP.sub(".", "".join(found)), places


def _is_unseen(character: str) -> bool:
    unseen = unicodedata.category(character) in ("Cc", "Cf", "Mn", "Me") and not character.isspace()
    return unseen or character in _FILLERS


def _is_change(before: str, after: str) -> bool:
    """Whether Chinese words end and Latin ones begin, or the other way about."""
    return (before.isascii() and before.isalnum() and bool(_CJK.match(after))) or (
        after.isascii() and after.isalnum() and bool(_CJK.match(before))
    )


def _target(href: str) -> str:
    parts = _split(href)
    if parts is None:
        return ""
    if parts.scheme == "mailto":
        return parts.path.rpartition("@")[2]
    return parts.hostname or ""


def spelled_out(text: str, href: str) -> str:
    """The address to write behind the words of a link where nothing can be clicked; "" where they say it already."""
    address = href[7:] if href[:7].lower() == "mailto:" else href
    return "" if _same(text) == _same(address) else address


def _same(text: str) -> str:
    return re.sub(r"^https?://", "", text.strip(), flags=re.IGNORECASE).rstrip("/").lower()


def _bare(host: str) -> str:
    """A host in the one form in which hosts are compared."""
    folded = "".join(_folded(host)[0].split()).removeprefix("www.").rstrip(".")
    return ".".join(_decoded(label) for label in folded.split("."))


def _decoded(label: str) -> str:
    """A label as it is read, where it is in Punycode (RFC 3492)."""
    if not label.startswith("xn--") or len(label) > 63:
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


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
