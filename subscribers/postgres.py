"""The store in PostgreSQL, by psycopg.

Transactions are READ COMMITTED. One that is not `shared` begins with an advisory lock, so that code which looks first
and writes then is as serial as on SQLite. All that a transaction needs is set inside it and nothing is prepared on the
server, so that a pooler (PgBouncer, in transaction mode) may stand between.

A connection that the server has closed is opened anew at the next transaction or read; a transaction that was under
way fails.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row, tuple_row
from psycopg.types.numeric import Int8BinaryDumper

from subscribers.database import OPENING_SECONDS, Database, Params, Row, Synchronous
from subscribers.errors import DatabaseError, InvalidValue
from subscribers.postgres_errors import explained, refused
from subscribers.postgres_text import Query, for_all, query, script

T = TypeVar("T")

_LOCK = 0x6469_7370_6174_6368  # "dispatch": what transactions that are not shared hold
_MANY = 8  # rows from which on one statement takes them all
_PAGE = 200  # rows that `each` fetches at a time
# A server that is gone without a word is noticed in half a minute. What the URL says of these wins.
_DEFAULTS = {
    "application_name": "dispatch",
    "connect_timeout": "10",
    "keepalives_idle": "20",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "30000",
}


class PostgresDatabase(Database):
    """A connection to a PostgreSQL server."""

    dialect = "postgresql"

    def __init__(self, options: dict[str, Any], synchronous: Synchronous) -> None:
        self._options = options
        self._synchronous = synchronous
        self._lock_ms = round(OPENING_SECONDS * 1000)
        self._inside = False
        self._readings: list[_Reading] = []
        self.where = _where(options)
        self._connection = self._opened()

    @classmethod
    def connect(cls, url: str, synchronous: Synchronous) -> PostgresDatabase:
        """Raises DatabaseError, and InvalidValue for a URL that is none."""
        try:
            options = conninfo_to_dict(url)
        except psycopg.Error:  # its words hold parts of the URL
            raise InvalidValue(
                "the URL of the database cannot be read; it is postgresql://USER:PASSWORD@HOST:PORT/NAME,"
                " with %40, %3A and %2F for @, : and / in the password"
            ) from None
        return cls({**_DEFAULTS, **options}, synchronous)

    def _opened(self) -> psycopg.Connection[Row]:
        try:
            connection = psycopg.Connection[Row].connect(
                **self._options, autocommit=True, row_factory=dict_row, prepare_threshold=None, client_encoding="UTF8"
            )
        except psycopg.Error as error:
            raise refused(error, self.where, str(self._options.get("password") or "")) from error
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            connection.close()
            raise DatabaseError(
                f"the database {self.where} has the encoding {encoding}; make one with: createdb --encoding=UTF8"
            )
        connection.adapters.register_dumper(int, Int8BinaryDumper)
        connection.adapters.register_dumper(bool, Int8BinaryDumper)
        connection.adapters.register_loader("numeric", _Number)
        return connection

    def close(self) -> None:
        self._connection.close()

    def all(self, sql: str, params: Params | None = None) -> list[Row]:
        found = query(sql)
        return self._done(found, lambda: self._cursor(found, params).fetchall())

    def rows(self, sql: str, params: Params | None = None) -> list[tuple[Any, ...]]:
        found = query(sql)

        def work() -> list[tuple[Any, ...]]:
            with self._connection.cursor(row_factory=tuple_row) as cursor:
                return cursor.execute(found.text, found.values(params)).fetchall()

        return self._done(found, work)

    def one(self, sql: str, params: Params | None = None) -> Row | None:
        found = query(sql)
        return self._done(found, lambda: self._cursor(found, params).fetchone())

    def run(self, sql: str, params: Params | None = None) -> int:
        found = query(sql)
        return self._done(found, lambda: self._cursor(found, params).rowcount)

    def many(self, sql: str, rows: Iterable[Params]) -> int:
        found = query(sql)
        values = [found.values(row) for row in rows]
        types = _types(values) if len(values) >= _MANY else None
        text = for_all(sql, types) if types else ""

        def work() -> int:
            cursor = self._connection.cursor()
            if text and types:
                cursor.execute(text.encode(), _columns(values, types))
            else:
                cursor.executemany(found.text, values)
            return cursor.rowcount

        return self._done(found, work) if values else 0

    def each(self, sql: str, params: Params | None = None) -> Iterator[Row]:
        reading = self._declared(query(sql), params)
        try:
            while rows := self._fetched(reading):
                yield from rows
        finally:
            self._ended(reading)

    def server(self) -> str:
        return f"PostgreSQL {self._connection.info.parameter_status('server_version')}"

    def damage(self) -> str:
        return ""

    def scrub(self, words: Sequence[str], tables: Sequence[str] = ()) -> str:
        """Dead rows go from the tables; from the server's own log (WAL) they go when it is recycled."""
        if not tables:
            return ""
        self._end_readings()
        names = sql.SQL(", ").join(map(sql.Identifier, tables))
        with self._told():
            self._connection.execute(sql.SQL("VACUUM (SKIP_LOCKED) {}").format(names))
        return ""

    def _cursor(self, found: Query, params: Params | None) -> psycopg.Cursor[Row]:
        return self._connection.execute(found.text, found.values(params))

    def _done(self, found: Query, work: Callable[[], T]) -> T:
        """The result of a statement: in the transaction there is, else in one of its own where it writes."""
        if self._inside:
            with self._told():
                return work()
        if found.reads:
            return self._again(work)
        with self.transaction(shared=True), self._told():
            return work()

    def _again(self, work: Callable[[], T]) -> T:
        """What harms nobody done twice: once more on a new connection where the server has closed this one."""
        with self._told():
            try:
                return work()
            except psycopg.OperationalError:
                if not self._connection.closed or self._readings:
                    raise
        self._connection = self._opened()
        with self._told():
            return work()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turns what psycopg raises into errors that say what to do."""
        try:
            yield
        except psycopg.Error as error:
            told = explained(error, self.where)
            if told is None:
                raise
            raise told from error
        except UnicodeEncodeError as error:
            raise InvalidValue("a text holds half of a character, which cannot be stored: write it anew") from error

    def _begin(self, shared: bool) -> None:
        self._end_readings()
        self._again(lambda: self._started(shared))
        self._inside = True

    def _started(self, shared: bool) -> None:
        commit = {"normal": "off", "full": "on"}[self._synchronous]
        words = [
            "BEGIN ISOLATION LEVEL READ COMMITTED",
            f"SET LOCAL lock_timeout = {self._lock_ms}",
            f"SET LOCAL synchronous_commit = {commit}",
        ]
        if shared:
            # A page of rows is looked up by key. Without statistics, as after planning, PostgreSQL would rather read
            # all that is planned, for each page.
            words += ["SET LOCAL enable_hashjoin = off", "SET LOCAL enable_mergejoin = off"]
        else:
            words.append(f"SELECT pg_advisory_xact_lock({_LOCK})")
        try:
            self._connection.execute("; ".join(words))  # one way to the server and back
        except psycopg.Error:
            self._undo()
            raise

    def _commit(self) -> None:
        self._read_out()
        with self._told():
            self._connection.execute("COMMIT")
        self._inside = False

    def _rollback(self) -> None:
        self._inside = False
        self._undo()

    def _undo(self) -> None:
        """Where the connection is gone, so is the transaction. What was half read in it ends with it."""
        with suppress(psycopg.Error):
            self._connection.execute("ROLLBACK")
        readings, self._readings = self._readings, []
        for reading in readings:
            reading.close()

    def _in_transaction(self) -> bool:
        return self._inside

    def wait_for_locks(self, seconds: float) -> None:
        self._lock_ms = round(seconds * 1000)

    def _has_versions(self) -> bool:
        return self.value("SELECT to_regclass('schema_versions')") is not None

    def _script(self, text: str) -> None:
        with self._told():
            self._connection.execute(script(text))

    # Cursors of the server's live in a transaction: ours, or one of their own that ends with the last of them.

    def _declared(self, found: Query, params: Params | None) -> _Reading:
        values = found.values(params)

        def work() -> _Reading:
            if not self._inside and not self._readings:
                self._connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY")
            return _Reading(self._connection, found.text, values)

        if self._inside or self._readings:
            with self._told():
                reading = work()
        else:
            try:
                reading = self._again(work)
            except BaseException:
                self._undo()
                raise
        self._readings.append(reading)
        return reading

    def _fetched(self, reading: _Reading) -> list[Row]:
        with self._told():
            return reading.page()

    def _ended(self, reading: _Reading) -> None:
        if reading not in self._readings:
            return  # its transaction has ended before
        self._readings.remove(reading)
        with suppress(psycopg.Error):
            reading.close()
        if not self._readings and not self._inside:
            self._undo()

    def _end_readings(self) -> None:
        """The transaction of what is half read makes way for another."""
        if self._readings:
            self._read_out()
            with self._told():
                self._connection.execute("COMMIT")

    def _read_out(self) -> None:
        """What is half read is read to its end: it outlives its transaction."""
        try:
            with self._told():
                for reading in self._readings:
                    reading.read_out()
        except BaseException:
            self._undo()
            raise
        self._readings = []


class _Reading:
    """The rows of a query a page at a time."""

    def __init__(self, connection: psycopg.Connection[Row], text: str, values: Params) -> None:
        self._cursor = connection.cursor(name=f"reading_{id(self)}")
        self._rest: deque[list[Row]] | None = None
        try:
            self._cursor.execute(text, values)
        except BaseException:
            self._cursor.close()
            raise

    def page(self) -> list[Row]:
        """The next rows; none at the end."""
        if self._rest is not None:
            return self._rest.popleft() if self._rest else []
        return self._cursor.fetchmany(_PAGE)

    def read_out(self) -> None:
        """Take all that is left into memory: the transaction ends."""
        if self._rest is None:
            self._rest = deque([self._cursor.fetchall()])
            self._cursor.close()

    def close(self) -> None:
        self._cursor.close()


def _columns(rows: Sequence[Params], types: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Rows as an array a parameter. Numbers go as the text of an array: psycopg would choose one size of number for
    all arrays of a statement, by the first. A word of an enumeration is a word."""
    columns: dict[str, Any] = {}
    for name, kind in types:
        values = [row[name] for row in rows]
        columns[name] = f"{{{','.join(map(str, values))}}}" if kind == "int8" else list(map(str, values))
    return columns


def _types(rows: Sequence[Params]) -> tuple[tuple[str, str], ...] | None:
    """The PostgreSQL type of each parameter, where all rows have the same ones: whole numbers and words, no NULL."""
    names = rows[0].keys()
    kinds = []
    for name in names:
        found = {type(row.get(name)) for row in rows}
        if found == {int}:
            kinds.append((name, "int8"))
        elif all(issubclass(kind, str) for kind in found):
            kinds.append((name, "text"))
        else:
            return None
    return tuple(kinds) if all(row.keys() == names for row in rows) else None


class _Number(Loader):
    """Sums of whole numbers are whole numbers, averages are not: as SQLite has it."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data).decode()
        return float(text) if "." in text or "N" in text or "I" in text else int(text)


def _where(options: dict[str, Any]) -> str:
    """An address without user and password."""
    host, port, name = (str(options.get(key) or "") for key in ("host", "port", "dbname"))
    if host.startswith("/"):
        return f"postgresql:///{name}?host={host}"
    return f"postgresql://{host}{f':{port}' if port else ''}/{name}"
