"""The tables of allowed changes, and that no query goes beyond them: each is tried on each state."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import dispatch
from dispatch import states
from dispatch.model import DeliveryState, IssueState, MessageState
from subscribers.database import queries
from tests.delivery.conftest import Desk

FILES = [file for file in sorted(Path(dispatch.__path__[0]).rglob("*.sql")) if file.parent.name != "migrations"]
TABLES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "messages": {str(before): frozenset(map(str, after)) for before, after in states.MESSAGE.items()},
    "deliveries": {str(before): frozenset(map(str, after)) for before, after in states.DELIVERY.items()},
    "issues": {str(before): frozenset(map(str, after)) for before, after in states.ISSUE.items()},
}
# Those whose states are checked by the caller, which names both.
CHECKED = {"set_state"}


def changing(table: str) -> Iterator[tuple[str, str]]:
    """The queries that change the state of a table's rows, as (name, text)."""
    for file in FILES:
        for name, sql in queries(file).items():
            if f"UPDATE {table} SET state = " in sql and name not in CHECKED:
                yield f"{file.stem}.{name}", sql


CASES = [pytest.param(table, sql, id=name) for table in TABLES for name, sql in changing(table)]


@pytest.fixture
def owed(desk: Desk) -> Desk:
    """One delivery, its message, and the issue, which would all take whatever a query does."""
    desk.reader("a", "topic:red")
    desk.issue({"一": ["red"]})
    desk.plan()
    return desk


def values(desk: Desk, sql: str, end: str) -> dict[str, object]:
    """What a query asks for, such that nothing but the state can keep it from a change."""
    message = desk.db.one("SELECT id, epoch, owner, queue, channel, endpoint_id, digest_id FROM messages")
    delivery = desk.db.one("SELECT id, digest_id FROM deliveries")
    assert message is not None
    assert delivery is not None
    row = message if "UPDATE messages" in sql else delivery
    known = {
        **message,
        "id": delivery["id"] if "UPDATE deliveries" in sql and "message_id = :id" not in sql else message["id"],
        "ids": [row["id"]],
        "endpoints": [message["endpoint_id"]],
        "digest": message["digest_id"],
        "ended": [state.value for state in MessageState if state.value not in ("queued", "paused", "sending")],
        "state": end,
        "owner": message["owner"],
        "self": "another",
        "now": 2**40 * 1000,
        "after": 0,
        "last": 2**40,
        "page": 10,
        "priority": 1,
        "by": "me",
        "reason": "because",
        "provider_id": "",
        "low": "digest:",  # of keys
        "high": "digest;",
    }
    return {name: known.get(name, 0) for name in re.findall(r":([a-z_]+)\b", re.sub(r"--[^\n]*|'[^']*'", "", sql))}


@pytest.mark.parametrize(("table", "sql"), CASES)
def test_no_query_changes_a_state_that_it_may_not(owed: Desk, table: str, sql: str) -> None:
    db = owed.db
    for before, allowed in TABLES[table].items():
        with db.transaction():
            # Whatever else a query looks at, it finds what lets it go on.
            db.run("UPDATE messages SET state = 'failed', paused_at = 1, paused_for = digest_id, owner = 'x'")
            db.run(f"UPDATE {table} SET state = :state", {"state": before})
            wanted = values(owed, sql, "expired")
        with db.transaction():
            db.run(sql, wanted)
        after = db.value(f"SELECT state FROM {table}")
        assert after == before or after in allowed, before


def test_the_queries_are_found() -> None:
    found = {table: sum(1 for _ in changing(table)) for table in TABLES}
    assert found["messages"] >= 15
    assert found["deliveries"] >= 5
    assert found["issues"] >= 4


@pytest.mark.parametrize(
    ("table", "words"), [("messages", MessageState), ("deliveries", DeliveryState), ("issues", IssueState)]
)
def test_each_state_has_its_line(table: str, words: type[MessageState]) -> None:
    assert set(TABLES[table]) == set(map(str, words))


def test_what_is_sent_stays_sent() -> None:
    assert not states.MESSAGE[MessageState.SENT]
    assert not states.DELIVERY[DeliveryState.SENT]
