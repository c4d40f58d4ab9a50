"""What a reader gets, and how: shown and changed by the signed link that stands in their messages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import urlsplit

from aiohttp import web

from dispatch.delivery import rights
from dispatch.web import wishes
from dispatch.web.choices import MOST, Choices, Unknown
from dispatch.web.forms import Form, check_site, read_form
from dispatch.web.front import Front, ask_for, see
from subscribers import directory
from subscribers.audit import Act
from subscribers.consent import Wish
from subscribers.database import Database
from subscribers.errors import InvalidValue, NotFound
from subscribers.model import Address, Endpoint, EndpointState, Preferences
from subscribers.tokens import Purpose

DONE = ("followed", "dropped", "saved", "paused", "resumed", "asked", "mailed")
_NO_FORM = Form({})


def masked(address: Address) -> str:
    """An address as its owner knows it again, and nobody else learns it: z***@example.cn, ***42, https://host/***."""
    if address.channel == "email":
        name, _, domain = address.address.rpartition("@")
        return f"{name[:1]}***@{domain}"
    if address.channel == "webhook":
        parts = urlsplit(address.address)
        return f"{parts.scheme}://{parts.hostname}/***"
    return f"***{address.address[-2:]}"


def look(db: Database, endpoint_id: int) -> Endpoint | None:
    """The endpoint of a token; None where nobody is there any more, or where many are, and none of them may change
    anything by a link that all can open."""
    try:
        endpoint = directory.endpoint(db, endpoint_id)
    except NotFound:
        return None
    return None if endpoint.state is EndpointState.GONE or endpoint.address.shared else endpoint


def follow(db: Database, endpoint_id: int, tags: Sequence[str], act: Act, *, first: bool) -> bool:
    """Follow more; whether there is room for it."""
    with db.transaction():
        endpoint = directory.endpoint(db, endpoint_id)
        if len({*endpoint.follows, *tags}) > MOST:
            return False
        directory.follow(db, endpoint_id, tags, act, first=first)
    return True


def drop(db: Database, endpoint_id: int, tags: Sequence[str], act: Act) -> None:
    with db.transaction():
        directory.unfollow(db, endpoint_id, tags, act)


def save(db: Database, endpoint_id: int, preferences: Preferences, act: Act) -> None:
    with db.transaction():
        if directory.endpoint(db, endpoint_id).preferences != preferences:
            directory.set_preferences(db, endpoint_id, preferences, act)


def pause(db: Database, endpoint_id: int, until: int | None, act: Act) -> None:
    """Pause; what an administrator paused is theirs to resume."""
    with db.transaction():
        endpoint = directory.endpoint(db, endpoint_id)
        if endpoint.state is not EndpointState.PAUSED or endpoint.resumable:
            directory.pause(db, endpoint, act, until)


def resume(db: Database, endpoint_id: int, act: Act) -> None:
    """End a pause of the reader's own, or one that came of mail that could not be delivered."""
    with db.transaction():
        endpoint = directory.endpoint(db, endpoint_id)
        if endpoint.resumable:
            directory.resume(db, endpoint, act)


def leave(db: Database, endpoint_id: int, act: Act, origin: str) -> None:
    with db.transaction():
        directory.opt_out(db, endpoint_id, act, origin)


def mail_right(db: Database, endpoint_id: int, kind: str, now: int) -> None:
    """Queue the mail with the link to one's data, or to their end, unless there were too many lately."""
    with db.transaction():
        rights.queue(db, kind, endpoint_id, now)


class PreferencesPages:
    """`/p/{token}`."""

    def __init__(self, front: Front, choices: Choices) -> None:
        self._front = front
        self._choices = choices
        self._store = front.parts.store
        self._ways: dict[str, Callable[[web.Request, Endpoint, Form], Awaitable[web.Response]]] = {
            "follow": self._follow,
            "drop": self._drop,
            "settings": self._settings,
            "pause": self._pause,
            "resume": self._resume,
            "leave": self._leave,
            "back": self._back,
            "data": self._data,
            "erase": self._erase,
        }

    async def show(self, request: web.Request) -> web.Response:
        """GET and HEAD: everything as it is. `?done=` says what was done last."""
        endpoint = await self._find(request)
        return self._page(request, endpoint) if endpoint else self._gone(request)

    async def change(self, request: web.Request) -> web.Response:
        """POST: do what the form says, and show the page again; or show what is wrong beside its field."""
        check_site(request)
        endpoint = await self._find(request)
        if endpoint is None:
            return self._gone(request)
        form = await read_form(request)
        way = self._ways.get(form.text("do"))
        if way is None:
            raise web.HTTPBadRequest
        try:
            return await way(request, endpoint, form)
        except NotFound:  # erased in the same moment
            return self._gone(request)

    async def _find(self, request: web.Request) -> Endpoint | None:
        return await self._store.call(look, self._front.read(request, Purpose.PREFERENCES))

    async def _follow(self, request: web.Request, endpoint: Endpoint, form: Form) -> web.Response:
        language = endpoint.preferences.language
        mentions = form.text("mentions") == "1"
        wanted = await self._choices.read(form.all("follow"), form.text("what"), language, mentions=mentions)
        if wanted.unknown:
            return self._page(request, endpoint, form, {"what": "wrong_what"}, wanted.unknown)
        if not wanted.tags:
            return self._page(request, endpoint, form, {"what": "nothing_chosen"})
        first = form.text("first") == "1"
        if not await self._store.call(follow, endpoint.id, wanted.tags, self._front.act(), first=first):
            return self._page(request, endpoint, form, {"what": "too_many"})
        return see("?done=followed#follows")

    async def _drop(self, request: web.Request, endpoint: Endpoint, form: Form) -> web.Response:
        await self._store.call(drop, endpoint.id, form.all("tag"), self._front.act())
        return see("?done=dropped#follows")

    async def _settings(self, request: web.Request, endpoint: Endpoint, form: Form) -> web.Response:
        preferences, errors = wishes.read(wishes.sent(form))
        if preferences is None:
            return self._page(request, endpoint, form, errors)
        await self._store.call(save, endpoint.id, preferences, self._front.act())
        return see("?done=saved#settings")

    async def _pause(self, request: web.Request, endpoint: Endpoint, form: Form) -> web.Response:
        act = self._front.act()
        try:
            until = wishes.pause_end(form.text("until"), endpoint.preferences.rhythm.timezone, act.at)
        except InvalidValue:
            return self._page(request, endpoint, form, {"until": "wrong_day"})
        await self._store.call(pause, endpoint.id, until, act)
        return see("?done=paused#pause")

    async def _resume(self, request: web.Request, endpoint: Endpoint, form: Form) -> web.Response:
        await self._store.call(resume, endpoint.id, self._front.act())
        return see("?done=resumed#pause")

    async def _leave(self, request: web.Request, endpoint: Endpoint, form: Form) -> web.Response:
        await self._store.call(leave, endpoint.id, self._front.act(), self._front.origin(request))
        return see(f"../u/{self._front.parts.signer.leave(endpoint.id)}")

    async def _back(self, request: web.Request, endpoint: Endpoint, form: Form) -> web.Response:
        """Who left comes back by double opt-in, as anybody: the link may stand in a message that was passed on."""
        if not self._may_come_back(endpoint):
            raise web.HTTPBadRequest
        front, language = self._front, endpoint.preferences.language
        text = front.say("consent", language, bulletins=self._choices.bulletins(language))
        await self._store.call(
            ask_for, endpoint.address, Wish(), text, front.act(), front.origin(request), front.parts.limits
        )
        return see("?done=asked")

    async def _data(self, request: web.Request, endpoint: Endpoint, form: Form) -> web.Response:
        return await self._mail_right(rights.DATA, endpoint)

    async def _erase(self, request: web.Request, endpoint: Endpoint, form: Form) -> web.Response:
        return await self._mail_right(rights.ERASE, endpoint)

    async def _mail_right(self, kind: str, endpoint: Endpoint) -> web.Response:
        """The link goes to the mailbox: this page's stands in messages that are passed on, or that a group reads."""
        if not self._has_rights(endpoint):
            raise web.HTTPBadRequest
        await self._store.call(mail_right, endpoint.id, kind, self._front.act().at)
        return see("?done=mailed#data")

    def _has_rights(self, endpoint: Endpoint) -> bool:
        return self._front.parts.rights is not None and endpoint.address.channel == "email"

    def _may_come_back(self, endpoint: Endpoint) -> bool:
        return endpoint.state is EndpointState.SUPPRESSED and endpoint.address.channel == "email"

    def _page(
        self,
        request: web.Request,
        endpoint: Endpoint,
        form: Form = _NO_FORM,
        errors: Mapping[str, str] | None = None,
        unknown: Sequence[Unknown] = (),
    ) -> web.Response:
        language = endpoint.preferences.language
        timezone = endpoint.preferences.rhythm.timezone
        until, now = endpoint.paused_until, self._front.parts.clock.now()
        done = request.query.get("done", "") if request.method != "POST" else ""
        return self._front.show(
            "preferences",
            language,
            422 if errors else 200,
            endpoint=endpoint,
            state=endpoint.state.value,
            address=masked(endpoint.address),
            follows=[(tag, self._choices.label(tag, language)) for tag in endpoint.follows],
            fields=wishes.sent(form) if form.text("do") == "settings" else wishes.shown(endpoint.preferences),
            form=form if form is not _NO_FORM or not self._front.parts.first else Form({"first": ("1",)}),
            errors=defaultdict(str, {name: self._front.say(key, language) for name, key in (errors or {}).items()}),
            unknown=unknown,
            ticked=set(form.all("follow")),
            kinds=self._choices.kinds(language),
            words=self._choices.words(language),
            zones=wishes.ZONES,
            days=wishes.days_to_choose(timezone, now),
            own_pause=endpoint.resumable,
            paused_until=wishes.day_of(until, timezone) if until else None,
            may_come_back=self._may_come_back(endpoint),
            rights=self._has_rights(endpoint),
            done=done if done in DONE else "",
        )

    def _gone(self, request: web.Request) -> web.Response:
        place = "../subscribe" if self._front.parts.subscribe else ""
        return self._front.notice("gone", self._front.language(request), 410, subscribe=place)
