"""Lanes keep their pace, and the retries their distance."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.delivery.channel import Lane
from dispatch.delivery.pace import Pace
from dispatch.delivery.retry import next_try
from tests.delivery.conftest import START, FakeClock


async def times(lane: Lane, addresses: list[str]) -> list[float]:
    """When each of some sends may begin, in seconds from the first."""
    clock = FakeClock()
    start = clock.monotonic()
    pace = Pace(lane, clock)
    found = []
    for address in addresses:
        await pace.acquire(address)
        found.append(round(clock.monotonic() - start, 3))
        pace.done(address)
    return found


async def test_a_rate_is_kept_uniformly_from_the_first_message_on() -> None:
    assert await times(Lane("x", "x", rate=4), ["a", "b", "c", "d"]) == [0, 0.25, 0.5, 0.75]


async def test_a_lane_without_a_rate_never_waits() -> None:
    assert await times(Lane("x", "x"), ["a"] * 5) == [0] * 5


async def test_messages_to_one_chat_keep_their_distance_and_others_pass() -> None:
    lane = Lane("x", "x", address_interval=1.0, group_interval=3.0)
    assert await times(lane, ["1", "2", "1", "-5", "-5"]) == [0, 0, 1, 1, 4]


async def test_the_distance_counts_from_the_end_of_a_send() -> None:
    clock = FakeClock()
    pace = Pace(Lane("x", "x", address_interval=1.0), clock)
    await pace.acquire("1")
    clock.ms += 700  # a slow send
    pace.done("1")
    before = clock.ms
    await pace.acquire("1")
    assert clock.ms - before == 1000


async def test_an_address_that_rests_is_waited_for_and_others_pass() -> None:
    clock = FakeClock()
    pace = Pace(Lane("x", "x", address_interval=1.0), clock)
    start = clock.ms
    await pace.acquire("1")
    pace.done("1", well=True, rest=4.5)
    assert pace.wait("1") == 4.5
    await pace.acquire("2")
    pace.done("2", well=True)
    assert clock.ms == start
    await pace.acquire("1")
    pace.done("1", well=True)
    assert clock.ms - start == 4500
    assert pace.wait("1") == 1


@given(
    attempts=st.integers(0, 100),
    asked=st.none() | st.floats(-10, 1e9, allow_nan=False),
    seed=st.integers(),
)
def test_the_next_attempt_is_never_in_the_past_and_never_before_the_provider_allows(
    attempts: int, asked: float | None, seed: int
) -> None:
    delays, now = (5.0, 300.0), 1_700_000_000_000
    found = next_try(attempts, delays, asked, now, random.Random(seed))
    assert found >= now
    if asked is not None and asked > 0:
        assert found - now >= round(min(asked, 30 * 86400.0) * 1000) - 1
    elif asked is None:
        assert found - now >= 5000


@pytest.mark.parametrize(("attempts", "delay"), [(1, 5), (2, 300), (3, 300), (50, 300)])
def test_the_schedule_is_followed_and_its_last_step_repeats(attempts: int, delay: int) -> None:
    found = next_try(attempts, (5.0, 300.0), None, 0, random.Random(1))
    assert delay * 1000 <= found <= delay * 1100


async def begun(pace: Pace, clock: FakeClock, order: list[str], address: str, *, urgent: bool = False) -> None:
    await pace.acquire(address, urgent=urgent)
    order.append(f"{address}{'!' if urgent else ''} {(clock.ms - START) / 1000:g}")
    pace.done(address)


async def test_a_reply_that_waits_takes_the_next_slot() -> None:
    clock, order = FakeClock(), list[str]()
    pace = Pace(Lane("x", "x", rate=2), clock)
    async with asyncio.TaskGroup() as group:
        for address in ("1", "2", "3"):
            group.create_task(begun(pace, clock, order, address))
        group.create_task(begun(pace, clock, order, "9", urgent=True))
    assert order == ["1 0", "9! 0.5", "2 1", "3 1.5"]


async def test_who_waits_for_a_chat_takes_no_slot_from_others() -> None:
    clock, order = FakeClock(), list[str]()
    pace = Pace(Lane("x", "x", rate=2, address_interval=1.0, group_interval=3.0), clock)
    async with asyncio.TaskGroup() as group:
        for address in ("-5", "-5", "1", "2"):
            group.create_task(begun(pace, clock, order, address))
    assert order == ["-5 0", "1 0.5", "2 1", "-5 3"]


async def test_the_topics_of_a_group_share_its_pace() -> None:
    lane = Lane("x", "x", address_interval=1.0, group_interval=3.0)
    assert await times(lane, ["-5/1", "-5/2", "-6", "@news", "@news"]) == [0, 3, 3, 3, 6]


async def test_replies_in_a_group_keep_its_limit_a_minute_and_are_not_spread_over_it() -> None:
    clock, order = FakeClock(), list[str]()
    pace = Pace(Lane("x", "x", address_interval=1.0, group_interval=3.0), clock)
    for _ in range(21):
        await begun(pace, clock, order, "-5", urgent=True)
    assert [entry.split()[1] for entry in order] == [*(f"{second}" for second in range(20)), "60"]


async def test_what_arrives_late_counts_when_it_arrives() -> None:
    clock = FakeClock()
    pace = Pace(Lane("x", "x", rate=9), clock)
    for address in "abc":  # usual ones
        await pace.acquire(address)
        clock.ms += 10
        pace.done(address)
    held = [f"held {number}" for number in range(6)]
    for address in held:
        await pace.acquire(address)
    clock.ms += 400
    for address in held:  # all at once
        pace.done(address)
    arrived = clock.ms
    free = 0
    while clock.ms - arrived < 900:
        await pace.acquire(f"next {free}")
        free += 1
        pace.done(f"next {free - 1}")
    assert free - 1 + len(held) <= 10, "more than the uniform pace has in a second"


async def test_a_lane_that_was_asked_for_less_finds_its_pace_again() -> None:
    clock = FakeClock()
    pace = Pace(Lane("x", "x", rate=8), clock)
    pace.slow_down()
    pace.slow_down()  # of the same excess
    assert pace.rate == 4
    await pace.acquire("1")
    await pace.acquire("2")
    assert clock.ms - START == 250
    for _ in range(250):
        await pace.acquire("3")
        pace.done("3", well=True)
    assert pace.rate == pytest.approx(8)
    for _ in range(9):
        clock.ms += 2000
        pace.slow_down()
    assert pace.rate == 0.25


async def test_who_gives_up_waiting_holds_up_nobody() -> None:
    clock = FakeClock()
    clock.on_sleep = lambda seconds: asyncio.sleep(0.01)
    pace = Pace(Lane("x", "x", rate=1), clock)
    await pace.acquire("1")
    waiting = asyncio.create_task(pace.acquire("2"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    before = clock.ms
    await pace.acquire("3")
    assert clock.ms - before <= 1000


async def test_a_slot_that_is_not_used_is_anothers() -> None:
    clock = FakeClock()
    pace = Pace(Lane("x", "x", rate=1), clock)
    await pace.acquire("1")
    pace.unused("1")
    await pace.acquire("2")
    assert clock.ms == START


@pytest.mark.parametrize(("address", "waits"), [("7", 1.0), ("-5", 3.0), ("-5/7", 3.0), ("@news", 3.0), ("8", 0.0)])
async def test_how_long_a_chat_waits_can_be_asked(address: str, waits: float) -> None:
    pace = Pace(Lane("x", "x", address_interval=1.0, group_interval=3.0), FakeClock())
    for chat in ("7", "-5", "@news"):
        await pace.acquire(chat)
        pace.done(chat)
    assert pace.wait(address) == pytest.approx(waits)
