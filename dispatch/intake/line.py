"""A line of a document, the form in which every reader hands over what it read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text without markup. What the markup said of it is kept as hints.

    `level` is 1 to 6 for a heading, 0 without a hint; `bold` says that the line or its head is bold; `gap` that an
    empty line stood before it. `rule` marks a thematic break, whose text is "". `number` is the line's in the
    source, from 1; `indent` the columns left blank before it, an ideographic space being two.
    """

    text: str
    number: int
    level: int = 0
    bold: bool = False
    gap: bool = False
    rule: bool = False
    indent: int = 0

    @property
    def hinted(self) -> bool:
        """Whether the markup sets the line off as a heading."""
        return self.level > 0 or self.bold


def indent_of(raw: str) -> int:
    """The columns left blank at the head of a line as it stands in its source."""
    blank = raw[: len(raw) - len(raw.lstrip())]
    return len(blank) + blank.count("\u3000")
