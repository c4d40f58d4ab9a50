"""Posting to receivers by HTTP/1.1 over connections that are kept, each to an address that the guard has seen.

Written on asyncio's protocols, because a library's client costs more than all the rest of sending a message
(docs/performance.md, "Webhooks"), and because a receiver that means ill must not be able to make us read on: see
`http1`. There are no proxies of the environment, redirects, cookies and compressed answers: each would send or read
something where nobody looked. TLS is checked against the name, and a connection serves the scheme, name and port that
it was made for.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, cast
from urllib.parse import urlsplit

from dispatch.channels.webhook.guard import Guard
from dispatch.channels.webhook.http1 import MAX_KEPT, MAX_READ, Answer, AnswerProtocolError, AnswerReader
from dispatch.guarded_dial import TRIED, NameNotResolved, Resolve, checked_addresses

__all__ = ["BROKEN", "MAX_KEPT", "MAX_READ", "Answer", "Poster"]

BROKEN = (AnswerProtocolError, OSError)
"""What a receiver's network can do to a request, besides NameNotResolved and AddressRefused. A time-out is an OSError,
too (TimeoutError), and so is what goes wrong with TLS."""

_IDLE = 4.0  # seconds that a connection is kept unused: common servers close theirs after five, without a word before
_PORTS = {"http": 80, "https": 443}
_TARGET = re.compile(r"[!-~]+")  # what a request line may hold between its blanks


class _Origin(NamedTuple):
    """Whom a connection is made to."""

    scheme: str
    host: str
    port: int


class _Line(asyncio.Protocol):
    """A connection: one exchange at a time. What comes unasked, or after the end of an answer, ends it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader: AnswerReader | None = None
        self._over: asyncio.Future[None] | None = None
        self.unused_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._ended(exc)

    def eof_received(self) -> bool:
        self._ended(None)
        return False  # the transport closes itself

    def data_received(self, data: bytes) -> None:
        if self._reader is None or self._over is None or self._over.done():
            self.abort()
            return
        try:
            if self._reader.feed(data):
                self._over.set_result(None)
        except AnswerProtocolError as error:
            self._over.set_exception(error)

    @property
    def alive(self) -> bool:
        """Whether a request can be written, as far as is known here."""
        return self._transport is not None and not self._transport.is_closing()

    async def exchange(self, request: bytes, deadline: float) -> bool:
        """Write a request, and read until its answer has ended or is enough; whether the line is good for another one.
        Raises what broke it, TimeoutError at the `deadline` on the loop's clock. What has come is `answer`, after an
        exception, too."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("it hung up, or spoke, before it was asked")
        transport, self._reader, self._over = self._transport, AnswerReader(), self._loop.create_future()
        timer = self._loop.call_at(deadline, self._late)
        transport.write(request)
        try:
            await self._over
        finally:
            timer.cancel()
        # One that answers without having read the request would take its rest for the next one.
        return self._reader.reusable and not transport.get_write_buffer_size()

    def answer(self) -> Answer | None:
        """What came of the last exchange; None before its status."""
        return self._reader.answer() if self._reader is not None else None

    def abort(self) -> None:
        """End it now, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _late(self) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_exception(TimeoutError("no answer in time"))

    def _ended(self, failure: Exception | None) -> None:
        if self._reader is None or self._over is None or self._over.done():
            return
        if failure is not None:
            self._over.set_exception(failure)
            return
        try:
            self._reader.end()
        except AnswerProtocolError as error:
            self._over.set_exception(error if self._reader.begun else ConnectionResetError("closed without an answer"))
        else:
            self._over.set_result(None)


class Poster:
    """Posts to receivers over pooled connections. `timeout` covers everything from the name to the answer's end, in
    seconds."""

    def __init__(self, guard: Guard, timeout: float, resolve: Resolve, tls: ssl.SSLContext | None) -> None:
        self._guard = guard
        self._timeout = timeout
        self._resolve = resolve
        self._tls = tls
        self._idle: dict[_Origin, list[_Line]] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The receiver's answer. Raises AddressRefused, NameNotResolved, or one of BROKEN before its status came.

        The status is the answer: where the body after it breaks off or never ends, what came of it counts, and it is
        not `whole`. A request is never made twice here, not even where a kept connection ends without an answer: who
        keeps the record repeats it.
        """
        origin, target, authority = _parts(url)
        request = _head(target, authority, headers, len(body)) + body
        deadline = asyncio.get_running_loop().time() + self._timeout
        line = self._kept(origin)
        if line is None:
            async with asyncio.timeout_at(deadline):
                line = await self._dialled(origin)
        reusable = False
        try:
            reusable = await line.exchange(request, deadline)
        except BROKEN:
            if line.answer() is None:
                raise
        finally:
            if reusable and line.alive:
                self._keep(line, origin)
            else:
                line.abort()
        return cast(Answer, line.answer())

    async def close(self) -> None:
        """Close the connections."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        lines = [line for kept in self._idle.values() for line in kept]
        self._idle.clear()
        for line in lines:
            line.close()
        await asyncio.sleep(0)  # a turn for the loop to close them in

    def _kept(self, origin: _Origin) -> _Line | None:
        """A line that was kept, the one used last: the others may be closed."""
        kept = self._idle.get(origin)
        limit = asyncio.get_running_loop().time() - _IDLE
        while kept:
            line = kept.pop()
            if line.alive and line.unused_since > limit:
                return line
            line.close()
        return None

    def _keep(self, line: _Line, origin: _Origin) -> None:
        loop = asyncio.get_running_loop()
        line.unused_since = loop.time()
        self._idle.setdefault(origin, []).append(line)
        if self._sweeping is None:
            self._sweeping = loop.call_later(_IDLE, self._sweep)

    def _sweep(self) -> None:
        """Close what is not used any more."""
        loop = asyncio.get_running_loop()
        limit = loop.time() - _IDLE
        for origin, kept in list(self._idle.items()):
            for line in kept:
                if line.unused_since <= limit:
                    line.close()
            self._idle[origin] = [line for line in kept if line.alive]
            if not self._idle[origin]:
                del self._idle[origin]
        self._sweeping = loop.call_later(_IDLE, self._sweep) if self._idle else None

    async def _dialled(self, origin: _Origin) -> _Line:
        """A new line, to the first of the name's addresses that takes one."""
        scheme, host, port = origin
        addresses = (await checked_addresses(self._guard, self._resolve, scheme, host, port))[:TRIED]
        failure: OSError | None = None
        for address in addresses:
            try:
                # One address that swallows packets must leave time for the next.
                async with asyncio.timeout(self._timeout / len(addresses)):
                    return await self._connected(origin, address)
            except ssl.SSLError:
                raise
            except OSError as error:
                failure = error
        raise failure or NameNotResolved(f"the name {host} has no address")

    async def _connected(self, origin: _Origin, address: str) -> _Line:
        secure = origin.scheme == "https"
        _, line = await asyncio.get_running_loop().create_connection(
            _Line,
            address,
            origin.port,
            ssl=self._trust() if secure else None,
            server_hostname=origin.host if secure else None,
        )
        return line

    def _trust(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = _default_tls()  # slow to make
        return self._tls


def _parts(url: str) -> tuple[_Origin, str, str]:
    """Whom to connect to, what to ask for, and what stands in Host, of an address as `check_url` gives it."""
    scheme, _, rest = url.partition("://")
    authority, _, tail = rest.partition("/")
    target = f"/{tail}"
    if not _TARGET.fullmatch(target):
        raise ValueError("not the address of a webhook")
    return _origin(scheme, authority), target, authority


@lru_cache(maxsize=1024)
def _origin(scheme: str, authority: str) -> _Origin:
    parts = urlsplit(f"{scheme}://{authority}")
    if not parts.hostname or parts.username is not None or not _TARGET.fullmatch(authority):
        raise ValueError("not the address of a webhook")
    return _Origin(scheme, parts.hostname, parts.port or _PORTS[scheme])


def _head(target: str, authority: str, headers: Mapping[str, str], length: int) -> bytes:
    """Request line and headers (RFC 9112, 3). Raises ValueError for a header that would be two."""
    lines = [f"POST {target} HTTP/1.1", f"Host: {authority}", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1:
        raise ValueError("a header holds the end of a line")
    return f"{text}\r\n\r\n".encode("latin-1")


def _default_tls() -> ssl.SSLContext:
    """Trusts the bundled authorities, and those that the machine's administrator has added."""
    import httpcore

    context = httpcore.default_ssl_context()
    context.load_default_certs()
    context.set_alpn_protocols(["http/1.1"])
    return context
