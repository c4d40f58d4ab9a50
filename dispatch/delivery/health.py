"""How the receivers of webhooks and robots are. One that has only failed for days is paused, and its owner is told by
another of their endpoints.

What is known of a receiver is a row that its first failure makes, so that sending to those that are well costs nothing
but a look at an index.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dispatch.delivery.ledger import SQL as LEDGER
from dispatch.delivery.ledger import URGENT, Attempt
from dispatch.delivery.words import storable
from dispatch.model import Rejected, Retry, Sent
from subscribers import directory
from subscribers.audit import PROGRAM, Act, Way
from subscribers.database import Database, Row, queries
from subscribers.model import HOOKS, ONLY_FAILED, Address, Endpoint, EndpointState

SQL = queries(Path(__file__).with_name("health.sql"))
KIND = "paused"  # of the message to the owner
YOURS = "yours"  # the kind of alarm that it holds
LEAST = 3
"""Failures before an endpoint is paused, however long they took."""

_DAY_MS = 86_400_000
_EXPIRE_MS = 7 * _DAY_MS
_LONGEST = 500  # characters of what a receiver answered
_PAGE = 100
_TOLD_BY = ("email", "telegram")
PageOf = Callable[[int], str]


@dataclass(slots=True)
class Heard:
    """What a batch of attempts tells of the receivers."""

    _failed: dict[int, Row] = field(default_factory=dict)
    _well: set[int] = field(default_factory=set)

    def add(self, attempt: Attempt) -> None:
        work, outcome = attempt.work, attempt.outcome
        if not work.endpoint_id or work.channel not in HOOKS:
            return
        if isinstance(outcome, Rejected) and not outcome.endpoint_state:
            return  # it was this message that was refused, or ours is the rule that refuses: nothing of the receiver's
        self._well.discard(work.endpoint_id)
        self._failed.pop(work.endpoint_id, None)
        if isinstance(outcome, Sent):
            self._well.add(work.endpoint_id)
        else:
            away = isinstance(outcome, Retry) and (outcome.outage or not outcome.code.isdecimal())
            self._failed[work.endpoint_id] = {
                "endpoint": work.endpoint_id,
                "answer": storable(outcome.reason, _LONGEST),
                "reached": int(not away),
            }

    def write(self, db: Database, now: int) -> None:
        """Called inside the transaction that settles them."""
        if self._well:
            db.run(SQL["well"], {"ids": sorted(self._well), "now": now})
        if self._failed:  # in the order of ids, as all lock
            db.many(SQL["failed"], [{**row, "now": now} for _, row in sorted(self._failed.items())])


def tested(db: Database, endpoint_id: int, now: int) -> None:
    """A test has arrived. Called inside a transaction."""
    db.run(SQL["tested"], {"endpoint": endpoint_id, "now": now})


def receivers(db: Database) -> Iterator[Row]:
    """Each endpoint of a webhook or a robot with how it is: `sent_at` is when something last arrived."""
    for row in db.each(SQL["receivers"], {"channels": list(HOOKS)}):
        known = [moment for moment in (row.pop("noted_at"), row.pop("delivered_at")) if moment is not None]
        yield {**row, "sent_at": max(known, default=None)}


def of_endpoints(db: Database, ids: Sequence[int]) -> list[Row]:
    """What is known of these. Reads only."""
    return db.all(SQL["of_endpoints"], {"ids": list(ids)}) if ids else []


def paused_since(db: Database, since: int) -> list[Row]:
    """Those that were paused for failing, and still are. Reads only."""
    return db.all(SQL["paused_since"], {"since": since})


def pause_failing(db: Database, days: float, now: int, page_of: PageOf = lambda endpoint_id: "") -> int:
    """Pause the endpoints that have only failed for so many days, and tell their owners; how many. `page_of` gives the
    page on which an endpoint's owner resumes it, "" without pages. Each page of them is a transaction."""
    values = {"before": now - round(days * _DAY_MS), "least": LEAST, "minute": (now - 2 * _DAY_MS) // 60_000}
    values["page"] = _PAGE
    count = 0
    while db.all(SQL["only_failing"], {**values, "page": 1}):  # as nearly always none: no lock is taken
        with db.transaction():
            rows = db.all(SQL["only_failing"], values)
            for row in rows:
                _pause(db, row, now, page_of)
        count += len(rows)
    return count


def _pause(db: Database, row: Row, now: int, page_of: PageOf) -> None:
    endpoint = directory.endpoint(db, row["endpoint_id"])
    days = (now - row["failing_since"]) // _DAY_MS
    reason = f"{ONLY_FAILED} for {days} days; last: {row['answer']}"
    directory.provider_pause(db, endpoint.id, reason, Act(now, PROGRAM, Way.SCHEDULE))
    db.run(SQL["paused"], {"endpoint": endpoint.id, "now": now})
    other = _other(db, endpoint)
    if other is not None:
        _tell(db, endpoint, other, row, now, page_of)


def _other(db: Database, endpoint: Endpoint) -> Endpoint | None:
    """By which of their endpoints an owner is told: a mailbox before a chat, one's own chat before a group's."""
    others = directory.get(db, endpoint.subscriber_id).endpoints
    found = [other for other in others if other.state is EndpointState.ACTIVE and other.address.channel in _TOLD_BY]
    return min(found, key=lambda other: (_TOLD_BY.index(other.address.channel), other.address.shared), default=None)


def _tell(db: Database, endpoint: Endpoint, to: Endpoint, row: Row, now: int, page_of: PageOf) -> None:
    open_to_all = to.address.shared or endpoint.address.shared
    page = "" if open_to_all else page_of(endpoint.id)
    alarm = [YOURS, endpoint.address.shown, row["answer"], row["failing_since"], 0, page]
    db.insert(
        LEDGER["add_message"],
        {
            "key": f"{KIND}:{endpoint.id}:{now}",
            "kind": KIND,
            "endpoint_id": to.id,
            "channel": to.address.channel,
            "queue": to.address.queue,
            "address": "",  # the endpoint's, as it is when it is sent
            "language": "",
            "content": json.dumps({"alarm": alarm}),
            "priority": URGENT,
            "due_at": now,
            "expires_at": now + _EXPIRE_MS,
            "now": now,
        },
    )


def named(row: Row) -> str:
    """An endpoint as the administrators know it."""
    return f"e{row['endpoint_id']} {Address(row['channel'], row['address'], '').shown}"
