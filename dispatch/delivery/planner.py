"""From an approved issue to deliveries and messages, in the database and by SQL alone.

The endpoints are taken in slices, each a transaction with all digests of the issue: other writers wait for a fraction
of a second, and a bundle is whole before anybody can claim it. Every row has a unique key: planning twice, or going on
after a crash, adds nothing twice. Each slice looks at the issue's state again: one that was cancelled is planned no
further.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dispatch import archive
from dispatch.delivery.ledger import SQL
from dispatch.model import IssueState
from subscribers import directory
from subscribers.database import Database, Row
from subscribers.model import Rhythm
from subscribers.rhythm import after_quiet, due_at
from subscribers.routing import Route, route

SLICE = 2_000  # endpoints; times the digests of an issue it is what one transaction writes
_PREVIEWED = 50_000
FIRSTS = 500  # new followers of one transaction


@dataclass(frozen=True, slots=True)
class Plan:
    """An issue that is being planned: the routes of its digests, and the slices of endpoints still to be taken."""

    issue_id: int
    name: str
    routes: Mapping[int, Route]
    slices: tuple[tuple[int, int], ...]


def to_plan(db: Database, now: int) -> list[Row]:
    """The issues that are approved and due, and those whose plan was cut short. Reads only."""
    return db.all(SQL["to_plan"], {"now": now})


def begin(db: Database, issue: Row) -> Plan | None:
    """Begin to plan (or go on with) an issue of `to_plan`; None where it may not go out any more."""
    with db.transaction():
        db.run(SQL["begin_plan"], {"id": issue["id"]})
        if not _sending(db, issue["id"]):
            return None
    ids = archive.digest_ids(db, issue["id"])
    routes = {digest_id: route(archive.digest_tags(db, digest_id)) for digest_id in ids}
    return Plan(issue["id"], f"{issue['bulletin']}:{issue['ref']}", routes, tuple(slices_of_endpoints(db)))


def plan_slice(db: Database, plan: Plan, low: int, high: int, expire_ms: Mapping[str, int], now: int) -> int | None:
    """Plan the endpoints above `low` up to `high`; how many deliveries that adds, None where the issue was stopped.

    `expire_ms` is how long the messages of each channel are worth sending.
    """
    with db.transaction():
        if not _sending(db, plan.issue_id):
            return None
        fill_due(db, expire_ms, now)
        values = {"low": low, "high": high}
        bundled = db.value(SQL["bundled"], values) is not None
        return sum(
            _plan_digest(db, found, {**values, "digest_id": digest_id}, now, bundled=bundled)
            for digest_id, found in plan.routes.items()
        )


def end(db: Database, plan: Plan, now: int) -> None:
    """Every slice is planned."""
    with db.transaction():
        db.run(SQL["end_plan"], {"id": plan.issue_id, "now": now})


def _sending(db: Database, issue_id: int) -> bool:
    return bool(db.value(SQL["issue_state"], {"id": issue_id}) == IssueState.SENDING)


def slices_of_endpoints(db: Database, size: int = SLICE) -> Iterator[tuple[int, int]]:
    """All endpoints: those above the first id, up to the second."""
    highest = int(db.value(SQL["highest_endpoint"]))
    for low in range(0, highest, size):
        yield low, min(low + size, highest)


def plan_firsts(db: Database, expire_ms: Mapping[str, int], now: int, page: int = FIRSTS) -> int | None:
    """Plan, for up to `page` new followers, the newest digest that carries what they began to follow, in the variant
    of all they follow; how many deliveries that adds, None where nobody waits for one.

    It is due at once, whatever the cadence, but not in quiet hours. Who had that digest gets nothing, and so do those
    for whom there is none yet: the next issue comes to them as to all.
    """
    if db.value(SQL["first_edge"], {"page": 1}) is None:  # as nearly always: no lock is taken for it
        return None
    with db.transaction():
        last = db.value(SQL["first_edge"], {"page": page})
        if last is None:
            return None
        values = {"last": int(last), "now": now}
        fill_due(db, expire_ms, now, due=after_quiet)
        added = db.run(SQL["plan_firsts"], values)
        if added:
            db.run(SQL["plan_first_messages"], values)
            db.run(SQL["join_first_messages"], values)
            db.run(SQL["reopen_issues"])
        db.run(SQL["use_firsts"], values)
    return added


def fill_due(db: Database, expire_ms: Mapping[str, int], now: int, due: Callable[[Rhythm, int], int] = due_at) -> None:
    """When a message planned now is due, for each rhythm and channel. A rhythm added meanwhile is in it, because it
    is read in the transaction that plans."""
    db.run(SQL["create_plan_due"])
    db.run(SQL["clear_plan_due"])
    rows = []
    for rhythm_id, rhythm in directory.rhythms(db).items():
        due_ms = due(rhythm, now)
        for channel, worth in expire_ms.items():
            rows.append({"rhythm_id": rhythm_id, "channel": channel, "due_at": due_ms, "expires_at": due_ms + worth})
    db.many(SQL["add_plan_due"], rows)


def _plan_digest(db: Database, found: Route, values: dict[str, int], now: int, *, bundled: bool) -> int:
    # The route's SELECT is ours, made of numbered parameters: nothing of a stranger's is in its text.
    insert = SQL["plan_deliveries"].replace("{route}", found.sql)
    added = db.run(insert, {**found.params, **values, "now": now})
    if bundled:
        db.run(SQL["plan_bundles"], {**values, "now": now})
        db.rows(SQL["lock_bundles"], values)
        db.run(SQL["join_bundles"], values)
    db.run(SQL["plan_messages"], {**values, "now": now})
    db.run(SQL["join_messages"], values)
    return added


def plan_alone(db: Database, digest_id: int, low: int, high: int, expire_ms: Mapping[str, int], now: int) -> None:
    """Give deliveries that are planned and have no message one of their own, those of the endpoints above `low` up to
    `high`. Nobody is added. Called inside a transaction."""
    fill_due(db, expire_ms, now)
    values = {"digest_id": digest_id, "low": low, "high": high}
    db.run(SQL["plan_messages"], {**values, "now": now})
    db.run(SQL["join_messages"], values)


@dataclass(frozen=True, slots=True)
class Count:
    """How many endpoints of a channel would get a variant of a digest."""

    digest_id: int
    channel: str
    variant: int
    endpoints: int


def preview_counts(db: Database, issue_id: int, advance: Callable[[int], None] = lambda done: None) -> list[Count]:
    """Who would be owed what: by digest, channel and variant. Writes nothing. `advance` is told how many more
    endpoints are looked at, those of each digest anew."""
    found: Counter[tuple[int, str, int]] = Counter()
    for digest_id in archive.digest_ids(db, issue_id):
        routed = route(archive.digest_tags(db, digest_id))
        sql = SQL["count_route"].replace("{route}", routed.sql)
        for low, high in preview_slices(db):
            for row in db.all(sql, {**routed.params, "low": low, "high": high}):
                found[digest_id, row["channel"], row["variant"]] += row["endpoints"]
            advance(high - low)
    return [Count(*key, endpoints) for key, endpoints in sorted(found.items())]


def preview_slices(db: Database) -> Iterator[tuple[int, int]]:
    """The endpoints in slices for reading: nobody waits for a reader, so they are large."""
    return slices_of_endpoints(db, _PREVIEWED)
