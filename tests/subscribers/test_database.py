"""Opening the store: whole or not at all, by one process or by many."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dispatch import archive
from subscribers.database import SCHEMA, Database, Schema, expand, queries
from subscribers.errors import Busy, DatabaseError

PROCESSES, FILES = 6, 40
OPENER = """
import sys
from dispatch.archive import SCHEMA as archive
from subscribers.database import Database, SCHEMA
for url in sys.stdin:
    try:
        Database.open(url.strip(), (SCHEMA, archive)).close()
        print("opened", flush=True)
    except Exception as error:
        print(error, flush=True)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def schema(tmp_path: Path) -> Schema:
    """A component with one migration, to which tests add more."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_first.sql").write_text("CREATE TABLE first (id INTEGER);\nINSERT INTO first VALUES (1);\n")
    return Schema("sample", folder)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def tables(db: Database) -> set[str]:
    return {row["name"] for row in db.all("SELECT name FROM sqlite_master WHERE type = 'table'")}


def versions(db: Database) -> dict[str, int]:
    return {row["component"]: row["version"] for row in db.all("SELECT component, version FROM schema_versions")}


def test_a_fresh_database_has_the_newest_schema_of_each_component(db: Database) -> None:
    assert versions(db) == {"subscribers": SCHEMA.newest(), "dispatch": archive.SCHEMA.newest()}
    assert {"subscribers", "endpoints", "follows", "issues", "deliveries", "messages"} <= tables(db)


def test_a_migration_is_applied_once(url: str, schema: Schema) -> None:
    for _ in range(3):
        Database.open(url, [schema]).close()
    database = Database.open(url, [schema])
    assert database.value("SELECT COUNT(*) FROM first") == 1
    database.close()


def test_opening_an_up_to_date_database_waits_for_no_writer(url: str, schema: Schema) -> None:
    writer = Database.open(url, [schema])
    with writer.transaction():
        reader = Database.open(url, [schema])
        assert reader.value("SELECT COUNT(*) FROM first") == 1
    reader.close()
    writer.close()


def test_later_migrations_are_added_to_data_that_stays(url: str, schema: Schema) -> None:
    Database.open(url, [schema]).close()
    (schema.folder / "0002_second.sql").write_text("CREATE TABLE second (id INTEGER);")
    (schema.folder / "0010_with_a_gap.sql").write_text("INSERT INTO second SELECT id + 1 FROM first;")
    for _ in range(2):
        database = Database.open(url, [schema])
        assert database.all("SELECT id FROM second") == [{"id": 2}]
        assert versions(database) == {"sample": 10}
        database.close()


def test_a_failing_migration_leaves_nothing_behind(url: str, schema: Schema) -> None:
    script = schema.folder / "0002_second.sql"
    script.write_text("CREATE TABLE second (id INTEGER);\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(DatabaseError, match="no such table: nowhere"):
        Database.open(url, [SCHEMA, schema])
    raw = sqlite3.connect(url.removeprefix("sqlite:///"))
    assert raw.execute("SELECT name FROM sqlite_master").fetchall() == []
    raw.close()


def test_a_mended_migration_goes_on_where_the_failing_one_stopped(url: str, schema: Schema) -> None:
    Database.open(url, [schema]).close()
    script = schema.folder / "0002_second.sql"
    script.write_text("CREATE TABLE second (id INTEGER);\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(DatabaseError):
        Database.open(url, [schema])
    script.write_text("CREATE TABLE second (id INTEGER);")
    database = Database.open(url, [schema])
    assert versions(database) == {"sample": 2}
    assert tables(database) == {"first", "second", "schema_versions"}
    database.close()


def test_a_migration_cut_off_in_a_statement_is_refused(url: str, schema: Schema) -> None:
    (schema.folder / "0002_second.sql").write_text("CREATE TABLE second (id INTEGER);\nINSERT INTO first")
    with pytest.raises(DatabaseError, match="unfinished statement: INSERT INTO first"):
        Database.open(url, [schema])


def test_a_migration_may_hold_triggers_and_end_in_a_comment(url: str, schema: Schema) -> None:
    trigger = "CREATE TRIGGER grow AFTER INSERT ON first BEGIN\n  UPDATE first SET id = 5;\n  SELECT 1;\nEND;\n"
    (schema.folder / "0002_second.sql").write_text(f"{trigger}INSERT INTO first VALUES (2);\n-- That is all; truly\n")
    database = Database.open(url, [schema])
    assert database.all("SELECT DISTINCT id FROM first") == [{"id": 5}]
    database.close()


@pytest.mark.parametrize("component", ["subscribers", "dispatch"])
def test_a_database_of_a_newer_version_is_refused_untouched(url: str, component: str) -> None:
    database = Database.open(url, (SCHEMA, archive.SCHEMA))
    database.run("UPDATE schema_versions SET version = 99 WHERE component = :name", {"name": component})
    before = versions(database)
    database.close()
    with pytest.raises(DatabaseError, match=f"newer version of this program \\({component} schema 99, .*install"):
        Database.open(url, (SCHEMA, archive.SCHEMA))
    raw = sqlite3.connect(url.removeprefix("sqlite:///"))
    assert dict(raw.execute("SELECT component, version FROM schema_versions")) == before
    raw.close()


def test_one_newer_component_keeps_the_others_from_being_migrated(url: str, schema: Schema) -> None:
    database = Database.open(url, [schema])
    database.run("UPDATE schema_versions SET version = 99")
    database.close()
    with pytest.raises(DatabaseError, match="newer version"):
        Database.open(url, [SCHEMA, schema])
    raw = sqlite3.connect(url.removeprefix("sqlite:///"))
    assert raw.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'endpoints'").fetchone() == (0,)
    raw.close()


@pytest.fixture
def openers() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that open each database whose URL they read, and say how that went."""
    command = [sys.executable, "-c", OPENER]
    root = Path(__file__).parents[2]
    pipe = subprocess.PIPE
    found = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=root) for _ in range(PROCESSES)]
    yield found
    for process in found:
        process.communicate()


def test_processes_that_open_a_fresh_file_together_all_succeed(
    openers: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    told = []
    for n in range(FILES):
        for process in openers:
            print(f"sqlite:///{tmp_path / str(n)}.db", file=process.stdin)
        for process in openers:
            if process.stdin:
                process.stdin.flush()
        told += [process.stdout.readline().strip() for process in openers if process.stdout]
    assert told == ["opened"] * PROCESSES * FILES


def test_threads_that_open_a_fresh_file_together_all_succeed_and_migrate_once(tmp_path: Path, schema: Schema) -> None:
    together = threading.Barrier(PROCESSES)

    def rows(n: int) -> int:
        together.wait()
        database = Database.open(f"sqlite:///{tmp_path / str(n // PROCESSES)}.db", [schema, SCHEMA])
        found = database.value("SELECT COUNT(*) FROM first")
        database.close()
        return int(found)

    with ThreadPoolExecutor(PROCESSES) as threads:
        assert list(threads.map(rows, range(PROCESSES * FILES))) == [1] * PROCESSES * FILES


def test_the_files_are_for_their_owner_alone(url: str, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        database = Database.open(url, [SCHEMA])
        with database.transaction():
            database.run("INSERT INTO subscribers (created_at) VALUES (0)")
        found = {path.name: mode(path) for path in tmp_path.iterdir()}
        database.close()
    finally:
        os.umask(before)
    assert found == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}


def test_missing_folders_are_made(tmp_path: Path) -> None:
    Database.open(f"sqlite:///{tmp_path / 'a' / 'b' / 'store.db'}", [SCHEMA]).close()
    assert (tmp_path / "a" / "b" / "store.db").is_file()


def test_the_store_is_as_durable_as_it_is_set_up_to_be(url: str) -> None:
    for word, number in (("full", 2), ("normal", 1)):
        database = Database.open(url, [SCHEMA], synchronous="full" if word == "full" else "normal")
        pragmas = [database.value(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys")]
        database.close()
        assert pragmas == ["wal", number, 1]


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(url: str, tmp_path: Path) -> None:
    text = "name,email\n" * 500
    (tmp_path / "store.db").write_text(text)
    with pytest.raises(DatabaseError, match=r"store\.db is no database, .*file is not a database"):
        Database.open(url, [SCHEMA])
    assert (tmp_path / "store.db").read_text() == text


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="cannot be opened: look at the rights"):
        Database.open(f"sqlite:///{tmp_path}", [SCHEMA])


def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError, match="cannot open the database "):
        Database.open(f"sqlite:///{tmp_path / 'file' / 'store.db'}", [SCHEMA])


def test_a_transaction_that_fails_changes_nothing(db: Database) -> None:
    rows: list[dict[str, int | None]] = [{"now": 0}, {"now": None}]
    with pytest.raises(DatabaseError, match="NOT NULL"), db.transaction():
        db.many("INSERT INTO subscribers (created_at) VALUES (:now)", rows)
    assert db.all("SELECT id FROM subscribers") == []


def test_an_interrupted_transaction_changes_nothing_and_gives_the_lock_back(db: Database) -> None:
    def interrupted() -> None:
        with db.transaction():
            db.run("INSERT INTO subscribers (created_at) VALUES (0)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with db.transaction():
        db.run("INSERT INTO subscribers (created_at) VALUES (1)")
    assert db.all("SELECT created_at FROM subscribers") == [{"created_at": 1}]


def test_a_transaction_may_end_while_a_result_is_half_read(db: Database) -> None:
    with db.transaction():
        db.many("INSERT INTO subscribers (created_at) VALUES (:n)", [{"n": n} for n in range(10)])
    rows = db.each("SELECT created_at FROM subscribers ORDER BY id")
    with db.transaction():
        assert next(rows) == {"created_at": 0}
        db.run("UPDATE subscribers SET name = 'x'")
    assert [row["created_at"] for row in rows] == list(range(1, 10))


def test_a_follow_of_nobody_is_refused(db: Database) -> None:
    with pytest.raises(DatabaseError, match="FOREIGN KEY"), db.transaction():
        db.run("INSERT INTO follows (tag, endpoint_id, created_at) VALUES ('all', 7, 0)")


def test_rows_are_counted_and_values_read(db: Database) -> None:
    with db.transaction():
        added = db.insert("INSERT INTO subscribers (created_at) VALUES (:now) RETURNING id", {"now": 5})
        assert db.many("UPDATE subscribers SET name = :name", [{"name": "a"}, {"name": "b"}]) == 2
    assert db.value("SELECT name FROM subscribers WHERE id = :id", {"id": added}) == "b"
    assert db.value("SELECT name FROM subscribers WHERE id = 99") is None
    assert db.one("SELECT name FROM subscribers WHERE id = 99") is None


def test_named_queries_are_read_with_their_comments(tmp_path: Path) -> None:
    file = tmp_path / "some.sql"
    file.write_text("-- What this file is.\n\n-- name: one\n-- Why.\nSELECT 1\n\n-- name: the_other\nSELECT 2\n")
    assert queries(file) == {"one": "-- Why.\nSELECT 1", "the_other": "SELECT 2"}


def test_placeholders_of_a_migration_are_filled(url: str, schema: Schema) -> None:
    script = "CREATE TABLE second (id {id}, n BIGINT);\nCREATE TABLE third (n BIGINT PRIMARY KEY) {clustered};\n"
    (schema.folder / "0002_second.sql").write_text(script)
    database = Database.open(url, [schema])
    shapes = {row["name"]: row["wr"] for row in database.all("PRAGMA table_list")}
    assert (shapes["second"], shapes["third"]) == (0, 1)
    database.close()


@pytest.mark.parametrize("table", ["subscribers", "endpoints", "rhythms", "signing_keys"])
def test_the_id_of_a_deleted_row_is_never_used_again(db: Database, table: str) -> None:
    script = db.value("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name", {"name": table})
    assert "id INTEGER PRIMARY KEY AUTOINCREMENT" in script


def test_an_id_is_not_used_twice(db: Database) -> None:
    added = []
    for _ in range(2):
        with db.transaction():
            sql = "INSERT INTO subscribers (created_at) VALUES (:now) RETURNING id"
            added.append(db.insert(sql, {"now": 0}))
            db.run("DELETE FROM subscribers")
    assert added[0] < added[1]


# ---- lists in queries

NUMBERS = "WITH n (i) AS (VALUES (1), (2), (3)) SELECT i FROM n WHERE i IN (:ids)"


@pytest.mark.parametrize(
    ("ids", "found"), [([], []), ([2], [2]), ([3, 1, 9], [1, 3]), ((1, 2), [1, 2]), (list(range(30_000)), [1, 2, 3])]
)
def test_a_list_is_a_parameter_of_in(db: Database, ids: Sequence[int], found: list[int]) -> None:
    assert [row["i"] for row in db.all(NUMBERS, {"ids": ids})] == found
    assert [row["i"] for row in db.each(NUMBERS, {"ids": ids})] == found
    assert db.value(NUMBERS, {"ids": ids}) == (found[0] if found else None)


def test_a_list_stands_among_other_parameters_and_as_often_as_it_is_named(db: Database) -> None:
    sql = f"{NUMBERS} AND i > :low OR i IN (:words) OR i + 1 IN (:ids)"
    assert db.all(sql, {"ids": [2, 3], "low": 2, "words": ["x", "y"]}) == [{"i": 1}, {"i": 2}, {"i": 3}]


def test_a_statement_with_a_list_says_how_many_rows_it_changed(db: Database) -> None:
    with db.transaction():
        db.many("INSERT INTO subscribers (id, created_at) VALUES (:n, 0)", [{"n": n} for n in range(1, 6)])
        assert db.run("UPDATE subscribers SET name = 'x' WHERE id IN (:ids)", {"ids": [2, 4, 99]}) == 2


def test_the_values_of_a_list_are_values(db: Database) -> None:
    words = ["'", "x) OR (1=1", ":ids_0"]
    assert db.value("SELECT 'x' IN (:words)", {"words": words}) == 0
    assert [db.value("SELECT :word IN (:words)", {"word": word, "words": words}) for word in words] == [1, 1, 1]


def test_longer_lists_are_refused_before_sqlite_sees_them(db: Database) -> None:
    with pytest.raises(ValueError, match="30001 values for :ids, at most 30000"):
        db.all(NUMBERS, {"ids": list(range(30_001))})


def test_a_list_without_a_place_in_the_query_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no \(:ids\)"):
        expand("SELECT 1 WHERE 1 IN (:id)", "ids", 2)


# ---- what goes wrong while it is open


EVERY_WAY: dict[str, Callable[[Database, str], object]] = {
    "all": lambda db, sql: db.all(sql),
    "one": lambda db, sql: db.one(sql),
    "value": lambda db, sql: db.value(sql),
    "each": lambda db, sql: list(db.each(sql)),
    "run": lambda db, sql: db.run(sql),
    "many": lambda db, sql: db.many(sql, [{}]),
    "insert": lambda db, sql: db.insert(sql, {}),
}


@pytest.mark.parametrize("way", EVERY_WAY)
def test_an_error_of_sqlite_is_told_and_its_cause_kept(db: Database, way: str) -> None:
    with pytest.raises(DatabaseError, match=r"store\.db cannot be used: no such table: nowhere") as refused:
        EVERY_WAY[way](db, "UPDATE nowhere SET x = 1" if way == "many" else "SELECT 1 FROM nowhere")
    assert isinstance(refused.value.__cause__, sqlite3.OperationalError)


def test_a_parameter_left_out_is_a_bug_and_stays_one(db: Database) -> None:
    with pytest.raises(sqlite3.ProgrammingError):
        db.all("SELECT :x", {"y": 1})


@pytest.fixture
def locked(db: Database) -> Iterator[Database]:
    """A database whose lock another connection holds; statements do not wait for it here."""
    other = sqlite3.connect(db.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    db.run("PRAGMA busy_timeout = 0")
    yield db
    other.close()


def test_a_lock_of_another_process_is_told_as_such(locked: Database) -> None:
    with pytest.raises(Busy, match=r"store\.db is locked by another process"), locked.transaction():
        pytest.fail("the lock was not ours")
    with pytest.raises(Busy):
        locked.run("INSERT INTO subscribers (created_at) VALUES (0)")


def test_a_statement_waits_for_a_lock_for_5_seconds(db: Database) -> None:
    assert db.value("PRAGMA busy_timeout") == 5000


def test_a_full_disk_is_told_as_such_and_the_transaction_undone(db: Database) -> None:
    db.run(f"PRAGMA max_page_count = {db.value('PRAGMA page_count') + 2}")
    with pytest.raises(DatabaseError, match=r"the disk is full: .*store\.db cannot grow"), db.transaction():
        db.many("INSERT INTO subscribers (name, created_at) VALUES (:name, 0)", [{"name": "x" * 1000}] * 100)
    assert db.value("SELECT COUNT(*) FROM subscribers") == 0


def test_a_read_only_database_is_told_as_such(db: Database) -> None:
    db.run("PRAGMA query_only = 1")
    with pytest.raises(DatabaseError, match=r"store\.db is read-only: look at the rights"), db.transaction():
        db.run("INSERT INTO subscribers (created_at) VALUES (0)")


def test_a_damaged_database_is_told_as_such(url: str, tmp_path: Path) -> None:
    database = Database.open(url, [SCHEMA])
    with database.transaction():
        rows = [{"name": "x" * 1000, "now": n} for n in range(100)]
        database.many("INSERT INTO subscribers (name, created_at) VALUES (:name, :now)", rows)
    database.close()
    file = tmp_path / "store.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(DatabaseError, match=r"store\.db is damaged .*: restore a backup"):
        Database.open(url, [SCHEMA]).all("SELECT name FROM subscribers")
