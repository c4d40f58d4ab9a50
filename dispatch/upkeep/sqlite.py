"""Copies of an SQLite database, by SQLite's own backup (https://www.sqlite.org/backup.html).

The copy is made inside one reading transaction: it is the database of one moment, with what the WAL holds, and no
write of others makes it begin anew. In WAL mode a reader keeps no writer waiting; until the copy is made, the WAL
grows by what is written meanwhile.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from dispatch.errors import Failure
from subscribers.database import queries

SQL = queries(Path(__file__).with_name("restore.sql"))
Tick = Callable[[str, int, int], None]  # what is done, how far, of how much (0: not known)

_PAGES = 2_560  # copied at a step: 10 MB
_BUSY_SECONDS = 10.0


def companions(database: Path) -> tuple[Path, ...]:
    """The file of a database and those that SQLite keeps beside it."""
    return database, *(database.with_name(database.name + end) for end in ("-wal", "-shm", "-journal"))


def copy(source: Path, target: Path, tick: Tick) -> None:
    """Copy a database into an empty file and look the copy over. Raises Failure."""
    if not source.is_file():
        raise Failure(f"there is no database {source}")
    with _told(source, target), _opened(source) as read, _opened(target) as write:
        write.execute("PRAGMA synchronous = OFF")  # the whole file goes to the disk at the end
        read.execute("BEGIN")
        read.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()  # the moment that is copied
        read.backup(
            write, pages=_PAGES, progress=lambda status, remaining, total: tick("copied", total - remaining, total)
        )
        read.execute("ROLLBACK")
        write.execute("PRAGMA journal_mode = DELETE")  # one file, readable from a read-only disk too
        tick("checked", 0, 0)
        _check(write, "the copy")


def check(file: Path, tick: Tick) -> None:
    """Raises Failure for what is no whole database of ours."""
    if not file.is_file():
        raise Failure(f"there is no file {file}")
    with _told(file, file), closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as db:
        tick("checked", 0, 0)
        _check(db, str(file))
        db.execute("PRAGMA trusted_schema = OFF")
        if not db.execute(SQL["has_versions_sqlite"]).fetchone():
            raise Failure(f"{file} is no database of dispatch")
        foreign = db.execute(SQL["foreign_sqlite"]).fetchone()
        if foreign:
            raise Failure(f"{file} is no backup of dispatch: it has a {foreign[0]} of another's making ({foreign[1]})")


def _check(db: sqlite3.Connection, what: str) -> None:
    [found] = db.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise Failure(f"{what} is damaged ({found}); was the database whole? look with: dispatch doctor")


def take(database: Path) -> None:
    """See that nobody has a database open, and leave all of it in one file. Raises Failure."""
    try:
        with _opened(database, 0.0) as db:
            db.execute("PRAGMA journal_mode = DELETE")  # leaving WAL takes the database for oneself alone
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise Failure(f"{database} is in use by {_who(database)}; end that first") from error
        raise Failure(f"{database} cannot be set aside ({error}); move it and its -wal and -shm away") from error
    except sqlite3.DatabaseError:
        pass  # damaged: all the more reason to restore


def _who(database: Path) -> str:
    """The programs that have a database open, as far as this machine tells."""
    files = {str(path.resolve()) for path in companions(database)}
    found = [process for process in Path("/proc").glob("[0-9]*") if int(process.name) != os.getpid()]
    names = [_called(process) for process in found if files & _open_files(process)]
    return ", ".join(sorted(names)) or "another program"


def _open_files(process: Path) -> set[str]:
    try:
        return {str(link.readlink()) for link in (process / "fd").iterdir()}
    except OSError:  # another user's, or gone meanwhile
        return set()


def _called(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        words = []
    name = "dispatch" if "dispatch" in {Path(word).name for word in words[:3]} else Path(words[0] if words else "").name
    return f"{name or 'a program'} (process {process.name})"


def set_aside(database: Path, name: Path) -> None:
    """Rename a database that nobody has open, with what SQLite left beside it. Raises Failure."""
    take(database)
    for path, kept in zip(companions(database), companions(name), strict=True):
        if path.exists():
            path.rename(kept)


@contextmanager
def _opened(file: Path, seconds: float = _BUSY_SECONDS) -> Iterator[sqlite3.Connection]:
    uri = f"{file.resolve().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, timeout=seconds, isolation_level=None)) as db:
        yield db


@contextmanager
def _told(source: Path, target: Path) -> Iterator[None]:
    """SQLite's errors in words."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise Failure(f"the disk is full: {target.parent} has no room for the copy") from error
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise Failure(f"{source} is damaged, or no database ({error})") from error
        raise Failure(f"{source} cannot be copied to {target.parent} ({error})") from error
