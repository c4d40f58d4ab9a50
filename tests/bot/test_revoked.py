"""A token that Telegram does not know any more, while the program runs: it waits, tells, and loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dispatch import service
from dispatch.app import App
from dispatch.delivery import alarms
from dispatch.delivery.engine import Engine
from dispatch.delivery.store import Store
from dispatch.testing import BotApi
from subscribers.database import Database
from tests.bot.conftest import Talk, settings
from tests.delivery.conftest import START

_SHORT = 2.0  # seconds: pauses between messages, which take no time here
_STEP = 5.0


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
    """A bot that talks and sends in one process, at a clock that the test moves."""

    clock: HeldClock
    store: Store
    engine: Engine

    async def passes(self, minutes: float, enough: Callable[[], bool] = lambda: False) -> None:
        """So much time, or less where something is so before."""
        for _ in range(round(minutes * 60 / _STEP)):
            if enough():
                return
            self.clock.advance(_STEP)
            self.engine.wake()
            for _ in range(5):  # whoever is woken has a turn
                await self.store.call(lambda db: None)
            await asyncio.sleep(0.002)

    async def send_out(self) -> None:
        """The sample issue is planned, and due."""
        self.publish()
        await service.plan_due(self.app, self.store, self.engine)
        self.engine.wake()

    def states(self) -> list[tuple[str, int]]:
        rows = self.db.all("SELECT state, attempts FROM messages WHERE kind = 'digest'")
        return [(row["state"], row["attempts"]) for row in rows]


@asynccontextmanager
async def working(app: App, api: BotApi, db: Database, clock: HeldClock) -> AsyncIterator[Program]:
    stop = asyncio.Event()
    async with Store(app.connect) as store, app.engine(store) as engine, asyncio.TaskGroup() as group:
        conversation = await app.conversation(store, "default")
        group.create_task(conversation.serve(stop))
        group.create_task(engine.serve())
        try:
            yield Program(api, app, db, clock, store, engine)
        finally:
            stop.set()
            engine.stop()
            clock.advance(3600)


@pytest.fixture
async def program(tmp_path: Path, api: BotApi) -> AsyncIterator[Program]:
    clock = HeldClock()
    app = App(settings(tmp_path, api, publish={"approvers": ["chief@x.test"]}, engine={"poll": 0.05}), clock)
    with app.database() as db:
        async with working(app, api, db, clock) as made:
            yield made
    app.stop_reading()


async def test_a_token_that_is_revoked_stops_the_bot_and_loses_nothing(program: Program) -> None:
    api = program.api
    readers = [api.user(f"R{number}") for number in range(4)]
    for reader in readers:
        await reader.send("/follow 南昌高新区")
        await reader.next()
    await api.settled()
    api.answer(None, 401, "Unauthorized", method="sendMessage")
    ann, bob = api.user("Ann"), api.user("Bob")
    await ann.send("/follow topic:blockchain")  # it comes in, and the answer is refused
    await api.refused.reached(1)
    api.answer(None, 401, "Unauthorized", method="*")
    await bob.send("/help")
    await program.send_out()
    await program.passes(30)
    # Updates are asked for and each of the two replies is tried once a minute; the lane tries at 5, 15, 35, … seconds.
    assert 10 < len(api.refused) <= 3 * 31 + 15
    assert set(program.states()) == {("queued", 0)}
    assert alarms.watch(program.db, program.app.approvers, program.clock.now()) == 0  # it is seen from now on
    await program.passes(11)
    assert alarms.watch(program.db, program.app.approvers, program.clock.now()) == 1
    told = program.db.value("SELECT content FROM messages WHERE kind = 'alarm'")
    assert "telegram:default" in told
    assert api.token not in told

    api.clear()
    await program.passes(15, lambda: {state for state, _ in program.states()} == {"sent"})
    await api.settled()
    assert "/follow" in (await bob.next()).text
    assert sum("已关注" in text for text in ann.chat.texts) == 1
    for reader in (*readers, ann):  # each has an answer and a digest, each part of it once
        assert len(reader.chat.texts) > 1
        assert len(set(reader.chat.texts)) == len(reader.chat.texts)
    assert len(bob.chat.messages) == 1
    assert program.follows(ann.id) == {"topic:blockchain"}
