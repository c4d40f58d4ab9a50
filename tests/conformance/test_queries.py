"""Every named query of ours is one that each database takes, against the schema that the migrations make."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from itertools import product
from pathlib import Path

import pytest

import dispatch
import subscribers
from dispatch import archive
from dispatch.delivery.ledger import SQL as LEDGER
from dispatch.delivery.settles import _MESSAGES
from subscribers.audit import SQL as AUDIT
from subscribers.database import SCHEMA, Database, queries
from subscribers.directory import SQL as DIRECTORY
from subscribers.postgres_text import for_all
from subscribers.proof import SQL as PROOF
from subscribers.routing import route

FILES = sorted(
    file
    for package in (subscribers, dispatch)
    for file in Path(package.__path__[0]).rglob("*.sql")
    if file.parent.name not in ("migrations", "_assets")
    and file.stem != "transfer_staging"  # the scratch file of an import: no store of ours
)
# What callers put into a query before the database sees it: each place with all that may stand there.
PLACES = {"{filter}": "filter_", "{is_old}": "is_", "{order}": "order_"}
FRAGMENTS = tuple(PLACES.values())
ROUTE = route([("all", 1), ("park:南昌高新区", 2)])
NAMED = [(file, name) for file in FILES for name in queries(file) if not name.startswith(FRAGMENTS)]
KINDS = ("sqlite", "postgresql")


@pytest.fixture(scope="module")
def stores(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Database]]:
    """A database of each kind, made when it is first asked for: nothing is written into it."""
    made: dict[str, Database] = {}

    def store(kind: str) -> Database:
        if kind not in made:
            server = request.getfixturevalue("postgres") if kind == "postgresql" else None
            url = server.create() if server else f"sqlite:///{tmp_path_factory.mktemp('queries') / 'store.db'}"
            made[kind] = Database.open(url, (SCHEMA, archive.SCHEMA))
        return made[kind]

    yield store
    for database in made.values():
        database.close()


def texts(file: Path, name: str) -> Iterator[str]:
    """A query as it reaches the database: once for each way to fill it."""
    known = queries(file)
    sql = known[name].replace("{route}", ROUTE.sql)
    there = [place for place in PLACES if place in sql]
    for fragments in product(*([text for word, text in known.items() if word.startswith(PLACES[at])] for at in there)):
        yield reduce(lambda filled, pair: filled.replace(*pair), zip(there, fragments, strict=True), sql)


def values(sql: str) -> Mapping[str, object]:
    """A value of a fitting type for each parameter of a query: numbers only where nothing else says what it is."""
    names = set(re.findall(r"(?<!:):([a-z]\w*)", sql))
    lists = set(re.findall(r"IN \(:(\w+)\)", sql))
    return {name: [] if name in lists else ROUTE.params.get(name) for name in names}


def foreign(name: str, kind: str) -> bool:
    """Whether a query says in its name that it is for another kind of database."""
    return any(other in name for other in KINDS if other != kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("file", "name"), NAMED, ids=[f"{file.stem}-{name}" for file, name in NAMED])
def test_every_named_query_is_one(stores: Callable[[str], Database], kind: str, file: Path, name: str) -> None:
    if foreign(name, kind):
        return
    db = stores(kind)
    for sql in texts(file, name):
        with db.transaction():
            if "plan_due" in sql and "CREATE" not in sql:
                db.run(LEDGER["create_plan_due"])
            if "CREATE" in sql or name.startswith("leap_"):
                db.run(sql)
            else:
                assert db.all(f"EXPLAIN {sql}", values(sql))


# The statements that many rows are written by at once.
MANY = [
    *((LEDGER, name) for name in (*_MESSAGES, "settle_delivery", "add_attempt", "release", "add_plan_due")),
    *((DIRECTORY, name) for name in ("follow", "first")),
    (AUDIT, "add"),
    (PROOF, "add_row"),
]


@pytest.mark.parametrize(("file", "name"), MANY, ids=[name for _, name in MANY])
def test_many_rows_are_one_statement_on_postgresql(file: Mapping[str, str], name: str) -> None:
    """Written row by row they take five times as long."""
    sql = file[name]
    types = tuple((found, "text") for found in dict.fromkeys(re.findall(r":([a-z]\w*)", sql)))
    assert "unnest(" in for_all(sql, types)
