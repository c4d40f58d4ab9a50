"""Making the calls that a handler replied with: in order, at the bot's pace, none of them twice."""

from __future__ import annotations

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
)
from aiogram.types import BufferedInputFile

from dispatch.channels.telegram import without_token

if TYPE_CHECKING:
    from aiogram.methods import TelegramMethod

    from dispatch.channels.telegram_bots import SharedBot
    from dispatch.delivery.clock import Clock

log = logging.getLogger(__name__)

_LONGEST_REST = 120.0  # seconds; a reply that may go only later is of no use to anybody
_TRIES = 3
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


async def speak(line: SharedBot, clock: Clock, text: str, begun: int, note: Callable[[int], Awaitable[None]]) -> None:
    """Make the calls after the first `begun`; `note` writes down how many are begun, before each."""
    for place, call in enumerate(unpacked(text)):
        if place < begun:
            continue
        await note(place + 1)
        try:
            await _make(line, clock, call)
        except TelegramForbiddenError:
            return  # they have blocked the bot, or it may not write there: the rest is for nobody
        except AiogramError as error:
            words = without_token(str(error), line.settings.token.get_secret_value())
            log.warning("a reply could not be made: %s: %s", type(call).__name__, words)


async def _make(line: SharedBot, clock: Clock, call: TelegramMethod[Any]) -> None:
    for tries in range(1, _TRIES + 1):
        try:
            await _once(line, call)
            return
        except TelegramRetryAfter as error:  # it was not taken
            if tries == _TRIES or error.retry_after > _LONGEST_REST:
                raise
            await clock.sleep(error.retry_after)
        except TelegramBadRequest as error:
            if not any(words in error.message for words in _HARMLESS):
                raise
            return
        except (TelegramNetworkError, TelegramServerError):
            # Whether it arrived is not known: what would be seen twice is not made again.
            if tries == _TRIES or not isinstance(call, _REPEATABLE):
                raise
            await clock.sleep(tries)


async def _once(line: SharedBot, call: TelegramMethod[Any]) -> None:
    if isinstance(call, _PACED):
        await line.call(call, str(call.chat_id))
    else:
        await line.api(call)
