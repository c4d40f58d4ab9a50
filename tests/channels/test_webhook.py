"""The webhook channel, over the wire to a receiver on the loopback interface."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from dispatch.assets import templates_dir
from dispatch.channels.webhook import WebhookChannel, new_secret
from dispatch.channels.webhook.http1 import MAX_KEPT
from dispatch.digests.render import Renderer
from dispatch.model import Content, Envelope, Outcome, Rejected, Retry, Sent
from dispatch.settings import WebhookSettings
from dispatch.testing.conformance import Arrival, ChannelContract
from dispatch.testing.samples import sample_content, sample_envelope
from dispatch.testing.webhook import WebhookReceiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
OPEN = WebhookSettings(allow_networks=LOOPBACK)
NOW = dt.datetime(2022, 6, 1, 8, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))


def page(bulletin: str, ref: str, position: int) -> str:
    return f"https://bulletin.example/{bulletin}/{ref}/{position}"


def channel_of(settings: WebhookSettings = OPEN, **more: Any) -> WebhookChannel:
    return WebhookChannel(settings, Renderer(templates_dir(), None, page), **more)


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver() as server:
        yield server


@pytest.fixture
async def channel() -> AsyncIterator[WebhookChannel]:
    made = channel_of()
    yield made
    await made.close()


def envelope_to(url: str, **changes: Any) -> Envelope:
    return replace(sample_envelope(url, channel="webhook", secret=SECRET), **changes)


async def send(channel: WebhookChannel, *envelopes: Envelope, content: Content | None = None) -> list[Outcome]:
    rendered = channel.render(content or sample_content())
    (lane,) = channel.lanes("webhook:receiver.example")
    async with channel.open(lane) as connection:
        return [await connection.send(envelope, rendered, 0) for envelope in envelopes]


@asynccontextmanager
async def temporary(channel: WebhookChannel) -> AsyncIterator[WebhookChannel]:
    try:
        yield channel
    finally:
        await channel.close()


class WebhookHarness:
    """The channel and its receiver for the conformance suite; each reader has a path of their own."""

    queue = "webhook:127.0.0.1"

    def __init__(self, channel: WebhookChannel, receiver: WebhookReceiver) -> None:
        self.channel = channel
        self._receiver = receiver
        self._paths = {f"/{name}" for name in ("anna", "bo", "chen")}

    def envelope(self, name: str, provider_id: str) -> Envelope:
        url = self._receiver.url(f"/{name}")
        return sample_envelope(url, channel="webhook", provider_id=provider_id, name=name, secret=SECRET)

    def arrivals(self) -> Sequence[Arrival]:
        return [Arrival(self._receiver.url(r.path), r.body.decode(), r.id) for r in self._receiver.requests]

    def refuse_once(self) -> None:
        self._receiver.answer("/anna", 503, times=1)

    def refuse_for_good(self) -> None:
        for path in self._paths:
            self._receiver.answer(path, 410)

    async def vanish(self) -> None:
        await self._receiver.stop()


@pytest.fixture
def harness(channel: WebhookChannel, receiver: WebhookReceiver) -> WebhookHarness:
    return WebhookHarness(channel, receiver)


class TestConformance(ChannelContract):
    pass


async def test_the_receiver_verifies_what_it_gets(channel: WebhookChannel, receiver: WebhookReceiver) -> None:
    """With the old and with the new secret while one replaces the other."""
    other = new_secret()
    receiver.expect("/a", SECRET)
    receiver.expect("/b", other)
    both = f"{SECRET} {other}"
    envelopes = [envelope_to(receiver.url(path), secret=both) for path in ("/a", "/b")]
    assert [type(outcome) for outcome in await send(channel, *envelopes)] == [Sent, Sent]
    assert [request.verified for request in receiver.requests] == [True, True]
    assert receiver.requests[0].headers["content-type"] == "application/json"
    assert receiver.requests[0].headers["user-agent"].startswith("huoju-dispatch/")
    assert receiver.requests[0].headers["accept-encoding"] == "identity"


async def test_a_retry_renews_the_timestamp_and_keeps_id_and_body(receiver: WebhookReceiver) -> None:
    times = iter([NOW, NOW, NOW + dt.timedelta(minutes=5), NOW + dt.timedelta(minutes=5)])
    async with temporary(channel_of(clock=lambda: next(times))) as channel:
        receiver.answer("/a", 500, times=1)
        await send(channel, *[envelope_to(receiver.url("/a"))] * 2)
    first, second = receiver.requests
    assert (first.id, first.body) == (second.id, second.body)
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 300
    assert int(first.headers["webhook-timestamp"]) == int(NOW.timestamp())
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%%%", "whsec_a"])
async def test_a_bad_secret_is_rejected_and_not_told(
    channel: WebhookChannel, receiver: WebhookReceiver, secret: str
) -> None:
    (outcome,) = await send(channel, envelope_to(receiver.url("/a"), secret=secret))
    assert isinstance(outcome, Rejected)
    assert outcome.endpoint_state == ""
    assert "%%%" not in outcome.reason
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, {}, Sent),
        (202, {}, Sent),
        (204, {}, Sent),
        (301, {"Location": "http://127.0.0.1:1/"}, Retry),
        (304, {}, Retry),
        (400, {}, Retry),
        (404, {}, Retry),
        (410, {}, Rejected),
        (429, {}, Retry),
        (500, {}, Retry),
        (599, {}, Retry),
    ],
)
async def test_statuses(
    channel: WebhookChannel, receiver: WebhookReceiver, status: int, headers: dict[str, str], expected: type
) -> None:
    receiver.answer("/a", status, headers)
    (outcome,) = await send(channel, envelope_to(receiver.url("/a")))
    assert type(outcome) is expected
    assert outcome.code == str(status)
    if isinstance(outcome, Retry):
        assert not outcome.outage
        assert outcome.after is None
    if isinstance(outcome, Rejected):
        assert outcome.endpoint_state == "gone"


async def test_a_redirect_is_not_followed(channel: WebhookChannel, receiver: WebhookReceiver) -> None:
    receiver.redirect("/a", receiver.url("/elsewhere"))
    (outcome,) = await send(channel, envelope_to(receiver.url("/a")))
    assert isinstance(outcome, Retry)
    assert "redirect" in outcome.reason
    assert [request.path for request in receiver.requests] == ["/a"]


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_honoured(channel: WebhookChannel, receiver: WebhookReceiver, status: int) -> None:
    receiver.answer("/a", status, {"Retry-After": "120"})
    (outcome,) = await send(channel, envelope_to(receiver.url("/a")))
    assert isinstance(outcome, Retry)
    assert outcome.after == 120


async def test_an_answer_is_read_and_kept_in_part(channel: WebhookChannel, receiver: WebhookReceiver) -> None:
    """A body without end is cut off, also where it comes fast; the status before it counts."""
    receiver.drip("/fast", status=200, piece=b"x" * 70_000)
    receiver.answer("/long", 500, body="收到\x00\n".encode() + b"y" * 100_000)
    async with asyncio.timeout(OPEN.timeout / 2):  # not the time-out ends it
        sent, refused = await send(channel, envelope_to(receiver.url("/fast")), envelope_to(receiver.url("/long")))
    assert isinstance(sent, Sent)
    assert sent.detail == "x" * MAX_KEPT
    assert isinstance(refused, Retry)
    assert "收到" in refused.reason
    assert "\x00" not in refused.reason
    assert len(refused.reason) < MAX_KEPT + 200


@pytest.mark.parametrize(("status", "expected"), [(200, Sent), (500, Retry)])
async def test_a_slow_body_without_end_is_given_up(receiver: WebhookReceiver, status: int, expected: type) -> None:
    """After the time-out; what the status said counts, so that an accepted message is not sent again."""
    receiver.drip("/a", status)
    async with (
        temporary(channel_of(WebhookSettings(allow_networks=LOOPBACK, timeout=1))) as channel,
        asyncio.timeout(20),
    ):
        (outcome,) = await send(channel, envelope_to(receiver.url("/a")))
    assert type(outcome) is expected


async def test_a_receiver_that_never_answers_times_out(receiver: WebhookReceiver) -> None:
    """The message is tried again; the host is not taken for out, and the next message goes through."""
    receiver.stall("/a", times=1)
    async with (
        temporary(channel_of(WebhookSettings(allow_networks=LOOPBACK, timeout=1))) as channel,
        asyncio.timeout(20),
    ):
        late, sent = await send(channel, *[envelope_to(receiver.url("/a"))] * 2)
    assert isinstance(late, Retry)
    assert (late.code, late.outage) == ("timeout", False)
    assert isinstance(sent, Sent)


async def test_a_reset_is_tried_again(channel: WebhookChannel, receiver: WebhookReceiver) -> None:
    receiver.reset("/a", times=1)
    broken, sent = await send(channel, *[envelope_to(receiver.url("/a"))] * 2)
    assert isinstance(broken, Retry)
    assert (broken.code, broken.outage) == ("connection", False)
    assert isinstance(sent, Sent)


async def test_an_answer_that_is_no_http_is_tried_again(channel: WebhookChannel) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        (outcome,) = await send(channel, envelope_to(f"http://127.0.0.1:{port}/"))
    assert isinstance(outcome, Retry)
    assert not outcome.outage


async def test_an_address_that_is_none_is_rejected(channel: WebhookChannel) -> None:
    (outcome,) = await send(channel, envelope_to("ftp://a.example/"))
    assert isinstance(outcome, Rejected)


async def test_no_log_has_the_address_or_the_secret(
    channel: WebhookChannel, receiver: WebhookReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    """The path of a receiver's address is often its password."""
    caplog.set_level(logging.INFO)
    await send(channel, envelope_to(receiver.url("/T000/very-secret-path")))
    assert "very-secret-path" not in caplog.text
    assert SECRET not in caplog.text + repr(envelope_to("https://a.example/"))


def test_lanes_are_hosts() -> None:
    channel = channel_of(WebhookSettings(connections=7))
    (lane,) = channel.lanes("webhook:a.example:8443")
    assert (lane.name, lane.queue, lane.connections) == ("webhook:a.example:8443", "webhook:a.example:8443", 7)
    assert channel.lanes("email") == ()
    assert channel_of(WebhookSettings(enabled=False)).lanes("webhook:a.example") == ()


def test_importing_and_making_the_channel_loads_no_http_library() -> None:
    """A process that sends email only should not pay for it."""
    code = (
        "import sys, json\n"
        "from dispatch.assets import templates_dir\n"
        "from dispatch.digests.render import Renderer\n"
        "from dispatch.settings import WebhookSettings\n"
        "from dispatch.channels.webhook import WebhookChannel, check_url\n"
        "WebhookChannel(WebhookSettings(), Renderer(templates_dir(), None, lambda *a: ''))\n"
        "check_url('https://a.example/')\n"
        "print(json.dumps(sorted({'httpx', 'httpcore', 'aiohttp', 'anyio'} & set(sys.modules))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == []
