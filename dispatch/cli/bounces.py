"""`dispatch bounces`: mail that came back, complaints, and reading reports by hand."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session
from dispatch.cli.options import Limit
from dispatch.cli.people import emit_array
from dispatch.output import emit_json, iso, say, table, when

if TYPE_CHECKING:
    from dispatch.app import App
    from dispatch.bounces.desk import Result
    from subscribers.database import Database, Row

SHOWN = 1000
_TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: a mail server that pipes a mail to us keeps it and tries later
commands = typer.Typer(help="Mail that came back, and complaints about it.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@commands.command("list")
def list_(
    ctx: typer.Context,
    kind: Annotated[str, typer.Option("--kind", metavar="K", help="hard, soft, block or complaint.")] = "",
    endpoint: Annotated[str, typer.Option("--endpoint", metavar="A", help="An address, or an endpoint as e7.")] = "",
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """What came back and was complained about, the newest first. A block speaks of us, not of the mailbox: read it."""
    from dispatch.delivery import bounces
    from dispatch.errors import UsageError

    if kind and kind not in bounces.KINDS:
        raise UsageError(f"kind {kind!r}: allowed are {', '.join(bounces.KINDS)}")
    most = (0 if as_json else SHOWN) if limit is None else limit
    with session(ctx).app.database() as db:
        rows = _rows(db, kind, endpoint)
        shown = itertools.islice(rows, most) if most else rows
        if as_json:
            emit_array(_json(row) for row in shown)
            return
        titles = ("time", "kind", "endpoint", "address", "state", "status", "words")
        table(titles, [_line(row) for row in shown], empty="nothing came back")


def _rows(db: Database, kind: str, word: str) -> Iterator[Row]:
    from dispatch.delivery import bounces, reports

    for endpoint_id in reports.endpoints(db, word) if word else (0,):
        rows = bounces.page_of(db, kind, endpoint_id)
        while rows:
            yield from rows
            rows = bounces.page_of(db, kind, endpoint_id, before=rows[-1]["id"])


def _line(row: Row) -> tuple[object, ...]:
    endpoint = f"e{row['endpoint_id']}" if row["endpoint_id"] else ""
    return (when(row["at"]), row["kind"], endpoint, row["address"], row["state"], row["status"], row["diagnostic"])


def _json(row: Row) -> dict[str, Any]:
    kept = ("kind", "address", "state", "status", "diagnostic", "source")
    return {
        "at": iso(row["at"]),
        "endpoint": f"e{row['endpoint_id']}" if row["endpoint_id"] else None,
        "message": row["message_id"] or None,
        **{name: row[name] for name in kept},
    }


@commands.command()
def read(
    ctx: typer.Context,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE…", help="Mails, folders of mails or Maildirs; - reads one mail.")
    ],
    as_json: Json = False,
) -> None:
    """Act upon reports by hand. Files stay where they are, and what was acted upon before changes nothing. For a pipe
    of the mail server, - keeps what is not understood ([bounces] unread), and exits with 75 where it has to come
    again."""
    from subscribers.errors import DatabaseError

    app = session(ctx).app
    try:
        with app.database() as db:
            found = [(name, _act(app, db, name, data)) for name, data in _mails(files)]
    except DatabaseError as error:
        if files != ["-"]:
            raise
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(_TRY_AGAIN) from None
    if as_json:
        emit_json([_result(name, result) for name, result in found])
    else:
        for name, result in found:
            endpoint = f" (e{result.endpoint_id})" if result.endpoint_id else ""
            words = f": {result.diagnostic}" if result.diagnostic else ""
            say(f"{name}: {result.kind or result.what}, {result.done}{endpoint}{words}")
    if any(not result.done.understood for name, result in found if name != "-"):
        raise typer.Exit(1)


def _mails(names: list[str]) -> Iterator[tuple[str, bytes]]:
    """Each mail by its name, of which the beginning is read."""
    from dispatch.errors import Failure
    from dispatch.mime import MOST_BYTES

    for name in names:
        if name == "-":
            yield name, sys.stdin.buffer.read(MOST_BYTES)
            continue
        try:
            for path in _files(Path(name)):
                with path.open("rb") as file:
                    yield str(path), file.read(MOST_BYTES)
        except OSError as error:
            raise Failure(f"{name}: {error.strerror or error}") from error


def _files(path: Path) -> Iterator[Path]:
    """A file itself, the mails of a Maildir, or the files of a folder."""
    if not path.is_dir():
        yield path
        return
    places = [path / name for name in ("new", "cur")] if (path / "new").is_dir() else [path]
    for place in places:
        yield from sorted(file for file in place.iterdir() if file.is_file() and not file.name.startswith("."))


def _act(app: App, db: Database, name: str, data: bytes) -> Result:
    from dispatch.bounces import report
    from dispatch.bounces.source import tell

    # What an MTA puts into the environment of a pipe: the address that the mail came to (Postfix, Exim).
    own = (os.environ.get("ORIGINAL_RECIPIENT", ""), os.environ.get("RECIPIENT", "")) if name == "-" else ()
    result = app.desk(db).act(db, report.read(data, own), "file", app.clock.now())
    tell(result, "file")
    if name == "-" and not result.done.understood:
        _keep(app, data)
    return result


def _keep(app: App, data: bytes) -> None:
    from dispatch.bounces.listener import keep_unread

    try:
        kept = keep_unread(app.settings.bounces.unread, data, app.clock.now(), os.getpid())
    except OSError as error:
        typer.echo(f"error: {app.settings.bounces.unread}: {error.strerror or error}", err=True)
        raise typer.Exit(_TRY_AGAIN) from None
    if not kept:
        raise typer.Exit(_TRY_AGAIN)


def _result(name: str, result: Result) -> dict[str, Any]:
    return {
        "mail": name,
        "what": result.what.value,
        "kind": result.kind,
        "done": result.done.value,
        "understood": result.done.understood,
        "endpoint": f"e{result.endpoint_id}" if result.endpoint_id else None,
        "message": result.message_id or None,
        "status": result.status,
        "diagnostic": result.diagnostic,
    }
