"""Claiming: leases on what is due, checked in the same transaction.

What a claim hands out may go: an opt-out, a dropped follow, a suppression or a cancelled issue counts up to that
moment, and the variant is that of the follows as they stand.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence

from dispatch.delivery import ledger
from dispatch.delivery.ledger import NORMAL, SQL, URGENT, Owed, Work
from dispatch.model import DeliveryState, IssueState, MessageState
from subscribers.database import Database, Row
from subscribers.model import EndpointState

# Issues in these states have nothing to send: what is owed of them waits until they are sending (again).
_WAITS = (IssueState.HELD, IssueState.APPROVED, IssueState.PAUSED)
_LOOK_AGAIN_MS = 60_000


def due_queues(db: Database, now: int, only: Sequence[int] | None = None) -> list[str]:
    """The queues that have something due, or one of the messages `only` due. Reads only."""
    if only is not None:
        return [row["queue"] for row in db.all(SQL["queues_of"], {"now": now, "ids": list(only)})]
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
        return db.all(SQL["claim_only"], {**lease, "page": page, "ids": list(only)})
    rows: list[Row] = []
    for priority in (URGENT, NORMAL):
        if len(rows) < page:
            found = db.all(SQL["claim"], {**lease, "priority": priority, "page": page - len(rows)})
            rows += sorted(found, key=lambda row: int(row["id"]))
    return rows


def _checked(db: Database, rows: Sequence[Row], now: int, lease_until: int) -> list[Work]:
    if not rows:
        return []
    ids = {"ids": [row["id"] for row in rows]}
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
            ledger.end(db, row, *refusal, now)
        elif endpoint is None:
            work.append(_addressed(db, row, lease_until))
        else:
            owed = _still_owed(db, deliveries[row["id"]], follows, now)
            if owed:
                work.append(_work(row, endpoint, owed, lease_until))
            elif any(found["issue_state"] in _WAITS for found in deliveries[row["id"]]):
                db.run(SQL["put_off"], {"id": row["id"], "epoch": row["epoch"], "due_at": now + _LOOK_AGAIN_MS})
            else:
                ledger.end(db, row, MessageState.CANCELLED, "nothing of it is owed any more", now)
    return work


def _refusal(row: Row, endpoint: Row | None, now: int) -> tuple[MessageState, str] | None:
    """Why a message may not go to its endpoint any more; None where it may."""
    if endpoint is None and row["endpoint_id"] is not None:
        return MessageState.CANCELLED, "the endpoint is gone"
    if endpoint is not None and endpoint["state"] != EndpointState.ACTIVE:
        return MessageState.SUPPRESSED, f"endpoint {endpoint['state']}: {endpoint['reason']}".rstrip(": ")
    if row["expires_at"] <= now:
        return MessageState.EXPIRED, ledger.too_late(row)
    return None


def _still_owed(db: Database, deliveries: Sequence[Row], follows: dict[int, list[Row]], now: int) -> tuple[Owed, ...]:
    owed = []
    for row in deliveries:
        variant = 0
        for follow in follows[row["id"]]:
            variant |= follow["bit"]
        tags = tuple(sorted({follow["tag"] for follow in follows[row["id"]]}))
        if row["issue_state"] == IssueState.CANCELLED:
            ledger.end_delivery(db, row, DeliveryState.CANCELLED, "issue cancelled", now)
        elif row["issue_state"] in _WAITS:
            continue
        elif not variant:
            ledger.end_delivery(db, row, DeliveryState.CANCELLED, "no longer follows anything in it", now)
        else:
            owed.append(Owed(row["id"], row["digest_id"], variant, tags))
    return tuple(owed)


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
