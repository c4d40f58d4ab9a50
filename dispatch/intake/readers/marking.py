"""Text with stretches set off: blanks settled while the marks keep their places, and addresses that may be linked."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from urllib.parse import urljoin, urlsplit

from dispatch.intake.readers.scripts import Script, scripted
from dispatch.model import Mark, MarkKind

_BLANKS = re.compile(r"\s+")
_WIDE = re.compile(
    "[\u2e80-\u303f\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u3200-\u9fff\uf900-\ufaff\uff00-\uffef“”‘’—…·]"
)
_LONGEST_ADDRESS = 2000
_UNSAFE = re.compile(r"[\s<>\"\\^`{|}\x00-\x20\x7f]")


def settled(raw: str, marks: Sequence[Mark] = ()) -> tuple[str, tuple[Mark, ...]]:
    """A text on one line, with the marks moved along; a mark that holds no letter any more goes.

    Blanks become one space. A line's end in the source parts words, but not where Chinese stands beside it: programs
    that wrap their output wrap Chinese anywhere.
    """
    text, shifts = _settled(raw)
    begins = [start for start, _ in shifts]

    def place(position: int) -> int:
        at = bisect_right(begins, position) - 1
        start, target = shifts[at]
        following = shifts[at + 1][1] if at + 1 < len(shifts) else len(text)
        return min(target + position - start, following)

    moved = _united([Mark(mark.kind, place(mark.start), place(mark.end), mark.href) for mark in marks])
    trimmed = (Mark(mark.kind, *_trimmed(text, mark.start, mark.end), mark.href) for mark in moved)
    return text, tuple(sorted((mark for mark in trimmed if mark.start < mark.end), key=_order))


def _settled(raw: str) -> tuple[str, list[tuple[int, int]]]:
    """The text, and for each stretch that is kept where it began and where it begins now."""
    parts: list[str] = []
    shifts = [(0, 0)]
    length = position = 0
    for blank in _BLANKS.finditer(raw):
        parts.append(raw[position : blank.start()])
        length += blank.start() - position
        stand_in = " " if length and blank.end() < len(raw) and not _joins(raw, blank) else ""
        parts.append(stand_in)
        shifts += [(blank.start(), length), (blank.end(), length + len(stand_in))]
        length += len(stand_in)
        position = blank.end()
    return "".join([*parts, raw[position:]]), shifts


def _joins(raw: str, blank: re.Match[str]) -> bool:
    if "\n" not in blank[0]:
        return False
    return _WIDE.match(raw[blank.start() - 1]) is not None or _WIDE.match(raw[blank.end()]) is not None


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] == " ":
        start += 1
    while start < end and text[end - 1] == " ":
        end -= 1
    return start, end


def _order(mark: Mark) -> tuple[int, int]:
    return mark.start, -mark.end


def _united(marks: Sequence[Mark]) -> list[Mark]:
    """The marks in order, those put together that one kind of markup had written in pieces."""
    found: list[Mark] = []
    last: dict[tuple[MarkKind, str], int] = {}
    for mark in sorted(marks, key=_order):
        at = last.get((mark.kind, mark.href))
        if at is not None and found[at].end >= mark.start:
            found[at] = Mark(mark.kind, found[at].start, max(found[at].end, mark.end), mark.href)
            continue
        last[mark.kind, mark.href] = len(found)
        found.append(mark)
    return found


def linkable(href: str, base: str = "") -> str:
    """An absolute http, https or mailto address, resolved by the page's own `base`; "" for any other."""
    href = href.strip()
    if not href or len(href) > _LONGEST_ADDRESS or _UNSAFE.search(href):
        return ""
    try:
        absolute = urljoin(base, href) if base and not href.startswith("#") else href
        parts = urlsplit(absolute)
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme == "mailto":
        return absolute if "@" in parts.path else ""
    return absolute if parts.scheme in {"http", "https"} and host and not parts.username else ""


# Within a line that is still being read, marks stand in it as signs of private use, which no clean text has.

_ON = {MarkKind.STRONG: "\ue010", MarkKind.EMPHASIS: "\ue011", MarkKind.LINK: "\ue012"}
_OFF = {MarkKind.STRONG: "\ue013", MarkKind.EMPHASIS: "\ue014", MarkKind.LINK: "\ue015"}
_KINDS = {sign: kind for kind, sign in (*_ON.items(), *_OFF.items())}
_FIRST_ADDRESS, _MOST_ADDRESSES = 0xF0000, 60_000
SIGNS = "\ue010-\ue019\U000f0000-\U000ffffd"
_SIGN = re.compile("[\ue010-\ue015][\U000f0000-\U000ffffd]?")

STRONG_ON, STRONG_OFF = _ON[MarkKind.STRONG], _OFF[MarkKind.STRONG]
EMPHASIS_ON, EMPHASIS_OFF = _ON[MarkKind.EMPHASIS], _OFF[MarkKind.EMPHASIS]
LINK_OFF = _OFF[MarkKind.LINK]
RAISED_ON, RAISED_OFF, LOWERED_ON, LOWERED_OFF = "\ue016", "\ue017", "\ue018", "\ue019"
_SCRIPT = {RAISED_ON: Script.RAISED, LOWERED_ON: Script.LOWERED, RAISED_OFF: Script.NONE, LOWERED_OFF: Script.NONE}
_ANY_SIGN = re.compile("([\ue016-\ue019]|[\ue010-\ue015][\U000f0000-\U000ffffd]?)")


class Addresses:
    """The addresses that the signs of a document's links stand for."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._list: list[str] = []

    def sign(self, href: str) -> str:
        """The sign at which a link begins."""
        href = linkable(href)
        if not href or len(self._list) >= _MOST_ADDRESSES:
            return _ON[MarkKind.LINK]
        at = self._known.setdefault(href, len(self._list))
        if at == len(self._list):
            self._list.append(href)
        return _ON[MarkKind.LINK] + chr(_FIRST_ADDRESS + at)

    def at(self, sign: str) -> str:
        """The address of a link's sign, "" without one."""
        return self._list[ord(sign[1]) - _FIRST_ADDRESS] if len(sign) == 2 else ""


def with_scripts(signed: str) -> str:
    """A text with what is raised or lowered in it as plain text; the other signs stay."""
    if not any(sign in signed for sign in _SCRIPT):
        return signed
    script = Script.NONE
    parts: list[str] = []
    pieces: list[tuple[str, Script]] = []
    for part in _ANY_SIGN.split(signed):
        if part in _SCRIPT:
            script = _SCRIPT[part]
        elif _ANY_SIGN.match(part):
            parts.append(part)
        elif part:
            parts.append("")
            pieces.append((part, script))
    texts = iter(scripted(pieces))
    return "".join(part or next(texts) for part in parts)


def resolved(signed: str, addresses: Addresses) -> tuple[str, tuple[Mark, ...]]:
    """A text without the signs in it, and the marks that they meant."""
    signed = with_scripts(signed)
    if not any(sign in signed for sign in _KINDS):
        return settled(signed)
    parts: list[str] = []
    marks: list[Mark] = []
    begun: dict[MarkKind, list[tuple[int, str]]] = {kind: [] for kind in MarkKind}
    length = position = 0
    for sign in _SIGN.finditer(signed):
        parts.append(signed[position : sign.start()])
        length += sign.start() - position
        position = sign.end()
        kind = _KINDS[sign[0][0]]
        if sign[0][0] == _ON[kind]:
            begun[kind].append((length, addresses.at(sign[0])))
        elif begun[kind]:
            start, href = begun[kind].pop()
            if href or kind is not MarkKind.LINK:
                marks.append(Mark(kind, start, length, href))
    return settled("".join([*parts, signed[position:]]), marks)
