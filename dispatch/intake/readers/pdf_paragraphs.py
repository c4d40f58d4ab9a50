"""Printed lines to paragraphs and headings.

A paragraph begins where the eye sees it: a first line that is indented, a gap above, a line before it that ends short,
another size or weight. Over the end of a column or a page it goes on where nothing of that shows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from dispatch.intake.folding import ends_sentence, is_enumerated
from dispatch.intake.line import Line, LineKind, table_text
from dispatch.intake.readers.pdf_rows import Column, Printed, Sheet, printed
from dispatch.intake.readers.pdf_text import Span, Stretch
from dispatch.model import Mark, MarkKind

_INDENT = 1.2  # sizes from the left edge on which a line is indented
_SLACK = 1.1  # sizes by which a full line may fall short, beside what did not fit
_GAP = 1.25  # times the usual distance of lines
_OTHER_SIZE = 0.07
_LARGER = 1.07  # times the size of the text: a heading
_DEEPEST_LEVEL = 6
_LONGEST = 20_000  # characters of a paragraph: what is longer is none, and would take long to put together
_LONGEST_BOLD = 80  # characters of a bold line that may be a heading
_APART = 0.4  # of the column's width: a line that begins beyond is set to the right
_FILLED = 0.7  # of the column's width
_SETTLED = 10  # lines on a page from which on its width says that of the text
_FIRST_LINES = 0.1  # of the lines of text are indented where paragraphs begin so
_USUAL = 4  # the distance that a fourth of the lines do not exceed is the usual one
_BULLET = re.compile(r"([•●■◆▪◦○□◇▶►➢➤✓✔★☆※–])(\s+)(?=\S)")
_TIGHT_BULLET = re.compile(r"([•▪◦➢➤])(?=\S)")
_DASH = re.compile(r"[-‐·‧∙]\s+(?=[^\s\d-])")  # is a bullet at the head of a line that is indented
_LEAST_INDENT = 0.5  # sizes
_LATIN_END = re.compile(r"(?:[A-Za-z][,.;:!?]?|\d[A-Za-z]|[A-Za-z]\d)$")
_SOFT = "\u00ad"


def lines_of(sheets: Sequence[Sheet]) -> list[Line]:
    """The lines of a document without its furniture; `number` counts them from 1."""
    found = _with_edges([line for sheet in sheets for line in printed(sheet)])
    if not found:
        return []
    form = _form(found)
    return [_line(group, form, number) for number, group in enumerate(_grouped(found, form), 1)]


def seam(left: str, right: str) -> str:
    """What stands between two printed lines that are one: a blank between Latin words, nothing in Chinese."""
    if not left or not right or not right[0].isascii() or not right[0].isalnum():
        return " " if right[:1] == "(" and _LATIN_END.search(left[-3:]) else ""
    if left[-1].isdigit() and right[0].isdigit():
        return ""
    return " " if _LATIN_END.search(left[-3:]) or (left[-1].isdigit() and right[0].isalpha()) else ""


# The form of a document


@dataclass(frozen=True, slots=True)
class _Form:
    """What is usual in a document: size and weight of its text, distances of lines by size, whether paragraphs are
    indented; `levels` ranks the sizes of headings."""

    size: float
    weight: int
    distances: dict[float, float]
    indented: bool
    levels: dict[float, int]

    def bold(self, span: Span) -> bool:
        return span.weight > self.weight

    def distance(self, size: float) -> float:
        if found := self.distances.get(_rounded(size)):
            return found
        return self.distances.get(_rounded(self.size), 1.6 * self.size) * size / self.size


@dataclass(slots=True)
class _Group:
    """Printed lines that are one: `text` and `spans` of all of them."""

    lines: list[Printed]
    gap: bool
    text: str
    spans: list[Span]

    def add(self, line: Printed) -> None:
        stretch = line.stretch
        between = seam(self.text, stretch.text)
        if self.text.endswith(_SOFT):
            self.text, between = _divided(self.text, stretch.text), ""
        shift = len(self.text) + len(between)
        self.text += between + stretch.text
        self.spans += [replace(span, start=span.start + shift, end=span.end + shift) for span in stretch.spans]
        self.lines.append(line)


def _divided(left: str, right: str) -> str:
    """A line that ends in the hyphen of a divided word, without it; a hyphen that belongs there stays."""
    bare = left[: -len(_SOFT)]
    return bare if right[:1].islower() else bare + "-"


def _with_edges(lines: list[Printed]) -> list[Printed]:
    """The lines with the edges that columns of a document share: a short column does not show its own."""
    counts = Counter((line.column.page, line.column.number) for line in lines)
    columns = {(line.column.page, line.column.number): line.column for line in lines if line.table is None}
    shared = {whole: _edges(columns, counts, whole=whole) for whole in (True, False)}
    moved = {
        key: _moved(column, *shared[column.whole], settled=counts[key] >= _SETTLED) for key, column in columns.items()
    }
    return [
        replace(line, column=moved[line.column.page, line.column.number]) if line.table is None else line
        for line in lines
    ]


def _edges(
    columns: dict[tuple[int, int], Column], counts: Counter[tuple[int, int]], *, whole: bool
) -> tuple[float | None, float]:
    """The left edge of columns that stand alone, None for others, and the width of all that have many lines."""
    own = {key: column for key, column in columns.items() if column.whole is whole}
    settled = [column for key, column in own.items() if counts[key] >= _SETTLED]
    width = median(column.right - column.left for column in settled) if settled else 0.0
    lefts = [column.left for column in settled or own.values()]
    if not whole or not lefts:
        return None, width
    return (median(lefts) if settled else min(lefts)), width


def _moved(column: Column, left: float | None, width: float, *, settled: bool) -> Column:
    if left is not None and not settled:
        column = replace(column, left=min(left, column.left))
    return replace(column, right=max(column.right, column.left + width))


def _form(lines: Sequence[Printed]) -> _Form:
    texts = [line for line in lines if line.table is None]
    sizes: Counter[float] = Counter()
    for line in texts:
        sizes[_rounded(line.stretch.size)] += len(line.stretch.text)
    size = sizes.most_common(1)[0][0] if sizes else 10.0
    own = [line for line in texts if abs(line.stretch.size - size) <= _OTHER_SIZE * size]
    weights: Counter[int] = Counter()
    for line in own:
        for span in line.stretch.spans:
            weights[span.weight] += span.end - span.start
    weight = weights.most_common(1)[0][0] if weights else 0
    return _Form(size, weight, _distances(texts), _is_indented(own), _levels(sizes, size))


def _rounded(size: float) -> float:
    return round(size * 2) / 2


def _distances(lines: Sequence[Printed]) -> dict[float, float]:
    """The usual distance of lines of each size within a column: of those that go on, where there are such."""
    going_on: dict[float, list[float]] = {}
    every: dict[float, list[float]] = {}
    for before, line in pairwise(lines):
        size = line.stretch.size
        step = line.stretch.base - before.stretch.base
        alike = abs(before.stretch.size - size) <= _OTHER_SIZE * size
        if not (alike and _same_column(before, line) and 0 < step < 4 * size):
            continue
        every.setdefault(_rounded(size), []).append(step)
        if not (before.stretch.leader or _falls_short(before, line)):
            going_on.setdefault(_rounded(size), []).append(step)
    enough = {size: steps for size, steps in every.items() if len(steps) > 1}
    enough |= {size: steps for size, steps in going_on.items() if len(steps) > 1}
    return {size: sorted(steps)[(len(steps) - 1) // _USUAL] for size, steps in enough.items()}


def _is_indented(lines: Sequence[Printed]) -> bool:
    steps = [line.stretch.x0 - line.column.left for line in lines]
    indented = sum(_INDENT <= step / line.stretch.size <= 4 for line, step in zip(lines, steps, strict=True))
    flush = sum(step < 0.5 * line.stretch.size for line, step in zip(lines, steps, strict=True))
    return indented > _FIRST_LINES * len(lines) and flush > 0


def _levels(sizes: Counter[float], size: float) -> dict[float, int]:
    """Each size larger than the text's with its level; sizes that nearly agree share one."""
    found: dict[float, int] = {}
    level, top = 0, 0.0
    for larger in sorted((each for each in sizes if each > _LARGER * size), reverse=True):
        if not level or larger < top * (1 - _OTHER_SIZE):
            level, top = min(level + 1, _DEEPEST_LEVEL), larger
        found[larger] = level
    return found


# Paragraphs


def _grouped(lines: Iterable[Printed], form: _Form) -> list[_Group]:
    found: list[_Group] = []
    for line in lines:
        last = found[-1] if found else None
        if last is None or _begins(last, line, form):
            gap = last is not None and _has_gap(last.lines[-1], line, form)
            found.append(_Group([line], gap, line.stretch.text, list(line.stretch.spans)))
        else:
            last.add(line)
    return found


def _begins(group: _Group, line: Printed, form: _Form) -> bool:
    """Whether a printed line begins a line of the document."""
    before = group.lines[-1]
    if before.table or line.table or len(group.text) > _LONGEST or before.stretch.leader or _bullet(line):
        return True
    if _other_style(before, line, form) or _has_gap(before, line, form):
        return True
    if _goes_on_to_leader(group, line):
        return False
    if _falls_short(before, line):
        return True
    if not _same_column(before, line):
        return _begins_after_cut(group, line, form)
    return _is_set_off(group, line)


def _goes_on_to_leader(group: _Group, line: Printed) -> bool:
    """Whether a line with dots is the second one of a title, the first of which left room for the page's number."""
    before = group.lines[-1]
    width = before.column.right - before.column.left
    filled = before.stretch.x1 - before.column.left > _FILLED * width
    return line.stretch.leader and filled and len(group.lines) == 1 and _same_column(before, line)


def _begins_after_cut(group: _Group, line: Printed, form: _Form) -> bool:
    """Whether a line on top of a column begins a paragraph, where no distance to the one before shows."""
    if _indent(line) > _INDENT:
        return not _hangs(group, line)
    if form.indented and abs(line.stretch.size - form.size) <= _OTHER_SIZE * form.size:
        return False
    return ends_sentence(group.text) or is_enumerated(line.stretch.text)


def _same_column(before: Printed, line: Printed) -> bool:
    same = (before.column.page, before.column.number) == (line.column.page, line.column.number)
    return same and line.stretch.base >= before.stretch.base


def _has_gap(before: Printed, line: Printed, form: _Form) -> bool:
    if not _same_column(before, line):
        return False
    step = line.stretch.base - before.stretch.base
    return step > _GAP * form.distance(max(before.stretch.size, line.stretch.size))


def _other_style(before: Printed, line: Printed, form: _Form) -> bool:
    sizes = before.stretch.size, line.stretch.size
    if abs(sizes[0] - sizes[1]) > _OTHER_SIZE * max(sizes):
        return True
    if _all_bold(before.stretch, form) == _all_bold(line.stretch, form):
        return False
    meets = form.bold(before.stretch.spans[-1]) == form.bold(line.stretch.spans[0])
    return not meets or _falls_short(before, line)


def _all_bold(stretch: Stretch, form: _Form) -> bool:
    return all(form.bold(span) for span in stretch.spans)


def _falls_short(before: Printed, line: Printed) -> bool:
    """Whether what heads a line would have had room in the one before, which therefore ends a paragraph."""
    stretch, column = before.stretch, before.column
    room = column.right - stretch.x1
    if _is_centred(before):
        room = (column.right - column.left) - (stretch.x1 - stretch.x0)
    return room > line.stretch.lead + _SLACK * stretch.size


def _is_centred(line: Printed) -> bool:
    left, right = line.stretch.x0 - line.column.left, line.column.right - line.stretch.x1
    return left > line.stretch.size and abs(left - right) < line.stretch.size


def _indent(line: Printed) -> float:
    return (line.stretch.x0 - line.column.left) / line.stretch.size


def _bullet(line: Printed) -> re.Match[str] | None:
    """The bullet at the head of a printed line, with the blanks behind it."""
    text = line.stretch.text
    return _BULLET.match(text) or (_DASH.match(text) if _indent(line) >= _LEAST_INDENT else None)


def _is_set_off(group: _Group, line: Printed) -> bool:
    """Whether the left edge of a line shows that it begins a paragraph."""
    before, size = group.lines[-1], line.stretch.size
    step = line.stretch.x0 - before.stretch.x0
    if _is_centred(before) and _is_centred(line):
        return False
    if _indent(before) * size > _APART * (before.column.right - before.column.left):
        return abs(step) > size
    if abs(step) <= 0.5 * size:
        return False  # a block that is indented as a whole; its last line falls short
    if step > 0:
        return not _hangs(group, line) and _indent(line) > _INDENT
    return len(group.lines) > 1 and -step > _INDENT * size


def _hangs(group: _Group, line: Printed) -> bool:
    """Whether a line stands below the text of an item, behind its bullet or number."""
    first = group.lines[0].stretch
    marked = _bullet(group.lines[0]) or is_enumerated(first.text)
    return bool(marked) and len(group.lines) == 1 and line.stretch.x0 - first.x0 <= 3 * first.size


# Lines


def _line(group: _Group, form: _Form, number: int) -> Line:
    first = group.lines[0]
    if first.table:
        rows = first.table.rows
        return Line(table_text(rows), number, gap=True, kind=LineKind.TABLE, page=first.column.page, rows=rows)
    text, spans = _without_soft(group.text, group.spans)
    level = form.levels.get(_rounded(first.stretch.size), 0)
    bold = len(text) <= _LONGEST_BOLD and all(form.bold(span) for span in spans)
    line = Line(text, number, level=level, bold=bold, gap=group.gap, page=first.column.page)
    line = replace(line, indent=max(0, round(_indent(first) * 2)), marks=_marks(spans, form, plain=bool(level or bold)))
    return _as_item(line, first)


def _without_soft(text: str, spans: list[Span]) -> tuple[str, list[Span]]:
    """A text without soft hyphens, which show only at the end of a line."""
    if _SOFT not in text:
        return text, spans
    before = [0]
    for char in text:
        before.append(before[-1] + (char == _SOFT))
    bare = text.replace(_SOFT, "")
    return bare, [
        replace(span, start=span.start - before[span.start], end=span.end - before[span.end]) for span in spans
    ]


def _as_item(line: Line, first: Printed) -> Line:
    found = _bullet(first) or _TIGHT_BULLET.match(line.text)
    if found is None or line.level:
        return line
    cut = found.end()
    marks = tuple(
        replace(mark, start=max(0, mark.start - cut), end=mark.end - cut) for mark in line.marks if mark.end > cut
    )
    return replace(line, text=line.text[cut:], kind=LineKind.ITEM, marks=marks)


def _marks(spans: Sequence[Span], form: _Form, *, plain: bool) -> tuple[Mark, ...]:
    """Bold stretches and links; a heading is bold as a whole."""
    found: list[Mark] = []
    for span in spans:
        if form.bold(span) and not plain:
            found = _extended(found, Mark(MarkKind.STRONG, span.start, span.end))
        if span.href:
            found = _extended(found, Mark(MarkKind.LINK, span.start, span.end, span.href))
    return tuple(sorted(found, key=lambda mark: (mark.start, -mark.end)))


def _extended(marks: list[Mark], mark: Mark) -> list[Mark]:
    """Marks with another one, which goes on in the last of its kind where a line's end divided them."""
    for index in range(len(marks) - 1, max(-1, len(marks) - 3), -1):
        last = marks[index]
        if (last.kind, last.href) == (mark.kind, mark.href) and mark.start - last.end <= 1:
            marks[index] = replace(last, end=mark.end)
            return marks
    marks.append(mark)
    return marks
