"""A table as templates show it: as a grid, as columns of plain text, or as records of "head: value"."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from dispatch.digests.segments import Run, Segment, as_runs, segments
from dispatch.model import Block

WIDEST_GRID = 4
"""Columns that a phone shows side by side, each of them wide enough to read."""

_BETWEEN_CELLS, _BETWEEN_ROWS = " | ", "\n"  # in a block's text
_GAP = "  "
_LEAST_WEIGHT, _MOST_WEIGHT = 8, 16  # columns of text: of four, the narrowest gets 50 pixels on a phone


class Cell(NamedTuple):
    """A cell's text, and its runs where it has emphasis or links: most have none, and there may be very many."""

    text: str
    set_off: tuple[Run, ...] = ()

    @property
    def plain(self) -> bool:
        return not self.set_off

    @property
    def runs(self) -> tuple[Run, ...]:
        return self.set_off or (Run("", (Segment(self.text),)),)

    @property
    def line(self) -> str:
        """The text on one line."""
        return " ".join(self.text.split())


@dataclass(frozen=True, slots=True)
class Record:
    """A row for itself: what it is called (its first cell), and the others that say something, each with its label
    (the head of its column and a colon, "" without a head)."""

    label: str
    name: Cell
    fields: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`head` is empty where there is but one row; all rows have as many cells."""

    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def columns(self) -> int:
        return len(self.rows[0]) if self.rows else 0

    @property
    def wide(self) -> bool:
        """Whether it is too wide to be shown side by side where nothing can be scrolled."""
        return self.columns > WIDEST_GRID

    @property
    def shares(self) -> tuple[int, ...]:
        """The width of each column in percent, by its longest cell: a number keeps its line beside long texts."""
        rows = [self.head, *self.rows] if self.head else self.rows
        longest = (max(display_width(cell.line) for cell in column) for column in zip(*rows, strict=True))
        weights = [min(max(width, _LEAST_WEIGHT), _MOST_WEIGHT) for width in longest]
        return tuple(weight * 100 // sum(weights) for weight in weights)

    @property
    def records(self) -> Iterator[Record]:
        """The rows that say something; where none does, the head as one."""
        labels = [_label(cell.line) for cell in self.head] or [""] * self.columns
        rows = [row for row in self.rows if any(cell.text.strip() for cell in row)]
        if not rows and self.head:
            labels, rows = [""] * self.columns, [self.head]
        for row in rows:
            named = zip(labels[1:], row[1:], strict=True)
            fields = tuple((label, cell) for label, cell in named if cell.text.strip())
            yield Record(labels[0] if row[0].text.strip() else "", row[0], fields)

    def aligned(self, width: int) -> tuple[str, ...]:
        """The lines of the table with its columns under each other, a character of Chinese as wide as two of Latin.
        Nothing where a line would be wider than `width`, or where the table has links, which would be lost."""
        if self.columns * (1 + len(_GAP)) > width + len(_GAP):
            return ()
        rows = ([self.head] if self.head else []) + list(self.rows)
        if any(run.href for row in rows for cell in row for run in cell.set_off):
            return ()
        lines = [[cell.line for cell in row] for row in rows]
        widths = [max(map(display_width, column)) for column in zip(*lines, strict=True)]
        if sum(widths) + len(_GAP) * (len(widths) - 1) > width:
            return ()
        if self.head:
            lines.insert(1, ["-" * size for size in widths])
        return tuple(_padded(line, widths) for line in lines)


def table_of(block: Block) -> Table:
    """The table that a block is; a line of its text is a row where it has no cells."""
    rows = block.rows or tuple((line,) for line in block.text.split(_BETWEEN_ROWS))
    width = max(map(len, rows), default=0)
    filled = tuple(row + (_EMPTY,) * (width - len(row)) for row in _cells(block, rows)) if width else ()
    return Table(filled[0], filled[1:]) if len(filled) > 1 else Table((), filled)


_EMPTY = Cell("")


def _cells(block: Block, rows: Sequence[Sequence[str]]) -> Iterator[tuple[Cell, ...]]:
    """The cells of each row, with the marks that lie in them: those are counted in the text of the whole table."""
    spelled = block.marks and _BETWEEN_ROWS.join(_BETWEEN_CELLS.join(row) for row in rows) == block.text
    if not spelled:
        for row in rows:
            yield tuple(map(Cell, row))
        return
    cutter = _Cutter(segments(block))
    for row in rows:
        made = []
        for place, text in enumerate(row):
            if place:
                cutter.take(len(_BETWEEN_CELLS))
            made.append(_cell(text, cutter.take(len(text))))
        cutter.take(len(_BETWEEN_ROWS))
        yield tuple(made)


def _cell(text: str, found: tuple[Segment, ...]) -> Cell:
    return Cell(text, as_runs(found) if any(segment.kinds for segment in found) else ())


class _Cutter:
    """Gives away segments, so many characters at a time."""

    def __init__(self, found: Sequence[Segment]) -> None:
        self._segments = iter(found)
        self._rest: Segment | None = next(self._segments, None)

    def take(self, length: int) -> tuple[Segment, ...]:
        taken = []
        while length and self._rest is not None:
            text = self._rest.text
            taken.append(self._rest._replace(text=text[:length]))
            rest, length = text[length:], length - min(length, len(text))
            self._rest = self._rest._replace(text=rest) if rest else next(self._segments, None)
        return tuple(taken)


def _label(head: str) -> str:
    """What stands before a value: the head of its column and a colon, full-width behind Chinese."""
    if not head or head[-1] in ":：":
        return head
    return f"{head}：" if _wide(head[-1]) else f"{head}: "


def _padded(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = (text + " " * (size - display_width(text)) for text, size in zip(line, widths, strict=True))
    return _GAP.join(cells).rstrip()


def display_width(text: str) -> int:
    """Columns that a text takes where letters have one width: two a character of Chinese (UAX #11), none for what
    combines with the one before. Those of ambiguous width count as wide, as in Chinese fonts."""
    return len(text) if text.isascii() else sum(map(_columns, text))


@lru_cache(maxsize=4096)
def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if _wide(character) else 1


def _wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WFA"
