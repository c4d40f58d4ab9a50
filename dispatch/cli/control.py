"""`dispatch issues pause|resume|cancel`: hold back what is under way, let it go again, stop it for good."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.cli.context import session, user
from dispatch.output import emit_json, say

if TYPE_CHECKING:
    from dispatch.archive import StoredIssue
    from dispatch.delivery.control import Part
    from subscribers.database import Database

Issue = Annotated[str, typer.Argument(metavar="ID", help="An issue: 534, 2022-05 or huoju:534.", show_default=False)]
ColumnOption = Annotated[str, typer.Option("--column", metavar="NAME", help="Only this column, by name or key.")]
ChannelOption = Annotated[str, typer.Option("--channel", metavar="C", help="Only email, telegram or webhook.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def pause(
    ctx: typer.Context, issue: Issue, column: ColumnOption = "", channel: ChannelOption = "", as_json: Json = False
) -> None:
    """Send nothing more of an issue, or of a column or channel of it, until `resume`. A running dispatch stops within
    seconds; what it has in hand is finished."""
    from dispatch.delivery import control

    app = session(ctx).app
    with app.database() as db:
        with db.transaction():
            stored, part = _part(db, issue, column, channel)
            control.pause(db, stored, part, user(), app.clock.now())
        moved = _carried_out(control.put_aside(db, stored.id, part, app.clock.now()), "pausing", _waiting(db, stored))
    _tell(stored, part, "paused", moved, as_json=as_json)


def resume(
    ctx: typer.Context, issue: Issue, column: ColumnOption = "", channel: ChannelOption = "", as_json: Json = False
) -> None:
    """Let go again what `pause` held back: name the same part. The time of the pause does not count against it."""
    from dispatch.delivery import control

    app = session(ctx).app
    with app.database() as db:
        with db.transaction():
            stored, part = _part(db, issue, column, channel)
            control.resume(db, stored, part)
        moved = _carried_out(_slices(db, app.clock.now()), "resuming", _waiting(db, stored))
    _tell(stored, part, "resumed", moved, as_json=as_json)


def cancel(ctx: typer.Context, issue: Issue, as_json: Json = False) -> None:
    """Never send what is left of an issue. What was sent stays sent; each reader who gets nothing has it on record."""
    from dispatch.delivery import control

    app = session(ctx).app
    with app.database() as db:
        with db.transaction():
            stored, part = _part(db, issue, "", "")
            control.cancel(db, stored)
        moved = _carried_out(_slices(db, app.clock.now()), "cancelling", _waiting(db, stored))
    _tell(stored, part, "cancelled", moved, as_json=as_json)


def _part(db: Database, issue: str, column: str, channel: str) -> tuple[StoredIssue, Part]:
    from dispatch import archive
    from dispatch.channels.registry import CHANNELS
    from dispatch.delivery.control import Part
    from dispatch.errors import UsageError

    stored = archive.load(db, archive.find(db, issue))
    if channel and channel not in CHANNELS:
        raise UsageError(f"channel {channel!r}: allowed are {', '.join(CHANNELS)}")
    if not column:
        return stored, Part(None, channel)
    columns = archive.columns(db, stored.id)
    for row in columns:
        if column in (row["name"], row["key"]):
            return stored, Part(row["position"], channel)
    names = ", ".join(f"{row['name']} ({row['key']})" if row["key"] else row["name"] for row in columns)
    raise UsageError(f"issue {stored.name} has no column {column}; it has {names}")


def _waiting(db: Database, stored: StoredIssue) -> int:
    from dispatch.delivery.ledger import SQL

    return int(db.value(SQL["owed_of_issue"], {"issue": stored.id}))


def _slices(db: Database, now: int) -> Iterable[int]:
    from dispatch.delivery import control

    while moved := control.carry_out(db, now):
        yield moved


def _carried_out(slices: Iterable[int], words: str, total: int) -> int:
    """Go through the slices; how many rows they moved."""
    from dispatch.progress import counting

    moved = 0
    with counting(words, total) as tick:
        for count in slices:
            moved += count
            tick(count)
    return moved


def _tell(stored: StoredIssue, part: Part, done: str, moved: int, *, as_json: bool) -> None:
    column = stored.issue.columns[part.column].name if part.column is not None else ""
    if as_json:
        emit_json({"issue": stored.name, "column": column, "channel": part.channel, "done": done, "moved": moved})
        return
    words = [stored.name, *([f"column {column}"] if column else []), *([part.channel] if part.channel else [])]
    say(f"{' '.join(words)} is {done}; deliveries moved: {moved}")
