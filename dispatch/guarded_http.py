"""HTTP by httpx, connected only to addresses that a guard has seen.

The client's own transport gives no place for a guard between the name and the connection; ours is httpcore, as under
httpx's, with a network of our own. A connection is pooled by scheme, name and port, so that one made for a name is
used for that name only; TLS is checked against the name. Which addresses may be connected to is `guarded_dial`'s.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import cast

import httpcore
import httpx

from dispatch.guarded_dial import IDLE, TRIED, Guard, NameNotResolved, Resolve, checked_addresses, system_resolve

__all__ = ["Guard", "GuardedBackend", "GuardedTransport", "NameNotResolved", "Resolve", "system_resolve"]


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for one scheme: resolve, check every answer, connect to an address that was checked."""

    def __init__(
        self, guard: Guard, scheme: str, resolve: Resolve, network: httpcore.AsyncNetworkBackend | None = None
    ) -> None:
        self._guard = guard
        self._scheme = scheme
        self._resolve = resolve
        self._network = network or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's signature)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = (await checked_addresses(self._guard, self._resolve, self._scheme, host, port))[:TRIED]
        # One address that swallows packets must leave time for the next.
        share = timeout / len(addresses) if timeout else None
        failure: Exception = NameNotResolved(f"the name {host} has no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 (httpcore's signature)
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise NotImplementedError("nothing is asked of Unix sockets")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


class _Body(httpx.AsyncByteStream):
    """A body as httpcore gives it, in the shape that httpx takes."""

    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        # httpcore's body is a generator or has a close of its own; either gives the connection back.
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()


class GuardedTransport(httpx.AsyncBaseTransport):
    """A transport for httpx whose connections go through the guard. Its errors are httpcore's, not httpx's."""

    def __init__(
        self,
        guard: Guard,
        resolve: Resolve,
        tls: ssl.SSLContext | None,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        context = tls or _default_tls()  # slow to make
        self._pools = {
            scheme: httpcore.AsyncConnectionPool(
                ssl_context=context,
                max_connections=None,  # whoever asks bounds them
                keepalive_expiry=IDLE,
                network_backend=GuardedBackend(guard, scheme, resolve, network),
            )
            for scheme in ("https", "http")
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One exchange (httpx, "Custom transports")."""
        url = request.url
        response = await self._pools[url.scheme].handle_async_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=cast(AsyncIterable[bytes], request.stream),
                extensions=request.extensions,
            )
        )
        body = _Body(cast(AsyncIterable[bytes], response.stream))
        return httpx.Response(response.status, headers=response.headers, stream=body)

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()


def _default_tls() -> ssl.SSLContext:
    """Trusts the bundled authorities, and those that the machine's administrator has added."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context
