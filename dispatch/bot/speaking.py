"""Making the calls that a handler replied with: in order, at the bot's pace, none of them twice."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

import aiogram.methods as methods
from aiogram.exceptions import (
    AiogramError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import BufferedInputFile
from aiohttp import ClientConnectorError

from dispatch.bot import inbox, signs
from dispatch.bot.patience import WRONG_TOKEN
from dispatch.channels.telegram import without_token

if TYPE_CHECKING:
    from aiogram.methods import TelegramMethod

    from dispatch.channels.telegram_bots import SharedBot
    from dispatch.delivery.clock import Clock
    from dispatch.delivery.store import Store

log = logging.getLogger(__name__)

_LONGEST_REST = 120.0  # seconds; a reply that may go only later is of no use to anybody
_TRIES = 3
_NOBODY_THERE = 60  # tries at an address where nobody answers
_LONGEST_PAUSE = 30.0  # seconds between two of them
# What changes nothing when it is made again.
_REPEATABLE = (methods.EditMessageText, methods.EditMessageReplyMarkup, methods.AnswerCallbackQuery,
               methods.AnswerInlineQuery, methods.LeaveChat, methods.DeleteMessage)  # fmt: skip

_PACED = (methods.SendMessage, methods.SendDocument)  # what counts as a message
_HARMLESS = ("message is not modified", "query is too old")


def packed(replies: Iterable[TelegramMethod[Any]]) -> str:
    """Calls as JSON; "" for none. Files that are sent are texts in UTF-8."""
    calls = [[type(reply).__name__, _values(reply)] for reply in replies]
    return json.dumps(calls, ensure_ascii=False) if calls else ""


def _values(reply: TelegramMethod[Any]) -> dict[str, Any]:
    """The parameters of a call; of a file its name and its text."""
    file = reply.document if isinstance(reply, methods.SendDocument) else None
    if not isinstance(file, BufferedInputFile):
        return reply.model_dump(mode="json", exclude_unset=True, by_alias=True)
    values = reply.model_dump(mode="json", exclude_unset=True, by_alias=True, exclude={"document"})
    return {**values, "document": {"name": file.filename, "text": file.data.decode()}}


def unpacked(text: str) -> list[TelegramMethod[Any]]:
    """The calls that `packed` has packed."""
    return [_call(name, values) for name, values in json.loads(text)] if text else []


def _call(name: str, values: dict[str, Any]) -> TelegramMethod[Any]:
    file = values.get("document")
    if isinstance(file, dict):
        values = {**values, "document": BufferedInputFile(file["text"].encode(), file["name"])}
    found: TelegramMethod[Any] = getattr(methods, name).model_validate(values)
    return found


class Speaker:
    """Makes replies for one bot until `over`: what was not begun by then is made after the next start."""

    def __init__(self, line: SharedBot, store: Store, number: int, clock: Clock, over: asyncio.Event) -> None:
        self._line = line
        self._store = store
        self._number = number
        self._clock = clock
        self._over = over

    async def speak(self, update_id: int, text: str, begun: int) -> bool:
        """Make the calls after the first `begun`; whether nothing is left to be made here. Raises DatabaseError."""
        for place, call in enumerate(unpacked(text)):
            if place < begun:
                continue
            try:
                if not await _Reply(self, update_id, place, call).made():
                    return False
            except TelegramForbiddenError:
                return True  # they have blocked the bot, or it may not write there: the rest is for nobody
            except AiogramError as error:
                words = without_token(str(error), self._line.settings.token.get_secret_value())
                log.warning("a reply could not be made: %s: %s", type(call).__name__, words)
        return True

    async def rest(self, seconds: float) -> None:
        """Wait, until the end at most."""
        await self.unless_over(asyncio.ensure_future(self._clock.sleep(seconds)), lambda: True)

    async def unless_over(self, work: asyncio.Future[Any], may_stop: Callable[[], bool]) -> bool:
        """Whether some work ended; at the end it is broken off where it may be."""
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait((work, over), return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and may_stop():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                return False
            await work
            return True
        finally:
            over.cancel()

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    async def note(self, update_id: int, was: int, begun: int) -> bool:
        """Write down how many replies are begun; whether nobody else has written something else."""
        return await self._store.call(inbox.begun, self._number, update_id, was, begun)

    async def note_unknown(self) -> None:
        """Write down that nobody knows whether a reply arrived."""
        await self._store.call(signs.unknown, self._number)

    async def call(self, call: TelegramMethod[Any], begin: Callable[[], Awaitable[None]]) -> None:
        if isinstance(call, _PACED):
            await self._line.call(call, str(call.chat_id), begin=begin)
        else:
            await begin()
            await self._line.api(call)


def _is_nobody(error: AiogramError) -> bool:
    """Whether nobody was there to take the call."""
    return isinstance(error.__cause__, ClientConnectorError)


class _Reply:
    """One call. It is noted as begun when its turn has come, and as not begun where it is known not to have arrived."""

    def __init__(self, speaker: Speaker, update_id: int, place: int, call: TelegramMethod[Any]) -> None:
        self._speaker = speaker
        self._update_id = update_id
        self._place = place
        self._call = call
        self._begun = False

    async def made(self) -> bool:
        """False where the end came before, or another process makes it. Raises AiogramError."""
        for tries in itertools.count(1):
            if self._speaker.is_over:
                return False
            try:
                return await self._try()
            except _TakenOver:
                return False
            except TelegramUnauthorizedError:  # no fault of the reply's, which waits until the token is right again
                await self._again(WRONG_TOKEN)
            except TelegramRetryAfter as error:
                if tries >= _TRIES or error.retry_after > _LONGEST_REST:
                    raise
                await self._again(error.retry_after)
            except TelegramBadRequest as error:
                if not any(words in error.message for words in _HARMLESS):
                    raise
                return True
            except (TelegramNetworkError, TelegramServerError) as error:
                if _is_nobody(error) and tries < _NOBODY_THERE:
                    await self._again(min(2.0 * tries, _LONGEST_PAUSE))
                elif tries < _TRIES and isinstance(self._call, _REPEATABLE):
                    await self._speaker.rest(tries)
                else:  # whether it arrived is not known: what would be seen twice is not made again
                    if not isinstance(self._call, _REPEATABLE) and not _is_nobody(error):
                        await self._speaker.note_unknown()
                    raise
        return False

    async def _try(self) -> bool:
        work = asyncio.ensure_future(self._speaker.call(self._call, self._begin))
        return await self._speaker.unless_over(work, lambda: not self._begun)

    async def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True  # from here on it is not broken off
        if not await self._speaker.note(self._update_id, self._place, self._place + 1):
            raise _TakenOver

    async def _again(self, seconds: float) -> None:
        """It was not taken: it counts as not begun while it waits."""
        if self._begun and not await self._speaker.note(self._update_id, self._place + 1, self._place):
            raise _TakenOver
        self._begun = False
        await self._speaker.rest(seconds)


class _TakenOver(Exception):
    """Another process goes on with these replies."""
