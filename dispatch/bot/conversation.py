"""One bot's conversation: updates come in by long polling or webhook, are written down, handled in turns, answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

<<<<<<< HEAD
from aiogram import Dispatcher
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.exceptions import (
    AiogramError,
    TelegramConflictError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.methods import SendMessage
from aiogram.types import Update

from dispatch.bot import inbox, signs
from dispatch.bot.commands import introduce
from dispatch.bot.desk import Desk, Later, Office, Replies, Step
from dispatch.bot.inbox import Open
from dispatch.bot.links import note_name
from dispatch.bot.routers import routers
=======
from dispatch.bot.handling import Handler
from dispatch.bot.patience import Patience
from dispatch.bot.receiving import Receiver
>>>>>>> main
from dispatch.bot.shelf import Shelf
from dispatch.bot.speaking import Speaker
from dispatch.bot.starting import Wishes, start
from dispatch.bot.turns import Turns
from dispatch.delivery.store import Store
from subscribers.database import Database

if TYPE_CHECKING:
    from dispatch.bot.desk import Office
    from dispatch.channels.telegram_bots import SharedBot
    from dispatch.delivery.clock import Clock
    from dispatch.digests.render import Renderer


@dataclass(frozen=True, slots=True)
class Reading:
    """What it takes to show people what is in the archive: a connection to the store, and what writes articles down."""

    connect: Callable[[], Database]
    renderer: Renderer


class Conversation:
    """Serves until it is stopped. `office` lacks the name of the bot, which the API tells. What people read and search
    is looked up over a connection of its own, by `reading`."""

    def __init__(
        self,
        line: SharedBot,
        office: Office,
        store: Store,
        clock: Clock,
        reading: Reading,
        wishes: Wishes,
    ) -> None:
        self._line = line
        self._office = office
        self._store = store
        self._clock = clock
        self._reading = reading
        self._wishes = wishes
<<<<<<< HEAD
        self._poll = poll
        self._number = office.number
        self._turns = Turns(self._handle, self._refuse, clock)
        self._offset: int | None = None  # from which on updates are asked for; None: as it is written down
        self._pruned = 0.0
        self._in_turn: set[int] = set()  # the updates that have a turn
        self._over = asyncio.Event()
        how = "webhook" if wishes.webhook else "polling"
        self._signs = signs.Signs(store, office.number, line.name, how)
        self._speaker = Speaker(line, store, office.number, clock, self._over)
        self._dispatcher = Dispatcher(disable_fsm=True)
        self._dispatcher.include_routers(*routers())
        self._administrators = Administrators(line.api, clock)
        staging = Staging(self._number, store, self._administrators)
        for observer in (self._dispatcher.message, self._dispatcher.callback_query, self._dispatcher.inline_query):
            observer.middleware(staging)
=======
        self._patience = Patience(line, clock)
>>>>>>> main

    async def serve(self, stopping: asyncio.Event) -> None:
        """Answer until `stopping`; what came in by then and has no answer has it after the next start."""
        stop = asyncio.create_task(stopping.wait())
        try:
            if not await _or_stop(self._start(), stop):
                return
            async with self._answering() as receiver:
                await receiver.take_up()
                while not stopping.is_set():
                    await _or_stop(receiver.receive(), stop)
        finally:
            stop.cancel()

    async def _start(self) -> None:
        self._office = await start(self._line.api, self._office, self._wishes, self._store, self._patience)

    @asynccontextmanager
    async def _answering(self) -> AsyncIterator[Receiver]:
        """What is received inside is answered, and what can be read is at hand; at the end what is being handled has
        been."""
        api, office, store, clock = self._line.api, self._office, self._store, self._clock
        over = asyncio.Event()
        async with Store(self._reading.connect) as beside:
            shelf = Shelf(beside, office, self._reading.renderer, clock)
            speaker = Speaker(self._line, store, office.number, clock, over)
            handler = Handler(api, office, store, clock, shelf, speaker)
            turns = Turns(handler.handle, handler.refuse, clock)
            posted = bool(self._wishes.webhook)
            indexing = asyncio.create_task(shelf.index())
            try:
                yield Receiver(api, office.number, store, clock, turns, self._patience, posted=posted)
            finally:
                over.set()
                await turns.stop()
                indexing.cancel()
                await asyncio.gather(indexing, return_exceptions=True)


<<<<<<< HEAD
    # ------------------------------------------------------------------------------------------- beginning

    async def _begin(self) -> None:
        """Find out who the bot is, say what it can do, and how it wants its updates."""
        await self._insist(self._who)
        await self._insist(self._settle)
        try:
            await self._store.call(note_name, self._number, self._office.username)
        except DatabaseError as error:
            log.error("the name of the bot cannot be noted, so pages and mails may lack links to it: %s", error)
        await self._signs.well(self._clock.now())

    async def _who(self) -> None:
        me = await self._line.api.get_me()
        self._office = replace(self._office, number=me.id, username=me.username or "")

    async def _settle(self) -> None:
        api, wishes = self._line.api, self._wishes
        if wishes.webhook:
            await api.set_webhook(wishes.webhook, secret_token=wishes.secret, allowed_updates=list(ALLOWED))
        else:
            await api.delete_webhook()
        await introduce(api, self._office)
        log.info("bot @%s talks (%s)", self._office.username, "webhook" if wishes.webhook else "long polling")

    def _clean(self, words: str) -> str:
        return without_token(words, self._line.settings.token.get_secret_value())

    async def _insist(self, work: Callable[[], Any]) -> None:
        for tries in range(1_000_000):
            try:
                await work()
                return
            except AiogramError as error:
                await self._trouble(error, tries)

    async def _trouble(self, error: AiogramError, tries: int) -> None:
        """Wait as long as an error asks for."""
        pause = _PAUSES[min(tries, len(_PAUSES) - 1)]
        words = self._clean(str(error))
        if isinstance(error, TelegramUnauthorizedError):
            what = "Telegram does not know the bot's token; the bot cannot talk until it is set right"
            pause = _WRONG_TOKEN
        elif isinstance(error, TelegramRetryAfter):
            what, pause = "", float(error.retry_after)
        elif isinstance(error, TelegramConflictError):
            what = f"another program asks for this bot's updates, or it has a webhook: {words}"
            pause = _PAUSES[2]
        elif isinstance(error, TelegramNetworkError):
            what = f"the Bot API does not answer: {words}"
        else:
            what = f"the Bot API refuses: {words}"
        if what:
            log.log(logging.WARNING if isinstance(error, TelegramNetworkError) else logging.ERROR, "%s", what)
            await self._signs.trouble(what, self._clock.now())
        await self._clock.sleep(pause)

    # ------------------------------------------------------------------------------------------- receiving

    async def _receive(self) -> None:
        """What has come in since the last time gets its turns."""
        await self._tidy()
        while self._turns.count >= _MOST_OPEN:
            await self._clock.sleep(_LOCKED)
        if self._wishes.webhook:
            await self._clock.sleep(_POSTED)
            await self._take_up()
        else:
            await self._ask()

    async def _tidy(self) -> None:
        """Once a day, forget what cannot come again, and whether the numbers have begun anew."""
        now = self._clock.monotonic()
        if self._pruned and now - self._pruned < _DAY:
            return
        try:
            await self._store.call(inbox.prune, self._number, self._clock.now())
        except DatabaseError as error:
            log.error("what was answered long ago cannot be tidied away: %s", error)
        self._pruned, self._offset = now, None

    async def _ask(self) -> None:
        """Ask for updates, write them down and give them their turns. They are confirmed by the next ask."""
        for tries in range(1_000_000):
            try:
                if self._offset is None:
                    self._offset = await self._store.call(inbox.offset, self._number, self._clock.now())
                poll = 0 if self._signs.troubled else round(self._poll)  # at once, so that it is known to be over
                ask = GetRawUpdates(
                    offset=self._offset or None, limit=_PAGE, timeout=poll, allowed_updates=list(ALLOWED)
                )
                updates = cast(list[dict[str, Any]], await self._line.api(ask, poll + 15))
                await self._signs.well(self._clock.now())
                found = [inbox.received(update) for update in updates]
                new = await self._store.call(inbox.take_in, self._number, found, self._clock.now()) if found else []
                if found:
                    self._offset = found[-1].update_id + 1
                self._give_turns(Open(update.update_id, update.actor, update.body) for update in new)
                return
            except AiogramError as error:
                await self._trouble(error, tries)
            except ValueError as error:
                log.error("the Bot API's answer cannot be read: %s", error)
                await self._clock.sleep(_PAUSES[-1])
            except DatabaseError as error:
                log.error("updates cannot be written down: %s", error)
                await self._clock.sleep(_LOCKED)

    async def _take_up(self) -> None:
        """Give turns to what is open: what came in just now, and what a stop has left."""
        try:
            found = await self._store.call(inbox.waiting, self._number, _MOST_OPEN)
        except DatabaseError as error:
            log.error("what came in cannot be read: %s", error)
            return
        self._give_turns(found)

    def _give_turns(self, updates: Iterable[Open]) -> None:
        for update in updates:
            if update.update_id not in self._in_turn:
                self._in_turn.add(update.update_id)
                self._turns.put(update)

    # -------------------------------------------------------------------------------------------- handling

    async def _handle(self, update: Open) -> Speech:
        """Handle an update, however often the store is locked; what makes the replies to it."""
        try:
            replies, begun, later = update.replies, update.begun, list[Later]()
            if update.body:
                (replies, later), begun = await self._insistently(self._answered, update), 0
            elif begun:
                await self._insistently(self._left, update)
        except BaseException:
            self._in_turn.discard(update.update_id)
            raise

        async def speech() -> None:
            try:
                await self._insistently(self._speak, Open(update.update_id, update.actor, "", replies, begun))
            finally:
                self._in_turn.discard(update.update_id)
                await self._do_later(later)

        return speech

    async def _left(self, update: Open) -> None:
        await self._store.call(signs.left, self._number, update.update_id)

    async def _insistently(self, work: Callable[[Open], Awaitable[Result]], update: Open) -> Result:
        """Do something about an update until the store takes it."""
        while True:
            try:
                return await work(update)
            except DatabaseError as error:
                log.error("an update cannot be handled now: %s", error)
                await self._clock.sleep(_LOCKED)

    async def _answered(self, update: Open) -> tuple[str, list[Later]]:
        """The replies to an update, which is handled then, and what is to be done when they are made."""
        try:
            made = await self._dispatcher.feed_update(
                self._line.api,
                Update.model_validate_json(update.body, context={"bot": self._line.api}),
                office=self._office,
                administrators=self._administrators,
                store=self._store,
                clock=self._clock,
                shelf=self._shelf,
            )
        except DatabaseError:
            raise  # it is handled once the store answers again
        except Exception as error:
            log.error("update %d: %s", update.update_id, where(error))
            made = UNHANDLED
        return await self._store.call(self._carry_out, update.update_id, made)

    def _carry_out(self, db: Database, update_id: int, made: Any) -> tuple[str, list[Later]]:
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
            log.error("update %d: %s", update_id, where(error))
            return self._commit(db, update_id, _excused(made, _broken))

    def _commit(self, db: Database, update_id: int, made: Any) -> tuple[str, list[Later]]:
        with db.transaction():
            if not inbox.is_open(db, self._number, update_id):
                return "", []
            found, later = self._replies(db, made)
            replies = packed(found)
            inbox.handled(db, self._number, update_id, replies)
            signs.handled(db, self._number, self._clock.now())
        return replies, later

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
                log.error("what follows an update failed: %s", where(error))

    async def _speak(self, update: Open) -> None:
        """Make the replies, as they stand in the store: after trouble some are made."""
        found = await self._store.call(inbox.one, self._number, update.update_id)
        if found is None or found.body:
            return
        if await self._speaker.speak(update.update_id, found.replies, found.begun):
            await self._store.call(inbox.ended, self._number, update.update_id)

    async def _refuse(self, update: Open, first: bool) -> None:
        """An update that is one too many of its user: it is not handled, and the user is told once."""
        try:
            replies = packed(_too_many(update)) if first and update.body else ""
            if replies:
                log.warning("a chat user sends more than can be answered")
                await self._store.call(inbox.handled, self._number, update.update_id, replies)
                await self._speak(update)
            elif update.body:
                await self._store.call(inbox.ended, self._number, update.update_id)
        except (DatabaseError, ValueError) as error:
            log.error("an update cannot be refused now: %s", where(error))
        finally:
            self._in_turn.discard(update.update_id)


def _too_many(update: Open) -> list[SendMessage]:
    found = Update.model_validate_json(update.body)
    message = found.message
    if message is None or message.chat.type != "private":
        return []
    say = voice(spoken(message.from_user.language_code if message.from_user else None))
    words = say("您发得太快了，有些消息没有处理。请慢一点。")
    return [SendMessage(chat_id=message.chat.id, text=words, parse_mode="HTML")]


def _excused(made: Any, step: Step) -> Any:
    return replace(made, step=step) if isinstance(made, Staged) else []


def _sorry(desk: Desk) -> Replies:
    return desk.told(text("这个操作现在无法完成。请稍后再试，或发送 /help。"))


def _broken(desk: Desk) -> Replies:
    return desk.told(text("出了点问题，这条消息没有处理。请稍后再试。"))
=======
async def _or_stop(work: Any, stop: asyncio.Task[Literal[True]]) -> bool:
    """Whether some work ended before the stop came, which breaks it off."""
    task = asyncio.ensure_future(work)
    await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
        return True
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return False
>>>>>>> main
