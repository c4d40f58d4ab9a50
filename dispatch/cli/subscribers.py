"""`dispatch subscribers`: people and teams, their addresses, and what they follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.cli import (
    audience,
    bulk,
    confirming,
    history,
    listing,
    moving,
    receivers,
    rights,
    suppressions,
    transfer,
    wording,
)
from dispatch.cli.context import session, user
from dispatch.cli.options import APPRISE
from dispatch.cli.people import subscriber_json, tell, warn_suppressed
from dispatch.output import emit_json, say, warn

if TYPE_CHECKING:
    from dispatch.app import App
    from subscribers.audit import Act
    from subscribers.consent import Wish
    from subscribers.database import Database
    from subscribers.model import Address, Endpoint, Subscriber

commands = typer.Typer(help="People and teams, their addresses, and what they follow.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Who = Annotated[
    str, typer.Argument(metavar="ID", help="Subscriber 3, or one endpoint: e7 or its address.", show_default=False)
]
What = Annotated[
    list[str], typer.Argument(metavar="WHAT…", help="park:, province:, topic:, column:, bulletin: or all.")
]
First = Annotated[
    bool | None,
    typer.Option("--first/--no-first", help="Send the newest digest of it at once; else as set by first_digest."),
]


@commands.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Option("--name", metavar="N", help="What to call them.")] = "",
    email: Annotated[list[str] | None, typer.Option("--email", metavar="A", help="An email address.")] = None,
    telegram: Annotated[list[str] | None, typer.Option("--telegram", metavar="CHAT", help="Chat id or @name.")] = None,
    webhook: receivers.Webhook = None,
    apprise: Annotated[list[str] | None, typer.Option("--apprise", metavar="URL|-", help=APPRISE)] = None,
    robot: receivers.Robot = "",
    secret: receivers.Secret = "",
    follow: Annotated[
        list[str] | None, typer.Option("--follow", metavar="WHAT", help="park:南昌高新区, topic:区块链, all, …")
    ] = None,
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="They have agreed: active at once, without a confirmation.")
    ] = False,
    basis: Annotated[str, typer.Option("--basis", metavar="TEXT", help=confirming.BASIS)] = "",
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask them by mail; pending until they say yes. Also brings back who left.")
    ] = False,
    again: confirming.Again = False,
    first: First = None,
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
    """Add a subscriber with one endpoint an address. A web address gets a test event at once, and is active when that
    has arrived; else it is pending until `dispatch webhooks test`."""
    from subscribers import directory
    from subscribers.consent import Wish
    from subscribers.model import EndpointState
    from subscribers.transfer import parse_preferences

    app = session(ctx).app
    rhythm = [cadence, weekday, at, timezone, quiet]
    preferences = parse_preferences(rhythm=rhythm, language=language, format_=format_, bundled=bundle)
    plain = {"email": email, "telegram": telegram, "apprise": apprise}
    addresses = receivers.given(app, plain, webhook, robot, secret)
    follows = [app.catalog.resolve(word) for word in follow or ()]
    agreed = confirming.basis_of(basis, confirmed=confirmed)
    begins = app.settings.subscribers.first_digest if first is None else first
    if ask:
        confirming.refuse_ask(app, addresses, agreed)
        said = preferences if any([*rhythm, language, format_, bundle]) else None
        wish = Wish(name, tuple(follows), said, begins)
        _add_and_ask(app, addresses[0], wish, session(ctx).act(), again=again, as_json=as_json)
        return
    with app.database() as db:
        with db.transaction():
            added = directory.add(
                db,
                name=name,
                addresses=addresses,
                follows=follows,
                preferences=preferences,
                consent=agreed,
                act=session(ctx).act(),
                first=begins,
                waits=receivers.waits,
            )
        proofs = receivers.prove(app, db, directory.get(db, added).endpoints, session(ctx).act())
        subscriber = directory.get(db, added)
    warn_suppressed([e.address.shown for e in subscriber.endpoints if e.state is EndpointState.SUPPRESSED])
    if as_json:
        emit_json(subscriber_json(subscriber, secrets=True))
    else:
        tell(subscriber, secrets=True)
    receivers.tell_proofs(app, proofs, quiet=as_json)


def _add_and_ask(app: App, address: Address, wish: Wish, act: Act, *, again: bool, as_json: bool) -> None:
    """Who has the address already stays what they are until they say yes."""
    from subscribers import directory

    with app.database() as db:
        with db.transaction():
            endpoint_id = confirming.ask(app, db, address, wish, act, again=again)
        if not endpoint_id:
            confirming.tell_waits(address)
            raise typer.Exit(1)
        endpoint = directory.endpoint(db, endpoint_id)
        subscriber = directory.get(db, endpoint.subscriber_id)
    if as_json:
        emit_json(subscriber_json(subscriber))
        return
    tell(subscriber)
    confirming.tell_asked(endpoint)


commands.command("list")(listing.list_)


@commands.command()
def show(
    ctx: typer.Context,
    who: Who,
    secrets: Annotated[bool, typer.Option("--secrets", help="Show the signing secrets of webhooks.")] = False,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show web addresses with the keys in them.")] = False,
    as_json: Json = False,
) -> None:
    """A subscriber with endpoints, follows and preferences."""
    from subscribers import directory

    with session(ctx).app.database() as db:
        subscriber, _ = directory.find(db, who)
    if as_json:
        emit_json(subscriber_json(subscriber, secrets=secrets, reveal=reveal))
    else:
        tell(subscriber, secrets=secrets, reveal=reveal)


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
        tell(directory.get(db, subscriber.id))


@commands.command()
def follow(ctx: typer.Context, who: Who, what: What, first: First = None) -> None:
    """Follow parks, provinces, topics, columns, a bulletin or all."""
    from subscribers import directory

    def change(app: App, db: Database, subscriber: Subscriber, endpoints: tuple[Endpoint, ...]) -> None:
        tags = [app.catalog.resolve(word) for word in what]
        begins = app.settings.subscribers.first_digest if first is None else first
        for endpoint in endpoints:
            directory.follow(db, endpoint.id, tags, session(ctx).act(), first=begins)

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
            if not sum(directory.unfollow(db, endpoint.id, [tag], session(ctx).act()) for endpoint in endpoints):
                warn(f"{word} was not followed")

    _change(ctx, who, change)


@commands.command()
def pause(
    ctx: typer.Context,
    who: Who,
    until: Annotated[
        str,
        typer.Option(
            "--until", "--resume-on", metavar="DAY", help="Until this day begins, or a time, where the reader is."
        ),
    ] = "",
) -> None:
    """Send nothing until resumed, or until a day."""
    from subscribers import directory

    def change(app: App, db: Database, subscriber: Subscriber, endpoints: tuple[Endpoint, ...]) -> None:
        for endpoint in endpoints:
            end = bulk.pause_end(until, endpoint.preferences.rhythm.timezone, app.clock.now())
            if not directory.pause(db, endpoint, session(ctx).act(), end):
                warn(f"{endpoint.label} is {endpoint.state}: it stays so")

    _change(ctx, who, change)


@commands.command()
def resume(ctx: typer.Context, who: Who) -> None:
    """Send again what comes from now on to paused endpoints."""
    from subscribers import directory

    def change(app: App, db: Database, subscriber: Subscriber, endpoints: tuple[Endpoint, ...]) -> None:
        for endpoint in endpoints:
            if not directory.resume(db, endpoint, session(ctx).act()):
                warn(f"{endpoint.label} is {endpoint.state}: it stays so")

    _change(ctx, who, change)


commands.command("confirm")(confirming.confirm)


@commands.command()
def suppress(
    ctx: typer.Context,
    who: Who,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in each delivery's story.")],
) -> None:
    """Send nothing more until reactivated. What waits for them ends as suppressed, with the reason."""
    from subscribers import directory

    words = suppressions.reason_words(reason)

    def change(app: App, db: Database, subscriber: Subscriber, endpoints: tuple[Endpoint, ...]) -> None:
        for endpoint in endpoints:
            if not directory.suppress(db, endpoint, words, session(ctx).act()):
                warn(f"{endpoint.label} was unsubscribed by the reader already: that stays the reason")

    _change(ctx, who, change)


@commands.command()
def reactivate(
    ctx: typer.Context,
    who: Who,
    consent: Annotated[
        str, typer.Option("--consent", metavar="TEXT", help="Their own new wish, as you can show it; it is kept.")
    ] = "",
) -> None:
    """Make suppressed or gone endpoints active again. Where the reader unsubscribed, only with --consent; what was
    suppressed before anybody agreed to it is pending then."""
    from subscribers import directory

    wish = suppressions.consent_words(consent)

    def change(app: App, db: Database, subscriber: Subscriber, endpoints: tuple[Endpoint, ...]) -> None:
        for endpoint in endpoints:
            reason = f"reactivated by {user()}"
            if not directory.reactivate(db, endpoint, reason, session(ctx).act(), consent=wish):
                warn(f"{endpoint.label} is {endpoint.state}: it stays so")

    _change(ctx, who, change)


@commands.command()
def unsubscribe(
    ctx: typer.Context, token: Annotated[str, typer.Argument(metavar="TOKEN", help="From the mail's subject.")]
) -> None:
    """Carry out a request to unsubscribe that came by mail."""
    from subscribers import directory
    from subscribers.audit import READER, Act, Way
    from subscribers.errors import InvalidValue
    from subscribers.tokens import Signer

    app = session(ctx).app
    with app.database() as db:
        wish = Signer.load(db, app.clock.now()).read_leave(token)
        if wish is None:
            raise InvalidValue("this is not a token of ours: copy all that follows `unsubscribe` in the subject")
        act = Act(app.clock.now(), READER, Way.MAIL)
        with db.transaction():
            if wish.tag:
                directory.unfollow(db, wish.endpoint_id, [wish.tag], act)
            else:
                directory.opt_out(db, wish.endpoint_id, act)
    say(f"e{wish.endpoint_id}: " + (f"no longer follows {wish.tag}" if wish.tag else "unsubscribed"))


commands.command("words")(wording.words)
commands.command("set")(moving.set_)
commands.command("add-endpoint")(moving.add_endpoint)
commands.command()(moving.move)
commands.command()(moving.merge)
commands.command()(moving.remove)
commands.add_typer(bulk.commands, name="bulk")
commands.add_typer(suppressions.commands, name="suppressions")
commands.command()(history.history)
commands.command("stats")(audience.stats)
commands.command("import")(transfer.import_)
commands.command("export")(transfer.export)
commands.command("data")(rights.data)
commands.command("erase")(rights.erase)
