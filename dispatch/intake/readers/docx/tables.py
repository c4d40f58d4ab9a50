"""Tables (ISO/IEC 29500-1, 17.4): which tell something, and which only arrange text on the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dispatch.intake.readers.docx.styles import Styles, has_borders
from dispatch.intake.readers.docx.xml import Element, child, children, name_of, number_of, value_of
from dispatch.intake.readers.tables import lists_pages, tells

_MOST_COLUMNS = 63  # of a table of Word
_LONGEST_CELL = 2_000  # characters; what is longer is an article set in a frame
_AROUND = ("w:sdt", "w:sdtContent", "w:customXml", "w:ins", "w:moveTo")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell; `width` is the number of columns that it takes, `covered` says that one above it goes on here."""

    element: Element
    width: int
    covered: bool


class Table:
    """A table as it stands in the file."""

    def __init__(self, element: Element, styles: Styles) -> None:
        self._element = element
        properties = child(element, "w:tblPr")
        style = styles.of_table(properties)
        self.style_name = styles.name(style)
        own = child(properties, "w:tblBorders")
        self._bordered = (
            has_borders(properties) if properties is not None and own is not None else styles.bordered(style)
        ) or any(has_borders(row_cell) for row in self._rows() for row_cell in _cell_properties(row))
        self._before: list[int] = []

    def rows(self) -> Iterator[list[Cell]]:
        """The rows that are not deleted, each with its cells."""
        for row in self._rows():
            properties = child(row, "w:trPr")
            if child(properties, "w:del") is not None:
                continue
            self._before.append(_within(number_of(child(properties, "w:gridBefore")), 0))
            yield [_cell(cell) for cell in _found(row, "w:tc")]

    def _rows(self) -> Iterator[Element]:
        return _found(self._element, "w:tr")

    def grid(self, rows: Sequence[Sequence[tuple[Cell, Sequence[str]]]]) -> tuple[tuple[str, ...], ...]:
        """Rows of cells with their lines as rows of texts, as many in each. A cell over several columns or rows
        stands in the first of them; columns and rows without any text are left out."""
        texts: list[list[str]] = []
        for before, row in zip(self._before, rows, strict=True):
            cells = [""] * before
            for cell, lines in row:
                cells += [" ".join(line for line in lines if line), *[""] * (cell.width - 1)]
            texts.append(cells[:_MOST_COLUMNS])
        width = max(map(len, texts), default=0)
        full = [[*cells, *[""] * (width - len(cells))] for cells in texts if any(cells)]
        kept = [column for column in range(width) if any(cells[column] for cells in full)]
        return tuple(tuple(cells[column] for column in kept) for cells in full)

    def tells(self, rows: Sequence[Sequence[str]], *, announced: bool) -> bool:
        """Whether rows and columns mean something. A frame, a masthead set in one row, and a contents list with its
        pages only arrange text. `announced` says that the text before it speaks of a table."""
        if len(rows) < 2 or len(rows[0]) < 2:
            return False
        if not self._bordered and len(rows[0]) < 3:
            return tells(rows, announced=announced)
        return not (lists_pages(rows) or any(len(cell) > _LONGEST_CELL for row in rows for cell in row))


def _found(element: Element, name: str) -> Iterator[Element]:
    """Rows or cells, also those within content controls."""
    for part in element:
        short = name_of(part)
        if short == name:
            yield part
        elif short in _AROUND:
            yield from _found(part, name)


def _cell_properties(row: Element) -> Iterator[Element]:
    return (found for cell in _found(row, "w:tc") for found in children(cell, "w:tcPr"))


def _cell(element: Element) -> Cell:
    properties = child(element, "w:tcPr")
    merge = child(properties, "w:vMerge")
    covered = merge is not None and value_of(merge, default="continue") != "restart"
    sideways = child(properties, "w:hMerge")
    covered = covered or (sideways is not None and value_of(sideways, default="continue") != "restart")
    return Cell(element, _within(number_of(child(properties, "w:gridSpan"), default=1), 1), covered)


def _within(number: int, least: int) -> int:
    return min(max(number, least), _MOST_COLUMNS)
