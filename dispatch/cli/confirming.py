"""The commands that ask people for their yes, and take it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dispatch.cli.context import session, user
from dispatch.cli.people import tell
from dispatch.cli.transfer import CONFIRMED
from dispatch.output import say, warn

if TYPE_CHECKING:
    from dispatch.app import App
    from subscribers.audit import Act
    from subscribers.consent import Wish
    from subscribers.database import Database
    from subscribers.model import Address, Endpoint

Again = Annotated[bool, typer.Option("--again", help="Ask them also where they were asked within a day.")]
BASIS = "On which basis they are written to, as you can show it; kept as proof. Means --confirmed."


def basis_of(basis: str, *, confirmed: bool) -> str:
    """What is kept as the basis of consent; "" where nobody says that there is any."""
    if basis.strip():
        return f"{basis.strip()} (recorded by {user()})"
    return CONFIRMED if confirmed else ""


def refuse_ask(app: App, addresses: Sequence[Address], basis: str) -> None:
    """Raises UsageError where nobody can be asked, or need be."""
    from dispatch.delivery.confirmations import check_channel
    from dispatch.errors import UsageError

    if basis:
        raise UsageError("--ask asks them for their yes: leave out --confirmed and --basis, or leave out --ask")
    for address in addresses:
        check_channel(address.channel)
    if len(addresses) != 1:
        raise UsageError("--ask asks one address at a time: give one --email")
    refuse_without_mail(app)


def refuse_without_mail(app: App) -> None:
    """Raises UsageError."""
    from dispatch.channels.registry import CHANNELS
    from dispatch.errors import UsageError

    if missing := CHANNELS["email"].missing(app.settings):
        raise UsageError(f"nobody can be asked, for email is off: {missing}")


def ask(app: App, db: Database, address: Address, wish: Wish, act: Act, text: str = "", *, again: bool = False) -> int:
    """Ask whoever has an address; the endpoint, 0 where they were asked within a day and may still answer (`again`:
    they are asked all the same). Inside a transaction."""
    from dispatch.delivery import confirmations
    from subscribers import consent
    from subscribers.suppression import Hasher

    if not again and consent.waits(db, address, act.at):
        return 0
    text = text or app.consent_text(_language(db, address, wish))
    asked = consent.ask(db, Hasher.load(db), address, wish, text, act, "", None)
    assert asked is not None  # without limits nobody is refused
    confirmations.queue(db, asked, act.at)
    return asked.endpoint_id


def _language(db: Database, address: Address, wish: Wish) -> str:
    from subscribers import directory
    from subscribers.model import Preferences

    if wish.preferences:
        return wish.preferences.language
    known = directory.holder_of(db, address)
    found = directory.endpoint(db, known.endpoint_id).preferences if known and not known.removed else Preferences()
    return found.language


def tell_waits(address: Address, how: str = "--again") -> None:
    warn(f"{address.address} was asked within a day and has not answered: {how} asks once more")


def tell_asked(endpoint: Endpoint) -> None:
    say(f"{endpoint.label}: a confirmation to {endpoint.address.address} is queued; dispatch run sends it")


def confirm(
    ctx: typer.Context,
    who: Annotated[
        str, typer.Argument(metavar="ID", help="Subscriber 3, or one endpoint: e7 or its address.", show_default=False)
    ] = "",
    send: Annotated[bool, typer.Option("--send", help="Ask them by mail (again) instead.")] = False,
    basis: Annotated[
        str, typer.Option("--basis", metavar="TEXT", help="How they agreed, as you can show it; kept as proof.")
    ] = "",
    again: Again = False,
    token: Annotated[
        str, typer.Option("--token", metavar="TOKEN", help="Carry out a yes that came by mail: from its subject.")
    ] = "",
) -> None:
    """Make pending endpoints active. They have agreed, and you can show it; or ask them by mail with --send."""
    from dispatch.errors import UsageError

    if bool(who) == bool(token) or (token and (send or basis)) or (send and basis):
        raise UsageError("say whom to confirm (ID, with --send or --basis TEXT if need be), or --token TOKEN alone")
    app = session(ctx).app
    if token:
        _by_mail(app, token)
    elif send:
        _send(app, who, session(ctx).act(), again=again)
    else:
        _state(app, who, basis_of(basis, confirmed=True), session(ctx).act())


def _state(app: App, who: str, basis: str, act: Act) -> None:
    from subscribers import directory
    from subscribers.model import EndpointState

    with app.database() as db:
        with db.transaction():
            subscriber, endpoints = directory.find(db, who)
            for endpoint in endpoints:
                if endpoint.state is EndpointState.PENDING:
                    directory.confirm(db, endpoint.id, basis, act)
                else:
                    warn(f"{endpoint.label} is {endpoint.state}: it stays so")
        tell(directory.get(db, subscriber.id))


def _send(app: App, who: str, act: Act, *, again: bool) -> None:
    """What was asked last and has no answer is asked again; else what they follow."""
    from subscribers import consent, directory
    from subscribers.model import EndpointState

    asked = []
    with app.database() as db, db.transaction():
        _, endpoints = directory.find(db, who)
        for endpoint in endpoints:
            if endpoint.state is EndpointState.ACTIVE:
                warn(f"{endpoint.label} is active: nobody need be asked")
                continue
            refuse_ask(app, [endpoint.address], "")
            last = consent.last_request(db, endpoint.id)
            wish = last.wish if last else consent.Wish()
            if ask(app, db, endpoint.address, wish, act, last.text if last else "", again=again):
                asked.append(endpoint)
            else:
                tell_waits(endpoint.address)
    for endpoint in asked:
        tell_asked(endpoint)


def _by_mail(app: App, token: str) -> None:
    from subscribers import consent
    from subscribers.audit import READER, Act, Way
    from subscribers.consent import Answer
    from subscribers.errors import InvalidValue
    from subscribers.suppression import Hasher
    from subscribers.tokens import Expired, Purpose, Signer

    now = app.clock.now()
    with app.database() as db:
        try:
            consent_id = Signer.load(db, now).read(Purpose.CONFIRM, token, now)
        except Expired:
            raise InvalidValue(
                "the time of this token is over; ask them again with: dispatch subscribers confirm ID --send"
            ) from None
        if consent_id is None:
            raise InvalidValue("this is not a token of ours: copy all that follows `confirm` in the subject")
        with db.transaction():
            act = Act(now, READER, Way.MAIL)
            answer, endpoint_id = consent.confirm(db, Hasher.load(db), consent_id, act, "")
    if answer is Answer.OVER:
        raise InvalidValue("what this token confirms was taken back since, or is on record no more: nothing is changed")
    say(f"e{endpoint_id}: " + ("confirmed" if answer is Answer.DONE else "was confirmed already"))
