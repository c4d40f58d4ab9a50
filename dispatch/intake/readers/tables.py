"""Tables as rows of cells, as many in each row, whatever cells span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dispatch.intake.line import Line, LineKind, table_text

_MOST_COLUMNS = 100
_MOST_CELLS = 20_000


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table with the columns and rows that it spans."""

    text: str
    columns: int = 1
    rows: int = 1


def grid(rows: Sequence[Sequence[Cell]]) -> tuple[tuple[str, ...], ...]:
    """The cells in their places, each repeated wherever it spans; empty rows and columns left out.

    () where the table is larger than a table of a bulletin can be.
    """
    places: dict[tuple[int, int], str] = {}
    for at, row in enumerate(rows):
        column = 0
        for cell in row:
            while (at, column) in places:
                column += 1
            across = min(max(cell.columns, 1), _MOST_COLUMNS)
            down = min(max(cell.rows, 1), len(rows) - at)
            if len(places) + across * down > _MOST_CELLS or column + across > _MOST_COLUMNS:
                return ()
            places.update(((at + y, column + x), cell.text) for y in range(down) for x in range(across))
            column += across
    width = max((column for _, column in places), default=-1) + 1
    if width * len(rows) > _MOST_CELLS:
        return ()
    whole = [[places.get((at, column), "") for column in range(width)] for at in range(len(rows))]
    return _without_empty(whole)


def _without_empty(rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    kept = [row for row in rows if any(row)]
    used = [at for at in range(len(kept[0]) if kept else 0) if any(row[at] for row in kept)]
    return tuple(tuple(row[at] for at in used) for row in kept)


def table_lines(rows: tuple[tuple[str, ...], ...], number: int, *, gap: bool) -> list[Line]:
    """A table as its one line. One row or one column is no table: each of its cells is a line of text."""
    if len(rows) >= 2 and len(rows[0]) >= 2:
        return [Line(table_text(rows), number, gap=gap, kind=LineKind.TABLE, rows=rows)]
    cells = [cell for row in rows for cell in row if cell]
    return [Line(cell, number, gap=gap and not at) for at, cell in enumerate(cells)]
