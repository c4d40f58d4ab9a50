"""Webhooks: what a receiver does, and what comes of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from email.utils import format_datetime

import pytest

from dispatch.testing import WebhookReceiver
from dispatch.testing.certificate import client_tls, server_tls
from tests.delivery.conftest import START
from tests.faults.office import DEAD, FAILS, LATER, PATIENCE, RESTS, SENT, Case, Expect, Office, lined_up, prove

V, TRAP = "/victim", "/trap"
IN_TWO_HOURS = format_datetime(dt.datetime.fromtimestamp(START / 1000 + 7200, dt.UTC), usegmt=True)
YESTERDAY = format_datetime(dt.datetime.fromtimestamp(START / 1000 - 86_400, dt.UTC), usegmt=True)

# fmt: off
#    status  Retry-After     outcome  waits at least (s)
ANSWERS: list[tuple[int, str, Expect, float]] = [
    (500,    "",             LATER,   0),
    (502,    "",             LATER,   0),
    (503,    "",             LATER,   0),
    (503,    "3600",         LATER,   3600),
    (429,    "",             LATER,   0),
    (429,    "7200",         LATER,   7200),
    (429,    IN_TWO_HOURS,   LATER,   7200),
    (429,    "soon",         LATER,   0),
    (429,    "-5",           LATER,   0),
    (429,    "9" * 30,       LATER,   86_400),
    (404,    "",             LATER,   0),
    (401,    "",             LATER,   0),
    (304,    "",             LATER,   0),
    (410,    "",             DEAD,    0),
]

FAULT = ("fault", "expect", "code", "words", "arrivals")
Fault = Callable[[WebhookReceiver], None]

#    what happens  (h: the receiver, V: the victim's path)        outcome  code          words             requests
SILENCE: list[tuple[str, Fault, Expect, str, str, int]] = [
    ("stall",            lambda h: h.stall(V),                      LATER, "timeout",    "in time",            2),
    ("reset",            lambda h: h.reset(V),                      LATER, "connection", "broke",              2),
    ("no http",          lambda h: h.babble(V),                     LATER, "connection", "is no HTTP",         2),
    ("endless, 200",     lambda h: h.drip(V),                       SENT,  "200",        "",                   1),
    ("endless, 500",     lambda h: h.drip(V, 500),                  LATER, "500",        "answered 500",       2),
    ("huge and endless", lambda h: h.drip(V, 500, b"x" * 99_999),   LATER, "500",        "answered 500",       2),
    ("redirect, 307",    lambda h: h.redirect(V, h.url(TRAP)),      LATER, "307",        "not followed",       2),
    ("redirect, 301",    lambda h: h.redirect(V, h.url(TRAP), 301), LATER, "301",        "not followed",       2),
]
# fmt: on


def case(
    office: Office,
    expect: Expect,
    code: str,
    words: str,
    *,
    asked: float = 0,
    arrivals: int = 1,
    base: str = "",
) -> Case:
    """Three endpoints of one host, one reader by each other channel, and an issue that all of them follow."""
    base = base or office.hooks.base_url
    first, victim, last = lined_up(office, "webhook", [f"{base}{path}" for path in ("/first", V, "/last")])
    others = (office.reader("email", "other@x.test"), office.reader("telegram", "1"))
    office.publish()
    return Case("webhook", victim, (first, last), others, expect, code, words, asked, arrivals)


@pytest.mark.parametrize(("status", "wait", "expect", "asked"), ANSWERS)
async def test_the_receiver_refuses(office: Office, status: int, wait: str, expect: Expect, asked: float) -> None:
    told = case(
        office, expect, str(status), f"the receiver answered {status}", asked=asked, arrivals=1 + (expect is LATER)
    )
    office.hooks.answer(V, status, {"Retry-After": wait} if wait else {})
    await prove(office, told)


async def test_a_date_in_the_past_asks_for_no_wait_and_is_no_time_in_the_past(office: Office) -> None:
    """`Retry-After: yesterday` means now: the second try comes at once, and the third by the schedule."""
    told = case(office, LATER, "429", "")
    office.hooks.answer(V, 429, {"Retry-After": YESTERDAY})
    await office.drain()
    story = office.story(told.victim)
    assert story.tried_at <= story.due_at <= story.tried_at + 5_500, story
    assert story.delivery == "planned"


@pytest.mark.parametrize(FAULT, [row[1:] for row in SILENCE], ids=[row[0] for row in SILENCE])
async def test_the_receiver_says_nothing_of_use(
    office: Office, fault: Fault, expect: Expect, code: str, words: str, arrivals: int
) -> None:
    if code == "timeout" or arrivals == 1 or "answered" in words:  # it does not end by itself
        office.patience = {"webhook": PATIENCE}
    fault(office.hooks)
    await prove(office, case(office, expect, code, words, arrivals=arrivals))
    assert not [request for request in office.hooks.requests if request.path == TRAP]


async def test_the_name_does_not_resolve(office: Office) -> None:
    base = f"http://something.invalid:{office.hooks.port}"
    told = case(office, RESTS, "", "cannot be resolved", base=base)
    await prove(office, told, lambda: office.known_names.update({"something.invalid": "127.0.0.1"}))


async def test_nobody_listens_at_the_host(office: Office) -> None:
    told = case(office, RESTS, "", "connection refused")
    await office.hooks.stop()
    await prove(office, told, office.hooks.start)


async def test_one_host_that_is_out_hurts_no_other(office: Office) -> None:
    """Each host is a lane of its own."""
    async with WebhookReceiver() as gone:
        far = gone.url("/far")
    near, lost = lined_up(office, "webhook", [office.hooks.url("/near"), far])
    office.publish()
    summary = await office.drain()
    assert office.story(near).delivery == "sent"
    assert office.story(lost).delivery == "planned"
    assert list(summary.outages) == [f"webhook:127.0.0.1:{gone.port}"]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_host_that_has_too_much_to_do_is_spared(office: Office, status: int) -> None:
    """Three of its endpoints refuse in a row: the others are not asked, lose no attempt, and get theirs afterwards."""
    everybody = lined_up(office, "webhook", [office.hooks.url(f"/{number}") for number in range(8)])
    office.publish()
    for number in range(8):
        office.hooks.answer(f"/{number}", status, {"Retry-After": "60"})
    before = office.clock.now()
    await office.drain()
    stories = [office.story(address) for address in everybody]
    assert [len(story.attempts) for story in stories] == [1, 1, 1, 0, 0, 0, 0, 0]
    assert len(office.hooks.requests) == 3
    assert all(story.due_at >= before + 60_000 for story in stories), stories
    assert all("rests" in story.reason for story in stories[3:]), stories
    office.recover()
    office.clock.ms = max(story.due_at for story in stories)
    await office.drain()
    assert [office.story(address).delivery for address in everybody] == ["sent"] * 8
    assert len({request.id for request in office.hooks.requests}) == 8
    assert len(office.hooks.requests) == 8 + 3


async def test_what_is_due_to_an_endpoint_that_asks_for_a_rest_waits_with_it(office: Office) -> None:
    """What is not claimed yet is not sent before; the other endpoints of the host have theirs."""
    office.page = 1
    lined_up(office, "webhook", [office.hooks.url("/busy"), office.hooks.url("/other")])
    office.publish()
    office.publish(total=535)
    office.hooks.answer("/busy", 429, {"Retry-After": "600"})
    await office.drain()
    assert [request.path for request in office.hooks.requests].count("/busy") == 1
    assert [request.path for request in office.hooks.requests].count("/other") == 2
    office.recover()
    office.clock.ms += 660_000
    await office.drain()
    assert len({request.id for request in office.hooks.requests if request.path == "/busy"}) == 2


async def test_the_receivers_certificate_is_not_trusted(office: Office) -> None:
    async with WebhookReceiver(server_tls()) as secure:
        [victim] = lined_up(office, "webhook", [secure.url("/victim", host="localhost")])
        other = office.reader("webhook", office.hooks.url("/other"))
        office.publish()
        told = Case("webhook", victim, (), (other,), LATER, "tls", "certificate is not trusted", arrivals=0)
        await prove(office, told, lambda: setattr(office, "trusted", client_tls()))
        [request] = secure.requests
        assert request.path == "/victim"


async def test_the_receiver_speaks_no_tls(office: Office) -> None:
    """It cannot get better by itself; the delivery ends with the reason when its time is over."""
    [victim] = lined_up(office, "webhook", [f"https://127.0.0.1:{office.hooks.port}/victim"])
    office.publish()
    await office.drain()
    story = office.story(victim)
    assert [(outcome, code) for outcome, code, _ in story.attempts] == [("retry", "tls")]
    assert "TLS failed" in story.reason
    office.clock.ms += 96 * 3_600_000
    await office.drain()
    story = office.story(victim)
    assert (story.delivery, story.endpoint) == ("expired", "active")
    assert "TLS failed" in story.reason


async def test_an_address_on_a_network_that_is_not_open_is_refused_unsent(office: Office) -> None:
    base = f"http://metadata.invalid:{office.hooks.port}"
    office.known_names["metadata.invalid"] = "169.254.169.254"
    told = case(office, FAILS, "address", "169.254.169.254", arrivals=0, base=base)
    await office.drain()
    for address in (told.victim, *told.neighbours):
        story = office.story(address)
        assert (story.delivery, story.endpoint) == ("failed", "active"), story
        [(outcome, code, words)] = story.attempts
        assert (outcome, code) == ("rejected", "address")
        assert told.words in words
