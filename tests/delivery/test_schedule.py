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
            async with running([Job("slow", 1000, work)]):
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

    async with asyncio.timeout(20), running([Job("broken", 0.01, broken), Job("well", 1000, well)]):
        await twice.wait()
    assert "well" in runs
    assert "broken failed" in caplog.text
