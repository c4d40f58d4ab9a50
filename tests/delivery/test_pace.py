"""Lanes keep their pace, and the retries their distance."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.delivery.channel import Lane
from dispatch.delivery.pace import Pace
from dispatch.delivery.retry import next_try
from tests.delivery.conftest import FakeClock


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
