"""A receiver that means ill, or cannot do better: each request ends with the right outcome, within its limits, once,
and nobody else has to suffer for it."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest

from dispatch.channels.webhook.http1 import MAX_KEPT
from dispatch.testing.hostile import Act, HostileReceiver, close, drips, floods, hang, reset, says
from tests.faults.office import PATIENCE, Office

OK = b"HTTP/1.1 200 OK\r\n"
NO_LENGTH = OK + b"Content-Type: text/plain\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
ZIPPED = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
BOMB = gzip.compress(bytes(30_000_000))
STRAY = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
QUICK = 10.0  # seconds, less than the time-out: it is not that what ends them

# what it does, does so, outcome, code, words
SLOW: list[tuple[str, Act, str, str, str]] = [
    ("hangs", hang, "retry", "timeout", "in time"),
    ("drips a status line", drips(b"0", b"HTTP/1.1 20"), "retry", "timeout", "in time"),
    ("drips headers", drips(b"X-A: b\r\n", OK), "retry", "timeout", "in time"),
    ("drips a header", drips(b"x", OK + b"X-A: "), "retry", "timeout", "in time"),
    ("drips a body", drips(b"x", OK + b"Content-Length: 60000\r\n\r\n"), "sent", "200", "xxx"),
    ("drips a body, 500", drips(b"x", b"HTTP/1.1 500 No\r\n\r\n"), "retry", "500", "answered 500"),
    ("drips chunks", drips(b"1\r\nx\r\n", CHUNKED), "sent", "200", "xxx"),
    ("hangs in a chunk's line", says(CHUNKED + b"5", hang), "sent", "200", ""),
]
FAST: list[tuple[str, Act, str, str, str]] = [
    ("floods a body", floods(b"x" * 9_999, NO_LENGTH), "sent", "200", "xxx"),
    ("floods chunks", floods(b"270F\r\n" + b"x" * 9_999 + b"\r\n", CHUNKED), "sent", "200", "xxx"),
    ("floods a body, 503", floods(b"x" * 9_999, b"HTTP/1.1 503 No\r\n\r\n"), "retry", "503", "answered 503"),
    ("floods trailers", floods(b"X-A: b\r\n", CHUNKED + b"0\r\n"), "sent", "200", ""),
    ("claims a huge body", says(OK + b"Content-Length: 999999999999\r\n\r\nx", close), "sent", "200", "x"),
    (
        "a compressed bomb",
        says(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB),
        "sent",
        "200",
        "",
    ),
    ("floods 100 Continue", floods(b"HTTP/1.1 100 Continue\r\n\r\n"), "retry", "connection", "not asked for"),
    ("floods headers", floods(b"X-A: b\r\n", OK), "retry", "connection", "no HTTP"),
    ("floods a header", floods(b"x" * 9_999, OK + b"X-A: "), "retry", "connection", "no HTTP"),
    (
        "switches protocols",
        says(b"HTTP/1.1 101 Changing\r\nUpgrade: x\r\n\r\n"),
        "retry",
        "connection",
        "not asked for",
    ),
    ("garbage", says(b"\x00\xff\x16\x03\x01" * 99), "retry", "connection", "no HTTP"),
    ("floods garbage", floods(b"\xff" * 9_999), "retry", "connection", "no HTTP"),
    ("another protocol", says(b"SSH-2.0-OpenSSH_9.2\r\n"), "retry", "connection", "no HTTP"),
    ("HTTP/2", says(b"HTTP/2 200\r\n\r\n"), "retry", "connection", "no HTTP"),
    ("two lengths", says(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"), "retry", "connection", "no length"),
    ("a length of none", says(OK + b"Content-Length: -1\r\n\r\n"), "retry", "connection", "no length"),
    ("a header in a header", says(OK + b"X-A: a\rX-B: b\r\n\r\n"), "retry", "connection", "a header"),
    ("hangs up at once", close, "retry", "connection", "broke"),
    ("hangs up in its head", says(OK + b"X-A", close), "retry", "connection", "broke off"),
    ("resets at once", reset, "retry", "connection", "reset"),
    ("hangs up in its body", says(OK + b"Content-Length: 9\r\n\r\nhalf", close), "sent", "200", "half"),
    ("resets in its body", says(OK + b"Content-Length: 9\r\n\r\nhalf", reset), "sent", "200", ""),
    ("no content", says(b"HTTP/1.1 204 No Content\r\n\r\n"), "sent", "204", ""),
    ("HTTP/1.0", says(b"HTTP/1.0 200 OK\r\n\r\nfine", close), "sent", "200", "fine"),
    (
        "no reason, odd headers",
        says(b"HTTP/1.1 200\r\nx-a:\r\n b\r\ncontent-LENGTH:2\r\n\r\nok"),
        "sent",
        "200",
        "ok",
    ),
    (
        "a few 1xx first",
        says(HINTS * 3 + OK + b"Content-Length: 2\r\n\r\nok"),
        "sent",
        "200",
        "ok",
    ),
]


@pytest.fixture
async def hostile() -> AsyncIterator[HostileReceiver]:
    async with HostileReceiver() as server:
        yield server


async def one_try(office: Office, hostile: HostileReceiver, outcome: str, code: str, words: str) -> None:
    """One message there, one to somebody else, and what became of both."""
    victim = office.reader("webhook", hostile.url("/a"))
    other = office.reader("webhook", office.hooks.url("/other"))
    office.publish()
    async with asyncio.timeout(QUICK):
        await office.drain()
    [attempt] = office.story(victim).attempts
    assert attempt[:2] == (outcome, code), attempt
    assert words in attempt[2]
    assert len(attempt[2]) <= MAX_KEPT + 200
    assert len(hostile.requests) == 1, "it was asked once"
    assert office.story(other).delivery == "sent"


@pytest.mark.parametrize(("act", "outcome", "code", "words"), [row[1:] for row in SLOW], ids=[row[0] for row in SLOW])
async def test_what_has_no_end_ends_with_the_time_out(
    office: Office, hostile: HostileReceiver, act: Act, outcome: str, code: str, words: str
) -> None:
    office.patience = {"webhook": PATIENCE}
    hostile.does("/a", act)
    await one_try(office, hostile, outcome, code, words)


@pytest.mark.parametrize(("act", "outcome", "code", "words"), [row[1:] for row in FAST], ids=[row[0] for row in FAST])
async def test_what_is_too_much_or_nonsense_ends_by_itself(
    office: Office, hostile: HostileReceiver, act: Act, outcome: str, code: str, words: str
) -> None:
    hostile.does("/a", act)
    await one_try(office, hostile, outcome, code, words)


async def test_a_handshake_without_end_is_given_up(office: Office, hostile: HostileReceiver) -> None:
    office.patience = {"webhook": PATIENCE}
    victim = office.reader("webhook", hostile.url("/a", "https"))
    office.publish()
    async with asyncio.timeout(QUICK):
        await office.drain()
    [attempt] = office.story(victim).attempts
    assert attempt[:2] == ("retry", "timeout")


@pytest.mark.parametrize(("said", "code"), [(b"200 OK", "200"), (b"413 Too Large", "413")])
async def test_an_answer_before_the_request_was_read_is_one(
    office: Office, hostile: HostileReceiver, said: bytes, code: str
) -> None:
    hostile.does("/a", says(b"HTTP/1.1 " + said + b"\r\nContent-Length: 2\r\n\r\nno"), unread=True)
    await one_try(office, hostile, "sent" if code == "200" else "retry", code, "no")


async def test_a_redirect_into_our_own_network_is_not_followed(office: Office, hostile: HostileReceiver) -> None:
    trap = office.hooks.url("/trap")
    hostile.does("/a", says(b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % trap.encode()))
    await one_try(office, hostile, "retry", "302", "not followed")
    assert [request.path for request in office.hooks.requests] == ["/other"]


async def test_nothing_of_an_answer_is_taken_for_that_of_another_message(
    office: Office, hostile: HostileReceiver
) -> None:
    """What comes behind an answer ends the connection: it is nobody's, and no endpoint is gone for it."""
    hostile.does("/a", says(b"HTTP/1.1 204 No Content\r\n\r\n" + STRAY))
    hostile.does("/b", says(OK + b"Content-Length: 2\r\n\r\nok" + STRAY))
    hostile.does("/c", says(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + STRAY))
    addresses = [office.reader("webhook", hostile.url(f"/{name}")) for name in "abcd"]
    office.publish()
    await office.drain()
    for address in addresses:
        story = office.story(address)
        assert (story.delivery, story.endpoint) == ("sent", "active"), story
    assert len(hostile.requests) == len({request.id for request in hostile.requests}) == 4


@pytest.mark.parametrize("head", ["HTTP/1.1 200 OK\r\nConnection: close", "HTTP/1.0 200 OK", "HTTP/1.1 200 OK"])
async def test_a_connection_that_is_not_kept_is_not_used_again(
    office: Office, hostile: HostileReceiver, head: str
) -> None:
    """Whether its end is announced or not."""
    for name in "abc":
        hostile.does(f"/{name}", says(f"{head}\r\nContent-Length: 2\r\n\r\nok".encode(), close))
    addresses = [office.reader("webhook", hostile.url(f"/{name}")) for name in "abc"]
    office.publish()
    await office.drain()
    assert [office.story(address).delivery for address in addresses] == ["sent"] * 3
    assert len(hostile.requests) == 3


async def test_a_kept_connection_carries_many(office: Office, hostile: HostileReceiver) -> None:
    addresses = [office.reader("webhook", hostile.url(f"/{name}")) for name in "abc"]
    office.publish()
    await office.drain()
    assert [office.story(address).delivery for address in addresses] == ["sent"] * 3
    assert hostile.connections == 1


async def test_a_kept_connection_that_ends_without_an_answer_is_no_reason_to_send_twice(
    office: Office, hostile: HostileReceiver
) -> None:
    """Nobody knows whether the request was read: it is tried again by the schedule, on record, under its id."""
    hostile.does("/b", reset)
    first, second = (office.reader("webhook", hostile.url(f"/{name}")) for name in "ab")
    office.publish()
    await office.drain()
    assert office.story(first).delivery == "sent"
    story = office.story(second)
    assert [attempt[:2] for attempt in story.attempts] == [("retry", "connection")]
    assert (hostile.connections, len(hostile.requests)) == (1, 2)
    hostile.clear()
    office.clock.ms = story.due_at
    await office.drain()
    assert office.story(second).delivery == "sent"
    assert len({request.id for request in hostile.requests if request.path == "/b"}) == 1
