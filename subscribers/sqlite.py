"""The store in an SQLite file: WAL, one writer at a time, who takes the lock at once (BEGIN IMMEDIATE), so that no
transaction dies half-way for want of it."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from subscribers.database import BUSY_SECONDS, OPENING_SECONDS, Database, Params, Row, Synchronous, check_list, filled
from subscribers.errors import Busy, DatabaseError, InvalidValue
from subscribers.many_rows import as_one

_RETRY_SECONDS = 0.01
_SOON, _SOON_SECONDS = 100, 0.0004  # tries for the lock, and the pause between two
_MANY = 16  # rows from which one statement for all of them is worth it
_LIST = re.compile(r"\bIN \(:([A-Za-z_]\w*)\)")
_WRITES_WITH = re.compile(r"\A(?:\s|--[^\n]*\n)*WITH\b.*\b(?:INSERT|UPDATE|DELETE)\b", re.IGNORECASE | re.DOTALL)
_WORDS = {
    "{id}": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "{clustered}": "WITHOUT ROWID",
    "{skip_locked}": "",
    "{lock_messages}": "",
    "{on_commit_drop}": "",
}


class SqliteDatabase(Database):
    """A connection to an SQLite file."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._told = _Told(path)
        self._columns: dict[str, list[str]] = {}  # of the queries that are read a page at a time
        self.path = path
        self.where = str(path)

    @classmethod
    def connect(cls, path: Path, synchronous: Synchronous) -> SqliteDatabase:
        """Raises DatabaseError."""
        try:
            with _Told(path):
                return cls(_connect(path, synchronous), path)
        except OSError as error:
            raise DatabaseError(f"cannot open the database {path}: {error}") from error

    def close(self) -> None:
        self._connection.close()

    def all(self, sql: str, params: Params | None = None) -> list[Row]:
        with self._told:
            cursor = self._connection.execute(*_bound(sql, params))
            names = _names(cursor)
            return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]

    def rows(self, sql: str, params: Params | None = None) -> list[tuple[Any, ...]]:
        with self._told:
            return self._connection.execute(*_bound(sql, params)).fetchall()

    def page(self, sql: str, params: Params | None = None) -> list[tuple[Any, ...]]:
        with self._told:
            text, bound = _bound(sql, params)
            columns = self._columns.get(text)
            if columns is None:
                columns = self._columns[text] = _names(self._connection.execute(text, bound))
            fields = ", ".join(f'"{name}"' for name in columns)
            (found,) = self._connection.execute(
                f"SELECT json_group_array(json_array({fields})) FROM ({text})",  # noqa: S608 - queries of ours
                bound,
            ).fetchone()
            return list(map(tuple, json.loads(found)))

    def one(self, sql: str, params: Params | None = None) -> Row | None:
        with self._told:
            cursor = self._connection.execute(*_bound(sql, params))
            values = cursor.fetchone()
            return None if values is None else dict(zip(_names(cursor), values, strict=True))

    def each(self, sql: str, params: Params | None = None) -> Iterator[Row]:
        with self._told:
            cursor = self._connection.execute(*_bound(sql, params))
            names = _names(cursor)
            for values in cursor:
                yield dict(zip(names, values, strict=True))

    def run(self, sql: str, params: Params | None = None) -> int:
        with self._told:
            count = self._connection.execute(*_bound(sql, params)).rowcount
            if count < 0 and _translated(sql).writes_with:
                count = self._connection.execute("SELECT changes()").fetchone()[0]
            return count

    def many(self, sql: str, rows: Iterable[Params]) -> int:
        with self._told:
            found = list(rows)
            # Python gives its lock away and takes it back at each step, which takes long beside a busy event loop: many
            # rows are one step, here and in `page`.
            text = _for_all(sql, tuple(found[0])) if len(found) >= _MANY else ""
            values = _json(found) if text else None
            if values is not None:
                return self._connection.execute(text, {"each_row": values}).rowcount
            return self._connection.executemany(_translated(sql).text, found).rowcount

    def server(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"

    def damage(self) -> str:
        found = self.value("PRAGMA integrity_check(1)")  # the quick one looks at no index
        return "" if found == "ok" else str(found)

    def scrub(self, words: Sequence[str], tables: Sequence[str] = ()) -> str:
        """`secure_delete` writes zeros over what is deleted. But pages that were split keep copies of rows that moved
        to others, now and then: where a word is found, the whole file is written anew. What is found after that is
        no copy, but what another row says."""
        if not self._empty_wal():
            return _READERS.format(path=self.path)
        if not self._holds(words):
            return ""
        try:
            self._write_anew()
        except Busy:
            return _IN_USE.format(path=self.path)
        return "" if self._empty_wal() else _READERS.format(path=self.path)

    def _empty_wal(self) -> bool:
        """Whether all that the WAL held is in the file and the WAL empty."""
        self.wait_for_locks(_CHECKPOINT_SECONDS)
        try:
            return int(self.rows("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]) == 0
        except Busy:
            return False
        finally:
            self.wait_for_locks(BUSY_SECONDS)

    def _holds(self, words: Sequence[str]) -> bool:
        """Whether the bytes of a word stand in the files of the database."""
        files = [str(self.path), f"{self.path}-wal", f"{self.path}-shm"]
        return bool(words) and _stand_in(files, words)

    def _write_anew(self) -> None:
        """VACUUM, with a connection of its own: ours would take the whole copy into memory."""
        with self._told:
            connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
            try:
                connection.execute("VACUUM")
            finally:
                connection.close()

    def _begin(self, shared: bool) -> None:
        with self._told:
            if not (shared and self._begun_soon()):
                self._connection.execute("BEGIN IMMEDIATE")

    def _begun_soon(self) -> bool:
        """Begin where the lock is free within some milliseconds. Processes that send side by side hold it for one or
        two each time, and SQLite's own wait sleeps longer and longer: they would leave the lock unused."""
        (patience,) = self._connection.execute("PRAGMA busy_timeout").fetchone()
        self._connection.execute("PRAGMA busy_timeout = 0")
        try:
            for _ in range(_SOON):
                try:
                    self._connection.execute("BEGIN IMMEDIATE")
                    return True
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                        raise
                    time.sleep(_SOON_SECONDS)
            return False
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {patience}")

    def _commit(self) -> None:
        with self._told:
            self._connection.execute("COMMIT")

    def _rollback(self) -> None:
        if self._connection.in_transaction:  # SQLite ends it by itself where the disk is full, for one
            with self._told:
                self._connection.execute("ROLLBACK")

    def _in_transaction(self) -> bool:
        return self._connection.in_transaction

    def wait_for_locks(self, seconds: float) -> None:
        self.run(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")

    def _has_versions(self) -> bool:
        sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_versions'"
        return self.value(sql) is not None

    def _script(self, script: str) -> None:
        # One by one: sqlite3's own way to run a script would commit first.
        for statement in _statements(filled(script, _WORDS)):
            self.run(statement)


_CHECKPOINT_SECONDS = 1.0
_READERS = (
    "a program reads the database just now, so that {path}-wal keeps copies of what was there before: they go when the"
    " last program that has it open ends, or with the same call again"
)
_IN_USE = (
    "a copy of a deleted row is left in free room of {path}, and the file is in use: stop dispatch, then"
    " write it anew by: sqlite3 {path} VACUUM"
)


# Never in this process: closing a file gives up all locks that the process has on it, SQLite's too, and the next
# program would take the database for unused (sqlite.org/howtocorrupt.html, 2.2). The words come by standard input,
# where no list of processes shows them. The pieces that are read overlap by a word.
_SEARCH = """
import json, sys
files, words = json.load(sys.stdin.buffer)
words = [word.encode() for word in words]
overlap = max(map(len, words)) - 1
for file in files:
    try:
        opened = open(file, "rb")
    except FileNotFoundError:
        continue
    with opened:
        tail = b""
        while piece := opened.read(4 << 20):
            tail += piece
            if any(word in tail for word in words):
                sys.exit(10)
            tail = tail[-overlap:] if overlap else b""
"""
_FOUND = 10  # its exit code


def _stand_in(files: Sequence[str], words: Sequence[str]) -> bool:
    """Whether one of the files holds one of the words. Raises DatabaseError where they cannot be read."""
    command = [sys.executable, "-I", "-c", _SEARCH]
    wanted = json.dumps([files, list(words)]).encode()
    done = subprocess.run(command, input=wanted, capture_output=True, check=False)  # noqa: S603 - ours
    if done.returncode not in (0, _FOUND):
        raise DatabaseError("the files of the database cannot be searched for what is left of an erased person")
    return done.returncode == _FOUND


@dataclass(frozen=True, slots=True)
class _Query:
    """A query in SQLite's words, the names of its parameters that are lists, and whether it writes behind a WITH:
    Python's sqlite3 does not count the rows of such a one."""

    text: str
    lists: tuple[str, ...]
    writes_with: bool


@lru_cache(maxsize=1024)
def _translated(sql: str) -> _Query:
    """A list is one JSON text, so that its length does not change the query's: SQLite keeps it prepared."""
    text = _LIST.sub(r"IN (SELECT value FROM json_each(:\1))", filled(sql, _WORDS))
    return _Query(text, tuple(dict.fromkeys(_LIST.findall(sql))), bool(_WRITES_WITH.search(text)))


def _bound(sql: str, params: Params | None) -> tuple[str, Params]:
    """A query and its parameters. Raises ValueError for a list where the query has none, or one that is too long."""
    query = _translated(sql)
    if not params:
        return query.text, {}
    if not query.lists:
        return query.text, params
    bound = dict(params)
    for name in query.lists:
        values = params[name]
        if isinstance(values, list | tuple):
            check_list(name, len(values))
        bound[name] = json.dumps(values if isinstance(values, list | tuple) else [values])
    return query.text, bound


@lru_cache(maxsize=256)
def _for_all(sql: str, names: tuple[str, ...]) -> str:
    """One statement for many rows, which are one JSON text; "" where it cannot be said so."""
    columns = ", ".join(f"json_extract(value, '$[{place}]') AS p_{name}" for place, name in enumerate(names))
    # MATERIALIZED: else SQLite would read the text anew for each row of the table, or choose another index.
    given = f"WITH given AS MATERIALIZED (SELECT {columns} FROM json_each(:each_row)) SELECT * FROM given"  # noqa: S608
    return as_one(filled(sql, _WORDS), f"({given}) AS each_row")


def _json(rows: Sequence[Params]) -> str | None:
    """The values of rows that all have the same names, in their order; None where JSON would change one of them."""
    names = rows[0].keys()
    if any(row.keys() != names for row in rows):
        return None
    try:
        text = json.dumps([list(row.values()) for row in rows], ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        return None
    return None if "\\u0000" in text else text  # SQLite ends a text there


def _names(cursor: sqlite3.Cursor) -> list[str]:
    """The columns of a result; none of a statement that gives no rows."""
    return [column[0] for column in cursor.description or ()]


class _Told:
    """Turns what SQLite raises into errors that say what to do."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.ProgrammingError):
            raise _explained(error, self._path) from error
        if isinstance(error, UnicodeEncodeError):
            raise InvalidValue("a text holds half of a character, which cannot be stored: write it anew") from error


_CAUSES = {
    sqlite3.SQLITE_FULL: "the disk is full: {path} cannot grow; make room and try again",
    sqlite3.SQLITE_READONLY: "the database {path} is read-only: look at the rights of the file and of its folder",
    sqlite3.SQLITE_CORRUPT: "the database {path} is damaged ({error}): restore a backup",
    sqlite3.SQLITE_NOTADB: "{path} is no database, or a damaged one ({error}): restore a backup",
    sqlite3.SQLITE_IOERR: "the database {path} cannot be read or written ({error}): look at its disk",
    sqlite3.SQLITE_CANTOPEN: "the database {path} cannot be opened: look at the rights of the file and of its folder",
}


def _explained(error: sqlite3.Error, path: Path) -> DatabaseError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Busy(f"the database {path} is locked by another process; try again when that is done")
    return DatabaseError(
        _CAUSES.get(code, "the database {path} cannot be used: {error}").format(path=path, error=error)
    )


def _connect(path: Path, synchronous: str) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)  # addresses and signing keys: for the owner alone
    connection = sqlite3.connect(path, timeout=OPENING_SECONDS, isolation_level=None)
    try:
        _enable_wal(connection)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted leaves no bytes behind; see `scrub`
    except BaseException:
        connection.close()
        raise
    return connection


def _enable_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL, however many open a fresh file at once: SQLite does not wait for that lock by itself (two that
    wait for each other would wait for ever)."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    import sqlite_utils  # not at module import: every start but the first does without

    give_up = time.monotonic() + OPENING_SECONDS
    while True:
        try:
            sqlite_utils.Database(connection, execute_plugins=False).enable_wal()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(_RETRY_SECONDS)


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if any(line.strip() and not line.lstrip().startswith("--") for line in statement.splitlines()):
        raise DatabaseError(f"a migration ends in an unfinished statement: {statement.strip()[:80]}")
