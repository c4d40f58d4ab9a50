"""Posting to receivers over guarded connections (`dispatch.guarded_http`).

Proxies of the environment, redirects and cookies are off: each would send something where nobody looked.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import MappingProxyType
from typing import cast

import httpcore
import httpx

from dispatch.channels.webhook.guard import Guard
from dispatch.guarded_http import GuardedTransport, Resolve

MAX_READ = 65_536
"""Bytes of an answer that are read; a receiver that says more is cut off."""

MAX_KEPT = 2_048
"""Bytes of an answer that are kept, to tell a person."""

BROKEN = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)
"""What a receiver's network can do to a request, besides NameNotResolved and AddressRefused."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A receiver's answer: headers by lower-case name, and the beginning of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


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
