"""What sending webhooks costs: the whole product beside plain HTTP clients that post the same bytes.

    benchmarks/webhooks.py [--quick] [--json]

All post 8 KB of signed JSON to one receiver on loopback, over 64 connections that are kept: nginx where it is
installed, else a sink of our own in a process of its own; `receiver` says which. The product sends planned deliveries,
each to an endpoint with an address and a secret of its own, by its own engine: it claims, renders, fills in what is
personal, signs, posts, and commits each outcome to SQLite with `synchronous = FULL` before the connection goes on. Its
time is from the start of the engine to the last outcome on the disk. The others have the bytes in hand, with the
signature, and remember nothing. All are processes of their own and take turns; medians are compared. The receiver and
the ledger must agree on the number of messages.

Ratio:
    product_to_aiohttp   messages a second, the product's over those of plain aiohttp (at least 0.5)

Figures: messages a second and microseconds of the processor for each. The product runs on uvloop, as the program does;
aiohttp is measured on both loops, and `product_to_aiohttp_uvloop` compares with the faster one.

--quick sends fewer messages in fewer turns, under the same names.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.pop(0)  # this folder's `email` is not the standard library's
sys.path.insert(0, str(Path(__file__).parents[1]))

import argparse
import asyncio
import base64
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.sending.receiver import Receiver

if TYPE_CHECKING:
    from subscribers.database import Database

CONNECTIONS = 64
BODY_BYTES = 8_000
PROMISED = {"product_to_aiohttp": 0.5}
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
_DAY = 86_400_000
_MOST = 120.0  # seconds that a turn may take
_TEXT = "南昌高新区聚焦光电产业，上半年新增企业120家，完善服务体系，搭建公共平台。"

Post = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Request:
    """What the product has sent for one delivery, to be sent by others."""

    url: str
    headers: Mapping[str, str]
    body: bytes


# --- the product ---------------------------------------------------------------------------------------------------


def settings_of(folder: Path) -> dict[str, Any]:
    return {
        "database": {"url": f"sqlite:///{folder}/dispatch.db"},
        "webhook": {"allow_networks": "127.0.0.0/8", "connections": CONNECTIONS},
        "web": {"base_url": "https://bulletin.example.org"},
    }


def prepare(folder: Path, base: str, endpoints: int) -> None:
    """An issue of one digest, and a planned delivery of it to each endpoint."""
    from dispatch.app import App
    from dispatch.settings import Settings

    with App(Settings.model_validate(settings_of(folder))).database() as db:
        with db.transaction():
            _fill(db, base, endpoints)
        _plan(db)
        db.run("PRAGMA wal_checkpoint(TRUNCATE)")


def _fill(db: Database, base: str, endpoints: int) -> None:
    from benchmarks.sending import filling
    from dispatch.model import Article, Block, BlockKind, Column, Issue

    block = Block(BlockKind.PARAGRAPH, _TEXT * 13)
    articles = tuple(Article(f"高新区光电产业再上台阶之{n}", "南昌高新区", (block, block)) for n in (1, 2))
    issue = Issue(
        "huoju", "火炬动态", "科技部火炬中心", 2022, 5, 534, None, (Column("高质量发展看高新区", "", articles),)
    )
    filling.add_issue(db, issue, lambda article: ["all"])
    filling.add_readers(db, endpoints, "webhook", f"'{base}/hook/' || id")
    queue = f"webhook:{base.partition('://')[2]}"
    db.run("UPDATE endpoints SET queue = :queue, secret = :secret", {"queue": queue, "secret": SECRET})
    filling.follow(db, "all")


def _plan(db: Database) -> None:
    from dispatch.delivery import planner

    now = time.time_ns() // 1_000_000
    (planned,) = planner.to_plan(db, now)
    plan = planner.begin(db, planned)
    assert plan is not None
    for low, high in plan.slices:
        planner.plan_slice(db, plan, low, high, {"webhook": _DAY}, now)
    planner.end(db, plan, now)


async def drain(folder: Path) -> dict[str, float]:
    """Send all that is planned in a folder."""
    from dispatch.app import App
    from dispatch.settings import Settings

    app = App(Settings.model_validate(settings_of(folder)))
    async with app.store() as store, app.engine(store) as engine:
        began, cpu = time.perf_counter(), time.process_time()
        await engine.drain()
        took = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    with app.database() as db:
        took["sent"] = int(db.value("SELECT COUNT(*) FROM deliveries WHERE state = 'sent'"))
        took["attempts"] = int(db.value("SELECT COUNT(*) FROM attempts WHERE outcome = 'sent'"))
    return took


async def sample(folder: Path) -> Request:
    """The request that the product makes for one delivery."""
    from dispatch.testing.webhook import WebhookReceiver

    async with WebhookReceiver() as receiver:
        receiver.expect("/hook/1", SECRET)
        prepare(folder, receiver.base_url, 1)
        await drain(folder)
        (got,) = receiver.requests
    assert got.verified
    kept = {
        name: value
        for name, value in got.headers.items()
        if name not in ("host", "content-length", "accept", "connection")
    }
    return Request("/hook/1", kept, got.body)


# --- the others: each gives a function that posts once and returns the status --------------------------------------


@asynccontextmanager
async def aiohttp_client(request: Request) -> AsyncIterator[Post]:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:

        async def post() -> int:
            async with session.post(request.url, data=request.body, headers=request.headers) as answer:
                await answer.read()
                return answer.status

        yield post


@asynccontextmanager
async def httpx_client(request: Request) -> AsyncIterator[Post]:
    """httpx with its own pool."""
    import httpx

    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as client:

        async def post() -> int:
            answer = await client.post(request.url, content=request.body, headers=dict(request.headers))
            return answer.status_code

        yield post


@asynccontextmanager
async def httpx_over_aiohttp(request: Request) -> AsyncIterator[Post]:
    """httpx, whose requests go by aiohttp's connections."""
    import aiohttp
    import httpx

    class Transport(httpx.AsyncBaseTransport):
        async def handle_async_request(self, asked: httpx.Request) -> httpx.Response:
            async with session.request(
                asked.method, str(asked.url), data=await asked.aread(), headers=dict(asked.headers)
            ) as answer:
                return httpx.Response(answer.status, headers=answer.headers, content=await answer.read())

    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session,
        httpx.AsyncClient(transport=Transport(), trust_env=False) as client,
    ):

        async def post() -> int:
            answer = await client.post(request.url, content=request.body, headers=dict(request.headers))
            return answer.status_code

        yield post


@asynccontextmanager
async def poster(request: Request) -> AsyncIterator[Post]:
    """The product's transport alone: guarded, limited, and with a time-out."""
    import ipaddress

    from dispatch.channels.webhook.guard import Guard
    from dispatch.channels.webhook.transport import Poster
    from dispatch.guarded_http import system_resolve

    made = Poster(Guard((ipaddress.ip_network("127.0.0.0/8"),)), 15, system_resolve, None)

    async def post() -> int:
        return (await made.post(request.url, request.headers, request.body)).status

    yield post
    await made.close()


@asynccontextmanager
async def raw(request: Request) -> AsyncIterator[Post]:
    """asyncio's streams and nothing else: what a loop and a socket cost."""
    host, port = request.url.split("/")[2].split(":")
    lines = [f"POST /hook/1 HTTP/1.1\r\nhost: {host}:{port}\r\ncontent-length: {len(request.body)}\r\n"]
    head = "".join([*lines, *(f"{name}: {value}\r\n" for name, value in request.headers.items()), "\r\n"]).encode()
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post() -> int:
        reader, writer = idle.pop() if idle else await asyncio.open_connection(host, int(port))
        writer.write(head + request.body)
        answer = await reader.readuntil(b"\r\n\r\n")
        idle.append((reader, writer))
        return int(answer.split(b" ", 2)[1])

    yield post
    for _, writer in idle:
        writer.close()


OTHERS = {  # with the share of messages that a turn has: some are slow
    "aiohttp": (aiohttp_client, 1.0),
    "aiohttp, uvloop": (aiohttp_client, 1.0),
    "product's transport alone, uvloop": (poster, 1.0),
    "raw asyncio, uvloop": (raw, 1.0),
    "raw asyncio": (raw, 1.0),
    "httpx over aiohttp": (httpx_over_aiohttp, 0.2),
    "httpx": (httpx_client, 0.05),
}
_EACH_TURN = ("aiohttp", "aiohttp, uvloop")


async def spread(name: str, request: Request, messages: int) -> dict[str, float]:
    """Post so often over all connections; none of it counts where one is refused."""
    client, _ = OTHERS[name]
    left = iter(range(messages))
    async with client(request) as post:

        async def work() -> None:
            for _ in left:
                status = await post()
                if status != 204:
                    sys.exit(f"{name}: the receiver answered {status}")

        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
        return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "sent": messages}


# --- the comparison ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scale:
    turns: int
    product: int
    others: int


FULL, QUICK = Scale(5, 20_000, 20_000), Scale(3, 12_000, 12_000)


class Bench:
    """Turns, each a process of its own, and what they took."""

    def __init__(self, folder: Path, receiver: Receiver, scale: Scale) -> None:
        self._folder = folder
        self._receiver = receiver
        self._scale = scale
        self.rates: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}
        self._made = folder / "made"
        self._made.mkdir()
        (folder / "sample").mkdir()
        told = self._run("--sample", folder / "sample")
        self.body_bytes = int(told["bytes"])
        prepare(self._made, receiver.url, scale.product)

    def product(self) -> None:
        copy = self._folder / f"run-{len(self.rates.get('product', ()))}"
        shutil.copytree(self._made, copy)
        told = self._run("--product", copy)
        expected = self._scale.product
        if not told["sent"] == told["attempts"] == self._receiver.taken() == expected:
            sys.exit(f"{expected} messages were due; the ledger has {told}")
        self._count("product", told)
        shutil.rmtree(copy)

    def other(self, name: str) -> None:
        messages = max(CONNECTIONS, int(self._scale.others * OTHERS[name][1]))
        told = self._run("--other", name, str(messages), self._receiver.url, self._folder / "sample")
        if self._receiver.taken() != messages:
            sys.exit(f"{name}: the receiver did not take {messages} messages")
        self._count(name, told)

    def ratio(self, other: str) -> float:
        """The median over the turns."""
        return round(statistics.median(a / b for a, b in zip(self.rates["product"], self.rates[other], strict=True)), 3)

    def _run(self, *options: str | Path) -> dict[str, float]:
        done = subprocess.run(
            [sys.executable, __file__, *map(str, options)], check=True, capture_output=True, text=True, timeout=_MOST
        )
        told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return told

    def _count(self, name: str, told: Mapping[str, float]) -> None:
        self.rates.setdefault(name, []).append(told["sent"] / told["seconds"])
        self.cpu.setdefault(name, []).append(told["cpu"] / told["sent"] * 1e6)


def measure(scale: Scale) -> dict[str, Any]:
    """All of it, as ratios and figures."""
    with tempfile.TemporaryDirectory(prefix="webhooks-") as name, Receiver() as receiver:
        bench = Bench(Path(name), receiver, scale)
        for _ in range(scale.turns):
            bench.product()
            for other in _EACH_TURN:
                bench.other(other)
        for other in OTHERS:
            if other not in _EACH_TURN:
                bench.other(other)
        senders = {
            sender: {
                "messages_a_second": round(statistics.median(rates)),
                "cpu_microseconds": round(statistics.median(bench.cpu[sender])),
            }
            for sender, rates in bench.rates.items()
        }
        return {
            "ratios": {"product_to_aiohttp": bench.ratio("aiohttp")},
            "figures": {
                "receiver": receiver.kind,
                "connections": CONNECTIONS,
                "body_bytes": bench.body_bytes,
                "product_to_aiohttp_uvloop": bench.ratio("aiohttp, uvloop"),
                "senders": senders,
            },
        }


def show(measured: dict[str, Any]) -> None:
    figures = measured["figures"]
    print(f"{figures['body_bytes']:,} bytes to {figures['receiver']}, {figures['connections']} connections")
    for name, took in figures["senders"].items():
        print(f"{name:36}{took['messages_a_second']:>8,} a second {took['cpu_microseconds']:>6,} µs of the processor")
    for name, value in measured["ratios"].items():
        print(f"{name}: {value} (at least {PROMISED[name]})")


def turn(options: argparse.Namespace) -> dict[str, float]:
    """What a process of its own does, and what it took."""
    from dispatch import loops

    if options.product:
        return loops.run(drain(Path(options.product)))
    if options.sample:
        folder = Path(options.sample)
        request = asyncio.run(sample(folder))
        (folder / "headers.json").write_text(json.dumps(dict(request.headers)))
        (folder / "body").write_bytes(request.body)
        return {"bytes": len(request.body)}
    name, messages, base, kept = options.other
    headers = json.loads((Path(kept) / "headers.json").read_text())
    request = Request(f"{base}/hook/1", headers, (Path(kept) / "body").read_bytes())
    run = loops.run if "uvloop" in name else asyncio.run
    return run(spread(name, request, int(messages)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer messages, fewer turns")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--messages", type=int, help=argparse.SUPPRESS)  # of each, in one turn
    parser.add_argument("--product", help=argparse.SUPPRESS)
    parser.add_argument("--sample", help=argparse.SUPPRESS)
    parser.add_argument("--other", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.product or options.sample or options.other:
        print(json.dumps(turn(options)))
        return
    scale = Scale(1, options.messages, options.messages) if options.messages else QUICK if options.quick else FULL
    measured = measure(scale)
    print(json.dumps(measured, indent=2)) if options.json else show(measured)


if __name__ == "__main__":
    main()
