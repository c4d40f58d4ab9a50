"""A receiver of webhooks on the loopback interface; every path is an endpoint of its own.

async with WebhookReceiver() as receiver:
    receiver.expect("/hook", secret)                  # verify signatures (Standard Webhooks)
    receiver.answer("/hook", 503, {"Retry-After": "30"}, times=1)
    ...                                               # post to receiver.url("/hook")
    first, second = await receiver.requests.reached(2)
    assert first.verified and second.id == first.id
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from dispatch.testing.recording import Inbox, Prepared
from dispatch.testing.server import LoopbackServer, cut

_Behaviour = Literal["answer", "drip", "stall", "reset", "babble"]


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request. `json` is None where the body is no JSON; `verified` is None where no secret is expected."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    json: Any
    verified: bool | None

    @property
    def id(self) -> str:
        """The `webhook-id`, the same in every attempt."""
        return self.headers.get("webhook-id", "")


@dataclass(frozen=True, slots=True)
class _Answer:
    behaviour: _Behaviour = "answer"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class WebhookReceiver(LoopbackServer):
    """The server, as an async context manager. It answers 200 with an empty body unless told otherwise.

    With `tls` (such as `dispatch.testing.certificate.server_tls()`) it speaks https.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.requests: Inbox[ReceivedRequest] = Inbox()
        self._secrets: dict[str, str] = {}
        self._answers: Prepared[str, _Answer] = Prepared()

    def url(self, path: str = "/", host: str = "") -> str:
        """The address of an endpoint, under another name of this machine if `host` gives one."""
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{host or self.host}:{self.port}{path}"

    def expect(self, path: str, secret: str) -> None:
        """Check the signatures of requests to `path` with this secret (`whsec_…`)."""
        self._secrets[path] = secret

    def answer(
        self,
        path: str,
        status: int,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        times: int | None = None,
    ) -> None:
        """Answer the next `times` requests (None: all) to `path` so."""
        self._prepare(path, _Answer("answer", status, dict(headers or {}), body), times)

    def redirect(self, path: str, to: str, status: int = 307, times: int | None = None) -> None:
        """Answer with a redirect to the address `to`."""
        self.answer(path, status, {"Location": to}, times=times)

    def drip(self, path: str, status: int = 200, piece: bytes = b".", times: int | None = None) -> None:
        """Answer `status` and then a body that never ends: `piece` again and again."""
        self._prepare(path, _Answer("drip", status, {}, piece), times)

    def stall(self, path: str, times: int | None = None) -> None:
        """Take the request and never answer."""
        self._prepare(path, _Answer("stall"), times)

    def reset(self, path: str, times: int | None = None) -> None:
        """Take the request and reset the connection."""
        self._prepare(path, _Answer("reset"), times)

    def babble(self, path: str, said: bytes = b"220 mail.example ESMTP\r\n", times: int | None = None) -> None:
        """Take the request, and say something that is no HTTP."""
        self._prepare(path, _Answer("babble", body=said), times)

    def clear(self) -> None:
        """Answer 200 everywhere again."""
        self._answers.clear()

    def _prepare(self, path: str, answer: _Answer, times: int | None) -> None:
        self._answers.add(answer, lambda asked: asked == path, times)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Keep the request and answer as prepared."""
        self.requests.put(await self._received(request))
        answer = self._answers.take(request.path) or _Answer()
        match answer.behaviour:
            case "reset":
                return cut(request)
            case "stall":
                await self.stopping.wait()
                return cut(request)
            case "babble":
                return _babbled(request, answer)
            case "drip":
                return await self._drip(request, answer)
            case "answer":
                return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    async def _drip(self, request: web.Request, answer: _Answer) -> web.StreamResponse:
        response = web.StreamResponse(status=answer.status)
        await response.prepare(request)
        while not self.stopping.is_set():
            await response.write(answer.body)
            # Slow enough for a reader's time-out to come first, fast enough to show that bytes keep coming.
            await asyncio.sleep(0.02)
        return response

    async def _received(self, request: web.Request) -> ReceivedRequest:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        return ReceivedRequest(
            request.method, request.path, headers, body, _json(body), self._verified(request.path, headers, body)
        )

    def _verified(self, path: str, headers: dict[str, str], body: bytes) -> bool | None:
        if path not in self._secrets:
            return None
        try:
            Webhook(self._secrets[path]).verify(body, headers, json_parse=False)
        except WebhookVerificationError:
            return False
        return True


def _babbled(request: web.Request, answer: _Answer) -> web.Response:
    """Say it and hang up; the response returned goes nowhere."""
    transport = request.transport
    assert isinstance(transport, asyncio.WriteTransport)
    transport.write(answer.body)
    transport.close()
    return web.Response()


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
