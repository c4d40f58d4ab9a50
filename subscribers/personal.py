"""What the directory holds of one person, all of it, and its end.

Erasing is done in steps, so that the sender, who holds messages meanwhile, can be waited for, and that a process that
dies leaves nothing half done for good: `stop` makes that nothing is sent any more and says that the person is to be
erased; `forget` removes them. Between the two the ledger loses what it holds of them (`dispatch.delivery.personal`).
Afterwards the keyed hash of each address is left, so that nothing goes there until the person asks for it. Of somebody
who was only removed it is left where nothing went to the address before.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from subscribers import audit, directory, suppression
from subscribers.audit import Act
from subscribers.database import Database, Row, queries
from subscribers.errors import InvalidValue, NotFound
from subscribers.model import CHANNELS, OWN_WISHES, Address, EndpointState
from subscribers.rhythm import clock
from subscribers.suppression import Hasher

SQL = queries(Path(__file__).with_name("sql") / "personal.sql")
ERASED = "erased"  # the reason for which nothing goes to an address whose person was erased
NEVER = "never confirmed"  # the reason of an endpoint that is about to go for that
TABLES = ("subscribers", "endpoints", "follows", "words", "firsts", "consents", "audit")  # that `forget` changes
_PAGE = 500
_AT_LEAST = 4  # bytes of a word that is searched for


@dataclass(frozen=True, slots=True)
class Person:
    """A subscriber by what is needed to find the rest. The addresses are personal: they are in no repr."""

    subscriber_id: int
    endpoints: tuple[int, ...]
    name: str = field(default="", repr=False)
    addresses: tuple[Address, ...] = field(default=(), repr=False)


def formerly(db: Database, subscriber_id: int) -> list[int]:
    """The removed subscribers that have the endpoints which were taken away from one."""
    return [row["id"] for row in db.all(SQL["formerly"], {"id": subscriber_id})]


def find(db: Database, word: str) -> int:
    """The subscriber whom a word names: a number, one of their endpoints by `e7`, or an address. Those removed and not
    yet erased are found, too. Raises NotFound, and InvalidValue where it may be several."""
    if directory.is_number(word) and (row := db.one(SQL["subscriber"], {"id": int(word)})):
        return int(row["id"])
    if directory.is_label(word):
        owner = db.value(SQL["subscriber_of"], {"id": int(word[1:])})
        if owner is not None:
            return int(owner)
    rows = db.all(SQL["subscribers_at"], {"address": word})
    found = {int(row["subscriber_id"]) for row in rows}
    if len(found) > 1:
        labels = ", ".join(f"e{row['id']}" for row in rows)
        raise InvalidValue(f"{word} is the address of several subscribers' endpoints ({labels}): name one of them")
    if not found:
        raise NotFound(_nobody(db, word))
    return found.pop()


def _nobody(db: Database, word: str) -> str:
    reasons = suppression.reasons(db, Hasher.load(db), (Address(channel, word, "") for channel in CHANNELS))
    if reasons:
        return (
            f"nothing is stored about {word} but the hash that keeps messages away from it"
            f" ({', '.join(sorted(set(reasons.values())))})"
        )
    return f"no subscriber or endpoint {word}; see: dispatch subscribers list"


def person(db: Database, subscriber_id: int) -> Person:
    """Raises NotFound."""
    row = _subscriber(db, subscriber_id)
    endpoints = db.all(SQL["endpoints"], {"id": subscriber_id})
    addresses = tuple(Address(item["channel"], item["address"], item["queue"]) for item in endpoints)
    return Person(subscriber_id, tuple(item["id"] for item in endpoints), row["name"], addresses)


def _subscriber(db: Database, subscriber_id: int) -> Row:
    row = db.one(SQL["subscriber"], {"id": subscriber_id}) if 0 < subscriber_id < 2**63 else None
    if row is None:
        raise NotFound(f"no subscriber {subscriber_id}; see: dispatch subscribers list")
    return row


def data(db: Database, subscriber_id: int) -> dict[str, Any]:
    """All that the directory and the record hold of a subscriber, ready for JSON. Raises NotFound."""
    row = _subscriber(db, subscriber_id)
    hasher = Hasher.load(db)
    endpoints = [_endpoint(db, hasher, item) for item in db.all(SQL["endpoints"], {"id": subscriber_id})]
    return {
        "subscriber": {
            "id": row["id"],
            "name": row["name"],
            "created_at": iso(row["created_at"]),
            "removed_at": iso(row["removed_at"]),
        },
        "endpoints": endpoints,
        "history": list(_history(db, subscriber_id, [item["id"] for item in endpoints])),
    }


def _endpoint(db: Database, hasher: Hasher, row: Row) -> dict[str, Any]:
    times = {name: iso(row[name]) for name in ("consented_at", "paused_until", "created_at", "changed_at")}
    rhythm = {
        "cadence": row["cadence"],
        "weekday": row["weekday"] if row["weekday"] >= 0 else None,
        "at": clock(row["minute"]),
        "timezone": row["timezone"],
        "quiet_from": clock(row["quiet_from"]),
        "quiet_until": clock(row["quiet_until"]),
    }
    at = {"id": row["id"]}
    address = Address(row["channel"], row["address"], row["queue"])
    kept = ("id", "channel", "address", "queue", "secret", "state", "reason", "consent")
    return {
        **{name: row[name] for name in kept},
        **times,
        "preferences": {
            "language": row["language"],
            "format": row["format"],
            "bundled": bool(row["bundled"]),
            **rhythm,
        },
        "follows": [{"tag": item["tag"], "since": iso(item["created_at"])} for item in db.all(SQL["follows"], at)],
        "words": [_word(item) for item in db.all(SQL["words"], at)],
        "newest_digest_owed_for": [item["tag"] for item in db.all(SQL["firsts"], at)],
        "consent_steps": [_step(item) for item in db.all(SQL["consents"], at)],
        "suppressed_by_hash": bool(suppression.reasons(db, hasher, [address])),
    }


def _word(row: Row) -> dict[str, Any]:
    return {"word": row["word"], "excluded": bool(row["excluded"]), "since": iso(row["created_at"])}


def _step(row: Row) -> dict[str, Any]:
    wish = json.loads(row["wish"]) if row["wish"] else None
    return {**row, "at": iso(row["at"]), "wish": wish}


def _history(db: Database, subscriber_id: int, endpoint_ids: list[int]) -> Iterator[dict[str, Any]]:
    """What is on record about them, the newest first of each."""
    for subject, ids in ((audit.SUBSCRIBER, [subscriber_id]), (audit.ENDPOINT, endpoint_ids)):
        before = 2**63 - 1
        while rows := audit.of_subject(db, subject, ids, before=before, page=_PAGE):
            yield from ({**row, "at": iso(row["at"])} for row in rows)
            before = rows[-1]["id"]


def iso(moment: int | None) -> str | None:
    """A time in ms as ISO 8601 in UTC."""
    return dt.datetime.fromtimestamp(moment / 1000, dt.UTC).isoformat() if moment is not None else None


def stop(db: Database, subscriber_id: int, act: Act, *, for_good: bool = True) -> Person:
    """From now on nothing is sent to them, and they are to be erased; who they are. Again: nothing changes. Called
    inside a transaction. Raises NotFound.

    `for_good` nothing goes to their addresses afterwards until they ask for it themselves; otherwise that holds for
    addresses that nothing went to before.
    """
    found = person(db, subscriber_id)
    hasher = Hasher.load(db)
    if db.run(SQL["stop"], {"id": subscriber_id}):
        audit.record(db, act, "erased", audit.SUBSCRIBER, subscriber_id, {"endpoints": found.endpoints})
    for row in db.all(SQL["endpoints"], {"id": subscriber_id}):
        suppressed = row["state"] == EndpointState.SUPPRESSED and row["reason"] != ERASED
        if for_good or suppressed:
            address = Address(row["channel"], row["address"], row["queue"])
            reason = row["reason"] if suppressed and row["reason"] in OWN_WISHES else ERASED
            suppression.suppress(db, hasher, address, reason, act.at)
    db.run(SQL["stop_endpoints"], {"id": subscriber_id, "reason": ERASED, "now": act.at})
    if found.endpoints:
        db.run(SQL["drop_follows"], {"ids": found.endpoints})
        db.run(SQL["drop_words"], {"ids": found.endpoints})
        db.run(SQL["drop_firsts"], {"ids": found.endpoints})
    return found


def forget(db: Database, known: Person) -> None:
    """Remove a person who was stopped. Their address may be somebody's again by then: what is another's stays. Called
    inside a transaction."""
    ids = [row["id"] for row in db.all(SQL["endpoints"], {"id": known.subscriber_id})]
    if ids:
        for query in ("drop_follows", "drop_words", "drop_firsts", "drop_consents"):
            db.run(SQL[query], {"ids": ids})
    db.run(SQL["drop_endpoints"], {"id": known.subscriber_id})
    db.run(SQL["drop_subscriber"], {"id": known.subscriber_id})
    for subject, subjects in ((audit.SUBSCRIBER, [known.subscriber_id]), (audit.ENDPOINT, list(known.endpoints))):
        if subjects:
            db.run(SQL["blank_audit"], {"subject": subject, "ids": [str(id_) for id_ in subjects]})


def to_erase(db: Database, before: int, *, after: int = 0, page: int = _PAGE) -> list[int]:
    """Subscribers whose erasure was begun and not ended, and those removed before a time (ms)."""
    return [row["id"] for row in db.all(SQL["to_erase"], {"before": max(before, 1), "after": after, "page": page})]


def count_to_erase(db: Database, before: int) -> int:
    return int(db.value(SQL["count_to_erase"], {"before": max(before, 1)}))


def never_confirmed(db: Database, before: int, *, after: int = 0, page: int = _PAGE) -> list[int]:
    """Endpoints that have waited for a yes since before a time (ms), by their ids."""
    values = {"before": before, "after": after, "page": page, "reason": NEVER}
    return [row["id"] for row in db.all(SQL["never_confirmed"], values)]


def give_up(db: Database, endpoint_id: int) -> Person | None:
    """Nobody has said yes: no yes is awaited any more. Who it is, by this one endpoint; None where somebody has said
    yes just now. Called inside a transaction."""
    db.run(SQL["give_up"], {"id": endpoint_id, "reason": NEVER})
    row = db.one(SQL["given_up"], {"id": endpoint_id, "reason": NEVER})
    if row is None:
        return None
    address = Address(row["channel"], row["address"], row["queue"])
    return Person(row["subscriber_id"], (endpoint_id,), row["name"], (address,))


def drop(db: Database, known: Person, act: Act) -> None:
    """Remove an endpoint that was given up, and its subscriber where it was the last. No hash is left: they never
    refused anything, and may ask again. Called inside a transaction."""
    (endpoint_id,) = known.endpoints
    if not db.run(SQL["drop_endpoint"], {"id": endpoint_id, "reason": NEVER}):
        return  # they have said yes in the meantime
    audit.record(db, act, "never confirmed", audit.ENDPOINT, endpoint_id)
    db.run(SQL["blank_audit"], {"subject": audit.ENDPOINT, "ids": [str(endpoint_id)]})
    if not int(db.value(SQL["endpoints_left"], {"id": known.subscriber_id})):
        db.run(SQL["drop_subscriber"], {"id": known.subscriber_id})
        db.run(SQL["blank_audit"], {"subject": audit.SUBSCRIBER, "ids": [str(known.subscriber_id)]})


def words(db: Database, known: Person) -> list[str]:
    """What must not be found in the files of the store after a person is erased: their addresses, and their name
    where nobody else's has the same words."""
    found = {address.address for address in known.addresses}
    found |= {address.identity[1] for address in known.addresses}
    pattern = f"%{known.name}%"
    if known.name and db.value(SQL["name_used"], {"pattern": pattern}) is None:
        found.add(known.name)
    return sorted(word for word in found if len(word.encode()) >= _AT_LEAST)


def unused_queues(db: Database, queues_: Iterable[str]) -> list[str]:
    """Those of the queues that no endpoint has any more."""
    return [queue for queue in queues_ if db.value(SQL["queue_used"], {"queue": queue}) is None]
