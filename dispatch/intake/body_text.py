"""The text of an issue with what each of its lines looks like."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from dispatch.intake.colophon import Colophon
from dispatch.intake.credits import Credit, Credits
from dispatch.intake.folding import LONGEST_HEADING, heading_key, is_prose
from dispatch.intake.line import Line


class Kind(Enum):
    RULE = "rule"
    SHORT = "short"
    PROSE = "prose"
    CREDIT = "credit"
    COLOPHON = "colophon"


class Text:
    """Lines by index: their `kinds`, the `credits` they are or end with, their `keys` to compare by ("" for long
    ones), and in `next` the index of the next line that is no rule."""

    def __init__(self, lines: Sequence[Line], credits_: Credits, colophon: Colophon) -> None:
        self.lines = lines
        self.credits = [None if line.rule else credits_.find(line.text) for line in lines]
        self.kinds = [_kind(line, credit, colophon) for line, credit in zip(lines, self.credits, strict=True)]
        self.keys = [heading_key(line.text) if len(line.text) <= LONGEST_HEADING * 2 else "" for line in lines]
        self.next = _next_content(self.kinds)

    def __len__(self) -> int:
        return len(self.lines)

    def kind_after(self, index: int) -> Kind | None:
        """The kind of the next line that is no rule; None at the end."""
        following = self.next[index]
        return None if following is None else self.kinds[following]


def _kind(line: Line, credit: Credit | None, colophon: Colophon) -> Kind:
    if line.rule:
        return Kind.RULE
    if credit and credit.alone:
        return Kind.CREDIT
    if colophon.labels(line.text):
        return Kind.COLOPHON
    return Kind.PROSE if is_prose(line.text) else Kind.SHORT


def _next_content(kinds: Sequence[Kind]) -> list[int | None]:
    """For each line the next one that is no rule."""
    following: int | None = None
    found: list[int | None] = []
    for index in range(len(kinds) - 1, -1, -1):
        found.append(following)
        if kinds[index] is not Kind.RULE:
            following = index
    return found[::-1]
