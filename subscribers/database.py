"""One handle on the store: transactions, named queries from `.sql` files, and the migrations handed to it.

A `Database` is one connection and belongs to the thread that opened it. Every write happens inside
`transaction()`, which takes SQLite's write lock at once (BEGIN IMMEDIATE), so that no transaction dies half-way
for want of it. Times are whole milliseconds since 1970 in UTC throughout.

A parameter may be a list (or tuple) of numbers or words where the query says `IN (:ids)`: see `expand`.

Nothing of SQLite's gets out: what goes wrong is a DatabaseError, or Busy after a wait of 5 seconds. A statement that
the program calls wrongly (sqlite3.ProgrammingError) is a bug and stays one.

Migrations leave to the `Database` what databases write differently:

    {id}         the type of a key that counts up and is never used twice, also after its row is deleted: `id {id},`
    {clustered}  after a table's closing bracket: its rows are kept in the order of its primary key
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import sqlite_utils

from subscribers.errors import Busy, DatabaseError

Row = dict[str, Any]
Params = Mapping[str, Any]

_NAME = re.compile(r"^-- name: ([a-z_]+)\s*$", re.MULTILINE)
_OPENING_SECONDS = 30.0  # others may be migrating
_BUSY_SECONDS = 5.0
_RETRY_SECONDS = 0.01
MOST_VALUES = 30_000  # of a list in a query; SQLite takes 32,766 parameters in all
_PLACEHOLDERS = {"{id}": "INTEGER PRIMARY KEY AUTOINCREMENT", "{clustered}": "WITHOUT ROWID"}
_CREATE_VERSIONS = """
CREATE TABLE IF NOT EXISTS schema_versions (
  component TEXT PRIMARY KEY, version INTEGER NOT NULL, applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
)
"""
_SET_VERSION = """
INSERT INTO schema_versions (component, version) VALUES (:component, :version)
ON CONFLICT (component) DO UPDATE SET version = excluded.version
"""


@cache
def queries(file: Path) -> Mapping[str, str]:
    """The named queries of a `.sql` file: each begins with a line `-- name: NAME`."""
    parts = _NAME.split(file.read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], (text.strip() for text in parts[2::2]), strict=True))


def expand(sql: str, name: str, count: int) -> str:
    """`… IN (:ids)` with a parameter for each of `count` values: `… IN (:ids_0, :ids_1)`; with NULL, which nothing
    is equal to, for none. Only for IN: NOT IN with no values would be true for nothing.

    Raises ValueError: a query without `(:ids)`, or more values than a statement can have.
    """
    if count > MOST_VALUES:
        raise ValueError(f"{count} values for :{name}, at most {MOST_VALUES} go into a statement: cut them into slices")
    place = f"(:{name})"
    if place not in sql:
        raise ValueError(f"the query has no {place} for its list of values")
    return sql.replace(place, f"({', '.join(f':{name}_{n}' for n in range(count)) or 'NULL'})")


def _expanded(sql: str, params: Params | None) -> tuple[str, Params]:
    """A query and its parameters with every list among them spread out."""
    if not params:
        return sql, {}
    lists = {name: values for name, values in params.items() if isinstance(values, list | tuple)}
    if not lists:
        return sql, params
    spread = {name: value for name, value in params.items() if name not in lists}
    for name, values in lists.items():
        sql = expand(sql, name, len(values))
        spread |= {f"{name}_{n}": value for n, value in enumerate(values)}
    return sql, spread


@dataclass(frozen=True, slots=True)
class Schema:
    """The migrations of one component: `NNNN_*.sql` in a folder, applied in order, each in a transaction."""

    component: str
    folder: Path

    def scripts(self) -> list[tuple[int, str]]:
        files = sorted(self.folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
        return [(int(file.name[:4]), file.read_text(encoding="utf-8")) for file in files]

    def newest(self) -> int:
        """The version that the last migration leads to; 0 without migrations."""
        return max((version for version, _ in self.scripts()), default=0)


SCHEMA = Schema("subscribers", Path(__file__).with_name("migrations"))


class Database:
    """A connection to the store."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._told = _Told(path)
        self.path = path

    @classmethod
    def open(cls, url: str, schemas: Sequence[Schema], *, synchronous: Literal["full", "normal"] = "full") -> Database:
        """Open the database of a `sqlite:///` URL and bring it to the newest schema; make it where it is missing.

        Raises DatabaseError: no database file, no right to it, made by a newer version.
        """
        path = Path(url.removeprefix("sqlite:///"))
        try:
            with _Told(path):
                database = cls(_connect(path, synchronous), path)
        except OSError as error:
            raise DatabaseError(f"cannot open the database {path}: {error}") from error
        try:
            database.migrate(schemas)
            database.run(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000:.0f}")
        except BaseException:
            database.close()
            raise
        return database

    def close(self) -> None:
        self._connection.close()

    def migrate(self, schemas: Sequence[Schema]) -> None:
        """Apply what is missing of each schema, all of it or nothing."""
        pending = [schema for schema in schemas if self._version(schema) < schema.newest()]
        if not pending and all(self._checked(schema) for schema in schemas):
            return
        with self.transaction():
            self.run(_CREATE_VERSIONS)
            for schema in schemas:
                self._checked(schema)
                self._apply(schema)

    def _apply(self, schema: Schema) -> None:
        current = self._version(schema)
        for version, script in schema.scripts():
            if version > current:
                for statement in _statements(_filled(script)):
                    self.run(statement)
                self.run(_SET_VERSION, {"component": schema.component, "version": version})

    def _checked(self, schema: Schema) -> bool:
        newest, current = schema.newest(), self._version(schema)
        if current > newest:
            raise DatabaseError(
                f"the database {self.path} is from a newer version of this program"
                f" ({schema.component} schema {current}, this program knows {newest}): install the newer version"
            )
        return True

    def _version(self, schema: Schema) -> int:
        if self.value("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_versions'") is None:
            return 0
        found = self.value("SELECT version FROM schema_versions WHERE component = :name", {"name": schema.component})
        return int(found or 0)

    @contextmanager
    def transaction(self, *, shared: bool = False) -> Iterator[None]:
        """All writes inside happen together or not at all. Not nestable.

        What another transaction wrote is seen, and nobody else writes meanwhile. `shared` is for work that is correct
        beside other transactions, where the database can do that: claims and settles.
        """
        with self._told:
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            with self._told:
                self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # SQLite ends it by itself where the disk is full, for one
                with self._told:
                    self._connection.execute("ROLLBACK")
            raise

    def all(self, sql: str, params: Params | None = None) -> list[Row]:
        with self._told:
            cursor = self._connection.execute(*_expanded(sql, params))
            names = _names(cursor)
            return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]

    def rows(self, sql: str, params: Params | None = None) -> list[tuple[Any, ...]]:
        """All rows as plain tuples: for the hot path, where a dictionary a row is felt."""
        with self._told:
            return self._connection.execute(*_expanded(sql, params)).fetchall()

    def one(self, sql: str, params: Params | None = None) -> Row | None:
        with self._told:
            cursor = self._connection.execute(*_expanded(sql, params))
            values = cursor.fetchone()
            return None if values is None else dict(zip(_names(cursor), values, strict=True))

    def value(self, sql: str, params: Params | None = None) -> Any:
        """The first column of the first row; None without a row."""
        row = self.one(sql, params)
        return next(iter(row.values())) if row else None

    def each(self, sql: str, params: Params | None = None) -> Iterator[Row]:
        """Rows one by one, for results that need not fit into memory."""
        with self._told:
            cursor = self._connection.execute(*_expanded(sql, params))
            names = _names(cursor)
            for values in cursor:
                yield dict(zip(names, values, strict=True))

    def run(self, sql: str, params: Params | None = None) -> int:
        """Execute a statement; the number of rows it changed."""
        with self._told:
            return self._connection.execute(*_expanded(sql, params)).rowcount

    def many(self, sql: str, rows: Iterable[Params]) -> int:
        with self._told:
            return self._connection.executemany(sql, rows).rowcount

    def insert(self, sql: str, params: Params) -> int:
        """Execute an INSERT … RETURNING id; the id."""
        return int(self.value(sql, params))


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
    connection = sqlite3.connect(path, timeout=_OPENING_SECONDS, isolation_level=None)
    try:
        _enable_wal(connection)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
    except BaseException:
        connection.close()
        raise
    return connection


def _enable_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL, however many open a fresh file at once: SQLite does not wait for that lock by itself (two that
    wait for each other would wait for ever)."""
    give_up = time.monotonic() + _OPENING_SECONDS
    while True:
        try:
            sqlite_utils.Database(connection, execute_plugins=False).enable_wal()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(_RETRY_SECONDS)


def _names(cursor: sqlite3.Cursor) -> list[str]:
    """The columns of a result; none of a statement that gives no rows."""
    return [column[0] for column in cursor.description or ()]


def _filled(script: str) -> str:
    """A migration with its placeholders filled for SQLite."""
    for placeholder, words in _PLACEHOLDERS.items():
        script = script.replace(placeholder, words)
    return script


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if any(line.strip() and not line.lstrip().startswith("--") for line in statement.splitlines()):
        raise DatabaseError(f"a migration ends in an unfinished statement: {statement.strip()[:80]}")
