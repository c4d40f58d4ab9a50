"""The queries of both packages against the migrated schema: the hot ones use their indexes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dispatch
import subscribers
from subscribers.database import Database, queries
from subscribers.routing import route

OURS = sorted((Path(subscribers.__path__[0]) / "sql").glob("*.sql"))
THEIRS = [file for file in sorted(Path(dispatch.__path__[0]).rglob("*.sql")) if file.parent.name != "migrations"]
FILES = [*OURS, *THEIRS]
DIRECTORY = queries(Path(subscribers.__path__[0]) / "sql" / "directory.sql")
LEDGER = queries(Path(dispatch.__path__[0]) / "delivery" / "ledger.sql")


@pytest.fixture
def dialect() -> str:
    """The plans that are read here are SQLite's."""
    return "sqlite"


def nulls(sql: str) -> dict[str, None]:
    """NULL for each parameter of a statement."""
    return dict.fromkeys(re.findall(r":([a-z]\w*)", sql))


def plan(db: Database, sql: str) -> list[str]:
    return [row["detail"] for row in db.all(f"EXPLAIN QUERY PLAN {sql}", nulls(sql))]


def full_scans(db: Database, sql: str, table: str) -> list[str]:
    """Steps that read all of a table: by its name, or by a one-letter alias of it."""
    aliases = {table, *re.findall(rf"\b{table} (?:AS )?([a-z])\b", sql)}
    return [step for step in plan(db, sql) if step.startswith("SCAN") and step.split()[1] in aliases]


@pytest.fixture
def busy(db: Database) -> Database:
    """Many followers, messages and issues, and the statistics of them, which change what SQLite thinks cheap."""
    numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
    with db.transaction():
        db.run("INSERT INTO rhythms VALUES (1, 'now', -1, -1, 'Asia/Shanghai', -1, -1)")
        db.run(f"INSERT INTO subscribers (id, created_at) {numbers} SELECT i, 0 FROM n")
        db.run(
            "INSERT INTO endpoints (id, subscriber_id, channel, address, queue, state, language, format, bundled,"
            f" rhythm_id, created_at, changed_at) {numbers} SELECT i, i, 'email', i, 'email', 'active', 'zh', 'full',"
            " 0, 1, 0, 0 FROM n"
        )
        db.run(f"INSERT INTO follows {numbers} SELECT 'park:' || (i % 50), i, 0 FROM n")
        db.run(
            "INSERT INTO messages (key, kind, endpoint_id, channel, queue, priority, state, due_at, expires_at,"
            f" created_at) {numbers} SELECT i, 'digest', i, 'email', 'email', 1,"
            " CASE WHEN i % 10 THEN 'sent' ELSE 'queued' END, 0, 0, 0 FROM n"
        )
        db.run("ANALYZE")
    return db


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_two_queries_of_a_file_share_a_name_and_none_is_swallowed(file: Path) -> None:
    marked = re.findall(r"^-- *name *:.*", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert marked == [f"-- name: {name}" for name in queries(file)]


@pytest.mark.parametrize("tags", [0, 1, 30, 300, 3000])
def test_routing_reads_the_followers_of_the_tags_and_no_others(busy: Database, tags: int) -> None:
    steps = plan(busy, route([(f"park:{n}", 1) for n in range(tags)]).sql)
    assert "SEARCH f USING PRIMARY KEY (tag=? AND endpoint_id>? AND endpoint_id<?)" in steps
    assert "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)" in steps


@pytest.mark.parametrize("name", ["claim", "claim_only", "due_queues", "queues_of"])
@pytest.mark.parametrize("state", ["db", "busy"])
def test_claiming_reads_no_table_of_messages_through(name: str, state: str, request: pytest.FixtureRequest) -> None:
    found: Database = request.getfixturevalue(state)
    assert full_scans(found, LEDGER[name], "messages") == []


@pytest.mark.parametrize("name", ["claimed_endpoints", "claimed_deliveries", "claimed_follows"])
def test_what_a_claim_needs_is_looked_up_and_not_searched_for(busy: Database, name: str) -> None:
    tables = ("messages", "endpoints", "deliveries", "digests", "issues", "digest_tags", "follows")
    assert [step for table in tables for step in full_scans(busy, LEDGER[name], table)] == []


def test_a_claim_takes_due_messages_in_the_order_of_their_index(busy: Database) -> None:
    steps = plan(busy, LEDGER["claim"])
    assert any(step.endswith("INDEX messages_due (queue=? AND priority=? AND due_at<?)") for step in steps)
    assert not any("ORDER BY" in step for step in steps)


# What counts reads all; an INSERT's plan has a check of references that runs only where one is broken.
LOOK_UPS = [name for name in DIRECTORY if not name.startswith(("count_", "add_"))]


@pytest.mark.parametrize("name", LOOK_UPS)
@pytest.mark.parametrize("state", ["db", "busy"])
def test_a_look_up_of_people_reads_no_table_through(name: str, state: str, request: pytest.FixtureRequest) -> None:
    found: Database = request.getfixturevalue(state)
    tables = ("subscribers", "endpoints", "follows")
    assert [step for table in tables for step in full_scans(found, DIRECTORY[name], table)] == []


@pytest.mark.parametrize("name", ["subscribers", "follows"])
@pytest.mark.parametrize("state", ["db", "busy"])
def test_people_are_listed_without_sorting_them(name: str, state: str, request: pytest.FixtureRequest) -> None:
    found: Database = request.getfixturevalue(state)
    assert [step for step in plan(found, DIRECTORY[name]) if "B-TREE" in step] == []


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.stem)
def test_no_parameter_is_asked_whether_it_is_null(file: Path) -> None:
    """PostgreSQL cannot tell its type, and SQLite reads the whole table for it."""
    assert not re.search(r":\w+ IS NULL", file.read_text(encoding="utf-8"))
