"""Processes on one store: who is there, what only one may do, what the dead have left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing

import pytest

from dispatch.delivery import claims, leases
from dispatch.delivery.channel import Connection, Lane, Rendered
from dispatch.delivery.member import Member
from dispatch.delivery.store import Store
from dispatch.model import Envelope, Outcome, Sent
from tests.delivery.conftest import Desk, FakeChannel


def prepared(desk: Desk, readers: int = 1) -> None:
    for number in range(readers):
        desk.reader(f"r{number}", "topic:red")
    desk.issue({"一": ["red"]})
    desk.plan()


async def test_only_one_holds_what_only_one_may_have(desk: Desk) -> None:
    async with Store(desk.connect) as store:
        one, two = Member(store, desk.clock), Member(store, desk.clock)
        async with two.present():
            async with one.present():
                assert await one.hold("scheduler")
                assert await one.hold("scheduler")
                assert not await two.hold("scheduler")
            assert await two.hold("scheduler")  # given back by the one who went
    assert desk.db.value("SELECT COUNT(*) FROM leases") == 0


async def test_one_who_is_silent_for_too_long_by_our_clock_is_dead(desk: Desk) -> None:
    prepared(desk)
    elsewhere = "other-machine/1/2/3"
    leases.register(desk.db, elsewhere, desk.clock.now())
    assert leases.hold(desk.db, "web", elsewhere, desk.clock.now())
    claims.claim(desk.db, "email", 1, elsewhere, desk.clock.now(), 300_000)
    async with Store(desk.connect) as store:
        us = Member(store, desk.clock)
        async with us.present():
            assert await us.take_over() == 0
            desk.clock.ms += 40_000
            leases.renew(desk.db, elsewhere, desk.clock.now())
            assert await us.take_over() == 0  # it has just said that it is there
            desk.clock.ms += 46_000
            assert await us.take_over() == 1
            assert await us.hold("web")
    assert leases.renew(desk.db, elsewhere, desk.clock.now()) == set()


async def test_a_clock_set_forward_takes_nothing_from_the_living(desk: Desk) -> None:
    prepared(desk)
    leases.register(desk.db, "other-machine/1/2/3", desk.clock.now())
    claims.claim(desk.db, "email", 1, "other-machine/1/2/3", desk.clock.now(), 300_000)

    class Set(type(desk.clock)):  # type: ignore[misc]
        """The same clock after somebody set it a year forward: only the time of day has changed."""

        def monotonic(self) -> float:
            return 0.0

    clock = Set()
    clock.ms = desk.clock.ms + 365 * 86_400_000
    async with Store(desk.connect) as store:
        us = Member(store, clock)
        async with us.present():
            assert await us.take_over() == 0
            assert await us.take_over() == 0


class Together(FakeChannel):
    """A channel that answers nobody until the other engine's channel has something to send, too."""

    def __init__(self, lane: Lane, busy: set[int], both: asyncio.Event) -> None:
        super().__init__(lane=lane)
        self._busy = busy
        self._both = both

    @asynccontextmanager
    async def open(self, lane: Lane) -> AsyncIterator[Connection]:
        async with super().open(lane) as connection:
            yield _Patient(connection, self._sends)

    async def _sends(self) -> None:
        self._busy.add(id(self))
        if len(self._busy) == 2:
            self._both.set()
        await self._both.wait()


class _Patient:
    def __init__(self, connection: Connection, ready: Callable[[], Awaitable[None]]) -> None:
        self._connection = connection
        self._ready = ready

    async def send(self, envelope: Envelope, rendered: Rendered, part: int) -> Outcome:
        await self._ready()
        return await self._connection.send(envelope, rendered, part)


async def test_two_engines_share_a_lane_and_send_everything_once(desk: Desk) -> None:
    prepared(desk, 60)
    lane = Lane("email:default", "email", connections=2, divisible=True)
    busy: set[int] = set()
    both = asyncio.Event()
    channels = [Together(lane, busy, both), Together(lane, busy, both)]
    async with AsyncExitStack() as stack:
        engines = [
            await stack.enter_async_context(desk.engine(channel, processes=2, page=3, poll=0.05))
            for channel in channels
        ]
        async with asyncio.timeout(60):
            await asyncio.gather(*(engine.drain() for engine in engines))
    addresses = channels[0].addresses + channels[1].addresses
    assert len(addresses) == len(set(addresses)) == 60
    assert channels[0].addresses
    assert channels[1].addresses
    assert set(desk.states().values()) == {"sent"}


async def test_a_lane_that_cannot_be_divided_belongs_to_one_engine_at_a_time(desk: Desk) -> None:
    prepared(desk, 20)
    working: set[str] = set()
    both: list[bool] = []
    channels = {name: FakeChannel() for name in ("one", "two")}

    def answer_of(name: str) -> object:
        def answer(envelope: Envelope, part: int) -> Outcome:
            working.add(name)
            both.append(len(working) > 1 and not channels["one" if name == "two" else "two"].opened)
            return Sent()

        return answer

    for name, channel in channels.items():
        channel.answer = answer_of(name)  # type: ignore[assignment]
    async with AsyncExitStack() as stack:
        engines = [
            await stack.enter_async_context(desk.engine(channel, processes=2, poll=0.05))
            for channel in channels.values()
        ]
        async with asyncio.timeout(60):
            await asyncio.gather(*(engine.drain() for engine in engines))
    sent = [len(channel.sends) for channel in channels.values()]
    assert sorted(sent) == [0, 20]  # whoever came first kept it to the end
    assert not any(both)


async def test_an_engine_stops_what_was_taken_from_it(desk: Desk) -> None:
    prepared(desk, 10)
    channel = FakeChannel()
    async with desk.engine(channel, page=2, poll=0.05) as engine:

        def answer(envelope: Envelope, part: int) -> Outcome:
            if len(channel.sends) == 1:
                engine.member.on_renewed(set())  # as after a pause of minutes, in which others took over
            return Sent()

        channel.answer = answer
        async with asyncio.timeout(60):
            await engine.drain()
    # It began nothing more in that run; the lane was free again, and the next run went on.
    assert channel.opened == 2
    assert len(channel.sends) == len(set(channel.sends)) == 10


@pytest.mark.parametrize("owner", ["", "x/y", "host/notanumber/1/2"])
def test_an_owner_of_a_strange_name_is_nobody(desk: Desk, owner: str) -> None:
    assert not leases.is_dead(owner)


@pytest.mark.parametrize("claimed", [False, True], ids=["and queued again", "and claimed by another"])
async def test_who_was_taken_for_dead_and_lives_begins_nothing_more_of_what_it_had(desk: Desk, claimed: bool) -> None:
    """Its machine was suspended, or cut off from the store: others have what it had claimed."""
    prepared(desk, 40)
    elsewhere = "other-machine/1/2/3"
    with closing(desk.connect()) as other:

        def answer(envelope: Envelope, part: int) -> Outcome:
            if len(channel.sends) == 5:
                leases.take_over(other, desk.clock.now(), elsewhere, dict.fromkeys(leases.owners(other)))
                if claimed:
                    claims.claim(other, "email", 100, elsewhere, desk.clock.now(), 300_000)
            return Sent()

        channel = FakeChannel(answer=answer, lane=Lane("email:default", "email", connections=2))
        await desk.drain(channel, page=10)
    if claimed:
        assert len(channel.sends) <= 6  # the fifth, and what the other connection had begun
    else:
        assert len(set(channel.sends)) == 40
        assert len(channel.sends) <= 42
        assert set(desk.states().values()) == {"sent"}


async def test_what_one_holds_oneself_can_be_had_again(desk: Desk) -> None:
    """It is left from a moment at which it could not be given back."""
    async with Store(desk.connect) as store:
        us, other = Member(store, desk.clock), Member(store, desk.clock)
        async with us.present(), other.present():
            wanted = {"lane": ["lane/email/0", "lane/email/1"]}
            assert await us.acquire(wanted) == {"lane": "lane/email/0"}
            assert await us.acquire(wanted) == {"lane": "lane/email/0"}
            assert await other.acquire(wanted) == {"lane": "lane/email/1"}
