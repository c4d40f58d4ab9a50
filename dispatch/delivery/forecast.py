"""What sending an issue would come to: who would get what and when, and who is left out. It reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dispatch import archive
from dispatch.delivery.chosen import Chosen
from dispatch.delivery.planner import Count, preview_counts, preview_slices
from subscribers import directory
from subscribers.database import Database, queries
from subscribers.model import EndpointState
from subscribers.rhythm import due_at
from subscribers.routing import reached, route

SQL = queries(Path(__file__).with_name("forecast.sql"))
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Due:
    """How many endpoints of a cadence would be written to at a time (ms)."""

    cadence: str
    due_at: int
    endpoints: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """`endpoints` are those that would be written to, each counted once; `left_out` says how many follow something
    in the issue and get nothing, by their state, or as `words` where their words leave nothing of it. What readers'
    words leave out is counted nowhere else."""

    counts: tuple[Count, ...]
    endpoints: int
    due: tuple[Due, ...]
    left_out: dict[str, int]


def steps(db: Database, issue_id: int) -> int:
    """How many endpoints `forecast` looks at, those of each digest anew."""
    highest = max((high for _, high in preview_slices(db)), default=0)
    return highest * (len(archive.digest_ids(db, issue_id)) + 1)


def forecast(db: Database, issue_id: int, now: int, advance: Advance = lambda done: None) -> Forecast:
    """What sending an issue at `now` (ms) would come to. `advance` is told how many more endpoints are looked at."""
    counts = Counter({(c.digest_id, c.channel, c.variant): c.endpoints for c in preview_counts(db, issue_id, advance)})
    found = _reached(db, issue_id, advance)
    silenced = _choose(db, issue_id, counts)
    for rhythm_id, endpoints in silenced.items():
        found[EndpointState.ACTIVE, rhythm_id] -= endpoints
    due: Counter[tuple[int, str]] = Counter()
    rhythms = directory.rhythms(db)
    left_out: Counter[str] = Counter()
    for (state, rhythm_id), endpoints in found.items():
        if state == EndpointState.ACTIVE and endpoints:
            rhythm = rhythms[rhythm_id]
            due[due_at(rhythm, now), rhythm.cadence.value] += endpoints
        elif endpoints:
            left_out[state] += endpoints
    if silenced:
        left_out["words"] = silenced.total()
    times = tuple(Due(cadence, at, endpoints) for (at, cadence), endpoints in sorted(due.items()))
    going = tuple(Count(*key, endpoints) for key, endpoints in sorted(counts.items()) if endpoints)
    return Forecast(going, due.total(), times, dict(sorted(left_out.items())))


def _choose(db: Database, issue_id: int, counts: Counter[tuple[int, str, int]]) -> Counter[int]:
    """Move the endpoints that have words to the variants that these leave them, as the claim will; how many of each
    rhythm are left with nothing of the issue."""
    rhythms: dict[int, int] = {}
    going: set[int] = set()
    for digest_id in archive.digest_ids(db, issue_id):
        routed = route(archive.digest_tags(db, digest_id))
        sql = SQL["with_words"].replace("{route}", routed.sql)
        for low, high in preview_slices(db):
            rows = db.all(sql, {**routed.params, "low": low, "high": high})
            chosen = Chosen.load(db, [row["endpoint_id"] for row in rows]) if rows else None
            if chosen is None:
                continue
            chosen.read(db, [digest_id])
            for row in rows:
                endpoint, channel = row["endpoint_id"], row["channel"]
                left = chosen.of(endpoint, digest_id, row["variant"])
                rhythms[endpoint] = row["rhythm_id"]
                counts[digest_id, channel, row["variant"]] -= 1
                if left:
                    counts[digest_id, channel, left] += 1
                    going.add(endpoint)
    return Counter(rhythm for endpoint, rhythm in rhythms.items() if endpoint not in going)


def _reached(db: Database, issue_id: int, advance: Advance) -> Counter[tuple[str, int]]:
    """How many endpoints follow something in an issue, by state and rhythm."""
    tags = [tag for digest_id in archive.digest_ids(db, issue_id) for tag, _ in archive.digest_tags(db, digest_id)]
    found: Counter[tuple[str, int]] = Counter()
    route = reached(tags)
    for low, high in preview_slices(db):
        for row in db.all(route.sql, {**route.params, "low": low, "high": high}):
            found[row["state"], row["rhythm_id"]] += row["endpoints"]
        advance(high - low)
    return found
