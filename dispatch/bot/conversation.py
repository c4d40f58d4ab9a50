"""One bot's conversation: updates come in by long polling or webhook, are written down, handled in turns, answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dispatch.bot.handling import Handler
from dispatch.bot.patience import Patience
from dispatch.bot.receiving import Receiver
from dispatch.bot.shelf import Shelf
from dispatch.bot.signs import Signs
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
        signs = Signs(store, office.number, line.name, "webhook" if wishes.webhook else "polling")
        self._patience = Patience(line, clock, signs)

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
        await self._patience.signs.well(self._clock.now())

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
