"""Drawings as SVG: sizes are pixels, colours and letters come from the page's style sheet by class.

Whatever stands in a drawing as text is escaped. A drawing is made once for wide pages and once for narrow ones, for a
drawing that is scaled down has letters nobody can read.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dispatch.report.axis import step_of_counts, step_of_time, ticks_of_time

WIDE, NARROW = 786, 340  # what the page has room for, with its margins
_RIGHT = 14
_PACE = (70, 48)  # pixels between two marks of the clock, wide and narrow
_Place = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Series:
    """When deliveries of some channels were sent: (second, channel, count), in points of `seconds`; and how many
    there are to be sent on each channel."""

    points: Sequence[tuple[int, str, int]]
    seconds: int
    totals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a series that is drawn, in seconds; `after` deliveries came later, the last at `last`."""

    start: int
    end: int
    after: int
    last: int


def window(series: Series) -> Window:
    """All of it; but where the last hundredth takes as long as all before, as retries do, what comes before that."""
    start, last = series.points[0][0], series.points[-1][0] + series.seconds
    end = _when_sent(series, 0.99) + series.seconds
    span = end - start
    if last - end > span:
        return Window(start, end + max(span // 20, 1), _after(series, end + max(span // 20, 1)), last)
    return Window(start, last, 0, last)


def _when_sent(series: Series, share: float) -> int:
    """The second by which that share of all was sent."""
    wanted, seen = share * sum(count for *_, count in series.points), 0
    for second, _, count in series.points:
        seen += count
        if seen >= wanted:
            return second
    return series.points[-1][0]


def _after(series: Series, end: int) -> int:
    return sum(count for second, _, count in series.points if second >= end)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _rect(x: float, y: float, width: float, height: float, style: str, title: str = "") -> Markup:
    inner = Markup("<title>{}</title>").format(title) if title else Markup()
    numbers = tuple(map(_number, (x, y, width, height)))
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" class="{}">{}</rect>').format(*numbers, style, inner)


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> Markup:
    numbers = tuple(map(_number, (x1, y1, x2, y2)))
    return Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" class="{}"/>').format(*numbers, style)


def _text(x: float, y: float, words: str, anchor: str = "start", style: str = "t") -> Markup:
    form = Markup('<text x="{}" y="{}" text-anchor="{}" class="{}">{}</text>')
    return form.format(_number(x), _number(y), anchor, style, words)


def _svg(width: int, height: float, label: str, parts: Iterable[Markup]) -> Markup:
    form = Markup('<svg role="img" aria-label="{}" width="{}" height="{}" viewBox="0 0 {} {}">{}</svg>')
    tall = _number(height)
    return form.format(label, width, tall, width, tall, Markup().join(parts))


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale of counts from 0 to `highest`, in round steps."""

    highest: int
    step: int
    unit: str = ""

    @classmethod
    def of(cls, most: int, steps: int = 4) -> Scale:
        step = step_of_counts(most, steps)
        return cls(-(-most // step) * step, step)

    @property
    def levels(self) -> dict[int, str]:
        return {level: f"{level:,}{self.unit}" for level in range(0, self.highest + 1, self.step)}

    @property
    def room(self) -> float:
        """The pixels that its numbers take."""
        return 14 + 7.0 * max(map(len, self.levels.values()))


def _grid(scale: Scale, left: float, right: float, top: float, height: float) -> list[Markup]:
    """Level lines with their numbers."""
    found = []
    for level, words in scale.levels.items():
        y = top + height - height * level / scale.highest
        found.append(_line(left, y, right, y, "grid" if level else "axis"))
        found.append(_text(left - 6, y + 4, words, "end"))
    return found


def over_time(series: Series, shown: Window, width: int, zone: dt.tzinfo, words: Mapping[str, str]) -> Markup:
    """Two drawings on one axis of time: the share of each channel that was sent so far, and how many were sent in each
    step. `words` has `label` for the whole, and the headings `share` and `pace`."""
    top, high, low = 24.0, 150, 90
    base = top + high + 40
    step, counts = _pace(series, shown, width)
    shares, pace = Scale(100, 25, "%"), Scale.of(max(_sums(counts).values()), 3)
    left, right = max(shares.room, pace.room), width - _RIGHT
    span = max(shown.end - shown.start, 1)

    def x(second: float) -> float:
        return left + (right - left) * min(max((second - shown.start) / span, 0), 1)

    parts = [_text(0, 12, words["share"], style="h"), _text(0, base - 12, words["pace"], style="h")]
    parts += _grid(shares, left, right, top, high)
    parts += _grid(pace, left, right, base, low)
    most = max(int(right - left) // _PACE[width < WIDE], 2)
    for second, label in ticks_of_time(shown.start, shown.end, most, zone):
        parts.append(_line(x(second), top, x(second), top + high, "grid"))
        parts.append(_line(x(second), base + low, x(second), base + low + 4, "axis"))
        parts.append(_text(min(x(second), width - 18), base + low + 18, label, "middle"))
    parts += [_curve(series, channel, shown, x, top, high) for channel in series.totals]
    first = shown.start // step * step
    parts += _columns(counts, series.totals, lambda place: x(first + place * step), base, low, pace.highest)
    return _svg(width, base + low + 26, words["label"], parts)


def pace_step(series: Series, shown: Window, width: int) -> int:
    """How many seconds a column of `over_time` stands for."""
    return max(step_of_time(max(shown.end - shown.start, 1), 76 if width >= WIDE else 38), series.seconds)


def _curve(series: Series, channel: str, shown: Window, x: _Place, top: float, height: float) -> Markup:
    """What rises to what was sent in the end: within each point, and not in between."""
    total, seen = series.totals[channel], 0
    places = [(x(shown.start), top + height)]
    for second, of, count in series.points:
        if of == channel and second < shown.end:
            seen += count
            places.append((x(second), places[-1][1]))
            places.append((x(second + series.seconds), top + height - height * seen / max(total, 1)))
    places.append((x(shown.end), places[-1][1]))
    path = "M" + "L".join(f"{_number(px)} {_number(py)}" for px, py in _thinned(places))
    return Markup('<path d="{}" class="curve {}"/>').format(path, colour(channel))


def _thinned(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Not more than two points a pixel: the first and the last of each."""
    kept: list[tuple[float, float]] = []
    for place in places:
        if len(kept) > 1 and int(kept[-1][0]) == int(kept[-2][0]) == int(place[0]):
            kept[-1] = place
        else:
            kept.append(place)
    return kept


def _pace(series: Series, shown: Window, width: int) -> tuple[int, Counter[tuple[int, str]]]:
    """The seconds of a column, and the counts by (number of the column, channel)."""
    step = pace_step(series, shown, width)
    first = shown.start // step * step
    counts: Counter[tuple[int, str]] = Counter()
    for second, channel, count in series.points:
        if second < shown.end:
            counts[(second - first) // step, channel] += count
    return step, counts


def _sums(counts: Counter[tuple[int, str]]) -> Counter[int]:
    sums: Counter[int] = Counter()
    for (place, _), count in counts.items():
        sums[place] += count
    return sums


def _columns(
    counts: Counter[tuple[int, str]], channels: Iterable[str], x: _Place, top: float, height: float, highest: int
) -> list[Markup]:
    parts = []
    for place in sorted(_sums(counts)):
        left, right, bottom = x(place), x(place + 1), top + height
        for channel in channels:
            tall = height * counts[place, channel] / highest
            bottom -= tall
            if tall:
                title = f"{channel}: {counts[place, channel]:,}"
                parts.append(_rect(left + 0.5, bottom, max(right - left - 1, 0.7), tall, colour(channel), title))
    return parts


def latencies(
    bars: Sequence[tuple[int, int]],
    edges: Sequence[int],
    marks: Sequence[tuple[str, int]],
    names: Sequence[str],
    width: int,
    label: str,
) -> Markup:
    """A bar for each span of time between two of `edges`, with the words `names` under where it begins; `marks` are
    lines across, as (words, ms)."""
    top, height = 18.0 + 16 * len(marks), 140.0
    scale = Scale.of(max(count for _, count in bars))
    start = scale.room
    each = min((width - _RIGHT - start) / len(bars), 120)
    parts = _grid(scale, start, width - _RIGHT, top, height)
    every = 1 if each >= 46 else 2 if each >= 24 else 3
    for n, ((_, count), name) in enumerate(zip(bars, names, strict=True)):
        tall = height * count / scale.highest
        parts.append(
            _rect(start + n * each + 1.5, top + height - tall, each - 3, tall, "latency", f"{name}: {count:,}")
        )
        if n % every == 0:
            parts.append(_text(start + n * each + 1, top + height + 16, name))
    spans = [(edge, edges[bisect_right(edges, edge)]) for edge, _ in bars]
    for n, (words, ms) in enumerate(marks):
        parts += _mark(start + each * _place(spans, ms), 12 + 16 * n, top + height, words, width)
    return _svg(width, top + height + 24, label, parts)


def groups(
    bars: Sequence[tuple[str, Sequence[int]]], styles: Sequence[str], names: Sequence[str], width: int, label: str
) -> Markup:
    """Bars side by side over one scale: (words under them, a count for each of `styles`), whose `names` are told."""
    top, height = 10.0, 150.0
    scale = Scale.of(max((max(counts) for _, counts in bars), default=1) or 1)
    start = scale.room
    each = (width - _RIGHT - start) / max(len(bars), 1)
    wide = max((each - 3) / len(styles), 0.7)
    parts = _grid(scale, start, width - _RIGHT, top, height)
    every = max(-(-46 // max(int(each), 1)), 1)
    for n, (words, counts) in enumerate(bars):
        left = start + n * each + 1.5
        for m, (count, style, name) in enumerate(zip(counts, styles, names, strict=True)):
            tall = height * count / scale.highest
            if tall:
                title = f"{words} {name}: {count:,}"
                parts.append(_rect(left + m * wide, top + height - tall, wide, tall, style, title))
        if n % every == 0:
            parts.append(_text(left, top + height + 16, words))
    return _svg(width, top + height + 24, label, parts)


def _place(spans: Sequence[tuple[int, int]], ms: int) -> float:
    """Where a time stands among bars of one width."""
    for n, (start, end) in enumerate(spans):
        if ms < end:
            return n + max(ms - start, 0) / (end - start)
    return float(len(spans))


def _mark(x: float, y: float, bottom: float, words: str, width: int) -> list[Markup]:
    left = x > width * 0.6
    anchor, place = ("end", x - 5) if left else ("start", x + 5)
    return [_line(x, y - 8, x, bottom, "mark"), _text(place, y, words, anchor, "h")]


def stack(parts: Sequence[tuple[str, int]], label: str, height: int = 10) -> Markup:
    """A bar as wide as its place, cut in proportion; each part has the class of its name."""
    total = sum(count for _, count in parts)
    drawn, left = [], 0.0
    for name, count in parts:
        wide = 100 * count / total if total else 0
        form = Markup('<rect x="{}%" y="0" width="{}%" height="{}" class="s-{}"><title>{}</title></rect>')
        drawn.append(form.format(f"{left:.3f}", f"{wide:.3f}", height, name, f"{count:,}"))
        left += wide
    form = Markup('<svg role="img" aria-label="{}" width="100%" height="{}" class="bar">{}</svg>')
    return form.format(label, height, Markup().join(drawn))


def bar(share: float, style: str, label: str, height: int = 10) -> Markup:
    """A bar as long as its share of its place; a share above nothing can be seen."""
    wide = max(100 * share, 0.4) if share else 0
    form = Markup(
        '<svg role="img" aria-label="{}" width="100%" height="{}" class="bar">'
        '<rect width="{}%" height="{}" class="{}"/></svg>'
    )
    return form.format(label, height, f"{wide:.3f}", height, style)


_COLOURS = ("email", "telegram", "webhook")


def colour(channel: str) -> str:
    """The class of a channel's colour; those unknown to the style sheet share one."""
    return f"c-{channel}" if channel in _COLOURS else "c-other"


def legend(channels: Iterable[str], names: Mapping[str, str]) -> Markup:
    form = Markup('<li><svg width="12" height="12"><rect width="12" height="12" rx="2" class="{}"/></svg>{}</li>')
    items = (form.format(colour(channel), names.get(channel, channel)) for channel in channels)
    return Markup('<ul class="legend">{}</ul>').format(Markup().join(items))
