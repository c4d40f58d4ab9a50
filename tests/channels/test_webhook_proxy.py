"""Webhooks by a proxy: the guard has looked before it is asked, and the environment's proxies are none of ours."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from dispatch.model import Outcome, Rejected, Retry, Sent
from dispatch.settings import WebhookSettings
from dispatch.testing.certificate import client_tls, server_tls
from dispatch.testing.webhook import WebhookReceiver
from tests.channels.test_guard_connections import LOOPBACK, Names, channel_of, envelope_to, send

PASSWORD = "open-sesame"


class ConnectProxy:
    """An HTTP proxy on the loopback interface: what it was asked for, and tunnels. With another `answer` than its own
    it says that, and hangs up."""

    def __init__(self, answer: bytes | None = None) -> None:
        self.heads: list[str] = []
        self.port = 0
        self._answer = answer
        self._serving: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ConnectProxy]:
        server = await asyncio.start_server(self._taken, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    def url(self, login: str = "") -> str:
        return f"http://{login}127.0.0.1:{self.port}"

    @property
    def asked(self) -> list[str]:
        return [head.split("\r\n")[0] for head in self.heads]

    def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _closing(writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.heads.append(head)
            if self._answer is not None:
                writer.write(self._answer)
                return
            host, _, port = head.split()[1].rpartition(":")
            inner, outer = await asyncio.open_connection(host, int(port))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            async with _closing(outer), asyncio.TaskGroup() as both:
                both.create_task(_pass(reader, outer))
                both.create_task(_pass(inner, writer))


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65_536):
            writer.write(piece)
        writer.close()


def by(proxy: str, **more: Any) -> WebhookSettings:
    return WebhookSettings(allow_networks=(LOOPBACK,), proxy=SecretStr(proxy), **more)


async def test_the_proxy_is_asked_for_the_checked_address_and_tls_is_with_the_name() -> None:
    names = Names(hooks_example_com=["127.0.0.1"])
    async with WebhookReceiver(server_tls()) as receiver, ConnectProxy().running() as proxy:
        settings = by(proxy.url(f"printer:{PASSWORD}@"))
        async with channel_of(settings, resolve=names, tls=client_tls()) as channel:
            outcomes = await send(channel, *[envelope_to(receiver.url("/a", host="hooks.example.com"))] * 2)
    assert [type(outcome) for outcome in outcomes] == [Sent, Sent], outcomes
    assert proxy.asked == [f"CONNECT 127.0.0.1:{receiver.port} HTTP/1.1"], "one tunnel for both"
    assert "hooks.example.com" not in proxy.heads[0]
    login = base64.b64encode(f"printer:{PASSWORD}".encode()).decode()
    assert f"\r\nProxy-Authorization: Basic {login}\r\n" in proxy.heads[0]
    assert {request.headers["host"] for request in receiver.requests} == {f"hooks.example.com:{receiver.port}"}
    assert "proxy-authorization" not in receiver.requests[0].headers
    assert PASSWORD not in repr(settings)


async def test_what_the_guard_refuses_the_proxy_is_not_asked_for() -> None:
    names = Names(inside_example=["10.0.0.1"], mixed_example=["8.8.8.8", "169.254.169.254"])
    async with ConnectProxy().running() as proxy, channel_of(by(proxy.url()), resolve=names) as channel:
        outcomes = await send(
            channel,
            envelope_to("https://inside.example/"),
            envelope_to("https://mixed.example/"),
            envelope_to("https://10.1.2.3/"),
        )
    assert [type(outcome) for outcome in outcomes] == [Rejected] * 3
    assert proxy.heads == []


@pytest.mark.parametrize(
    ("answer", "told", "counted"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "refused with 403", True),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "refused with 407", True),
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "in the receiver's place", True),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "no HTTP proxy", False),
        (b"", "hung up", False),
        (b"x" * 9000, "no HTTP proxy", False),
    ],
)
async def test_a_proxy_that_does_not_connect_us(answer: bytes, told: str, counted: bool) -> None:
    """Nothing is taken for sent. Without a proxy the lane rests; what one refuses counts as an attempt."""
    async with (
        WebhookReceiver() as receiver,
        ConnectProxy(answer).running() as proxy,
        channel_of(by(proxy.url(f"a:{PASSWORD}@"))) as channel,
    ):
        (outcome,) = await send(channel, envelope_to(receiver.url("/a")))
    assert isinstance(outcome, Retry)
    assert outcome.code == "proxy"
    assert told in outcome.reason
    assert (outcome.outage, outcome.suspect) == (not counted, counted)
    assert PASSWORD not in outcome.reason
    assert receiver.requests == []


async def test_a_proxy_that_is_not_there_is_an_outage() -> None:
    async with WebhookReceiver() as receiver:
        outcome = await _by_nobody(receiver)
    assert isinstance(outcome, Retry)
    assert (outcome.code, outcome.outage) == ("proxy", True)
    assert "cannot be reached" in outcome.reason


async def _by_nobody(receiver: WebhookReceiver) -> Outcome:
    async with ConnectProxy().running() as proxy:
        gone = proxy.url()
    async with channel_of(by(gone)) as channel:
        (outcome,) = await send(channel, envelope_to(receiver.url("/a")))
        return outcome


async def test_proxies_of_the_environment_are_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ConnectProxy().running() as proxy, WebhookReceiver() as receiver:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        async with channel_of() as channel:
            (outcome,) = await send(channel, envelope_to(receiver.url("/a")))
    assert isinstance(outcome, Sent)
    assert proxy.heads == []


@pytest.mark.parametrize(
    "wrong",
    [
        "proxy.example:3128",
        "https://proxy.example:3128",
        "socks5://proxy.example:1080",
        "http://proxy.example",
        "http://proxy.example:x",
        "http://:3128",
        "http://proxy.example:3128/path",
        "http://proxy.example:3128\r\nX: y",
    ],
)
def test_what_is_no_http_proxy_is_refused_with_the_form_to_use(wrong: str) -> None:
    with pytest.raises(ValidationError, match="http://HOST:PORT"):
        WebhookSettings(proxy=SecretStr(wrong))
