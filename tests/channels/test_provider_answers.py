"""What providers say in codes of their own, at each stage, and what comes of it."""

from __future__ import annotations

import pytest

from dispatch.channels.email.outcome import Stage, clean, from_reply
from dispatch.channels.email.provider_answers import wants_new_connection
from dispatch.model import Rejected, Retry

# code, words, seconds of rest for the provider (0: as its settings say; None: none), seconds for this message
LATER = [
    (550, "Mail frequency limited", 0.0, None),
    (550, "Ip frequency limited. http://service.mail.qq.com/detail/122/17", 0.0, None),
    (550, "Domain frequency limited [MJaGz0 IP: 1.2.3.4]", 0.0, None),
    (550, "Sender frequency limited", 0.0, None),
    (550, "Connection frequency limited", 0.0, None),
    (550, "Recipient frequency limited", None, None),
    (421, "HL:ICC 163 smtp1,D9GowABXMgA", 0.0, None),
    (421, "HL:IFC 163 smtp2", 0.0, None),
    (421, "HL:REP 163 smtp2", 3600.0, 3600.0),
    (450, "MI:DMC 163 smtp3", None, 60.0),
    (451, "MI:DMC 163 smtp3", None, 60.0),
    (451, "MI:SFQ 163 smtp4", 900.0, 900.0),
    (554, "MI:STC 163 smtp4", 21600.0, 21600.0),
    (451, "DT:SPM 163 smtp5,please try again", None, 120.0),
    (421, "4.7.28 Our system has detected an unusual rate of unsolicited mail", 600.0, 600.0),
    (550, "5.7.28 Our system has detected an unusual rate of unsolicited mail", 3600.0, 3600.0),
    (421, "4.7.0 Our system has detected that this message is suspicious", 600.0, 600.0),
    (421, "4.7.0 Try again later, closing connection. (EHLO) x - gsmtp", 600.0, 600.0),
    (421, "4.7.26 This mail has been rate limited because it is unauthenticated", 3600.0, 3600.0),
    (450, "4.7.27 SPF did not pass", 3600.0, 3600.0),
    (421, "4.7.29 this message is not sent over a TLS connection", 3600.0, 3600.0),
    (451, "4.7.500 Server busy. Please try again later from [1.2.3.4]. (S77719)", 0.0, None),
    (451, "4.7.650 The mail server [1.2.3.4] has been temporarily rate limited due to IP reputation", 0.0, None),
    (451, "4.7.651 The mail server has been temporarily rate limited", 0.0, None),
    (421, "RP-001 (COL004) Unfortunately, some messages from 1.2.3.4 weren't sent", 0.0, None),
    (421, "4.7.0 [TSS04] Messages from 1.2.3.4 temporarily deferred due to unexpected volume", 0.0, None),
    (421, "4.7.0 [TS01] Messages temporarily deferred", 0.0, None),
    (450, "4.2.1 The user you are trying to contact is receiving mail at a rate that", None, None),
    (451, "4.7.1 Greylisting in action, please come back later", None, None),
    (451, "4.7.1 [GL01] Message temporarily deferred", None, None),
    (450, "4.7.1 Error: too much mail from 127.0.0.1", None, None),
]


@pytest.mark.parametrize("stage", [Stage.RCPT, Stage.DATA, Stage.BODY])
@pytest.mark.parametrize(("code", "words", "rest", "after"), LATER)
def test_a_provider_that_wants_less_is_no_outage_and_kills_no_address(
    code: int, words: str, rest: float | None, after: float | None, stage: Stage
) -> None:
    outcome = from_reply(code, words, stage)
    assert isinstance(outcome, Retry)
    assert (outcome.group_rest, outcome.after, outcome.code) == (rest, after, str(code))
    assert not outcome.outage
    assert not outcome.suspect
    assert outcome.reason.startswith(f"{code} {words}")


# code, words, what the administrator is told
OURS = [
    (550, "5.7.26 This mail is unauthenticated, which poses a security risk", "SPF, DKIM and DMARC"),
    (550, "5.7.27 SPF did not pass", "SPF, DKIM and DMARC"),
    (550, "5.7.25 the sending IP does not have a PTR record", "PTR"),
    (550, "5.7.30 DKIM did not pass", "SPF, DKIM and DMARC"),
    (550, "5.7.29 this message is not sent over a TLS connection", "TLS"),
    (550, "5.7.515 Access denied, sending domain x.test does not meet the required authentication level", "doctor"),
    (550, "5.7.509 Access denied, sending domain does not pass DMARC verification", "SPF, DKIM and DMARC"),
    (550, "5.7.606 Access denied, banned sending IP [1.2.3.4]", "block list"),
    (550, "5.7.1 Unfortunately, messages from [1.2.3.4] weren't sent (S3140)", "block list"),
    (550, "5.7.133 sender not authenticated for group; user unknown", "administrator has to allow"),
    (553, "5.7.1 [BL21] Connections will not be accepted: the user does not exist here", "block list"),
    (554, "5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com", "SPF, DKIM and DMARC"),
    (554, "Message not allowed - [AU01] user unknown", "SPF, DKIM and DMARC"),
]


@pytest.mark.parametrize("stage", [Stage.RCPT, Stage.DATA, Stage.BODY])
@pytest.mark.parametrize(("code", "words", "remedy"), OURS)
def test_what_is_ours_to_mend_is_said_and_kills_no_address(code: int, words: str, remedy: str, stage: Stage) -> None:
    outcome = from_reply(code, words, stage)
    assert isinstance(outcome, Rejected)
    assert outcome.endpoint_state == ""
    assert outcome.reason.startswith(f"{code} {words} [")
    assert remedy in outcome.reason


@pytest.mark.parametrize(("code", "words"), [(code, words) for code, words, *_ in LATER])
@pytest.mark.parametrize("stage", [Stage.CONNECT, Stage.LOGIN, Stage.MAIL])
def test_before_the_recipient_a_relay_speaks_of_itself(code: int, words: str, stage: Stage) -> None:
    outcome = from_reply(code, words, stage)
    assert isinstance(outcome, Retry)
    assert outcome.outage
    assert outcome.group_rest is None


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        (421, "4.7.0 mail.x.test Error: too many errors", Retry("", "421", outage=True, counted=True)),
        (421, "4.3.2 shutting down", Retry("", "421", outage=True, counted=True)),
        (550, "5.1.1 no such user", Rejected("", "550", "suppressed")),
        (554, "DT:SPM 163 smtp5", Rejected("", "554")),
        (550, "5.7.1 refused by policy", Rejected("", "550")),
    ],
)
def test_answers_of_anybody_mean_what_they_meant(code: int, words: str, expected: Retry | Rejected) -> None:
    outcome = from_reply(code, words, Stage.RCPT)
    assert isinstance(outcome, type(expected))
    assert (outcome.code, outcome.reason) == (expected.code, f"{code} {words}")
    if isinstance(outcome, Retry) and isinstance(expected, Retry):
        assert (outcome.outage, outcome.counted, outcome.group_rest) == (expected.outage, expected.counted, None)
    if isinstance(outcome, Rejected) and isinstance(expected, Rejected):
        assert outcome.endpoint_state == expected.endpoint_state


def test_a_connection_that_has_carried_too_many_is_told_from_the_rest() -> None:
    assert wants_new_connection(from_reply(450, "MI:DMC 163 smtp3", Stage.RCPT))
    assert not wants_new_connection(from_reply(451, "MI:SFQ 163 smtp3", Stage.RCPT))
    assert not wants_new_connection(from_reply(250, "MI:DMC", Stage.BODY))


def test_a_short_secret_is_masked_alone_and_not_inside_of_words() -> None:
    assert clean("user me: message to me", ("me",)) == "user …: message to …"
    assert clean("bad login xhunter2x", ("hunter2",)) == "bad login x…x"
    assert clean("a.b and aab", ("a.b",)) == "… and aab"
