"""Scales and drawings: round steps, no number beyond the frame, however odd the data."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.report import drawing
from dispatch.report.axis import step_of_counts, step_of_time, ticks_of_time
from dispatch.report.drawing import NARROW, WIDE, Series
from dispatch.report.outcome import EDGES

SHANGHAI = ZoneInfo("Asia/Shanghai")
WORDS = {"label": "l", "share": "s", "pace": "p"}


@given(st.integers(1, 10**12), st.integers(1, 10))
def test_steps_of_counts_are_round_and_few(highest: int, most: int) -> None:
    step = step_of_counts(highest, most)
    assert str(step).rstrip("0") in ("1", "2", "5")
    assert -(-highest // step) <= most or step == 1


@given(st.integers(1, 10**9), st.integers(2, 80))
def test_steps_of_time_are_few(span: int, most: int) -> None:
    assert span / step_of_time(span, most) <= most


def test_marks_of_the_clock_stand_on_full_hours_of_the_place() -> None:
    start = int(dt.datetime(2022, 3, 15, 22, 10, tzinfo=SHANGHAI).timestamp())
    words = [word for _, word in ticks_of_time(start, start + 4 * 3600, 5, SHANGHAI)]
    assert words == ["23:00", "03-16", "01:00", "02:00"]
    words = [word for _, word in ticks_of_time(start, start + 30, 4, ZoneInfo("Asia/Kolkata"))]
    assert words[0] == "19:40:00"


def numbers(svg: str) -> list[float]:
    found = re.findall(r'\b(?:x|x1|x2|y|y1|y2|width|height)="(-?[\d.]+)"', svg)
    return [float(number) for number in found]


@pytest.mark.parametrize("width", [WIDE, NARROW])
@given(counts=st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), min_size=1, max_size=60))
def test_groups_of_bars_stay_within_their_frame(width: int, counts: list[tuple[int, int]]) -> None:
    bars = [(f"{n}", pair) for n, pair in enumerate(counts)]
    svg = str(drawing.groups(bars, ["g-added", "g-left"], ["<in>", "out"], width, "l & m"))
    assert "<in>" not in svg
    assert svg.count("<title>") == sum(bool(count) for pair in counts for count in pair)
    assert all(-0.1 <= number <= width + 0.1 for number in numbers(svg))


points = st.lists(
    st.tuples(st.integers(0, 10**7), st.sampled_from(["email", "telegram", "fax"]), st.integers(1, 10**6)),
    min_size=1,
    max_size=60,
    unique_by=lambda item: item[:2],
)


@pytest.mark.parametrize("width", [WIDE, NARROW])
@given(points=points)
def test_a_drawing_over_time_stays_within_its_frame(width: int, points: list[tuple[int, str, int]]) -> None:
    totals: dict[str, int] = {}
    for _, channel, count in points:
        totals[channel] = totals.get(channel, 0) + count
    series = Series(sorted(points), 1, totals)
    svg = str(drawing.over_time(series, drawing.window(series), width, dt.UTC, WORDS))
    assert all(0 <= number <= max(width, 400) for number in numbers(svg))
    assert svg.count("<path") == len(totals)


def test_few_stragglers_do_not_flatten_the_rest() -> None:
    bulk = [(second, "email", 10) for second in range(100)]
    series = Series([*bulk, (80_000, "email", 1), (90_000, "email", 2)], 1, {"email": 1003})
    shown = drawing.window(series)
    assert (shown.start, shown.after, shown.last) == (0, 3, 90_001)
    assert 100 <= shown.end <= 110
    assert drawing.window(Series(bulk, 1, {"email": 1000})).after == 0


def test_the_curve_ends_at_what_was_sent_of_what_was_owed() -> None:
    series = Series([(0, "email", 1), (10, "email", 1)], 1, {"email": 4})
    svg = str(drawing.over_time(series, drawing.window(series), WIDE, dt.UTC, WORDS))
    path = re.findall(r'<path d="M(.*?)"', svg)[0]
    assert [point.split()[1] for point in path.split("L")][-1] == "99"  # half of 150 above the ground at 174


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=len(EDGES)).filter(any), st.integers(0, EDGES[-1]))
def test_a_drawing_of_latencies_stays_within_its_frame(counts: list[int], mark: int) -> None:
    bars = list(zip(EDGES, counts, strict=False))
    names = [str(edge) for edge, _ in bars]
    svg = str(drawing.latencies(bars, (*EDGES, EDGES[-1] * 2), [("m", mark)], names, NARROW, "l"))
    assert all(0 <= number <= NARROW for number in numbers(svg))


def test_words_in_a_drawing_are_escaped() -> None:
    svg = str(drawing.stack([("sent", 1)], '"><script>'))
    assert "<script>" not in svg
    assert "c-other" in str(drawing.legend(['"><b>'], {}))
    assert "<b>" not in str(drawing.legend(['"><b>'], {}))


def test_bars_are_cut_in_proportion_and_show_whatever_there_is() -> None:
    assert re.findall(r'width="([\d.]+)%"', str(drawing.stack([("sent", 3), ("failed", 1)], "l"))) == [
        *("100", "75.000", "25.000"),
    ]
    assert 'width="0.400%"' in str(drawing.bar(0.00001, "s-sent", "l"))
    assert 'width="0.000%"' in str(drawing.bar(0, "s-sent", "l"))
