"""Email: what the relay does at each stage, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import get_args

import pytest

from dispatch.testing import CLOSE, CUT_MIDWAY, KEEP_AND_CLOSE, KEEP_AND_STALL, STALL, SmtpSink
from dispatch.testing.smtp import SmtpStep, Stage
from tests.faults.office import BLAMED, DEAD, FAILS, LATER, PATIENCE, RESTS, Case, Expect, Office, lined_up, prove

VICTIM, FIRST, LAST = "victim@x.test", "first@x.test", "last@x.test"

# Up to MAIL a refusal speaks of the relay and its settings, at RCPT of the address, later of the message.
REPLIES = """
            421     450     451     452     550     552     554
CONNECT     rests   rests   rests   rests   rests   rests   rests
EHLO        rests   rests   rests   rests   rests   rests   rests
MAIL        rests   rests   rests   rests   rests   rests   rests
RCPT        blamed  later   later   later   fails   fails   fails
PROMPT      blamed  later   later   later   fails   fails   fails
DATA        later   later   later   later   fails   fails   fails
"""

# fmt: off
WORDS: list[tuple[Stage, str, Expect]] = [
    # The mailbox is dead; policy, content and quota kill nobody.
    ("RCPT",    "550 5.1.1 <victim@x.test>: Recipient address rejected",        DEAD),
    ("RCPT",    "550 No such user here",                                        DEAD),
    ("RCPT",    "551 5.1.6 user has moved",                                     DEAD),
    ("RCPT",    "550 5.7.1 refused by policy",                                  FAILS),
    ("RCPT",    "550 5.7.515 the sender's domain must pass DMARC",              FAILS),
    ("RCPT",    "552 5.2.2 mailbox full",                                       FAILS),
    # Not about the recipient: the relay does not take ours.
    ("RCPT",    "554 5.7.1 <victim@x.test>: Relay access denied",               LATER),
    ("RCPT",    "550 relay not permitted",                                      LATER),
    ("RCPT",    "554 5.7.1 <mta[192.0.2.1]>: Client host rejected: Access denied", LATER),
    ("RCPT",    "553 5.7.1 <news@bulletin.test>: Sender address rejected: not owned by user", LATER),
    ("RCPT",    "550 5.7.1 Client was not authenticated",                       LATER),
    ("RCPT",    "452 4.2.2 mailbox full",                                       LATER),
    ("DATA",    "550 5.1.1 User unknown",                                       FAILS),
    ("DATA",    "554 5.7.1 looks like spam",                                    FAILS),
    ("DATA",    "552 5.3.4 message too big",                                    FAILS),
    # NetEase, where the relay is its own: connections, volume, a connection's messages, a sender's.
    ("CONNECT", "421 HL:ICC 163 smtp1",                                         RESTS),
    ("MAIL",    "421 HL:IFC 163 smtp2",                                         RESTS),
    ("MAIL",    "450 MI:DMC 163 smtp3",                                         RESTS),
    ("MAIL",    "451 MI:SFQ 163 smtp4",                                         RESTS),
    # Gmail and others.
    ("CONNECT", "554 5.7.1 service unavailable; your address is on a list",     RESTS),
    ("MAIL",    "550 5.7.1 sender not allowed on this relay",                   RESTS),
    ("MAIL",    "530 5.7.0 Must issue a STARTTLS command first",                RESTS),
]

#    stage      what happens     outcome  code       words                            taken by the relay in the end
SILENCE: list[tuple[Stage, str, Expect, str, str, int]] = [
    ("CONNECT", CLOSE,           RESTS,  "",         "nobody answers at",                     1),
    ("EHLO",    CLOSE,           RESTS,  "",         "nobody answers at",                     1),
    ("MAIL",    CLOSE,           RESTS,  "",         "went away at MAIL FROM",                1),
    ("RCPT",    CLOSE,           BLAMED, "lost",     "went away at RCPT TO",                  1),
    ("PROMPT",  CLOSE,           BLAMED, "lost",     "went away at DATA",                     1),
    ("PROMPT",  CUT_MIDWAY,      LATER,  "lost",     "the message was lost",                  1),
    ("DATA",    CLOSE,           LATER,  "lost",     "the message was lost",                  1),
    ("DATA",    KEEP_AND_CLOSE,  LATER,  "lost",     "the message was lost",                  2),
    ("CONNECT", STALL,           RESTS,  "",         "no answer in time",                     1),
    ("MAIL",    STALL,           RESTS,  "",         "no answer in time",                     1),
    ("RCPT",    STALL,           BLAMED, "lost",     "no answer in time",                     1),
    ("PROMPT",  STALL,           BLAMED, "lost",     "no answer in time",                     1),
    ("DATA",    STALL,           LATER,  "lost",     "no answer in time",                     1),
    ("DATA",    KEEP_AND_STALL,  LATER,  "lost",     "no answer in time",                     2),
    ("CONNECT", "HTTP/1.1 400",  RESTS,  "",         "in another language",                   1),
    ("EHLO",    "HTTP/1.1 400",  RESTS,  "",         "in another language",                   1),
    ("MAIL",    "HTTP/1.1 400",  RESTS,  "",         "in another language",                   1),
    ("RCPT",    "HTTP/1.1 400",  BLAMED, "garbage",  "in another language",                   1),
    ("PROMPT",  "HTTP/1.1 400",  BLAMED, "garbage",  "in another language",                   1),
    ("DATA",    "HTTP/1.1 400",  BLAMED, "garbage",  "in another language",                   1),
]
# fmt: on


@pytest.fixture(params=[True, False], ids=["groups", "one by one"])
def pipelining(request: pytest.FixtureRequest) -> bool:
    """Each fault meets commands in groups (RFC 2920), and one after the other."""
    return bool(request.param)


def matrix() -> list[tuple[Stage, str, Expect]]:
    head, *rows = REPLIES.strip().splitlines()
    stages = {stage: stage for stage in get_args(Stage)}
    return [
        (stages[stage], f"{code} said the relay", Expect[outcome.upper()])
        for stage, *outcomes in (row.split() for row in rows)
        for code, outcome in zip(head.split(), outcomes, strict=True)
    ]


STORY = """SELECT m.state, m.reason, m.due_at, m.attempts FROM messages m JOIN endpoints e ON e.id = m.endpoint_id
           WHERE e.address = :address"""


def about_the_victim(step: SmtpStep) -> bool:
    """Before RCPT a relay cannot know whom the message is for."""
    return step.stage in ("CONNECT", "EHLO", "MAIL") or VICTIM in (step.recipient, *step.recipients)


def case(office: Office, expect: Expect, code: str, words: str, arrivals: int) -> Case:
    """Three readers by email, one by each other channel, and an issue that all of them follow."""
    first, victim, last = lined_up(office, "email", [FIRST, VICTIM, LAST])
    others = (office.reader("telegram", "1"), office.reader("webhook", office.hooks.url("/other")))
    office.publish()
    return Case("email", victim, (first, last), others, expect, code, words, arrivals=arrivals)


@pytest.mark.parametrize(("stage", "reply", "expect"), [*matrix(), *WORDS])
async def test_the_relay_refuses(office: Office, stage: Stage, reply: str, expect: Expect) -> None:
    told = case(office, expect, reply[:3], reply[4:].split(">")[-1], arrivals=expect not in (FAILS, DEAD))
    office.smtp.answer(stage, reply, when=about_the_victim)
    await prove(office, told)


@pytest.mark.parametrize(("stage", "fault", "expect", "code", "words", "arrivals"), SILENCE)
async def test_the_relay_says_nothing_of_use(
    office: Office, stage: Stage, fault: str, expect: Expect, code: str, words: str, arrivals: int
) -> None:
    office.patience = {"email": PATIENCE} if "stall" in fault else {}
    office.smtp.answer(stage, fault, when=about_the_victim)
    await prove(office, case(office, expect, code, words, arrivals))


@pytest.mark.parametrize("stage", ["RCPT", "PROMPT", "DATA"])
@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        ("550 Mail frequency limited", 600),
        ("550 Ip frequency limited. http://service.mail.qq.com/", 600),
        ("421 HL:IFC 163 smtp2", 600),
        ("451 MI:SFQ 163 smtp4", 900),
        ("421 4.7.28 unusual rate of unsolicited mail", 600),
        ("451 4.7.650 temporarily rate limited", 600),
        ("421 4.7.0 [TSS04] temporarily deferred", 600),
    ],
)
async def test_a_provider_that_wants_less_rests_alone(office: Office, stage: Stage, reply: str, seconds: int) -> None:
    """What waits for it loses no attempt, the other domain's goes out, and the lane does not stop."""
    *_, elsewhere = lined_up(office, "email", [FIRST, VICTIM, LAST, "reader@y.test"])
    office.publish()
    office.smtp.answer(
        stage, reply, when=lambda step: any("@x.test" in to for to in (step.recipient, *step.recipients))
    )
    start = office.clock.ms
    await office.drain()
    office.smtp.clear()
    stories = {to: office.desk.db.all(STORY, {"address": to}) for to in (FIRST, VICTIM, LAST)}
    tried = [row for rows in stories.values() for row in rows if row["attempts"]]
    waiting = [row for rows in stories.values() for row in rows if not row["attempts"]]
    assert [(row["state"], row["reason"]) for row in tried] == [("queued", reply)]
    assert len(waiting) == len(stories) - 1
    assert {row["state"] for row in waiting} == {"queued"}
    assert {row["reason"] for row in waiting} == {"email:default>@x.test rests"}
    assert all(row["due_at"] >= start + seconds * 1000 for row in (*tried, *waiting))
    assert office.arrived(elsewhere)
    assert not office.stopped("email")
    await office.drain()
    assert not office.arrived(VICTIM)
    office.clock.ms += seconds * 1000
    await office.drain()
    for to in (FIRST, VICTIM, LAST):
        assert len(office.arrived(to)) == len(stories[to])


async def test_who_is_on_probation_comes_back_when_asked_to(office: Office) -> None:
    office.smtp.answer("DATA", "451 DT:SPM 163 smtp5", when=about_the_victim)
    told = case(office, LATER, "451", "DT:SPM", 1)
    await prove(office, replace(told, asked=120))


async def test_a_try_in_vain_during_a_rest_leaves_the_lane_resting(office: Office) -> None:
    """A person sends now, and the relay is still away: the breaker is open as before."""
    told = case(office, RESTS, "", "", 1)
    await office.smtp.stop()
    for _ in range(2):
        await office.drain()
        [lane] = office.stopped("email")
        assert (lane.breaker, lane.wait(office.clock.now()) > 0) == ("open", True)
    await office.smtp.start()
    await office.drain()
    assert office.story(told.victim).delivery == "sent"


async def test_nobody_listens(office: Office) -> None:
    told = case(office, RESTS, "", "connection refused", 1)
    await office.smtp.stop()
    await prove(office, told, office.smtp.start)


async def test_the_relay_offers_no_tls_where_it_must(office: Office) -> None:
    office.relay = {"security": "starttls"}
    await prove(office, case(office, RESTS, "", "STARTTLS", 1), lambda: office.relay.clear())


async def test_the_relay_refuses_starttls(office: Office) -> None:
    async with SmtpSink(security="starttls") as sink:
        sink.answer("STARTTLS", "454 4.7.0 TLS not available")
        office.relay = {"security": "starttls", "port": sink.port}
        await prove(office, case(office, RESTS, "", "TLS not available", 1), lambda: office.relay.clear())


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_the_relays_certificate_is_not_trusted(office: Office, security: str) -> None:
    async with SmtpSink(security="tls" if security == "tls" else "starttls") as sink:
        office.relay = {"security": security, "port": sink.port}
        told = case(office, RESTS, "", "its certificate is not trusted", 1)
        await prove(office, told, lambda: office.relay.clear())
        assert not sink.messages


async def test_the_handshake_breaks(office: Office) -> None:
    async with babbler() as port:
        office.relay = {"security": "tls", "port": port}
        await prove(office, case(office, RESTS, "", "TLS failed", 1), lambda: office.relay.clear())


@asynccontextmanager
async def babbler() -> AsyncIterator[int]:
    """A server that greets every connection with what is no TLS; its port."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 in the clear\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
