"""From an approved issue to deliveries and messages, in the database and by SQL alone.

The endpoints are taken in slices, each a transaction with all digests of the issue, so that other writers wait for
milliseconds and a bundle is whole before anybody can claim it. Every row has a unique key: planning twice, or going
on after a crash, adds nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dispatch import archive
from dispatch.delivery.ledger import SQL
from subscribers import directory
from subscribers.database import Database
from subscribers.rhythm import due_at
from subscribers.routing import Route, route

_SLICE = 20_000


@dataclass(frozen=True, slots=True)
class Planned:
    """How many deliveries an issue has after planning."""

    issue_id: int
    bulletin: str
    ref: str
    deliveries: int


def plan_due(db: Database, expire_ms: Mapping[str, int], now: int) -> list[Planned]:
    """Plan all issues that are approved and due; `expire_ms` is how long each channel's messages are worth sending."""
    return [
        Planned(row["id"], row["bulletin"], row["ref"], plan(db, row["id"], expire_ms, now))
        for row in db.all(SQL["to_plan"], {"now": now})
    ]


def plan(db: Database, issue_id: int, expire_ms: Mapping[str, int], now: int) -> int:
    """Plan one issue; how many deliveries were added."""
    with db.transaction():
        db.run(SQL["begin_plan"], {"id": issue_id})
    routes = {digest_id: route(archive.digest_tags(db, digest_id)) for digest_id in archive.digest_ids(db, issue_id)}
    added = 0
    for low, high in _slices(db):
        with db.transaction():
            _fill_due(db, expire_ms, now)
            for digest_id, found in routes.items():
                added += _plan_slice(db, digest_id, found, low, high, now)
    with db.transaction():
        db.run(SQL["end_plan"], {"id": issue_id, "now": now})
    return added


def _slices(db: Database) -> Iterator[tuple[int, int]]:
    highest = int(db.value(SQL["highest_endpoint"]))
    for low in range(0, highest, _SLICE):
        yield low, min(low + _SLICE, highest)


def _fill_due(db: Database, expire_ms: Mapping[str, int], now: int) -> None:
    """When a message planned now is due, for each rhythm and channel. A rhythm added meanwhile is in it, because it
    is read in the transaction that plans."""
    db.run(SQL["create_plan_due"])
    db.run(SQL["clear_plan_due"])
    rows = []
    for rhythm_id, rhythm in directory.rhythms(db).items():
        due = due_at(rhythm, now)
        for channel, worth in expire_ms.items():
            rows.append({"rhythm_id": rhythm_id, "channel": channel, "due_at": due, "expires_at": due + worth})
    db.many(SQL["add_plan_due"], rows)


def _plan_slice(db: Database, digest_id: int, found: Route, low: int, high: int, now: int) -> int:
    values = {"digest_id": digest_id, "low": low, "high": high}
    # The route's SELECT is ours, made of numbered parameters: nothing of a stranger's is in its text.
    insert = SQL["plan_deliveries"].replace("{route}", found.sql)
    added = db.run(insert, {**found.params, **values, "now": now})
    db.run(SQL["plan_bundles"], {**values, "now": now})
    db.run(SQL["join_bundles"], values)
    db.run(SQL["plan_messages"], {**values, "now": now})
    db.run(SQL["join_messages"], values)
    return added


@dataclass(frozen=True, slots=True)
class Count:
    """How many endpoints of a channel would get a variant of a digest."""

    digest_id: int
    channel: str
    variant: int
    endpoints: int


def preview_counts(db: Database, issue_id: int) -> list[Count]:
    """Who would be owed what. Writes nothing."""
    highest = int(db.value(SQL["highest_endpoint"]))
    counts: list[Count] = []
    for digest_id in archive.digest_ids(db, issue_id):
        found = route(archive.digest_tags(db, digest_id))
        sql = SQL["count_route"].replace("{route}", found.sql)
        rows = db.each(sql, {**found.params, "low": 0, "high": highest})
        counts += [Count(digest_id, **row) for row in rows]
    return counts
