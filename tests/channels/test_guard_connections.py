"""Which addresses a webhook reaches, over the wire: names are checked when they are connected to."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from dispatch.assets import templates_dir
from dispatch.channels.webhook import WebhookChannel, new_secret
from dispatch.digests.render import Renderer
from dispatch.guarded_http import NameNotResolved
from dispatch.model import Envelope, Outcome, Rejected, Retry, Sent
from dispatch.settings import WebhookSettings
from dispatch.testing.certificate import client_tls, server_tls
from dispatch.testing.samples import sample_content, sample_envelope
from dispatch.testing.webhook import WebhookReceiver

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
OPEN = WebhookSettings(allow_networks=(LOOPBACK,))


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver() as server:
        yield server


@asynccontextmanager
async def channel_of(settings: WebhookSettings = OPEN, **more: Any) -> AsyncIterator[WebhookChannel]:
    renderer = Renderer(templates_dir(), None, lambda bulletin, ref, position: "")
    channel = WebhookChannel(settings, renderer, **more)
    try:
        yield channel
    finally:
        await channel.close()


def envelope_to(url: str) -> Envelope:
    return sample_envelope(url, channel="webhook", secret=new_secret())


async def send(channel: WebhookChannel, *envelopes: Envelope) -> list[Outcome]:
    rendered = channel.render(sample_content())
    (lane,) = channel.lanes("webhook:receiver.example")
    async with channel.open(lane) as connection:
        return [await connection.send(envelope, rendered, 0) for envelope in envelopes]


class Names:
    """A resolver with a table."""

    def __init__(self, **table: list[str]) -> None:
        self.table = {name.replace("_", "."): addresses for name, addresses in table.items()}

    async def __call__(self, host: str, port: int) -> list[str]:
        if host not in self.table:
            raise NameNotResolved(f"the name {host} cannot be resolved")
        return self.table[host]


async def test_a_name_that_is_not_resolved_is_an_outage() -> None:
    async with channel_of(resolve=Names(empty_example=[])) as channel:
        outcomes = await send(channel, envelope_to("https://nowhere.example/"), envelope_to("https://empty.example/"))
    for outcome in outcomes:
        assert isinstance(outcome, Retry)
        assert outcome.outage


async def test_the_system_resolves_names(receiver: WebhookReceiver) -> None:
    """`localhost`, by the resolver that production uses."""
    settings = WebhookSettings(allow_networks=(LOOPBACK, ipaddress.ip_network("::1/128")))
    async with channel_of(settings) as channel:
        (outcome,) = await send(channel, envelope_to(receiver.url("/a", host="localhost")))
    assert isinstance(outcome, Sent)
    assert receiver.requests[0].headers["host"] == f"localhost:{receiver.port}"


async def test_https_keeps_the_name_and_connects_to_the_checked_address() -> None:
    """SNI, certificate and Host are the name's; a name that the certificate lacks is a failure of TLS."""
    names = Names(hooks_example_com=["127.0.0.1"], wrong_example_com=["127.0.0.1"])
    async with (
        WebhookReceiver(server_tls()) as receiver,
        channel_of(resolve=names, tls=client_tls()) as channel,
    ):
        right, wrong = await send(
            channel,
            envelope_to(receiver.url("/a", host="hooks.example.com")),
            envelope_to(receiver.url("/a", host="wrong.example.com")),
        )
    assert isinstance(right, Sent), right
    assert isinstance(wrong, Retry)
    assert (wrong.code, wrong.outage) == ("tls", False)
    assert [request.headers["host"] for request in receiver.requests] == [f"hooks.example.com:{receiver.port}"]


async def test_a_connection_is_used_for_its_own_name_only() -> None:
    """Two names at one address are two connections: each was checked against its own certificate."""
    names = Names(hooks_example_com=["127.0.0.1"], other_example_com=["127.0.0.1"])
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return await names(host, port)

    async with (
        WebhookReceiver(server_tls()) as receiver,
        channel_of(resolve=resolve, tls=client_tls()) as channel,
    ):
        hosts = ["hooks.example.com", "other.example.com", "hooks.example.com"]
        outcomes = await send(channel, *[envelope_to(receiver.url("/a", host=host)) for host in hosts])
    assert [type(outcome) for outcome in outcomes] == [Sent] * 3
    assert asked == ["hooks.example.com", "other.example.com"], "the third went over the first connection"


async def test_the_next_address_of_a_name_is_tried() -> None:
    """127.0.0.2 refuses where only 127.0.0.1 listens."""
    async with (
        WebhookReceiver() as receiver,
        channel_of(resolve=Names(two_example=["127.0.0.2", "127.0.0.1"])) as channel,
    ):
        (outcome,) = await send(channel, envelope_to(receiver.url("/a", host="two.example")))
    assert isinstance(outcome, Sent), outcome


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["::1"]])
async def test_a_name_that_leads_inside_is_refused(receiver: WebhookReceiver, addresses: list[str]) -> None:
    """Whatever else it resolves to. The endpoint stays: the next resolution may be a better one."""
    closed = WebhookSettings()
    async with channel_of(closed, resolve=Names(rebound_example=addresses)) as channel:
        (outcome,) = await send(channel, envelope_to("https://rebound.example/"))
    assert isinstance(outcome, Rejected)
    assert outcome.endpoint_state == ""
    assert "loopback" in outcome.reason
    assert "[webhook] allow_networks" in outcome.reason
    assert receiver.requests == []


async def test_an_allowed_network_opens_http_for_itself_only(receiver: WebhookReceiver) -> None:
    names = Names(inside_example=["127.0.0.1"], outside_example=["8.8.8.8"], private_example=["10.0.0.1"])
    async with channel_of(resolve=names) as channel:
        inside, outside, private = await send(
            channel,
            envelope_to(receiver.url("/a", host="inside.example")),
            envelope_to("http://outside.example/"),
            envelope_to("https://private.example/"),
        )
    assert isinstance(inside, Sent)
    assert isinstance(outside, Rejected)
    assert "not encrypted" in outside.reason
    assert isinstance(private, Rejected)
    assert "private" in private.reason


async def test_of_a_names_addresses_the_opened_one_is_used(receiver: WebhookReceiver) -> None:
    """`localhost` is often ::1 as well as 127.0.0.1."""
    async with channel_of(resolve=Names(both_example=["::1", "127.0.0.1"])) as channel:
        (outcome,) = await send(channel, envelope_to(receiver.url("/a", host="both.example")))
    assert isinstance(outcome, Sent), outcome
    assert len(receiver.requests) == 1


async def test_what_a_name_means_between_check_and_use_changes_nothing(receiver: WebhookReceiver) -> None:
    """The name is asked once a connection, and the connection is to what was checked; the next one is checked anew."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"]])

    async def rebinding(host: str, port: int) -> list[str]:
        return next(answers)

    url = receiver.url("/a", host="rebinding.example")
    for expected in (Sent, Rejected, Rejected):
        async with channel_of(resolve=rebinding) as channel:
            (outcome,) = await send(channel, envelope_to(url))
        assert isinstance(outcome, expected), outcome
    assert len(receiver.requests) == 1
    assert next(answers, None) is None


@pytest.mark.parametrize("address", ["64:ff9b::7f00:1", "::ffff:127.0.0.1", "2002:7f00:1::", "fe80::1%lo", "0.0.0.0"])
async def test_no_form_of_an_inner_address_gets_past_the_resolver(address: str) -> None:
    async with channel_of(WebhookSettings(), resolve=Names(inner_example=[address])) as channel:
        (outcome,) = await send(channel, envelope_to("https://inner.example/"))
    assert isinstance(outcome, Rejected)
    assert "is refused" in outcome.reason


async def test_a_redirect_to_the_inside_is_not_followed(receiver: WebhookReceiver) -> None:
    """Whatever it says: the answer is a failure."""
    receiver.redirect("/a", receiver.url("/inside"), status=308)
    async with channel_of() as channel:
        (outcome,) = await send(channel, envelope_to(receiver.url("/a")))
    assert isinstance(outcome, Retry)
    assert [request.path for request in receiver.requests] == ["/a"]
