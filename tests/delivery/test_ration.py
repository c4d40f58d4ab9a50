"""Several relays on one queue: shares by weight, failover, and relays that stand by."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from dispatch.delivery import lanes
from dispatch.delivery.channel import Lane
from dispatch.delivery.ration import Ration, are_weighed
from dispatch.model import Outcome, Retry, Sent
from subscribers import directory
from subscribers.model import Address, Preferences
from tests.acts import at
from tests.delivery.conftest import Desk, FakeClock
from tests.delivery.grouped import GroupedChannel

DOWN = Retry("nobody answers", "connect", outage=True)
A = Lane("email:a", "email", connections=4, divisible=True)
B = Lane("email:b", "email", connections=4, divisible=True)


def prepared(desk: Desk, readers: int) -> None:
    with desk.db.transaction():
        for number in range(readers):
            directory.add(
                desk.db,
                name="",
                addresses=[Address("email", f"r{number}@x.test", "email")],
                follows=["topic:red"],
                preferences=Preferences(),
                consent="test",
                act=at(desk.clock.now()),
            )
    desk.issue({"一": ["red"]})
    desk.plan()


def shares(channel: GroupedChannel) -> dict[str, int]:
    return dict(Counter(send.lane for send in channel.made))


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)  # the shares are the process's, whatever the store
@pytest.mark.parametrize(("weights", "part"), [((3.0, 1.0), 0.75), ((1.0, 1.0), 0.5), ((4.0, None), 0.8)])
async def test_weights_hold_over_many_messages(desk: Desk, weights: tuple[float, float | None], part: float) -> None:
    prepared(desk, 10_000)
    channel = GroupedChannel(desk.clock, lanes=(replace(A, weight=weights[0]), replace(B, weight=weights[1])))
    await desk.drain(channel)
    found = shares(channel)
    assert found["email:a"] + found["email:b"] == 10_000
    assert found["email:a"] == pytest.approx(part * 10_000, rel=0.1)
    assert found["email:b"] == pytest.approx((1 - part) * 10_000, rel=0.1)


async def test_the_share_of_a_relay_that_dies_is_the_others_at_once(desk: Desk) -> None:
    prepared(desk, 600)
    channel = GroupedChannel(desk.clock, lanes=(replace(A, weight=3), replace(B, weight=1)))

    def reply(lane: str, address: str) -> Outcome:
        return DOWN if lane == A.name and len(channel.by(A.name)) > 50 else Sent()

    channel.reply = reply
    before = desk.clock.ms
    engine = await desk.drain(channel, page=20)
    assert set(desk.states().values()) == {"sent"}
    assert desk.clock.ms == before  # nobody waited for anything
    assert engine.summary.sent == 600
    assert desk.db.value("SELECT MAX(attempts) FROM messages") == 1
    assert lanes.states(desk.db, [A.name])[A.name].breaker != lanes.CLOSED


async def test_a_relay_that_comes_back_is_owed_nothing_for_its_absence() -> None:
    clock = FakeClock()
    ration = Ration(clock)
    for lane in (A, B):
        ration.join(lane)
    ration.spend(A, 100)
    assert await ration.turn(B, 100) == 100
    ration.leave(B, failed=True)
    for _ in range(50):
        ration.spend(A, await ration.turn(A, 100))
    ration.join(B)
    ration.spend(B, await ration.turn(B, 100))
    assert await ration.turn(A, 100) == 100  # it does not wait until B has caught up


async def test_a_relay_that_stopped_asking_is_waited_for_no_more() -> None:
    clock = FakeClock()
    ration = Ration(clock)
    for lane in (A, B):
        ration.join(lane)
    ration.spend(A, await ration.turn(A, 100))
    assert ration._room(A, 100) == 0
    clock.ms += 5_000
    ration.join(A)
    assert await ration.turn(A, 100) == 100


async def test_a_relay_that_was_slow_is_owed_nothing_for_the_time_in_which_it_did_not_ask() -> None:
    clock = FakeClock()
    ration = Ration(clock)
    for lane in (A, B):
        ration.join(lane)
    ration.spend(B, await ration.turn(B, 100))
    for _ in range(20):
        clock.ms += 6_000
        ration.join(A)
        ration.spend(A, await ration.turn(A, 100))
    ration.join(B)
    ration.spend(B, await ration.turn(B, 100))
    ration.join(A)
    assert ration._room(A, 100) == 100  # it does not stand still until B has caught up


@pytest.mark.parametrize(("weights", "pages"), [((1, 9), (3, 500)), ((1, 1000), (500, 500))])
def test_whoever_is_furthest_behind_never_waits(weights: tuple[float, float], pages: tuple[int, int]) -> None:
    ration = Ration(FakeClock())
    both = [replace(lane, weight=weight) for lane, weight in zip((A, B), weights, strict=True)]
    for lane in both:
        ration.join(lane)
    for _ in range(200):
        rooms = [ration._room(lane, page) for lane, page in zip(both, pages, strict=True)]
        assert max(rooms) >= 1
        for lane, room in zip(both, rooms, strict=True):
            ration.spend(lane, room)


def test_lanes_share_by_weights_only_where_one_has_one() -> None:
    assert not are_weighed([A, B])
    assert are_weighed([A, replace(B, weight=1.0)])
    assert not are_weighed([replace(A, weight=1.0)])


STANDBY = replace(B, standby=True)


async def test_a_relay_on_standby_is_not_used_while_another_works(desk: Desk) -> None:
    prepared(desk, 100)
    channel = GroupedChannel(desk.clock, lanes=(A, STANDBY))
    await desk.drain(channel, page=5)
    assert shares(channel) == {"email:a": 100}


async def test_a_relay_on_standby_takes_over_when_all_others_rest_and_ends_when_one_is_back(desk: Desk) -> None:
    prepared(desk, 100)
    other = replace(A, name="email:c")
    channel = GroupedChannel(desk.clock, lanes=(STANDBY, A, other))
    dead = {A.name}
    channel.reply = lambda lane, address: DOWN if lane in dead else Sent()
    await desk.drain(channel, page=5)
    assert "email:b" not in shares(channel)
    assert set(desk.states().values()) == {"sent"}

    desk.clock.ms += 600_000
    dead |= {other.name}
    desk.issue({"二": ["red"]}, total=535)
    desk.plan()
    engine = await desk.drain(channel, page=5)
    assert set(desk.states().values()) == {"sent"}
    assert len({send.address for send in channel.by("email:b")}) == 100
    assert set(engine.summary.outages) == {A.name, other.name}

    desk.clock.ms += 600_000
    dead.clear()
    desk.issue({"三": ["red"]}, total=536)
    desk.plan()
    before = shares(channel)["email:b"]
    await desk.drain(channel, page=5)
    assert set(desk.states().values()) == {"sent"}
    assert shares(channel)["email:b"] - before < 90  # it worked until the first trial had gone well
    before = shares(channel)["email:b"]
    desk.issue({"四": ["red"]}, total=537)
    desk.plan()
    await desk.drain(channel, page=5)
    assert shares(channel)["email:b"] == before
