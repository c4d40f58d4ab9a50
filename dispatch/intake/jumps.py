"""Texts that break off and go on elsewhere in the issue, (下转第5页) … (上接第3页), put together again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from dispatch.intake import numerals
from dispatch.intake.folding import heading_key
from dispatch.intake.line import Line, LineKind

_OPEN, _CLOSE = r"[(（【\[]?\s*", r"\s*[)）】\]]?"
_PAGE = rf"第?\s*(?P<page>{numerals.CLASS}{{1,3}})\s*[版页]"
_ON = re.compile(
    rf"{_OPEN}(?:下\s*转\s*{_PAGE}|continued\s+on\s+(?:page|p\.)\s*(?P<page2>\d{{1,3}})){_CLOSE}\s*$", re.IGNORECASE
)
_FROM = re.compile(
    rf"\s*{_OPEN}(?:上\s*接\s*{_PAGE}|continued\s+from\s+(?:page|p\.)\s*(?P<page2>\d{{1,3}}))"
    r"(?P<what>[^()（）【】\[\]]{0,60}?)\s*(?:[)）】\]]|$)",
    re.IGNORECASE,
)
_MOST_WAITING = 50  # texts among which the one that goes on is looked for by its page
_LONGEST = 40  # characters at the end of a line in which it says that it goes on elsewhere


@dataclass(frozen=True, slots=True)
class Joined:
    """Lines in the order in which they are to be read, and the lines where an end was not found, with what is
    unsure."""

    lines: list[Line]
    doubts: list[tuple[Line, str]]


@dataclass
class _Broken:
    """A text that breaks off at `line`, and what of it was found."""

    line: Line
    rest: list[Line] = field(default_factory=list)


def joined(lines: Sequence[Line], headings: Iterable[str], ends: Callable[[str], bool]) -> Joined:
    """The lines of an issue with each text that goes on elsewhere in one piece.

    What goes on ends with a line that `ends` an article, and before a heading: one that is marked, or is one of the
    folded `headings`.
    """
    if not any(_ON.search(line.text[-_LONGEST:]) for line in lines if line.kind is not LineKind.TABLE):
        return Joined(list(lines), [])
    return _Joining(frozenset(headings), ends).join(lines)


class _Joining:
    def __init__(self, headings: frozenset[str], ends: Callable[[str], bool]) -> None:
        self._headings = headings
        self._ends = ends
        self._found: list[Line | _Broken] = []
        self._waiting: list[_Broken] = []
        self._going_on: _Broken | None = None
        self._doubts: list[tuple[Line, str]] = []

    def join(self, lines: Sequence[Line]) -> Joined:
        for line in lines:
            self._read(line)
        self._doubts += [
            (broken.line, "the text goes on elsewhere, but nowhere is it found.") for broken in self._waiting
        ]
        flat: list[Line] = []
        for entry in self._found:
            flat += entry.rest if isinstance(entry, _Broken) else [entry]
        return Joined(flat, self._doubts)

    def _read(self, line: Line) -> None:
        if line.kind is LineKind.TABLE or line.rule:
            self._put(line)
            return
        if (match := _FROM.match(line.text)) and (broken := self._broken(line, match)):
            self._going_on = broken
            if not (text := line.text[match.end() :].strip()):
                return
            line = replace(line, text=text, marks=())
        elif self._going_on and (line.hinted or heading_key(line.text[:80]) in self._headings):
            self._going_on = None
        if match := _ON.search(line.text, max(0, len(line.text) - _LONGEST)):
            self._break_off(line, line.text[: match.start()].rstrip())
            return
        self._put(line)
        if self._going_on and self._ends(line.text):
            self._going_on = None

    def _broken(self, line: Line, match: re.Match[str]) -> _Broken | None:
        """The text that goes on here: the one that broke off on the page that is named, else the first that waits."""
        if not self._waiting:
            self._doubts.append((line, "the text is said to begin elsewhere, but none breaks off before."))
            return None
        page = numerals.number(match["page"] or match["page2"])
        pages = [broken.line.page for broken in self._waiting[:_MOST_WAITING]]
        return self._waiting.pop(pages.index(page) if page and page in pages else 0)

    def _break_off(self, line: Line, text: str) -> None:
        kept = replace(line, text=text, marks=tuple(mark for mark in line.marks if mark.end <= len(text)))
        if text:
            self._put(kept)
        if self._going_on:  # for the second time
            broken, self._going_on = self._going_on, None
            broken.line = line
        else:
            broken = _Broken(line)
            self._found.append(broken)
        self._waiting.append(broken)

    def _put(self, line: Line) -> None:
        if self._going_on:
            self._going_on.rest.append(line)
        else:
            self._found.append(line)
