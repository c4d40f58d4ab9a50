"""Whether the ledger agrees with itself, and putting right what can be put right without guessing.

The looks read in slices by id, each one statement: each sees one moment, also while others write, and none holds a
long reading open. `repair` loses nobody's delivery and sends nothing again that is known to be sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dispatch.delivery import ledger, planner
from dispatch.delivery.retention import ENDED
from dispatch.delivery.slices import REST_SECONDS
from dispatch.model import DeliveryState, IssueState, MessageState
from subscribers.database import Database, Row, queries
from subscribers.model import EndpointState

SQL = queries(Path(__file__).with_name("integrity.sql"))
SLICE = 20_000  # rows that one statement looks at
REPAIR_SLICE = 2_000  # deliveries that one transaction repairs
_ANY = 2**62  # above every id
Tick = Callable[[str, int, int], None]  # what is looked at, how far, of how much

_REPAIR = "do: dispatch database repair"
_REPORT = "nothing of ours writes that; look at what else writes to this database, or restore a backup"
_STATES = {
    "delivery_states": tuple(state.value for state in DeliveryState),
    "message_states": tuple(state.value for state in MessageState),
    "issue_states": tuple(state.value for state in IssueState),
    "endpoint_states": tuple(state.value for state in EndpointState),
    "ended": ENDED,
}
# What each word of integrity.sql means, and what to do.
_FAULTS = {
    "delivery_word": ("deliveries in a state that this program does not know", _REPORT),
    "delivery_dangling": ("deliveries point to a message that is gone", _REPAIR),
    "delivery_alone": ("planned deliveries have no message: nothing would send them", _REPAIR),
    "delivery_left": ("planned deliveries belong to a message that has ended: nothing would send them", _REPAIR),
    "delivery_time": ("deliveries have ended without a time, or have one and have not", _REPORT),
    "delivery_elsewhere": ("deliveries point to a message of another endpoint or digest", _REPORT),
    "delivery_other": ("deliveries have ended otherwise than their message", _REPORT),
    "message_word": ("messages in a state that this program does not know", _REPORT),
    "message_unheld": ("messages are being sent by nobody", "dispatch run takes them up when it starts"),
    "message_owned": ("messages have an owner and are not being sent", _REPORT),
    "message_time": ("messages have ended without a time, or have one and have not", _REPORT),
    "issue_word": ("issues in a state that this program does not know", _REPORT),
    "issue_open": ("issues are called sent and have planned deliveries", _REPAIR),
    "endpoint_word": ("endpoints in a state that this program does not know", _REPORT),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that must not be: how many rows, the lowest id of them, and what to do."""

    name: str
    count: int
    example: int

    def __str__(self) -> str:
        words, remedy = _FAULTS[self.name]
        noun = self.name.partition("_")[0]
        return f"{self.count} {words} (the first: {noun} {self.example}); {remedy}"


def examine(db: Database, tick: Tick = lambda what, done, total: None, *, rows: int = SLICE) -> list[Fault]:
    """All that is wrong with the ledger, read in slices of so many rows; nothing is changed."""
    return [
        *_small(db, "issue_faults"),
        *_small(db, "endpoint_faults"),
        *_walked(db, "message", "messages", tick, rows),
        *_walked(db, "delivery", "deliveries", tick, rows),
    ]


def _small(db: Database, query: str) -> Iterator[Fault]:
    for row in db.all(SQL[query], _wanted(query)):
        yield Fault(row["fault"], int(row["count"]), row["example"])


def _walked(db: Database, what: str, table: str, tick: Tick, rows: int) -> Iterator[Fault]:
    found: dict[str, Fault] = {}
    highest, after = int(db.value(SQL[f"{table}_highest"])), 0
    while (edge := db.one(SQL[f"{what}_edge"], {"after": after, "slice": rows})) and edge["last"] is not None:
        for row in _looked_at(db, f"{what}_faults", {"after": after, **edge}):
            before = found.get(row["fault"], Fault(row["fault"], 0, row["example"]))
            found[row["fault"]] = Fault(before.name, before.count + int(row["count"]), before.example)
        after = edge["last"]
        tick(table, after, max(highest, after))
    yield from found.values()


def _looked_at(db: Database, query: str, bounds: Row) -> list[Row]:
    """The faults of a slice. A second look, without the bounds of the messages, is sure: a delivery may have got its
    message after the bounds were read."""
    wanted = {name: value for name, value in bounds.items() if f":{name}" in SQL[query]}
    found = db.all(SQL[query], {**_wanted(query), **wanted})
    if found and "highest" in wanted:
        found = db.all(SQL[query], {**_wanted(query), **wanted, "lowest": 0, "highest": _ANY})
    return found


def _wanted(query: str) -> dict[str, object]:
    """Those lists of states that a query asks for."""
    return {name: values for name, values in _STATES.items() if f"(:{name})" in SQL[query]}


def structure(db: Database) -> list[str]:
    """References that lead nowhere, of SQLite alone: PostgreSQL lets none in. One sentence a table and its target."""
    if db.dialect != "sqlite":
        return []
    counts: dict[tuple[str, str], int] = {}
    for row in db.each("PRAGMA foreign_key_check"):
        pair = (row["table"], row["parent"])
        counts[pair] = counts.get(pair, 0) + 1
    remedy = "restore a backup, or try: dispatch database repair"
    return [
        f"{count} rows of {table} point to {parent} that are gone; {remedy}"
        for (table, parent), count in counts.items()
    ]


@dataclass(slots=True)
class Repaired:
    """What was put right: deliveries that took the end of their own message, that wait in a new message, or that
    nobody is there for any more; issues that send again."""

    ended: int = 0
    planned: int = 0
    gone: int = 0
    issues: int = 0


def repair(
    db: Database, expire_ms: Mapping[str, int], now: int, tick: Tick = lambda what, done, total: None
) -> Repaired:
    """Put right what is owed and would never be sent.

    A planned delivery whose own message has ended ends as that did. One that has no message, or whose bundle ended
    without it, gets a message of its own: rather twice than never. Issues called sent with something planned are
    sending again.
    """
    done, digest_id, highest = Repaired(), 0, int(db.value(SQL["digests_highest"]))
    while digest_id := int(db.value(SQL["digests"], {"after": digest_id}) or 0):
        _repair_digest(db, digest_id, expire_ms, now, done)
        tick("digests", digest_id, highest)
    with db.transaction():
        done.issues = db.run(ledger.SQL["reopen_issues"])
    return done


def _repair_digest(db: Database, digest_id: int, expire_ms: Mapping[str, int], now: int, done: Repaired) -> None:
    after = 0
    while True:
        edge = db.one(SQL["planned_edge"], {"digest_id": digest_id, "after": after, "slice": REPAIR_SLICE})
        if edge is None or edge["last"] is None:
            return
        part = {"digest_id": digest_id, "after": after, "last": edge["last"]}
        with db.transaction():
            done.ended += db.run(SQL["end_left"], {**part, "ended": ENDED, "now": now})
            db.run(SQL["detach_left"], {**part, "ended": ENDED})
            if alone := int(db.value(SQL["count_alone"], part)):
                planner.plan_alone(db, digest_id, edge["lowest"] - 1, edge["highest"], expire_ms, now)
                # Some may have had a message of their own that they had lost sight of, and that has ended.
                ended = db.run(SQL["end_left"], {**part, "ended": ENDED, "now": now})
                done.ended += ended
                done.planned += alone - ended - int(db.value(SQL["count_alone"], part))
                done.gone += db.run(SQL["end_gone"], {**part, "now": now})
        after = edge["last"]
        time.sleep(REST_SECONDS)
