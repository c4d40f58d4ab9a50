"""`dispatch database`: what is in it, backups, and what has been kept long enough."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session
from dispatch.output import emit_json, say, table, warn
from dispatch.progress import stages

if TYPE_CHECKING:
    from subscribers.database import Database

commands = typer.Typer(help="What is in the database, backups, and keeping it small and sound.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@commands.command()
def info(ctx: typer.Context, as_json: Json = False) -> None:
    """Where the database is, how large, of which version, and how many rows its tables have."""
    from rich.filesize import decimal

    from dispatch.upkeep.info import describe

    with session(ctx).app.database() as db:
        found = describe(db)
    if as_json:
        emit_json(found)
        return
    wal = f", and {decimal(found['wal_size'])} in its WAL" if found.get("wal_size") else ""
    say(f"{found['database']} ({found['server']}): {decimal(found['size'])}{wal}")
    if "pages" in found:
        say(f"pages {found['pages']} of {found['page_size']} bytes, free {found['free_pages']}")
    say("schemas: " + ", ".join(f"{name} {version}" for name, version in found["schemas"].items()))
    say(f"oldest attempt: {found['oldest_attempt'] or 'none'}")
    table(("table", "rows"), [(row["table"], _rows(row["rows"], row["exact"])) for row in found["tables"]], empty="")


def _rows(count: int | None, exact: bool) -> str:
    if count is None:
        return "many; the server has no estimate before its next ANALYZE"
    return f"{count:,}" if exact else f"about {count:,}"


@commands.command()
def prune(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    as_json: Json = False,
) -> None:
    """Delete what has been kept for as long as [retention] says; dispatch run does it once a day. Stopped half-way, it
    is gone on with by the next call."""
    from dispatch.delivery.retention import Sweep, patiently
    from dispatch.delivery.slices import REST_SECONDS

    app = session(ctx).app
    sweep = Sweep(app.settings.retention, app.clock.now(), dry=dry_run, act=session(ctx).act())
    with app.database() as db, stages() as tick:
        while patiently(sweep.slice, db):
            tick("counted" if dry_run else "deleted", sweep.pruned.total, 0)
            if not dry_run:
                time.sleep(REST_SECONDS)
        originals = app.originals.sweep(db, app.clock.now(), dry=dry_run)
        done = {**asdict(sweep.pruned), "originals": originals}
        if not dry_run:
            _note(ctx, db, "pruned", done)
    if as_json:
        emit_json({"dry_run": dry_run, **done})
        return
    say(f"{'would go' if dry_run else 'deleted'}: {sweep.pruned}, originals {originals}")


def _note(ctx: typer.Context, db: Database, action: str, detail: dict[str, Any] | None = None) -> None:
    """Put on record what was done to the database, in a transaction of its own."""
    with db.transaction():
        session(ctx).note(db, action, "database", detail=detail)


@commands.command()
def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to.")],
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    as_json: Json = False,
) -> None:
    """Write a copy of the whole database as it is at one moment, also while dispatch runs. With PostgreSQL it is a dump
    by pg_dump. It holds addresses and keys: for the owner alone to read."""
    from rich.filesize import decimal

    from dispatch.upkeep import back_up

    with stages("bytes") as tick:
        made = back_up(session(ctx).settings, file, force=force, tick=tick)
    _note_backup(ctx, made.file)
    if as_json:
        emit_json({"file": str(made.file), "size": made.size})
        return
    say(f"{made.file}: {decimal(made.size)}, looked over and whole")


def _note_backup(ctx: typer.Context, file: Path) -> None:
    """A backup changes nothing of what it copies, so the tables are not brought up to date for this; where they are
    older than the record, or may only be read, it is not put on record."""
    from subscribers.database import Database
    from subscribers.errors import DatabaseError

    try:
        db = Database.open(session(ctx).settings.database.url, (), make=False)
        try:
            _note(ctx, db, "backed up", {"file": str(file)})
        finally:
            db.close()
    except DatabaseError as error:
        warn(f"that a backup was made is not on record: {error}")


@commands.command()
def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that backup has written.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the database that is there.")] = False,
) -> None:
    """Make a backup the database again. Stop dispatch first. What was sent since the backup was made may be sent again,
    under the same message ids."""
    from dispatch.upkeep import restore as bring_back

    app = session(ctx).app
    with stages("bytes") as tick:
        made = bring_back(app.settings, file, force=force, tick=tick, now=app.clock.now())
    with app.database() as db:
        _note(ctx, db, "restored", {"file": str(made.file)})
    if made.before:
        say(f"what was there is in {made.before}")
    say(f"{made.file} is the database again; before dispatch runs, look at: dispatch doctor, dispatch issues list")


@commands.command()
def repair(ctx: typer.Context, as_json: Json = False) -> None:
    """Put right what doctor finds in the ledger, where that loses nothing. A planned delivery takes the end of its own
    message; one that no message would send gets a new message."""
    from dispatch.delivery.integrity import repair as put_right

    app = session(ctx).app
    with app.database() as db, stages() as tick:
        done = put_right(db, app.expire_ms(), app.clock.now(), tick)
        _note(ctx, db, "repaired", asdict(done))
    if as_json:
        emit_json(asdict(done))
        return
    say(f"deliveries ended as their message: {done.ended}, planned in a new one: {done.planned}")
    say(f"deliveries whose endpoint is gone: {done.gone}; issues that send again: {done.issues}")
