"""`dispatch subscribers`: people and teams, their addresses, and what they follow."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session
from dispatch.output import emit_json, iso, json_text, say, table, warn

if TYPE_CHECKING:
    from dispatch.app import App
    from subscribers.database import Database
    from subscribers.model import Endpoint, Subscriber
    from subscribers.transfer import Entry

commands = typer.Typer(help="People and teams, their addresses, and what they follow.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Who = Annotated[
    str, typer.Argument(metavar="ID", help="Subscriber 3, or one endpoint: e7 or its address.", show_default=False)
]
What = Annotated[
    list[str], typer.Argument(metavar="WHAT…", help="park:, province:, topic:, column:, bulletin: or all.")
]

CONFIRMED = "confirmed by an administrator"
SHOWN = 5  # addresses in a warning
TABLE = 1000  # lines of one table


@commands.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Option("--name", metavar="N", help="What to call them.")] = "",
    email: Annotated[list[str] | None, typer.Option("--email", metavar="A", help="An email address.")] = None,
    telegram: Annotated[list[str] | None, typer.Option("--telegram", metavar="CHAT", help="Chat id or @name.")] = None,
    webhook: Annotated[list[str] | None, typer.Option("--webhook", metavar="URL", help="A web address.")] = None,
    follow: Annotated[
        list[str] | None, typer.Option("--follow", metavar="WHAT", help="park:南昌高新区, topic:区块链, all, …")
    ] = None,
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="They have agreed: active at once, without a confirmation.")
    ] = False,
    language: Annotated[
        str, typer.Option("--language", metavar="zh|en", help="Of the words around the articles.")
    ] = "",
    cadence: Annotated[str, typer.Option("--cadence", metavar="now|daily|weekly", help="How often.")] = "",
    weekday: Annotated[str, typer.Option("--weekday", metavar="mon…sun", help="With --cadence weekly.")] = "",
    at: Annotated[str, typer.Option("--at", metavar="08:00", help="With --cadence daily or weekly.")] = "",
    timezone: Annotated[str, typer.Option("--timezone", metavar="ZONE", help="Asia/Shanghai unless set.")] = "",
    quiet: Annotated[str, typer.Option("--quiet", metavar="22:00-07:00", help="Nothing is sent in these hours.")] = "",
    bundle: Annotated[bool, typer.Option("--bundle/--separate", help="All digests in one message.")] = False,
    format_: Annotated[
        str, typer.Option("--format", metavar="full|titles", help="Whole articles, or titles with links.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Add a subscriber with one endpoint an address."""
    from subscribers import directory
    from subscribers.model import EndpointState
    from subscribers.transfer import parse_preferences

    app = session(ctx).app
    rhythm = [cadence, weekday, at, timezone, quiet]
    preferences = parse_preferences(rhythm=rhythm, language=language, format_=format_, bundled=bundle)
    given = {"email": email, "telegram": telegram, "webhook": webhook}
    addresses = [app.address(channel, text) for channel, texts in given.items() for text in texts or ()]
    follows = [app.catalog.resolve(word) for word in follow or ()]
    with app.database() as db:
        with db.transaction():
            added = directory.add(
                db,
                name=name,
                addresses=addresses,
                follows=follows,
                preferences=preferences,
                consent=CONFIRMED if confirmed else "",
                now=app.clock.now(),
            )
        subscriber = directory.get(db, added)
    _warn_suppressed([e.address.address for e in subscriber.endpoints if e.state is EndpointState.SUPPRESSED])
    if as_json:
        emit_json(_json(subscriber, secrets=True))
        return
    _tell(subscriber, secrets=True)


def _warn_suppressed(addresses: Sequence[str]) -> None:
    if not addresses:
        return
    shown = ", ".join([*addresses[:SHOWN], *(["…"] if len(addresses) > SHOWN else [])])
    warn(
        f"{len(addresses)} suppressed, for they unsubscribed or were refused before: {shown};"
        " nothing goes there until the reader opts in again"
    )


def _tell(subscriber: Subscriber, *, secrets: bool = False) -> None:
    from subscribers.model import EndpointState

    say(f"subscriber {subscriber.id} {subscriber.name}".rstrip())
    for endpoint in subscriber.endpoints:
        say(f"  {endpoint.label} {endpoint.address.channel} {endpoint.address.address}: {_state(endpoint)}")
        say(f"     follows {', '.join(endpoint.follows) or 'nothing yet'}; {_preferences(endpoint)}")
        if endpoint.consent:
            say(f"     consent: {endpoint.consent}, {iso(endpoint.consented_at)}")
        if secrets and endpoint.address.secret:
            say(f"     signing secret, for the receiver: {endpoint.address.secret}")
        if endpoint.state is EndpointState.PENDING:
            say(f"     it gets nothing until: dispatch subscribers confirm {endpoint.label}")


def _state(endpoint: Endpoint) -> str:
    return f"{endpoint.state} ({endpoint.reason})" if endpoint.reason else endpoint.state.value


def _preferences(endpoint: Endpoint) -> str:
    from subscribers.rhythm import clock, quiet_text, weekday_text

    found = endpoint.preferences
    rhythm = found.rhythm
    when = " ".join(word for word in (rhythm.cadence, weekday_text(rhythm), clock(rhythm.minute)) if word)
    quiet = f", quiet {quiet_text(rhythm)}" if quiet_text(rhythm) else ""
    bundled = "bundled" if found.bundled else "separate"
    return f"{when} {rhythm.timezone}{quiet}, {bundled}, {found.language}, {found.format}"


def _json(subscriber: Subscriber, *, secrets: bool = False) -> dict[str, Any]:
    return {
        "id": subscriber.id,
        "name": subscriber.name,
        "created_at": iso(subscriber.created_at),
        "endpoints": [_endpoint_json(endpoint, secrets=secrets) for endpoint in subscriber.endpoints],
    }


def _endpoint_json(endpoint: Endpoint, *, secrets: bool) -> dict[str, Any]:
    from subscribers.rhythm import clock, quiet_text, weekday_text

    found, rhythm = endpoint.preferences, endpoint.preferences.rhythm
    value = {
        "id": endpoint.label,
        "channel": endpoint.address.channel,
        "address": endpoint.address.address,
        "state": endpoint.state.value,
        "reason": endpoint.reason,
        "consent": endpoint.consent,
        "consented_at": iso(endpoint.consented_at),
        "follows": list(endpoint.follows),
        "language": found.language,
        "format": found.format,
        "bundled": found.bundled,
        "cadence": rhythm.cadence.value,
        "weekday": weekday_text(rhythm),
        "at": clock(rhythm.minute),
        "timezone": rhythm.timezone,
        "quiet": quiet_text(rhythm),
    }
    if secrets and endpoint.address.secret:
        value["secret"] = endpoint.address.secret
    return value


@commands.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """All subscribers, an endpoint a line."""
    from subscribers import directory

    with session(ctx).app.database() as db:
        everyone = directory.everyone(db)
        if as_json:
            _emit_array(_json(subscriber) for subscriber in everyone)
        else:
            _emit_lines(line for subscriber in everyone for line in _lines(subscriber))


def _emit_array(items: Iterable[dict[str, Any]]) -> None:
    """What `emit_json` prints for a list, item by item."""
    started = False
    for item in items:
        typer.echo(",\n" if started else "[\n", nl=False)
        typer.echo(textwrap.indent(json_text(item), "  "), nl=False)
        started = True
    typer.echo("\n]" if started else "[]")


def _emit_lines(lines: Iterator[Sequence[object]]) -> None:
    """Tables of a thousand lines: a table is drawn when all of it is known."""
    titles = ("id", "name", "endpoint", "channel", "address", "state", "follows")
    page = list(islice(lines, TABLE))
    table(titles, page, empty="no subscribers; add one with: dispatch subscribers add")
    while page := list(islice(lines, TABLE)):
        table(titles, page, empty="")


def _lines(subscriber: Subscriber) -> Iterator[Sequence[object]]:
    for endpoint in subscriber.endpoints:
        yield (
            subscriber.id,
            subscriber.name,
            endpoint.label,
            endpoint.address.channel,
            endpoint.address.address,
            endpoint.state,
            ", ".join(endpoint.follows),
        )


@commands.command()
def show(
    ctx: typer.Context,
    who: Who,
    secrets: Annotated[bool, typer.Option("--secrets", help="Show the signing secrets of webhooks.")] = False,
    as_json: Json = False,
) -> None:
    """A subscriber with endpoints, follows and preferences."""
    from subscribers import directory

    with session(ctx).app.database() as db:
        subscriber, _ = directory.find(db, who)
    if as_json:
        emit_json(_json(subscriber, secrets=secrets))
    else:
        _tell(subscriber, secrets=secrets)


def _change(
    ctx: typer.Context, who: str, change: Callable[[App, Database, Subscriber, tuple[Endpoint, ...]], None]
) -> None:
    """Do something to whom a word names, in one transaction, and show them as they are then."""
    from subscribers import directory

    app = session(ctx).app
    with app.database() as db:
        with db.transaction():
            subscriber, endpoints = directory.find(db, who)
            change(app, db, subscriber, endpoints)
        _tell(directory.get(db, subscriber.id))


@commands.command()
def follow(ctx: typer.Context, who: Who, what: What) -> None:
    """Follow parks, provinces, topics, columns, a bulletin or all."""
    from subscribers import directory

    def change(app: App, db: Database, subscriber: Subscriber, endpoints: tuple[Endpoint, ...]) -> None:
        tags = [app.catalog.resolve(word) for word in what]
        for endpoint in endpoints:
            directory.follow(db, endpoint.id, tags, app.clock.now())

    _change(ctx, who, change)


@commands.command()
def unfollow(ctx: typer.Context, who: Who, what: What) -> None:
    """Drop follows."""
    from subscribers import directory

    def change(app: App, db: Database, subscriber: Subscriber, endpoints: tuple[Endpoint, ...]) -> None:
        followed = {tag for endpoint in endpoints for tag in endpoint.follows}
        for word in what:
            # A follow of something that left the catalog can still be dropped, as it stands.
            tag = word if word in followed else app.catalog.resolve(word)
            if not sum(directory.unfollow(db, endpoint.id, [tag]) for endpoint in endpoints):
                warn(f"{word} was not followed")

    _change(ctx, who, change)


@commands.command()
def pause(ctx: typer.Context, who: Who) -> None:
    """Send nothing until resumed."""
    from subscribers import directory

    def change(app: App, db: Database, subscriber: Subscriber, endpoints: tuple[Endpoint, ...]) -> None:
        for endpoint in endpoints:
            if not directory.pause(db, endpoint, app.clock.now()):
                warn(f"{endpoint.label} is {endpoint.state}: it stays so")

    _change(ctx, who, change)


@commands.command()
def resume(ctx: typer.Context, who: Who) -> None:
    """Send again what comes from now on to paused endpoints."""
    from subscribers import directory

    def change(app: App, db: Database, subscriber: Subscriber, endpoints: tuple[Endpoint, ...]) -> None:
        for endpoint in endpoints:
            if not directory.resume(db, endpoint, app.clock.now()):
                warn(f"{endpoint.label} is {endpoint.state}: it stays so")

    _change(ctx, who, change)


@commands.command()
def confirm(ctx: typer.Context, who: Who) -> None:
    """Make pending endpoints active: they have agreed, and you can show it."""
    from subscribers import directory
    from subscribers.model import EndpointState

    def change(app: App, db: Database, subscriber: Subscriber, endpoints: tuple[Endpoint, ...]) -> None:
        for endpoint in endpoints:
            if endpoint.state is EndpointState.PENDING:
                directory.confirm(db, endpoint.id, CONFIRMED, app.clock.now())
            else:
                warn(f"{endpoint.label} is {endpoint.state}: it stays so")

    _change(ctx, who, change)


@commands.command()
def unsubscribe(
    ctx: typer.Context, token: Annotated[str, typer.Argument(metavar="TOKEN", help="From the mail's subject.")]
) -> None:
    """Carry out a request to unsubscribe that came by mail."""
    from subscribers import directory
    from subscribers.errors import InvalidValue
    from subscribers.tokens import Signer

    app = session(ctx).app
    with app.database() as db:
        wish = Signer.load(db, app.clock.now()).read_leave(token)
        if wish is None:
            raise InvalidValue("this is not a token of ours: copy all that follows `unsubscribe` in the subject")
        with db.transaction():
            if wish.tag:
                directory.unfollow(db, wish.endpoint_id, [wish.tag])
            else:
                directory.opt_out(db, wish.endpoint_id, app.clock.now())
    say(f"e{wish.endpoint_id}: " + (f"no longer follows {wish.tag}" if wish.tag else "unsubscribed"))


@commands.command()
def remove(ctx: typer.Context, who: Who) -> None:
    """Remove a subscriber. What they were sent stays in the ledger."""
    from subscribers import directory
    from subscribers.errors import InvalidValue

    app = session(ctx).app
    with app.database() as db, db.transaction():
        subscriber, endpoints = directory.find(db, who)
        if len(endpoints) < len(subscriber.endpoints):
            raise InvalidValue(f"{who} is one of several endpoints of subscriber {subscriber.id}: pause it instead")
        directory.remove(db, subscriber, app.clock.now())
    say(f"subscriber {subscriber.id} is removed")


@commands.command("import")
def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV: name,email,telegram,webhook,follows, …")],
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="They have agreed: active at once, without a confirmation.")
    ] = False,
) -> None:
    """Add the subscribers of a CSV file, all or none. Addresses that are known get the follows added. Those whose
    state is pending, paused, suppressed or gone stay so, with --confirmed too."""
    from subscribers.errors import BadFile
    from subscribers.transfer import decode, read_csv

    app = session(ctx).app
    try:
        text = decode(file.read_bytes())
        entries = read_csv(text, app.address, app.catalog.resolve)
    except OSError as error:
        raise BadFile(f"{file}: {error.strerror or error}") from error
    except BadFile as error:
        raise BadFile(f"{file}: {error}") from error
    suppressed: list[str] = []
    with app.database() as db, db.transaction():
        known = sum(_add_entry(app, db, entry, CONFIRMED if confirmed else "", suppressed) for entry in entries)
    say(f"{len(entries)} rows: {len(entries) - known} subscribers added, {known} known ones got the follows")
    _warn_suppressed(suppressed)
    if len(entries) > known and any(_waits(entry, confirmed) for entry in entries):
        warn("new endpoints that are pending get nothing until: dispatch subscribers confirm ID")


def _waits(entry: Entry, confirmed: bool) -> bool:
    from subscribers.model import EndpointState

    return entry.state is EndpointState.PENDING or (entry.state is EndpointState.ACTIVE and not confirmed)


def _add_entry(app: App, db: Database, entry: Entry, consent: str, suppressed: list[str]) -> bool:
    """Whether the row's addresses were all known; the suppressed ones of them are noted. A row of known and new
    addresses is refused by `directory.add`."""
    from subscribers import directory
    from subscribers.model import EndpointState

    holders = [(address, directory.holder_of(db, address)) for address in entry.addresses]
    suppressed += [
        address.address
        for address, holder in holders
        if holder and EndpointState.SUPPRESSED in (entry.state, holder.state)
    ]
    known = [holder.endpoint_id for _, holder in holders if holder and not holder.removed]
    if len(known) == len(holders):
        for endpoint_id in known:
            _add_to_known(db, endpoint_id, entry, app.clock.now())
        return True
    directory.add(
        db,
        name=entry.name,
        addresses=entry.addresses,
        follows=entry.follows,
        preferences=entry.preferences,
        consent=consent,
        now=app.clock.now(),
        state=entry.state,
    )
    return False


def _add_to_known(db: Database, endpoint_id: int, entry: Entry, now: int) -> None:
    """The row's follows; of its state, only that nothing may be sent: what a file says makes nobody active."""
    from subscribers import directory
    from subscribers.model import EndpointState

    directory.follow(db, endpoint_id, entry.follows, now)
    if entry.state is EndpointState.SUPPRESSED:
        directory.provider_state(db, endpoint_id, entry.state, "suppressed in an imported file", now)


@commands.command()
def export(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Where to; else standard output.")] = None,
) -> None:
    """Write all subscribers as CSV that `import` reads."""
    from subscribers import directory
    from subscribers.errors import BadFile
    from subscribers.transfer import write_csv, write_file

    with session(ctx).app.database() as db:
        if file is None:
            write_csv(directory.everyone(db), sys.stdout)
            return
        try:
            count = write_file(directory.everyone(db), file)
        except OSError as error:
            raise BadFile(f"{file}: {error.strerror or error}") from error
    say(f"{count} rows in {file}")
