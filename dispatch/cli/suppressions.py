"""`dispatch subscribers suppressions`: addresses to which nothing goes, whether somebody has them or not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dispatch.cli.context import session, user
from dispatch.cli.options import Limit
from dispatch.cli.people import emit_array
from dispatch.output import iso, say, table, warn, when
from subscribers.shown import shown_address

if TYPE_CHECKING:
    from dispatch.app import App
    from subscribers.audit import Act
    from subscribers.database import Database, Row
    from subscribers.model import Address

SHOWN = 1000
commands = typer.Typer(help="Addresses to which nothing goes.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Where = Annotated[str, typer.Argument(metavar="ADDRESS", help="An address, or an endpoint as e7.", show_default=False)]
OnChannel = Annotated[str, typer.Option("--channel", metavar="C", help="Of an address: email, telegram or webhook.")]


@commands.command("list")
def list_(
    ctx: typer.Context,
    channel: Annotated[str, typer.Option("--channel", metavar="C", help="Only endpoints of this channel.")] = "",
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Suppressed endpoints, why and by whom; then the addresses that nobody has any more, of which hashes alone are
    kept: by reason, and one by one with --json."""
    from dispatch.channels.registry import CHANNELS
    from dispatch.errors import UsageError
    from subscribers import suppression

    if channel and channel not in CHANNELS:
        raise UsageError(f"channel {channel!r}: allowed are {', '.join(CHANNELS)}")
    most = (0 if as_json else SHOWN) if limit is None else limit
    with session(ctx).app.database() as db:
        if as_json:
            found = _all(db, channel)
            emit_array(itertools.islice(found, most) if most else found)
            return
        rows = suppression.endpoints(db, channel)
        shown = list(itertools.islice(rows, most) if most else rows)
        table(
            ("endpoint", "channel", "address", "since", "by", "reason"),
            [_line(row) for row in shown],
            empty="no endpoint is suppressed",
        )
        if most and next(rows, None):
            say(f"only the first {most} are shown: say --limit 0 for all")
        for row in [] if channel else suppression.by_reason(db):
            say(f"{row['addresses']} addresses that nobody has: {row['reason']} (last {when(row['latest'])})")


def _line(row: Row) -> tuple[object, ...]:
    return (f"e{row['id']}", row["channel"], shown_address(row["address"]), when(row["since"]), _by(row), row["reason"])


def _by(row: Row) -> str:
    return f"{row['actor']} by {row['way']}" if row["actor"] else ""


def _all(db: Database, channel: str) -> Iterator[dict[str, Any]]:
    from subscribers import suppression

    for row in suppression.endpoints(db, channel):
        kept = {"channel": row["channel"], "address": shown_address(row["address"]), "reason": row["reason"]}
        source = {"by": row["actor"] or None, "way": row["way"] or None}
        yield {"endpoint": f"e{row['id']}", **kept, "since": iso(row["since"]), **source}
    for row in [] if channel else suppression.hashes(db):
        yield {"hash": row["address_hash"], "reason": row["reason"], "since": iso(row["since"])}


@commands.command()
def add(
    ctx: typer.Context,
    address: Where,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept and shown.")],
    channel: OnChannel = "email",
) -> None:
    """Send nothing to an address, also one that nobody has: its keyed hash is kept, by which it is known again."""
    from subscribers import audit, directory, suppression
    from subscribers.suppression import Hasher

    app = session(ctx).app
    words = reason_words(reason)
    act = session(ctx).act()
    with app.database() as db, db.transaction():
        place = _place(app, db, channel, address)
        holder = directory.holder_of(db, place)
        if holder is not None and not holder.removed:
            endpoint = directory.endpoint(db, holder.endpoint_id)
            if not directory.suppress(db, endpoint, words, act):
                warn(f"{endpoint.label} was unsubscribed by the reader already: that stays the reason")
            say(f"e{holder.endpoint_id} {place.address}: suppressed")
            return
        hasher = Hasher.load(db)
        if reasons := suppression.reasons(db, hasher, [place]):
            say(f"{place.address} is suppressed already: {', '.join(reasons.values())}")
            return
        suppression.suppress(db, hasher, place, words, act.at)
        audit.record(db, act, "suppressed", "address", hasher.address(place)[:16])
    say(f"{place.address}: suppressed; nobody has it, so its hash alone is kept")


@commands.command()
def remove(
    ctx: typer.Context,
    address: Where,
    consent: Annotated[
        str, typer.Option("--consent", metavar="TEXT", help="Their own new wish, as you can show it; it is kept.")
    ] = "",
    channel: OnChannel = "email",
) -> None:
    """Lift a suppression. Where the reader wished it, only with --consent."""
    from dispatch.errors import Failure

    app = session(ctx).app
    act, wish = session(ctx).act(), consent_words(consent)
    with app.database() as db, db.transaction():
        place = _place(app, db, channel, address)
        done = [*_lift_endpoint(app, db, place, act, wish), *_lift_hash(db, place, act, wish)]
        if not done:
            raise Failure(f"{place.address} is not suppressed; see: dispatch subscribers suppressions list")
    for words in done:
        say(f"{place.address}: {words}")


def _place(app: App, db: Database, channel: str, word: str) -> Address:
    """The address that a word is, or that the endpoint has which it names."""
    from subscribers import directory

    if not directory.is_label(word):
        return app.address(channel, word)
    [endpoint] = directory.find(db, word)[1]
    return endpoint.address


def _lift_endpoint(app: App, db: Database, place: Address, act: Act, wish: str) -> Iterator[str]:
    from subscribers import directory
    from subscribers.model import EndpointState

    holder = directory.holder_of(db, place)
    if holder is None or holder.removed or holder.state is not EndpointState.SUPPRESSED:
        return
    endpoint = directory.endpoint(db, holder.endpoint_id)
    directory.reactivate(db, endpoint, f"reactivated by {user()}", act, consent=wish)
    yield f"{endpoint.label} is {directory.endpoint(db, endpoint.id).state} again"


def _lift_hash(db: Database, place: Address, act: Act, wish: str) -> Iterator[str]:
    """What nobody has: who erased themselves, or wished it, is asked again only with a wish of theirs."""
    from subscribers import audit, suppression
    from subscribers.errors import Conflict
    from subscribers.model import OWN_WISHES
    from subscribers.personal import ERASED
    from subscribers.suppression import Hasher

    hasher = Hasher.load(db)
    for reason in suppression.reasons(db, hasher, [place]).values():
        if reason in (*OWN_WISHES, ERASED) and not wish:
            raise Conflict(f"{place.address} is suppressed by the reader's own wish ({reason}): say --consent TEXT")
        suppression.lift(db, hasher, place)
        detail = {"consent": wish} if wish else None
        audit.record(db, act, "lifted", "address", hasher.address(place)[:16], detail)
        yield "may be added again"


def reason_words(reason: str) -> str:
    """A reason with who gave it. Raises InvalidValue where there is none."""
    from subscribers.errors import InvalidValue

    if not reason.strip():
        raise InvalidValue("say why: --reason TEXT")
    return f"{reason.strip()} (suppressed by {user()})"


def consent_words(consent: str) -> str:
    """A reader's new wish with who recorded it, or ""."""
    return f"{consent.strip()} (recorded by {user()})" if consent.strip() else ""
