"""What becomes of an update: a handler is asked, what it wants is done, and the replies are made."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from aiogram import Dispatcher
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.methods import SendMessage
from aiogram.types import Update

from dispatch.bot import inbox, signs
from dispatch.bot.desk import Desk, Later, Office, Replies, Step
from dispatch.bot.inbox import Open
from dispatch.bot.routers import routers
from dispatch.bot.speaking import packed
from dispatch.bot.staging import Staged, Staging
from dispatch.bot.standing import Administrators
from dispatch.bot.turns import Speech
from dispatch.bot.voice import spoken, text, voice
from dispatch.errors import DispatchError
from dispatch.logs import kind_and_place
from subscribers.errors import DatabaseError, SubscriberError

if TYPE_CHECKING:
    from aiogram import Bot

    from dispatch.bot.shelf import Shelf
    from dispatch.bot.speaking import Speaker
    from dispatch.delivery.clock import Clock
    from dispatch.delivery.store import Store
    from subscribers.database import Database

log = logging.getLogger(__name__)
Result = TypeVar("Result")

_LOCKED = 1.0  # seconds until a store is asked again that was locked or full


class Handler:
    """Handles the updates of one bot, as `Turns` gives each its turn."""

    def __init__(self, api: Bot, office: Office, store: Store, clock: Clock, shelf: Shelf, speaker: Speaker) -> None:
        self._api = api
        self._office = office
        self._store = store
        self._clock = clock
        self._shelf = shelf
        self._speaker = speaker
        self._administrators = Administrators(api, clock)
        self._dispatcher = _dispatcher(Staging(office.number, store, self._administrators))

    async def handle(self, update: Open) -> Speech:
        """Handle an update, however often the store is locked; what makes the replies to it."""
        later = await self._insistently(self._answered, update) if update.body else []
        if not update.body and update.begun:
            await self._insistently(self._left, update)

        async def speech() -> None:
            try:
                await self._insistently(self._speak, update)
            finally:
                await self._do_later(later)

        return speech

    async def _left(self, update: Open) -> None:
        await self._store.call(signs.left, self._office.number, update.update_id)

    async def _insistently(self, work: Callable[[Open], Awaitable[Result]], update: Open) -> Result:
        """Do something about an update until the store takes it."""
        while True:
            try:
                return await work(update)
            except DatabaseError as error:
                log.error("an update cannot be handled now: %s", error)
                await self._clock.sleep(_LOCKED)

    async def _answered(self, update: Open) -> list[Later]:
        """Handle an update and note the replies to it; what is to be done when they are made."""
        try:
            made = await self._dispatcher.feed_update(
                self._api,
                Update.model_validate_json(update.body, context={"bot": self._api}),
                office=self._office,
                administrators=self._administrators,
                store=self._store,
                clock=self._clock,
                shelf=self._shelf,
            )
        except DatabaseError:
            raise  # it is handled once the store answers again
        except Exception as error:
            log.error("update %d: %s", update.update_id, kind_and_place(error))
            made = UNHANDLED
        return await self._store.call(self._carry_out, update.update_id, made)

    def _carry_out(self, db: Database, update_id: int, made: Any) -> list[Later]:
        """Do what a handler wants done and note the replies, or neither."""
        try:
            return self._commit(db, update_id, made)
        except (DispatchError, SubscriberError) as error:
            if isinstance(error, DatabaseError):
                raise
            log.info("update %d was refused: %s", update_id, error)
            return self._commit(db, update_id, _excused(made, _sorry))
        except Exception as error:
            # Nobody foresaw it: that must not keep the bot from answering others, nor this update coming up for ever.
            log.error("update %d: %s", update_id, kind_and_place(error))
            return self._commit(db, update_id, _excused(made, _broken))

    def _commit(self, db: Database, update_id: int, made: Any) -> list[Later]:
        with db.transaction():
            if not inbox.is_open(db, self._office.number, update_id):
                return []
            replies, later = self._replies(db, made)
            inbox.handled(db, self._office.number, update_id, packed(replies))
            signs.handled(db, self._office.number, self._clock.now())
        return later

    def _replies(self, db: Database, made: Any) -> tuple[Replies, list[Later]]:
        if isinstance(made, Staged):
            desk = Desk(db, self._office, made.scene, self._clock.now())
            return [*made.step(desk), *desk.asides], desk.later
        return made if isinstance(made, list) else [], []

    async def _do_later(self, work: Sequence[Later]) -> None:
        """What fails is left to whoever else finds it."""
        for item in work:
            try:
                await self._store.call(item)
            except Exception as error:
                log.error("what follows an update failed: %s", kind_and_place(error))

    async def _speak(self, update: Open) -> None:
        """Make the replies, as they stand in the store: after trouble some are made."""
        found = await self._store.call(inbox.one, self._office.number, update.update_id)
        if found is None or found.body:
            return
        if await self._speaker.speak(update.update_id, found.replies, found.begun):
            await self._store.call(inbox.ended, self._office.number, update.update_id)

    async def refuse(self, update: Open, first: bool) -> None:
        """An update that is one too many of its user: it is not handled, and the user is told once."""
        try:
            replies = packed(_too_many(update)) if first and update.body else ""
            if replies:
                log.warning("a chat user sends more than can be answered")
                await self._store.call(inbox.handled, self._office.number, update.update_id, replies)
                await self._speak(update)
            elif update.body:
                await self._store.call(inbox.ended, self._office.number, update.update_id)
        except (DatabaseError, ValueError) as error:
            log.error("an update cannot be refused now: %s", kind_and_place(error))


def _too_many(update: Open) -> list[SendMessage]:
    found = Update.model_validate_json(update.body)
    message = found.message
    if message is None or message.chat.type != "private":
        return []
    say = voice(spoken(message.from_user.language_code if message.from_user else None))
    words = say("您发得太快了，有些消息没有处理。请慢一点。")
    return [SendMessage(chat_id=message.chat.id, text=words, parse_mode="HTML")]


def _dispatcher(staging: Staging) -> Dispatcher:
    """Finds the handler of an update; what people do is staged before it."""
    found = Dispatcher(disable_fsm=True)
    found.include_routers(*routers())
    for observer in (found.message, found.callback_query, found.inline_query):
        observer.middleware(staging)
    return found


def _excused(made: Any, step: Step) -> Any:
    return replace(made, step=step) if isinstance(made, Staged) else []


def _sorry(desk: Desk) -> Replies:
    return desk.told(text("这个操作现在无法完成。请稍后再试，或发送 /help。"))


def _broken(desk: Desk) -> Replies:
    return desk.told(text("出了点问题，这条消息没有处理。请稍后再试。"))
