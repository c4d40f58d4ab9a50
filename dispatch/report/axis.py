"""Scales of drawings: round steps for counts, and steps of the clock for times."""

from __future__ import annotations

import datetime as dt
import math
from bisect import bisect_left
from collections.abc import Sequence

# Seconds: what a clock's face is divided into.
_STEPS = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200),
    *(86400, 2 * 86400, 7 * 86400, 14 * 86400, 28 * 86400),
)


def step_of_time(span: float, most: int) -> int:
    """The smallest step, in seconds, that divides `span` into at most `most` parts."""
    place = bisect_left(_STEPS, span / most)
    return _STEPS[place] if place < len(_STEPS) else math.ceil(span / most / 86400) * 86400


def step_of_counts(highest: int, most: int = 4) -> int:
    """A round step (1, 2 or 5 with zeros) with at most `most` of them up to `highest`."""
    wanted = max(highest / most, 1)
    power = int(10 ** math.floor(math.log10(wanted)))
    return next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= wanted)


def ticks_of_time(start: int, end: int, most: int, zone: dt.tzinfo) -> Sequence[tuple[int, str]]:
    """(second, words) of the marks from `start` to `end`: hours and minutes, seconds where the steps are finer, and
    the day where one begins."""
    step = step_of_time(max(end - start, 1), most)
    shift = int((dt.datetime.fromtimestamp(start, zone).utcoffset() or dt.timedelta()).total_seconds())
    first = -(-(start + shift) // step) * step - shift
    found: list[tuple[int, str]] = []
    for second in range(first, end + 1, step):
        moment = dt.datetime.fromtimestamp(second, zone)
        found.append((second, moment.strftime(_form(moment, step))))
    return found


def _form(moment: dt.datetime, step: int) -> str:
    if moment.hour == moment.minute == moment.second == 0:
        return "%m-%d"
    return "%H:%M:%S" if step < 60 else "%H:%M"
