"""The newest digest for who begins to follow: which one, once, at once but not in quiet hours, and at what cost."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

from dispatch import archive
from dispatch.archive import ColumnName
from dispatch.delivery import control, integrity, ledger, planner
from dispatch.model import IssueState
from subscribers import directory
from subscribers.model import Address, Cadence, EndpointState, Preferences, Rhythm
from tests.acts import at
from tests.delivery.conftest import EXPIRE, START, Desk, FakeChannel, make_issue, tags_of
from tests.marks import sqlite_only

COLUMNS = {"一": ["red", "blue"], "二": ["red green"]}


def came(
    desk: Desk,
    address: str,
    *follows: str,
    preferences: Preferences | None = None,
    channel: str = "email",
    consent: str = "test",
) -> int:
    """Somebody who begins to follow and wants the newest digest."""
    with desk.db.transaction():
        added = directory.add(
            desk.db,
            name="",
            addresses=[Address(channel, address, channel)],
            follows=follows,
            preferences=preferences or Preferences(),
            consent=consent,
            act=at(desk.clock.now()),
            first=True,
        )
    return directory.get(desk.db, added).endpoints[0].id


def plan(desk: Desk, page: int = planner.FIRSTS) -> int:
    """All pages; how many deliveries they add."""
    total = 0
    while (added := planner.plan_firsts(desk.db, EXPIRE, desk.clock.now(), page)) is not None:
        total += added
    return total


async def published(desk: Desk, total: int = 534, date: dt.date | None = None, **columns: list[str]) -> int:
    """An issue that was sent; `_` takes the usual columns."""
    made = replace(make_issue(columns or COLUMNS, total), date=date or dt.date(2022, 3, 15))
    with desk.db.transaction():
        added = archive.add(
            desk.db,
            made,
            source="test",
            warnings=(),
            column_name=lambda bulletin, column: ColumnName(column.name, ""),
            tags_of=tags_of,
            now=desk.clock.now(),
        )
        archive.approve(desk.db, archive.load(desk.db, added.id), "test", desk.clock.now())
    desk.plan()
    await desk.drain(FakeChannel())
    assert desk.issue_state(added.id) == IssueState.SENT
    return added.id


def left(desk: Desk) -> int:
    return int(desk.db.value("SELECT COUNT(*) FROM firsts"))


async def test_a_new_follower_gets_the_newest_digest_once_in_the_variant_of_all_they_follow(desk: Desk) -> None:
    issue = await published(desk)
    came(desk, "a", "topic:blue", "topic:green")
    assert plan(desk) == 1
    assert desk.issue_state(issue) == IssueState.SENDING
    channel = FakeChannel()
    await desk.drain(channel)
    assert desk.states() == {"a 一": "sent"}  # the first column of those that carry something
    assert [entry.article.title for entry in channel.pages[0].content.sections[0].matching] == ["blue"]
    assert desk.issue_state(issue) == IssueState.SENT
    assert plan(desk) == 0
    assert left(desk) == 0
    assert list(integrity.examine(desk.db)) == []


async def test_all_their_follows_make_the_variant_also_those_without_a_wish(desk: Desk) -> None:
    await published(desk)
    endpoint_id = desk.reader("a", "topic:red")
    with desk.db.transaction():
        directory.follow(desk.db, endpoint_id, ["topic:blue"], at(desk.clock.now()), first=True)
    assert plan(desk) == 1
    assert desk.db.value("SELECT variant FROM deliveries") == 3


async def test_the_latest_date_wins_then_the_highest_number(desk: Desk) -> None:
    await published(desk, 540, dt.date(2022, 1, 1), 甲=["red"])
    await published(desk, 534, dt.date(2022, 5, 1), 乙=["red"])
    await published(desk, 535, dt.date(2022, 5, 1), 丙=["red"])
    await published(desk, 536, dt.date(2022, 6, 1), 丁=["blue"])
    came(desk, "a", "topic:red")
    assert plan(desk) == 1
    assert desk.states() == {"a 丙": "planned"}


async def test_who_had_it_already_gets_nothing_more_and_no_older_one(desk: Desk) -> None:
    endpoint_id = desk.reader("a", "topic:red")
    await published(desk, 533, dt.date(2022, 3, 1), 甲=["blue"])
    await published(desk, 534, dt.date(2022, 4, 1), 乙=["red blue"])
    with desk.db.transaction():
        directory.follow(desk.db, endpoint_id, ["topic:blue"], at(desk.clock.now()), first=True)
    assert plan(desk) == 0
    assert desk.states() == {"a 乙": "sent"}
    assert left(desk) == 0


async def test_without_an_issue_that_carries_it_the_wish_is_used_up(desk: Desk) -> None:
    await published(desk)
    came(desk, "a", "topic:violet")
    assert plan(desk) == 0
    assert left(desk) == 0


async def test_what_was_cancelled_or_waits_for_a_person_is_no_newest_digest(desk: Desk) -> None:
    old = await published(desk, 534, dt.date(2022, 1, 1), 甲=["red"])
    part = await published(desk, 535, dt.date(2022, 2, 1), 乙=["red"])
    desk.issue({"丙": ["red"]}, 536, approve=False)
    with desk.db.transaction():
        desk.db.run(control.SQL["cancel"], {"issue": part, "column": -1, "channel": "email", "now": 1, "by": "test"})
    whole = desk.issue({"丁": ["red"]}, 537)
    with desk.db.transaction():
        archive.change_state(desk.db, archive.load(desk.db, whole), IssueState.CANCELLED)
    came(desk, "a", "topic:red")
    came(desk, "1", "topic:red", channel="telegram")
    assert plan(desk) == 2
    assert desk.states() == {"a 甲": "planned", "1 乙": "planned"}
    assert desk.issue_state(old) == IssueState.SENDING


async def test_who_is_pending_gets_it_when_they_are_active(desk: Desk) -> None:
    await published(desk)
    endpoint_id = came(desk, "a", "topic:red", consent="")
    assert plan(desk) == 0
    assert left(desk) == 1
    with desk.db.transaction():
        directory.confirm(desk.db, endpoint_id, "test", at(desk.clock.now()))
    assert plan(desk) == 1


async def test_what_is_followed_no_more_brings_nothing(desk: Desk) -> None:
    await published(desk)
    endpoint_id = came(desk, "a", "topic:red")
    with desk.db.transaction():
        directory.unfollow(desk.db, endpoint_id, ["topic:red"], at(desk.clock.now()))
    assert plan(desk) == 0
    assert left(desk) == 0


async def test_it_is_due_at_once_whatever_the_cadence_but_quiet_hours_hold(desk: Desk) -> None:
    china = ZoneInfo("Asia/Shanghai")
    night = int(dt.datetime(2026, 3, 1, 23, tzinfo=china).timestamp() * 1000)
    await published(desk)
    desk.clock.ms = night
    weekly = Rhythm(cadence=Cadence.WEEKLY, weekday=4, minute=8 * 60)
    came(desk, "a", "topic:red", preferences=Preferences(weekly))
    came(desk, "b", "topic:red", preferences=Preferences(replace(weekly, quiet_from=22 * 60, quiet_until=7 * 60)))
    assert plan(desk) == 2
    assert desk.message("a")["due_at"] == night
    assert desk.message("b")["due_at"] == night + 8 * 3_600_000


async def test_pages_are_whole(desk: Desk) -> None:
    await published(desk)
    for number in range(7):
        came(desk, f"r{number}", "topic:red", "topic:green", consent="test" if number != 2 else "")
    assert planner.plan_firsts(desk.db, EXPIRE, START, page=2) == 2
    assert planner.plan_firsts(desk.db, EXPIRE, START, page=2) == 2
    assert plan(desk, page=2) == 2
    assert left(desk) == 2  # of the one that is pending
    assert desk.db.value("SELECT COUNT(*) FROM messages WHERE state = 'queued'") == 6
    assert desk.db.value("SELECT COUNT(*) FROM deliveries WHERE message_id IS NULL") == 0


async def test_who_left_in_the_meantime_gets_nothing(desk: Desk) -> None:
    await published(desk)
    endpoint_id = came(desk, "a", "topic:red")
    plan(desk)
    with desk.db.transaction():
        directory.set_state(desk.db, endpoint_id, EndpointState.SUPPRESSED, "test", at(desk.clock.now()))
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.sends == []
    assert desk.states() == {"a 一": "suppressed"}


@sqlite_only
async def test_many_endpoints_and_follows_are_not_read_for_a_few_firsts(desk: Desk) -> None:
    """By the plan of each statement: nothing as large as endpoints, follows, deliveries or messages is scanned."""
    for name in ("plan_firsts", "plan_first_messages", "join_first_messages", "use_firsts", "first_edge"):
        with desk.db.transaction():
            desk.db.run(ledger.SQL["create_plan_due"])
            rows = desk.db.all(f"EXPLAIN QUERY PLAN {ledger.SQL[name]}", {"last": 9, "now": 1, "page": 5})
        for row in rows:
            scanned = [f"SCAN {word}" for word in ("e", "w", "o", "d", "m", "endpoints", "follows", "deliveries")]
            assert not any(row["detail"] == scan or row["detail"].startswith(f"{scan} ") for scan in scanned), row
    (search, *_) = desk.db.all(f"EXPLAIN QUERY PLAN {ledger.SQL['join_first_messages']}", {"last": 9})
    assert "deliveries_by_endpoint" in search["detail"]  # those without a message are many after years
