"""WebhookReceiver over the wire, by aiohttp's client."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator

import aiohttp
import pytest
from standardwebhooks import Webhook

from dispatch.testing.certificate import client_tls, server_tls
from dispatch.testing.webhook import WebhookReceiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield session


def signed(body: str) -> dict[str, str]:
    now = dt.datetime.now(dt.UTC)
    signature = Webhook(SECRET).sign("msg_1", now, body)
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}


async def test_keeps_requests_and_answers_200(receiver: WebhookReceiver, http: aiohttp.ClientSession) -> None:
    async with http.post(receiver.url("/a"), data=b'{"n": 1}', headers={"X-One": "1"}) as answer:
        assert answer.status == 200
    (request,) = await receiver.requests.reached(1)
    assert (request.method, request.path, request.headers["x-one"]) == ("POST", "/a", "1")
    assert (request.body, request.json, request.verified) == (b'{"n": 1}', {"n": 1}, None)


async def test_verifies_signatures_of_paths_with_a_secret(
    receiver: WebhookReceiver, http: aiohttp.ClientSession
) -> None:
    """A signature for the body is verified; for another body, or none at all, it is not."""
    receiver.expect("/a", SECRET)
    for data, headers in (("{}", signed("{}")), ("{ }", signed("{}")), ("{}", {})):
        await http.post(receiver.url("/a"), data=data, headers=headers)
    assert [request.verified for request in receiver.requests] == [True, False, False]
    assert receiver.requests[0].id == "msg_1"


async def test_answers_of_a_path_are_its_own_and_end(receiver: WebhookReceiver, http: aiohttp.ClientSession) -> None:
    receiver.answer("/a", 503, {"Retry-After": "30"}, b"busy", times=1)
    receiver.redirect("/b", "http://127.0.0.1:1/", times=1)
    seen = []
    for path in ("/b", "/a", "/a", "/b"):
        async with http.post(receiver.url(path), allow_redirects=False) as answer:
            seen.append((path, answer.status, answer.headers.get("Retry-After"), answer.headers.get("Location")))
    assert seen == [
        ("/b", 307, None, "http://127.0.0.1:1/"),
        ("/a", 503, "30", None),
        ("/a", 200, None, None),
        ("/b", 200, None, None),
    ]


async def test_drips_a_body_without_end(receiver: WebhookReceiver, http: aiohttp.ClientSession) -> None:
    receiver.drip("/a", status=500, piece=b"drop")
    async with http.post(receiver.url("/a")) as answer:
        assert answer.status == 500
        assert await answer.content.readexactly(12) == b"dropdropdrop"


async def test_resets_and_stalls(receiver: WebhookReceiver, http: aiohttp.ClientSession) -> None:
    """A reset comes at once; a stall lasts until the caller gives up, and keeps no server from stopping."""
    receiver.reset("/a", times=1)
    with pytest.raises(aiohttp.ClientError):
        await http.post(receiver.url("/a"))
    receiver.stall("/a")
    with pytest.raises(TimeoutError):
        await http.post(receiver.url("/a"), timeout=aiohttp.ClientTimeout(total=0.1))
    assert len(receiver.requests) == 2
    receiver.clear()
    async with http.post(receiver.url("/a")) as answer:
        assert answer.status == 200


async def test_says_what_is_no_http(receiver: WebhookReceiver, http: aiohttp.ClientSession) -> None:
    receiver.babble("/a", times=1)
    with pytest.raises(aiohttp.ClientError):
        await http.post(receiver.url("/a"))
    async with http.post(receiver.url("/a")) as answer:
        assert answer.status == 200


async def test_speaks_https_under_the_names_of_the_certificate() -> None:
    async with WebhookReceiver(server_tls()) as receiver, aiohttp.ClientSession() as http:
        async with http.get(receiver.url("/a", host="localhost"), ssl=client_tls()) as answer:
            assert answer.status == 200
        assert receiver.requests[0].headers["host"] == f"localhost:{receiver.port}"


async def test_comes_back_on_its_port(http: aiohttp.ClientSession) -> None:
    async with WebhookReceiver() as receiver:
        await receiver.stop()
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.post(receiver.url("/a"))
        await receiver.start()
        async with http.post(receiver.url("/a")) as answer:
            assert answer.status == 200
