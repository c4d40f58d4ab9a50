"""The ledger: who is owed what (deliveries), what is sent (messages), and what happened (attempts).

A claim is a lease: `owner` may send a message until `lease_until`, and only the holder of its `epoch` settles it.
`claims` hands leases out and `settles` writes the outcomes down; here is what both work with, and what ends a message
without a send.

Every function takes a Database and is one transaction, unless it says otherwise.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from dispatch.model import Alarm, MessageState, Rejected, Retry, Sent
from subscribers.consent import Request
from subscribers.database import Database, Row, queries
from subscribers.model import Endpoint

SQL = queries(Path(__file__).with_name("ledger.sql"))
UNKNOWN = "unknown whether it arrived"  # how the reason begins of what may have arrived
CANCELLED, PART_CANCELLED = "issue cancelled", "this part of the issue was cancelled"  # reasons of deliveries
URGENT, NORMAL = 0, 1  # priorities: what a person waits for, and digests


class Owed(NamedTuple):
    """A delivery within a claimed message: the digest, the variant as the follows stand now, the follows, the revision
    of the issue that is sent (0: whichever it has), and the articles (bits) beside the variant that the reader's words
    exclude: their titles are not shown either. `delivery_id` is 0 where none ends with the message."""

    delivery_id: int
    digest_id: int
    variant: int
    tags: tuple[str, ...]
    revision: int = 0
    left_out: int = 0


class Correction(NamedTuple):
    """Which revision of which issue a message of the kind `correction` tells of."""

    issue_id: int
    revision: int


@dataclass(frozen=True, slots=True)
class Right:
    """Whose data a message leads to, and until when (ms)."""

    subscriber_id: int
    until: int


@dataclass(slots=True)  # not frozen: a frozen one of so many fields costs three times as much to make
class Work:
    """A claimed message with all that sending it takes; nobody changes it. `endpoint_id` is 0 for a test to an address
    of nobody's."""

    message_id: int
    epoch: int
    kind: str
    channel: str
    queue: str
    endpoint_id: int
    address: str
    name: str
    language: str
    format: str
    owed: tuple[Owed, ...]
    attempts: int
    parts_done: int
    expires_at: int
    secret: str = field(default="", repr=False)
    request: Request | None = None  # of a confirmation: what was asked
    right: Right | None = None  # of a message with a link to the reader's data, or to its end
    correction: Correction | None = None
    alarm: Alarm | None = None
    again: str = ""  # the webhook id of what is sent once more, at a person's word
    in_channel: bool = False  # whether the address is a channel's of Telegram
    chat_follows: bool = False  # of a topic of Telegram's: whether its chat is an endpoint of its own


@dataclass(frozen=True, slots=True)
class GroupChange:
    """What becomes of a group of a lane's addresses, which has a row of its own among the lanes: it rests for so many
    seconds, as the receiver asked, or (None) goes on as ever."""

    name: str
    rest: float | None = None
    reason: str = ""


class PutOff(NamedTuple):
    """A claimed message that cannot go before a time (ms), and why (None: as it stands)."""

    work: Work
    due_at: int
    reason: str | None


@dataclass(slots=True)
class Attempt:
    """What happened to one part, and when. `final` says that the message needs no further part after a Sent; `stops`
    that the lane stops for it; `group` what it means for the group of the address."""

    work: Work
    part: int
    outcome: Sent | Retry | Rejected
    started_at: int
    duration_ms: int
    final: bool
    provider_id: str
    lane: str
    retry_at: int = 0
    stops: bool = False
    group: GroupChange | None = None

    @property
    def counts(self) -> bool:
        """Whether it is an attempt at the message, rather than one that the lane's fault cut off."""
        outcome = self.outcome
        return not (isinstance(outcome, Retry) and outcome.outage and not outcome.counted)


@dataclass(frozen=True, slots=True)
class Begun:
    """A part that is about to be sent."""

    work: Work
    part: int


def add_urgent(
    db: Database, kind: str, key: str, endpoint: Endpoint, content: Mapping[str, int], expires_at: int, now: int
) -> int:
    """Queue a message without deliveries that somebody waits for, before everything else; its id. Called inside a
    transaction."""
    values = {
        "key": key,
        "kind": kind,
        "endpoint_id": endpoint.id,
        "channel": endpoint.address.channel,
        "queue": endpoint.address.queue,
        "address": "",  # the endpoint's, as it is when it is sent
        "language": "",
        "content": json.dumps(content),
        "priority": URGENT,
        "due_at": now,
        "expires_at": expires_at,
        "now": now,
    }
    return db.insert(SQL["add_message"], values)


def too_late(reason: str) -> str:
    """The reason of a message that expires, with what was last said of it."""
    return f"not sent in time; last: {reason or 'no attempt'}"


def end(db: Database, message_id: int, epoch: int, parts_done: int, state: MessageState, reason: str, now: int) -> None:
    """End a claimed message and its deliveries without a send. Called inside a transaction."""
    values = {"id": message_id, "epoch": epoch, "state": state, "reason": reason, "now": now}
    db.run(SQL["settle_end"], {**values, "provider_id": "", "counted": 0, "parts_done": parts_done})
    db.run(SQL["settle_deliveries"], {"id": message_id, "state": state.value, "reason": reason, "now": now})


def release(db: Database, works: Iterable[Work]) -> None:
    """Give leases back unused; no attempt is counted, and what was last said of a message stays."""
    with db.transaction(shared=True):
        db.many(SQL["release"], [{"id": work.message_id, "epoch": work.epoch, "reason": None} for work in works])


def put_off(db: Database, waiting: Iterable[PutOff]) -> None:
    """Give leases back, each message not to be claimed before its time; no attempt is counted."""
    rows = [
        {"id": work.message_id, "epoch": work.epoch, "due_at": due_at, "reason": reason}
        for work, due_at, reason in waiting
    ]
    with db.transaction(shared=True):
        db.many(SQL["put_off_for"], rows)


def expire(db: Database, queue: str, page: int, now: int) -> int:
    """End up to `page` messages of a queue that waited too long; how many. For queues that no lane takes from: the
    others' messages are looked at when they are claimed."""
    with db.transaction():
        rows = db.all(SQL["expired"], {"queue": queue, "page": page, "now": now})
        for row in rows:
            why = too_late(row["reason"])
            end(db, row["id"], row["epoch"], row["parts_done"], MessageState.EXPIRED, why, now)
        return len(rows)


def cancel(db: Database, ids: Sequence[int], reason: str, now: int) -> int:
    """Cancel messages that still wait, with what was last said of each; how many. For tests: one that could not be
    sent must not go days later."""
    with db.transaction():
        rows = [row for found in ids for row in db.all(SQL["waiting_message"], {"id": found})]
        for row in rows:
            why = f"{reason}; last: {row['reason']}" if row["reason"] else reason
            end(db, row["id"], row["epoch"], row["parts_done"], MessageState.CANCELLED, why, now)
        return len(rows)


@dataclass(frozen=True, slots=True)
class Test:
    """A message to a bare address: digests, each as (digest id, variant), and the secret that signs it, where that is
    no endpoint's."""

    key: str
    channel: str
    queue: str
    address: str
    digests: tuple[tuple[int, int], ...]
    secret: str = field(default="", repr=False)


def add_test(db: Database, test: Test, now: int) -> int:
    """Queue a test; the message's id. Called inside a transaction."""
    return db.insert(
        SQL["add_message"],
        {
            "key": test.key,
            "kind": "test",
            "endpoint_id": None,
            "channel": test.channel,
            "queue": test.queue,
            "address": test.address,
            "language": "zh",
            "content": json.dumps({"digests": test.digests, "secret": test.secret}),
            "priority": URGENT,
            "due_at": now,
            "expires_at": now + 3_600_000,
            "now": now,
        },
    )


def ends(db: Database, ids: Sequence[int]) -> list[Row]:
    """How these messages stand: `id`, `state`, `reason`."""
    return db.all(SQL["ends"], {"ids": list(ids)})


def being_sent(db: Database, ids: Sequence[int]) -> bool:
    """Whether some of these messages are with a sender just now."""
    return any(row["state"] == MessageState.SENDING for row in ends(db, ids))


def finish_issues(db: Database, now: int) -> int:
    """Issues of which every delivery has ended are sent; how many became so."""
    if db.value(SQL["to_finish"]) is None:  # as nearly always: no lock is taken for it
        return 0
    with db.transaction():
        count = db.run(SQL["finish_issues"], {"now": now})
        db.run(SQL["end_holds"])
        return count


def installation(db: Database) -> str:
    """The random name of this installation, which its message ids carry. It is made on first use."""
    found = db.value(SQL["installation"])
    if found is None:
        with db.transaction():
            db.run(SQL["name_installation"], {"name": secrets.token_hex(6)})
        found = db.value(SQL["installation"])
    return str(found)
