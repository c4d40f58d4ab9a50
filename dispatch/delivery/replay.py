"""Sending a webhook's message once more, because a person asks for it; and all attempts at one endpoint.

What has failed or expired is queued again: it is another attempt of the same message. What was sent stays sent, for
nothing is sent twice by the ledger itself: a message of its own key repeats it, with the articles and the revision that
went out then, and with the same webhook id, by which a receiver knows that it had it. That a person asked is on record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dispatch import archive
from dispatch.delivery import ledger, requeue
from dispatch.delivery.ledger import SQL as LEDGER
from dispatch.delivery.ledger import URGENT
from dispatch.delivery.requeue import WAYS_BACK
from dispatch.errors import Failure, StateError, UsageError
from dispatch.model import MessageState
from subscribers.database import Database, Row, queries
from subscribers.model import HOOKS, EndpointState

SQL = queries(Path(__file__).with_name("replay.sql"))
KIND = "replay"
WAIT_MS = 60_000  # until a look whether a person still holds it back
LABEL = "m"  # before the number of a message, where a plain number is a delivery's
_AGAIN = (MessageState.FAILED, MessageState.EXPIRED, MessageState.QUEUED)
_PAGE = 1_000  # messages of an endpoint that are asked for at once


@dataclass(frozen=True, slots=True)
class Replayed:
    """The message that goes, of which one it is a repetition (0: it is the same message once more), for whom, and under
    which webhook id ("" where none was given yet)."""

    message_id: int
    of: int
    endpoint_id: int
    provider_id: str


def replay(db: Database, word: str, *, expire_ms: Mapping[str, int], now: int) -> Replayed:
    """Send a delivery (`12`) or a message (`m12`) once more. Called inside a transaction, and put on record by the
    caller. Raises Failure, UsageError, and StateError where it may not go."""
    row = _message(db, word)
    if row["channel"] not in HOOKS:
        raise UsageError(f"{word} is of {row['channel']}: only webhooks and robots know replays; for what has failed:"
                         " dispatch deliveries retry")  # fmt: skip
    _refuse_unwritten(db, row, word)
    if row["state"] in _AGAIN:
        return _same(db, row, expire_ms, now)
    if row["state"] != MessageState.SENT:
        raise StateError(f"{word} is {row['state']}: only what was sent or has failed can be replayed")
    return _repetition(db, row, word, expire_ms, now)


def _message(db: Database, word: str) -> Row:
    number = word.removeprefix(LABEL)
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise UsageError(f"{word!r} is neither a delivery (12) nor a message (m12)")
    message_id: int | None = int(number)
    if not word.startswith(LABEL):
        message_id = db.value(SQL["of_delivery"], {"id": int(number)})
        if message_id is None:
            raise Failure(f"no delivery {number}, or its message is kept no longer; see: dispatch deliveries list")
    row = db.one(SQL["message"], {"id": message_id})
    if row is None:
        raise Failure(f"no message {word}; see: dispatch webhooks attempts")
    return row


def _refuse_unwritten(db: Database, row: Row, word: str) -> None:
    state, reason = row["endpoint_state"], row["endpoint_reason"]
    if state != EndpointState.ACTIVE:
        why = f"{state} ({reason})" if reason else state
        way = WAYS_BACK.get(state, "")
        raise StateError(
            f"{word} goes to endpoint e{row['endpoint_id']}, which is {why}; see: dispatch subscribers {way}"
        )
    if row["endpoint_channel"] != row["channel"]:
        raise StateError(
            f"{word} went by {row['channel']}, and endpoint e{row['endpoint_id']} is of another channel now"
        )
    cancelled = db.value(SQL["cancelled"], {"id": row["id"], "channel": row["channel"]})
    if cancelled is not None:
        raise StateError(f"{word} is of issue {cancelled}, of which this was cancelled: it cannot be sent")


def _same(db: Database, row: Row, expire_ms: Mapping[str, int], now: int) -> Replayed:
    """Another attempt of the same message, and of all that ends with it."""
    values = {"ids": [row["id"]], "now": now, "expires_at": now + expire_ms.get(row["channel"], 0)}
    db.run(requeue.SQL["requeue"], values)
    db.run(requeue.SQL["replan"], {"ids": [row["id"]]})
    db.run(ledger.SQL["reopen_issues"])
    return Replayed(row["id"], 0, row["endpoint_id"], row["provider_id"])


def _repetition(db: Database, row: Row, word: str, expire_ms: Mapping[str, int], now: int) -> Replayed:
    owed = [
        [0, item["digest_id"], item["variant"], item["revision"]]
        for item in db.all(SQL["owed"], {"id": row["id"]})
        if item["state"] == "sent" and item["variant"]
    ]
    if not owed:
        raise StateError(f"{word} was no digest, or is kept no longer: what it said cannot be sent again")
    span = _span(row["endpoint_id"], row["id"])
    if db.value(SQL["waiting"], span) is not None:
        raise StateError(f"{word} is being replayed already")
    number = int(db.value(SQL["made"], span)) + 1
    made = db.insert(
        LEDGER["add_message"],
        {
            "key": f"{span['low']}{number}",
            "kind": KIND,
            "endpoint_id": row["endpoint_id"],
            "channel": row["channel"],
            "queue": row["queue"],
            "address": "",  # the endpoint's, as it is when it is sent
            "language": "",
            "content": json.dumps(
                {"owed": owed, "language": row["language"], "format": row["format"], "id": row["provider_id"]}
            ),
            "priority": URGENT,
            "due_at": now,
            "expires_at": now + expire_ms.get(row["channel"], 0),
            "now": now,
        },
    )
    return Replayed(made, row["id"], row["endpoint_id"], row["provider_id"])


def _span(endpoint_id: int, message_id: int) -> dict[str, str]:
    """Between which keys the replays of a message lie."""
    prefix = f"{KIND}:{endpoint_id}:{message_id}"
    return {"low": f"{prefix}:", "high": f"{prefix};"}


def digests_of(content: str) -> set[int]:
    """The digests that a message of this kind repeats."""
    return {int(owed[1]) for owed in json.loads(content)["owed"]}


def id_of(content: str) -> str:
    """The webhook id that it goes under."""
    return str(json.loads(content)["id"])


@dataclass(frozen=True, slots=True)
class Tried:
    """Attempts at an endpoint, the newest first, and what waits for one; `about` has the digests of each message: its
    delivery, issue and column."""

    attempts: list[Row]
    waiting: list[Row]
    about: Mapping[int, list[Row]]


def attempts(db: Database, endpoint_id: int, limit: int) -> Tried:
    """What was tried at an endpoint, and what is to be. Reads only."""
    span = {"low": f"{KIND}:{endpoint_id}:", "high": f"{KIND}:{endpoint_id};"}
    ids = sorted((row["id"] for row in db.all(SQL["of_endpoint"], {"endpoint": endpoint_id, **span})), reverse=True)
    tried: list[Row] = []
    waiting: list[Row] = []
    for page in (ids[start : start + _PAGE] for start in range(0, len(ids), _PAGE)):
        tried += db.all(SQL["attempts"], {"ids": page, "limit": limit})
        waiting += db.all(SQL["unsent"], {"ids": page, "limit": limit})
    tried = sorted(tried, key=lambda row: -int(row["id"]))[:limit]
    waiting = sorted(waiting, key=lambda row: (row["due_at"], row["id"]))[:limit]
    return Tried(tried, waiting, _about(db, {row["message_id"] for row in tried} | {row["id"] for row in waiting}))


def _about(db: Database, ids: set[int]) -> Mapping[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    shown = archive.shown(db)
    for row in db.all(SQL["digests"], {"ids": sorted(ids)}) if ids else []:
        named = {"delivery": row["delivery"], "issue": shown(row["bulletin"], row["ref"]), "column": row["column_name"]}
        found.setdefault(row["message_id"], []).append(named)
    return found
