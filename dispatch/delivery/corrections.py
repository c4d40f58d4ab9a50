"""Corrections: who got a text that has been changed since gets the new one, marked as such.

A correction is one message an endpoint and revision, without deliveries: what was sent stays sent, and says of which
revision it was. The message says only which revision it tells of; what of that the reader has had is looked up when it
is claimed: what is corrected later still is left to that message, and what is not sent yet goes out corrected anyway.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import NamedTuple

from dispatch.changes import Place, Told, told
from dispatch.delivery import planner
from dispatch.delivery.ledger import Correction, Owed
from dispatch.model import DeliveryState
from subscribers.database import Database, queries
from subscribers.rhythm import after_quiet

SQL = queries(Path(__file__).with_name("corrections.sql"))
KIND = "correction"
WAIT_MS = 60_000  # until it is looked again whether the old text went out


@dataclass(frozen=True, slots=True)
class Plan:
    """A revision of which readers are to be told: the bits of each digest that it changed, and the slices of endpoints
    still to be taken."""

    correction: Correction
    name: str
    bits: Mapping[int, int]
    slices: tuple[tuple[int, int], ...]


def to_plan(db: Database) -> list[Plan]:
    """The revisions that a person let go out and of which not every message is queued. Reads only."""
    plans = []
    for row in db.all(SQL["owing"]):
        correction = Correction(row["issue_id"], row["revision"])
        changes = db.value(SQL["owing_changes"], correction._asdict())
        bits = _bits(told(changes or ""))
        slices = tuple(planner.slices_of_endpoints(db))
        plans.append(Plan(correction, f"{row['bulletin']}:{row['ref']}", bits, slices))
    return plans


def _bits(changes: Iterable[Told]) -> dict[int, int]:
    bits: defaultdict[int, int] = defaultdict(int)
    for change in changes:
        for digest, bit in change.was:
            bits[digest] |= bit
    return dict(bits)


def plan_slice(db: Database, plan: Plan, low: int, high: int, expire_ms: Mapping[str, int], now: int) -> int:
    """Queue the messages to the endpoints above `low` up to `high`; how many that adds. They are due at once, but not
    in quiet hours. A transaction; doing it twice adds nothing."""
    about = plan.correction._asdict()
    with db.transaction():
        planner.fill_due(db, expire_ms, now, due=after_quiet)
        prefix = f"correction:{plan.correction.issue_id}:{plan.correction.revision}:"
        values = {"prefix": prefix, "content": json.dumps(about), "revision": plan.correction.revision}
        values |= {"low": low, "high": high, "now": now}
        digests = [(row["id"], plan.bits.get(row["id"], 0)) for row in db.all(SQL["digests"], about)]
        return sum(
            db.run(SQL["plan"], {**values, "digest_id": digest, "bits": bits}) for digest, bits in digests if bits
        )


def end(db: Database, plan: Plan) -> None:
    """Every slice is planned."""
    with db.transaction():
        db.run(SQL["queued"], plan.correction._asdict())


def forecast(
    db: Database, bits: Mapping[int, int], advance: Callable[[int], None] = lambda done: None
) -> dict[str, int]:
    """How many endpoints of each channel would be told, of those bits of digests. Changes nothing."""
    counts: Counter[str] = Counter()
    for low, high in planner.preview_slices(db):
        met: dict[int, str] = {}
        for digest, wanted in bits.items():
            met |= db.rows(SQL["count"], {"digest_id": digest, "bits": wanted, "low": low, "high": high})
        counts.update(met.values())
        advance(high - low)
    return dict(sorted(counts.items()))


def standing(db: Database, correction: Correction) -> dict[str, int]:
    """How many messages of a correction are in which state."""
    rows = db.all(SQL["standing"], _keys(f"correction:{correction.issue_id}:{correction.revision}"))
    return {row["state"]: row["messages"] for row in rows}


def _keys(prefix: str) -> dict[str, str]:
    return {"low": f"{prefix}:", "high": f"{prefix};"}


def put_aside(db: Database, issue_id: int, digest: int, channel: str, now: int) -> int:
    """Pause what waits of an issue's corrections for a digest's sake, in a channel ("": all); how many. Called inside a
    transaction."""
    return db.run(SQL["pause"], {**_keys(f"correction:{issue_id}"), "digest": digest, "channel": channel, "now": now})


def cancel(db: Database, issue_id: int, channel: str, reason: str, now: int) -> int:
    """End what waits of an issue's corrections in a channel ("": all); how many. Called inside a transaction."""
    values = {"channel": channel, "reason": reason, "now": now}
    return db.run(SQL["cancel"], {**_keys(f"correction:{issue_id}"), **values})


def of_content(content: str) -> Correction:
    """Which revision a message of this kind tells of."""
    found = json.loads(content)
    return Correction(int(found["issue_id"]), int(found["revision"]))


class _Received(NamedTuple):
    """A delivery of a digest to an endpoint; `begun` says that its message may be under way with an older text."""

    endpoint_id: int
    digest_id: int
    variant: int
    revision: int
    state: str
    begun: int


class Unknown(Exception):
    """Whether the old text went out is not known yet."""


class Corrections:
    """What a page of claimed corrections is about."""

    def __init__(self, db: Database, wanted: Collection[Correction], endpoints: Collection[int]) -> None:
        self._changes: defaultdict[int, dict[int, tuple[Told, ...]]] = defaultdict(dict)
        issues = sorted({correction.issue_id for correction in wanted})
        for issue, revision, changes in db.rows(SQL["changes"], {"issues": issues}):
            self._changes[issue][revision] = told(changes)
        self.digests = {digest for change in self._all() for digest, _ in (*change.was, change.now)}
        values = {"endpoints": list(endpoints), "digests": sorted(self.digests)}
        self._received: dict[tuple[int, int], _Received] = {}
        for row in map(_Received._make, db.rows(SQL["received"], values)) if self.digests else ():
            self._received[row.endpoint_id, row.digest_id] = row

    def _all(self) -> Iterator[Told]:
        return (change for of in self._changes.values() for changes in of.values() for change in changes)

    def owed(self, about: Correction, endpoint: int, follows: Collection[str]) -> tuple[Owed, ...]:
        """The changed articles that a reader had with their old text and follows, as they stand
        now. Raises Unknown where some may just be going out."""
        by_revision = self._changes[about.issue_id]
        later = [
            place
            for number, changes in by_revision.items()
            if number > about.revision
            for item in changes
            for place in item.was
        ]
        found: defaultdict[int, int] = defaultdict(int)
        tags: defaultdict[int, set[str]] = defaultdict(set)
        for change in by_revision.get(about.revision, ()):
            mine = set(follows) & set(change.tags)
            if mine and not set(change.was) & set(later) and self._had(change.was, endpoint, about.revision):
                digest, bit = change.now
                found[digest] |= bit
                tags[digest] |= mine
        return tuple(Owed(0, digest, bits, tuple(sorted(tags[digest]))) for digest, bits in found.items())

    def _had(self, was: Iterable[Place], endpoint: int, revision: int) -> bool:
        """Whether an older text of an article was sent to an endpoint."""
        by_digest = {digest: reduce(or_, (b for d, b in was if d == digest)) for digest, _ in was}
        for digest, bits in by_digest.items():
            row = self._received.get((endpoint, digest))
            if row is None or row.revision >= revision:
                continue
            if row.state == DeliveryState.PLANNED and row.begun:
                raise Unknown
            if row.state == DeliveryState.SENT and row.variant & bits:
                return True
        return False
