"""The ledger: who is owed what (deliveries), what is sent (messages), and what happened (attempts).

A claim is a lease: `owner` may send a message until `lease_until`, and only the holder of its `epoch` settles it.
What the claim hands out was checked in the same transaction: an opt-out, a dropped follow, a suppression or a
cancelled issue counts up to that moment.

Every function takes a Database and is one transaction, unless it says otherwise.
"""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dispatch.model import DeliveryState, IssueState, MessageState, Rejected, Retry, Sent
from subscribers import directory
from subscribers.database import Database, Row, queries
from subscribers.errors import Conflict
from subscribers.model import EndpointState

SQL = queries(Path(__file__).parents[1] / "sql" / "ledger.sql")
URGENT, NORMAL = 0, 1  # priorities: what a person waits for, and digests

# Issues in these states have nothing to send: what is owed of them waits until they are sending (again).
_WAITS = (IssueState.HELD, IssueState.APPROVED, IssueState.PAUSED)
_LOOK_AGAIN_MS = 60_000


@dataclass(frozen=True, slots=True)
class Owed:
    """A delivery within a claimed message: the digest, the variant as the follows stand now, and the follows."""

    delivery_id: int
    digest_id: int
    variant: int
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed message with all that sending it takes. `endpoint_id` is 0 for a test to an address of nobody's."""

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
    lease_until: int
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What happened to one part, and when. `final` says that the message needs no further part after a Sent."""

    work: Work
    part: int
    outcome: Sent | Retry | Rejected
    started_at: int
    duration_ms: int
    final: bool
    provider_id: str
    lane: str
    retry_at: int = 0

    @property
    def counts(self) -> bool:
        """Whether it is an attempt at the message, rather than one that the lane's fault cut off."""
        outcome = self.outcome
        return not (isinstance(outcome, Retry) and outcome.outage and not outcome.counted)


def due_queues(db: Database, now: int, only: Sequence[int] | None = None) -> list[str]:
    """The queues that have something due, or one of the messages `only` due. Reads only."""
    if only is not None:
        return [row["queue"] for row in db.all(SQL["queues_of"], {"now": now, "ids": json.dumps(list(only))})]
    return [row["queue"] for row in db.all(SQL["due_queues"], {"now": now})]


def claim(
    db: Database, queue: str, page: int, owner: str, now: int, lease_ms: int, only: Sequence[int] | None = None
) -> list[Work]:
    """Lease up to `page` due messages of a queue, urgent ones first; those that may not go any more are ended.

    With `only`, no messages but these. An empty list means that nothing was due.
    """
    while True:
        with db.transaction():
            rows = _lease(db, queue, page, owner, now, lease_ms, only)
            work = _checked(db, rows, now, now + lease_ms)
        if work or not rows:
            return work


def _lease(
    db: Database, queue: str, page: int, owner: str, now: int, lease_ms: int, only: Sequence[int] | None
) -> list[Row]:
    lease = {"queue": queue, "owner": owner, "now": now, "lease_until": now + lease_ms}
    if only is not None:
        return db.all(SQL["claim_only"], {**lease, "page": page, "ids": json.dumps(list(only))})
    rows: list[Row] = []
    for priority in (URGENT, NORMAL):
        if len(rows) < page:
            found = db.all(SQL["claim"], {**lease, "priority": priority, "page": page - len(rows)})
            rows += sorted(found, key=lambda row: int(row["id"]))
    return rows


def _checked(db: Database, rows: Sequence[Row], now: int, lease_until: int) -> list[Work]:
    ids = {"ids": json.dumps([row["id"] for row in rows])}
    endpoints = {row["message_id"]: row for row in db.all(SQL["claimed_endpoints"], ids)}
    deliveries: defaultdict[int, list[Row]] = defaultdict(list)
    for row in db.all(SQL["claimed_deliveries"], ids):
        deliveries[row["message_id"]].append(row)
    follows: defaultdict[int, list[Row]] = defaultdict(list)
    for row in db.all(SQL["claimed_follows"], ids):
        follows[row["delivery_id"]].append(row)
    work = []
    for row in rows:
        endpoint = endpoints.get(row["id"])
        refusal = _refusal(row, endpoint, now)
        if refusal:
            _end(db, row, *refusal, now)
        elif endpoint is None:
            work.append(_addressed(db, row, lease_until))
        else:
            owed = _still_owed(db, deliveries[row["id"]], follows, now)
            if owed:
                work.append(_work(row, endpoint, owed, lease_until))
            elif any(found["issue_state"] in _WAITS for found in deliveries[row["id"]]):
                db.run(SQL["put_off"], {"id": row["id"], "epoch": row["epoch"], "due_at": now + _LOOK_AGAIN_MS})
            else:
                _end(db, row, MessageState.CANCELLED, "nothing of it is owed any more", now)
    return work


def _refusal(row: Row, endpoint: Row | None, now: int) -> tuple[MessageState, str] | None:
    """Why a message may not go to its endpoint any more; None where it may."""
    if endpoint is None and row["endpoint_id"] is not None:
        return MessageState.CANCELLED, "the endpoint is gone"
    if endpoint is not None and endpoint["state"] != EndpointState.ACTIVE:
        return MessageState.SUPPRESSED, f"endpoint {endpoint['state']}: {endpoint['reason']}".rstrip(": ")
    if row["expires_at"] <= now:
        return MessageState.EXPIRED, _too_late(row)
    return None


def _too_late(row: Row) -> str:
    return f"not sent in time; last: {row['reason'] or 'no attempt'}"


def _still_owed(db: Database, deliveries: Sequence[Row], follows: dict[int, list[Row]], now: int) -> tuple[Owed, ...]:
    owed = []
    for row in deliveries:
        variant = 0
        for follow in follows[row["id"]]:
            variant |= follow["bit"]
        tags = tuple(sorted({follow["tag"] for follow in follows[row["id"]]}))
        if row["issue_state"] == IssueState.CANCELLED:
            _end_delivery(db, row, DeliveryState.CANCELLED, "issue cancelled", now)
        elif row["issue_state"] in _WAITS:
            continue
        elif not variant:
            _end_delivery(db, row, DeliveryState.CANCELLED, "no longer follows anything in it", now)
        else:
            owed.append(Owed(row["id"], row["digest_id"], variant, tags))
    return tuple(owed)


def _end_delivery(db: Database, row: Row, state: DeliveryState, reason: str, now: int) -> None:
    values = {"id": row["id"], "variant": row["variant"], "state": state, "reason": reason, "now": now}
    db.run(SQL["settle_delivery"], values)


def _end(db: Database, row: Row, state: MessageState, reason: str, now: int) -> None:
    values = {"id": row["id"], "epoch": row["epoch"], "state": state, "reason": reason, "now": now}
    db.run(SQL["settle_end"], {**values, "provider_id": "", "counted": 0, "parts_done": row["parts_done"]})
    db.run(
        SQL["settle_deliveries"],
        {"id": row["id"], "state": state.value, "reason": reason, "now": now},
    )


def _work(row: Row, endpoint: Row, owed: tuple[Owed, ...], lease_until: int) -> Work:
    return Work(
        message_id=row["id"],
        endpoint_id=endpoint["id"],
        owed=owed,
        lease_until=lease_until,
        **{name: row[name] for name in ("epoch", "kind", "attempts", "parts_done", "expires_at")},
        **{name: endpoint[name] for name in ("channel", "queue", "address", "name", "secret")},
        **{name: endpoint[name] for name in ("language", "format")},
    )


def _addressed(db: Database, row: Row, lease_until: int) -> Work:
    """A message to a bare address, whose content names the digests itself."""
    content = json.loads(row["content"])
    held = db.value(SQL["secret_of"], {"channel": row["channel"], "address": row["address"]})
    owed = tuple(Owed(0, digest, variant, ()) for digest, variant in content["digests"])
    return Work(
        message_id=row["id"],
        endpoint_id=0,
        owed=owed,
        lease_until=lease_until,
        name="",
        format="full",
        secret=content["secret"] or held or "",
        **{name: row[name] for name in ("epoch", "kind", "channel", "queue", "address", "language")},
        **{name: row[name] for name in ("attempts", "parts_done", "expires_at")},
    )


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


def release(db: Database, works: Iterable[Work]) -> None:
    """Give leases back unused; no attempt is counted, and what was last said of a message stays."""
    with db.transaction():
        for work in works:
            db.run(SQL["release"], {"id": work.message_id, "epoch": work.epoch, "reason": None})


def expire(db: Database, queue: str, page: int, now: int) -> int:
    """End up to `page` messages of a queue that waited too long; how many. For queues that no lane takes from: the
    others' messages are looked at when they are claimed."""
    with db.transaction():
        rows = db.all(SQL["expired"], {"queue": queue, "page": page, "now": now})
        for row in rows:
            _end(db, row, MessageState.EXPIRED, _too_late(row), now)
        return len(rows)


def cancel(db: Database, ids: Sequence[int], reason: str, now: int) -> int:
    """Cancel messages that still wait; how many. For tests: one that could not be sent must not go days later."""
    with db.transaction():
        rows = [row for found in ids for row in db.all(SQL["waiting_message"], {"id": found})]
        for row in rows:
            _end(db, row, MessageState.CANCELLED, reason, now)
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


def finish_issues(db: Database, now: int) -> int:
    """Issues of which every delivery has ended are sent; how many became so."""
    with db.transaction():
        return db.run(SQL["finish_issues"], {"now": now})


def installation(db: Database) -> str:
    """The random name of this installation, which its message ids carry. It is made on first use."""
    found = db.value(SQL["installation"])
    if found is None:
        with db.transaction():
            db.run(SQL["name_installation"], {"name": secrets.token_hex(6)})
        found = db.value(SQL["installation"])
    return str(found)
