"""Saying yes to what was asked: a GET shows what it is, a POST confirms. Mail scanners follow every link."""

from __future__ import annotations

from aiohttp import web

from dispatch.web.choices import Choices
from dispatch.web.forms import check_site, read_form
from dispatch.web.front import Front, Over, ask_for
from subscribers import consent, directory
from subscribers.audit import Act
from subscribers.consent import Answer, Question, Wish
from subscribers.database import Database
from subscribers.errors import NotFound
from subscribers.model import Endpoint
from subscribers.suppression import Hasher
from subscribers.tokens import Purpose


def look(db: Database, consent_id: int) -> tuple[Question, Endpoint] | None:
    """What was asked, and whose it is; None where that is over for good."""
    found = consent.question(db, consent_id)
    if found is None or found.answer is Answer.OVER:
        return None
    try:
        return found, directory.endpoint(db, found.endpoint_id)
    except NotFound:
        return None


def carry_out(db: Database, consent_id: int, act: Act, origin: str) -> Answer:
    """Say yes."""
    with db.transaction():
        answer, _ = consent.confirm(db, Hasher.load(db), consent_id, act, origin)
    return answer


def _shown(endpoint: Endpoint, wish: Wish, *, done: bool) -> tuple[str, ...]:
    """The follows to name: those asked for; who comes back has those from before."""
    return endpoint.follows if done else wish.follows or endpoint.follows


class ConfirmPages:
    """`/c/{token}`. Who holds the link has the mailbox: it was sent nowhere else."""

    def __init__(self, front: Front, choices: Choices) -> None:
        self._front = front
        self._choices = choices

    async def ask(self, request: web.Request) -> web.Response:
        """GET and HEAD: what will be confirmed."""
        try:
            consent_id = self._front.read(request, Purpose.CONFIRM)
        except Over:
            return await self._late(request)
        return await self._show(request, consent_id)

    async def confirm(self, request: web.Request) -> web.Response:
        """POST: confirm; or, with `again=1` and a token whose time is over, send another."""
        check_site(request)
        form = await read_form(request)
        try:
            consent_id = self._front.read(request, Purpose.CONFIRM)
        except Over:
            return await (self._again(request) if form.text("again") == "1" else self._late(request))
        front = self._front
        known = await front.parts.store.call(look, consent_id)
        if known is None:
            return self._over(request)
        await front.parts.store.call(carry_out, consent_id, front.act(), front.origin(request))
        return await self._show(request, consent_id)

    async def _show(self, request: web.Request, consent_id: int) -> web.Response:
        known = await self._front.parts.store.call(look, consent_id)
        if known is None:
            return self._over(request)
        question, endpoint = known
        wish = question.wish
        language = (wish.preferences or endpoint.preferences).language
        done = question.answer is Answer.ALREADY
        token = self._front.parts.signer.token(Purpose.PREFERENCES, endpoint.id) if done else ""
        return self._front.show(
            "confirm",
            language,
            key="confirmed" if done else "confirm",
            labels=[self._choices.label(tag, language) for tag in _shown(endpoint, wish, done=done)],
            preferences=f"../p/{token}" if token else "",
            text=question.text,
            cadence=(wish.preferences or endpoint.preferences).rhythm.cadence.value,
            first=wish.first,
        )

    async def _late(self, request: web.Request) -> web.Response:
        """The time is over: another can be sent, unless a yes was said meanwhile."""
        consent_id = self._front.read(request, Purpose.CONFIRM, ever=True)
        known = await self._front.parts.store.call(look, consent_id)
        if known is None:
            return self._over(request)
        question, endpoint = known
        language = endpoint.preferences.language
        if question.answer is Answer.ALREADY:
            return self._front.notice("confirmed_before", language)
        return self._front.notice("confirm_late", language, 410, button="again")

    async def _again(self, request: web.Request) -> web.Response:
        front = self._front
        consent_id = front.read(request, Purpose.CONFIRM, ever=True)
        known = await front.parts.store.call(look, consent_id)
        if known is None:
            return self._over(request)
        question, endpoint = known
        if question.answer is Answer.DONE:
            await front.parts.store.call(
                ask_for,
                endpoint.address,
                question.wish,
                question.text,
                front.act(),
                front.origin(request),
                front.parts.limits,
            )
        return front.notice("asked", endpoint.preferences.language)

    def _over(self, request: web.Request) -> web.Response:
        front = self._front
        place = "../subscribe" if front.parts.subscribe else ""
        return front.notice("confirm_over", front.language(request), 410, subscribe=place)
