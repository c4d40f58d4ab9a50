"""One handle on the store, whichever database it is: transactions, named queries from `.sql` files, and the
migrations handed to it.

A `Database` is one connection and belongs to the thread that opened it. Every write happens inside `transaction()`.
Times are whole milliseconds since 1970 in UTC throughout. Text is compared and sorted by code point everywhere.

Queries are written once, for SQLite and PostgreSQL. A parameter is `:name`; it may be a list (or tuple) of numbers or
words where the query says `IN (:ids)`. What the two write differently stands in braces:

    {id}              the type of a key that counts up and is never used twice, also after its row is deleted
    {clustered}       after a table's closing bracket: its rows are kept in the order of its primary key
    {skip_locked}     after a SELECT inside a claim: its rows are locked, and those that another has locked left out
    {on_commit_drop}  after a TEMP table's closing bracket: it ends with the transaction, where it may (a pooler may
                      give the connection to somebody else after it)

Nothing of the drivers' gets out: what goes wrong is a DatabaseError, or Busy after a wait of 5 seconds, or
InvalidValue for text that cannot be stored (halves of characters; NUL on PostgreSQL). What the program calls wrongly
is a bug and stays one: the driver's ProgrammingError, or ValueError.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from subscribers.errors import DatabaseError, NoDatabase

Row = dict[str, Any]
Params = Mapping[str, Any]
Synchronous = Literal["full", "normal"]

_NAME = re.compile(r"^-- name: ([a-z_]+)\s*$", re.MULTILINE)
OPENING_SECONDS = 30.0  # how long a lock is waited for while others may be migrating
BUSY_SECONDS = 5.0  # and later
MOST_VALUES = 30_000  # of a list in a query; SQLite takes 32,766 parameters in all
SQLITE = "sqlite:///"
POSTGRESQL = ("postgresql://", "postgres://")
_CREATE_VERSIONS = """
CREATE TABLE IF NOT EXISTS schema_versions (
  component TEXT PRIMARY KEY, version INTEGER NOT NULL, applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
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


def check_list(name: str, count: int) -> None:
    """Raises ValueError for more values than a list in a query can have."""
    if count > MOST_VALUES:
        raise ValueError(f"{count} values for :{name}, at most {MOST_VALUES} go into a statement: cut them into slices")


def no_place(name: str) -> ValueError:
    return ValueError(f"the query has no (:{name}) for its list of values")


def filled(sql: str, words: Mapping[str, str]) -> str:
    """A statement or a migration with the placeholders in braces filled."""
    for placeholder, word in words.items():
        sql = sql.replace(placeholder, word)
    return sql


@dataclass(frozen=True, slots=True)
class Schema:
    """The migrations of one component: `NNNN_*.sql` in a folder, applied in order, all that is missing or nothing."""

    component: str
    folder: Path

    def scripts(self) -> list[tuple[int, str]]:
        files = sorted(self.folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
        return [(int(file.name[:4]), file.read_text(encoding="utf-8")) for file in files]

    def newest(self) -> int:
        """The version that the last migration leads to; 0 without migrations."""
        return max((version for version, _ in self.scripts()), default=0)


SCHEMA = Schema("subscribers", Path(__file__).with_name("migrations"))


class Database(ABC):
    """A connection to the store.

    `where` names the database in messages: a file, or an address without its password.
    """

    dialect: ClassVar[Literal["sqlite", "postgresql"]]
    where: str

    @classmethod
    def open(
        cls, url: str, schemas: Sequence[Schema], *, synchronous: Synchronous = "full", make: bool = True
    ) -> Database:
        """Open the database of a `sqlite:///` or `postgresql://` URL and bring it to the newest schema. A file is made
        where it is missing, a database of a server is not. Unless it may `make` one, nothing is left behind where there
        is none, and tables are made in none that has none.

        Raises NoDatabase, and DatabaseError: no right to it, made by a newer version.
        """
        if not make:
            _check_file(url)
        database = _connect(url, synchronous)
        try:
            if not make and not database._has_versions():
                raise NoDatabase(f"there are no tables of dispatch in the database {database.where}")
            database.migrate(schemas)
            database.wait_for_locks(BUSY_SECONDS)
        except BaseException:
            database.close()
            raise
        return database

    def migrate(self, schemas: Sequence[Schema]) -> None:
        """Apply what is missing of each schema, all of it or nothing."""
        pending = [schema for schema in schemas if self._version(schema) < schema.newest()]
        if not pending and all(self._checked(schema) for schema in schemas):
            return
        with self.transaction():
            self._script(_CREATE_VERSIONS)
            for schema in schemas:
                self._checked(schema)
                self._apply(schema)

    def _apply(self, schema: Schema) -> None:
        current = self._version(schema)
        for version, script in schema.scripts():
            if version > current:
                self._script(script)
                self.run(_SET_VERSION, {"component": schema.component, "version": version})

    def _checked(self, schema: Schema) -> bool:
        newest, current = schema.newest(), self._version(schema)
        if current > newest:
            raise DatabaseError(
                f"the database {self.where} is from a newer version of this program"
                f" ({schema.component} schema {current}, this program knows {newest}): install the newer version"
            )
        return True

    def _version(self, schema: Schema) -> int:
        if not self._has_versions():
            return 0
        found = self.value("SELECT version FROM schema_versions WHERE component = :name", {"name": schema.component})
        if found is not None and not isinstance(found, int):
            raise DatabaseError(f"the database {self.where} is none of this program's: its schema has no number")
        return found or 0

    @contextmanager
    def transaction(self, *, shared: bool = False) -> Iterator[None]:
        """All writes inside happen together or not at all. Not nestable: RuntimeError.

        What another transaction wrote is seen, and nobody else writes meanwhile. `shared` is for work that is correct
        beside other transactions, where the database can do that: claims and settles.
        """
        if self._in_transaction():
            raise RuntimeError("a transaction within a transaction")
        self._begin(shared)
        try:
            yield
            self._commit()
        except BaseException:
            self._rollback()
            raise

    def value(self, sql: str, params: Params | None = None) -> Any:
        """The first column of the first row; None without a row."""
        row = self.one(sql, params)
        return next(iter(row.values())) if row else None

    def insert(self, sql: str, params: Params) -> int:
        """Execute an INSERT … RETURNING id; the id."""
        return int(self.value(sql, params))

    @abstractmethod
    def all(self, sql: str, params: Params | None = None) -> list[Row]: ...

    @abstractmethod
    def rows(self, sql: str, params: Params | None = None) -> list[tuple[Any, ...]]:
        """All rows as plain tuples: for the hot path, where a dictionary a row is felt."""

    def page(self, sql: str, params: Params | None = None) -> list[tuple[Any, ...]]:
        """As `rows`, for a SELECT of integers and texts that gives many of them while other threads are busy."""
        return self.rows(sql, params)

    @abstractmethod
    def one(self, sql: str, params: Params | None = None) -> Row | None: ...

    @abstractmethod
    def each(self, sql: str, params: Params | None = None) -> Iterator[Row]:
        """Rows one by one, for results that need not fit into memory."""

    @abstractmethod
    def run(self, sql: str, params: Params | None = None) -> int:
        """Execute a statement; the number of rows it changed."""

    @abstractmethod
    def many(self, sql: str, rows: Iterable[Params]) -> int:
        """Execute a statement for each of `rows`; how many rows of tables changed. They are to be about different rows
        of the table: in which order they come, and whether two that are about one both count, is not defined."""

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def server(self) -> str:
        """The database program and its version."""

    @abstractmethod
    def damage(self) -> str:
        """What a quick look finds broken in the stored data; "" for nothing, and where the server sees to that."""

    @abstractmethod
    def scrub(self, words: Sequence[str], tables: Sequence[str] = ()) -> str:
        """Take out of the files what was deleted: none of `words` is to be found in them. With PostgreSQL, which lets
        nobody look, the `tables` are cleaned. What stands in the way, and what to do then; "" for nothing."""

    @abstractmethod
    def _begin(self, shared: bool) -> None:
        """Begin a transaction; where that fails, none is left open."""

    @abstractmethod
    def _commit(self) -> None: ...

    @abstractmethod
    def _rollback(self) -> None:
        """Undo the transaction, unless the database has done that by itself."""

    @abstractmethod
    def _in_transaction(self) -> bool: ...

    @abstractmethod
    def wait_for_locks(self, seconds: float) -> None:
        """How long a statement waits for a lock of another's from now on, before it is Busy."""

    @abstractmethod
    def _has_versions(self) -> bool:
        """Whether there is a table of schema versions."""

    @abstractmethod
    def _script(self, script: str) -> None:
        """Run a migration inside a transaction."""


def _check_file(url: str) -> None:
    """Raises NoDatabase for a file that is not there, or empty: SQLite would make one."""
    if url.startswith(SQLITE):
        file = Path(url.removeprefix(SQLITE))
        if not file.exists() or (file.is_file() and not file.stat().st_size):
            raise NoDatabase(f"there is no database {file}")


def _connect(url: str, synchronous: Synchronous) -> Database:
    """A connection, with the module that its kind of database takes: nobody pays for the other."""
    if url.startswith(SQLITE):
        from subscribers.sqlite import SqliteDatabase

        return SqliteDatabase.connect(Path(url.removeprefix(SQLITE)), synchronous)
    if url.startswith(POSTGRESQL):
        try:
            from subscribers.postgres import PostgresDatabase
        except ImportError as error:
            raise DatabaseError(
                f"PostgreSQL needs a library that is not here ({error});"
                " install it with: pip install 'huoju-dispatch[postgresql]'"
            ) from error
        return PostgresDatabase.connect(url, synchronous)
    raise DatabaseError("the URL of the database begins with neither sqlite:/// nor postgresql://")
