"""Backups, whichever database it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dispatch import archive
from dispatch.errors import Failure, UsageError
from dispatch.settings import Settings
from dispatch.upkeep import sqlite
from dispatch.upkeep.files import appearing, check_target
from dispatch.upkeep.postgresql import Server
from dispatch.upkeep.sqlite import Tick
from subscribers.database import SCHEMA, Database, queries
from subscribers.errors import SubscriberError

SQL = queries(Path(__file__).with_name("restore.sql"))
_HEADS = {"SQLite": b"SQLite format 3\0", "PostgreSQL": b"PGDMP"}  # what files of each kind begin with
_SHOWN = 5  # programs that are named


@dataclass(frozen=True, slots=True)
class Made:
    """A backup, or (of a restore) where what was there before is now, if anything was."""

    file: Path
    size: int
    before: Path | None = None


def back_up(settings: Settings, file: Path, *, force: bool, tick: Tick) -> Made:
    """Write a copy of the database of one moment, while others work on it. Nothing is migrated.

    Raises UsageError and Failure.
    """
    database = _file_of(settings)
    target = check_target(file, force=force, precious=sqlite.companions(database) if database else ())
    with appearing(target) as temporary:
        if database:
            sqlite.copy(database, temporary, tick)
        else:
            _server(settings).dump(temporary, tick)
    return Made(file, target.stat().st_size)


def restore(settings: Settings, file: Path, *, force: bool, tick: Tick, now: int) -> Made:
    """Make a backup the database again. What is in the database is replaced only with `force`; that of an SQLite
    database is kept beside it. Raises UsageError and Failure, the latter also where the database is in use."""
    database = _file_of(settings)
    _check_kind(file, "SQLite" if database else "PostgreSQL")
    if database:
        return _restore_file(database, file, force=force, tick=tick, now=now)
    _restore_server(_server(settings), file, force=force, tick=tick)
    return Made(file, file.stat().st_size)


def _restore_file(database: Path, file: Path, *, force: bool, tick: Tick, now: int) -> Made:
    if file.resolve() in {path.resolve() for path in sqlite.companions(database)}:
        raise UsageError(f"{file} is the database itself; name a backup of it")
    if not database.parent.is_dir():
        raise Failure(f"there is no folder {database.parent}; make it first")
    before = _name_for(database, force=force, now=now)
    sqlite.check(file, tick)
    with appearing(database) as temporary:
        sqlite.copy(file, temporary, tick)
        _make_ready(f"sqlite:///{temporary}")
        if before:  # at the last moment: whoever opens the database meanwhile keeps it
            sqlite.set_aside(database, before)
    return Made(file, database.stat().st_size, before)


def _name_for(database: Path, *, force: bool, now: int) -> Path | None:
    """What the database that is there will be called; None where there is none. Raises UsageError and Failure."""
    if not any(path.exists() for path in sqlite.companions(database)):
        return None
    _check_force(str(database), force=force)
    moment = dt.datetime.fromtimestamp(now / 1000, dt.UTC).strftime("%Y%m%dT%H%M%S")
    before = database.with_name(f"{database.name}.before-{moment}")
    if before.exists():
        raise Failure(f"{before} exists; move it away first")
    sqlite.take(database)
    return before


def _restore_server(server: Server, file: Path, *, force: bool, tick: Tick) -> None:
    server.read_through(file, tick)
    _check_versions(file, server.versions(file))
    with server.connect() as connection:
        if connection.execute(SQL["has_versions_postgresql"]).fetchone() == (True,):
            _check_force("the database", force=force)
        sessions = connection.execute(SQL["sessions_postgresql"]).fetchall()
        if sessions:
            raise Failure(f"others are connected to the database: {_listed(sessions)}; end that first")
    server.load(file, tick)
    try:
        _make_ready(server.url)
    except SubscriberError as error:
        raise Failure(
            f"{file} is in the database now but not made ready: {error}; do not run dispatch, restore it once more"
        ) from error


def _check_versions(file: Path, found: Mapping[str, int]) -> None:
    """Raises Failure for a dump that this program could not work with once it has replaced what is there."""
    for schema in (SCHEMA, archive.SCHEMA):
        version = found.get(schema.component)
        if version is None:
            raise Failure(f"{file} is no backup of dispatch: it tells no version of {schema.component}")
        if version > schema.newest():
            raise Failure(
                f"{file} is from a newer version of this program ({schema.component} schema {version}, this program"
                f" knows {schema.newest()}): install the newer version"
            )


def _listed(sessions: Sequence[Sequence[object]]) -> str:
    """The first of them by name."""
    names = [f"{name or 'a program'} (process {pid}, user {user})" for name, pid, user in sessions]
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _check_kind(file: Path, store: str) -> None:
    """Raises Failure for a backup that is not there, or one of the other kind of database."""
    if not file.is_file():
        raise Failure(f"there is no file {file}")
    with file.open("rb") as opened:
        head = opened.read(len(_HEADS["SQLite"]))
    kind = next((name for name, start in _HEADS.items() if head.startswith(start)), store)
    if kind != store:
        raise Failure(
            f"{file} is a backup of a database on {kind}, and [database] url names one on {store}: it goes back only"
            f" into one on {kind}"
        )


def _make_ready(url: str) -> None:
    """What a backup takes to be worked with: the newest schema, no holders, and ids that nobody has used."""
    db = Database.open(url, (SCHEMA, archive.SCHEMA))
    try:
        with db.transaction():
            db.run(SQL["drop_leases"])
            db.run(SQL["release_all"])
            for leap in SQL:
                if leap.startswith(f"leap_{db.dialect}"):
                    db.all(SQL[leap])
    finally:
        db.close()


def _check_force(what: str, *, force: bool) -> None:
    if not force:
        raise UsageError(f"{what} exists and would be replaced; if that is what you want, say --force")


def _file_of(settings: Settings) -> Path | None:
    """The file of an SQLite database."""
    url = settings.database.url
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def _server(settings: Settings) -> Server:
    return Server(settings.database.url, settings.backup.postgresql_bin)
