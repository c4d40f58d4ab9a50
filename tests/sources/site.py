"""Servers on loopback that a source is looked at with, and a look without a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import anyio
import httpcore
from aiohttp import web

from dispatch.assets import config_dir
from dispatch.errors import IntakeError
from dispatch.sources.source import Document, Memory, Refusal, Source, with_outcome
from dispatch.sources.web import Web
from dispatch.testing.server import LoopbackServer

SAMPLE = (config_dir() / "samples" / "huoju-2022-05.md").read_bytes()
DAY_MS = 86_400_000


class FakeClock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000
        self.slept: list[float] = []

    def now(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    def boottime(self) -> float:
        return self.monotonic()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ms += round(seconds * 1000)
        await anyio.lowlevel.checkpoint()


@dataclass
class Page:
    """What is behind a path."""

    body: bytes = b""
    kind: str = "text/html; charset=utf-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def index(*links: str, more: str = "") -> Page:
    """A page with links: addresses, or `address|text`."""
    pairs = [(link.partition("|")[0], link.partition("|")[2] or link) for link in links]
    rows = "".join(f'<li><a href="{url}">{text}</a></li>' for url, text in pairs)
    return Page(f"<!doctype html><html><body><ul>{rows}</ul>{more}</body></html>".encode())


def issue(number: int = 1, **more: str) -> Page:
    return Page(f"# 第{number}期\n".encode(), "text/markdown", headers=dict(more))


class Site(LoopbackServer):
    """Pages by path, with conditional requests (RFC 9110, section 13); `asked` has the paths, `hits` the requests."""

    def __init__(self, pages: dict[str, Page] | None = None) -> None:
        super().__init__()
        self.pages = pages or {}
        self.asked: list[str] = []
        self.agents: set[str] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        self.agents.add(request.headers.get("User-Agent", ""))
        page = self.pages.get(request.path)
        if page is None:
            return web.Response(status=404)
        etag = page.headers.get("ETag")
        if etag and request.headers.get("If-None-Match") == etag:
            return web.Response(status=304)
        return web.Response(status=page.status, body=page.body, headers={"Content-Type": page.kind, **page.headers})

    def fetched(self) -> list[str]:
        """The paths asked for since the last call, without robots.txt."""
        found = [path for path in self.asked if path != "/robots.txt"]
        self.asked.clear()
        return found


class Silent(LoopbackServer):
    """Takes connections and says nothing."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        await self.stopping.wait()
        return web.Response()


class Dialled(httpcore.AnyIOBackend):
    """A network in which every address is this machine; `dialled` has those that were meant."""

    def __init__(self) -> None:
        self.dialled: list[str] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's signature)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.dialled.append(host)
        return await super().connect_tcp("127.0.0.1", port, timeout, local_address, socket_options)


def asking(clock: FakeClock, **more: object) -> Web:
    return Web(clock, **{"seconds": 10, "max_bytes": 100_000, **more})  # type: ignore[arg-type]  # one by one


@dataclass
class Looked:
    """What a look found: documents by name with their content, and what cannot be had."""

    taken: dict[str, bytes] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    error: IntakeError | None = None

    @property
    def names(self) -> list[str]:
        return [name.rpartition("/")[2] for name in self.taken]


async def look(
    source: Source, memory: Memory, clock: FakeClock, *, refuse: Callable[[bytes], str] = lambda data: "",
    patient: bool = False,
) -> Looked:  # fmt: skip
    """One look, and remembering as the program does it."""
    done = Looked()
    try:
        async for found in source.look(memory, now=clock.now(), patient=patient):
            known = found.known
            if isinstance(found, Document):
                data = found.path.read_bytes()
                found.path.unlink()
                error = refuse(data)
                done.taken[found.name] = data
                await source.finish(found, error)
                known = known and with_outcome(known, "refused" if error else "taken")
            elif isinstance(found, Refusal):
                done.refused[found.name] = str(found.error)
            if known:
                memory.items[found.key] = known
    except IntakeError as error:
        done.error = error
    return done
