"""A person's rights: all that is stored about them (GDPR art. 15), and its end (art. 17).

`data` and `erase` are what the command line and the pages call. The ledger keeps its rows when a person is erased, so
that reports, the proof and the keys that keep anything from being sent twice stay right; what of them is about the
person goes. Nothing is sent to an erased person: from the first transaction on every claim finds the endpoint
suppressed, and what a sender holds at that moment is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dispatch.delivery import bounces, health, reports
from subscribers import personal
from subscribers.audit import Act
from subscribers.database import Database, Row, queries
from subscribers.personal import Person, iso

SQL = queries(Path(__file__).with_name("personal.sql"))
SLICE = 2_000  # deliveries of a transaction, with their messages and attempts
TABLES = (
    *personal.TABLES,
    "deliveries",
    "messages",
    "attempts",
    "bounces",
    "endpoint_health",
    "bot_chats",
    "bot_managers",
    "bot_managing",
    "bot_updates",
)
_TIMES = ("due_at", "expires_at", "created_at", "ended_at", "paused_at")
Tick = Callable[[int], None]


@dataclass(slots=True)
class Erased:
    """What an erasure did, or would do. `sending` are messages that a sender has just now: while there are some, the
    rest waits, and another call or the running program's housekeeping ends it. `left` says what of the person the
    files of the store may still hold, and what to do ("" for nothing)."""

    subscriber_id: int
    endpoints: tuple[int, ...]
    deliveries: int = 0
    messages: int = 0
    waiting: int = 0  # messages that were to be sent, and are not
    sending: int = 0
    left: str = ""
    person: Person | None = field(default=None, repr=False)
    traces: list[str] = field(default_factory=list, repr=False)  # what must not be found in the files

    @property
    def done(self) -> bool:
        return not self.sending


def data(db: Database, subscriber_id: int) -> dict[str, Any]:
    """All that is stored about a subscriber, removed ones too, ready for JSON. Raises NotFound."""
    found = personal.data(db, subscriber_id)
    person = personal.person(db, subscriber_id)
    wanted = reports.Wanted(endpoints=person.endpoints)
    return {
        **found,
        "taken_away": [data(db, former) for former in personal.formerly(db, subscriber_id)],
        "deliveries": [_delivery(row) for row in reports.deliveries(db, wanted)],
        "messages": [_message(row) for ids in _pages(_message_ids(db, person)) for row in _with_attempts(db, ids)],
        "chats": _chats(db, person),
        "receivers": [_health(row) for row in health.of_endpoints(db, person.endpoints)],
        "complaints": [_bounce(row) for row in bounces.of_endpoints(db, person.endpoints)] if person.endpoints else [],
    }


def _health(row: Row) -> dict[str, Any]:
    """How a receiver of theirs is, as far as it was noted."""
    times = ("failing_since", "failed_at", "sent_at", "paused_at")
    return {**row, "reached": bool(row["reached"]), **{name: iso(row[name]) for name in times}}


def _chats(db: Database, person: Person) -> dict[str, Any]:
    """What bots know of a person's chats: that they are in them, who manages what, and what is not answered yet."""
    wanted = _of_chats(person)
    unanswered = db.all(SQL["unanswered"], {"chats": wanted["chats"]})
    known = db.all(SQL["chats"], {name: wanted[name] for name in ("chats", "names")})
    return {
        "known": [{**row, "may_write": bool(row["may_write"]), "changed_at": iso(row["changed_at"])} for row in known],
        "managed": db.all(SQL["managed"], {name: wanted[name] for name in ("chats", "addresses")}),
        "administered": [
            {**row, "seen_at": iso(row["seen_at"])} for row in db.all(SQL["managers"], {"chats": wanted["chats"]})
        ],
        "unanswered": [{**row, "added_at": iso(row["added_at"])} for row in unanswered],
    }


def _of_chats(person: Person) -> dict[str, list[Any]]:
    """By what a person's chats are found: ids, public names, addresses. No list is empty: 0 and "" are nobody's."""
    addresses = [address.address for address in person.addresses if address.channel == "telegram"]
    heads = [address.partition("/")[0] for address in addresses]
    return {
        "chats": [int(head) for head in heads if not head.startswith("@")] or [0],
        "names": [head.lower() for head in heads if head.startswith("@")] or [""],
        "addresses": addresses or [""],
    }


def _delivery(row: Row) -> dict[str, Any]:
    kept = ("id", "issue", "column", "articles", "endpoint_id", "state", "reason", "variant", "revision")
    return {**{name: row[name] for name in kept}, **{name: iso(row[name]) for name in ("planned_at", "ended_at")}}


def _with_attempts(db: Database, ids: Sequence[int]) -> Iterator[Row]:
    attempts = db.all(SQL["attempts"], {"ids": list(ids)})
    returned = bounces.of_messages(db, ids)
    for row in db.all(SQL["messages"], {"ids": list(ids)}):
        mine = {"made": attempts, "back": returned}
        yield {**row, **{name: [x for x in rows if x["message_id"] == row["id"]] for name, rows in mine.items()}}


def _message(row: Row) -> dict[str, Any]:
    attempts = [{**item, "started_at": iso(item["started_at"])} for item in row.pop("made")]
    returned = [_bounce(item) for item in row.pop("back")]
    row["attempts_since_queued"] = row.pop("attempts")
    return {**row, **{name: iso(row[name] or None) for name in _TIMES}, "attempts": attempts, "came_back": returned}


def _bounce(row: Row) -> dict[str, Any]:
    return {**row, "at": iso(row["at"])}


def _message_ids(db: Database, person: Person) -> list[int]:
    """All messages that went or are to go to them."""
    found: set[int] = set()
    for endpoint in person.endpoints:
        for rows in _deliveries(db, endpoint):
            found.update(_of_deliveries(db, endpoint, rows))
    return sorted(found | _without_deliveries(db, person))


def _deliveries(db: Database, endpoint: int, page: int = SLICE) -> Iterator[list[Row]]:
    after = 0
    while rows := db.all(SQL["deliveries"], {"endpoint": endpoint, "after": after, "page": page}):
        yield rows
        after = rows[-1]["id"]


def _of_deliveries(db: Database, endpoint: int, rows: Sequence[Row]) -> set[int]:
    """The messages of deliveries; also the own one of a delivery that went in a bundle in the end."""
    keys = [f"digest:{row['digest_id']}:{endpoint}" for row in rows]
    own = {id_ for (id_,) in db.rows(SQL["by_key"], {"keys": keys})}
    return own | {row["message_id"] for row in rows if row["message_id"] is not None}


def _without_deliveries(db: Database, person: Person) -> set[int]:
    """Bundles that hold nothing any more, confirmations, tests."""
    found: set[int] = set()
    for endpoint in person.endpoints:
        edges = {"low": f"bundle:{endpoint}:", "high": f"bundle:{endpoint};"}
        found.update(id_ for (id_,) in db.rows(SQL["between"], edges))
    addresses = [address.address.encode().lower().decode() for address in person.addresses]  # as lower() of SQL
    if addresses:
        values = {"endpoints": list(person.endpoints), "addresses": addresses}
        found.update(id_ for (id_,) in db.rows(SQL["other_kinds"], values))
    return found


def _pages(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + SLICE] for start in range(0, len(ids), SLICE))


def look(db: Database, subscriber_id: int) -> Erased:
    """What an erasure would find. Changes nothing. Raises NotFound."""
    person = personal.person(db, subscriber_id)
    found = Erased(subscriber_id, person.endpoints, person=person)
    found.deliveries = sum(len(rows) for endpoint in person.endpoints for rows in _deliveries(db, endpoint))
    ids = _message_ids(db, person)
    found.messages = len(ids)
    for page in _pages(ids):
        states = [row["state"] for row in db.all(SQL["messages"], {"ids": list(page)})]
        found.waiting += sum(state in ("queued", "paused") for state in states)
        found.sending += states.count("sending")
    return found


def _silent(count: int) -> None:
    """No progress shown."""


def erase(
    db: Database,
    subscriber_id: int,
    act: Act,
    *,
    tick: Tick = _silent,
    page: int = SLICE,
    scrub: bool = True,
    thorough: bool = False,
    for_good: bool = True,
    unanswered: bool = True,
) -> Erased:
    """Remove a person everywhere, by transactions of `page` rows; `tick` is told of each how many.

    It may be called again, and then goes on where it was: see `Erased.sending`. `thorough` takes the time to let
    PostgreSQL clean its tables, too; without `scrub` the caller cleans the files (`Database.scrub`) of `traces`.
    `for_good`: see `subscribers.personal.stop`. With `unanswered`, what they have sent to a bot and has no answer yet
    goes, too: not where the bot asks for the erasure, which gives the answers.
    Raises NotFound.
    """
    taken: list[str] = []
    for former in personal.formerly(db, subscriber_id):
        # Their traces are looked for with the others'; what a sender has of them is waited for in the same way.
        first = erase(db, former, act, tick=tick, page=page, scrub=False, for_good=for_good, unanswered=unanswered)
        if not first.done:
            return first
        taken += first.traces
    with db.transaction():
        person = personal.stop(db, subscriber_id, act, for_good=for_good)
    done = _cleaned(db, person, act.at, tick, page)
    if done.done:
        with db.transaction():
            personal.forget(db, person)
            _forget_chats(db, person, unanswered=unanswered)
        _clean_lanes(db, person)
        done.traces = _traces(db, person) + taken
        if scrub:
            done.left = db.scrub(done.traces, TABLES if thorough else ())
    return done


def erase_unconfirmed(db: Database, endpoint_id: int, act: Act) -> Erased | None:
    """Remove an address that nobody has confirmed; None where somebody has, meanwhile. The files are the caller's to
    clean."""
    with db.transaction():
        person = personal.give_up(db, endpoint_id)
    if person is None:
        return None
    done = _cleaned(db, person, act.at, _silent, SLICE)
    if done.done:
        with db.transaction():
            personal.drop(db, person, act)
        _clean_lanes(db, person)
        done.traces = _traces(db, person)
    return done


def _forget_chats(db: Database, person: Person, *, unanswered: bool) -> None:
    wanted = _of_chats(person)
    db.run(SQL["drop_chats"], {name: wanted[name] for name in ("chats", "names")})
    db.run(SQL["drop_managed"], {name: wanted[name] for name in ("chats", "addresses")})
    db.run(SQL["drop_managers"], {"chats": wanted["chats"]})
    if unanswered:
        db.run(SQL["blank_unanswered"], {"chats": wanted["chats"]})


def _traces(db: Database, person: Person) -> list[str]:
    """What must not be found in the files. A name that stands in an article stands there with good reason."""
    public = bool(person.name) and db.value(SQL["public_name"], {"pattern": f"%{person.name}%"}) is not None
    return [word for word in personal.words(db, person) if not (public and word == person.name)]


def _cleaned(db: Database, person: Person, now: int, tick: Tick, page: int) -> Erased:
    """The ledger without the person, unless a sender has something of theirs."""
    done = Erased(person.subscriber_id, person.endpoints, person=person)
    ids = _message_ids(db, person)
    done.messages = len(ids)
    _end(db, person, ids, now, done)
    if done.done:
        _strip(db, person, ids, done, tick, page)
    return done


def _end(db: Database, person: Person, ids: Sequence[int], now: int, done: Erased) -> None:
    """What waits is not sent any more."""
    for page in _pages(ids):
        with db.transaction():
            done.waiting += db.run(SQL["end_waiting"], {"ids": list(page), "now": now})
            done.sending += int(db.value(SQL["sending"], {"ids": list(page)}))
    if person.endpoints:
        with db.transaction():
            db.run(SQL["end_owed"], {"endpoints": list(person.endpoints), "now": now})


def _strip(db: Database, person: Person, ids: Sequence[int], done: Erased, tick: Tick, size: int) -> None:
    """Take out of the ledger's rows what is about the person."""
    for endpoint in person.endpoints:
        for rows in _deliveries(db, endpoint, size):
            with db.transaction():
                db.run(SQL["strip_deliveries"], {"ids": [row["id"] for row in rows]})
            done.deliveries += len(rows)
            tick(len(rows))
    for start in range(0, len(ids), size):
        page = list(ids[start : start + size])
        with db.transaction():
            db.run(SQL["strip_messages"], {"ids": page})
            db.run(SQL["strip_attempts"], {"ids": page})
            db.run(bounces.SQL["strip_messages"], {"ids": page})
        tick(len(page))
    if person.endpoints:
        with db.transaction():
            db.run(bounces.SQL["strip_endpoints"], {"ids": list(person.endpoints)})


def _clean_lanes(db: Database, person: Person) -> None:
    """The host of a webhook may be theirs alone; and what a receiver said last of a lane may name them."""
    own = sorted({address.queue for address in person.addresses if address.queue.startswith("webhook:")})
    unused = personal.unused_queues(db, own)
    words = [address.address.lower() for address in person.addresses]
    named = [row for row in db.all(SQL["reasons_of_lanes"]) if any(word in row["reason"].lower() for word in words)]
    if unused or named:
        with db.transaction():
            for queue in unused:
                db.run(SQL["drop_minutes"], {"queue": queue})
                db.run(SQL["drop_lanes"], {"queue": queue})
            db.many(SQL["blank_lane"], [{"name": row["name"], "reason": row["reason"]} for row in named])
