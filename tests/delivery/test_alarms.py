"""Incidents: told once, over once, never in storms."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from dispatch import archive
from dispatch.delivery import alarms, lanes
from dispatch.delivery.alarms import MOST_AN_HOUR, SETTLED_MS, Watch
from dispatch.delivery.notices import Approvers
from dispatch.delivery.store import Store
from subscribers.database import SCHEMA, Database
from subscribers.errors import DatabaseError
from subscribers.model import Address
from tests.delivery.conftest import START, Desk, FakeClock

MINUTE = 60_000
APPROVERS = Approvers(
    (Address("email", "chief@x.test", "email"), Address("telegram", "-5", "telegram")),
    "zh",
    "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0",
)


def fail(db: Database, name: str = "https://x.test/feed?key=secret", failures: int = 3, since: int = START) -> None:
    db.run(
        "INSERT INTO sources (name, state, checked_at, failures, failing_since, last_error)"
        " VALUES (:name, '{}', 0, :failures, :since, :error)"
        " ON CONFLICT (name) DO UPDATE SET failures = :failures, failing_since = :since",
        {"name": name, "failures": failures, "since": since, "error": f"{name}: no answer"},
    )


def told(db: Database) -> list[list[Any]]:
    rows = db.all("SELECT content FROM messages WHERE kind = 'alarm' AND channel = 'email' ORDER BY id")
    return [json.loads(row["content"])["alarm"] for row in rows]


def watch(desk: Desk, minutes: float = 0) -> int:
    return alarms.watch(desk.db, APPROVERS, START + round(minutes * MINUTE))


def test_a_source_that_fails_is_told_once_and_once_when_it_is_well(desk: Desk) -> None:
    fail(desk.db)
    assert watch(desk) == 2
    assert [watch(desk, minute) for minute in range(1, 30)] == [0] * 29
    assert told(desk.db) == [["source", "https://x.test/feed", "https://x.test/feed: no answer", START, 0]]
    fail(desk.db, failures=0)
    assert [watch(desk, 30 + minute) for minute in range(6)] == [0, 0, 0, 0, 0, 2]
    assert told(desk.db)[1][3:] == [START, START + 30 * MINUTE]
    assert watch(desk, 40) == 0
    fail(desk.db)
    assert watch(desk, 50) == 2  # another incident


@pytest.mark.parametrize(("failures", "minutes", "count"), [(1, 0, 0), (2, 59, 0), (3, 0, 2), (1, 60, 2)])
def test_what_fails_once_or_twice_is_told_after_an_hour(desk: Desk, failures: int, minutes: int, count: int) -> None:
    fail(desk.db, failures=failures)
    assert watch(desk, minutes) == count


def test_what_comes_and_goes_is_one_incident(desk: Desk) -> None:
    fail(desk.db)
    watch(desk)
    for minute in range(1, 60, 2):
        fail(desk.db, failures=0)
        assert watch(desk, minute) == 0
        fail(desk.db)
        assert watch(desk, minute + 1) == 0
    assert len(told(desk.db)) == 1


def test_a_lane_is_told_when_it_has_stood_for_ten_minutes(desk: Desk) -> None:
    lanes.rest(desk.db, "email:default", "email", "nobody answers", START)
    lanes.rest(desk.db, "email:default>qq.com", "email", "too many", START)
    assert [watch(desk, minute) for minute in (0, 5, 9.9, 10, 11)] == [0, 0, 0, 2, 0]
    assert told(desk.db) == [["lane", "email:default", "nobody answers", START, 0]]
    desk.db.run("UPDATE lanes SET breaker = 'closed'")
    assert [watch(desk, minute) for minute in (12, 17)] == [0, 2]


def test_a_lane_that_goes_on_before_is_not_told_of(desk: Desk) -> None:
    lanes.rest(desk.db, "email:default", "email", "nobody answers", START)
    watch(desk)
    desk.db.run("UPDATE lanes SET breaker = 'closed'")
    assert [watch(desk, minute) for minute in (5, 11, 20)] == [0, 0, 0]
    assert told(desk.db) == []


def test_an_issue_of_which_something_expired_is_told_once(desk: Desk) -> None:
    desk.reader("a@example.com", "all")
    desk.issue({"一": ["a"]})
    desk.plan()
    assert watch(desk) == 0
    desk.db.run("UPDATE deliveries SET state = 'expired', ended_at = :now", {"now": START})
    assert [watch(desk, minute) for minute in range(3)] == [2, 0, 0]
    assert told(desk.db)[0][:3] == ["expired", "534", "火炬动态"]
    desk.db.run("UPDATE deliveries SET state = 'sent'")
    assert [watch(desk, minute) for minute in (3, 20)] == [0, 0]


def test_there_are_no_storms(desk: Desk) -> None:
    for number in range(MOST_AN_HOUR + 5):
        fail(desk.db, f"https://x.test/{number:02d}")
    assert watch(desk) == MOST_AN_HOUR * 2
    assert watch(desk, 30) == 0
    assert watch(desk, 61) == 5 * 2
    assert len(told(desk.db)) == MOST_AN_HOUR + 5


def test_nothing_is_written_where_nothing_is_wrong(desk: Desk) -> None:
    assert watch(desk) == 0
    assert desk.db.value("SELECT COUNT(*) FROM alarms") == 0


def test_incidents_are_forgotten_after_a_day(desk: Desk) -> None:
    fail(desk.db)
    watch(desk)
    fail(desk.db, failures=0)
    watch(desk, 1)
    watch(desk, 1 + SETTLED_MS / MINUTE)
    fail(desk.db, "other")
    watch(desk, 2 * 24 * 60)
    assert desk.db.value("SELECT COUNT(*) FROM alarms") == 1


async def test_a_store_that_could_not_be_used_is_told_of_when_it_can(tmp_path: Path) -> None:
    path, clock = tmp_path / "store.db", FakeClock()

    def connect() -> Database:
        return Database.open(f"sqlite:///{path}", (SCHEMA, archive.SCHEMA))

    db = connect()
    fail(db)
    db.close()
    async with Store(connect) as store:
        looking = Watch(store, APPROVERS, clock)
        other = sqlite3.connect(path)
        other.execute("ALTER TABLE sources RENAME TO hidden")
        for _ in range(2):
            with pytest.raises(DatabaseError):
                await looking.look()
            clock.ms += 2 * MINUTE
        other.execute("ALTER TABLE hidden RENAME TO sources")
        other.close()
        assert await looking.look() == 4  # and of the source
        assert await looking.look() == 0
        found = await store.call(told)
    store_alarm = next(alarm for alarm in found if alarm[0] == "store")
    assert store_alarm[3:] == [START, START + 4 * MINUTE]
