"""A bot's updates come in: they are written down, and then get their turns."""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Any, cast

from aiogram.exceptions import AiogramError

from dispatch.bot import inbox
from dispatch.bot.inbox import Open
from dispatch.bot.patience import PAUSES
from dispatch.bot.starting import ALLOWED
from dispatch.channels.bot_session import GetRawUpdates
from subscribers.errors import DatabaseError

if TYPE_CHECKING:
    from aiogram import Bot

    from dispatch.bot.patience import Patience
    from dispatch.bot.turns import Turns
    from dispatch.delivery.clock import Clock
    from dispatch.delivery.store import Store

log = logging.getLogger(__name__)

_POLL = 50  # seconds that the API keeps a request open without an update
_ON_THE_WAY = 15  # more seconds until there is none
_PAGE = 100
_MOST_OPEN = 2_000  # updates in memory; what is beyond waits at Telegram
_LOCKED = 1.0  # seconds until a store is asked again that was locked or full
_POSTED = 0.2  # between two looks at what any process has taken in by webhook
_DAY = 86_400.0


class Receiver:
    """Receives for the bot with a number: what is `posted` by webhook is in the store already, else it is asked for."""

    def __init__(
        self,
        api: Bot,
        number: int,
        store: Store,
        clock: Clock,
        turns: Turns,
        patience: Patience,
        *,
        posted: bool,
    ) -> None:
        self._api = api
        self._number = number
        self._store = store
        self._clock = clock
        self._turns = turns
        self._patience = patience
        self._posted = posted
        self._offset: int | None = None  # from which on updates are asked for; None: as it is written down
        self._pruned = 0.0

    async def receive(self) -> None:
        """What has come in since the last time gets its turns."""
        await self._tidy()
        while self._turns.count >= _MOST_OPEN:
            await self._clock.sleep(_LOCKED)
        if self._posted:
            await self._clock.sleep(_POSTED)
            await self.take_up()
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
        """Ask for updates until there is an answer."""
        for tries in itertools.count():
            try:
                await self._take_in()
                return
            except AiogramError as error:
                await self._patience.after(error, tries)
            except ValueError as error:
                log.error("the Bot API's answer cannot be read: %s", error)
                await self._clock.sleep(PAUSES[-1])
            except DatabaseError as error:
                log.error("updates cannot be written down: %s", error)
                await self._clock.sleep(_LOCKED)

    async def _take_in(self) -> None:
        """Ask for updates, write them down and give them their turns. They are confirmed by the next ask."""
        if self._offset is None:
            self._offset = await self._store.call(inbox.offset, self._number, self._clock.now())
        signs = self._patience.signs
        poll = 0 if signs.troubled else _POLL  # at once, so that it is known to be over
        ask = GetRawUpdates(offset=self._offset or None, limit=_PAGE, timeout=poll, allowed_updates=list(ALLOWED))
        updates = cast(list[dict[str, Any]], await self._api(ask, poll + _ON_THE_WAY))
        await signs.well(self._clock.now())
        found = [inbox.received(update) for update in updates]
        if not found:
            return
        new = await self._store.call(inbox.take_in, self._number, found, self._clock.now())
        self._offset = found[-1].update_id + 1
        for update in new:
            self._turns.put(Open(update.update_id, update.actor, update.body))

    async def take_up(self) -> None:
        """Give turns to what is open: what came in just now, and what a stop has left."""
        try:
            found = await self._store.call(inbox.waiting, self._number, _MOST_OPEN)
        except DatabaseError as error:
            log.error("what came in cannot be read: %s", error)
            return
        for update in found:
            self._turns.put(update)
