"""Glyphs to printed lines in reading order: rows, the pieces of a row, columns of text beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median

from dispatch.intake.readers.pdf_glyph import Glyph
from dispatch.intake.readers.pdf_page import Page, Rule
from dispatch.intake.readers.pdf_scripts import put_in_lines
from dispatch.intake.readers.pdf_tables import Table, tables_of
from dispatch.intake.readers.pdf_text import Stretch, stretch_of

_SAME_ROW = 0.35  # of a size: base lines that are no further apart are one row, so that a raised number is in it
_GAP = 1.2  # sizes between two pieces of a row
_LEAST_LINES = 3  # of a column of text beside another
_LEAST_WIDTH = 6.0  # sizes, the mean of its lines: a column of numbers is one of a table
_GUTTER = 0.8  # sizes
_APART = 1.6  # times the usual distance of lines
_MOST_EDGES = 12  # at which a page may be parted: those that most pieces share
_DEEPEST = 4  # columns within columns
_OVERFULL = 10  # one line in so many may go beyond the right edge


@dataclass(frozen=True, slots=True)
class Column:
    """Where a printed line may stand: the edges of its column. Lines of one column on one page share it (`number`);
    `whole` says that nothing stands beside it."""

    page: int
    number: int
    left: float
    right: float
    whole: bool


@dataclass(frozen=True, slots=True)
class Row:
    """Pieces of text on one base line, from the left."""

    pieces: tuple[Stretch, ...]

    @property
    def base(self) -> float:
        return max(self.pieces, key=lambda piece: piece.size).base

    @property
    def size(self) -> float:
        return max(piece.size for piece in self.pieces)

    @property
    def text(self) -> str:
        return " ".join(piece.text for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Printed:
    """A printed line in its column, or a whole table."""

    stretch: Stretch
    column: Column
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page without its glyphs."""

    number: int
    width: float
    height: float
    rows: tuple[Row, ...]
    tables: tuple[Table, ...]
    rules: tuple[Rule, ...]


def sheet_of(page: Page) -> Sheet:
    """The rows and tables of a page. What stands in a table is not in the rows."""
    tables, loose = tables_of(page.glyphs, page.rules)
    flat = tuple(rule for rule in page.rules if rule.flat)
    return Sheet(page.number, page.width, page.height, rows_of(loose), tables, flat)


def rows_of(glyphs: Iterable[Glyph]) -> tuple[Row, ...]:
    """The rows from the top, each cut where a wide gap is."""
    rows: list[list[Glyph]] = []
    row: list[Glyph] = []
    anchor = limit = 0.0
    for glyph in sorted(glyphs, key=lambda glyph: glyph.base):
        if row and glyph.base - anchor > _SAME_ROW * max(limit, glyph.size):
            rows.append(row)
            row = []
        if not row or glyph.size > limit:
            anchor, limit = glyph.base, glyph.size
        row.append(glyph)
    rows.append(row)
    return tuple(found for each in put_in_lines(rows) for found in _row(each))


def _row(glyphs: list[Glyph]) -> list[Row]:
    glyphs.sort(key=lambda glyph: glyph.x0)
    pieces: list[Stretch] = []
    part: list[Glyph] = []
    end = 0.0
    for glyph in glyphs:
        if glyph.char.isspace():
            if part:
                part.append(glyph)
            continue
        if part and glyph.x0 - end > _GAP * glyph.size:
            pieces += stretch_of(part)
            part = []
        part.append(glyph)
        end = max(end, glyph.x1) if len(part) > 1 else glyph.x1
    pieces += stretch_of(part)
    return [Row(tuple(pieces))] if pieces else []


def printed(sheet: Sheet) -> list[Printed]:
    """The printed lines and tables of a page in reading order."""
    return _Order(sheet).all()


@dataclass
class _Order:
    """One pass over a page; `_count` numbers its columns."""

    sheet: Sheet
    _count: int = field(default=0)

    def all(self) -> list[Printed]:
        found: list[Printed] = []
        rows = list(self.sheet.rows)
        for table in sorted(self.sheet.tables, key=lambda table: table.top):
            above = [row for row in rows if row.base < table.top]
            rows = [row for row in rows if row.base >= table.top]
            found += self._stretch(above)
            found.append(Printed(table.stretch, self._column(table.left, table.right, True), table))
        return found + self._stretch(rows)

    def _stretch(self, rows: Sequence[Row]) -> list[Printed]:
        return self._ordered(rows, 0) if rows else []

    def _ordered(self, rows: Sequence[Row], depth: int) -> list[Printed]:
        zones = _zones(rows, self.sheet.rules) if depth < _DEEPEST else []
        if not zones:
            return self._single(rows, depth == 0)
        found: list[Printed] = []
        position = 0
        for zone in zones:
            if zone.start > position:
                found += self._single(rows[position : zone.start], depth == 0)
            found += self._ordered(_side(rows[zone.start : zone.end], zone.x, left=True), depth + 1)
            found += self._ordered(_side(rows[zone.start : zone.end], zone.x, left=False), depth + 1)
            position = zone.end
        tail = rows[position:]
        return found + (self._single(tail, depth == 0) if tail else [])

    def _single(self, rows: Sequence[Row], whole: bool) -> list[Printed]:
        lines = [joined for row in rows for joined in _joined(row)]
        left, right = min(line.x0 for line in lines), _right_edge(lines)
        if whole:  # a few short lines do not show how wide the text is; what stands below them may
            right = max(right, _right_edge([row.pieces[-1] for row in self.sheet.rows]))
        column = self._column(left, right, whole)
        return [Printed(line, column) for line in lines]

    def _column(self, left: float, right: float, whole: bool) -> Column:
        self._count += 1
        return Column(self.sheet.number, self._count, left, right, whole)


def _joined(row: Row) -> list[Stretch]:
    """The pieces of a row as one line."""
    whole = row.pieces[0]
    for piece in row.pieces[1:]:
        whole = whole.beside(piece)
    return [whole]


def _right_edge(lines: Sequence[Stretch]) -> float:
    ends = sorted((line.x1 for line in lines), reverse=True)
    return ends[min(2, len(ends) // _OVERFULL)]


@dataclass(frozen=True, slots=True)
class _Zone:
    """Rows in which nothing crosses `x`: two columns stand beside each other."""

    start: int
    end: int
    x: float


def _zones(rows: Sequence[Row], rules: Sequence[Rule]) -> list[_Zone]:
    """The zones of two columns, parted at the left edge that most rows beside others begin at."""
    best: list[_Zone] = []
    most = 0
    for x in _edges(rows):
        zones = _zones_at(rows, x, rules)
        count = sum(_begin_at(row, x) for zone in zones for row in rows[zone.start : zone.end])
        if count > most:
            best, most = zones, count
    return best


def _edges(rows: Sequence[Row]) -> list[float]:
    """Left edges that at least three pieces share, but for the leftmost of all."""
    starts = sorted(piece.x0 for row in rows for piece in row.pieces)
    size = median(piece.size for row in rows for piece in row.pieces)
    found: list[tuple[int, float]] = []
    run: list[float] = []
    for start in [*starts, float("inf")]:
        if run and start - run[0] > size / 2:
            if len(run) >= _LEAST_LINES and run[0] > starts[0] + _LEAST_WIDTH * size:
                found.append((-len(run), run[0] - 0.5))
            run = []
        run.append(start)
    return [x for _, x in sorted(found)[:_MOST_EDGES]]


def _begin_at(row: Row, x: float) -> int:
    return sum(piece.x0 > x for piece in row.pieces)


def _zones_at(rows: Sequence[Row], x: float, rules: Sequence[Rule]) -> list[_Zone]:
    across = sorted(rule.y0 for rule in rules if rule.x0 < x - 30 and rule.x1 > x + 30)
    found: list[_Zone] = []
    start = 0
    for index in range(len(rows) + 1):
        ends = index == len(rows) or _crosses(rows[index], x)
        if not ends and index > start and across:
            ends = any(rows[index - 1].base < y < rows[index].base - rows[index].size / 2 for y in across)
            if ends:
                found += _zone(rows, start, index, x)
                start = index
                continue
        if ends:
            found += _zone(rows, start, index, x)
            start = index + 1
    return found


def _crosses(row: Row, x: float) -> bool:
    return any(piece.x0 <= x and piece.x1 > x - _GUTTER * piece.size for piece in row.pieces)


def _zone(rows: Sequence[Row], start: int, end: int, x: float) -> list[_Zone]:
    left = [index for index in range(start, end) if rows[index].pieces[0].x0 <= x]
    right = [index for index in range(start, end) if rows[index].pieces[-1].x0 > x]
    if min(len(left), len(right)) < _LEAST_LINES:
        return []
    if min(_mean_width(rows, left, x, True), _mean_width(rows, right, x, False)) < _LEAST_WIDTH:
        return []
    return [_Zone(start, _trimmed(rows, right[-1], end), x)]


def _mean_width(rows: Sequence[Row], indexes: Sequence[int], x: float, left: bool) -> float:
    """How many of its own sizes wide the text on one side is, in the middle of its lines."""
    return median(
        (side[-1].x1 - side[0].x0) / side[0].size
        for index in indexes
        if (side := [piece for piece in rows[index].pieces if (piece.x0 <= x) is left])
    )


def _trimmed(rows: Sequence[Row], last: int, end: int) -> int:
    """The end of a zone whose left column is the longer one: where a gap or another size shows that it is over."""
    distances = [after.base - before.base for before, after in pairwise(rows[: last + 1])]
    usual = median(distances) if distances else rows[last].size * 2
    usual = max(usual, rows[last].size)
    for index in range(last + 1, end):
        if rows[index].base - rows[index - 1].base > _APART * usual:
            return index
    return end


def _side(rows: Sequence[Row], x: float, *, left: bool) -> list[Row]:
    found = []
    for row in rows:
        pieces = tuple(piece for piece in row.pieces if (piece.x0 <= x) is left)
        if pieces:
            found.append(replace(row, pieces=pieces))
    return found
