"""`dispatch report`: what became of an issue."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.cli.context import session
from dispatch.output import emit_json, say, table, when

if TYPE_CHECKING:
    from dispatch.app import App
    from dispatch.report.outcome import Counts, Outcome

_BAR = 30


def report(
    ctx: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ID", help="An issue: 534, 2022-05 or huoju:534.")],
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page with drawings: one file, for any browser."),
    ] = None,
    language: Annotated[str, typer.Option("--language", metavar="zh|en", help="Of the page.")] = "zh",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What became of an issue: by channel and column, over time, how soon, and why not."""
    from dispatch.errors import UsageError
    from dispatch.report.outcome import as_json as outcome_json
    from dispatch.report.page import LANGUAGES

    if language not in LANGUAGES:
        raise UsageError(f"language {language!r}: allowed are {', '.join(LANGUAGES)}")
    app = session(ctx).app
    outcome = _gather(app, issue, language)
    if html is not None:
        write_page(page(app, outcome, language), html)
    if as_json:
        emit_json(outcome_json(outcome))
    elif html is not None:
        say(f"the report on {outcome.stored.name} is in {html}")
    else:
        _tell(outcome)


def _gather(app: App, issue: str, language: str) -> Outcome:
    from dispatch import archive
    from dispatch.delivery import slices
    from dispatch.progress import counting
    from dispatch.report.outcome import gather

    with app.database() as db:
        stored = archive.load(db, archive.find(db, issue))
        english = app.english(stored.issue.bulletin)
        with counting("deliveries", slices.count(db, stored.id)) as advance:
            return gather(
                db, stored, app.expire_ms(), app.clock.now(), english=english, language=language, advance=advance
            )


def page(app: App, outcome: Outcome, language: str) -> str:
    """The report as HTML, with the installation's templates before ours and times as they are on this machine."""
    from dispatch.assets import templates_dir
    from dispatch.report.page import render

    issue = outcome.stored.issue
    title = (app.english(issue.bulletin) if language == "en" else "") or issue.title
    override = app.settings.templates.folder
    folders = [folder for folder in (override, templates_dir()) if folder is not None]
    zone = dt.datetime.fromtimestamp(outcome.made_at / 1000).astimezone().tzinfo or dt.UTC
    return render(outcome, folders, language, title, zone)


def write_page(text: str, file: Path) -> None:
    """Put a page into a file, whole or not at all. Raises Failure."""
    from dispatch.errors import Failure
    from subscribers.transfer import replacing

    try:
        with replacing(file, "utf-8") as out:
            out.write(text)
    except OSError as error:
        raise Failure(f"{file}: {error.strerror or error}") from error


def _tell(outcome: Outcome) -> None:
    from dispatch.delivery.tally import STANDINGS

    stored, total = outcome.stored, outcome.total
    say(f"{stored.name} {stored.issue.title}: {stored.state}")
    if not total.total:
        say("nothing of it is planned")
        return
    standings = [name for name in STANDINGS if total.standings[name]]
    rows = [*outcome.channels, *([total] if len(outcome.channels) > 1 else [])]
    table(
        ("channel", "planned", "attempted", *standings, ""),
        [
            (counts.name or "total", counts.total, counts.attempted)
            + tuple(counts.standings[name] for name in standings)
            + (_bar(counts),)
            for counts in rows
        ],
        empty="",
    )
    table(
        ("column", "articles", "planned", *standings, ""),
        [
            (counts.name, counts.articles, counts.total)
            + tuple(counts.standings[name] for name in standings)
            + (_bar(counts),)
            for counts in outcome.columns
        ],
        empty="",
    )
    _tell_times(outcome)
    if outcome.reasons:
        most = outcome.reasons[0][2]
        table(
            ("state", "deliveries", "", "reason"),
            [(state, count, "█" * max(round(10 * count / most), 1), why) for state, why, count in outcome.reasons],
            empty="",
        )


def _bar(counts: Counts) -> str:
    """What was sent, of all; never full while something is missing, never empty while there is something."""
    if not counts.total:
        return ""
    filled = _BAR * counts.sent // counts.total or bool(counts.sent)
    return "█" * filled + "░" * (_BAR - filled) + f" {100 * counts.sent // counts.total}%"


def _tell_times(outcome: Outcome) -> None:
    if outcome.sent_points:
        first, last = outcome.sent_points[0][0], outcome.sent_points[-1][0]
        say(f"sent from {when(first * 1000)} to {when(last * 1000)}")
    table(
        ("due to sent", "deliveries", "50% within", "90%", "99%", "all"),
        [
            (item.channel or "all", item.count, *map(_seconds, (item.p50, item.p90, item.p99, item.longest)))
            for item in outcome.latency
        ],
        empty="nothing was sent yet",
    )
    if outcome.tries:
        tries = ", ".join(f"{count} at attempt {attempt}" for attempt, count in outcome.tries)
        say(f"sent: {tries}; attempts on record: {sum(outcome.attempts.values())}\n")


def _seconds(ms: int) -> str:
    return f"{ms / 1000:g} s" if ms < 60_000 else str(dt.timedelta(seconds=ms // 1000))
