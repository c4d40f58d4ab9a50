"""The processes that one run keeps going. tests/acceptance/test_processes.py has the whole of it."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

import pytest

from dispatch.workers import Crew
from tests.faults.office import heard


async def test_a_worker_that_cannot_be_started_is_told_of_and_holds_up_no_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    with heard("worker 1") as told_of_it:
        async with asyncio.timeout(20), Crew(1, [], shutdown=1).at_work():
            await told_of_it.wait()
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    words = "worker 1 could not be started (No such file or directory); started again in 1 seconds"
    assert record.getMessage() == words
