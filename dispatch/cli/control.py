"""`dispatch issues pause|resume|cancel`: hold back what is under way, let it go again, stop it for good."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.cli.context import session, user
from dispatch.output import emit_json, plain, say, table

if TYPE_CHECKING:
    from dispatch.archive import StoredIssue
    from dispatch.delivery.control import Part
    from subscribers.database import Database, Row

Issue = Annotated[str, typer.Argument(metavar="ID", help="An issue: 534, 2022-05 or huoju:534.", show_default=False)]
ColumnOption = Annotated[str, typer.Option("--column", metavar="NAME", help="Only this column, by name or key.")]
ChannelOption = Annotated[
    str, typer.Option("--channel", metavar="C", help="Only one: email, telegram, webhook, wecom, …")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def pause(
    ctx: typer.Context, issue: Issue, column: ColumnOption = "", channel: ChannelOption = "", as_json: Json = False
) -> None:
    """Send nothing more of an issue until `resume`. Or of a column or channel of it. A running dispatch stops within
    seconds; what it has in hand is finished."""
    from dispatch.delivery import control

    app = session(ctx).app
    with app.database() as db:
        with db.transaction():
            stored, part = _part(db, issue, column, channel)
            control.pause(db, stored, part, user(), app.clock.now())
            session(ctx).note(db, "paused", "issue", stored.key, _named(stored, part))
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
            session(ctx).note(db, "resumed", "issue", stored.key, _named(stored, part))
        moved = _carried_out(_slices(db, app.clock.now()), "resuming", _waiting(db, stored))
    _tell(stored, part, "resumed", moved, as_json=as_json)


def cancel(
    ctx: typer.Context,
    issue: Issue,
    column: ColumnOption = "",
    channel: ChannelOption = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how many by channel; change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; without a terminal nothing is asked anyway.")] = False,
    as_json: Json = False,
) -> None:
    """Never send what is left of an issue. Or of a column or channel of it. What was sent stays sent; each reader who
    gets nothing has it on record. It cannot be taken back; `pause` can."""
    from dispatch.delivery import control

    app = session(ctx).app
    with app.database() as db:
        stored, part = _part(db, issue, column, channel)
        control.check_cancel(db, stored, part)
        if dry_run:
            _tell_owed(stored, part, control.owed(db, stored.id, part), as_json=as_json)
            return
        if not yes and sys.stdin.isatty():
            _ask(stored, part, control.owed(db, stored.id, part))
        with db.transaction():
            stored, part = _part(db, issue, column, channel)
            control.cancel(db, stored, part, user(), app.clock.now())
            session(ctx).note(db, "cancelled", "issue", stored.key, _named(stored, part))
        moved = _carried_out(_slices(db, app.clock.now()), "cancelling", _waiting(db, stored))
    _tell(stored, part, "cancelled", moved, as_json=as_json)


def _tell_owed(stored: StoredIssue, part: Part, counts: Mapping[str, int], *, as_json: bool) -> None:
    if as_json:
        emit_json({**_named(stored, part), "deliveries": dict(counts)})
        return
    table(("channel", "deliveries"), list(counts.items()), empty="nothing of it is owed just now")
    say(f"{_words(stored, part)}: {sum(counts.values())} deliveries would be cancelled; nothing was changed (dry run)")


def _ask(stored: StoredIssue, part: Part, counts: Mapping[str, int]) -> None:
    """Raises Failure unless the person agrees."""
    from dispatch.errors import Failure

    found = ", ".join(f"{channel} {count}" for channel, count in counts.items()) or "none just now"
    question = f"{_words(stored, part)}: deliveries that would never be sent: {found}. Cancel it for good?"
    if not typer.confirm(plain(question), err=True):
        raise Failure("nothing was changed")


def _part(db: Database, issue: str, column: str, channel: str) -> tuple[StoredIssue, Part]:
    from dispatch import archive
    from dispatch.channels.registry import CHANNELS
    from dispatch.delivery.control import Part
    from dispatch.errors import UsageError

    stored = archive.load(db, archive.find(db, issue))
    if channel and channel not in CHANNELS:
        raise UsageError(f"channel {channel!r}: allowed are {', '.join(CHANNELS)}")
    return stored, Part(column_row(db, stored, column)["position"] if column else None, channel)


def column_row(db: Database, stored: StoredIssue, column: str) -> Row:
    """The column of an issue that is called so, by name or key. Raises UsageError, which names those there are."""
    from dispatch import archive
    from dispatch.errors import UsageError

    columns = archive.columns(db, stored.id)
    for row in columns:
        if column in (row["name"], row["key"]):
            return row
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
    if as_json:
        emit_json({**_named(stored, part), "done": done, "moved": moved})
        return
    say(f"{_words(stored, part)} is {done}; deliveries moved: {moved}")


def _named(stored: StoredIssue, part: Part) -> dict[str, str]:
    return {"issue": stored.name, "column": _column(stored, part), "channel": part.channel}


def _words(stored: StoredIssue, part: Part) -> str:
    column = _column(stored, part)
    return " ".join([stored.name, *([f"column {column}"] if column else []), *([part.channel] if part.channel else [])])


def _column(stored: StoredIssue, part: Part) -> str:
    return stored.issue.columns[part.column].name if part.column is not None else ""
