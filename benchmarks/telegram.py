"""A broadcast at the free limits of Telegram, with a user who asks for something meanwhile.

    benchmarks/telegram.py [--quick] [--json]

The product's own engine sends an approved issue to private chats, and several digests of it to each group, by the Bot
API of `dispatch.testing`, a server in a process of its own. It counts in sliding windows what Telegram permits without
payment: 30 messages a second, one a second to a chat, 20 a minute to a group, and answers 429 beyond. While the digests
go out, users write /search to the bot at random times, and the program's own conversation answers them by long polling;
replies share the pace and go first.

Ratios and figures:
    rate_to_permitted   messages a second, from the first to the last the server took, over the 30 it permits (at
                        least 0.95)
    too_many_requests   answers of 429 (0)
    reply_seconds       the longest from a user's /search to the answer in their chat (at most 1)

The users who search are none who get a digest: a chat that was written to less than a second ago may not be written to
yet, so an answer there comes that much later.

--quick sends to 600 chats instead of 3,000, under the same names. The server and the ledger must agree on every
message.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.pop(0)  # this folder's `email` is not the standard library's
sys.path.insert(0, str(Path(__file__).parents[1]))

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Any

from benchmarks.sending import filling
from dispatch.app import App
from dispatch.delivery import planner
from dispatch.model import Article, Block, BlockKind, Column, Issue
from dispatch.settings import Settings
from dispatch.testing.bot_api import BotApi, Limits
from subscribers.database import Database

TOKEN = "42:BENCHMARK"
GROUPS, COLUMNS = 60, 5
PERMITTED = float(Limits().bot_per_second)
PROMISED = {"rate_to_permitted": 0.95, "too_many_requests": 0, "reply_seconds": 1.0}
_SEED = 20220315
_STRANGERS = 10_000_000  # chats that only ask
_EVERY = 0.7  # seconds between two questions, on average
_DAY = 86_400_000
_ADDRESS = f"CASE WHEN id <= {GROUPS} THEN '-' || (1001000000000 + id) ELSE '' || (1000 + id) END"


class Server:
    """The Bot API in a process of its own, which tells at the end what it took."""

    def __enter__(self) -> Server:
        command = [sys.executable, __file__, "--server"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.base_url = str(self._told()["base_url"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def let_ask(self) -> None:
        """From now on users ask."""
        self._say("ask")

    def report(self) -> dict[str, Any]:
        self._say("report")
        return self._told()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told


async def serve() -> None:
    """Answer until the input ends. The line `ask` lets users begin to ask; any other one asks for a line about all that
    was taken."""
    asking: asyncio.Task[None] | None = None
    seconds: list[float] = []
    async with BotApi(TOKEN, limits=Limits()) as api:
        print(json.dumps({"base_url": api.base_url}), flush=True)
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            if line == "ask":
                asking = asyncio.create_task(ask(api, seconds))
                continue
            if asking is not None:
                asking.cancel()
                with suppress(asyncio.CancelledError):
                    await asking
            taken = [(str(message.chat), message.at) for message in api.messages]
            refused = [refusal.status for _, refusal in api.refused]
            print(json.dumps({"taken": taken, "refused": refused, "seconds": seconds}), flush=True)


async def ask(api: BotApi, seconds: list[float]) -> None:
    """Users who search at random times until it is cancelled; how long each had to wait."""
    chance = random.Random(_SEED)

    async def one(number: int) -> None:
        user = api.user(f"U{number}", id=_STRANGERS + number, language="zh-hans", started=True)
        begun = time.perf_counter()
        await user.send("/search 光电")
        answer = await user.next(60)
        seconds.append(time.perf_counter() - begun)
        assert "光电" in answer.text, answer.text

    async with asyncio.TaskGroup() as group:
        for number in range(100_000):
            await asyncio.sleep(chance.expovariate(1 / _EVERY))
            group.create_task(one(number))


def prepare(db: Database, readers: int) -> None:
    """An approved issue; each reader follows what one of the columns has, each group all of them."""
    block = Block(BlockKind.PARAGRAPH, "南昌高新区聚焦光电产业，上半年新增企业120家，完善服务体系，搭建公共平台。" * 5)
    columns = tuple(Column(f"第{n}栏", "", (Article(f"第{n}篇", "", (block, block)),)) for n in range(1, COLUMNS + 1))
    issue = Issue("huoju", "火炬动态", "科技部火炬中心", 2022, 5, 534, None, columns)
    with db.transaction():
        filling.add_issue(db, issue, lambda article: ["all", f"topic:{article.title[1:-1]}"])
        filling.add_readers(db, readers + GROUPS, "telegram", _ADDRESS)
        filling.follow(db, "all", f"id <= {GROUPS}")
        for n in range(1, COLUMNS + 1):
            filling.follow(db, f"topic:{n}", f"id > {GROUPS} AND 1 + id % {COLUMNS} = {n}")
    (planned,) = planner.to_plan(db, _now())
    plan = planner.begin(db, planned)
    assert plan is not None
    for low, high in plan.slices:
        planner.plan_slice(db, plan, low, high, {"telegram": _DAY}, _now())
    planner.end(db, plan, _now())


def _now() -> int:
    return time.time_ns() // 1_000_000


async def broadcast(settings: Settings, readers: int, begin: Callable[[], None]) -> int:
    """Send it all while the bot answers; how many messages the ledger has as sent. `begin` is called when it does."""
    app = App(settings)
    with app.database() as db:
        prepare(db, readers)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(app.store())
        engine = await stack.enter_async_context(app.engine(store))
        conversation = await app.conversation(store, "default")
        talking = asyncio.create_task(conversation.serve(stop))
        begin()
        try:
            await engine.drain()
        finally:
            stop.set()
            await talking
    with app.database() as db:
        return int(db.value("SELECT COUNT(*) FROM messages WHERE state = 'sent'"))


def measure(readers: int) -> dict[str, Any]:
    """All of it, as ratios and figures."""
    with tempfile.TemporaryDirectory(prefix="telegram-") as folder, Server() as server:
        settings = Settings.model_validate(
            {
                "database": {"url": f"sqlite:///{folder}/dispatch.db"},
                "telegram": {"token": TOKEN, "api_base": server.base_url},
                "web": {"base_url": "https://bulletin.example.org"},
            }
        )
        sent = asyncio.run(broadcast(settings, readers, server.let_ask))
        report = server.report()
    return result(report, sent, readers)


def result(report: dict[str, Any], sent: int, readers: int) -> dict[str, Any]:
    """What the server took, which must be what the ledger has."""
    digests = [(chat, at) for chat, at in report["taken"] if int(chat) < _STRANGERS]
    expected = readers + GROUPS * COLUMNS
    if not len(digests) == sent == expected:
        sys.exit(f"{expected} messages were due; the server took {len(digests)}, and the ledger has {sent} as sent")
    first, last = min(at for _, at in digests), max(at for _, at in digests)
    counted = sum(first <= at <= last for _, at in report["taken"])
    groups = Counter(chat for chat, _ in digests if chat.startswith("-"))
    return {
        "ratios": {
            "rate_to_permitted": round((counted - 1) / (last - first) / PERMITTED, 3),
            "too_many_requests": report["refused"].count(429),
            "reply_seconds": round(max(report["seconds"]), 3),
        },
        "figures": {
            "chats": readers,
            "groups": len(groups),
            "messages": counted,
            "seconds": round(last - first, 1),
            "replies": len(report["seconds"]),
            "median_reply_seconds": round(statistics.median(report["seconds"]), 3),
        },
    }


def show(measured: dict[str, Any]) -> None:
    figures = measured["figures"]
    print(f"{figures['messages']:,} messages to {figures['chats']:,} chats and {figures['groups']} groups", end=" ")
    print(f"in {figures['seconds']} seconds; {figures['replies']} searches answered meanwhile", end="")
    print(f" (median {figures['median_reply_seconds']} seconds)")
    for name, value in measured["ratios"].items():
        print(f"{name}: {value} ({'at least' if name == 'rate_to_permitted' else 'at most'} {PROMISED[name]})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="600 chats instead of 3,000")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--server", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.server:
        asyncio.run(serve())
        return
    measured = measure(600 if options.quick else 3_000)
    print(json.dumps(measured, indent=2)) if options.json else show(measured)


if __name__ == "__main__":
    main()
