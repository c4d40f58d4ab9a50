"""A bot that talks and sends, both in one process, as the program does it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from dispatch import service
from dispatch.app import App
from dispatch.delivery.engine import Engine
from dispatch.delivery.store import Store
from dispatch.testing import BotApi
from subscribers.database import Database
from tests.bot.conftest import Talk
from tests.delivery.conftest import START

_SHORT = 2.0  # seconds: pauses between messages, which take no time here
_STEP = 10.0


class HeldClock:
    """Short sleeps take no time; longer ones last until a test lets so much time pass."""

    def __init__(self) -> None:
        self.ms = START
        self._sleepers: list[tuple[int, asyncio.Event]] = []

    def now(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    def boottime(self) -> float:
        return self.ms / 1000

    async def sleep(self, seconds: float) -> None:
        if seconds < _SHORT:
            self.ms += round(seconds * 1000)
            await asyncio.sleep(0)
            return
        awake = asyncio.Event()
        self._sleepers.append((self.ms + round(seconds * 1000), awake))
        await awake.wait()

    def advance(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)
        for due, awake in self._sleepers:
            if due <= self.ms:
                awake.set()
        self._sleepers = [(due, awake) for due, awake in self._sleepers if due > self.ms]


@dataclass
class Program(Talk):
    """All of it at work. Time goes on by itself unless the clock is one that is held."""

    store: Store
    engine: Engine

    async def passes(self, minutes: float, enough: Callable[[], bool] = lambda: False) -> None:
        """So much time of a clock that is held, or less where something is so before."""
        clock = self.app.clock
        assert isinstance(clock, HeldClock)
        for _ in range(round(minutes * 60 / _STEP)):
            if enough():
                return
            clock.advance(_STEP)
            self.engine.wake()
            for _ in range(4):  # whoever is woken has a turn
                await self.store.call(lambda db: None)
            await asyncio.sleep(0.002)

    async def becomes(self, reached: Callable[[], bool], within: float = 10.0) -> None:
        """Wait for what stands in the store: it is looked at again and again."""
        async with asyncio.timeout(within):
            while not reached():
                await self.store.call(lambda db: None)
                await asyncio.sleep(0.005)

    async def send_out(self) -> None:
        """The sample issue is planned, and due."""
        self.publish()
        await service.plan_due(self.app, self.store, self.engine)
        self.engine.wake()

    def messages(self) -> list[tuple[str, int]]:
        """State and attempts of each message with a digest."""
        rows = self.db.all("SELECT state, attempts FROM messages WHERE kind = 'digest' ORDER BY id")
        return [(row["state"], row["attempts"]) for row in rows]

    def deliveries(self, address: int | str) -> list[str]:
        """The states of what a chat is owed."""
        sql = "SELECT d.state FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id WHERE e.address = :address"
        return sorted(row["state"] for row in self.db.all(sql, {"address": str(address)}))

    def is_through(self) -> bool:
        """Whether nothing of an issue is to be sent any more."""
        return not self.db.value("SELECT COUNT(*) FROM deliveries WHERE state = 'planned'")


@asynccontextmanager
async def working(app: App, api: BotApi, db: Database) -> AsyncIterator[Program]:
    stop, clock = asyncio.Event(), app.clock
    async with Store(app.connect) as store, app.engine(store) as engine, asyncio.TaskGroup() as group:
        conversation = await app.conversation(store, "default")
        group.create_task(conversation.serve(stop))
        group.create_task(engine.serve())
        try:
            yield Program(api, app, db, store, engine)
        finally:
            stop.set()
            engine.stop()
            if isinstance(clock, HeldClock):
                clock.advance(3600)
