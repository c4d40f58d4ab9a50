"""An issue behind a web address: fetched when it has changed, within bounds of size and time."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dispatch.errors import DispatchError, IntakeError
from dispatch.intake.readers import SUFFIXES

if TYPE_CHECKING:
    import httpx

_BY_TYPE = {"text/markdown": ".md", "text/x-markdown": ".md", "text/plain": ".txt"}
_REDIRECTS = 5
_LONGEST_VALIDATOR = 1000


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document, with the validators to ask with next time (RFC 9110, section 8.8)."""

    data: bytes
    suffix: str
    state: dict[str, str]


async def fetch(url: str, state: dict[str, str], *, seconds: float, max_bytes: int) -> Fetched | None:
    """The document behind an address, or None where it has not changed since `state`.

    Raises IntakeError, whatever happens: nobody answers, an error status, too large, a form that is not read.
    """
    import httpx

    name = shown(url)
    try:
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=seconds) as client,
        ):
            return await _fetch(client, url, state, max_bytes)
    except DispatchError:
        raise
    except (TimeoutError, httpx.TimeoutException):
        raise IntakeError(f"{name}: no whole answer within {seconds:g} seconds") from None
    except Exception as error:  # one address must not stop the others
        # Only of these the words are the system's; others may hold the query, or anything that the server sent.
        why = str(error) if isinstance(error, (httpx.ConnectError, OSError)) else type(error).__name__
        raise IntakeError(f"{name}: {why}; is the address right?") from None


def shown(url: str) -> str:
    """An address for errors and logs, without its query: a key for the document may stand in it."""
    return url.partition("#")[0].partition("?")[0]


async def _fetch(client: httpx.AsyncClient, url: str, state: dict[str, str], max_bytes: int) -> Fetched | None:
    headers = {"User-Agent": "huoju-dispatch", **_conditions(state)}
    name, at = shown(url), url
    for _ in range(_REDIRECTS + 1):
        async with client.stream("GET", at, headers=headers) as response:
            if response.next_request is None:
                return await _document(response, url, at, max_bytes)
            at = str(response.next_request.url)
            await _check_redirect(url, at)
    raise IntakeError(f"{name}: more than {_REDIRECTS} redirects; enter the address that they end at")


async def _document(response: httpx.Response, url: str, at: str, max_bytes: int) -> Fetched | None:
    name = shown(url)
    if response.status_code == 304:
        return None
    if response.status_code != 200:
        raise IntakeError(f"{name}: the server answered {response.status_code}; open the address in a browser")
    data = await _body(response, name, max_bytes)
    suffix = _suffix((url, at), response.headers.get("content-type", ""))
    return Fetched(data, suffix, _validators(response.headers))


async def _check_redirect(url: str, target: str) -> None:
    """A server may send us on within its own host and to the public internet, not to what only we can reach."""
    own, other = urlsplit(url).hostname or "", urlsplit(target).hostname or ""
    # An address of our own network was entered by somebody who may: it leads where it likes.
    if other != own and not await _is_public(other) and await _is_public(own):
        raise IntakeError(f"{shown(url)}: leads to {other}, an address of a private network; it is not followed")


async def _is_public(host: str) -> bool:
    """Whether all addresses of a host are of the public internet."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in found]
    return all(address.is_global and not address.is_multicast for address in addresses)


async def _body(response: httpx.Response, name: str, max_bytes: int) -> bytes:
    data = bytearray()
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > max_bytes:
            raise IntakeError(f"{name}: more than {max_bytes} bytes; see [intake] max_bytes")
    return bytes(data)


def _conditions(state: dict[str, str]) -> dict[str, str]:
    names = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
    return {names[key]: value for key, value in state.items() if key in names and _is_sendable(value)}


def _validators(headers: httpx.Headers) -> dict[str, str]:
    found = {name: headers[name] for name in ("etag", "last-modified") if name in headers}
    return {name: value for name, value in found.items() if _is_sendable(value)}


def _is_sendable(value: str) -> bool:
    """Whether a header can be sent back as it came; a validator that cannot would fail every fetch from then on."""
    return value.isascii() and value.isprintable() and len(value) <= _LONGEST_VALIDATOR


def _suffix(urls: tuple[str, str], content_type: str) -> str:
    """The form of the document, by the address entered, the address it was found at, or what the server says."""
    for url in urls:
        name = PurePosixPath(unquote(urlsplit(url).path))
        if name.suffix.lower() in SUFFIXES:
            return name.suffix.lower()
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    what = kind if _is_sendable(kind) and kind else "a document without a type"
    raise IntakeError(f"{shown(urls[0])}: {what} is not read; allowed are {', '.join(SUFFIXES)}")


def as_file(fetched: Fetched, folder: str | None = None) -> Path:
    """The document as a temporary file, which the caller deletes. Raises IntakeError."""
    try:
        with tempfile.NamedTemporaryFile(suffix=fetched.suffix, dir=folder, delete=False) as file:
            file.write(fetched.data)
    except OSError as error:
        raise IntakeError(f"a fetched document cannot be kept in {folder or tempfile.gettempdir()}: {error}") from None
    return Path(file.name)
