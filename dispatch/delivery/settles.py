"""Settling: what happened to a claimed message is written down, by the holder of its epoch alone."""

from __future__ import annotations

from collections.abc import Iterable

from dispatch.delivery.ledger import SQL, Attempt, Work
from dispatch.model import MessageState, Rejected, Retry, Sent
from subscribers import directory
from subscribers.database import Database
from subscribers.errors import Conflict
from subscribers.model import EndpointState


def settle(db: Database, attempts: Iterable[Attempt], now: int) -> list[bool]:
    """Write down what happened, all in one transaction. False where the lease was somebody else's by then."""
    with db.transaction():
        return [_settle(db, attempt, now) for attempt in attempts]


def _settle(db: Database, attempt: Attempt, now: int) -> bool:
    outcome, work = attempt.outcome, attempt.work
    held = {"id": work.message_id, "epoch": work.epoch}
    if isinstance(outcome, Retry) and not attempt.counts:
        return db.run(SQL["release"], {**held, "reason": _storable(outcome.reason)}) == 1
    ours = _settle_message(db, attempt, held, now)
    if ours:
        _record(db, attempt)
        _change_endpoint(db, work, outcome, now)
    return ours


def _settle_message(db: Database, attempt: Attempt, held: dict[str, int], now: int) -> bool:
    outcome, work = attempt.outcome, attempt.work
    if isinstance(outcome, Sent) and not attempt.final:
        return db.run(SQL["settle_part"], {**held, "parts_done": attempt.part + 1}) == 1
    if isinstance(outcome, Retry) and attempt.retry_at < work.expires_at:
        values = {**held, "due_at": max(attempt.retry_at, now), "reason": _storable(outcome.reason)}
        return db.run(SQL["settle_retry"], values) == 1
    state, reason = _ended(outcome)
    reason = _storable(reason)
    values = {**held, "state": state, "reason": reason, "provider_id": attempt.provider_id, "now": now}
    done = attempt.part + isinstance(outcome, Sent)
    ours = db.run(SQL["settle_end"], {**values, "counted": 1, "parts_done": done}) == 1
    if ours:
        _settle_deliveries(db, work, state, reason, now)
    return ours


def _ended(outcome: Sent | Retry | Rejected) -> tuple[MessageState, str]:
    if isinstance(outcome, Sent):
        return MessageState.SENT, ""
    if isinstance(outcome, Retry):
        return MessageState.EXPIRED, f"not sent in time; last: {outcome.reason}"
    return MessageState.FAILED, outcome.reason


def _settle_deliveries(db: Database, work: Work, state: MessageState, reason: str, now: int) -> None:
    """A sent delivery's reason is why it was owed: the follows that stood in the message."""
    for owed in work.owed:
        if owed.delivery_id:
            db.run(
                SQL["settle_delivery"],
                {
                    "id": owed.delivery_id,
                    "variant": owed.variant,
                    "state": state.value,
                    "reason": reason or " ".join(owed.tags),
                    "now": now,
                },
            )


def _record(db: Database, attempt: Attempt) -> None:
    outcome = attempt.outcome
    detail = outcome.detail if isinstance(outcome, Sent) else outcome.reason
    name = {Sent: "sent", Retry: "retry", Rejected: "rejected"}[type(outcome)]
    db.run(
        SQL["add_attempt"],
        {
            "message_id": attempt.work.message_id,
            "number": attempt.work.attempts + 1,
            "part": attempt.part,
            "started_at": attempt.started_at,
            "duration_ms": attempt.duration_ms,
            "outcome": name,
            "lane": attempt.lane,
            "code": outcome.code,
            "detail": _storable(detail),
        },
    )


def _storable(words: str) -> str:
    """A receiver's words as every database takes them: bounded, without halves of characters and NULs."""
    return words.encode("utf-8", "replace").decode().replace("\0", "�")[:2000]


def _change_endpoint(db: Database, work: Work, outcome: Sent | Retry | Rejected, now: int) -> None:
    if not work.endpoint_id:
        return
    if isinstance(outcome, Rejected) and outcome.endpoint_state:
        state = EndpointState(outcome.endpoint_state)
        directory.provider_state(db, work.endpoint_id, state, _storable(outcome.reason), now)
    elif isinstance(outcome, Retry) and outcome.new_address:
        try:
            directory.change_address(db, work.endpoint_id, outcome.new_address, now)
        except Conflict as error:
            directory.provider_state(db, work.endpoint_id, EndpointState.GONE, str(error), now)
