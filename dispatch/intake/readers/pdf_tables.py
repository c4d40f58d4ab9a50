"""Tables by their ruling lines: where horizontal and vertical lines make a grid, its cells are a table."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dispatch.intake.readers.pdf_glyph import Glyph
from dispatch.intake.readers.pdf_page import Rule
from dispatch.intake.readers.pdf_text import Stretch

_TOUCH = 3.0  # points within which lines meet
_MOST_RULES = 400  # of each direction, put together: more are a drawing
_MOST_CELLS = 5_000
_LEAST = 2  # rows and columns


@dataclass(frozen=True, slots=True)
class Table:
    """A grid of cells, as many in each row; the text of cells that are one stands in the first, the others are ""."""

    rows: tuple[tuple[str, ...], ...]
    left: float
    top: float
    right: float
    bottom: float

    @property
    def stretch(self) -> Stretch:
        """The table's place as that of a line without text."""
        return Stretch("", self.left, self.right, self.bottom, 1.0, ())


@dataclass(frozen=True, slots=True)
class _Grid:
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    flat: tuple[Rule, ...]
    upright: tuple[Rule, ...]

    def cell(self, glyph: Glyph) -> tuple[int, int] | None:
        x, y = (glyph.x0 + glyph.x1) / 2, glyph.base - glyph.size * 0.3
        if not (self.xs[0] <= x <= self.xs[-1] and self.ys[0] <= y <= self.ys[-1]):
            return None
        row, column = bisect_right(self.ys, y) - 1, bisect_right(self.xs, x) - 1
        return min(row, len(self.ys) - 2), min(column, len(self.xs) - 2)

    def open_left(self, row: int, column: int) -> bool:
        """Whether no line parts a cell from the one to the left of it."""
        middle = (self.ys[row] + self.ys[row + 1]) / 2
        return not any(
            abs(rule.x0 - self.xs[column]) <= _TOUCH and rule.y0 <= middle <= rule.y1 for rule in self.upright
        )

    def open_above(self, row: int, column: int) -> bool:
        """Whether no line parts a cell from the one above it."""
        middle = (self.xs[column] + self.xs[column + 1]) / 2
        return not any(abs(rule.y0 - self.ys[row]) <= _TOUCH and rule.x0 <= middle <= rule.x1 for rule in self.flat)


def tables_of(glyphs: Sequence[Glyph], rules: Sequence[Rule]) -> tuple[tuple[Table, ...], list[Glyph]]:
    """The tables of a page, and the glyphs that stand in none."""
    found: list[Table] = []
    loose = list(glyphs)
    for grid in _grids(rules):
        table, rest = _table(grid, loose)
        if table:
            found.append(table)
            loose = rest
    return tuple(found), loose


def _table(grid: _Grid, glyphs: list[Glyph]) -> tuple[Table | None, list[Glyph]]:
    cells: dict[tuple[int, int], list[Glyph]] = {}
    rest: list[Glyph] = []
    for glyph in glyphs:
        place = grid.cell(glyph)
        if place is None:
            rest.append(glyph)
        else:
            cells.setdefault(place, []).append(glyph)
    heads = _heads(grid)
    merged: dict[tuple[int, int], list[Glyph]] = {}
    for place, content in cells.items():
        merged.setdefault(heads[place], []).extend(content)
    texts = {place: _cell_text(content) for place, content in merged.items()}
    rows = tuple(
        tuple(texts.get((row, column), "") for column in range(len(grid.xs) - 1)) for row in range(len(grid.ys) - 1)
    )
    rows = _without_empty(rows)
    if len(rows) < _LEAST or len(rows[0]) < _LEAST:
        return None, glyphs
    return Table(rows, grid.xs[0], grid.ys[0], grid.xs[-1], grid.ys[-1]), rest


def _without_empty(rows: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """A table without rows and columns in which nothing stands: two lines drawn close to each other."""
    kept = [row for row in rows if any(row)]
    if not kept:
        return ()
    columns = [index for index in range(len(kept[0])) if any(row[index] for row in kept)]
    return tuple(tuple(row[index] for index in columns) for row in kept)


def _heads(grid: _Grid) -> dict[tuple[int, int], tuple[int, int]]:
    """For each cell the first of those it is one with."""
    heads: dict[tuple[int, int], tuple[int, int]] = {}
    for row in range(len(grid.ys) - 1):
        for column in range(len(grid.xs) - 1):
            head = (row, column)
            if column and grid.open_left(row, column):
                head = heads[row, column - 1]
            elif row and grid.open_above(row, column):
                head = heads[row - 1, column]
            heads[row, column] = head
    return heads


def _cell_text(glyphs: list[Glyph]) -> str:
    from dispatch.intake.readers.pdf_paragraphs import seam
    from dispatch.intake.readers.pdf_rows import rows_of

    text = ""
    for row in rows_of(glyphs):
        text += (seam(text, row.text) if text else "") + row.text
    return text.replace("\u00ad", "")


# Grids


def _grids(rules: Sequence[Rule]) -> list[_Grid]:
    flat = _together([rule for rule in rules if rule.flat], lambda rule: (rule.y0, rule.x0, rule.x1), _flat)
    upright = _together([rule for rule in rules if not rule.flat], lambda rule: (rule.x0, rule.y0, rule.y1), _upright)
    if not flat or not upright or len(flat) > _MOST_RULES or len(upright) > _MOST_RULES:
        return []
    grids = (_grid(*group) for group in _touching(flat, upright))
    return sorted((grid for grid in grids if grid), key=lambda grid: grid.ys[0])


def _flat(place: float, start: float, end: float) -> Rule:
    return Rule(start, place, end, place)


def _upright(place: float, start: float, end: float) -> Rule:
    return Rule(place, start, place, end)


def _together(
    rules: Sequence[Rule],
    parts: Callable[[Rule], tuple[float, float, float]],
    whole: Callable[[float, float, float], Rule],
) -> list[Rule]:
    """Lines that go on in one another as one: each cell of a table may have drawn its own."""
    found: list[Rule] = []
    level: list[tuple[float, float]] = []
    place = 0.0
    for at, start, end in [*sorted(map(parts, rules)), (float("inf"), 0.0, 0.0)]:
        if level and at - place > _TOUCH:
            found += [whole(place, *span) for span in _spans(level)]
            level = []
        if not level:
            place = at
        level.append((start, end))
    return found


def _spans(level: list[tuple[float, float]]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for start, end in sorted(level):
        if found and start <= found[-1][1] + _TOUCH:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _touching(flat: Sequence[Rule], upright: Sequence[Rule]) -> Iterable[tuple[list[Rule], list[Rule]]]:
    """Lines that cross or meet, as groups."""
    groups = list(range(len(flat) + len(upright)))

    def root(index: int) -> int:
        while groups[index] != index:
            groups[index] = groups[groups[index]]
            index = groups[index]
        return index

    for h, across in enumerate(flat):
        for v, down in enumerate(upright, len(flat)):
            if (
                across.x0 - _TOUCH <= down.x0 <= across.x1 + _TOUCH
                and down.y0 - _TOUCH <= across.y0 <= down.y1 + _TOUCH
            ):
                groups[root(h)] = root(v)
    members: dict[int, tuple[list[Rule], list[Rule]]] = {}
    for index in range(len(groups)):
        members.setdefault(root(index), ([], []))[index >= len(flat)].append(
            flat[index] if index < len(flat) else upright[index - len(flat)]
        )
    return members.values()


def _grid(flat: list[Rule], upright: list[Rule]) -> _Grid | None:
    xs = _distinct(rule.x0 for rule in upright)
    ys = _distinct(rule.y0 for rule in flat)
    cells = (len(xs) - 1) * (len(ys) - 1)
    if len(xs) <= _LEAST or len(ys) <= _LEAST or cells > _MOST_CELLS:
        return None
    return _Grid(xs, ys, tuple(flat), tuple(upright))


def _distinct(places: Iterable[float]) -> tuple[float, ...]:
    found: list[float] = []
    for place in sorted(places):
        if not found or place - found[-1] > _TOUCH:
            found.append(place)
    return tuple(found)
