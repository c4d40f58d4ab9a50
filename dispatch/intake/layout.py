"""Tables that only lay a masthead or a contents list out: their cells as lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from dispatch.intake.folding import LONGEST_HEADING, bracketed, heading_key, is_prose
from dispatch.intake.line import Line, LineKind
from dispatch.intake.masthead import is_contents_label
from dispatch.intake.numbering import pieces_of

_REACH = 60  # lines from the top within which such a table stands
_MOST_ROWS = 300
_PAGE = re.compile(r"[Pp第]?\s*\d{1,3}\s*页?")
_LEADER = re.compile(r"[\s.…·．⋯_]*(?:\d{1,3})?$")
_LONGEST_NAME = 4  # characters of a cell that is taken for an author's name


def laid_out(lines: Sequence[Line]) -> list[Line]:
    """The lines with the cells of such tables near the top as lines of their own. Other tables stay whole."""
    if not any(line.kind is LineKind.TABLE for line in lines[:_REACH]):
        return list(lines)
    later: dict[str, int] = {}
    for at, line in enumerate(lines):
        if line.kind in (LineKind.TEXT, LineKind.ITEM) and len(line.text) <= LONGEST_HEADING:
            later.setdefault(heading_key(line.text), at)
    found: list[Line] = []
    for index, line in enumerate(lines):
        if index >= _REACH or line.kind is not LineKind.TABLE:
            found.append(line)
        elif _is_contents(line, later) or (found and is_contents_label(found[-1].text)):
            found += _as_lines(line, _entries(line.rows, later))
        elif _is_masthead(line):
            found += _as_lines(line, [cell for row in line.rows for cell in dict.fromkeys(row) if cell.strip()])
        else:
            found.append(line)
    return found


def _as_lines(line: Line, texts: Sequence[str]) -> list[Line]:
    return [
        replace(line, text=" ".join(text.split()), kind=LineKind.TEXT, rows=(), marks=(), gap=line.gap and not at)
        for at, text in enumerate(texts)
    ]


def _cells(line: Line) -> list[str]:
    return [cell for row in line.rows for cell in row if cell.strip()]


def _is_masthead(line: Line) -> bool:
    cells = _cells(line)
    if len(cells) > 30 or any(is_prose(cell) and not pieces_of(cell).any for cell in cells):
        return False
    return any(piece.number or piece.total for piece in map(pieces_of, cells))


def _is_contents(line: Line, later: Mapping[str, int]) -> bool:
    """Whether half of the rows, two at least, have a cell that comes again as a line."""
    if not 2 <= len(line.rows) <= _MOST_ROWS or any(is_prose(cell) for cell in _cells(line)):
        return False
    again = sum(any(_key(cell) in later for cell in row if cell.strip()) for row in line.rows)
    return again >= 2 and again * 2 >= len(line.rows)


def _key(cell: str) -> str:
    pair = bracketed(cell)
    return heading_key(pair[1] if pair and pair[1] else _LEADER.sub("", cell))


def _entries(rows: Sequence[Sequence[str]], later: Mapping[str, int]) -> list[str]:
    """The cells that are columns and titles, row by row; or column by column, where the text has them in that order: a
    list in two columns side by side."""
    width = max(map(len, rows), default=0)
    down = _row_by_row([[row[at] if at < len(row) else "" for row in rows] for at in range(width)], later)
    across = _row_by_row(rows, later)
    return down if _in_order(down, later) > _in_order(across, later) else across


def _in_order(cells: Sequence[str], later: Mapping[str, int]) -> int:
    """How often a cell and the next one stand in the text in this order."""
    places = [later[key] for cell in cells if (key := _key(cell)) in later]
    return sum(one < other for one, other in pairwise(places))


def _row_by_row(rows: Sequence[Sequence[str]], later: Mapping[str, int]) -> list[str]:
    found: list[str] = []
    above: tuple[str, ...] = ()
    for row in rows:
        cells = tuple(dict.fromkeys(cell for cell in row if _is_entry(cell, later)))
        found += [cell for cell in cells if cell not in above]  # a cell that is merged downwards stands in each row
        above = cells
    return found


def _is_entry(cell: str, later: Mapping[str, int]) -> bool:
    if not cell.strip() or _PAGE.fullmatch(cell.strip()):
        return False
    return len(cell.strip()) > _LONGEST_NAME or bracketed(cell) is not None or _key(cell) in later
