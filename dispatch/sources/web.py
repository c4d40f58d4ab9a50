"""Asking web servers: politely, within bounds of size and time, and only where a stranger may lead us.

Whoever enters an address may enter one of their own network, and what is found there may lead anywhere. Connections are
made to public addresses, and to the private ones of the entry's own host where it has no others: whoever owns a name in
the DNS may let it lead anywhere, too. Each connection is made to an address that was checked (`dispatch.guarded_http`).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import logging
import zlib
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dispatch.delivery.clock import Clock
from dispatch.errors import DispatchError, IntakeError
from dispatch.intake.suffixes import SUFFIXES
from dispatch.mime import file_name
from dispatch.networks import Address, denied
from dispatch.sources.robots import Robots
from dispatch.sources.source import Known, Trouble

if TYPE_CHECKING:
    import httpcore
    import httpx

    from dispatch.guarded_http import Resolve

AGENT = "huoju-dispatch"
"""What we call ourselves, to servers and in robots.txt."""

DAY = 86_400.0
_REDIRECTS = 5
_LONGEST_VALIDATOR = 1000
_LONGEST_REASON = 300
_MOST_HOSTS = 1000
_ROBOTS_BYTES = 512_000  # RFC 9309, section 2.5: at least 500 KiB
_BY_TYPE = {
    "text/markdown": ".md",
    "text/x-markdown": ".md",
    "text/plain": ".txt",
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}
_KNOWN_SUFFIXES = frozenset({*SUFFIXES, *_BY_TYPE.values(), ".htm", ".xhtml", ".doc"})
_BY_MAGIC = ((b"%PDF-", ".pdf"), (b"PK\x03\x04", ".docx"))


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: its body, where it was found at last, its media type and charset, the name that the server gives the
    file, and the validators to ask with next time."""

    data: bytes = field(repr=False)
    url: str = field(repr=False)
    kind: str = ""
    charset: str = ""
    file_name: str = ""
    etag: str = ""
    modified: str = ""

    @property
    def is_html(self) -> bool:
        head = self.data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        marked = head.startswith((b"<!doctype html", b"<html")) or b"<html" in head or b"<head" in head
        return self.kind in ("text/html", "application/xhtml+xml") or (not self.kind and marked)


class Web:
    """Asks servers for all sources of a process, so that each host is asked at the pace of one."""

    def __init__(
        self,
        clock: Clock,
        *,
        seconds: float = 30,
        max_bytes: int = 20_000_000,
        pause: float = 1,
        resolve: Resolve | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        """`seconds` for each answer, `pause` seconds between two requests to a host; `resolve` and `network` are what
        connections are made by."""
        self.clock = clock
        self.seconds = seconds
        self.max_bytes = max_bytes
        self.robots = Robots(clock)
        self._pause = pause
        self._resolve = resolve
        self._network = network
        self._turns: dict[str, float] = {}

    @asynccontextmanager
    async def visit(self, entry: str, *, robots: bool = False) -> AsyncIterator[Visit]:
        """Ask from an address that somebody entered; with `robots`, redirects are followed only where the robots.txt
        there lets us. Raises Trouble where the entry's host has no address."""
        import httpx

        from dispatch.guarded_http import GuardedTransport, system_resolve

        # The client logs whole addresses, and a key may stand in one.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        resolve = self._resolve or system_resolve
        host, port = _host_and_port(entry)
        guard = _Guard(host, _own(await self._addresses(entry, host, port, resolve)), resolve)
        transport = GuardedTransport(guard, guard.resolve, None, self._network)
        async with httpx.AsyncClient(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(self.seconds),
            headers={"User-Agent": AGENT, "Accept-Encoding": "gzip"},
        ) as client:
            yield Visit(self, client, robots=robots)

    async def _addresses(self, entry: str, host: str, port: int, resolve: Resolve) -> list[Address]:
        from dispatch.guarded_http import NameNotResolved

        try:
            async with asyncio.timeout(self.seconds):
                return [ipaddress.ip_address(address) for address in await resolve(host, port)]
        except (NameNotResolved, ValueError) as error:
            raise Trouble(f"{shown(entry)}: {str(error)[:_LONGEST_REASON]}; is the address right?") from None
        except TimeoutError:
            raise Trouble(f"{shown(entry)}: its name is not resolved within {self.seconds:g} seconds") from None

    async def turn(self, url: str) -> None:
        """Wait until this host may be asked again."""
        host, now = urlsplit(url).netloc, self.clock.monotonic()
        pause = max(self._pause, self.robots.delay(url))
        start = max(now, self._turns.get(host, now))
        if len(self._turns) > _MOST_HOSTS:
            self._turns = {name: at for name, at in self._turns.items() if at > now}
        self._turns[host] = start + pause
        if start > now:
            await self.clock.sleep(start - now)


class _Private(Exception):
    """An address leads to a private network that was not entered."""


@dataclass(frozen=True, slots=True)
class _Guard:
    """Lets through what is public, and the entry's `own` private addresses. Where it has such, its `host` keeps to
    them for the visit: a name that turns public would be somebody else's server, which then could ask for them."""

    host: str
    own: frozenset[Address]
    names: Resolve

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a name. Raises NameNotResolved."""
        found = await self.names(host, port)
        if not self.own or host != self.host:
            return found
        return [address for address in found if ipaddress.ip_address(address) in self.own]

    def opens(self, address: Address) -> bool:
        return address in self.own or not denied(address)

    def check(self, address: Address, scheme: str, port: int) -> None:
        if not self.opens(address):
            raise _Private


def _own(found: Sequence[Address]) -> frozenset[Address]:
    """The private addresses that an entry stands for: none where it has a public one."""
    return frozenset(found) if all(denied(address) for address in found) else frozenset()


def _host_and_port(entry: str) -> tuple[str, int]:
    """As a connection is asked for. Raises Trouble."""
    import httpx

    try:
        url = httpx.URL(entry)
        return url.raw_host.decode("ascii"), url.port or 0
    except (httpx.InvalidURL, ValueError) as error:
        raise Trouble(f"{shown(entry)}: {_printable(str(error))}; is the address right?") from None


class Visit:
    """Requests from one address that somebody entered, over connections that are kept for it."""

    def __init__(self, web: Web, client: httpx.AsyncClient, *, robots: bool) -> None:
        self._web = web
        self._client = client
        self._robots = robots

    async def get(self, url: str, known: Known | None = None, *, most_bytes: int = 0) -> Fetched | None:
        """What is behind an address, or None where it has not changed since it was `known`.

        Raises Trouble where a later request may do better, and IntakeError for whatever else happens: an error status,
        too large, a private address.
        """
        return await self._guarded(url, self._get(url, _conditions(known), most_bytes or self._web.max_bytes))

    async def may_ask(self, urls: Sequence[str]) -> Mapping[str, str]:
        """What speaks against asking for each of these addresses by their robots.txt, "" where nothing does."""
        return await self._web.robots.verdicts(urls, self._robots_txt)

    async def _robots_txt(self, url: str) -> bytes:
        """RFC 9309, section 2.3.1: what is not there allows everything. Raises Trouble where that cannot be told."""
        try:
            found = await self._guarded(url, self._get(url, {}, _ROBOTS_BYTES, cut=True))
        except Trouble:
            raise
        except _Status as error:
            if 400 <= error.status < 500:
                return b""
            raise Trouble(str(error)) from None
        except IntakeError as error:
            raise Trouble(str(error)) from None
        return found.data if found else b""

    async def _guarded(self, url: str, work: Coroutine[None, None, Fetched | None]) -> Fetched | None:
        """Foreign errors in words: a server's own may hold the query, or anything that it sent."""
        import httpcore
        import httpx

        from dispatch.guarded_http import NameNotResolved

        name = shown(url)
        try:
            return await work
        except DispatchError:
            raise
        except _Private:
            raise IntakeError(f"{name}: leads to an address of a private network; it is not followed") from None
        except (TimeoutError, httpx.TimeoutException, httpcore.TimeoutException):
            raise Trouble(f"{name}: no whole answer within {self._web.seconds:g} seconds") from None
        except (NameNotResolved, httpcore.ConnectError, OSError) as error:
            raise Trouble(f"{name}: {_printable(str(error))}; is the address right?") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, zlib.error) as error:
            raise Trouble(f"{name}: the answer breaks off or is none ({type(error).__name__})") from None
        except Exception as error:  # one address must not stop the others
            raise IntakeError(f"{name}: {type(error).__name__}; is the address right?") from None

    async def _get(self, url: str, headers: dict[str, str], most_bytes: int, *, cut: bool = False) -> Fetched | None:
        at = url
        for _ in range(_REDIRECTS + 1):
            if urlsplit(at).scheme not in ("http", "https"):
                raise IntakeError(f"{shown(url)}: leads to {shown(at)}; only http and https are followed")
            await self._web.turn(at)
            async with asyncio.timeout(self._web.seconds), self._client.stream("GET", at, headers=headers) as response:
                if response.next_request is None:
                    return await self._answer(response, url, at, most_bytes, cut=cut)
                at = str(response.next_request.url)
            if self._robots and not cut:
                await self._check_robots(url, at)
        raise IntakeError(f"{shown(url)}: more than {_REDIRECTS} redirects; enter the address that they end at")

    async def _check_robots(self, url: str, at: str) -> None:
        if urlsplit(at).scheme in ("http", "https") and (refused := (await self.may_ask([at]))[at]):
            raise IntakeError(f"{shown(url)}: leads to {shown(at)}: {refused}")

    async def _answer(
        self, response: httpx.Response, url: str, at: str, most_bytes: int, *, cut: bool
    ) -> Fetched | None:
        name = shown(url)
        if response.status_code == 304:
            return None
        if response.status_code != 200:
            raise self._refusal(response, name)
        headers = response.headers
        if not cut and (length := headers.get("content-length", "")).isdigit() and int(length[:20]) > most_bytes:
            raise IntakeError(f"{name}: more than {most_bytes} bytes; see [intake] max_bytes")
        data = await _body(response, name, most_bytes, cut=cut)
        kind, _, parameters = headers.get("content-type", "").partition(";")
        return Fetched(
            data,
            at,
            kind.strip().lower() if _is_sendable(kind) else "",
            parameters.partition("charset=")[2].strip("\"' ")[:40] if parameters.isascii() else "",
            file_name(headers.get("content-disposition", "")),
            *(value if _is_sendable(value := headers.get(key, "")) else "" for key in ("etag", "last-modified")),
        )

    def _refusal(self, response: httpx.Response, name: str) -> IntakeError:
        status = response.status_code
        words = f"{name}: the server answered {status}"
        if status in (408, 429) or status >= 500:
            wait = _retry_after(response.headers.get("retry-after", ""), self._web.clock.now())
            return Trouble(f"{words}; it is asked again later", wait)
        return _Status(f"{words}; open the address in a browser", status)


class _Status(IntakeError):
    """An error status that another try would meet again."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


async def _body(response: httpx.Response, name: str, most_bytes: int, *, cut: bool) -> bytes:
    """The body, unpacked piece by piece: a little that unpacks to very much is refused before it does."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise IntakeError(f"{name}: its answer is packed in a way that was not asked for")
    unpack = zlib.decompressobj(wbits=31) if encoding.endswith("gzip") else None
    data = bytearray()
    async for chunk in response.aiter_raw():
        data += unpack.decompress(chunk, most_bytes + 1 - len(data)) if unpack else chunk
        if len(data) > most_bytes:
            if cut:
                return bytes(data[:most_bytes])
            raise IntakeError(f"{name}: more than {most_bytes} bytes; see [intake] max_bytes")
    if unpack and not unpack.eof:
        raise zlib.error("it ends too early")
    return bytes(data)


def shown(url: str) -> str:
    """An address for errors and logs, without its query: a key for the document may stand in it."""
    plain = url.partition("#")[0].partition("?")[0]
    scheme, there, rest = plain.partition("://")
    host, slash, path = rest.partition("/")
    return _printable(f"{scheme}{there}{host.rpartition('@')[2]}{slash}{path}")


def suffix_of(fetched: Fetched, url: str) -> str:
    """The form of a document: by its first bytes, by what the server calls the file, by its address, by its media type.
    Raises IntakeError where none of these is read."""
    for magic, suffix in _BY_MAGIC:
        if fetched.data.startswith(magic):
            return suffix
    if fetched.is_html:
        return ".html"
    for name in (fetched.file_name, *(unquote(urlsplit(place).path) for place in (url, fetched.url))):
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in _KNOWN_SUFFIXES:
            return suffix
    if fetched.kind in _BY_TYPE:
        return _BY_TYPE[fetched.kind]
    what = fetched.kind or "a document without a type"
    raise IntakeError(f"{shown(url)}: {what} is not read; allowed are {', '.join(SUFFIXES)}")


def _conditions(known: Known | None) -> dict[str, str]:
    asked = {"If-None-Match": known.etag, "If-Modified-Since": known.modified} if known else {}
    return {name: value for name, value in asked.items() if value and _is_sendable(value)}


def _is_sendable(value: str) -> bool:
    """Whether a header can be sent back as it came; a validator that cannot would fail every fetch from then on."""
    return value.isascii() and value.isprintable() and len(value) <= _LONGEST_VALIDATOR


def _retry_after(value: str, now: int) -> float:
    """Seconds, at most a day; 0 where the server asks for none (RFC 9110, section 10.2.3)."""
    if value.isascii() and value.isdigit():
        return min(DAY, float(value[:12]))
    try:
        until = parsedate_to_datetime(value[:100])
    except (ValueError, TypeError, OverflowError):
        return 0
    aware = until if until.tzinfo else until.replace(tzinfo=dt.UTC)
    return max(0.0, min(DAY, aware.timestamp() - now / 1000))


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:_LONGEST_REASON])
