"""Deliveries a slice at a time: whatever goes over all of them holds no more of them in memory, and no lock longer,
than for a few thousand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from subscribers.database import Database, queries

SQL = queries(Path(__file__).with_name("slices.sql"))
SLICE = 5_000
# Between two transactions of a sweep: without it, who waits for the lock by polling, as SQLite does, rarely finds it
# free.
REST_SECONDS = 0.02
Advance = Callable[[int], None]  # how many more are done


@dataclass(frozen=True, slots=True)
class Slice:
    """The deliveries of one digest to the endpoints above `low` up to `high`; `size` of them."""

    digest: int
    low: int
    high: int
    size: int

    @property
    def params(self) -> dict[str, int]:
        return {"digest": self.digest, "low": self.low, "high": self.high}


def silent(size: int) -> None:
    """No progress shown."""


def slices(db: Database, issue_id: int | None = None, size: int = SLICE) -> Iterator[Slice]:
    """All deliveries, or an issue's, in the order of digests and endpoints."""
    for digest in _digests(db, issue_id):
        low = 0
        while (edge := db.one(SQL["edge"], {"digest": digest, "low": low, "size": size})) and edge["size"]:
            yield Slice(digest, low, edge["high"], edge["size"])
            low = edge["high"]


def count(db: Database, issue_id: int | None = None) -> int:
    """How many deliveries the slices have together."""
    return sum(int(db.value(SQL["count"], {"digest": digest})) for digest in _digests(db, issue_id))


def _digests(db: Database, issue_id: int | None) -> list[int]:
    if issue_id is None:
        return [row["id"] for row in db.all(SQL["digests"])]
    return [row["id"] for row in db.all(SQL["digests_of"], {"issue": issue_id})]
