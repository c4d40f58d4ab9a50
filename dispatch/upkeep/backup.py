"""Backups, whichever database it is."""

from __future__ import annotations

import datetime as dt
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

SQL = queries(Path(__file__).with_name("restore.sql"))


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
    with server.connect() as connection:
        if connection.execute("SELECT to_regclass('schema_versions')").fetchone() != (None,):
            _check_force("the database", force=force)
        sessions = connection.execute(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        ).fetchone()
        if sessions != (0,):
            raise Failure(f"others are connected to the database ({sessions[0] if sessions else '?'}): stop dispatch")
    server.load(file, tick)
    _make_ready(server.url)


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
