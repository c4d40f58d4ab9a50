"""An issue behind a web address: fetched when it has changed, within bounds of size and time."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dispatch.errors import IntakeError
from dispatch.intake.readers import SUFFIXES

if TYPE_CHECKING:
    import httpx

_BY_TYPE = {"text/markdown": ".md", "text/x-markdown": ".md", "text/plain": ".txt"}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document, with the validators to ask with next time (RFC 9110, section 8.8)."""

    data: bytes
    suffix: str
    state: dict[str, str]


async def fetch(url: str, state: dict[str, str], *, seconds: float, max_bytes: int) -> Fetched | None:
    """The document behind an address, or None where it has not changed since `state`.

    Raises IntakeError: nobody answers, an error status, too large, a form that is not read.
    """
    import httpx

    headers = {"User-Agent": "huoju-dispatch", **_conditions(state)}
    try:
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(trust_env=False, follow_redirects=True, max_redirects=5, timeout=seconds) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code == 304:
                return None
            if response.status_code != 200:
                raise IntakeError(f"{url}: the server answered {response.status_code}; open the address in a browser")
            data = await _body(response, url, max_bytes)
            return Fetched(data, _suffix(url, response.headers.get("content-type", "")), _validators(response.headers))
    except TimeoutError:
        raise IntakeError(f"{url}: no whole answer within {seconds:g} seconds") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise IntakeError(f"{url}: {str(error) or type(error).__name__}; is the address right?") from error


async def _body(response: httpx.Response, url: str, max_bytes: int) -> bytes:
    data = bytearray()
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > max_bytes:
            raise IntakeError(f"{url}: more than {max_bytes} bytes; see [intake] max_bytes")
    return bytes(data)


def _conditions(state: dict[str, str]) -> dict[str, str]:
    names = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
    return {names[key]: value for key, value in state.items() if key in names}


def _validators(headers: httpx.Headers) -> dict[str, str]:
    return {name: headers[name] for name in ("etag", "last-modified") if name in headers}


def _suffix(url: str, content_type: str) -> str:
    name = PurePosixPath(unquote(urlsplit(url).path))
    if name.suffix.lower() in SUFFIXES:
        return name.suffix.lower()
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    raise IntakeError(f"{url}: {kind or 'a document without a type'} is not read; allowed are {', '.join(SUFFIXES)}")


def as_file(fetched: Fetched, folder: str | None = None) -> Path:
    """The document as a temporary file, which the caller deletes."""
    with tempfile.NamedTemporaryFile(suffix=fetched.suffix, dir=folder, delete=False) as file:
        file.write(fetched.data)
    return Path(file.name)
