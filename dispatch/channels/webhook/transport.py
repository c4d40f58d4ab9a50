"""HTTP to receivers by httpx, connected only to addresses that the guard has seen.

The client's own transport gives no place for a guard between the name and the connection; ours is httpcore, as under
httpx's, with a network of our own. A connection is pooled by scheme, name and port, so that one made for a name is
used for that name only; TLS is checked against the name. Proxies of the environment, redirects and cookies are off:
each would send something where nobody looked.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import MappingProxyType
from typing import cast

import httpcore
import httpx

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
        """The addresses of the name that may be connected to: those in networks that an administrator has opened
        (`localhost` is often two addresses, of which one is), else all, of which every one must pass."""
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

    def __init__(self, guard: Guard, resolve: Resolve, tls: ssl.SSLContext | None) -> None:
        context = tls or _default_tls()  # slow to make
        self._pools = {
            scheme: httpcore.AsyncConnectionPool(
                ssl_context=context,
                max_connections=None,  # the engine bounds them: lanes times connections
                keepalive_expiry=_IDLE,
                network_backend=GuardedBackend(guard, scheme, resolve),
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


class Poster:
    """Posts to receivers over pooled connections. `timeout` covers everything from the name to the answer's end."""

    def __init__(self, guard: Guard, timeout: float, resolve: Resolve, tls: ssl.SSLContext | None) -> None:
        # The client logs whole addresses, in which receivers like Slack have their secret.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._timeout = timeout
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(guard, resolve, tls),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(None, connect=timeout),
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The receiver's answer. Raises AddressRefused, NameNotResolved, or one of BROKEN before its status came.

        The status is the answer: where the body after it breaks off or never ends, what came of it counts.
        """
        answer: Answer | None = None
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._client.stream("POST", url, headers=dict(headers), content=body) as response,
            ):
                answer = Answer(response.status_code, _readable(response.headers.raw))
                read = 0
                async with aclosing(cast(AsyncGenerator[bytes, None], response.aiter_raw())) as pieces:
                    async for piece in pieces:
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
        await self._client.aclose()


def _readable(headers: list[tuple[bytes, bytes]]) -> Mapping[str, str]:
    return MappingProxyType({name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers})


def _default_tls() -> ssl.SSLContext:
    """Trusts the bundled authorities, and those that the machine's administrator has added."""
    context = httpcore.default_ssl_context()
    context.load_default_certs()
    return context
