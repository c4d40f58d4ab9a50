"""What the ledger costs: plan, claim and settle (with attempts) beside raw SQLite that does the same writes.

    benchmarks/ledger.py [--quick] [--json]

Both sides work on the same tables with the same indexes, in the same pages and commits, on the same disk, with
`synchronous = FULL`. The raw side knows beforehand who is owed what and that all of it may go: it only writes. Ours
finds the readers by their follows, works out when each message is due, looks at every opt-out, follow and issue again
at the claim, and fences each outcome by its epoch.

Ratios:
    ledger_to_raw_sqlite  deliveries a second, ours over raw, at the largest size (at least 0.5)
    memory_1m_to_10k      peak memory of our process at the largest size over that at the smallest (at most 1.2)

Each side and size is a process of its own. --quick stops at 100,000 deliveries, under the same names.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.pop(0)  # this folder's files have names of packages
sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.sending import filling
from dispatch import archive
from dispatch.delivery import claims, ledger, planner, settles
from dispatch.delivery.ledger import Attempt
from dispatch.model import Article, Block, BlockKind, Column, Issue, Sent
from subscribers.database import SCHEMA, Database

DIGESTS = 5
PAGE = 500
NOW = 1_700_000_000_000
LEASE_MS = 300_000
EXPIRE = {"email": 48 * 3_600_000}
SIZES = (10_000, 100_000, 1_000_000)
QUICK = (10_000, 100_000)
OWNER = "host-0123abcd/12345/678901/0123abcd"
SENT = "250 2.0.0 Ok: queued as 4XyZ0123456789"


def prepare(path: Path, deliveries: int) -> None:
    """An approved issue of five columns, and readers who follow two topics of each."""
    db = Database.open(f"sqlite:///{path}", (SCHEMA, archive.SCHEMA))
    block = Block(BlockKind.PARAGRAPH, "一段话。")
    articles = tuple(Article(f"文章{n}", "", (block,)) for n in range(4))
    columns = tuple(Column(f"栏目{n}", "", articles) for n in range(DIGESTS))
    issue = Issue("huoju", "火炬动态", "", 2022, 5, 534, None, columns)
    tags = {"文章0": ["topic:one"], "文章1": ["topic:two"]}
    with db.transaction():
        filling.add_issue(db, issue, lambda article: tags.get(article.title, ["topic:none"]), NOW)
        filling.add_readers(db, deliveries // DIGESTS, "email", "'reader' || id || '@example.org'")
        for tag in ("topic:one", "topic:other", "topic:two"):
            filling.follow(db, tag)
    db.run("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def ours(path: Path) -> dict[str, float]:
    """Seconds of each step by the product's own functions."""
    db = Database.open(f"sqlite:///{path}", (SCHEMA, archive.SCHEMA))
    took = {"plan": _plan(db), "claim": 0.0, "settle": 0.0}
    while True:
        began = time.perf_counter()
        works = claims.claim(db, "email", PAGE, OWNER, NOW, LEASE_MS)
        took["claim"] += time.perf_counter() - began
        if not works:
            break
        attempts = [
            Attempt(
                work, 0, Sent("", "250", SENT), NOW, 12, True, f"{work.message_id}.abc@example.org", "email:default"
            )
            for work in works
        ]
        began = time.perf_counter()
        settled = settles.settle(db, attempts, NOW)
        took["settle"] += time.perf_counter() - began
        assert all(settled)
    assert ledger.finish_issues(db, NOW) == 1
    db.close()
    return took


def _plan(db: Database) -> float:
    began = time.perf_counter()
    (issue,) = planner.to_plan(db, NOW)
    plan = planner.begin(db, issue)
    assert plan is not None
    for low, high in plan.slices:
        planner.plan_slice(db, plan, low, high, EXPIRE, NOW)
    planner.end(db, plan, NOW)
    return time.perf_counter() - began


_RAW_DELIVERY = (
    "INSERT INTO deliveries (digest_id, endpoint_id, variant, state, planned_at) VALUES (?, ?, 3, 'planned', ?)"
)
_RAW_MESSAGE = """
INSERT INTO messages (key, kind, endpoint_id, digest_id, channel, queue, priority, state, due_at, expires_at,
                      created_at)
VALUES (?, 'digest', ?, ?, 'email', 'email', 1, 'queued', ?, ?, ?)
"""
_RAW_JOIN = "UPDATE deliveries SET message_id = ? WHERE id = ?"
_RAW_CLAIM = """
UPDATE messages SET state = 'sending', owner = ?, lease_until = ?, epoch = epoch + 1 WHERE id >= ? AND id < ?
"""
_RAW_END = """
UPDATE messages SET state = 'sent', owner = '', lease_until = 0, provider_id = ?, attempts = 1, parts_done = 1,
                    ended_at = ? WHERE id = ?
"""
_RAW_DELIVERED = "UPDATE deliveries SET state = 'sent', reason = 'topic:one topic:two', ended_at = ? WHERE id = ?"
_RAW_ATTEMPT = """
INSERT INTO attempts (message_id, number, part, lane, started_at, duration_ms, outcome, code, detail)
VALUES (?, 1, 0, 'email:default', ?, 12, 'sent', '250', ?)
"""


def raw(path: Path) -> dict[str, float]:
    """Seconds of the same writes by sqlite3 alone."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous = FULL")
    endpoints = db.execute("SELECT COUNT(*) FROM endpoints").fetchone()[0]
    took = {"plan": _raw_plan(db, endpoints), "claim": 0.0, "settle": 0.0}
    for low in range(1, endpoints * DIGESTS + 1, PAGE):
        ids = range(low, min(low + PAGE, endpoints * DIGESTS + 1))
        began = time.perf_counter()
        db.execute("BEGIN IMMEDIATE")
        db.execute(_RAW_CLAIM, (OWNER, NOW + LEASE_MS, ids.start, ids.stop))
        db.execute("COMMIT")
        took["claim"] += time.perf_counter() - began
        began = time.perf_counter()
        db.execute("BEGIN IMMEDIATE")
        db.executemany(_RAW_END, [(f"{id_}.abc@example.org", NOW, id_) for id_ in ids])
        db.executemany(_RAW_DELIVERED, [(NOW, id_) for id_ in ids])
        db.executemany(_RAW_ATTEMPT, [(id_, NOW, SENT) for id_ in ids])
        db.execute("COMMIT")
        took["settle"] += time.perf_counter() - began
    db.close()
    return took


def _raw_plan(db: sqlite3.Connection, endpoints: int) -> float:
    began = time.perf_counter()
    next_id = 1
    for low in range(0, endpoints, planner.SLICE):
        readers = range(low + 1, min(low + planner.SLICE, endpoints) + 1)
        db.execute("BEGIN IMMEDIATE")
        for digest in range(1, DIGESTS + 1):
            ids = range(next_id, next_id + len(readers))
            db.executemany(_RAW_DELIVERY, [(digest, reader, NOW) for reader in readers])
            rows = [
                (f"digest:{digest}:{reader}", reader, digest, NOW, NOW + EXPIRE["email"], NOW) for reader in readers
            ]
            db.executemany(_RAW_MESSAGE, rows)
            db.executemany(_RAW_JOIN, zip(ids, ids, strict=True))
            next_id = ids.stop
        db.execute("COMMIT")
    return time.perf_counter() - began


def one(side: str, deliveries: int) -> dict[str, Any]:
    """One side at one size in this process: seconds of each step, peak memory, and what it left in the tables."""
    with tempfile.TemporaryDirectory(prefix="ledger-") as folder:
        path = Path(folder) / "ledger.db"
        subprocess.run([sys.executable, __file__, "--prepare", str(path), str(deliveries)], check=True)
        took = {"ours": ours, "raw": raw}[side](path)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if platform.system() == "Linux" else 1024**2)
        db = sqlite3.connect(path)
        left = {
            name: db.execute(f"SELECT COUNT(*), SUM({what} = 'sent') FROM {name}").fetchone()
            for name, what in (("deliveries", "state"), ("messages", "state"), ("attempts", "outcome"))
        }
        db.close()
    return {**took, "total": sum(took.values()), "peak_mb": peak, "left": left}


def apart(side: str, deliveries: int) -> dict[str, Any]:
    """`one` in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", side, str(deliveries)], check=True, capture_output=True, text=True
    )
    return dict(json.loads(done.stdout))


def compare(deliveries: int, rounds: int) -> dict[str, Any]:
    """Both sides, one after the other, `rounds` times: the round with the median ratio."""
    found = []
    for _ in range(rounds):
        mine, theirs = apart("ours", deliveries), apart("raw", deliveries)
        if mine.pop("left") != theirs.pop("left"):
            sys.exit("the two sides did not leave the same rows: the comparison is worth nothing")
        found.append({"ours": mine, "raw": theirs, "ratio": theirs["total"] / mine["total"]})
    middle = statistics.median_low(entry["ratio"] for entry in found)
    return next(entry for entry in found if entry["ratio"] == middle)


def measure(sizes: Sequence[int]) -> dict[str, Any]:
    figures: dict[str, Any] = {"sqlite": sqlite3.sqlite_version, "page": PAGE, "digests": DIGESTS}
    for size in sizes:
        figures[str(size)] = compare(size, rounds=3 if size < SIZES[-1] else 1)
    largest, smallest = figures[str(sizes[-1])], figures[str(sizes[0])]
    ratios = {
        "ledger_to_raw_sqlite": round(largest["ratio"], 3),
        "memory_1m_to_10k": round(largest["ours"]["peak_mb"] / smallest["ours"]["peak_mb"], 3),
    }
    return {"ratios": ratios, "figures": figures}


def show(found: dict[str, Any], sizes: Sequence[int]) -> None:
    print(f"{'deliveries':>10}  {'side':<5}{'plan':>8}{'claim':>8}{'settle':>8}  µs each   {'a second':>9}  peak MB")
    for size in sizes:
        for side in ("ours", "raw"):
            row = found["figures"][str(size)][side]
            steps = "".join(f"{row[step] / size * 1e6:8.1f}" for step in ("plan", "claim", "settle"))
            print(f"{size:>10,}  {side:<5}{steps}            {size / row['total']:>9,.0f}  {row['peak_mb']:7.1f}")
    for name, value in found["ratios"].items():
        print(f"{name}: {value}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="up to 100,000 deliveries")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--one", nargs=2, metavar=("SIDE", "N"), help=argparse.SUPPRESS)
    parser.add_argument("--prepare", nargs=2, metavar=("FILE", "N"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.prepare:
        prepare(Path(options.prepare[0]), int(options.prepare[1]))
    elif options.one:
        print(json.dumps(one(options.one[0], int(options.one[1]))))
    else:
        sizes = QUICK if options.quick else SIZES
        found = measure(sizes)
        print(json.dumps(found, indent=2)) if options.json else show(found, sizes)


if __name__ == "__main__":
    main()
