"""Waiting while the Bot API gives no answer, or none that helps."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiogram.exceptions import (
    AiogramError,
    TelegramConflictError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)

from dispatch.channels.telegram import without_token

if TYPE_CHECKING:
    from dispatch.bot.signs import Signs
    from dispatch.channels.telegram_bots import SharedBot
    from dispatch.delivery.clock import Clock

log = logging.getLogger(__name__)

PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds after trouble, the last one again and again."""

WRONG_TOKEN = 60.0
"""Seconds between two tries with a token that is not known any more."""


class Patience:
    """What is asked of the Bot API for a bot itself is asked until there is an answer."""

    def __init__(self, line: SharedBot, clock: Clock, signs: Signs) -> None:
        self._token = line.settings.token.get_secret_value()
        self._clock = clock
        self.signs = signs

    async def insist(self, work: Callable[[], Awaitable[Any]]) -> None:
        """Do some work again and again until the API takes it."""
        for tries in itertools.count():
            try:
                await work()
                return
            except AiogramError as error:
                await self.after(error, tries)

    async def after(self, error: AiogramError, tries: int) -> None:
        """Wait as long as an error asks for, that came after so many others."""
        pause = PAUSES[min(tries, len(PAUSES) - 1)]
        words = without_token(str(error), self._token)
        if isinstance(error, TelegramUnauthorizedError):
            what = "Telegram does not know the bot's token; the bot cannot talk until it is set right"
            pause = WRONG_TOKEN
        elif isinstance(error, TelegramRetryAfter):
            what, pause = "", float(error.retry_after)
        elif isinstance(error, TelegramConflictError):
            what = f"another program asks for this bot's updates, or it has a webhook: {words}"
            pause = PAUSES[2]
        elif isinstance(error, TelegramNetworkError):
            what = f"the Bot API does not answer: {words}"
        else:
            what = f"the Bot API refuses: {words}"
        if what:
            log.log(logging.WARNING if isinstance(error, TelegramNetworkError) else logging.ERROR, "%s", what)
            await self.signs.trouble(what, self._clock.now())
        await self._clock.sleep(pause)
