"""`dispatch subscribers set`, `add-endpoint`, `merge`, `move` and `remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.cli import receivers
from dispatch.cli.context import session, user
from dispatch.cli.options import APPRISE
from dispatch.cli.people import tell, warn_suppressed
from dispatch.cli.transfer import CONFIRMED
from dispatch.output import say, warn

if TYPE_CHECKING:
    from subscribers.database import Database
    from subscribers.model import Endpoint, Subscriber

Who = Annotated[
    str, typer.Argument(metavar="ID", help="Subscriber 3, or one endpoint: e7 or its address.", show_default=False)
]
Language = Annotated[str, typer.Option("--language", metavar="zh|en", help="Of the words around the articles.")]
Cadence = Annotated[str, typer.Option("--cadence", metavar="now|daily|weekly", help="How often.")]
Weekday = Annotated[str, typer.Option("--weekday", metavar="mon…sun", help="With --cadence weekly.")]
At = Annotated[str, typer.Option("--at", metavar="08:00", help="With --cadence daily or weekly.")]
Timezone = Annotated[str, typer.Option("--timezone", metavar="ZONE", help="As Asia/Shanghai.")]
Quiet = Annotated[
    str, typer.Option("--quiet", metavar="22:00-07:00|none", help="Nothing is sent in these hours, or no such hours.")
]
Bundle = Annotated[bool | None, typer.Option("--bundle/--separate", help="All digests in one message, or one each.")]
Format = Annotated[str, typer.Option("--format", metavar="full|titles", help="Whole articles, or titles with links.")]


def set_(
    ctx: typer.Context,
    who: Who,
    name: Annotated[str | None, typer.Option("--name", metavar="N", help="What to call the subscriber.")] = None,
    language: Language = "",
    cadence: Cadence = "",
    weekday: Weekday = "",
    at: At = "",
    timezone: Timezone = "",
    quiet: Quiet = "",
    bundle: Bundle = None,
    format_: Format = "",
) -> None:
    """Change preferences, or the name. What is not named stays."""
    from dispatch.errors import UsageError
    from subscribers import directory, merging
    from subscribers.changes import Change

    change = Change(cadence, weekday, at, timezone, quiet, language, format_, bundle)
    if not change and name is None:
        raise UsageError("say what is to change: --language, --cadence, --at, --quiet, --name, …")
    act = session(ctx).act()
    with session(ctx).app.database() as db:
        with db.transaction():
            subscriber, endpoints = directory.find(db, who)
            changed = [(endpoint, change.of(endpoint.preferences)) for endpoint in endpoints]
            changed = [(endpoint, then) for endpoint, then in changed if then != endpoint.preferences]
            for endpoint, then in changed:
                directory.set_preferences(db, endpoint.id, then, act)
            renamed = name is not None and merging.rename(db, subscriber.id, name.strip(), act)
        tell(directory.get(db, subscriber.id))
    if not changed and not renamed:
        warn("it was so already: nothing was changed")


def add_endpoint(
    ctx: typer.Context,
    who: Who,
    email: Annotated[list[str] | None, typer.Option("--email", metavar="A", help="An email address.")] = None,
    telegram: Annotated[list[str] | None, typer.Option("--telegram", metavar="CHAT", help="Chat id or @name.")] = None,
    webhook: receivers.Webhook = None,
    apprise: Annotated[list[str] | None, typer.Option("--apprise", metavar="URL|-", help=APPRISE)] = None,
    robot: receivers.Robot = "",
    secret: receivers.Secret = "",
    follow: Annotated[
        list[str] | None, typer.Option("--follow", metavar="WHAT", help="Instead of what the one named follows.")
    ] = None,
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="They have agreed to this address: active at once.")
    ] = False,
    language: Language = "",
    cadence: Cadence = "",
    weekday: Weekday = "",
    at: At = "",
    timezone: Timezone = "",
    quiet: Quiet = "",
    bundle: Bundle = None,
    format_: Format = "",
) -> None:
    """Give a subscriber another endpoint. It follows what their first one follows (or the one named), as it does, but
    for what the options say. A web address gets a test event at once, as with `add`."""
    from dispatch.errors import UsageError
    from subscribers import directory
    from subscribers.changes import Change
    from subscribers.model import EndpointState, Preferences

    app = session(ctx).app
    plain = {"email": email, "telegram": telegram, "apprise": apprise}
    addresses = receivers.given(app, plain, webhook, robot, secret)
    if not addresses:
        raise UsageError("an endpoint needs an address: --email, --telegram, --webhook or --apprise")
    follows = [app.catalog.resolve(word) for word in follow or ()]
    change = Change(cadence, weekday, at, timezone, quiet, language, format_, bundle)
    with app.database() as db:
        with db.transaction():
            subscriber, endpoints = directory.find(db, who)
            like = endpoints[0] if endpoints else None
            added = directory.add_endpoints(
                db,
                subscriber.id,
                addresses,
                follows=follows or (like.follows if like else ()),
                preferences=change.of(like.preferences if like else Preferences()),
                consent=CONFIRMED if confirmed else "",
                act=session(ctx).act(),
                waits=receivers.waits,
            )
        new = [endpoint for endpoint in directory.get(db, subscriber.id).endpoints if endpoint.id in added]
        proofs = receivers.prove(app, db, new, session(ctx).act())
        subscriber = directory.get(db, subscriber.id)
    new = [endpoint for endpoint in subscriber.endpoints if endpoint.id in added]
    warn_suppressed([e.address.shown for e in new if e.state is EndpointState.SUPPRESSED])
    tell(subscriber, secrets=any(endpoint.address.secret for endpoint in new))
    receivers.tell_proofs(app, proofs)


def merge(
    ctx: typer.Context,
    who: Annotated[str, typer.Argument(metavar="ID", help="The subscriber who is merged, and removed then.")],
    into: Annotated[str, typer.Argument(metavar="INTO", help="The subscriber who gets the endpoints.")],
) -> None:
    """Make two subscribers one. The endpoints move, with their follows and preferences; what was sent to them and the
    history of both can be looked up as before."""
    from subscribers import directory, merging

    with session(ctx).app.database() as db:
        with db.transaction():
            one, other = directory.find(db, who)[0], directory.find(db, into)[0]
            merging.merge(db, one, other, session(ctx).act())
        tell(directory.get(db, other.id))
    say(f"subscriber {one.id} is part of subscriber {other.id}")


def move(
    ctx: typer.Context,
    who: Annotated[str, typer.Argument(metavar="ENDPOINT", help="One endpoint: e7 or its address.")],
    to_subscriber: Annotated[str, typer.Option("--to-subscriber", metavar="ID", help="Whose it is to be.")] = "",
    address: Annotated[str, typer.Option("--address", metavar="NEW", help="Its new address on its channel.")] = "",
    consent: Annotated[
        str, typer.Option("--consent", metavar="TEXT", help="How they agreed to the new address; it is kept.")
    ] = "",
) -> None:
    """Move an endpoint to another subscriber or address. At a new address it is pending unless
    --consent says how they agreed to it; a suppressed address stays suppressed when the endpoint leaves it."""
    from dispatch.errors import UsageError
    from subscribers import directory, merging

    if bool(to_subscriber) == bool(address):
        raise UsageError("say where to: --to-subscriber or --address, one of them")
    if consent and not address:
        raise UsageError("--consent is about a new address: say --address too")
    app, act = session(ctx).app, session(ctx).act()
    with app.database() as db:
        with db.transaction():
            endpoint = _one(db, who)
            owner = endpoint.subscriber_id
            if address:
                new = app.address(endpoint.address.channel, address)
                wish = f"{consent.strip()} (recorded by {user()})" if consent.strip() else ""
                moved = merging.move(db, endpoint, new, act, consent=wish)
                emptied = False
            else:
                moved, owner = False, directory.find(db, to_subscriber)[0].id
                emptied = merging.hand_over(db, endpoint, directory.get(db, owner), act)
        tell(directory.get(db, owner), secrets=moved and bool(new.secret))
    if emptied:
        say(f"subscriber {endpoint.subscriber_id} had no other endpoint and is removed")


def _one(db: Database, word: str) -> Endpoint:
    """Raises UsageError where a word names several endpoints."""
    from dispatch.errors import UsageError
    from subscribers import directory

    subscriber, endpoints = directory.find(db, word)
    if len(endpoints) != 1:
        labels = ", ".join(endpoint.label for endpoint in endpoints) or "none"
        raise UsageError(f"subscriber {subscriber.id} has the endpoints {labels}: name one")
    return endpoints[0]


def remove(ctx: typer.Context, who: Who) -> None:
    """Remove a subscriber, or one endpoint of several. What they were sent stays in the ledger."""
    from subscribers import directory, merging

    act = session(ctx).act()
    with session(ctx).app.database() as db, db.transaction():
        subscriber, endpoints = directory.find(db, who)
        whole = len(endpoints) == len(subscriber.endpoints)
        if whole:
            directory.remove(db, subscriber, act)
        for endpoint in () if whole else endpoints:
            merging.remove_endpoint(db, endpoint, act)
    say(_removed(subscriber, () if whole else endpoints))


def _removed(subscriber: Subscriber, endpoints: tuple[Endpoint, ...]) -> str:
    labels = ", ".join(endpoint.label for endpoint in endpoints)
    return f"{labels} of subscriber {subscriber.id} is removed" if labels else f"subscriber {subscriber.id} is removed"
