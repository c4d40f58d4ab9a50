"""Leaving, by the link in a message (RFC 8058): a GET asks and changes nothing, a POST acts at once.

What is followed in a group is its administrators' to change, and nobody's who holds a link.

Who has left may say why, and may ask to come back, which goes by double opt-in: the link may stand in a message that
was passed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from dispatch.web.choices import Choices
from dispatch.web.forms import check_site, read_form
from dispatch.web.front import Front, ask_for
from subscribers import audit, directory
from subscribers.audit import Act
from subscribers.consent import Wish
from subscribers.database import Database, queries
from subscribers.errors import NotFound
from subscribers.model import Address, EndpointState, is_shared
from subscribers.tokens import Leave

SQL = queries(Path(__file__).with_name("leaving.sql"))
SAID_WHY = "said why"  # the action on record
WHY = ("often", "other", "elsewhere", "quality", "unasked")  # reasons to choose from
_MOST_CHARACTERS = 500  # of what somebody writes beside it
_MOST_TOLD = 3  # reasons that are kept of an endpoint: the link works for ever, and for whoever has it


@dataclass(frozen=True, slots=True)
class Reader:
    """What a page may know of the endpoint of a token. `language` is "" where the endpoint is no longer known."""

    language: str
    left: bool
    follows: bool
    channel: str = ""
    shared: bool = False  # many people read there, and none of them may change it by a link

    @property
    def known(self) -> bool:
        """Whether the endpoint is still kept."""
        return bool(self.language)

    @property
    def may_come_back(self) -> bool:
        """Whether a confirmation can be sent."""
        return self.channel == "email"


def look(db: Database, leave: Leave) -> Reader:
    """Whom a token is about; an endpoint that is not known any more gets nothing, whoever its address is now."""
    row = db.one(SQL["reader"], {"id": leave.endpoint_id, "tag": leave.tag})
    if row is None:
        return Reader("", left=True, follows=False)
    left = row["state"] == EndpointState.SUPPRESSED
    shared = is_shared(row["channel"], row["address"])
    return Reader(row["language"], left, bool(row["follows"]), row["channel"], shared)


def carry_out(db: Database, leave: Leave, act: Act, origin: str) -> Reader:
    """Do what a token says, all of it or nothing; who the reader was before. Doing it twice changes nothing more."""
    with db.transaction():
        reader = look(db, leave)
        if reader.shared:
            return reader
        if leave.tag:
            directory.unfollow(db, leave.endpoint_id, [leave.tag], act)
        elif not reader.left:  # the first opt-out keeps its time; also an address that is gone may come back
            directory.opt_out(db, leave.endpoint_id, act, origin)
    return reader


def has_left(reader: Reader, leave: Leave) -> bool:
    return reader.left or (bool(leave.tag) and not reader.follows)


def tell_why(db: Database, leave: Leave, why: str, words: str, act: Act) -> Reader:
    """Keep the reason of somebody who has left."""
    with db.transaction():
        reader = look(db, leave)
        told = db.value(SQL["reasons_told"], {"id": str(leave.endpoint_id), "action": SAID_WHY})
        if reader.known and not reader.shared and has_left(reader, leave) and told < _MOST_TOLD:
            detail = {"why": why, "words": words, "follow": leave.tag}
            detail = {key: value for key, value in detail.items() if value}
            audit.record(db, act, SAID_WHY, audit.ENDPOINT, leave.endpoint_id, detail)
    return reader


def address_of(db: Database, leave: Leave) -> tuple[Reader, Address | None]:
    """Where somebody who has left is asked whether they come back."""
    reader = look(db, leave)
    if not reader.may_come_back or not has_left(reader, leave):
        return reader, None
    try:
        return reader, directory.endpoint(db, leave.endpoint_id).address
    except NotFound:
        return reader, None


class LeavePages:
    """`/u/{token}`. The pages never show whose token it is: who finds a forwarded message learns no address."""

    def __init__(self, front: Front, choices: Choices) -> None:
        self._front = front
        self._choices = choices
        self._store = front.parts.store

    async def ask(self, request: web.Request) -> web.Response:
        """GET and HEAD: what would happen, and a form. Mail scanners follow every link, so nothing changes."""
        leave = self._read(request)
        reader = await self._store.call(look, leave)
        if not reader.known:
            return self._older(request)
        if reader.shared:
            return self._shared(request, reader)
        name = "left" if has_left(reader, leave) else "leave"
        return self._page(request, name, reader, "" if reader.left else leave.tag)

    async def leave(self, request: web.Request) -> web.Response:
        """POST: leave, or drop the follow of the token. Any body will do, and from anywhere, for nobody posts by
        accident, and whoever wants to leave should not fail for the form of it; only `all=1` makes a difference."""
        leave = self._read(request)
        if (await read_form(request)).text("all") == "1":
            leave = Leave(leave.endpoint_id)
        reader = await self._store.call(carry_out, leave, self._front.act(), self._front.origin(request))
        if not reader.known:
            return self._older(request)
        if reader.shared:
            return self._shared(request, reader)
        return self._page(request, "left", reader, "" if reader.left else leave.tag)

    def _older(self, request: web.Request) -> web.Response:
        """Nobody is left for this link, but the address may have been subscribed anew: "you have left" might be wrong,
        also for a mail program that posts."""
        return self._front.notice("older", self._front.language(request), 410)

    def _shared(self, request: web.Request, reader: Reader) -> web.Response:
        return self._front.notice("shared", self._language(request, reader), 403)

    async def why(self, request: web.Request) -> web.Response:
        """POST: the reason, which nobody has to give."""
        leave = self._read(request)
        check_site(request)
        form = await read_form(request)
        why = form.text("why") if form.text("why") in WHY else ""
        words = form.text("words")[:_MOST_CHARACTERS]
        if why or words:
            reader = await self._store.call(tell_why, leave, why, words, self._front.act())
        else:
            reader = await self._store.call(look, leave)
        return self._front.notice("thanks", self._language(request, reader))

    async def back(self, request: web.Request) -> web.Response:
        """POST: ask to be written to again, or to follow again."""
        leave = self._read(request)
        check_site(request)
        reader, address = await self._store.call(address_of, leave)
        language = self._language(request, reader)
        if address is not None:
            wish = Wish(follows=(leave.tag,) if leave.tag else ())
            front = self._front
            text = front.say("consent", language, bulletins=self._choices.bulletins(language))
            await self._store.call(ask_for, address, wish, text, front.act(), front.origin(request), front.parts.limits)
        return self._front.notice("asked", language)

    def _read(self, request: web.Request) -> Leave:
        leave = self._front.parts.signer.read_leave(request.match_info["token"])
        if leave is None:
            raise web.HTTPNotFound
        return leave

    def _language(self, request: web.Request, reader: Reader) -> str:
        return reader.language or self._front.language(request)

    def _page(self, request: web.Request, name: str, reader: Reader, tag: str) -> web.Response:
        language = self._language(request, reader)
        return self._front.show(
            name,
            language,
            label=self._choices.label(tag, language) if tag else "",
            token=request.match_info["token"],
            may_come_back=reader.may_come_back,
            reasons=WHY,
        )
