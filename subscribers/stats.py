"""How many follow, and what: growth, follows, channels, states and the rest, counted by the store."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from subscribers.database import Database, queries
from subscribers.model import OPTED_OUT

SQL = queries(Path(__file__).with_name("sql") / "stats.sql")
DOMAINS = 10
_QUARTER = 900  # seconds
Advance = Callable[[int], None]
PARTS = 7  # queries that take their time; `advance` is told of each


class Period(StrEnum):
    """What growth is counted by."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


# How many of each are told: a month of days, half a year of weeks, two years of months.
_SPANS = {Period.DAY: 30, Period.WEEK: 26, Period.MONTH: 24}


@dataclass(frozen=True, slots=True)
class Growth:
    """Endpoints that came and went in a period, which begins with `day`."""

    day: dt.date
    added: int = 0
    confirmed: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class Stats:
    """Endpoints of subscribers who are there, by kinds, each the most first; `follows` by tag, of all of these."""

    made_at: int
    subscribers: int
    channels: Mapping[str, Mapping[str, int]]
    states: Mapping[str, int]
    languages: Mapping[str, int]
    formats: Mapping[str, int]
    cadences: Mapping[str, int]
    domains: Mapping[str, int]
    follows: Mapping[str, int]
    period: Period
    growth: Sequence[Growth]

    @property
    def endpoints(self) -> int:
        return sum(self.states.values())


def gather(
    db: Database, period: Period, now: int, zone: dt.tzinfo | None = None, advance: Advance = lambda done: None
) -> Stats:
    """The numbers of this moment (ms). Days are those of `zone`, else of this machine."""
    standings = db.rows(SQL["standings"])
    advance(1)
    domains = dict(db.rows(SQL["domains"], {"most": DOMAINS}))
    advance(1)
    follows = Counter(dict(db.rows(SQL["follows"])))
    advance(1)
    return Stats(
        made_at=now,
        subscribers=int(db.value(SQL["subscribers"])),
        channels=_nested(standings),
        states=_by(standings, 1),
        languages=_by(standings, 2),
        formats=_by(standings, 3),
        cadences=_by(standings, 4),
        domains=domains,
        follows=dict(sorted(follows.items(), key=lambda item: (-item[1], item[0]))),
        period=period,
        growth=_growth(db, period, now, zone, advance),
    )


def _by(rows: Sequence[tuple[object, ...]], place: int) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for row in rows:
        sums[str(row[place])] += int(str(row[-1]))
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def _nested(rows: Sequence[tuple[object, ...]]) -> dict[str, dict[str, int]]:
    """States by channel."""
    return {channel: _by([row for row in rows if row[0] == channel], 1) for channel in _by(rows, 0)}


def _growth(db: Database, period: Period, now: int, zone: dt.tzinfo | None, advance: Advance) -> list[Growth]:
    today = _day(now // 1000, zone)
    starts = [begin(today, period, back) for back in reversed(range(_SPANS[period]))]
    since = int(_midnight(starts[0], zone).timestamp() * 1000)
    counts: dict[str, Counter[dt.date]] = {}
    for name in ("added", "confirmed", "withdrawn", "removed"):
        counts[name] = Counter()
        for quarter, size in db.rows(SQL[name], {"since": since, "opted_out": OPTED_OUT}):
            counts[name][begin(_day(quarter * _QUARTER, zone), period)] += size
        advance(1)
    left = counts["withdrawn"] + counts["removed"]
    return [Growth(start, counts["added"][start], counts["confirmed"][start], left[start]) for start in starts]


def _day(seconds: int, zone: dt.tzinfo | None) -> dt.date:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).astimezone(zone).date()


def _midnight(day: dt.date, zone: dt.tzinfo | None) -> dt.datetime:
    midnight = dt.datetime.combine(day, dt.time(), zone)
    return midnight if zone else midnight.astimezone()


def begin(day: dt.date, period: Period, back: int = 0) -> dt.date:
    """The first day of the period that a day is in, or of one so many periods before."""
    if period is Period.DAY:
        return day - dt.timedelta(days=back)
    if period is Period.WEEK:
        return day - dt.timedelta(days=day.weekday() + 7 * back)
    months = day.year * 12 + day.month - 1 - back
    return dt.date(months // 12, months % 12 + 1, 1)
