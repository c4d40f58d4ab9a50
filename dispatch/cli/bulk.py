"""`dispatch subscribers bulk`: the same change to many endpoints, chosen by the options of `list`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session
from dispatch.cli.filters import Filters, chosen, tag_of
from dispatch.cli.people import emit_lines, lines_of, subscriber_json
from dispatch.output import emit_json, plain, say

if TYPE_CHECKING:
    from dispatch.app import App
    from subscribers.changes import Change
    from subscribers.database import Database
    from subscribers.search import Wanted

commands = typer.Typer(help="Change many endpoints at once, chosen as in `list`.", no_args_is_help=True)
All = Annotated[bool, typer.Option("--all", help="Every endpoint, where no other option chooses some.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say how many by channel, and the first; change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; without a terminal nothing is asked anyway.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
What = Annotated[
    list[str], typer.Argument(metavar="WHAT…", help="park:, province:, topic:, column:, bulletin: or all.")
]
_FIRST = 5
_YES, _NO = ("yes", "true", "on", "1"), ("no", "false", "off", "0")


@dataclass(frozen=True, slots=True)
class Call:
    """How a bulk command was called."""

    filters: Filters
    everyone: bool
    dry_run: bool
    yes: bool
    as_json: bool


Work = Callable[[Sequence[int]], int]
Ready = Callable[["App", "Database", "Wanted"], Work]


@commands.command()
@chosen
def follow(
    ctx: typer.Context,
    filters: Filters,
    what: What,
    everyone: All = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Let many follow more. Those that follow it already stay as they are."""
    from subscribers import bulk

    def ready(app: App, db: Database, wanted: Wanted) -> Work:
        tags = list(dict.fromkeys(app.catalog.resolve(word) for word in what))
        return lambda ids: bulk.follow(db, ids, tags, session(ctx).act())

    _sweep(ctx, Call(filters, everyone, dry_run, yes, as_json), f"would follow {', '.join(what)}", ready)


@commands.command()
@chosen
def unfollow(
    ctx: typer.Context,
    filters: Filters,
    what: What,
    everyone: All = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Drop follows of many. What left the catalog is named as it stands."""
    from subscribers import bulk

    def ready(app: App, db: Database, wanted: Wanted) -> Work:
        tags = list(dict.fromkeys(tag_of(app, db, word) for word in what))
        return lambda ids: bulk.unfollow(db, ids, tags, session(ctx).act())

    _sweep(ctx, Call(filters, everyone, dry_run, yes, as_json), f"would no longer follow {', '.join(what)}", ready)


@commands.command()
@chosen
def pause(
    ctx: typer.Context,
    filters: Filters,
    resume_on: Annotated[
        str, typer.Option("--resume-on", metavar="DAY", help="Until this day begins, or a time, where the reader is.")
    ] = "",
    everyone: All = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Send nothing to many until resumed, or until a day. Those that are not active stay what they are."""
    from subscribers import bulk, directory, search

    def ready(app: App, db: Database, wanted: Wanted) -> Work:
        known = directory.rhythms(db)
        zones = {known[rhythm_id].timezone for rhythm_id in search.rhythm_ids(db, wanted)}
        ends = {zone: pause_end(resume_on, zone, app.clock.now()) for zone in zones}
        return lambda ids: bulk.pause(
            db, ids, lambda zone: ends.get(zone) or pause_end(resume_on, zone, 0), session(ctx).act()
        )

    _sweep(ctx, Call(filters, everyone, dry_run, yes, as_json), "would be paused, of them those that are active", ready)


def pause_end(text: str, zone: str, now: int) -> int | None:
    """When a pause ends (ms) that ends at a day or time of a zone's; None without one. Raises InvalidValue."""
    from zoneinfo import ZoneInfo

    from subscribers.dates import moment
    from subscribers.errors import InvalidValue

    if not text:
        return None
    end = moment(text, "the end of the pause", ZoneInfo(zone))
    if end <= now:
        raise InvalidValue(f"the end of the pause {text!r} is over already (in {zone}): name a later day")
    return end


@commands.command()
@chosen
def resume(
    ctx: typer.Context,
    filters: Filters,
    everyone: All = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Send again what comes from now on to many that are paused."""
    from subscribers import bulk

    def ready(app: App, db: Database, wanted: Wanted) -> Work:
        return lambda ids: bulk.resume(db, ids, session(ctx).act())

    _sweep(
        ctx, Call(filters, everyone, dry_run, yes, as_json), "would be resumed, of them those that are paused", ready
    )


@commands.command()
@chosen
def confirm(
    ctx: typer.Context,
    filters: Filters,
    basis: Annotated[str, typer.Option("--basis", metavar="TEXT", help="How they agreed; it is kept as proof.")],
    everyone: All = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Make many that are pending active, on a basis that you state."""
    from subscribers import bulk
    from subscribers.errors import InvalidValue

    if not basis.strip():
        raise InvalidValue("say how they agreed: --basis TEXT")

    def ready(app: App, db: Database, wanted: Wanted) -> Work:
        return lambda ids: bulk.confirm(db, ids, basis.strip(), session(ctx).act())

    words = "would be active, of them those that are pending"
    _sweep(ctx, Call(filters, everyone, dry_run, yes, as_json), words, ready)


@commands.command("set")
@chosen
def set_(
    ctx: typer.Context,
    filters: Filters,
    what: Annotated[
        list[str], typer.Argument(metavar="KEY=VALUE…", help="As language=en cadence=daily at=08:00 bundle=yes.")
    ],
    everyone: All = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Change preferences of many. KEY is cadence, weekday, at, timezone, quiet (22:00-07:00 or none), language, format
    or bundle."""
    from subscribers import bulk

    change = _change(what)

    def ready(app: App, db: Database, wanted: Wanted) -> Work:
        bulk.check(db, wanted, change)
        setting = bulk.Setting(change)
        return lambda ids: setting(db, ids, session(ctx).act())

    _sweep(ctx, Call(filters, everyone, dry_run, yes, as_json), f"would have {' '.join(what)}", ready)


def _change(words: Sequence[str]) -> Change:
    from dispatch.errors import UsageError
    from subscribers.changes import Change

    allowed = ["bundle" if name == "bundled" else name for name in asdict(Change())]
    values: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not value or key not in allowed:
            raise UsageError(f"{word!r}: write KEY=VALUE, with one of {', '.join(allowed)}")
        if key in values:
            raise UsageError(f"{key} is said twice")
        values[key] = value
    if "bundle" in values:
        values["bundled"] = _boolean(values.pop("bundle"))
    return Change(**values)


def _boolean(word: str) -> bool:
    from dispatch.errors import UsageError

    if word.lower() not in (*_YES, *_NO):
        raise UsageError(f"bundle={word}: allowed are yes and no")
    return word.lower() in _YES


def _sweep(ctx: typer.Context, call: Call, would: str, ready: Ready) -> None:
    """Choose, count, ask, and do it slice by slice. `would` says in the plan what becomes of them."""
    from dispatch.delivery.slices import REST_SECONDS
    from dispatch.errors import UsageError
    from dispatch.progress import counting
    from subscribers import bulk, search

    if call.filters.given == call.everyone:
        raise UsageError("say which endpoints: --follow, --channel, --state, --domain, …; or --all, and none of these")
    app = session(ctx).app
    with app.database() as db:
        wanted = call.filters.wanted(app, db)
        work = ready(app, db, wanted)
        counts = search.by_channel(db, wanted)
        if call.dry_run:
            _tell_plan(db, wanted, counts, would, as_json=call.as_json)
            return
        if not call.yes and counts and sys.stdin.isatty():
            _ask(counts, would)
        seen = changed = 0
        with counting("endpoints", sum(counts.values())) as advance:
            for step in bulk.sweep(db, wanted, work):
                seen, changed = seen + step.seen, changed + step.changed
                advance(step.seen)
                time.sleep(REST_SECONDS)
    if call.as_json:
        emit_json({"endpoints": seen, "changed": changed})
    else:
        say(f"{seen:,} endpoints were chosen, {changed:,} of them changed")


def _ask(counts: Mapping[str, int], would: str) -> None:
    """Raises Failure unless the person agrees."""
    from dispatch.errors import Failure

    listed = ", ".join(f"{channel} {count:,}" for channel, count in counts.items())
    if not typer.confirm(plain(f"{sum(counts.values()):,} endpoints ({listed}) {would}. Do it?"), err=True):
        raise Failure("nothing was changed")


def _tell_plan(db: Database, wanted: Wanted, counts: Mapping[str, int], would: str, *, as_json: bool) -> None:
    from subscribers import search

    first = list(islice(search.found(db, wanted, most=_FIRST), _FIRST))
    total = sum(counts.values())
    if as_json:
        emit_json({"endpoints": total, "channels": dict(counts), "first": [subscriber_json(item) for item in first]})
        return
    if total:
        emit_lines(line for subscriber in first for line in lines_of(subscriber))
        if total > _FIRST:
            say(f"… and {total - _FIRST:,} more")
    listed = ", ".join(f"{channel} {count:,}" for channel, count in counts.items())
    say(f"{total:,} endpoints{f' ({listed})' if listed else ''} {would}; nothing was changed (dry run)")
