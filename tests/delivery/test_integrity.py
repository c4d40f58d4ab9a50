"""What must be so in the ledger, and what can be put right."""

from __future__ import annotations

import pytest

from dispatch.delivery import integrity
from dispatch.delivery.integrity import Repaired, examine, repair
from dispatch.model import Rejected
from subscribers.model import Preferences
from tests.delivery.conftest import EXPIRE, Desk, FakeChannel
from tests.marks import sqlite_only


def prepared(desk: Desk, readers: int = 3) -> None:
    for number in range(readers):
        desk.reader(f"r{number}", "topic:red")
    desk.issue({"一": ["red"]})
    desk.plan()


def change(desk: Desk, *statements: str) -> None:
    """What no code of ours does."""
    with desk.db.transaction():
        for statement in statements:
            desk.db.run(statement)


def found(desk: Desk) -> dict[str, tuple[int, int]]:
    return {fault.name: (fault.count, fault.example) for fault in examine(desk.db)}


async def test_nothing_is_found_at_any_stage_of_a_send(desk: Desk) -> None:
    assert found(desk) == {}
    prepared(desk)
    assert found(desk) == {}
    seen: list[dict[str, tuple[int, int]]] = []

    def look(envelope: object, part: int) -> Rejected:
        other = desk.connect()
        seen.append({fault.name: (fault.count, fault.example) for fault in examine(other)})
        other.close()
        return Rejected("no")

    await desk.drain(FakeChannel(answer=look))
    assert seen == [{}, {}, {}]
    assert found(desk) == {}


FAULTS = {
    "delivery_word": "UPDATE deliveries SET state = 'lost' WHERE id >= 2",
    "delivery_alone": "UPDATE deliveries SET message_id = NULL WHERE id >= 2",
    "delivery_left": "UPDATE messages SET state = 'sent', ended_at = 5 WHERE id >= 2",
    "delivery_time": "UPDATE deliveries SET ended_at = 5 WHERE id >= 2",
    "delivery_elsewhere": "UPDATE messages SET endpoint_id = 77 WHERE id >= 2",
    "delivery_other": "UPDATE deliveries SET state = 'sent', ended_at = 5 WHERE id >= 2",
    "message_unheld": "UPDATE messages SET state = 'sending' WHERE id >= 2",
    "message_owned": "UPDATE messages SET owner = 'x' WHERE id >= 2",
    "message_time": "UPDATE messages SET ended_at = 5 WHERE id >= 2",
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_found_counted_and_shown(desk: Desk, name: str) -> None:
    prepared(desk)
    change(desk, FAULTS[name])
    assert found(desk) == {name: (2, 2)}
    [fault] = examine(desk.db)
    assert str(fault).startswith("2 ")
    assert f"(the first: {name.partition('_')[0]} 2); " in str(fault)


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("issue_word", "UPDATE issues SET state = 'lost'"),
        ("issue_open", "UPDATE issues SET state = 'sent'"),
        ("endpoint_word", "UPDATE endpoints SET state = 'lost' WHERE id = 1"),
        ("message_word", "UPDATE messages SET state = 'lost' WHERE id = 1"),
        ("delivery_elsewhere", "UPDATE messages SET digest_id = 77 WHERE id = 1"),
    ],
)
def test_words_and_whole_issues_are_looked_at_too(desk: Desk, name: str, statement: str) -> None:
    prepared(desk)
    change(desk, statement)
    assert found(desk) == {name: (1, 1)}


def test_every_fault_has_words() -> None:
    named = {name for query in integrity.SQL.values() for name in integrity._FAULTS if f"'{name}'" in query}
    assert named == set(integrity._FAULTS)


def test_a_ledger_in_many_slices_is_looked_at_whole(desk: Desk) -> None:
    prepared(desk, readers=5)
    change(desk, "UPDATE deliveries SET message_id = NULL WHERE id IN (2, 5)")
    ticks: list[tuple[str, int, int]] = []
    [fault] = examine(desk.db, lambda *done: ticks.append(done), rows=2)
    assert (fault.count, fault.example) == (2, 2)
    assert ticks == [(table, done, 5) for table in ("messages", "deliveries") for done in (2, 4, 5)]


async def test_deliveries_without_a_message_are_sent_after_a_repair(desk: Desk) -> None:
    prepared(desk)
    change(desk, "UPDATE deliveries SET message_id = NULL", "DELETE FROM messages", "UPDATE issues SET state = 'sent'")
    assert repair(desk.db, EXPIRE, desk.clock.now()) == Repaired(planned=3, issues=1)
    assert found(desk) == {}
    channel = FakeChannel()
    await desk.drain(channel)
    assert sorted(channel.addresses) == ["r0", "r1", "r2"]
    assert set(desk.states().values()) == {"sent"}
    assert repair(desk.db, EXPIRE, desk.clock.now()) == Repaired()


async def test_what_its_own_message_says_was_sent_is_not_sent_again(desk: Desk) -> None:
    prepared(desk)
    await desk.drain(FakeChannel())
    change(desk, "UPDATE deliveries SET state = 'planned', ended_at = NULL")
    assert found(desk) == {"delivery_left": (3, 1), "issue_open": (1, 1)}
    assert repair(desk.db, EXPIRE, desk.clock.now()) == Repaired(ended=3)
    assert found(desk) == {}
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.sends == []


async def test_what_a_bundle_left_behind_gets_a_message_of_its_own(desk: Desk) -> None:
    desk.reader("a", "topic:red", preferences=Preferences(bundled=True))
    desk.issue({"一": ["red"], "二": ["red"]})
    desk.plan()
    await desk.drain(FakeChannel())
    change(desk, "UPDATE deliveries SET state = 'planned', ended_at = NULL WHERE id = 2")
    assert repair(desk.db, EXPIRE, desk.clock.now()) == Repaired(planned=1, issues=1)
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.addresses == ["a"]
    assert found(desk) == {}


def test_nobody_new_gets_an_issue_by_a_repair(desk: Desk) -> None:
    prepared(desk)
    desk.reader("late", "topic:red")
    change(desk, "UPDATE deliveries SET message_id = NULL", "DELETE FROM messages")
    repair(desk.db, EXPIRE, desk.clock.now())
    assert len(desk.states()) == 3


def test_what_is_owed_to_an_endpoint_that_is_gone_ends(desk: Desk) -> None:
    prepared(desk)
    change(
        desk,
        "UPDATE deliveries SET message_id = NULL, endpoint_id = 99 WHERE id = 1",
        "DELETE FROM messages WHERE id = 1",
    )
    assert repair(desk.db, EXPIRE, desk.clock.now()) == Repaired(gone=1)
    assert found(desk) == {}


def test_a_sound_ledger_is_left_alone(desk: Desk) -> None:
    prepared(desk)
    before = desk.db.all("SELECT * FROM messages"), desk.db.all("SELECT * FROM deliveries")
    assert repair(desk.db, EXPIRE, desk.clock.now()) == Repaired()
    assert (desk.db.all("SELECT * FROM messages"), desk.db.all("SELECT * FROM deliveries")) == before


@sqlite_only  # PostgreSQL lets none in
def test_references_that_lead_nowhere_are_found_and_mended(desk: Desk) -> None:
    prepared(desk)
    desk.db.run("PRAGMA foreign_keys = OFF")
    change(desk, "DELETE FROM messages WHERE id >= 2")
    [words] = integrity.structure(desk.db)
    assert words.startswith("2 rows of deliveries point to messages that are gone")
    assert found(desk) == {"delivery_dangling": (2, 2)}
    assert repair(desk.db, EXPIRE, desk.clock.now()) == Repaired(planned=2)
    assert integrity.structure(desk.db) == []
    assert found(desk) == {}
