"""`dispatch audit`: who changed what, when and by which way."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session
from dispatch.output import emit_json, iso, plain, say, table, when

if TYPE_CHECKING:
    from subscribers.audit import Wanted
    from subscribers.database import Row

SHOWN = 100
TITLES = ("id", "time", "actor", "way", "action", "subject", "detail")


def audit(
    ctx: typer.Context,
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="2022-05-31, or 2022-05-31T08:00.")] = "",
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="The same; a day counts whole.")] = "",
    actor: Annotated[str, typer.Option("--actor", metavar="USER", help="Only what this user did.")] = "",
    action: Annotated[str, typer.Option("--action", metavar="A", help="Only this: approved, removed, …")] = "",
    subject: Annotated[
        str,
        typer.Option("--subject", metavar="ID", help="Subscriber 3, endpoint e7, issue:huoju:534, or a kind: issue."),
    ] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="At most so many.")] = SHOWN,
    before: Annotated[
        int, typer.Option("--before", metavar="ID", min=1, help="Only older than this one: for the next page.")
    ] = 2**63 - 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Who changed what, the newest first. With the operating system's user, and by which way: a command, a file, a
    page, a mail, a bot, a provider's answer, or the program's own schedule."""
    from dispatch.errors import UsageError
    from subscribers import audit as records

    if as_json and as_csv:
        raise UsageError("--json or --csv, not both")
    wanted = _wanted(since, until, actor, action, subject)
    with session(ctx).app.database() as db:
        rows = records.found(db, wanted, before=before, page=limit)
    if as_json:
        emit_json([{**row, "at": iso(row["at"])} for row in rows])
    elif as_csv:
        _write_csv(rows)
    else:
        table(TITLES, [_line(row) for row in rows], empty="nothing of the kind is on record")
        if len(rows) == limit:
            say(f"there may be more: --before {rows[-1]['id']}")


def _wanted(since: str, until: str, actor: str, action: str, subject: str) -> Wanted:
    from subscribers.audit import Wanted

    kind, id_ = _subject(subject)
    end = _moment("--until", until, whole_day=True) if until else None
    return Wanted(_moment("--since", since) if since else 0, end, actor, action, kind, id_)


def _subject(word: str) -> tuple[str, str]:
    """A kind of thing, and which one ("" for all)."""
    if word.isascii() and word.isdigit():
        return "subscriber", word
    if word[:1] == "e" and word[1:].isascii() and word[1:].isdigit():
        return "endpoint", word[1:]
    kind, _, id_ = word.partition(":")
    return kind, id_


def _moment(option: str, text: str, *, whole_day: bool = False) -> int:
    """A time in ms; without a zone, it is this machine's. Raises UsageError."""
    from dispatch.errors import UsageError

    try:
        found = dt.datetime.fromisoformat(text)
        day = dt.timedelta(days=1 if whole_day and len(text) <= len("2022-05-31") else 0)
        return round((found + day).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"{option} {text!r} is no time: write 2022-05-31 or 2022-05-31T08:00") from None


def _line(row: Row) -> tuple[object, ...]:
    return (row["id"], when(row["at"]), row["actor"], row["way"], row["action"], _named(row), _detail(row))


def _named(row: Row) -> str:
    if row["subject"] == "endpoint":
        return f"e{row['subject_id']}"
    return f"{row['subject']} {row['subject_id']}".rstrip()


def _detail(row: Row) -> str:
    return json.dumps(row["detail"], ensure_ascii=False) if row["detail"] else ""


def _write_csv(rows: list[Row]) -> None:
    from subscribers.transfer import neutral

    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(("id", "at", "actor", "way", "action", "subject", "subject_id", "detail"))
    for row in rows:
        values: list[Any] = [row["id"], iso(row["at"])]
        values += [row[name] for name in ("actor", "way", "action", "subject", "subject_id")]
        out.writerow([neutral(plain(value)) for value in [*values, _detail(row)]])
