"""`dispatch subscribers stats`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session
from dispatch.cli.report import write_page
from dispatch.output import emit_json, iso, say, table

if TYPE_CHECKING:
    from dispatch.app import App
    from subscribers.stats import Stats

_BAR = 30
_TOP = 10


def stats(
    ctx: typer.Context,
    period: Annotated[
        str, typer.Option("--by", metavar="day|week|month", help="Growth in 30 days, 26 weeks or 24 months.")
    ] = "day",
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page with drawings: one file, for any browser."),
    ] = None,
    language: Annotated[str, typer.Option("--language", metavar="zh|en", help="Of the page.")] = "zh",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """How many there are, how they came and left. And by what they follow, by channel, state, language, cadence, format
    and domain."""
    from dispatch.errors import UsageError
    from dispatch.report.page import LANGUAGES
    from subscribers.stats import Period

    if language not in LANGUAGES:
        raise UsageError(f"language {language!r}: allowed are {', '.join(LANGUAGES)}")
    if period not in list(Period):
        raise UsageError(f"--by {period!r}: allowed are {', '.join(Period)}")
    app = session(ctx).app
    found = _gather(app, Period(period))
    if html is not None:
        write_page(page(app, found, language), html)
    if as_json:
        emit_json(stats_json(found))
    elif html is not None:
        say(f"the numbers of the subscribers are in {html}")
    else:
        _tell(found, app)


def _gather(app: App, period: Any) -> Stats:
    from dispatch.progress import counting
    from subscribers import stats as numbers

    with app.database() as db:
        total = int(db.value(numbers.SQL["subscribers"]))
        with counting("subscribers", total) as advance:
            each = max(total // numbers.PARTS, 1)
            return numbers.gather(db, period, app.clock.now(), advance=lambda done: advance(done * each))


def page(app: App, found: Stats, language: str) -> str:
    """The numbers as HTML, with the installation's templates before ours."""
    from dispatch.assets import templates_dir
    from dispatch.report.audience import render

    override = app.settings.templates.folder
    folders = [folder for folder in (override, templates_dir()) if folder is not None]
    zone = dt.datetime.fromtimestamp(found.made_at / 1000).astimezone().tzinfo or dt.UTC
    return render(found, folders, language, app.catalog.label, zone)


def stats_json(found: Stats) -> dict[str, Any]:
    return {
        "made_at": iso(found.made_at),
        "subscribers": found.subscribers,
        "endpoints": found.endpoints,
        "channels": found.channels,
        "states": found.states,
        "languages": found.languages,
        "formats": found.formats,
        "cadences": found.cadences,
        "domains": found.domains,
        "follows": found.follows,
        "period": found.period.value,
        "growth": [
            {"day": item.day.isoformat(), "added": item.added, "confirmed": item.confirmed, "left": item.left}
            for item in found.growth
        ],
    }


def _tell(found: Stats, app: App) -> None:
    from dispatch.report.audience import by_kind

    say(f"subscribers: {found.subscribers:,}; endpoints: {found.endpoints:,}\n")
    _tell_growth(found)
    _tell_channels(found)
    for kind, follows in by_kind(found.follows).items():
        _tell_bars(kind, {f"{tag} ({app.catalog.label(tag, 'zh')})": size for tag, size in follows.items()})
    for title, counts in (
        ("language", found.languages),
        ("cadence", found.cadences),
        ("format", found.formats),
        ("domain", found.domains),
    ):
        _tell_bars(title, counts)


def _tell_growth(found: Stats) -> None:
    came = [item for item in found.growth if item.added or item.confirmed or item.left]
    if not came:
        say(f"nobody came or left in the last {len(found.growth)} {found.period}s\n")
        return
    most = max(max(item.added, item.left) for item in came) or 1
    table(
        (found.period.value, "added", "confirmed", "left", ""),
        [
            (item.day, item.added, item.confirmed, item.left, _bar(item.added, most) + _bar(item.left, most, "░"))
            for item in found.growth[found.growth.index(came[0]) :]
        ],
        empty="",
    )


def _tell_channels(found: Stats) -> None:
    states = list(found.states)
    table(
        ("channel", "endpoints", *states, ""),
        [
            (
                channel,
                sum(counts.values()),
                *(counts.get(state, 0) for state in states),
                _bar(sum(counts.values()), found.endpoints),
            )
            for channel, counts in found.channels.items()
        ],
        empty="no endpoints yet; add some with: dispatch subscribers add",
    )


def _tell_bars(title: str, counts: Mapping[str, int]) -> None:
    if not counts:
        return
    most = max(counts.values())
    shown = list(islice(counts.items(), _TOP))
    table((title, "endpoints", ""), [(name, size, _bar(size, most)) for name, size in shown], empty="")
    if len(counts) > _TOP:
        say(f"… and {len(counts) - _TOP} more (--json has all)")


def _bar(count: int, most: int, sign: str = "█") -> str:
    """As long as its share; never empty while there is something."""
    return sign * max(round(_BAR * count / most), 1) if count and most else ""
