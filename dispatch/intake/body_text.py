"""The text of an issue with what each of its lines looks like."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from dispatch.intake.colophon import Colophon
from dispatch.intake.credits import Credit, Credits
from dispatch.intake.folding import LONGEST_HEADING, heading_key, is_running
from dispatch.intake.line import Line, LineKind
from dispatch.intake.numbering import pieces_of


class Kind(Enum):
    RULE = "rule"
    SHORT = "short"
    PROSE = "prose"
    CREDIT = "credit"
    COLOPHON = "colophon"
    ASIDE = "aside"  # a footnote, or a date that stands alone


_LONGEST_DATE = 30
_PASSED = (Kind.RULE, Kind.ASIDE)  # what stands between two lines as if it were not there
_WITHOUT_WORDS = (LineKind.TABLE, LineKind.NOTE)  # no title, column or credit


class Text:
    """Lines by index: their `kinds`, the `credits` they are or end with, their `keys` to compare by ("" for long
    ones, tables and footnotes), and in `next` the index of the next line that is neither rule nor aside."""

    def __init__(self, lines: Sequence[Line], credits_: Credits, colophon: Colophon) -> None:
        self.lines = lines
        self.credits = [
            None if line.rule or line.kind in _WITHOUT_WORDS else credits_.find(line.text) for line in lines
        ]
        self.kinds = [_kind(line, credit, colophon) for line, credit in zip(lines, self.credits, strict=True)]
        self.keys = [
            heading_key(line.text) if len(line.text) <= LONGEST_HEADING * 2 and line.kind not in _WITHOUT_WORDS else ""
            for line in lines
        ]
        self.next = _next_content(self.kinds)

    def __len__(self) -> int:
        return len(self.lines)

    def kind_after(self, index: int) -> Kind | None:
        """The kind of the next line that is neither rule nor aside; None at the end."""
        following = self.next[index]
        return None if following is None else self.kinds[following]


def _kind(line: Line, credit: Credit | None, colophon: Colophon) -> Kind:
    if line.rule:
        return Kind.RULE
    if line.kind is LineKind.NOTE or _is_date(line.text):
        return Kind.ASIDE
    if credit and credit.alone:
        return Kind.CREDIT
    if colophon.labels(line.text):
        return Kind.COLOPHON
    return Kind.PROSE if is_running(line) else Kind.SHORT


def _is_date(text: str) -> bool:
    if len(text) > _LONGEST_DATE or not any(map(str.isdigit, text)):
        return False
    pieces = pieces_of(text)
    return pieces.date is not None and not pieces.rest


def _next_content(kinds: Sequence[Kind]) -> list[int | None]:
    """For each line the next one that counts."""
    following: int | None = None
    found: list[int | None] = []
    for index in range(len(kinds) - 1, -1, -1):
        found.append(following)
        if kinds[index] not in _PASSED:
            following = index
    return found[::-1]
