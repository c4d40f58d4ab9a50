"""Watching a program at work from outside: metrics, status and the log of `dispatch run`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

from dispatch.testing import SmtpSink
from tests.acceptance.conftest import SAMPLE
from tests.acceptance.test_running import command, running


async def test_a_running_program_tells_what_was_sent_and_that_it_runs(tmp_path: Path) -> None:
    async with SmtpSink() as smtp:
        dispatch = command(tmp_path, smtp, DISPATCH_METRICS__LISTEN="127.0.0.1:0", DISPATCH_LOG__FORMAT="json")
        await asyncio.to_thread(dispatch, "subscribers", "add", "--email", "a@x.test", "--follow", "all", "--confirmed")
        await asyncio.to_thread(dispatch, "ingest", str(SAMPLE))
        sent = await asyncio.to_thread(dispatch, "issues", "send", "534", DISPATCH_LOG__LEVEL="debug")
        async with running(dispatch) as process:
            assert process.stderr
            async for line in process.stderr:
                event = record(line.decode()).get("event", "")
                if event.startswith("metrics on "):
                    break
            async with httpx.AsyncClient(trust_env=False) as client:
                text = (await client.get(event.removeprefix("metrics on "))).text
            status = (await asyncio.to_thread(dispatch, "status", "--json")).json
    assert 'dispatch_messages_total{lane="email:default",outcome="sent"} 5.0' in text
    assert "dispatch_processes 1.0" in text
    assert len(status["processes"]) == 1
    assert status["queues"][0]["lanes"][0]["attempts"]["sent"] == 5
    told = [record(line) for line in sent.err.splitlines()]
    attempts = [entry for entry in told if entry.get("outcome") == "sent"]
    assert [(entry["lane"], entry["issue"], len(entry["delivery"])) for entry in attempts] == [
        ("email:default", ["huoju:534"], 1)
    ] * 5
    assert "a@x.test" not in sent.err


def record(line: str) -> dict[str, Any]:
    """A line of the log; nothing of what the command says besides."""
    found: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
    return found
