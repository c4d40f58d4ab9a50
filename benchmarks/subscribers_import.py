"""What an import costs: a file of people with two follows each into an empty store, by `dispatch subscribers import`'s
own parts, beside raw SQLite that writes the same rows.

    benchmarks/subscribers_import.py [--quick] [--json]

Ours reads the file, checks every address, follow and time, looks for repeats, for those who are known and for those
who opted out, and keeps the proof of consent and the record of who did it. The raw side has the rows ready in memory
and only writes them, in one transaction.

Ratios:
    import_to_limit    seconds of ours for 100,000 rows over the ten that they may take (at most 1)
    import_to_raw      rows a second, ours over raw, at 100,000 rows
    writing_to_raw     seconds for which ours keeps others from writing, over raw's, at 100,000 rows
    memory_1m_to_100k  peak memory of ours at the largest size over that at 100,000 rows

Each side and size is a process of its own. --quick stops at 100,000 rows, under the same names.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.pop(0)  # this folder's files have names of packages
sys.path.insert(0, str(Path(__file__).parents[1]))

from dispatch import archive
from dispatch.app import App
from dispatch.settings import Settings
from subscribers.audit import Act, Way
from subscribers.database import SCHEMA, Database
from subscribers.transfer.bulk import Terms
from subscribers.transfer.columns import Columns
from subscribers.transfer.incoming import Import
from subscribers.transfer.rows import Checker
from subscribers.transfer.tables import read_table

NOW = 1_700_000_000_000
BASE = 100_000
LIMIT_SECONDS = 10.0
SIZES = (BASE, 1_000_000)
QUICK = (BASE,)
BASIS = "signed at the fair"
_FOLLOWS = ("park:南昌高新区", "province:江西省", "topic:blockchain", "all", "bulletin:huoju")
_COUNTED = ("subscribers", "endpoints", "follows", "consents", "audit")


def _people(count: int) -> list[tuple[str, str, str, str]]:
    """Name, address and two follows of each."""
    return [
        (f"读者{n}", f"reader{n}@example{n % 500}.org", _FOLLOWS[n % 5], _FOLLOWS[(n + 1) % 5]) for n in range(count)
    ]


def ours(store: Path, count: int) -> tuple[float, float]:
    """Seconds of all, and of the transaction that writes: for so long, nobody else can."""
    file = store.with_name("people.csv")
    with file.open("w", encoding="utf-8") as out:
        out.write("name,email,follows\n")
        for n in range(count):  # row by row: what is measured is the import's memory
            out.write(f"读者{n},reader{n}@example{n % 500}.org,{_FOLLOWS[n % 5]};{_FOLLOWS[(n + 1) % 5]}\n")
    app = App(Settings())
    db = Database.open(f"sqlite:///{store}", (SCHEMA, archive.SCHEMA))
    began = time.perf_counter()
    writing = 0.0

    def told(what: str, done: int, total: int) -> None:
        nonlocal writing
        if what == "planning":
            writing = time.perf_counter()  # that it begins, when the last is planned

    with Import(db, told) as incoming:
        incoming.check(read_table(file), Columns(), Checker(app.address, app.catalog.resolve, NOW))
        assert not incoming.bad
        incoming.store(Terms(BASIS, "file people.csv"), Act(NOW, "benchmark", Way.FILE))
    ended = time.perf_counter()
    db.close()
    return ended - began, ended - writing


_RAW = {
    "subscribers": "INSERT INTO subscribers (id, name, created_at) VALUES (?, ?, ?)",
    "endpoints": """
INSERT INTO endpoints (id, subscriber_id, channel, address, queue, secret, state, reason, consent, consented_at,
                       language, format, bundled, rhythm_id, created_at, changed_at)
VALUES (?, ?, 'email', ?, 'email', '', 'active', '', ?, ?, 'zh', 'full', 0, 1, ?, ?)""",
    "follows": "INSERT INTO follows (tag, endpoint_id, created_at) VALUES (?, ?, ?)",
    "consents": "INSERT INTO consents (endpoint_id, step, basis, way, origin, at) VALUES (?, 'given', ?, 'file', ?, ?)",
    "audit": """
INSERT INTO audit (at, actor, way, action, subject, subject_id, detail)
VALUES (?, 'benchmark', 'file', 'added', 'subscriber', ?, ?)""",
}
_RAW_RHYTHM = """
INSERT INTO rhythms (cadence, weekday, minute, timezone, quiet_from, quiet_until)
VALUES ('now', -1, -1, 'Asia/Shanghai', -1, -1)
"""


def raw(store: Path, count: int) -> tuple[float, float]:
    Database.open(f"sqlite:///{store}", (SCHEMA, archive.SCHEMA)).close()
    people = list(enumerate(_people(count), 1))
    detail = '{"endpoints":[%d],"follows":["%s","%s"]}'
    rows: dict[str, list[tuple[Any, ...]]] = {
        "subscribers": [(n, name, NOW) for n, (name, *_) in people],
        "endpoints": [(n, n, address, BASIS, NOW, NOW, NOW) for n, (_, address, *_) in people],
        "follows": [(tag, n, NOW) for n, (_, _, *tags) in people for tag in tags],
        "consents": [(n, BASIS, "file people.csv", NOW) for n, _ in people],
        "audit": [(NOW, str(n), detail % (n, *tags)) for n, (_, _, *tags) in people],
    }
    db = sqlite3.connect(store, isolation_level=None)
    for setting in ("synchronous = FULL", "foreign_keys = ON"):
        db.execute(f"PRAGMA {setting}")
    began = time.perf_counter()
    db.execute("BEGIN IMMEDIATE")
    db.execute(_RAW_RHYTHM)
    for name, statement in _RAW.items():
        db.executemany(statement, rows[name])
    db.execute("COMMIT")
    took = time.perf_counter() - began
    db.close()
    return took, took


def one(side: str, count: int) -> dict[str, Any]:
    """One side at one size in this process: seconds, peak memory, and how many rows it left."""
    with tempfile.TemporaryDirectory(prefix="import-") as folder:
        store = Path(folder) / "store.db"
        took, writing = {"ours": ours, "raw": raw}[side](store, count)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if platform.system() == "Linux" else 1024**2)
        db = sqlite3.connect(store)
        left = {name: db.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in _COUNTED}
        db.close()
    return {
        "seconds": took,
        "writing_seconds": writing,
        "cpu_seconds": time.process_time(),
        "peak_mb": peak,
        "left": left,
    }


def apart(side: str, count: int) -> dict[str, Any]:
    """`one` in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", side, str(count)], check=True, capture_output=True, text=True
    )
    return dict(json.loads(done.stdout))


def measure(sizes: Sequence[int]) -> dict[str, Any]:
    figures: dict[str, Any] = {"sqlite": sqlite3.sqlite_version}
    for size in sizes:
        mine, theirs = apart("ours", size), apart("raw", size)
        if mine.pop("left") != theirs.pop("left"):
            sys.exit("the two sides did not leave the same rows: the comparison is worth nothing")
        figures[str(size)] = {"ours": mine, "raw": theirs}
    base, largest = figures[str(BASE)], figures[str(sizes[-1])]
    ratios = {
        "import_to_limit": round(base["ours"]["seconds"] / LIMIT_SECONDS, 3),
        "import_to_raw": round(base["raw"]["seconds"] / base["ours"]["seconds"], 3),
        "writing_to_raw": round(base["ours"]["writing_seconds"] / base["raw"]["writing_seconds"], 3),
        "memory_1m_to_100k": round(largest["ours"]["peak_mb"] / base["ours"]["peak_mb"], 3),
    }
    return {"ratios": ratios, "figures": figures}


def show(found: dict[str, Any], sizes: Sequence[int]) -> None:
    print(f"{'rows':>10}  {'side':<5}{'seconds':>9}  {'of CPU':>7}  {'writing':>7}  {'a second':>9}  peak MB")
    for size in sizes:
        for side in ("ours", "raw"):
            row = found["figures"][str(size)][side]
            cpu, speed = row["cpu_seconds"], size / row["seconds"]
            times = f"{row['seconds']:9.2f}  {cpu:7.2f}  {row['writing_seconds']:7.2f}"
            print(f"{size:>10,}  {side:<5}{times}  {speed:>9,.0f}  {row['peak_mb']:7.1f}")
    for name, value in found["ratios"].items():
        print(f"{name}: {value}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100,000 rows only")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--one", nargs=2, metavar=("SIDE", "N"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(options.one[0], int(options.one[1]))))
    else:
        sizes = QUICK if options.quick else SIZES
        found = measure(sizes)
        print(json.dumps(found, indent=2)) if options.json else show(found, sizes)


if __name__ == "__main__":
    main()
