"""Settling: what happened to claimed messages is written down, by the holder of their epoch alone.

A batch is one transaction, and each kind of row in it is one statement for all attempts: the cost of a message is that
of its writes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from dispatch.delivery import bounces, moves
from dispatch.delivery.health import Heard
from dispatch.delivery.lanes import Tally
from dispatch.delivery.ledger import SQL, Attempt, Begun, Work
from dispatch.delivery.words import storable
from dispatch.model import MessageState, Rejected, Retry, Sent
from subscribers import chats, directory
from subscribers.addresses import telegram_place
from subscribers.audit import Act, Way
from subscribers.database import Database
from subscribers.errors import Conflict
from subscribers.model import EndpointState

_LONGEST = 2000
_MESSAGES = ("begin", "settle_part", "settle_retry", "settle_release", "settle_end")
_NAMES = {Sent: "sent", Retry: "retry", Rejected: "rejected"}


def settle(db: Database, attempts: Sequence[Attempt | Begun], now: int) -> list[bool]:
    """Write down what happened, or is about to, all in one transaction. False where the lease was somebody else's by
    then."""
    try:
        with db.transaction(shared=True):
            _Batch(now, attempts).write(db)
        return [True] * len(attempts)
    except _NotOurs:
        pass  # nothing was written
    ours = []
    with db.transaction(shared=True):
        for attempt in attempts:
            try:
                _Batch(now, [attempt]).write(db)
                ours.append(True)
            except _NotOurs:
                ours.append(False)
    return ours


def frozen(work: Work) -> str:
    """Of what a message is made whose first part has gone: `claims` sends the rest of just that."""
    if not work.endpoint_id:
        digests = [[owed.digest_id, owed.variant] for owed in work.owed]
        return json.dumps({"digests": digests, "secret": work.secret})
    owed = [[owed.delivery_id, owed.digest_id, owed.variant, owed.revision, owed.left_out] for owed in work.owed]
    about: dict[str, Any] = work.correction._asdict() if work.correction else {}
    if work.again:
        about["id"] = work.again
    return json.dumps({**about, "owed": owed, "language": work.language, "format": work.format})


class _NotOurs(Exception):
    """Some message of a batch was taken over."""


class _Batch:
    """The rows of a batch, kind by kind."""

    def __init__(self, now: int, attempts: Sequence[Attempt | Begun]) -> None:
        self._now = now
        self._size = len(attempts)
        self._messages: dict[str, list[dict[str, Any]]] = {name: [] for name in _MESSAGES}
        self._deliveries: list[dict[str, Any]] = []
        self._records: list[dict[str, Any]] = []
        self._changes: list[tuple[Work, Retry | Rejected, int]] = []
        self._refused: list[tuple[int, int, str, str]] = []
        self._tally = Tally()
        self._heard = Heard()
        for attempt in attempts:
            if isinstance(attempt, Begun):
                self._say("begin", attempt.work, begun=attempt.part + 1)
            else:
                self._add(attempt)

    def _add(self, attempt: Attempt) -> None:
        self._tally.add(attempt)
        self._heard.add(attempt)
        outcome, work = attempt.outcome, attempt.work
        if not attempt.counts:
            self._say("settle_release", work, reason=storable(_words(outcome), _LONGEST))
            return
        self._record(attempt)
        if isinstance(outcome, Sent):
            if attempt.final:
                self._end(attempt, MessageState.SENT, "")
            else:
                self._say("settle_part", work, parts_done=attempt.part + 1, content=frozen(work))
            return
        self._changes.append((work, outcome, attempt.retry_at))
        reason = storable(outcome.reason, _LONGEST)
        if isinstance(outcome, Rejected):
            self._end(attempt, MessageState.FAILED, reason)
            self._refuse(work, outcome)
        elif attempt.retry_at < work.expires_at:
            self._say("settle_retry", work, due_at=max(attempt.retry_at, self._now), reason=reason)
        else:
            self._end(attempt, MessageState.EXPIRED, f"not sent in time; last: {reason}")
            self._refuse(work, outcome)

    def _refuse(self, work: Work, outcome: Retry | Rejected) -> None:
        """What a mail server refused until the end counts in the endpoint's score, unless it has ended the endpoint
        at once, or nothing says that it was about this receiver."""
        final = isinstance(outcome, Rejected) and outcome.endpoint_state
        elsewhere = isinstance(outcome, Retry) and (
            outcome.outage or outcome.suspect or outcome.group_rest is not None  # all of a provider's readers had it
        )
        replied = len(outcome.code) == 3 and outcome.code.isdecimal()
        if work.channel == "email" and work.endpoint_id and replied and not final and not elsewhere:
            self._refused.append((work.message_id, work.endpoint_id, outcome.code, storable(outcome.reason, _LONGEST)))

    def _say(self, query: str, work: Work, **values: object) -> None:
        self._messages[query].append({"id": work.message_id, "epoch": work.epoch, **values})

    def _end(self, attempt: Attempt, state: MessageState, reason: str) -> None:
        work, now = attempt.work, self._now
        self._messages["settle_end"].append(
            {
                "id": work.message_id,
                "epoch": work.epoch,
                "state": state,
                "reason": reason,
                "provider_id": attempt.provider_id,
                "counted": 1,
                "parts_done": attempt.part + (state is MessageState.SENT),
                "now": now,
            }
        )
        for owed in work.owed:
            if owed.delivery_id:
                self._deliveries.append(
                    {
                        "id": owed.delivery_id,
                        "variant": owed.variant,
                        "revision": owed.revision if state is MessageState.SENT else 0,
                        "state": state,
                        # A sent delivery's reason is why it was owed: the follows that stood in the message.
                        "reason": reason or " ".join(owed.tags),
                        "now": now,
                    }
                )

    def _record(self, attempt: Attempt) -> None:
        outcome = attempt.outcome
        self._records.append(
            {
                "message_id": attempt.work.message_id,
                "number": attempt.work.attempts + 1,
                "part": attempt.part,
                "started_at": attempt.started_at,
                "duration_ms": attempt.duration_ms,
                "outcome": _NAMES[type(outcome)],
                "lane": attempt.lane,
                "code": outcome.code,
                "detail": storable(_words(outcome), _LONGEST),
            }
        )

    def write(self, db: Database) -> None:
        """Raises _NotOurs where a message was somebody else's: then nothing of the batch may be kept that was written
        before. The messages go first, because their epochs tell."""
        written = sum(db.many(SQL[query], rows) for query, rows in self._messages.items() if rows)
        if written != self._size:
            raise _NotOurs
        if self._deliveries:
            db.many(SQL["settle_delivery"], self._deliveries)
        if self._records:
            db.many(SQL["add_attempt"], self._records)
        for work, outcome, retry_at in sorted(self._changes, key=lambda change: change[0].endpoint_id):  # as all lock
            _change_endpoint(db, work, outcome, retry_at, self._now)
        bounces.refused(db, self._refused, self._now)
        self._heard.write(db, self._now)
        self._tally.write(db, self._now)


def _words(outcome: Sent | Retry | Rejected) -> str:
    return outcome.detail if isinstance(outcome, Sent) else outcome.reason


def _change_endpoint(db: Database, work: Work, outcome: Retry | Rejected, retry_at: int, now: int) -> None:
    if isinstance(outcome, Retry) and outcome.whole_address:
        moves.put_off(db, work.channel, work.address, retry_at)
    if not work.endpoint_id:
        return
    act = Act(now, work.channel, Way.PROVIDER)
    if isinstance(outcome, Rejected) and outcome.endpoint_state:
        state = EndpointState(outcome.endpoint_state)
        directory.provider_state(db, work.endpoint_id, state, storable(outcome.reason, _LONGEST), act)
    elif isinstance(outcome, Retry) and outcome.new_address:
        _change_address(db, work, outcome.new_address, act)


def _change_address(db: Database, work: Work, address: str, act: Act) -> None:
    if work.channel != "telegram":
        try:
            directory.change_address(db, work.endpoint_id, address, act)
        except Conflict as error:
            directory.provider_state(db, work.endpoint_id, EndpointState.GONE, str(error), act)
        return
    chat, topic = telegram_place(work.address)
    if topic and address == chat:
        chats.topic_deleted(db, work.endpoint_id, work.address, act)
    else:
        moves.migrate(db, chat, address, act)
