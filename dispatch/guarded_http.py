"""HTTP by httpx, connected only to addresses that a guard has seen.

The client's own transport gives no place for a guard between the name and the connection; ours is httpcore, as under
httpx's, with a network of our own. A connection is pooled by scheme, name and port, so that one made for a name is
used for that name only; TLS is checked against the name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from typing import Protocol, cast

import httpcore
import httpx

from dispatch.networks import Address

Resolve = Callable[[str, int], Awaitable[list[str]]]

_TRIED = 4  # addresses of one name
_IDLE = 30.0  # seconds that an unused connection stays open


class Guard(Protocol):
    """Decides about addresses when a connection is made."""

    def opens(self, address: Address) -> bool:
        """Whether this address may be connected to whatever else the name stands for: somebody who may has opened its
        network, or the guard takes what it may of a name's addresses."""

    def check(self, address: Address, scheme: str, port: int) -> None:
        """Raises an error of its own unless a connection to this address is allowed."""


class NameNotResolved(Exception):
    """The host's name has no address, or the resolver gives no answer."""


async def system_resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, by the system's resolver. Raises NameNotResolved."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NameNotResolved(f"the name {host} cannot be resolved: {error}") from error
    return list(dict.fromkeys(str(info[4][0]) for info in found))


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
        addresses = (await self._checked(host, port))[:_TRIED]
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

    async def _checked(self, host: str, port: int) -> list[str]:
        """The addresses of the name that may be connected to: those that the guard opens (`localhost` is often two
        addresses, of which an administrator has opened one), else all, of which every one must pass."""
        addresses = await self._resolve(host, port)
        if not addresses:
            raise NameNotResolved(f"the name {host} has no address")
        opened = [address for address in addresses if self._guard.opens(ipaddress.ip_address(address))]
        for address in addresses if not opened else ():
            self._guard.check(ipaddress.ip_address(address), self._scheme, port)
        return opened or addresses


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
                keepalive_expiry=_IDLE,
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
