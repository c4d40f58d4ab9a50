"""Trying again what failed or expired: its messages are queued once more, and its issues are open again.

However many there are, a transaction holds those of one slice; in between others have their turn. What is queued again
and fails once more meanwhile is left alone: only what had ended when it began is taken.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dispatch.delivery import ledger
from dispatch.delivery.slices import REST_SECONDS, Advance, silent, slices
from dispatch.delivery.tally import Reasons
from dispatch.errors import Failure, StateError
from dispatch.model import IssueState, MessageState
from subscribers.database import Database, Row, queries

SQL = queries(Path(__file__).with_name("requeue.sql"))
SLICE = 1_000


@dataclass(frozen=True, slots=True)
class Failed:
    """Which of those that failed or expired; what is empty asks for nothing. `reason` is a part of the reason's
    words, in capitals or not."""

    issue_id: int | None = None
    channel: str = ""
    reason: str = ""

    def takes(self, row: Row) -> bool:
        fits = not self.channel or row["channel"] == self.channel
        return fits and self.reason.casefold() in row["reason"].casefold()


@dataclass(frozen=True, slots=True)
class Requeued:
    """How many deliveries wait again, and in how many messages."""

    deliveries: int
    messages: int


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
    """Queue again whatever failed or expired and is wanted."""
    deliveries = messages = 0
    for part in slices(db, wanted.issue_id, SLICE):
        rows = _candidates(db, part.params, wanted, now)
        if rows:
            with db.transaction():
                done = _requeue(db, _candidates(db, part.params, wanted, now), expire_ms, now)
            deliveries += done.deliveries
            messages += done.messages
            time.sleep(REST_SECONDS)
        advance(part.size)
    return Requeued(deliveries, messages)


def failed(db: Database, wanted: Failed, *, now: int, advance: Advance = silent) -> tuple[int, Reasons]:
    """How many deliveries `retry_failed` would take, and their reasons. Changes nothing."""
    total, reasons = 0, Reasons()
    for part in slices(db, wanted.issue_id, SLICE):
        for row in _candidates(db, part.params, wanted, now):
            reasons.add("", row["reason"], 1)
            total += 1
        advance(part.size)
    return total, reasons


def _candidates(db: Database, where: Mapping[str, int], wanted: Failed, now: int) -> list[Row]:
    return [row for row in db.all(SQL["candidates"], {**where, "now": now}) if wanted.takes(row)]


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
    if row["state"] not in ("planned", "failed", "expired") or row["message_state"] not in again:
        raise StateError(f"delivery {delivery_id} {_obstacle(row)}: only failed and expired ones can be tried again")
    return row


def _obstacle(row: Row) -> str:
    if row["message_state"] == MessageState.SENDING:
        return "is being sent right now"
    if row["message_state"] == MessageState.PAUSED:
        return f"is paused (see: dispatch issues resume {row['ref']})"
    if row["message_id"] is None and row["state"] in ("failed", "expired"):
        return f"is {row['state']} and its message is kept no longer"
    return f"is {row['state']}"
