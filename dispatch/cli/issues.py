"""`dispatch issues`: look at issues, approve them, send them."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch import loops
from dispatch.cli.context import session, user
from dispatch.cli.unreached import tell_unreached, unreached_json
from dispatch.model import MessageState
from dispatch.output import emit_json, fail, iso, say, table, warn, when

if TYPE_CHECKING:
    from dispatch.app import App
    from dispatch.archive import StoredIssue
    from dispatch.delivery.control import Backlog
    from dispatch.delivery.forecast import Forecast
    from dispatch.delivery.planner import Count
    from dispatch.model import Digest
    from subscribers.audit import Act
    from subscribers.database import Database, Row
    from subscribers.model import Address

commands = typer.Typer(help="Look at issues, approve them, send them.", no_args_is_help=True)
_VARIANTS_SHOWN = 30
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Looked = Annotated[
    int | None,
    typer.Option("--revision", metavar="N", min=1, help="The revision that was looked at; needed from 2 on."),
]
Issue = Annotated[str, typer.Argument(metavar="ID", help="An issue: 534, 2022-05 or huoju:534.", show_default=False)]


@commands.command("list")
def list_(
    ctx: typer.Context,
    state: Annotated[str, typer.Option("--state", metavar="S", help="Only issues in this state.")] = "",
    as_json: Json = False,
) -> None:
    """The issues, newest first. With what of each waits to be sent, and what is paused."""
    from dispatch import archive
    from dispatch.delivery.control import backlog
    from dispatch.errors import UsageError
    from dispatch.model import IssueState

    if state and state not in set(IssueState):
        raise UsageError(f"state {state!r}: allowed are {', '.join(IssueState)}")
    with session(ctx).app.database() as db:
        rows = archive.rows(db, state)
        shown = archive.shown(db)
        waits = backlog(db)
    if as_json:
        emit_json([_row_json(row, shown(row["bulletin"], row["ref"]), waits) for row in rows])
        return
    table(
        (
            "issue",
            "title",
            "date",
            "columns",
            "articles",
            "state",
            "waiting",
            "paused",
            "taken in",
            "approved by",
            "proposed",
        ),
        [
            (
                shown(row["bulletin"], row["ref"]),
                row["title"],
                row["date"],
                row["columns"],
                row["articles"],
                row["state"],
                waits[row["id"]].waiting or "",
                waits[row["id"]].paused or "",
                when(row["added_at"]),
                row["approved_by"],
                f"revision {row['proposed']}" if row["proposed"] else "",
            )
            for row in rows
        ],
        empty="no issues; take one in with: dispatch ingest FILE",
    )


def _row_json(row: Row, name: str, waits: Mapping[int, Backlog]) -> dict[str, Any]:
    kept = ("bulletin", "ref", "title", "publisher", "year", "number", "total", "date", "state", "revision")
    counts = {"columns": row["columns"], "articles": row["articles"], "warnings": json.loads(row["warnings"])}
    counts |= asdict(waits[row["id"]])
    times = {name: iso(row[name]) for name in ("added_at", "approved_at", "ended_at")}
    return {
        "id": name,
        **{key: row[key] for key in kept},
        **counts,
        "approved_by": row["approved_by"],
        "proposed": row["proposed"] or None,
        **times,
    }


def _load(db: Database, word: str) -> StoredIssue:
    from dispatch import archive

    return archive.load(db, archive.find(db, word))


@commands.command()
def show(ctx: typer.Context, issue: Issue, as_json: Json = False) -> None:
    """An issue as a tree. Columns, articles, tags with their evidence, warnings, and who paused or cancelled it."""
    from dispatch import archive
    from dispatch.app import PREVIEW_DAYS
    from dispatch.cli.evidence import national_later, tell_article
    from dispatch.delivery.control import cancelled_parts, paused_parts
    from dispatch.delivery.unreached import unreached

    with session(ctx).app.database() as db:
        stored = _load(db, issue)
        nobodys = unreached(db, stored.id)
        paused, cancelled = paused_parts(db, stored.id), cancelled_parts(db, stored.id)
        preview = session(ctx).app.preview_url(db, stored.id)
        proposed = archive.proposed_number(db, stored.id)
    head = stored.issue
    articles = [article for column in head.columns for article in column.articles]
    later = national_later(session(ctx).app.catalog, articles, head.date)
    if as_json:
        parts = {"paused": _parts_json(paused, "held"), "cancelled": _parts_json(cancelled, "cancelled")}
        more = {"preview": preview, "proposed": proposed or None, "nobody": unreached_json(nobodys)}
        emit_json({**_issue_json(stored), **parts, **more, "national_later": later})
        return
    number = f"{head.year}年第{head.number}期" + (f"(总第{head.total}期)" if head.total else "")
    say(f"{stored.name} {head.title} {number} {head.date or ''} {head.publisher}")
    say(f"state {stored.state}, taken in {when(stored.added_at)} from {stored.source}, revision {stored.revision}")
    if stored.approved_by:
        say(f"approved by {stored.approved_by} {when(stored.approved_at)}")
    if proposed:
        say(f"proposed: revision {proposed}, which readers see nothing of; see: dispatch issues diff {stored.name}")
    if preview:
        say(f"preview, for {PREVIEW_DAYS} days: {preview}")
    for part in paused:
        say(f"paused: {_part_words(part)}, since {when(part['held_at'])} by {part['held_by']}")
    for part in cancelled:
        say(f"cancelled: {_part_words(part)}, {when(part['cancelled_at'])} by {part['cancelled_by']}")
    for column in head.columns:
        say(f"\n{column.name}")
        for article in column.articles:
            say(f"  {article.title}" + (f" ({article.credit})" if article.credit else ""))
            tell_article(article, "    ", later)
    tell_unreached(nobodys, len(articles))
    for warning in stored.warnings:
        warn(warning)


def _part_words(part: Row) -> str:
    return " ".join(word for word in (part["column_name"], part["channel"]) if word) or "the whole issue"


def _parts_json(parts: list[Row], verb: str) -> list[dict[str, Any]]:
    return [
        {
            "column": part["column_name"] or "",
            "channel": part["channel"],
            "since": iso(part[f"{verb}_at"]),
            "by": part[f"{verb}_by"],
        }
        for part in parts
    ]


def _issue_json(stored: StoredIssue) -> dict[str, Any]:
    from dispatch.codec import issue_json

    return {
        "id": stored.name,
        "state": stored.state.value,
        "source": stored.source,
        "revision": stored.revision,
        "added_at": iso(stored.added_at),
        "approved_at": iso(stored.approved_at),
        "approved_by": stored.approved_by,
        "warnings": list(stored.warnings),
        "issue": issue_json(stored.issue),
    }


@commands.command()
def preview(
    ctx: typer.Context,
    issue: Issue,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where to write the files.")] = None,
    column: Annotated[str, typer.Option("--column", metavar="NAME", help="Only this column, by name or key.")] = "",
    language: Annotated[str, typer.Option("--language", metavar="zh|en", help="The language of the frame.")] = "zh",
    form: Annotated[
        str, typer.Option("--format", metavar="full|titles", help="Whole articles, or titles and first sentences.")
    ] = "full",
    as_json: Json = False,
) -> None:
    """Write each digest in each channel's form. To be looked at before it goes out."""
    from dispatch.cli.control import column_row
    from dispatch.delivery.unreached import unreached
    from dispatch.preview import Form, folder_of, write_previews

    wanted = Form(_one_of("language", language, ("zh", "en")), _one_of("format", form, ("full", "titles")))
    app = session(ctx).app
    with app.database() as db:
        stored = _load(db, issue)
        only = column_row(db, stored, column)["name"] if column else ""
        folder = out or folder_of(stored)
        files = write_previews(app, db, stored, folder, wanted, only)
        nobodys = [article for article in unreached(db, stored.id) if only in ("", article.column)]
    if as_json:
        emit_json([{"column": column, "channel": channel, "file": str(path)} for column, channel, path in files])
        return
    table(("column", "channel", "file"), files, empty="the issue has no digests")
    shown = [column for column in stored.issue.columns if only in ("", column.name)]
    tell_unreached(nobodys, sum(len(column.articles) for column in shown))


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    from dispatch.errors import UsageError

    if value not in allowed:
        raise UsageError(f"{name} {value!r}: allowed are {', '.join(allowed)}")
    return value


@commands.command()
def approve(ctx: typer.Context, issue: Issue, revision: Looked = None) -> None:
    """Let a held issue go out. A running dispatch plans and sends it within seconds."""
    from dispatch import archive
    from dispatch.model import IssueState

    app = session(ctx).app
    with app.database() as db:
        with db.transaction():
            stored = _load(db, issue)
            _check_revision(stored, revision)
            if stored.state is not IssueState.APPROVED:
                archive.approve(db, stored, user(), app.clock.now())
                session(ctx).note(db, "approved", "issue", stored.key)
        say(f"{stored.name} is approved")


@commands.command()
def hold(ctx: typer.Context, issue: Issue) -> None:
    """Take the approval of an issue back. That goes as long as nothing of it is planned."""
    from dispatch import archive
    from dispatch.model import IssueState

    with session(ctx).app.database() as db:
        with db.transaction():
            stored = _load(db, issue)
            archive.change_state(db, stored, IssueState.HELD)
            session(ctx).note(db, "held", "issue", stored.key)
        say(f"{stored.name} is held")


def _check_revision(stored: StoredIssue, looked: int | None) -> None:
    """What is approved is what somebody looked at: other content may have come for a held issue since. Raises
    UsageError, and Failure."""
    from dispatch.errors import Failure, UsageError
    from dispatch.model import IssueState

    if looked is not None and looked != stored.revision:
        raise Failure(f"issue {stored.name} has revision {stored.revision} now, not {looked}: look at it again")
    if looked is None and stored.revision > 1 and stored.state is IssueState.HELD:
        raise UsageError(
            f"issue {stored.name} has other content than it was first read with: revision {stored.revision}, from"
            f" {stored.source}; look at it (dispatch issues show {stored.name}, issues diff {stored.name} --revision 1)"
            f" and name it: --revision {stored.revision}"
        )


@commands.command()
def send(
    ctx: typer.Context,
    issue: Issue,
    revision: Looked = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say who would get what; change nothing.")] = False,
    to: Annotated[
        str,
        typer.Option("--to", metavar="ADDRESS", help="A test: to this address only, in any state."),
    ] = "",
    corrections: Annotated[
        bool,
        typer.Option("--corrections", help="Take the proposed revision; tell who got the old text."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Approve an issue and deliver it now, in the foreground."""
    from dispatch.cli.revisions import send_corrections
    from dispatch.errors import UsageError

    app = session(ctx).app
    if corrections and to:
        raise UsageError("--corrections go to those who got the old text: --to does not go with it")
    if corrections:
        send_corrections(app, issue, session(ctx).act(), dry_run=dry_run, as_json=as_json)
    elif dry_run:
        _dry_run(app, issue, as_json=as_json)
    elif to:
        _send_test(app, issue, to, session(ctx).act(), as_json=as_json)
    else:
        _send(app, issue, revision, session(ctx).act(), as_json=as_json)


def _dry_run(app: App, issue: str, *, as_json: bool) -> None:
    from dispatch import archive
    from dispatch.delivery.forecast import forecast, steps
    from dispatch.delivery.unreached import unreached
    from dispatch.model import IssueState
    from dispatch.progress import counting

    with app.database() as db:
        stored = _load(db, issue)
        with counting("endpoints looked at", steps(db, stored.id)) as advance:
            found = forecast(db, stored.id, app.clock.now(), advance)
        nobodys = unreached(db, stored.id)
        digests = {digest_id: archive.digest(db, digest_id) for digest_id in archive.digest_ids(db, stored.id)}
    variants = [_variant_json(digests[count.digest_id], count) for count in _largest_first(found.counts)]
    if as_json:
        emit_json({**_forecast_json(found, variants), "nobody": unreached_json(nobodys)})
        return
    _show_variants(variants)
    say(f"{sum(count.endpoints for count in found.counts)} deliveries; nothing was sent (dry run)")
    _show_reached(found)
    tell_unreached(nobodys, sum(len(digest.articles) for digest in digests.values()))
    if stored.state in (IssueState.SENDING, IssueState.SENT):
        say(f"{stored.name} is {stored.state} already: what was planned then counts, and nobody gets it twice")


def _largest_first(counts: Iterable[Count]) -> list[Count]:
    return sorted(counts, key=lambda count: (-count.endpoints, count.digest_id, count.channel, count.variant))


def _variant_json(digest: Digest, count: Count) -> dict[str, Any]:
    from dispatch.digests.compose import section

    titles = [entry.article.title for entry in section(digest, count.variant).matching]
    return {"column": digest.column, "channel": count.channel, "articles": titles, "endpoints": count.endpoints}


def _totals(variants: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The deliveries of each column and channel."""
    totals: Counter[tuple[str, str]] = Counter()
    for row in variants:
        totals[row["column"], row["channel"]] += row["endpoints"]
    return [{"column": column, "channel": channel, "deliveries": n} for (column, channel), n in totals.most_common()]


def _forecast_json(found: Forecast, variants: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "deliveries": sum(row["endpoints"] for row in variants),
        "endpoints": found.endpoints,
        "columns": _totals(variants),
        "variants": variants,
        "due": [{"cadence": due.cadence, "due_at": iso(due.due_at), "endpoints": due.endpoints} for due in found.due],
        "left_out": found.left_out,
    }


def _show_variants(variants: list[dict[str, Any]]) -> None:
    """The variants that most get, the others as one; and the sums, where there is more than one variant to them."""
    rows = [(row["column"], row["channel"], " / ".join(row["articles"]), row["endpoints"]) for row in variants]
    rest = rows[_VARIANTS_SHOWN:]
    if rest:
        rows = [*rows[:_VARIANTS_SHOWN], ("", "", f"{len(rest)} more variants", sum(row[3] for row in rest))]
    table(("column", "channel", "articles", "endpoints"), rows, empty="nobody follows anything in this issue")
    totals = _totals(variants)
    if len(variants) > len(totals):
        table(("column", "channel", "deliveries"), [tuple(row.values()) for row in totals], empty="")


def _show_reached(found: Forecast) -> None:
    if found.due:
        say(f"addresses that would be written to: {found.endpoints}")
    for due in found.due:
        say(f"  {due.cadence}, {when(due.due_at)}: {due.endpoints}")
    if found.left_out:
        words = ", ".join(f"{state} {endpoints}" for state, endpoints in found.left_out.items())
        say(f"left out, though they follow something in it: {words}")


def _send(app: App, issue: str, revision: int | None, act: Act, *, as_json: bool) -> None:
    from dispatch.cli.run import tell, tell_fruitless, tell_off
    from dispatch.progress import sending
    from dispatch.service import Report, run_once

    tell_off(app)
    with app.database() as db, db.transaction():
        goes = _let_go(db, issue, revision, act, warn if as_json else say)
    if not goes and not as_json:
        return
    with sending() as tick:
        report = loops.run(run_once(app, tick, take_in=False)) if goes else Report()
    if as_json:
        summary = report.summary
        counts = {"sent": summary.sent, "retried": summary.retried, "failed": summary.failed}
        emit_json({**counts, "planned": [asdict(item) for item in report.planned], "outages": summary.outages})
        tell_fruitless(summary)
    else:
        for planned in report.planned:
            say(f"{planned.name}: deliveries planned: {planned.deliveries}")
        tell(report.summary, report.waiting)
    if not report.ok:
        raise typer.Exit(1)


def _let_go(db: Database, issue: str, revision: int | None, act: Act, tell: Callable[[str], None]) -> bool:
    """Approve an issue that is held; whether there is anything to send, and if not, `tell` why. An issue that nobody
    would get stays as it is: once it counts as sent, those who come later would not get it either."""
    from dispatch import archive
    from dispatch.delivery.planner import preview_counts
    from dispatch.errors import StateError
    from dispatch.model import IssueState
    from subscribers import audit

    stored = _load(db, issue)
    _check_revision(stored, revision)
    if stored.state in (IssueState.CANCELLED, IssueState.PAUSED):
        raise StateError(f"issue {stored.name} is {stored.state}: it cannot be sent")
    if stored.state is IssueState.SENT:
        tell(f"{stored.name} was sent already; who has come since gets the next issue")
        return False
    waits = stored.state in (IssueState.HELD, IssueState.APPROVED)
    if waits and not preview_counts(db, stored.id):
        warn(f"nobody follows anything in {stored.name}: it stays {stored.state}; see: dispatch subscribers add")
        return False
    if stored.state is IssueState.HELD:
        archive.approve(db, stored, act.by, act.at)
        audit.record(db, act, "approved", "issue", stored.key)
    audit.record(db, act, "sent", "issue", stored.key)
    return True


def _send_test(app: App, issue: str, to: str, act: Act, *, as_json: bool) -> None:
    from dispatch.channels.registry import CHANNELS, guess
    from dispatch.errors import UsageError
    from dispatch.progress import sending
    from dispatch.service import send_only

    address = app.address(guess(to), to)
    channel = address.channel
    missing = CHANNELS[channel].missing(app.settings)
    if missing:
        raise UsageError(f"{channel} is off: {missing}")
    tell = warn if as_json else say  # standard output is the JSON's alone
    with sending() as tick:
        ends = loops.run(send_only(app, lambda db: _queue_test(db, issue, address, act, tell), tick))
    sent = sum(row["state"] == MessageState.SENT for row in ends)
    reasons = list(dict.fromkeys(row["reason"] for row in ends if row["state"] != MessageState.SENT))
    if as_json:
        emit_json({"to": address.shown, "sent": sent, "reasons": reasons})
    else:
        say(f"test to {address.shown}: messages sent: {sent}")
    for reason in reasons:
        fail(reason)
    if reasons:
        raise typer.Exit(1)


def _queue_test(db: Database, issue: str, address: Address, act: Act, tell: Callable[[str], None]) -> list[int]:
    """A test of each digest, whole. The secret that signs is that of the endpoint at the address, or one of its own,
    which is shown: a receiver that is no subscriber's can be tried too."""
    from dispatch import archive
    from dispatch.delivery import ledger
    from subscribers import audit, directory

    stored = _load(db, issue)
    secret = ""
    holder = directory.holder_of(db, address)
    to = {"endpoint": holder.endpoint_id} if holder else {}
    audit.record(db, act, "tested", "issue", stored.key, {"channel": address.channel, **to})
    if address.secret and holder is None:
        secret = address.secret
        tell(f"signed with {secret}")
    ids = []
    for digest_id in archive.digest_ids(db, stored.id):
        key = f"test:{digest_id}:{secrets.token_hex(8)}"
        whole = archive.digest(db, digest_id).whole
        test = ledger.Test(key, address.channel, address.queue, address.address, ((digest_id, whole),), secret)
        ids.append(ledger.add_test(db, test, act.at))
    return ids
