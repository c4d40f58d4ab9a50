"""A process that is killed in mid-send: the next start finishes, nobody is missing, next to nothing is repeated.

The receivers log what they accepted. A run is killed with SIGKILL when they have accepted a random number of messages,
and started again, until everything is out.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dispatch.testing import BotApi, SmtpSink, WebhookReceiver
from dispatch.testing.recording import Inbox
from tests.acceptance.conftest import SAMPLE, Command

READERS = 60
KILLS = 5
CONNECTIONS = 4


def prepare(dispatch: Command, hooks: WebhookReceiver) -> int:
    """An approved issue with readers on three channels; how many messages are owed."""
    follows = "column:园区发展;topic:区块链"
    rows = [f"r{n},r{n}@x.test,{9000 + n},{hooks.url(f'/r{n}')},{follows}" for n in range(READERS)]
    rows.insert(0, "name,email,telegram,webhook,follows")
    (dispatch.folder / "readers.csv").write_text("\n".join(rows), encoding="utf-8")
    dispatch("subscribers", "import", "readers.csv", "--confirmed")
    dispatch("ingest", str(SAMPLE))
    dispatch("issues", "approve", "534")
    return READERS * 2


async def start(dispatch: Command) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dispatch", "run", "--once"),
        cwd=dispatch.folder,
        env=dispatch.environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def killed_or_done(process: asyncio.subprocess.Process, reached: asyncio.Task[object]) -> bool:
    """Kill the process as soon as the receiver has so many messages; whether that was before it ended by itself."""
    ended = asyncio.create_task(process.wait())
    await asyncio.wait({ended, reached}, return_when=asyncio.FIRST_COMPLETED)
    reached.cancel()
    was_running = not ended.done()
    if was_running:
        process.send_signal(signal.SIGKILL)
    await ended
    return was_running


@pytest.mark.parametrize("round_", range(2))
async def test_nobody_is_missing_and_next_to_nothing_is_repeated(tmp_path: Path, round_: int) -> None:
    seed = int(os.environ.get("DISPATCH_TEST_SEED", str(random.randrange(10**9))))
    print(f"seed {seed}")  # noqa: T201 - pytest shows it when the test fails
    chance = random.Random(seed)
    async with SmtpSink() as smtp, BotApi() as bot, WebhookReceiver() as hooks:
        dispatch = Command(tmp_path, environment(tmp_path, smtp, bot))
        owed = await asyncio.to_thread(prepare, dispatch, hooks)
        kills = 0
        while kills < KILLS:
            inbox: Inbox[Any] = chance.choice([smtp.messages, bot.messages, hooks.requests])
            reached = asyncio.create_task(inbox.reached(len(inbox) + chance.randint(1, 25), within=60))
            killed = await killed_or_done(await start(dispatch), reached)
            if not killed:
                break
            kills += 1
        await asyncio.to_thread(dispatch, "run", "--once")
        rows = (await asyncio.to_thread(dispatch, "deliveries", "list", "--json")).json
        assert Counter(row["state"] for row in rows) == {"sent": owed * 3}
        assert kills
        check(smtp, bot, hooks, owed, kills)


def environment(folder: Path, smtp: SmtpSink, bot: BotApi) -> dict[str, str]:
    return {
        "DISPATCH_DATABASE__URL": f"sqlite:///{folder / 'work.db'}",
        "DISPATCH_INTAKE__FOLDER": str(folder / "inbox"),
        "DISPATCH_EMAIL__HOST": smtp.host,
        "DISPATCH_EMAIL__PORT": str(smtp.port),
        "DISPATCH_EMAIL__SECURITY": "none",
        "DISPATCH_EMAIL__FROM_ADDRESS": "news@bulletin.test",
        "DISPATCH_EMAIL__CONNECTIONS": str(CONNECTIONS),
        "DISPATCH_TELEGRAM__TOKEN": bot.token,
        "DISPATCH_TELEGRAM__API_BASE": bot.base_url,
        "DISPATCH_TELEGRAM__RATE": "1000",
        "DISPATCH_TELEGRAM__CHAT_INTERVAL": "0",
        "DISPATCH_TELEGRAM__CONNECTIONS": str(CONNECTIONS),
        "DISPATCH_WEBHOOK__ALLOW_NETWORKS": "127.0.0.0/8",
        "DISPATCH_WEBHOOK__CONNECTIONS": str(CONNECTIONS),
        "DISPATCH_LOG__LEVEL": "error",
    }


def check(smtp: SmtpSink, bot: BotApi, hooks: WebhookReceiver, owed: int, kills: int) -> None:
    mails = Counter((mail.recipients[0], str(mail.parsed["Message-ID"])) for mail in smtp.messages)
    assert len(mails) == owed  # nobody missing, and a repeat has the Message-ID of the first
    posts = Counter((request.path, request.id) for request in hooks.requests)
    assert len(posts) == owed
    chats = Counter((str(message.chat), message.text) for message in bot.messages)
    assert len({chat for chat, _ in chats}) == READERS
    bound = kills * CONNECTIONS
    for name, counts in (("email", mails), ("webhook", posts), ("telegram", chats)):
        repeats = sum(counts.values()) - len(counts)
        assert repeats <= bound, f"{name}: {repeats} repeats after {kills} kills"
