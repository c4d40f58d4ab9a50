"""Follows of what left the catalog: of a park, province or topic that no article will be tagged with any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dispatch.catalog.carried import MENTIONS
from dispatch.catalog.lookup import Catalog
from subscribers.database import Database, queries

SQL = queries(Path(__file__).with_name("lost.sql"))
_KINDS = ("park", "province", "topic")
_NEAR = 3  # names that are suggested


@dataclass(frozen=True, slots=True)
class Lost:
    """A tag that is followed and means nothing any more. `active` of the `endpoints` that follow it would be sent to;
    `now` is what the catalog calls it today, "" where it is gone, and `near` what is named alike then."""

    tag: str
    active: int
    endpoints: int
    now: str
    near: tuple[str, ...]

    @property
    def words(self) -> str:
        who = f"{self.active} active endpoints" + (f" of {self.endpoints}" if self.endpoints != self.active else "")
        return f"{self.tag} is followed by {who} and {f'is called {self.now} now' if self.now else 'is gone'}"

    @property
    def remedy(self) -> str:
        drop = f"dispatch subscribers bulk unfollow '{self.tag}' --follow '{self.tag}'"
        if self.now:
            return f"dispatch subscribers bulk follow '{self.now}' --follow '{self.tag}', then {drop}"
        near = f"; near it: {', '.join(self.near)}" if self.near else ""
        return f"put it back into the catalog, or: {drop}{near}"


def lost_follows(db: Database, catalog: Catalog) -> list[Lost]:
    """The parks, provinces and topics that are followed and are not in the catalog under this name, by name."""
    return [*_lost(db, catalog)]


def _lost(db: Database, catalog: Catalog) -> Iterator[Lost]:
    for row in db.all(SQL["followed"]):
        kind, _, word = row["tag"].partition(":")
        now = catalog.find(row["tag"]) or ""
        if kind not in _KINDS or now == row["tag"]:
            continue
        if not now.startswith(f"{kind}:"):
            now = ""
        found = db.one(SQL["followers"], {"tag": row["tag"]})
        near = () if now else tuple(catalog.near(kind, word.removesuffix(MENTIONS), _NEAR))
        yield Lost(row["tag"], found["active"] if found else 0, found["endpoints"] if found else 0, now, near)
