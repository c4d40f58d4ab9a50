"""HTTP to receivers by httpcore, connected only to addresses that the guard has seen.

httpcore and not the client above it: that one logs whole addresses (in which receivers like Slack have their secret),
keeps cookies, and gives no place for a guard between the name and the connection. Here are no proxies from the
environment, no redirects and no cookies, because nobody adds them. A connection is pooled by scheme, name and port,
so that one made for a name is used for that name only; TLS is checked against the name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import httpcore

from dispatch.channels.webhook.guard import Guard

Resolve = Callable[[str, int], Awaitable[list[str]]]

MAX_READ = 65_536
"""Bytes of an answer that are read; a receiver that says more is cut off."""

MAX_KEPT = 2_048
"""Bytes of an answer that are kept, to tell a person."""

_TRIED = 4  # addresses of one name
_IDLE = 30.0  # seconds that an unused connection stays open

BROKEN = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)
"""What a receiver's network can do to a request, besides NameNotResolved and AddressRefused."""


class NameNotResolved(Exception):
    """The host's name has no address, or the resolver gives no answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A receiver's answer: headers by lower-case name, and the beginning of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


async def system_resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, by the system's resolver. Raises NameNotResolved."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NameNotResolved(f"the name {host} cannot be resolved: {error}") from error
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for one scheme: resolve, check every answer, connect to an address that was checked."""

    def __init__(self, guard: Guard, scheme: str, resolve: Resolve) -> None:
        self._guard = guard
        self._scheme = scheme
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

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
        raise NotImplementedError("webhooks have no Unix sockets")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)

    async def _checked(self, host: str, port: int) -> list[str]:
        """All addresses of the name. One refused address refuses the name: no use in picking the good ones."""
        addresses = await self._resolve(host, port)
        if not addresses:
            raise NameNotResolved(f"the name {host} has no address")
        for address in addresses:
            self._guard.check(ipaddress.ip_address(address), self._scheme, port)
        return addresses


class Poster:
    """Posts to receivers over pooled connections. `timeout` covers everything from the name to the answer's end."""

    def __init__(self, guard: Guard, timeout: float, resolve: Resolve, tls: ssl.SSLContext | None) -> None:
        self._timeout = timeout
        self._pools = {
            scheme: httpcore.AsyncConnectionPool(
                ssl_context=tls or _default_tls(),
                max_connections=None,  # the engine bounds them: lanes times connections
                keepalive_expiry=_IDLE,
                network_backend=GuardedBackend(guard, scheme, resolve),
            )
            for scheme in ("https", "http")
        }

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The receiver's answer. Raises AddressRefused, NameNotResolved, or one of BROKEN before its status came.

        The status is the answer: where the body after it breaks off or never ends, what came of it counts.
        """
        answer: Answer | None = None
        pool, fields = self._pools[url.partition(":")[0]], list(headers.items())
        extensions = {"timeout": {"connect": self._timeout}}
        try:
            async with (
                asyncio.timeout(self._timeout),
                pool.stream("POST", url, headers=fields, content=body, extensions=extensions) as response,
            ):
                answer = Answer(response.status, _readable(response.headers))
                read = 0
                async for piece in response.aiter_stream():
                    answer = replace(answer, body=(answer.body + piece)[:MAX_KEPT])
                    read += len(piece)
                    if read >= MAX_READ:
                        break
        except BROKEN:
            if answer is None:
                raise
        return answer

    async def close(self) -> None:
        """Close the connections."""
        for pool in self._pools.values():
            await pool.aclose()


def _readable(headers: list[tuple[bytes, bytes]]) -> Mapping[str, str]:
    return MappingProxyType({name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers})


def _default_tls() -> ssl.SSLContext:
    """Trusts the bundled authorities, and those that the machine's administrator has added."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context
