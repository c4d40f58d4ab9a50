"""Metrics for Prometheus, on a listener of their own.

They are read from the database, so one process tells of all. The first that listens serves them; another waits for the
address to become free, so that there are metrics as long as any process runs.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from dispatch.delivery.clock import Clock
from dispatch.delivery.collector import exposition
from dispatch.delivery.status_reader import Reader, endpoints
from dispatch.delivery.store import Store
from dispatch.errors import Failure
from dispatch.web.server import serve
from subscribers.database import Database, Row
from subscribers.errors import DatabaseError

log = logging.getLogger(__name__)
_KEPT_SECONDS = 5.0  # an answer serves everybody who asks within
_ENDPOINTS_SECONDS = 300.0  # counting them is linear, and they are few or change little
_AGAIN_SECONDS = 10.0


@asynccontextmanager
async def metrics(connect: Callable[[], Database], listen: str, clock: Clock) -> AsyncIterator[str]:
    """Serve `/metrics` at `HOST:PORT` until the end of the block, with a connection and a thread of its own; gives the
    address in use, or "" while another program has it.

    Raises Failure where it cannot listen there for another reason.
    """
    async with Store(connect) as store:
        started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(_listen(_site(store, clock), listen, clock, started), name="metrics")
        try:
            yield await started
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _site(store: Store, clock: Clock) -> Callable[[], web.Application]:
    page = _Page(store, clock)

    def make() -> web.Application:
        site = web.Application(client_max_size=0)
        site.add_routes([web.get("/metrics", page.answer)])
        return site

    return make


async def _listen(make: Callable[[], web.Application], listen: str, clock: Clock, started: asyncio.Future[str]) -> None:
    while True:
        try:
            async with serve(make(), listen, what="the metrics", setting="[metrics] listen") as address:
                log.info("metrics on http://%s/metrics", address)
                _tell(started, address)
                await asyncio.Event().wait()
        except Failure as error:
            if not started.done() and not _taken(error):
                started.set_exception(error)
                return
            if not started.done():
                log.warning("%s; it is tried again until the address is free", error)
            elif not _taken(error):
                log.error("%s", error)
            _tell(started, "")
        await clock.sleep(_AGAIN_SECONDS)


def _tell(started: asyncio.Future[str], address: str) -> None:
    if not started.done():
        started.set_result(address)


def _taken(error: Failure) -> bool:
    return isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE


class _Page:
    """The answer, made anew when it is some seconds old."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._reader = Reader(monotonic=clock.monotonic)
        self._making = asyncio.Lock()
        self._text = b""
        self._until = 0.0
        self._endpoints: list[Row] = []
        self._endpoints_until = 0.0

    async def answer(self, request: web.Request) -> web.Response:
        try:
            text = await self._current()
        except DatabaseError as error:
            log.warning("no metrics: %s", error)
            return web.Response(text="the database cannot be read; see the log\n", status=503)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})

    async def _current(self) -> bytes:
        async with self._making:
            if not self._text or self._clock.monotonic() >= self._until:
                self._text = await self._store.call(self._make)
                self._until = self._clock.monotonic() + _KEPT_SECONDS
            return self._text

    def _make(self, db: Database) -> bytes:
        if self._clock.monotonic() >= self._endpoints_until:
            self._endpoints = endpoints(db)
            self._endpoints_until = self._clock.monotonic() + _ENDPOINTS_SECONDS
        return exposition(self._reader.read(db, self._clock.now()), self._endpoints)
