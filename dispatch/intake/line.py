"""A line of a document, the form in which every reader hands over what it read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from dispatch.model import Mark


class LineKind(Enum):
    TEXT = "text"
    ITEM = "item"  # of a list
    TABLE = "table"
    NOTE = "note"  # a footnote, at the place where it is to be read


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text without markup. What the markup said of it is kept as hints.

    `level` is 1 to 6 for a heading, 0 without a hint; `bold` says that the line or its head is bold; `gap` that an
    empty line stood before it. `rule` marks a thematic break, whose text is "". `number` is the line's in the
    source, from 1; `indent` the columns left blank before it, an ideographic space being two. `page` counts from 1, 0
    where the source has no pages. `style` is what the source calls the line's form (`Title`, `List Paragraph`).

    A whole table is one line: `rows` are its cells and `text` what `table_text` makes of them. An item of a list
    stands without its bullet, `depth` deep in lists around its own. `marks` are the stretches of emphasis and links.
    """

    text: str
    number: int
    level: int = 0
    bold: bool = False
    gap: bool = False
    rule: bool = False
    indent: int = 0
    kind: LineKind = LineKind.TEXT
    page: int = 0
    style: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    marks: tuple[Mark, ...] = ()
    depth: int = 0

    @property
    def hinted(self) -> bool:
        """Whether the markup sets the line off as a heading."""
        return self.level > 0 or self.bold

    @property
    def place(self) -> str:
        """Where the line stands, as warnings name it: `Line 12`, with the page where the source has pages."""
        return f"Page {self.page}, line {self.number}" if self.page else f"Line {self.number}"


@dataclass(frozen=True, slots=True)
class Document:
    """What a reader found in a file: its lines, and sentences on what it could not be sure of, each naming the
    place."""

    lines: tuple[Line, ...]
    warnings: tuple[str, ...] = ()


def indent_of(raw: str) -> int:
    """The columns left blank at the head of a line as it stands in its source."""
    blank = raw[: len(raw) - len(raw.lstrip())]
    return len(blank) + blank.count("\u3000")


def table_text(rows: tuple[tuple[str, ...], ...]) -> str:
    """A table as plain text: one line a row, the cells parted by ` | `."""
    return "\n".join(" | ".join(row) for row in rows)
