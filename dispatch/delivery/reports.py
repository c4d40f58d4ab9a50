"""What the ledger tells: lists, one delivery's story, counts; and putting failed ones back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dispatch import archive
from dispatch.digests.compose import section
from dispatch.errors import Failure, StateError
from dispatch.model import DeliveryState, Digest, MessageState
from subscribers.database import Database, Row, queries

SQL = queries(Path(__file__).with_name("reports.sql"))


def deliveries(
    db: Database,
    *,
    issue_id: int | None = None,
    state: str = "",
    channel: str = "",
    endpoint: str = "",
    delivery_id: int | None = None,
) -> list[Row]:
    """A row a delivery, in the order they were planned, with the titles of its articles."""
    is_label = endpoint[:1] == "e" and endpoint[1:].isascii() and endpoint[1:].isdigit() and len(endpoint) < 19
    wanted: dict[str, object] = {
        "id": delivery_id,
        "issue": issue_id,
        "state": state,
        "channel": channel,
        "endpoint": int(endpoint[1:]) if is_label else None,
        "address": "" if is_label else endpoint,
    }
    rows = _filtered(db, "deliveries", wanted)
    shown = archive.shown(db)
    digests: dict[int, Digest] = {}
    for row in rows:
        if row["digest_id"] not in digests:
            digests[row["digest_id"]] = archive.digest(db, row["digest_id"])
        _complete(row, digests[row["digest_id"]], shown(row["bulletin"], row["ref"]))
    return rows


def _complete(row: Row, digest: Digest, name: str) -> None:
    """Add what is worked out rather than stored."""
    part = f" ({row['part']}/{row['parts']})" if row["parts"] > 1 else ""
    row["issue"] = name
    row["column"] = row["column_name"] + part
    row["subscriber"] = row["name"] or (f"#{row['subscriber_id']}" if row["subscriber_id"] else "")
    row["endpoint"] = f"e{row['endpoint_id']}"
    row["articles"] = [entry.article.title for entry in section(digest, row["variant"]).matching]


def story(db: Database, delivery_id: int) -> tuple[Row, dict[str, Any] | None, list[Row]]:
    """A delivery, its message and the attempts at it. Raises Failure where there is no such delivery."""
    rows = deliveries(db, delivery_id=delivery_id) if delivery_id < 2**63 else []
    if not rows:
        raise Failure(f"no delivery {delivery_id}; see: dispatch deliveries list")
    found = db.one(SQL["message"], {"id": delivery_id})
    if found is None:
        return rows[0], None, []
    attempts = db.all(SQL["attempts"], {"id": found["id"]})
    for attempt in attempts:
        attempt["started_at"] = datetime.fromtimestamp(attempt["started_at"] / 1000, UTC).isoformat()
    kept = ("id", "key", "kind", "state", "attempts", "parts_done", "provider_id", "reason", "epoch")
    return rows[0], {name: found[name] for name in kept}, attempts


def summary(db: Database, issue_id: int | None) -> tuple[list[Row], list[Row]]:
    """Counts by channel and state, and the commonest reasons of what was not sent."""
    wanted: dict[str, object] = {"issue": issue_id}
    return _filtered(db, "summary", wanted), _filtered(db, "reasons", wanted)


def _filtered(db: Database, query: str, wanted: Mapping[str, object]) -> list[Row]:
    """The rows of a query, with those filters in it whose value is neither None nor empty: an index serves each, where
    one condition for all cases would read everything."""
    values = {name: value for name, value in wanted.items() if value not in (None, "")}
    conditions = " AND ".join(SQL[f"filter_{name}"] for name in values) or SQL["filter_all"]
    return db.all(SQL[query].replace("{filter}", conditions), values)


def retry(db: Database, ids: Sequence[int], *, failed: bool, expire_ms: Mapping[str, int], now: int) -> int:
    """Queue failed and expired deliveries again, those named or all; how many messages that makes.

    Raises Failure for an unknown id, StateError for one that may not be sent again.
    """
    with db.transaction():
        rows = [_retryable(db, delivery_id) for delivery_id in dict.fromkeys(ids)]
        if failed:
            rows += db.all(SQL["failed"])
        messages = {row["message_id"]: row["channel"] for row in rows}
        for channel, worth in expire_ms.items():
            values = [
                {"id": message_id, "now": now, "expires_at": now + worth}
                for message_id, of in messages.items()
                if of == channel
            ]
            db.many(SQL["requeue"], values)
            db.many(SQL["replan"], [{"id": value["id"]} for value in values])
        db.run(SQL["reopen_issues"])
    return len(messages)


def _retryable(db: Database, delivery_id: int) -> Row:
    row = db.one(SQL["retryable"], {"id": delivery_id}) if delivery_id < 2**63 else None
    if row is None:
        raise Failure(f"no delivery {delivery_id}; see: dispatch deliveries list")
    waits = row["state"] == DeliveryState.PLANNED and row["message_state"] == MessageState.QUEUED
    again = MessageState(row["message_state"]) in (MessageState.FAILED, MessageState.EXPIRED)
    if not waits and not again:
        state = "being sent right now" if row["message_state"] == MessageState.SENDING else row["state"]
        raise StateError(f"delivery {delivery_id} is {state}: only failed and expired ones can be tried again")
    return row
