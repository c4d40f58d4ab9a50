"""How long a search of the archive takes, and whether those who write to the store meanwhile have to wait for it.

    benchmarks/search.py [--quick] [--json]

10,000 articles are made of the passages of the sample issue, put into the archive and indexed. Then words that few or
nearly all articles hold are searched for, over the whole archive and over what a reader follows, as the bot does it: on
a connection of its own. Beside it the same searches go on without a pause in a thread while small transactions are
written over another connection, as the ledger writes them.

Figures: milliseconds of a search (median and longest), of a search within follows, and of a write alone and beside
searches (median and longest); articles indexed a second.

--quick takes 1,000 articles, under the same names.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.pop(0)  # this folder's files have names of packages
sys.path.insert(0, str(Path(__file__).parents[1]))

from dispatch import archive, search
from dispatch.app import App
from dispatch.archive import ColumnName
from dispatch.assets import config_dir
from dispatch.model import Column, Issue
from dispatch.settings import Settings
from subscribers.database import Database

FULL, QUICK = 10_000, 1_000
SEED = 534
ROUNDS = 3
WRITES = 200
PAGE = 5
WORDS = ("区块链", "高新区", "发展", "的", "南昌", "高新区 企业", '"科技创新" -南昌', "没有这样的词语")
FOLLOWS = ("topic:blockchain", "park:南昌高新区", "province:江苏省")


def issues(sample: Issue, articles: int) -> Iterator[Issue]:
    """Issues made of the passages of one, with so many articles in all."""
    chance = random.Random(SEED)
    passages = [block for column in sample.columns for article in column.articles for block in article.blocks]
    each = sum(len(column.articles) for column in sample.columns)
    for n in range(-(-articles // each)):
        columns = tuple(
            replace(
                column,
                articles=tuple(
                    replace(article, blocks=tuple(chance.choices(passages, k=len(article.blocks))))
                    for article in column.articles
                ),
            )
            for column in sample.columns
        )
        date = dt.date(1990, 1, 1) + dt.timedelta(days=10 * n)
        yield replace(sample, year=date.year, number=n + 1, total=n + 1, date=date, columns=columns)


def fill(db: Database, app: App, articles: int) -> None:
    path = config_dir() / "samples" / "huoju-2022-05.md"
    sample = app.pickup.read(path, path.name).issue

    def named(bulletin: str, column: Column) -> ColumnName:
        return ColumnName(app.catalog.column_spec(bulletin, column.name).key, "")

    for issue in issues(sample, articles):
        with db.transaction():
            archive.add(
                db,
                issue,
                source="benchmark",
                warnings=(),
                column_name=named,
                tags_of=lambda article, column: app.catalog.tags_of(article, *column.split("/", 1)),
                now=0,
            )
    with db.transaction():
        db.run("UPDATE issues SET state = 'sent'")


def searched(db: Database, tags: tuple[str, ...]) -> Iterator[float]:
    """The milliseconds of each search."""
    for _ in range(ROUNDS):
        for words in WORDS:
            start = time.perf_counter()
            search.search(db, search.parse(words), search.Within(tags=tags, public=True), most=PAGE, catch_up=60)
            yield (time.perf_counter() - start) * 1000


def written(db: Database) -> list[float]:
    """The milliseconds of small transactions."""
    found = []
    for n in range(WRITES):
        start = time.perf_counter()
        with db.transaction():
            db.run("UPDATE issues SET approved_at = :n WHERE id = 1", {"n": n})
        found.append((time.perf_counter() - start) * 1000)
    return found


def beside(app: App) -> list[float]:
    """The same while somebody searches without a pause."""
    stop = threading.Event()

    def busy() -> None:
        with app.database() as db:
            while not stop.is_set():
                for _ in searched(db, ()):
                    if stop.is_set():
                        return

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        with app.database() as db:
            return written(db)
    finally:
        stop.set()
        thread.join()


def told(name: str, values: list[float]) -> dict[str, float]:
    return {f"{name}_ms": round(statistics.median(values), 1), f"{name}_longest_ms": round(max(values), 1)}


def measure(articles: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/store.db"
        app = App(Settings.model_validate({"database": {"url": url}}))
        try:
            with app.database() as db:
                fill(db, app, articles)
                start = time.perf_counter()
                indexed = search.index(db)
                speed = indexed / (time.perf_counter() - start)
                alone, follows = list(searched(db, ())), list(searched(db, FOLLOWS))
                quiet = written(db)
            figures: dict[str, float] = {"articles": indexed, "indexed_a_second": round(speed)}
            figures |= told("search", alone) | told("search_follows", follows)
            return figures | told("write", quiet) | told("write_beside", beside(app))
        finally:
            app.stop_reading()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(QUICK if options.quick else FULL)
    if options.json:
        print(json.dumps({"figures": figures}))
    else:
        for name, value in figures.items():
            print(f"{name:24} {value:>10}")


if __name__ == "__main__":
    main()
