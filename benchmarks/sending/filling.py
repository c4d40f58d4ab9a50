"""Fills the stores that benchmarks work on: an approved issue, and readers who follow something. Called inside a
transaction, on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dispatch import archive
from dispatch.archive import ColumnName
from dispatch.model import Article, Issue
from subscribers.database import Database

_PEOPLE = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
INSERT INTO subscribers (name, created_at) SELECT '读者' || i, 1 FROM n
"""
_RHYTHM = """
INSERT INTO rhythms (cadence, weekday, minute, timezone, quiet_from, quiet_until)
VALUES ('now', -1, -1, 'Asia/Shanghai', -1, -1)
"""
_ENDPOINTS = """
INSERT INTO endpoints (subscriber_id, channel, address, queue, state, language, format, bundled, rhythm_id, created_at,
                       changed_at)
SELECT id, :channel, {address}, :channel, 'active', 'zh', 'full', 0, 1, 1, 1 FROM subscribers ORDER BY id
"""
_FOLLOWS = """
INSERT INTO follows (tag, endpoint_id, created_at) SELECT :tag, id, 1 FROM endpoints WHERE {who} ORDER BY id
"""


def add_issue(db: Database, issue: Issue, tags_of: Callable[[Article], Sequence[str]], now: int = 1) -> None:
    """Add an issue whose articles carry these tags, approved."""
    added = archive.add(
        db,
        issue,
        source="benchmark",
        warnings=(),
        column_name=lambda bulletin, column: ColumnName(column.name, ""),
        tags_of=lambda article, column: tags_of(article),
        now=now,
    )
    archive.approve(db, archive.load(db, added.id), "benchmark", now)


def add_readers(db: Database, count: int, channel: str, address: str) -> None:
    """Add people, each with an endpoint of the same `id`, from 1; `address` is SQL that makes it of that."""
    db.run(_PEOPLE, {"count": count})
    db.run(_RHYTHM)
    db.run(_ENDPOINTS.format(address=address), {"channel": channel})


def follow(db: Database, tag: str, who: str = "true") -> None:
    """Let endpoints follow a tag: those for whose `id` the SQL is true. Tags in their order are added fastest."""
    db.run(_FOLLOWS.format(who=who), {"tag": tag})
