"""What all pages that know a reader are made with, and how they answer."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web

from dispatch.catalog import Catalog
from dispatch.delivery import confirmations
from dispatch.delivery.clock import Clock
from dispatch.digests.selection import Selection
from dispatch.model import Content
from dispatch.web.guard import PRIVATE, html
from dispatch.web.language import preferred
from dispatch.web.network import Network, origin
from dispatch.web.pages import Pages
from dispatch.web.patience import Calls
from dispatch.web.reading import Offers, no_offers
from dispatch.web.updates import Post
from subscribers import consent
from subscribers.audit import READER, Act, Way
from subscribers.consent import Limits, Wish
from subscribers.database import Database
from subscribers.model import Address
from subscribers.suppression import Hasher
from subscribers.tokens import Expired, Purpose, Signer


class Rights(Protocol):
    """What a reader may have done with all that is stored about them."""

    def data(self, db: Database, subscriber_id: int) -> Mapping[str, Any]:
        """All of it, as JSON has it. Raises NotFound."""

    def erase(self, db: Database, subscriber_id: int, act: Act) -> bool:
        """Remove the person everywhere, by transactions of its own; whether that is done. If not, something is being
        sent to them right now, and it has to be called again. Raises NotFound."""


class Wholes(Protocol):
    """What makes the bodies that messages to webhooks had to cut (`dispatch.channels.webhook.whole`)."""

    def standing(self, db: Database, selection: Selection) -> Hashable | None:
        """How the digests stand: as long as that is the same, so is the body. None where they may not be read."""

    def content(self, db: Database, selection: Selection) -> Content | None:
        """What the message had to say; None where that is kept no longer."""

    def body(self, content: Content) -> bytes:
        """JSON in UTF-8; called beside the event loop, and away from the store."""


@dataclass(frozen=True)
class Parts:
    """What the pages work with.

    `mailbox(text)` checks an email address and raises InvalidValue. `subscribe` is whether strangers may ask to be
    written to, `trusted` which proxies are believed, `first` whether a new follower gets the newest digest unless they
    say otherwise. `updates` are the bots whose updates are posted here; `offers` gives, for tags and a language, what
    of them can be followed in a chat; `wholes` is what answers programs, where webhooks may lead here.
    """

    store: Calls
    signer: Signer
    catalog: Catalog
    clock: Clock
    mailbox: Callable[[str], Address]
    rights: Rights | None = None
    subscribe: bool = True
    trusted: Sequence[Network] = ()
    limits: Limits = field(default_factory=Limits)
    first: bool = False
    updates: Mapping[str, Post] = field(default_factory=dict)
    wholes: Wholes | None = None
    offers: Offers = no_offers


class Over(Exception):
    """The time of a token is over."""


class Front:
    """Reads who asks, and answers with a page."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self.parts = parts
        self._pages = pages

    def act(self) -> Act:
        """What a reader does now, by a page."""
        return Act(self.parts.clock.now(), READER, Way.PAGE)

    def origin(self, request: web.Request) -> str:
        """The network address that asks."""
        return origin(request, self.parts.trusted)

    def read(self, request: web.Request, purpose: Purpose, *, ever: bool = False) -> int:
        """What the token of the address is about; with `ever` also when its time is over. No store is asked, so that
        guessing costs us nothing. Raises HTTPNotFound for a token that is none, and Over."""
        now = 0 if ever else self.parts.clock.now()
        try:
            found = self.parts.signer.read(purpose, request.match_info["token"], now)
        except Expired:
            raise Over from None
        if found is None:
            raise web.HTTPNotFound
        return found

    def language(self, request: web.Request) -> str:
        """That of a reader who is not known."""
        return preferred(request.headers.get("Accept-Language", ""), request.query.get("lang", ""))

    def show(self, name: str, language: str, status: int = 200, **values: object) -> web.Response:
        """A page that nobody keeps or indexes."""
        return html(self._pages.render(name, language, **values), PRIVATE, status)

    def say(self, key: str, language: str, **values: object) -> str:
        return self._pages.say(key, language, **values)

    def notice(self, key: str, language: str, status: int = 200, **values: object) -> web.Response:
        """A page of a heading and a sentence: the words `KEY_title` and `KEY_text`."""
        return self.show("notice", language, status, key=key, **{"subscribe": False, "preferences": "", **values})


def see(place: str) -> web.Response:
    """Go on with a GET of another page of ours: `place` is relative to this one (RFC 9110, 15.4.4)."""
    return web.Response(status=303, headers={**PRIVATE, "Location": place})


def ask_for(db: Database, address: Address, wish: Wish, text: str, act: Act, origin: str, limits: Limits) -> None:
    """Queue the confirmation that somebody asks for, unless too many were asked for lately. A request without a network
    address is counted too."""
    with db.transaction():
        asked = consent.ask(db, Hasher.load(db), address, wish, text, act, origin or "unknown", limits)
        if asked is not None:
            confirmations.queue(db, asked, act.at)
