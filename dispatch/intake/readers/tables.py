"""Tables as rows of cells, as many in each row, whatever cells span."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dispatch.intake.line import Line, LineKind, table_text

_MOST_COLUMNS = 100
_MOST_CELLS = 20_000
_LONGEST_HEAD = 20  # characters
_LONGEST_VALUE = 60
_FIGURE = re.compile(r"[-+]?\d[\d.,]*\s*(?:%|‰|[亿万千百]?[元家个项人件亩户所台套吨米]?)|[-—–/]")
_PAGE = re.compile(r"[-–—·.…\s(（]*\d{1,3}[-–—·.…\s)）]*")
_LISTING = re.compile(r"目\s*[录次]|页\s*[码次数]|contents|page", re.IGNORECASE)
_IMPRINT = re.compile(
    r"[\[【〔]|第\s*[\d一二三四五六七八九十〇零]+\s*期|\d{4}\s*年\s*\d{1,2}\s*月|"
    r"(?:地\s*址|电\s*话|邮\s*编|传\s*真|网\s*址|邮\s*箱|主\s*编|编\s*辑|主\s*办|承\s*办|审\s*[核稿])(?:$|[:：])"
)
_ANNOUNCED = re.compile(r"[下附]表|列表如下|(?:^|[如见为,，。;；(（])表\s?[\d一二三四五六七八九十]")
_END = 40  # characters of a paragraph in which it speaks of what follows it


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


def announces(text: str) -> bool:
    """Whether a line says that a table follows: as shown in the table below, Table 1."""
    return _ANNOUNCED.search(text, max(0, len(text) - _END)) is not None


def tells(rows: Sequence[Sequence[str]], *, announced: bool) -> bool:
    """Whether rows without ruling lines are a table by what is in them: a head and figures below it, or any short cells
    where the line before announces a table. A masthead, a list of contents and an imprint are none."""
    if len(rows) < 2 or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        return False
    cells = [cell for row in rows for cell in row]
    if any(len(cell) > _LONGEST_VALUE for cell in cells) or lists_pages(rows):
        return False
    if not announced and any(map(_IMPRINT.search, cells)):
        return False
    head, values = rows[0], [cell for row in rows[1:] for cell in row[1:] if cell]
    if not all(head[1:]) or any(len(cell) > _LONGEST_HEAD or _FIGURE.fullmatch(cell) for cell in head if cell):
        return False
    return announced or (bool(values) and 2 * sum(map(is_figure, values)) >= len(values))


def is_figure(cell: str) -> bool:
    """Whether a cell holds a number, with its unit or without."""
    return _FIGURE.fullmatch(cell) is not None


def lists_pages(rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows are a list of contents: the last of two columns has numbers of pages, none below the one before."""
    if len(rows[0]) != 2:
        return False
    if any(_LISTING.fullmatch(cell.strip()) for cell in rows[0]):
        return True
    last = [row[1] for row in rows]
    if not last[0] or not all(_PAGE.fullmatch(cell) or not cell for cell in last):
        return False
    pages = [int(re.sub(r"\D", "", cell)) for cell in last if cell]
    return pages == sorted(pages)
