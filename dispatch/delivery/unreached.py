"""The articles of an issue that nobody would get. It reads only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from subscribers.database import Database, queries

SQL = queries(Path(__file__).with_name("unreached.sql"))


@dataclass(frozen=True, slots=True)
class Unreached:
    """An article that no active endpoint follows by any of its tags. `position` counts the articles of the issue."""

    position: int
    title: str
    column: str


def unreached(db: Database, issue_id: int) -> list[Unreached]:
    """The articles that nobody would get if the issue was planned now, in their order. It takes one look a tag,
    however many endpoints there are."""
    followed = {row["tag"] for row in db.all(SQL["followed"], {"id": issue_id}) if row["followed"]}
    found: dict[int, Unreached] = {}
    reached = set()
    for row in db.all(SQL["tags"], {"id": issue_id}):
        found.setdefault(row["position"], Unreached(row["position"], row["title"], row["column_name"]))
        if row["tag"] in followed:
            reached.add(row["position"])
    return [article for position, article in found.items() if position not in reached]
