"""`dispatch deliveries`: who got what, and what became of the rest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session
from dispatch.cli.options import Limit
from dispatch.cli.people import emit_array
from dispatch.output import emit_json, iso, say, table, warn, when
from subscribers.shown import shown_address

if TYPE_CHECKING:
    from dispatch.delivery.reports import Next, Story
    from dispatch.delivery.requeue import Failed
    from dispatch.delivery.tally import Tally
    from subscribers.database import Database, Row

UNCONFIRMED = "accepted, unconfirmed"  # all that is known of what another service passed on
COLUMNS = ("id", "issue", "column", "subscriber", "channel", "address", "state", "reason")
SHOWN = 1000  # lines of a list unless more are asked for, and of one table
REASONS = 10
commands = typer.Typer(help="Who got what, and what became of the rest.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OfIssue = Annotated[str, typer.Option("--issue", metavar="ID", help="Only deliveries of this issue.")]
InState = Annotated[str, typer.Option("--state", metavar="S", help="planned, paused, sent, failed, …")]
OnChannel = Annotated[str, typer.Option("--channel", metavar="C", help="email, telegram or webhook.")]


@commands.command("list")
def list_(
    ctx: typer.Context,
    issue: OfIssue = "",
    state: InState = "",
    channel: OnChannel = "",
    endpoint: Annotated[str, typer.Option("--endpoint", metavar="A", help="An address, or an endpoint as e7.")] = "",
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Deliveries, one a line, issue by issue."""
    from dispatch.delivery import reports

    _check(state, channel)
    most = (0 if as_json else SHOWN) if limit is None else limit
    with session(ctx).app.database() as db:
        wanted = reports.Wanted(_issue_id(db, issue), state, channel, _at(db, endpoint))
        rows = reports.deliveries(db, wanted)
        shown = islice(rows, most) if most else rows
        if as_json:
            emit_array(map(_json, shown))
            return
        _tables(shown)
        if most and next(rows, None):
            say(f"only the first {most} are shown: narrow them down, or say --limit 0, or dispatch deliveries export")


def _tables(rows: Iterator[Row]) -> None:
    """Tables of a thousand lines: a table is drawn when all of it is known."""
    titles = (*COLUMNS, "when")
    page = list(islice(rows, SHOWN))
    table(titles, [_line(row, titles) for row in page], empty="no deliveries")
    while page := list(islice(rows, SHOWN)):
        table(titles, [_line(row, titles) for row in page], empty="")


def _line(row: Row, names: Iterable[str]) -> tuple[object, ...]:
    return tuple(_cell(row, name) for name in names)


def _cell(row: Row, name: str) -> object:
    if name == "when":
        return when(row["ended_at"] or row["due_at"])
    if name == "state":
        return row["standing"]
    if name == "reason" and not row["reason"] and row["standing"] == "planned":
        return "waits for its time, or for the channel"
    if name == "reason" and row["channel"] == "apprise" and row["standing"] == "sent":
        return UNCONFIRMED
    return shown_address(row[name]) if name == "address" else row[name]


def _check(state: str, channel: str) -> None:
    from dispatch.channels.registry import CHANNELS
    from dispatch.delivery.tally import PAUSED
    from dispatch.errors import UsageError
    from dispatch.model import DeliveryState

    for what, value, allowed in (("state", state, [*DeliveryState, PAUSED]), ("channel", channel, list(CHANNELS))):
        if value and value not in allowed:
            raise UsageError(f"{what} {value!r}: allowed are {', '.join(allowed)}")


def _issue_id(db: Database, word: str) -> int | None:
    from dispatch import archive

    return archive.find(db, word) if word else None


def _at(db: Database, word: str) -> tuple[int, ...] | None:
    """The endpoints at an address. Raises Failure where it is nobody's: it may be mistyped."""
    from dispatch.delivery import reports

    return reports.endpoints(db, word) if word else None


def _json(row: Row) -> dict[str, Any]:
    more = ("bulletin", "subscriber_id", "endpoint", "articles", "revision")
    times = {name: iso(row[name]) for name in ("planned_at", "due_at", "ended_at")}
    paused = {"paused": row["standing"] == "paused"}
    address = {"address": shown_address(row["address"])}
    return {**{name: row[name] for name in (*COLUMNS, *more)}, **address, **times, **paused}


@commands.command()
def show(
    ctx: typer.Context,
    delivery: Annotated[int, typer.Argument(metavar="ID", help="A delivery's number.")],
    as_json: Json = False,
) -> None:
    """One delivery's whole story. What was owed and why, the message, each attempt, and what happens next."""
    from dispatch.delivery import reports

    app = session(ctx).app
    with app.database() as db:
        story = reports.story(db, delivery, app.clock.now())
    if as_json:
        emit_json(_story_json(story))
    else:
        _tell(story, app.catalog.label)


def _story_json(story: Story) -> dict[str, Any]:
    kept = ("id", "key", "kind", "state", "queue", "attempts", "parts_done", "provider_id", "reason", "epoch")
    message = story.message and {
        **{name: story.message[name] for name in kept},
        **{name: iso(story.message[name]) for name in ("created_at", "due_at", "expires_at")},
    }
    return {
        **_json(story.row),
        "follows": [{"tag": item["tag"], "since": iso(item["created_at"])} for item in story.follows],
        "message": message,
        "attempts": [{**item, "started_at": iso(item["started_at"])} for item in story.attempts],
        "came_back": [_returned_json(item) for item in story.returned],
        "next": {"words": story.next.words, "at": iso(story.next.at)},
    }


def _returned_json(item: Row) -> dict[str, Any]:
    return {"at": iso(item["at"]), **{name: item[name] for name in ("kind", "status", "diagnostic", "source")}}


def _tell(story: Story, label: Callable[[str, str], str]) -> None:
    row = story.row
    place = f"{row['channel']} {shown_address(row['address'])}"
    say(f"delivery {row['id']}: {row['issue']} {row['column']} to {place}".rstrip())
    say(f"subscriber: {row['subscriber'] or 'removed'} ({row['endpoint']})")
    for title in row["articles"]:
        say(f"  article: {title}")
    if not row["articles"]:
        say("  articles: kept no longer")
    if row["state"] == "sent" and row["revision"]:
        say(f"  revision: {row['revision']} of the issue")
    say(f"planned:    {when(row['planned_at'])}{_why(story, label)}")
    if row["state"] == "sent":
        tags = [f"{tag} ({label(tag, 'zh')})" for tag in row["reason"].split()]
        say(f"sent for:   {', '.join(tags) or 'kept no longer'}")
    unconfirmed = f", {UNCONFIRMED}" if row["state"] == "sent" and row["channel"] == "apprise" else ""
    say(f"state:      {row['standing']}{_since(row)}{unconfirmed}")
    if row["reason"] and row["state"] != "sent":
        say(f"reason:     {row['reason']}")
    _tell_message(story)
    for item in story.returned:
        words = item["diagnostic"] or item["status"] or "no reason given"
        what = "complaint:  " if item["kind"] == "complaint" else "came back:  "
        say(f"{what}{when(item['at'])}, {item['kind']}: {words}")
    say(f"next:       {_next(story.next)}")
    table(
        ("attempt", "part", "lane", "time", "ms", "outcome", "code", "answer"),
        [_attempt(item) for item in story.attempts],
        empty="attempts are kept no longer" if _forgotten(story) else "no attempt was made",
    )


def _why(story: Story, label: Callable[[str, str], str]) -> str:
    """The follows of today; those of a message that was sent are told apart."""
    follows = [f"{item['tag']} ({label(item['tag'], 'zh')}) since {when(item['created_at'])}" for item in story.follows]
    if follows:
        return f", follows {', '.join(follows)}"
    return "" if story.row["state"] == "sent" else "; follows nothing of it today"


def _since(row: Row) -> str:
    return f", {when(row['ended_at'])}" if row["ended_at"] else ""


def _tell_message(story: Story) -> None:
    found = story.message
    if found is None:
        say("message:    " + ("not made yet" if story.row["state"] == "planned" else "kept no longer"))
        return
    say(f"message:    {found['key']}: {found['state']}, id {found['provider_id'] or 'none yet'}")
    paused = f", paused since {when(found['paused_at'])}" if found["state"] == "paused" and found["paused_at"] else ""
    say(f"due:        {when(found['due_at'])}, not after {when(found['expires_at'])}{paused}")
    parts = f", parts sent {found['parts_done']}" if found["parts_done"] > 1 else ""
    say(f"attempts:   {found['attempts']} since it was queued, {len(story.attempts)} on record{parts}")


def _next(found: Next) -> str:
    return found.words + (f": {when(found.at)}" if found.at is not None else "")


def _forgotten(story: Story) -> bool:
    """Whether there were attempts that are on record no longer."""
    if story.message is None:
        return story.row["state"] in ("sent", "failed")
    return bool(story.message["attempts"])


def _attempt(item: Row) -> tuple[object, ...]:
    rest = tuple(item[name] for name in ("duration_ms", "outcome", "code", "detail"))
    return (item["number"], item["part"] + 1, item["lane"], when(item["started_at"]), *rest)


@commands.command()
def summary(ctx: typer.Context, issue: OfIssue = "", as_json: Json = False) -> None:
    """Deliveries by channel and state. With the commonest reasons of those not sent."""
    from dispatch.delivery import slices, tally
    from dispatch.progress import counting

    with session(ctx).app.database() as db:
        issue_id = _issue_id(db, issue)
        with counting("deliveries", slices.count(db, issue_id)) as advance:
            found = tally.summary(db, issue_id, advance)
    if as_json:
        emit_json(_summary_json(found))
        return
    table(("channel", *_standings(found), "total"), _counts(found), empty="no deliveries")
    reasons = found.reasons.commonest(REASONS)
    if reasons:
        table(("state", "deliveries", "reason"), [(state, count, why) for state, why, count in reasons], empty="")


def _summary_json(found: Tally) -> dict[str, Any]:
    return {
        "counts": [
            {"channel": channel, "state": standing, "deliveries": count}
            for channel, counts in found.by_channel().items()
            for standing, count in counts.items()
        ],
        "total": found.total,
        "reasons": [
            {"state": state, "reason": reason, "deliveries": count}
            for state, reason, count in found.reasons.commonest(REASONS)
        ],
    }


def _standings(found: Tally) -> list[str]:
    """Those that occur, in their order."""
    from dispatch.delivery.tally import STANDINGS

    there = {standing for _, _, standing in found.standings}
    return [standing for standing in STANDINGS if standing in there]


def _counts(found: Tally) -> list[tuple[object, ...]]:
    standings = _standings(found)
    channels = found.by_channel()
    rows: list[tuple[object, ...]] = [
        (channel or "unknown", *(counts[name] for name in standings), counts.total())
        for channel, counts in channels.items()
    ]
    if len(rows) > 1:
        sums = [sum(counts[name] for counts in channels.values()) for name in standings]
        rows.append(("total", *sums, found.total))
    return rows


@commands.command()
def retry(
    ctx: typer.Context,
    deliveries: Annotated[list[int] | None, typer.Argument(metavar="[ID…]", help="Deliveries.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that failed or expired.")] = False,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Instead: all that were put off until a later attempt are due now.")
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Of these, those whose reason contains this.")
    ] = "",
    issue: Annotated[str, typer.Option("--issue", metavar="ID", help="Of these, those of this issue.")] = "",
    channel: Annotated[str, typer.Option("--channel", metavar="C", help="Of these, those of this channel.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how many, by reason; change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Queue failed and expired deliveries again. A named one that waits for a later time is due now. What went in one
    message goes in one again. Of what was cancelled nothing is sent, nor anything to an endpoint that is suppressed,
    gone, paused or pending."""
    from dispatch.delivery import requeue
    from dispatch.errors import UsageError

    some = failed or waiting or bool(reason or issue or channel)
    if not deliveries and not some:
        raise UsageError("name deliveries, or say --failed, --waiting, --reason, --issue or --channel")
    if deliveries and (some or dry_run):
        raise UsageError("deliveries are named by their numbers or chosen by options, not both")
    if failed and waiting:
        raise UsageError("--failed or --waiting, not both")
    _check("", channel)
    app = session(ctx).app
    with app.database() as db:
        now = app.clock.now()
        if deliveries:
            done = requeue.retry(db, tuple(deliveries), expire_ms=app.expire_ms(), now=now)
        else:
            wanted = requeue.Failed(_issue_id(db, issue), channel, reason, waiting)
            if dry_run:
                _dry_run(db, wanted, now, as_json=as_json)
                return
            with _progress(db, wanted) as advance:
                done = requeue.retry_failed(db, wanted, expire_ms=app.expire_ms(), now=now, advance=advance)
        with db.transaction():
            chosen = {"issue": issue, "channel": channel, "waiting": waiting, "deliveries": deliveries or []}
            detail = {name: value for name, value in chosen.items() if value}
            session(ctx).note(db, "retried", "deliveries", detail={**detail, "messages": done.messages})
    if as_json:
        emit_json({"messages": done.messages, "deliveries": done.deliveries, "left_out": dict(done.left_out)})
        return
    say(f"messages queued: {done.messages}; a running dispatch sends them, or: dispatch run --once")
    _tell_left_out(done.left_out)


def _tell_left_out(left_out: Mapping[str, int]) -> None:
    """What would end at once, and what would change that."""
    from dispatch.delivery.requeue import WAYS_BACK
    from subscribers.model import EndpointState

    for state, count in sorted(left_out.items()):
        way = WAYS_BACK[EndpointState(state)]
        warn(f"deliveries left out, for their endpoint is {state}: {count}; see: dispatch subscribers {way}")


def _dry_run(db: Database, wanted: Failed, now: int, *, as_json: bool) -> None:
    from dispatch.delivery import requeue

    with _progress(db, wanted) as advance:
        found = requeue.failed(db, wanted, now=now, advance=advance)
    shown = found.reasons.commonest(REASONS)
    if as_json:
        listed = [{"reason": why, "deliveries": of} for _, why, of in shown]
        emit_json({"deliveries": found.deliveries, "reasons": listed, "left_out": dict(found.left_out)})
        return
    table(("deliveries", "reason"), [(of, why) for _, why, of in shown], empty="nothing that could be tried again")
    if found.deliveries:
        done = "made due now" if wanted.waiting else "queued again"
        say(f"{found.deliveries} deliveries would be {done}; nothing was changed (dry run)")
    _tell_left_out(found.left_out)


@contextmanager
def _progress(db: Database, wanted: Failed) -> Iterator[Callable[[int], None]]:
    from dispatch.delivery import slices
    from dispatch.progress import counting

    with counting("deliveries looked at", slices.count(db, wanted.issue_id)) as advance:
        yield advance


@commands.command()
def export(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to; else, or -, standard output.")
    ] = None,
    issue: OfIssue = "",
    subscriber: Annotated[
        str, typer.Option("--subscriber", metavar="ID|ADDRESS", help="Only theirs; of removed ones too.")
    ] = "",
    state: InState = "",
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of CSV.")] = False,
) -> None:
    """The proof of who got what, a row a delivery. As CSV for spreadsheets (a file has the mark that makes them read
    UTF-8), or as JSON. The file is in place when all of it is written."""
    from dispatch.delivery import proof, reports, slices
    from dispatch.errors import Failure
    from dispatch.progress import counting
    from subscribers.transfer import MARKED, replacing

    _check(state, "")
    write = proof.write_json if as_json else proof.write_csv
    with session(ctx).app.database() as db:
        endpoints = reports.endpoints(db, subscriber) if subscriber else None
        wanted = reports.Wanted(_issue_id(db, issue), state, "", endpoints)
        rows = reports.deliveries(db, wanted)
        if file is None or str(file) == "-":
            write(rows, sys.stdout)
            return
        total = slices.count(db, wanted.issue_id) if endpoints is None and not state else 0
        try:
            with counting("deliveries", total) as advance, replacing(file, "utf-8" if as_json else MARKED) as out:
                count = write(_ticking(rows, advance), out)
        except OSError as error:
            raise Failure(f"{file}: {error.strerror or error}") from error
    say(f"{count} deliveries in {file}")


def _ticking(rows: Iterable[Row], advance: Callable[[int], None]) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        yield row
        if number % SHOWN == 0:
            advance(SHOWN)
