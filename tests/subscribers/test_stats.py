"""The numbers of the subscribers add up, and days are those of the place."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import directory, stats
from subscribers.database import Database
from subscribers.model import Address, Cadence, Preferences, Rhythm
from subscribers.stats import Growth, Period
from tests.acts import at
from tests.subscribers.conftest import NOW, Add, email, telegram

SHANGHAI, UTC = ZoneInfo("Asia/Shanghai"), dt.UTC
DAY = 86_400_000
TODAY = dt.date(2022, 5, 31)  # of NOW, which is midnight UTC


def test_kinds_are_counted_without_the_removed(db: Database, add: Add) -> None:
    add(email("a"), telegram("7"), follows=("park:x", "all"))
    add(Address("email", "b@qq.com", "email"), follows=("park:x",), consent="")
    add(email("c"), preferences=Preferences(Rhythm(Cadence.DAILY, minute=480), "en", "titles"))
    gone = add(email("gone"), follows=("park:x",))
    with db.transaction():
        directory.remove(db, gone, at(NOW))
    found = stats.gather(db, Period.DAY, NOW, UTC)
    assert (found.subscribers, found.endpoints) == (3, 4)
    assert found.channels == {"email": {"active": 2, "pending": 1}, "telegram": {"active": 1}}
    assert found.states == {"active": 3, "pending": 1}
    assert (found.languages, found.formats, found.cadences) == (
        {"zh": 3, "en": 1}, {"full": 3, "titles": 1}, {"now": 3, "daily": 1},
    )  # fmt: skip
    assert list(found.domains.items()) == [("example.com", 2), ("qq.com", 1)]
    assert list(found.follows.items()) == [("park:x", 3), ("all", 2)]


def grown(db: Database, period: Period, now: int, zone: dt.tzinfo) -> list[Growth]:
    found = stats.gather(db, period, now, zone).growth
    return [item for item in found if item != Growth(item.day)]


def test_growth_says_who_came_confirmed_and_left(db: Database, add: Add) -> None:
    add(email("a"), now=NOW - DAY)
    add(email("b"), consent="", now=NOW - DAY)
    gone = add(email("c"), now=NOW)
    with db.transaction():
        directory.confirm(db, 2, "a letter", at(NOW))
        directory.opt_out(db, 1, at(NOW + 1))
        directory.remove(db, gone, at(NOW + 2))
        directory.remove(db, directory.get(db, 1), at(NOW + 3))
    assert grown(db, Period.DAY, NOW + 5, UTC) == [
        Growth(TODAY - dt.timedelta(days=1), added=2, confirmed=1),
        Growth(TODAY, added=1, confirmed=2, left=2),
    ]


def test_a_day_begins_where_the_place_has_its_midnight(db: Database, add: Add) -> None:
    midnight = NOW - 8 * 3_600_000  # of Shanghai
    add(email("a"), now=midnight - 1, consent="")
    add(email("b"), now=midnight, consent="")
    assert [item.day for item in grown(db, Period.DAY, NOW, SHANGHAI)] == [TODAY - dt.timedelta(days=1), TODAY]
    assert [item.added for item in grown(db, Period.DAY, NOW, UTC)] == [2]
    kathmandu = ZoneInfo("Asia/Kathmandu")  # 5:45 before UTC
    add(email("c"), now=NOW - 5 * 3_600_000 - 45 * 60_000 - 1, consent="")
    assert [item.added for item in grown(db, Period.DAY, NOW, kathmandu)] == [3]


@pytest.mark.parametrize(
    ("period", "count", "first"),
    [
        (Period.DAY, 30, dt.date(2022, 5, 2)),
        (Period.WEEK, 26, dt.date(2021, 12, 6)),
        (Period.MONTH, 24, dt.date(2020, 6, 1)),
    ],
)
def test_a_period_is_told_of_whole_and_what_came_before_is_not(
    db: Database, add: Add, period: Period, count: int, first: dt.date
) -> None:
    start = int(dt.datetime.combine(first, dt.time(), UTC).timestamp() * 1000)
    add(email("a"), now=start - 1, consent="")
    add(email("b"), now=start, consent="")
    found = stats.gather(db, period, NOW, UTC).growth
    assert len(found) == count
    assert (found[0].day, found[0].added) == (first, 1)
    assert found[-1].day <= TODAY < stats.begin(found[-1].day, period, -1)


@given(st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1)), st.sampled_from(list(Period)), st.integers(0, 40))
def test_periods_follow_each_other_without_a_gap(day: dt.date, period: Period, back: int) -> None:
    start, after = stats.begin(day, period, back), stats.begin(day, period, back - 1)
    assert start < after
    assert stats.begin(after - dt.timedelta(days=1), period) == start
    assert stats.begin(start, period) == start


def test_nobody_at_all_is_counted_too(db: Database) -> None:
    told: list[int] = []
    found = stats.gather(db, Period.MONTH, NOW, UTC, told.append)
    assert (found.subscribers, found.endpoints, found.follows, found.domains) == (0, 0, {}, {})
    assert sum(told) == stats.PARTS
