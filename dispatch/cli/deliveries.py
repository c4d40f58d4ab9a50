"""`dispatch deliveries`: who got what, and what became of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session
from dispatch.output import emit_json, iso, say, table, when

if TYPE_CHECKING:
    from subscribers.database import Database, Row

COLUMNS = ("id", "issue", "column", "subscriber", "channel", "address", "state", "reason")
commands = typer.Typer(help="Who got what, and what became of the rest.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OfIssue = Annotated[str, typer.Option("--issue", metavar="ID", help="Only deliveries of this issue.")]


@commands.command("list")
def list_(
    ctx: typer.Context,
    issue: OfIssue = "",
    state: Annotated[str, typer.Option("--state", metavar="S", help="planned, sent, failed, …")] = "",
    channel: Annotated[str, typer.Option("--channel", metavar="C", help="email, telegram or webhook.")] = "",
    endpoint: Annotated[str, typer.Option("--endpoint", metavar="A", help="An address, or an endpoint as e7.")] = "",
    as_json: Json = False,
) -> None:
    """All deliveries, one a line."""
    from dispatch.channels.registry import CHANNELS
    from dispatch.delivery import reports
    from dispatch.errors import UsageError
    from dispatch.model import DeliveryState

    _check("state", state, list(DeliveryState), UsageError)
    _check("channel", channel, list(CHANNELS), UsageError)
    with session(ctx).app.database() as db:
        rows = reports.deliveries(db, issue_id=_issue_id(db, issue), state=state, channel=channel, endpoint=endpoint)
    if as_json:
        emit_json([_json(row) for row in rows])
        return
    table(
        (*COLUMNS, "when"),
        [tuple(_cell(row, name) for name in (*COLUMNS, "when")) for row in rows],
        empty="no deliveries",
    )


def _cell(row: Row, name: str) -> object:
    if name == "when":
        return when(row["ended_at"] or row["due_at"])
    if name == "reason" and not row["reason"]:
        return "waits for its time, or for the channel"
    return row[name]


def _check(what: str, value: str, allowed: list[str], error: type[Exception]) -> None:
    if value and value not in allowed:
        raise error(f"{what} {value!r}: allowed are {', '.join(allowed)}")


def _issue_id(db: Database, word: str) -> int | None:
    from dispatch import archive

    return archive.find(db, word) if word else None


def _json(row: Row) -> dict[str, Any]:
    more = ("bulletin", "subscriber_id", "endpoint", "articles")
    times = {name: iso(row[name]) for name in ("planned_at", "due_at", "ended_at")}
    return {**{name: row[name] for name in (*COLUMNS, *more)}, **times}


@commands.command()
def show(
    ctx: typer.Context,
    delivery: Annotated[int, typer.Argument(metavar="ID", help="A delivery's number.")],
    as_json: Json = False,
) -> None:
    """One delivery's whole story: what was owed, the message, each attempt."""
    from dispatch.delivery import reports

    with session(ctx).app.database() as db:
        row, message, attempts = reports.story(db, delivery)
    if as_json:
        emit_json({**_json(row), "message": message, "attempts": attempts})
        return
    say(f"delivery {row['id']}: {row['issue']} {row['column']} to {row['channel']} {row['address']}")
    say(f"subscriber {row['subscriber']} ({row['endpoint']}); state {row['state']}; {row['reason']}".rstrip("; "))
    for title in row["articles"]:
        say(f"  article: {title}")
    say(f"planned {when(row['planned_at'])}, ended {when(row['ended_at']) or 'not yet'}")
    if message:
        say(f"message {message['key']}: {message['state']}, id {message['provider_id'] or 'none yet'}")
        say(f"due {when(row['due_at'])}, attempts {message['attempts']}")
    table(
        ("attempt", "part", "lane", "time (UTC)", "ms", "outcome", "code", "answer"),
        [
            (item["number"], item["part"] + 1)
            + tuple(item[name] for name in ("lane", "started_at", "duration_ms", "outcome", "code", "detail"))
            for item in attempts
        ],
        empty="no attempt was made",
    )


@commands.command()
def summary(ctx: typer.Context, issue: OfIssue = "", as_json: Json = False) -> None:
    """Deliveries by channel and state, and the commonest reasons of those not sent."""
    from dispatch.delivery import reports

    with session(ctx).app.database() as db:
        counts, reasons = reports.summary(db, _issue_id(db, issue))
    if as_json:
        emit_json({"counts": counts, "reasons": reasons})
        return
    table(
        ("channel", "state", "deliveries"),
        [(row["channel"], row["state"], row["deliveries"]) for row in counts],
        empty="no deliveries",
    )
    if reasons:
        table(
            ("state", "reason", "deliveries"),
            [(row["state"], row["reason"], row["deliveries"]) for row in reasons],
            empty="",
        )


@commands.command()
def retry(
    ctx: typer.Context,
    deliveries: Annotated[list[int] | None, typer.Argument(metavar="[ID…]", help="Deliveries.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that failed or expired.")] = False,
) -> None:
    """Queue failed and expired deliveries again; one that waits for a later time is due now."""
    from dispatch.delivery import reports
    from dispatch.errors import UsageError

    if not deliveries and not failed:
        raise UsageError("name deliveries, or say --failed")
    app = session(ctx).app
    with app.database() as db:
        count = reports.retry(
            db, tuple(deliveries or ()), failed=failed, expire_ms=app.expire_ms(), now=app.clock.now()
        )
    say(f"messages queued: {count}; a running dispatch sends them, or: dispatch run --once")
