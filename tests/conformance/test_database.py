"""What every database behind `Database` must do, whichever it is."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dispatch import archive
from dispatch.delivery import claims
from dispatch.delivery.ledger import SQL as LEDGER
from subscribers import directory
from subscribers.database import SCHEMA, Database, Schema
from subscribers.errors import Busy, DatabaseError, InvalidValue
from subscribers.model import Address, Preferences
from tests.acts import at
from tests.postgres import PostgresServer

OPENERS = 6
NUMBERS = "WITH n (i) AS (VALUES (1), (2), (3)) SELECT i FROM n WHERE i IN (:ids)"
ADD = "INSERT INTO subscribers (name, created_at) VALUES (:name, :now)"


@pytest.fixture
def db(connect: Callable[[], Database]) -> Database:
    return connect()


@pytest.fixture
def schema(tmp_path: Path) -> Schema:
    """A component with one migration, to which tests add more."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_first.sql").write_text("CREATE TABLE first (id INTEGER);\nINSERT INTO first VALUES (1);\n")
    return Schema("sample", folder)


@pytest.fixture
def opened(database_url: str) -> Iterator[Callable[..., Database]]:
    """Opens an empty database; all that was opened is closed in the end."""
    made: list[Database] = []

    def open_(*schemas: Schema) -> Database:
        made.append(Database.open(database_url, schemas))
        return made[-1]

    yield open_
    for database in made:
        database.close()


def add(db: Database, *names: str) -> None:
    with db.transaction():
        db.many(ADD, [{"name": name, "now": 0} for name in names])


def names(db: Database) -> list[str]:
    return [row["name"] for row in db.all("SELECT name FROM subscribers ORDER BY name")]


def has(db: Database, table: str) -> bool:
    try:
        db.all(f"SELECT * FROM {table}")
    except DatabaseError:
        return False
    return True


# ---- opening


def test_a_fresh_database_gets_every_schema_and_keeps_it(opened: Callable[..., Database], dialect: str) -> None:
    for _ in range(2):
        db = opened(SCHEMA, archive.SCHEMA)
        rows = db.all("SELECT component, version FROM schema_versions ORDER BY component")
        assert [tuple(row.values()) for row in rows] == [
            ("dispatch", archive.SCHEMA.newest()),
            ("subscribers", SCHEMA.newest()),
        ]
    assert db.dialect == dialect
    assert db.server().startswith({"sqlite": "SQLite 3", "postgresql": "PostgreSQL 1"}[dialect])
    assert db.damage() == ""


def test_later_migrations_are_added_to_data_that_stays(opened: Callable[..., Database], schema: Schema) -> None:
    opened(schema)
    (schema.folder / "0002_second.sql").write_text("CREATE TABLE second (id INTEGER);")
    (schema.folder / "0010_with_a_gap.sql").write_text("-- It's 100 %.\nINSERT INTO second SELECT id + 1 FROM first;")
    for _ in range(2):
        assert opened(schema).all("SELECT id FROM second") == [{"id": 2}]


def test_a_failing_migration_leaves_nothing_behind(opened: Callable[..., Database], schema: Schema) -> None:
    script = schema.folder / "0002_second.sql"
    script.write_text("CREATE TABLE second (id INTEGER);\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(DatabaseError, match="nowhere"):
        opened(SCHEMA, schema)
    script.unlink()
    db = opened()
    assert [has(db, table) for table in ("first", "second", "subscribers", "schema_versions")] == [False] * 4
    assert has(opened(schema), "first")


def test_a_database_of_a_newer_version_is_refused(opened: Callable[..., Database], schema: Schema) -> None:
    db = opened(schema)
    db.run("UPDATE schema_versions SET version = 99")
    with pytest.raises(DatabaseError, match=r"newer version of this program .sample schema 99, this program knows 1"):
        opened(schema)


def test_those_that_open_a_fresh_database_together_migrate_it_once(database_url: str, schema: Schema) -> None:
    together = threading.Barrier(OPENERS, timeout=60)

    def rows(_: int) -> int:
        together.wait()
        db = Database.open(database_url, [schema, SCHEMA])
        found = int(db.value("SELECT COUNT(*) FROM first"))
        db.close()
        return found

    with ThreadPoolExecutor(OPENERS) as threads:
        assert list(threads.map(rows, range(OPENERS))) == [1] * OPENERS


def test_a_key_counts_up_and_is_never_used_twice(opened: Callable[..., Database], schema: Schema) -> None:
    script = "CREATE TABLE second (id {id}, name TEXT);\nCREATE TABLE third (n BIGINT PRIMARY KEY) {clustered};\n"
    (schema.folder / "0002_second.sql").write_text(script)
    db = opened(schema)
    ids = []
    for _ in range(2):
        ids.append(db.insert("INSERT INTO second (name) VALUES (:name) RETURNING id", {"name": "x"}))
        db.run("DELETE FROM second")
    assert ids == [1, 2]


# ---- queries


def test_rows_are_counted_and_values_read(db: Database) -> None:
    with db.transaction():
        added = db.insert(f"{ADD} RETURNING id", {"name": "", "now": 5})
        assert db.many("UPDATE subscribers SET name = :name", [{"name": "a"}, {"name": "b"}]) == 2
        assert db.many("UPDATE subscribers SET name = :name", []) == 0
        assert db.run("UPDATE subscribers SET name = 'c' WHERE id = 99") == 0
    assert db.value("SELECT name FROM subscribers WHERE id = :id", {"id": added}) == "b"
    assert db.value("SELECT name FROM subscribers WHERE id = 99") is None
    assert db.one("SELECT name FROM subscribers WHERE id = 99") is None
    assert list(db.each("SELECT name FROM subscribers WHERE id = 99")) == []
    assert db.rows("SELECT id, name FROM subscribers WHERE id IN (:ids)", {"ids": [added, 99]}) == [(added, "b")]


def test_rows_written_behind_a_with_are_counted_too(db: Database) -> None:
    with db.transaction():
        db.many("INSERT INTO subscribers (name, created_at) VALUES (:name, 0)", [{"name": name} for name in "abc"])
        sql = (
            "-- WITH stands behind a remark\nWITH page AS MATERIALIZED (SELECT id FROM subscribers ORDER BY id LIMIT 2)"
            " UPDATE subscribers SET removed_at = :now WHERE removed_at IS NULL AND id IN (SELECT id FROM page)"
        )
        assert [db.run(sql, {"now": now}) for now in (1, 2)] == [2, 0]


@pytest.mark.parametrize("count", [2, 20])
def test_many_rows_are_each_their_own(db: Database, count: int) -> None:
    rows: list[dict[str, Any]] = [{"name": f"it's :now {{100%}} {n}", "now": n << 35} for n in range(count)]
    with db.transaction():
        assert db.many("INSERT INTO subscribers (name, created_at) VALUES (:name, :now)", rows) == count
        later = [{"id": number + 1, "by": number} for number in range(count)]
        changed = (
            "UPDATE subscribers SET created_at = created_at + :by, removed_at = 1 WHERE id = :id AND created_at > 0"
        )
        assert db.many(changed, later) == count - 1  # the first was made at 0
    found = db.all("SELECT name, created_at FROM subscribers ORDER BY id")
    assert found == [{"name": row["name"], "created_at": row["now"] + n} for n, row in enumerate(rows)]


@pytest.mark.parametrize("count", [2, 20])
def test_many_rows_may_leave_values_out(db: Database, count: int) -> None:
    rows = [{"id": number + 1, "at": None if number % 2 else 5} for number in range(count)]
    with db.transaction():
        db.many("INSERT INTO subscribers (name, created_at) VALUES (:name, 0)", [{"name": "a"}] * count)
        assert db.many("UPDATE subscribers SET removed_at = :at WHERE id = :id", rows) == count
    assert [row["removed_at"] for row in db.all("SELECT removed_at FROM subscribers ORDER BY id")] == [
        row["at"] for row in rows
    ]


@pytest.mark.parametrize("count", [2, 20])
def test_of_many_rows_those_that_are_there_are_left(db: Database, count: int) -> None:
    rows = [{"name": f"t{number}", "at": 1} for number in range(count)]
    add = "INSERT INTO sources (name, state, checked_at) VALUES (:name, '', :at) ON CONFLICT (name) DO NOTHING"
    with db.transaction():
        assert [db.many(add, rows[1:]), db.many(add, rows)] == [count - 1, 1]


def test_a_write_outside_a_transaction_is_one(connect: Callable[[], Database]) -> None:
    db, other = connect(), connect()
    db.run(ADD, {"name": "a", "now": 0})
    assert db.insert(f"{ADD} RETURNING id", {"name": "b", "now": 0})
    db.many(ADD, [{"name": "c", "now": 0}])
    assert names(other) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("SELECT ':no' || '%' || :a", ":no%x"),
        ("SELECT 'it''s :a' || :a -- :nothing 100 % 'sure", "it's :ax"),
        ("/* :nothing */ SELECT 7 % 4", 3),
        ("SELECT :a || :a", "xx"),
        ("SELECT CASE WHEN :a LIKE 'x%' THEN 1 ELSE 0 END", 1),
        ("SELECT CAST(:a AS TEXT)", "x"),
    ],
)
def test_parameters_stand_outside_of_words_and_comments(db: Database, sql: str, value: object) -> None:
    assert db.value(sql, {"a": "x", "not_used": 1}) == value


@pytest.mark.parametrize("value", [0, -1, 2**31, 2**63 - 1, -(2**63), "火炬 🔥", "", "a\n\t'\"\\%s:x", None])
def test_values_come_back_as_they_went_in(db: Database, value: int | str | None) -> None:
    kept = "publish_at" if isinstance(value, int) else "ended_at" if value is None else "title"
    columns = {"title": "", "publish_at": None, "ended_at": None, kept: value}
    db.run(
        "INSERT INTO issues (bulletin, ref, title, publisher, year, number, total, state, fingerprint, source,"
        " warnings, added_at, publish_at, ended_at)"
        " VALUES ('b', 'r', :title, '', 2022, 5, 1, 'held', '', '', '', 0, :publish_at, :ended_at)",
        columns,
    )
    assert db.value(f"SELECT {kept} FROM issues") == value


def test_numbers_are_numbers_and_yes_is_one(db: Database) -> None:
    row = db.one(
        "WITH n (i) AS (VALUES (:a), (:b)) SELECT SUM(i) AS total, COUNT(*) AS rows, MIN(i) IN (:ids) AS among,"
        " :yes AS yes, SUM(i) / 2.0 AS half FROM n",
        {"a": 2**40, "b": 1, "ids": [1, 2], "yes": True},
    )
    assert row is not None
    assert row == {"total": 2**40 + 1, "rows": 2, "among": 1, "yes": 1, "half": 2**39 + 0.5}
    assert [type(value) for value in (row["total"], row["rows"], row["half"])] == [int, int, float]


@pytest.mark.parametrize(
    ("ids", "found"), [([], []), ([2], [2]), ([3, 1, 9], [1, 3]), ((1, 2), [1, 2]), (list(range(30_000)), [1, 2, 3])]
)
def test_a_list_is_a_parameter_of_in(db: Database, ids: Sequence[int], found: list[int]) -> None:
    assert [row["i"] for row in db.all(NUMBERS, {"ids": ids})] == found
    assert [row["i"] for row in db.each(NUMBERS, {"ids": ids})] == found
    assert db.value(NUMBERS, {"ids": ids}) == (found[0] if found else None)


def test_a_list_stands_among_other_parameters_and_as_often_as_it_is_named(db: Database) -> None:
    sql = f"{NUMBERS} AND i > :low OR i IN (:others) OR i + 1 IN (:ids)"
    assert db.all(sql, {"ids": [2, 3], "low": 2, "others": [8, 9]}) == [{"i": 1}, {"i": 2}, {"i": 3}]


def test_the_words_of_a_list_are_values(db: Database) -> None:
    words = ["'", "x) OR (1=1", ":ids_0", "{}", "a,b", '"', "\\"]
    assert not db.value("SELECT 'x' IN (:words)", {"words": words})
    assert [db.value("SELECT :word IN (:words)", {"word": word, "words": words}) for word in words] == [1] * 7


def test_a_list_that_is_too_long_is_refused_before_the_database_sees_it(db: Database) -> None:
    with pytest.raises(ValueError, match="30001 values for :ids, at most 30000"):
        db.all(NUMBERS, {"ids": list(range(30_001))})


def test_a_statement_with_a_list_says_how_many_rows_it_changed(db: Database) -> None:
    add(db, *"abcde")
    assert db.run("UPDATE subscribers SET created_at = 1 WHERE name IN (:names)", {"names": ["b", "d", "x"]}) == 2


def test_a_list_where_the_query_has_no_place_for_one_is_a_bug(db: Database) -> None:
    with pytest.raises((ValueError, sqlite3.ProgrammingError)):
        db.all("SELECT 1 WHERE 1 = :ids", {"ids": [1, 2]})


def test_a_parameter_left_out_is_a_bug_and_stays_one(db: Database, dialect: str) -> None:
    with pytest.raises(sqlite3.ProgrammingError if dialect == "sqlite" else psycopg.ProgrammingError):
        db.all("SELECT :x", {"y": 1})


# ---- rows one by one


def test_many_rows_stream(db: Database) -> None:
    add(db, *(f"{n:04}" for n in range(2500)))
    rows = db.each("SELECT name FROM subscribers ORDER BY name")
    assert [row["name"] for row in islice(rows, 3)] == ["0000", "0001", "0002"]
    assert sum(1 for _ in rows) == 2497


def test_two_results_are_read_side_by_side_with_other_queries_between(db: Database) -> None:
    add(db, *(f"{n:04}" for n in range(1200)))
    sql = "SELECT name FROM subscribers ORDER BY name"
    pairs = zip(db.each(sql), db.each(sql), strict=True)
    assert all(one == other and db.value("SELECT 1") == 1 for one, other in pairs)
    add(db, "after")  # the connection is free again
    assert len(names(db)) == 1201


def test_a_result_that_nobody_reads_to_its_end_holds_nothing(db: Database, connect: Callable[[], Database]) -> None:
    add(db, *(f"{n:04}" for n in range(2500)))
    rows = db.each("SELECT name FROM subscribers")
    next(rows)
    del rows
    with db.transaction():
        db.run("DELETE FROM subscribers")
    assert names(connect()) == []


@pytest.mark.parametrize("begun", ["before", "inside"])
def test_a_transaction_may_begin_and_end_while_a_result_is_half_read(db: Database, begun: str) -> None:
    add(db, *(f"{n:04}" for n in range(2500)))
    rows = db.each("SELECT name FROM subscribers ORDER BY name")
    read = [next(rows)] if begun == "before" else []
    with db.transaction():
        read.append(next(rows))
        db.run("UPDATE subscribers SET created_at = 1")
    assert [row["name"] for row in [*read, *rows]] == [f"{n:04}" for n in range(2500)]


def test_other_results_are_read_while_one_outlives_its_transaction(db: Database) -> None:
    add(db, *(f"{n:04}" for n in range(1200)))
    sql = "SELECT name FROM subscribers ORDER BY name"
    with db.transaction():
        rows = db.each(sql)
        next(rows)
    assert len(list(db.each(sql))) == 1200
    add(db, "x")
    assert len(list(rows)) == 1199


def test_what_was_half_read_in_a_transaction_that_failed_spoils_no_other(db: Database) -> None:
    add(db, *(f"{n:04}" for n in range(1200)))
    rows = db.each("SELECT name FROM subscribers")
    with pytest.raises(TypeError), db.transaction():
        next(rows) + 1  # type: ignore[operator]  # something fails after it
    with db.transaction():
        db.run(ADD, {"name": "x", "now": 0})
        del rows
        db.run(ADD, {"name": "y", "now": 0})
    assert names(db)[-2:] == ["x", "y"]


def test_rows_written_in_the_transaction_are_among_those_read(db: Database) -> None:
    with db.transaction():
        db.run(ADD, {"name": "new", "now": 0})
        assert list(db.each("SELECT name FROM subscribers")) == [{"name": "new"}]


# ---- transactions


def test_a_transaction_that_fails_changes_nothing(db: Database) -> None:
    rows: list[dict[str, object]] = [{"name": "", "now": 0}, {"name": "", "now": None}]
    with pytest.raises(DatabaseError, match=r"(?i)not.null"), db.transaction():
        db.many(ADD, rows)
    assert names(db) == []
    add(db, "later")
    assert names(db) == ["later"]


def test_an_interrupted_transaction_changes_nothing_and_gives_the_lock_back(connect: Callable[[], Database]) -> None:
    db, other = connect(), connect()

    def interrupted() -> None:
        with db.transaction():
            db.run(ADD, {"name": "a", "now": 0})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    add(other, "b")
    assert names(db) == ["b"]


@pytest.mark.parametrize("shared", [False, True])
def test_transactions_do_not_nest(db: Database, shared: bool) -> None:
    with db.transaction(shared=shared):
        with pytest.raises(RuntimeError), db.transaction():
            pytest.fail("it began")
        db.run(ADD, {"name": "a", "now": 0})
    assert names(db) == ["a"]


def test_what_is_looked_up_and_then_written_is_written_once(migrated_url: str, connect: Callable[[], Database]) -> None:
    """Looking first and writing then needs no unique key: transactions come one after the other."""
    together = threading.Barrier(4, timeout=60)

    def work(_: int) -> None:
        db = Database.open(migrated_url, ())
        together.wait()
        for n in range(25):
            with db.transaction():
                if db.value("SELECT 1 FROM subscribers WHERE name = :name", {"name": str(n)}) is None:
                    db.run(ADD, {"name": str(n), "now": 0})
        db.close()

    db = connect()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    assert sorted(names(db), key=int) == [str(n) for n in range(25)]


@pytest.fixture
def impatient(connect: Callable[[], Database]) -> Database:
    """A connection that waits for no lock."""
    db = connect()
    db.wait_for_locks(0.001)
    return db


def test_a_lock_of_another_is_told_as_such(connect: Callable[[], Database], impatient: Database) -> None:
    other = connect()
    with other.transaction():
        other.run(ADD, {"name": "a", "now": 0})
        assert names(impatient) == []  # readers wait for nobody
        with pytest.raises(Busy, match="is locked by another process"), impatient.transaction():
            pytest.fail("the lock was not ours")
    add(impatient, "b")
    assert names(other) == ["a", "b"]


def test_rows_of_another_transaction_are_waited_for(connect: Callable[[], Database], impatient: Database) -> None:
    other = connect()
    add(other, "a")
    with other.transaction(shared=True):
        other.run("UPDATE subscribers SET name = 'b'")
        with pytest.raises(Busy, match="is locked by another process"), impatient.transaction(shared=True):
            impatient.run("UPDATE subscribers SET name = 'c'")
        with pytest.raises(Busy):
            impatient.run("UPDATE subscribers SET name = 'c'")
    assert names(impatient) == ["b"]


# ---- text


def test_text_is_sorted_and_compared_by_code_point(db: Database) -> None:
    words = ["a", "B", "b", "A", "ä", "_", "北京", "上海", "email", "webhook:x", "Z", "é", " a", "-a", "園", "🔥", "﹣"]
    add(db, *words)
    assert names(db) == sorted(words)
    assert db.value("SELECT MIN(name) FROM subscribers WHERE name > 'a'") == "b"
    assert [row["n"] for row in db.all("SELECT DISTINCT name || '' AS n FROM subscribers ORDER BY n")] == sorted(words)
    rows = db.all("SELECT name FROM subscribers WHERE name >= 'A' AND name < 'a' ORDER BY name DESC")
    assert [row["name"] for row in rows] == ["_", "Z", "B", "A"]


def test_letters_outside_of_ascii_keep_their_case(db: Database) -> None:
    add(db, "ÄBc")
    assert db.value("SELECT lower(name) FROM subscribers") == "Äbc"
    assert db.value("SELECT lower(:name)", {"name": "ÄBc"}) == "Äbc"


def test_every_due_queue_is_found_however_it_is_written(db: Database) -> None:
    queues = ["webhook:B.example", "webhook:a.example", "email", "Email", "telegram", "webhook:测试", "webhook:_"]
    for queue in queues:
        values = {"key": queue, "kind": "digest", "endpoint_id": None, "channel": "email", "queue": queue}
        rest = {"address": "", "language": "", "content": "", "priority": 1, "due_at": 0, "expires_at": 9, "now": 0}
        db.insert(LEDGER["add_message"], {**values, **rest})
    assert claims.due_queues(db, 1) == sorted(queues)


@pytest.mark.parametrize("text", ["\ud800", "a\udcff"])
def test_half_of_a_character_is_refused_in_words(db: Database, text: str) -> None:
    with pytest.raises(InvalidValue, match="half of a character"):
        db.run(ADD, {"name": text, "now": 0})
    with pytest.raises(InvalidValue, match="half of a character"), db.transaction():
        db.many(ADD, [{"name": text, "now": 0}])
    assert names(db) == []


def test_nul_is_kept_or_refused_in_words(db: Database, dialect: str) -> None:
    if dialect == "sqlite":
        add(db, "a\0b")
        assert names(db) == ["a\0b"]
        return
    for way in (lambda: db.run(ADD, {"name": "a\0b", "now": 0}), lambda: add(db, "a\0b")):
        with pytest.raises(InvalidValue, match="NUL"):
            way()
    assert names(db) == []


# ---- what goes wrong

EVERY_WAY: dict[str, Callable[[Database, str], object]] = {
    "all": lambda db, sql: db.all(sql),
    "rows": lambda db, sql: db.rows(sql),
    "one": lambda db, sql: db.one(sql),
    "value": lambda db, sql: db.value(sql),
    "each": lambda db, sql: list(db.each(sql)),
    "run": lambda db, sql: db.run(sql),
    "many": lambda db, sql: db.many(sql, [{}]),
    "insert": lambda db, sql: db.insert(sql, {}),
}


@pytest.mark.parametrize("way", EVERY_WAY)
@pytest.mark.parametrize("around", [Database.transaction, nullcontext], ids=["inside", "outside"])
def test_what_the_database_refuses_is_told_and_its_cause_kept(
    db: Database, way: str, around: Callable[[Database], AbstractContextManager[object]]
) -> None:
    sql = "UPDATE nowhere SET x = 1" if way == "many" else "SELECT 1 FROM nowhere"
    with pytest.raises(DatabaseError, match=r"cannot be used: .*nowhere") as refused, around(db):
        EVERY_WAY[way](db, sql)
    assert refused.value.__cause__ is not None
    add(db, "later")
    assert names(db) == ["later"]


def test_broken_rules_are_told_without_peoples_data(db: Database) -> None:
    with db.transaction():
        person = Address("email", "secret@example.com", "email")
        directory.add(
            db, name="", addresses=[person], follows=["all"], preferences=Preferences(), consent="x", act=at(0)
        )
    again = (
        "INSERT INTO endpoints SELECT id + 1, subscriber_id, channel, address, queue, secret, state, reason, consent,"
    )
    again += " consented_at, language, format, bundled, rhythm_id, created_at, changed_at, paused_until FROM endpoints"
    with pytest.raises(DatabaseError, match=r"(?i)unique") as refused:
        db.run(again)
    assert "secret@example.com" not in str(refused.value)
    with pytest.raises(DatabaseError, match=r"(?i)foreign key"):
        db.run("INSERT INTO follows (tag, endpoint_id, created_at) VALUES ('all', 7, 0)")
    with pytest.raises(DatabaseError, match=r"(?i)check"):
        db.run("UPDATE endpoints SET bundled = 2")


# ---- PostgreSQL alone


@pytest.fixture
def served(postgres_url: str) -> Iterator[Database]:
    db = Database.open(postgres_url, (SCHEMA, archive.SCHEMA))
    yield db
    db.close()


def test_every_column_of_text_is_by_code_point_whatever_the_language_of_the_database(
    served: Database,
) -> None:
    columns = "SELECT table_name, column_name, collation_name FROM information_schema.columns"
    found = served.all(f"{columns} WHERE table_schema = 'public' AND data_type = 'text'")
    assert len(found) > 50
    assert [row for row in found if row["collation_name"] != "C"] == []


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    url = "postgresql://reader:hunter2@127.0.0.1:1/dispatch?connect_timeout=2"
    with pytest.raises(
        DatabaseError, match=r"postgresql://127.0.0.1:1/dispatch: .*refused.*is the server running"
    ) as told:
        Database.open(url, [SCHEMA])
    assert "hunter2" not in str(told.value)


def test_a_database_or_user_that_is_not_there_is_told(postgres: PostgresServer) -> None:
    with pytest.raises(DatabaseError, match='database "nowhere" does not exist; make it first: createdb'):
        Database.open(postgres.url("nowhere"), [SCHEMA])
    with pytest.raises(DatabaseError, match=r'role "nobody" does not exist; look at the user and the password'):
        Database.open(postgres.url("postgres").replace("postgres@", "nobody:hunter2@"), [SCHEMA])


def test_an_address_that_is_none_is_told_without_its_parts() -> None:
    with pytest.raises(InvalidValue, match="cannot be read") as told:
        Database.open("postgresql://u:%zz-hunter2@h/db", [SCHEMA])
    assert "hunter2" not in str(told.value)
    assert told.value.__cause__ is None


def test_a_database_in_another_encoding_is_refused(postgres: PostgresServer) -> None:
    url = postgres.create(options="ENCODING 'SQL_ASCII' LOCALE 'C'")
    with pytest.raises(DatabaseError, match="has the encoding SQL_ASCII; make one with: createdb --encoding=UTF8"):
        Database.open(url, [SCHEMA])
    postgres.drop(url)


def test_a_user_without_the_right_to_make_tables_is_told_so(postgres: PostgresServer, postgres_url: str) -> None:
    postgres.execute("DROP ROLE IF EXISTS guest")
    postgres.execute("CREATE ROLE guest LOGIN")
    with pytest.raises(DatabaseError, match=r"no right .* make the user the database's owner"):
        Database.open(postgres_url.replace("postgres@", "guest@"), [SCHEMA])


@pytest.mark.parametrize(("word", "setting"), [("full", "on"), ("normal", "off")])
def test_a_commit_is_as_durable_as_it_is_set_up_to_be(postgres_url: str, word: str, setting: str) -> None:
    db = Database.open(postgres_url, [SCHEMA], synchronous="full" if word == "full" else "normal")
    with db.transaction():
        assert db.value("SELECT current_setting('synchronous_commit')") == setting
        assert db.value("SELECT current_setting('lock_timeout')") == "5s"
    assert db.value("SELECT current_setting('application_name')") == "dispatch"
    db.close()


def test_what_the_address_says_of_a_connection_wins(postgres_url: str) -> None:
    db = Database.open(f"{postgres_url}&application_name=other", [SCHEMA])
    assert db.value("SELECT current_setting('application_name')") == "other"
    assert db.where.startswith("postgresql:///t")
    db.close()


def test_a_connection_keeps_nothing_between_transactions_for_a_pooler_to_lose(served: Database) -> None:
    for _ in range(10):
        with served.transaction():
            served.run(LEDGER["create_plan_due"])
            served.run(LEDGER["clear_plan_due"])
            served.many(ADD, [{"name": "a", "now": 0}])
        names(served)
        list(served.each("SELECT name FROM subscribers"))
    kept = {
        "prepared": "SELECT COUNT(*) FROM pg_prepared_statements",
        "cursors": "SELECT COUNT(*) FROM pg_cursors WHERE is_holdable",
        "temporary": "SELECT COUNT(*) FROM pg_class WHERE relpersistence = 't'",
        "locks": "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'",
        "set": "SELECT COUNT(*) FROM pg_settings WHERE source = 'session'",
    }
    assert {name: served.value(sql) for name, sql in kept.items()} == dict.fromkeys(kept, 0)


@pytest.fixture
def cut(postgres: PostgresServer, postgres_url: str) -> Iterator[tuple[Database, Callable[[], None]]]:
    """A connection, and what ends it from the server's side, as a restart does."""
    db = Database.open(postgres_url, (SCHEMA, archive.SCHEMA))
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dispatch'"
    yield db, lambda: postgres.execute(ends)
    db.close()


@pytest.mark.parametrize("way", ["all", "each", "run", "transaction", "shared"])
def test_a_connection_that_the_server_closed_is_opened_anew(cut: tuple[Database, Callable[[], None]], way: str) -> None:
    db, end = cut
    add(db, "a")
    end()
    if way == "run":
        assert db.run("UPDATE subscribers SET name = 'b'") == 1
    elif way == "each":
        assert list(db.each("SELECT name FROM subscribers")) == [{"name": "a"}]
    elif way == "all":
        assert names(db) == ["a"]
    else:
        with db.transaction(shared=way == "shared"):
            assert db.run("UPDATE subscribers SET name = 'b'") == 1
    assert len(names(db)) == 1


def test_a_transaction_that_the_server_cut_fails_and_the_next_one_works(
    cut: tuple[Database, Callable[[], None]],
) -> None:
    db, end = cut

    def cut_off() -> None:
        with db.transaction():
            db.run(ADD, {"name": "a", "now": 0})
            end()
            db.run(ADD, {"name": "b", "now": 0})

    with pytest.raises(DatabaseError, match="cannot be used"):
        cut_off()
    add(db, "c")
    assert names(db) == ["c"]


def test_a_result_that_the_server_cut_fails_and_the_next_one_works(cut: tuple[Database, Callable[[], None]]) -> None:
    db, end = cut
    add(db, *(str(n) for n in range(2500)))
    rows = db.each("SELECT name FROM subscribers")
    next(rows)
    end()
    with pytest.raises(DatabaseError, match="cannot be used"):
        list(rows)
    assert len(list(db.each("SELECT name FROM subscribers"))) == 2500


def test_a_transaction_begins_though_the_server_cut_a_half_read_result(
    cut: tuple[Database, Callable[[], None]],
) -> None:
    db, end = cut
    add(db, *(str(n) for n in range(2500)))
    rows = db.each("SELECT name FROM subscribers")
    next(rows)
    end()
    with pytest.raises(DatabaseError, match="cannot be used"):
        add(db, "x")
    add(db, "y")
    with pytest.raises(DatabaseError, match="cannot be used"):
        list(rows)


def test_a_deadlock_is_worth_another_try(served: Database, postgres_url: str) -> None:
    add(served, "a", "b")
    together = threading.Barrier(2, timeout=60)

    def work(order: tuple[str, str]) -> str:
        db = Database.open(postgres_url, ())
        try:
            with db.transaction(shared=True):
                db.run("UPDATE subscribers SET created_at = 1 WHERE name = :name", {"name": order[0]})
                together.wait()
                db.run("UPDATE subscribers SET created_at = 1 WHERE name = :name", {"name": order[1]})
        except Busy:
            return "busy"
        finally:
            db.close()
        return "done"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(work, [("a", "b"), ("b", "a")])) == ["busy", "done"]


def test_a_read_only_database_is_told_as_such(postgres: PostgresServer, postgres_url: str) -> None:
    Database.open(postgres_url, [SCHEMA]).close()
    db = Database.open(f"{postgres_url}&options=-cdefault_transaction_read_only%3Don", [SCHEMA])
    with pytest.raises(DatabaseError, match="read-only: is it a standby"):
        add(db, "a")
    db.close()
