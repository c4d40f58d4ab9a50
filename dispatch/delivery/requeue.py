"""Trying again what failed or expired: its messages are queued once more, and its issues are open again. What waits for
a later attempt can be made due now. What goes to an endpoint that is not written to is left out: it would end at once.

However many there are, a transaction holds those of one slice; in between others have their turn. What is queued again
and fails once more meanwhile is left alone: only what had ended when it began is taken.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dispatch.delivery import ledger
from dispatch.delivery.slices import REST_SECONDS, Advance, silent, slices
from dispatch.delivery.tally import Reasons
from dispatch.errors import Failure, StateError
from dispatch.model import IssueState, MessageState
from subscribers.database import Database, Row, queries
from subscribers.model import EndpointState

SQL = queries(Path(__file__).with_name("requeue.sql"))
SLICE = 1_000
# The commands by which an endpoint is written to again.
WAYS_BACK = {
    EndpointState.PENDING: "confirm",
    EndpointState.PAUSED: "resume",
    EndpointState.SUPPRESSED: "reactivate",
    EndpointState.GONE: "reactivate",
}


@dataclass(frozen=True, slots=True)
class Failed:
    """Which of those that failed or expired, or of those that are `waiting` for a later attempt; what is empty asks for
    nothing. `reason` is a part of the reason's words, in capitals or not."""

    issue_id: int | None = None
    channel: str = ""
    reason: str = ""
    waiting: bool = False

    def takes(self, row: Row) -> bool:
        fits = not self.channel or row["channel"] == self.channel
        return fits and self.reason.casefold() in row["reason"].casefold()


@dataclass(frozen=True, slots=True)
class Requeued:
    """How many deliveries wait again, and in how many messages; and how many were left out, by the state of their
    endpoint."""

    deliveries: int
    messages: int
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """How many deliveries would be tried again, with their reasons, and how many left out, by the state of their
    endpoint."""

    deliveries: int
    reasons: Reasons
    left_out: Mapping[str, int]


def retry(db: Database, ids: Sequence[int], *, expire_ms: Mapping[str, int], now: int) -> Requeued:
    """Queue deliveries again, all or none. One that waits for a later time is due now.

    Raises Failure for an unknown id, StateError for one that may not be sent again.
    """
    with db.transaction():
        rows = [_retryable(db, delivery_id) for delivery_id in dict.fromkeys(ids)]
        return _requeue(db, rows, expire_ms, now)


def retry_failed(
    db: Database,
    wanted: Failed,
    *,
    expire_ms: Mapping[str, int],
    now: int,
    advance: Advance = silent,
) -> Requeued:
    """Queue again whatever failed or expired and is wanted, or make due now what waits."""
    deliveries = messages = 0
    left_out: Counter[str] = Counter()
    for part in slices(db, wanted.issue_id, SLICE):
        rows, left = _candidates(db, part.params, wanted, now)
        left_out += left
        if rows:
            with db.transaction():
                rows, _ = _candidates(db, part.params, wanted, now)
                done = _hasten(db, rows, now) if wanted.waiting else _requeue(db, rows, expire_ms, now)
            deliveries += done.deliveries
            messages += done.messages
            time.sleep(REST_SECONDS)
        advance(part.size)
    return Requeued(deliveries, messages, dict(left_out))


def failed(db: Database, wanted: Failed, *, now: int, advance: Advance = silent) -> Found:
    """What `retry_failed` would take and leave out. Changes nothing."""
    total, reasons = 0, Reasons()
    left_out: Counter[str] = Counter()
    for part in slices(db, wanted.issue_id, SLICE):
        rows, left = _candidates(db, part.params, wanted, now)
        left_out += left
        for row in rows:
            reasons.add("", row["reason"], 1)
            total += 1
        advance(part.size)
    return Found(total, reasons, dict(left_out))


def _candidates(db: Database, where: Mapping[str, int], wanted: Failed, now: int) -> tuple[list[Row], Counter[str]]:
    """What of a slice is wanted and may be sent; and how much is left out, by the state of its endpoint."""
    query = SQL["waiting" if wanted.waiting else "candidates"]
    rows = [row for row in db.all(query, {**where, "now": now}) if wanted.takes(row)]
    left = Counter(row["endpoint_state"] for row in rows if row["endpoint_state"] != EndpointState.ACTIVE)
    return [row for row in rows if row["endpoint_state"] == EndpointState.ACTIVE], left


def _hasten(db: Database, rows: Sequence[Row], now: int) -> Requeued:
    """Called inside a transaction."""
    ids = list({row["message_id"] for row in rows})
    return Requeued(len(rows), db.run(SQL["hasten"], {"ids": ids, "now": now}) if ids else 0)


def _requeue(db: Database, rows: Iterable[Row], expire_ms: Mapping[str, int], now: int) -> Requeued:
    """Called inside a transaction."""
    counts: Counter[str] = Counter()
    messages = {row["message_id"]: row["channel"] for row in rows}
    for channel in sorted(set(messages.values())):
        ids = [message_id for message_id, of in messages.items() if of == channel]
        expires_at = now + expire_ms.get(channel, 0)
        counts["messages"] += db.run(SQL["requeue"], {"ids": ids, "now": now, "expires_at": expires_at})
        counts["deliveries"] += db.run(SQL["replan"], {"ids": ids})
    if messages:
        db.run(ledger.SQL["reopen_issues"])
    return Requeued(counts["deliveries"], counts["messages"])


def _retryable(db: Database, delivery_id: int) -> Row:
    row = db.one(SQL["retryable"], {"id": delivery_id}) if 0 < delivery_id < 2**63 else None
    if row is None:
        raise Failure(f"no delivery {delivery_id}; see: dispatch deliveries list")
    again = (MessageState.QUEUED, MessageState.FAILED, MessageState.EXPIRED)
    if row["issue_state"] == IssueState.CANCELLED:
        raise StateError(f"delivery {delivery_id} is of an issue that is cancelled ({row['ref']}): it cannot be sent")
    if row["cancels"]:
        raise StateError(
            f"delivery {delivery_id} is of a part of issue {row['ref']} that is cancelled: it cannot be sent"
        )
    if row["state"] not in ("planned", "failed", "expired") or row["message_state"] not in again:
        raise StateError(f"delivery {delivery_id} {_obstacle(row)}: only failed and expired ones can be tried again")
    if row["endpoint_state"] != EndpointState.ACTIVE:
        raise StateError(f"delivery {delivery_id} goes to endpoint e{row['endpoint_id']}, which is {_standing(row)}")
    return row


def _standing(row: Row) -> str:
    """The state of an endpoint that is not written to, and what would change it."""
    state, reason = row["endpoint_state"], row["endpoint_reason"]
    way = WAYS_BACK.get(state, "")
    return (f"{state} ({reason})" if reason else state) + (f"; see: dispatch subscribers {way}" if way else "")


def _obstacle(row: Row) -> str:
    if row["message_state"] == MessageState.SENDING:
        return "is being sent right now"
    if row["message_state"] == MessageState.PAUSED:
        return f"is paused (see: dispatch issues resume {row['ref']})"
    if row["message_id"] is None and row["state"] in ("failed", "expired"):
        return f"is {row['state']} and its message is kept no longer"
    return f"is {row['state']}"
