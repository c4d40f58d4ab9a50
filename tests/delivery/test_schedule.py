"""Regular work: it begins at once, a failure comes again, and the end cuts nothing off."""

from __future__ import annotations

import asyncio
import logging

import pytest

from dispatch.delivery.schedule import Job, running


async def test_a_job_under_way_is_finished_before_the_end(caplog: pytest.LogCaptureFixture) -> None:
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        begun.set()
        await may_end.wait()
        ended.append(True)

    with caplog.at_level(logging.WARNING):
        async with asyncio.timeout(20):
            async with running([Job("slow", 1000, work)], 20):
                await begun.wait()
                asyncio.get_running_loop().call_soon(may_end.set)
    assert ended == [True]
    assert caplog.records == []


async def test_a_job_that_fails_stops_no_other_and_comes_again(caplog: pytest.LogCaptureFixture) -> None:
    runs: list[str] = []
    twice = asyncio.Event()

    async def broken() -> None:
        runs.append("broken")
        if runs.count("broken") == 2:
            twice.set()
        raise ValueError("as the test wants")

    async def well() -> None:
        runs.append("well")

    async with asyncio.timeout(20), running([Job("broken", 0.01, broken), Job("well", 1000, well)], 20):
        await twice.wait()
    assert "well" in runs
    assert "broken failed" in caplog.text


async def test_a_job_that_takes_longer_than_its_time_overlaps_with_none_and_warns_of_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runs, at_once, most = 0, 0, 0
    others, may_end = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        nonlocal runs, at_once, most
        runs, at_once = runs + 1, at_once + 1
        most = max(most, at_once)
        await may_end.wait()
        at_once -= 1

    turns = 0

    async def fast() -> None:
        nonlocal turns
        turns += 1
        if turns == 20:  # the slow one's time has come about as often
            others.set()

    with caplog.at_level(logging.WARNING):
        async with asyncio.timeout(20), running([Job("slow", 0.01, slow), Job("fast", 0.01, fast)], 20):
            await others.wait()
            may_end.set()
    assert (runs >= 1, most) == (True, 1)
    assert caplog.records == []


async def test_a_job_without_an_end_does_not_keep_the_program_from_stopping(caplog: pytest.LogCaptureFixture) -> None:
    begun = asyncio.Event()

    async def endless() -> None:
        begun.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(20), running([Job("endless", 1000, endless)], 0.05):
        await begun.wait()
    assert "cut off after 0.05 seconds: endless" in caplog.text
