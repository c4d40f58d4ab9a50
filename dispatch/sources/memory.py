"""What the sources remember, at rest. The functions that write are called inside a transaction of the caller's."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from dispatch.sources.source import Known, Memory
from subscribers.database import Database, queries

SQL = queries(Path(__file__).with_name("sources.sql"))
MOST_ITEMS = 20_000
"""Documents that a source remembers, the newest; who lists more than that in one page is read anew."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a source stands: when it was looked at (0: never), what it had last, and since when it fails. Times are in
    milliseconds since 1970."""

    kind: str = ""
    checked_at: int = 0
    failures: int = 0
    failing_since: int | None = None
    last_error: str = ""
    next_at: int = 0
    asked: int = 0
    last_taken: str = ""
    taken_at: int | None = None


def standing(db: Database, name: str) -> Standing:
    """How the source of this name stands, or that nobody has looked."""
    row = db.one(SQL["load"], {"name": name})
    return Standing(**{key: row[key] for key in Standing.__dataclass_fields__}) if row else Standing()


def failing(db: Database) -> dict[str, Standing]:
    """The sources whose last look failed, by name."""
    return {name: found for name, found in _all(db).items() if found.failures}


def _all(db: Database) -> dict[str, Standing]:
    return {
        row["name"]: Standing(**{key: row[key] for key in Standing.__dataclass_fields__})
        for row in db.all(SQL["all"])
    }  # fmt: skip


def load(db: Database, name: str) -> Memory:
    """What a source remembers."""
    row = db.one(SQL["load"], {"name": name})
    state = json.loads(row["state"]) if row and row["state"] else {}
    items = {
        found["item"]: Known(**{key: found[key] for key in Known.__dataclass_fields__})
        for found in db.all(SQL["items"], {"source": name})
    }
    return Memory(dict(state), items)


def save(db: Database, name: str, state: dict[str, str], found: Standing) -> None:
    """Keep how a source stands, and its own words."""
    db.run(SQL["save"], {"name": name, "state": json.dumps(state, ensure_ascii=False), **asdict(found)})


def remember(db: Database, name: str, key: str, known: Known) -> None:
    """Keep what became of a document."""
    db.run(SQL["save_item"], {"source": name, "item": key, **asdict(known)})


def trim(db: Database, name: str) -> None:
    """Forget the oldest documents where there are too many."""
    before = db.value(SQL["oldest_kept"], {"source": name, "most": MOST_ITEMS})
    if before is not None:
        db.run(SQL["forget"], {"source": name, "before": before})


def settle_others(db: Database, names: Collection[str]) -> None:
    """Sources that are none of these any more do not count as failing."""
    for name in failing(db):
        if name not in names:
            db.run(SQL["settle"], {"name": name})
