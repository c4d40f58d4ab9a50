"""What only a file of SQLite's does: opening it, whole or not at all, by one process or by many; and its faults.

What every database does is in tests/conformance.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dispatch import archive
from subscribers.database import SCHEMA, Database, Schema, queries
from subscribers.errors import Busy, DatabaseError
from subscribers.sqlite import SqliteDatabase

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
def dialect() -> str:
    return "sqlite"


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


# ---- what goes wrong while it is open


@pytest.fixture
def locked(db: Database) -> Iterator[Database]:
    """A database whose lock another connection holds; statements do not wait for it here."""
    other = sqlite3.connect(db.where, isolation_level=None)
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


_LOOK = "import sqlite3, sys; found = sqlite3.connect(sys.argv[1]); print(found.execute('SELECT x FROM t').fetchall())"


def test_a_search_of_the_files_gives_up_no_lock(tmp_path: Path) -> None:
    """SQLite's locks are the process's: closing any descriptor of the file ends them, and the next program that closes
    the database then takes the log away from under those who still write it."""
    path = tmp_path / "store.db"
    db = Database.open(f"sqlite:///{path}", ())
    db.run("CREATE TABLE t (x)")
    assert db.scrub(["nobody at all"]) == ""
    for number in (1, 2):
        with db.transaction():
            db.run("INSERT INTO t VALUES (:x)", {"x": number})
        done = subprocess.run([sys.executable, "-c", _LOOK, str(path)], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == str([(n,) for n in range(1, number + 1)])
        assert Path(f"{path}-wal").exists()
    assert db.value("PRAGMA integrity_check") == "ok"
    db.close()


def test_the_search_finds_what_is_left_and_nothing_else(tmp_path: Path) -> None:
    db = Database.open(f"sqlite:///{tmp_path / 'store.db'}", ())
    db.run("CREATE TABLE t (x)")
    db.run("INSERT INTO t VALUES ('left@example.com')")
    assert isinstance(db, SqliteDatabase)
    assert db._holds(["left@example.com"])
    assert not db._holds(["gone@example.com"])
    db.close()
