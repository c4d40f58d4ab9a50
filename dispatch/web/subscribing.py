"""Asking to be written to: a form for strangers, and the same answer to all of them.

Nothing here tells who is a reader. What somebody asks for begins with a message to the address, and with a yes there.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from aiohttp import web

from dispatch.web.choices import Choices, Wanted
from dispatch.web.forms import Form, check_site, read_form
from dispatch.web.front import Front, ask_for
from subscribers.consent import Wish
from subscribers.errors import InvalidValue
from subscribers.model import LANGUAGES, Address, Cadence, Preferences
from subscribers.rhythm import parse_rhythm
from subscribers.tokens import Expired, Purpose

_SHORTEST = 2_000  # ms that a person needs to fill the form in
_LONGEST = 86_400_000  # ms that it may lie open
TRAP = "website"  # a field that no person sees; programs fill it in


@dataclass(frozen=True, slots=True)
class Request:
    """What the form asks for, as far as it can be read; `errors` by the name of the field."""

    address: Address | None
    wanted: Wanted
    preferences: Preferences
    first: bool
    errors: dict[str, str]


class SubscribePages:
    """`/subscribe`."""

    def __init__(self, front: Front, choices: Choices) -> None:
        self._front = front
        self._choices = choices

    async def form(self, request: web.Request) -> web.Response:
        """GET: the form; `?follow=park:…` ticks something, so that other pages can lead here."""
        language = self._front.language(request)
        ticked = tuple(request.query.getall("follow", ()))
        first = ("1",) if self._front.parts.first else ("",)
        return self._form(language, Form({"follow": ticked, "language": (language,), "first": first}), self._stamp())

    async def ask(self, request: web.Request) -> web.Response:
        """POST: queue a confirmation, or say what is wrong with the form."""
        check_site(request)
        form = await read_form(request)
        language = form.text("shown") if form.text("shown") in LANGUAGES else self._front.language(request)
        stamp, late = self._check_stamp(form.text("stamp"))
        if late:  # nothing else is looked at: programs send much
            return self._form(language, form, stamp, {"form": self._front.say(late, language)}, status=422)
        if form.text(TRAP):
            return self._front.notice("asked", language)
        found = await self._read(form, language)
        if found.errors or found.address is None:
            return self._form(language, form, stamp, found.errors, found.wanted, 422)
        await self._queue(request, language, found, found.address)
        return self._front.notice("asked", language)

    async def _queue(self, request: web.Request, language: str, found: Request, address: Address) -> None:
        wish = Wish("", found.wanted.tags, found.preferences, found.first)
        text = self._consent_text(language)
        front = self._front
        await front.parts.store.call(
            ask_for, address, wish, text, front.act(), front.origin(request), front.parts.limits
        )

    async def _read(self, form: Form, language: str) -> Request:
        errors: dict[str, str] = {}
        address = None
        try:
            address = self._front.parts.mailbox(form.text("address"))
        except InvalidValue:
            errors["address"] = self._front.say("wrong_address", language)
        wanted = await self._choices.read(
            form.all("follow"), form.text("what"), language, mentions=form.text("mentions") == "1"
        )
        if wanted.unknown:
            errors["what"] = self._front.say("wrong_what", language)
        elif not wanted.tags:
            errors["what"] = self._front.say("nothing_chosen", language)
        cadence = form.text("cadence", Cadence.NOW)
        rhythm = parse_rhythm(cadence if cadence in tuple(Cadence) else "now")
        reads = form.text("language") if form.text("language") in LANGUAGES else language
        preferences = Preferences(rhythm, reads)
        return Request(address, wanted, preferences, form.text("first") == "1", errors)

    def _form(
        self,
        language: str,
        form: Form,
        stamp: str,
        errors: dict[str, str] | None = None,
        wanted: Wanted | None = None,
        status: int = 200,
    ) -> web.Response:
        ticked = set(form.all("follow"))
        return self._front.show(
            "subscribe",
            language,
            status,
            form=form,
            stamp=stamp,
            trap=TRAP,
            errors=defaultdict(str, errors or {}),
            unknown=wanted.unknown if wanted else (),
            ticked=ticked,
            kinds=self._choices.kinds(language),
            words=self._choices.words(language),
            consent=self._consent_text(language),
        )

    def _consent_text(self, language: str) -> str:
        return self._front.say("consent", language, bulletins=self._choices.bulletins(language))

    def _stamp(self) -> str:
        """A signed word that says when the form was shown."""
        now = self._front.parts.clock.now()
        return self._front.parts.signer.token(Purpose.FORM, now, now + _LONGEST)

    def _check_stamp(self, stamp: str) -> tuple[str, str]:
        """The stamp to go on with, and the words for why this one will not do ("": it will)."""
        now = self._front.parts.clock.now()
        try:
            shown = self._front.parts.signer.read(Purpose.FORM, stamp, now)
        except Expired:
            shown = None
        if shown is None:
            return self._stamp(), "form_old"
        return stamp, "form_fast" if now - shown < _SHORTEST else ""
