"""The HTTP side that the loopback servers share: one aiohttp application on 127.0.0.1 and a free port."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LoopbackServer:
    """Serves every path by `handle`, as an async context manager. `stop` and `start` keep the port."""

    host = "127.0.0.1"

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self._port = 0
        # Handlers that never answer wait for this, so that stopping ends them.
        self.stopping = asyncio.Event()

    @property
    def port(self) -> int:
        """The port; it stays known after the end, to knock where nobody answers any more."""
        return self._port

    @property
    def base_url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """What a server of this kind answers."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; a second start after `stop` listens on the same port."""
        self.stopping.clear()
        application = web.Application(client_max_size=16_000_000)
        application.router.add_route("*", "/{path:.*}", self.handle)
        self._runner = web.AppRunner(
            application, access_log=None, handle_signals=False, shutdown_timeout=1, handler_cancellation=True
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self._port, ssl_context=self._tls).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening, and end what is still being answered."""
        self.stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


def cut(request: web.Request) -> web.Response:
    """Reset the connection; the response returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
