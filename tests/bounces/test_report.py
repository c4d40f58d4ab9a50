"""What reports say, whoever wrote them; and that nobody's bytes do harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch import mime
from dispatch.bounces import report
from dispatch.bounces.report import What
from dispatch.refusals import Verdict, judge
from tests.bounces.mails import FORMS, ORIGINAL, READER, Form, complaint, dsn, recipient

TO = "bounces+00ff@bulletin.test"


def written(text: str, **values: str) -> bytes:
    """A mail as bytes, with lines that end as on the wire."""
    original = ORIGINAL.replace("{to}", TO)
    text = text.replace("{original}", original).replace("{to}", TO).replace("{reader}", READER)
    for name, value in {"message": "17", "token": "Nw.c2lnbmVk", **values}.items():
        text = text.replace(f"{{{name}}}", value)
    return text.replace("\n", "\r\n").encode()


@pytest.mark.parametrize("form", FORMS, ids=[form.name for form in FORMS])
def test_each_server_is_understood(form: Form) -> None:
    found = report.read(written(form.text))
    said = found.verdict.value if found.what is What.BOUNCE else found.what.value
    assert said == form.says, found
    assert found.status == form.status
    assert form.word in found.diagnostic
    assert any(TO in place for place in found.places)


def test_a_report_in_base64_and_gb18030_is_read() -> None:
    import base64

    words = base64.encodebytes("退信原因:收件人邮箱不存在".encode("gb18030")).decode()
    text = (
        "From: postmaster@mail.test\nTo: {to}\nSubject: =?gb2312?B?z7XNs83L0MU=?=\nMIME-Version: 1.0\n"
        f"Content-Type: text/plain; charset=gb2312\nContent-Transfer-Encoding: base64\n\n{words}"
    )
    found = report.read(written(text))
    assert (found.what, found.verdict) == (What.BOUNCE, Verdict.DEAD)
    assert "收件人邮箱不存在" in found.diagnostic


def test_a_report_of_addresses_outside_ascii_is_read() -> None:
    text = dsn("MAILER-DAEMON@mx.test", recipient("failed", "5.1.1", "550 5.1.1 no such user"), "x")
    found = report.read(written(text.replace("message/delivery-status", "message/global-delivery-status")))
    assert (found.what, found.verdict) == (What.BOUNCE, Verdict.DEAD)


@pytest.mark.parametrize("kind", ["abuse", "fraud", "opt-out"])
def test_a_complaint_tells_the_message_it_is_about(kind: str) -> None:
    found = report.read(written(complaint(kind)))
    assert found.what is What.COMPLAINT
    assert (found.message_id, found.leaving) == ("17.x@bulletin.test", ("Nw.c2lnbmVk", "Nw.c2lnbmVk"))
    assert f"<{TO}>" in found.places


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "dmarc", ""])
def test_what_is_no_complaint_is_none(kind: str) -> None:
    assert report.read(written(complaint(kind))).what is What.AUTOMATIC


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("unsubscribe Nw.c2lnbmVk", ""),
        ("Re: UNSUBSCRIBE Nw.c2lnbmVk", ""),
        ("=?utf-8?b?5Zue5aSNOiB1bnN1YnNjcmliZSBOdy5jMmxuYm1Waw==?=", ""),
        ("unsubscribe\n Nw.c2lnbmVk", ""),
        ("退订", "你好\n\n  unsubscribe Nw.c2lnbmVk  \n"),
    ],
)
def test_a_wish_is_understood(subject: str, body: str) -> None:
    found = report.read(written(f"From: li@example.com\nSubject: {subject}\n\n{body}"))
    assert (found.what, found.token) == (What.UNSUBSCRIBE, "Nw.c2lnbmVk")


@pytest.mark.parametrize(
    "body",
    [
        "> unsubscribe Nw.c2lnbmVk",
        "please do not unsubscribe Nw.c2lnbmVk",
        "mailto:leave@bulletin.test?subject=unsubscribe%20Nw.c2lnbmVk",
        "https://bulletin.test/u/Nw.c2lnbmVk",
    ],
)
def test_who_quotes_a_message_asks_for_nothing(body: str) -> None:
    assert report.read(written(f"From: li@example.com\nSubject: 火炬动态\n\n{body}\n")).what is What.UNKNOWN


def test_a_machine_says_yes_to_nothing() -> None:
    mail = "From: li@example.com\nSubject: confirm Nw.c2lnbmVk\n{more}\n\n"
    assert report.read(written(mail.replace("{more}", "X-Mailer: x"))).what is What.CONFIRM
    assert report.read(written(mail.replace("{more}", "Auto-Submitted: auto-replied"))).what is What.AUTOMATIC


@pytest.mark.parametrize(
    ("words", "status", "verdict"),
    [
        ("550 5.1.1 whatever", "", Verdict.DEAD),
        ("whatever", "5.1.1", Verdict.DEAD),
        ("550 5.1.8 sender rejected", "", Verdict.SOFT),
        ("550 5.2.1 account inactive", "", Verdict.SOFT),
        ("550 5.7.1 user unknown", "", Verdict.DEAD),
        ("554 5.7.1 message rejected", "", Verdict.UNWELCOME),
        ("450 4.1.1 user unknown, try again", "", Verdict.SOFT),
        ("450 user unknown", "", Verdict.SOFT),
        ("550 frequency limited", "", Verdict.UNWELCOME),
        ("", "", Verdict.SOFT),
        ("connect to 5.1.1.9 timed out", "4.4.1", Verdict.SOFT),
        ("550 5.1.1 no such user", "5.7.1", Verdict.DEAD),
    ],
)
def test_what_a_refusal_says(words: str, status: str, verdict: Verdict) -> None:
    assert judge(words, status) is verdict


def test_what_is_nested_repeated_or_endless_is_read_within_bounds() -> None:
    """None of these is about time: what goes over the bounds is not there."""
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3_000))
    wide = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 300_000
    assert len(list(mime.read(deep + b"x" * 1_000_000).walk())) <= 7
    assert len(list(mime.read(wide).walk())) <= 61
    assert len(mime.read(b"a: b\n" * 500_000).fields) <= 1_000
    assert max(len(value) for _, value in mime.read(b"subject: " + b"\n x" * 500_000).fields) <= 4_000
    assert report.read(deep).what is What.UNKNOWN
    assert report.read(b"From: mailer-daemon@x\n\n" + b"a@" * 1_000_000).what is not What.BOUNCE


def test_a_charset_that_unpacks_is_none() -> None:
    for charset in ("zip", "bz2_codec", "punycode", "idna", "unicode_escape", "rot13", "x-unknown", "undefined"):
        mail = mime.read(f"Content-Type: text/plain; charset={charset}\n\n退信".encode())
        assert mail.text == "退信"


PIECES = st.sampled_from(
    [
        *(form.text.replace("{to}", TO).replace("{original}", ORIGINAL) for form in FORMS),
        complaint(),
        "Content-Type: multipart/report; boundary=b\n\n",
        "--b\n",
        "--b--\n",
        "\n\n",
        "Content-Type: message/delivery-status\n\n",
        "Content-Type: message/feedback-report\nContent-Transfer-Encoding: base64\n\n",
        "Content-Type: text/plain; charset*=utf-7''x; charset=\"\n",
        "Subject: =?utf-8?b?!!!!?= =?x?q?=?=\n",
        "Action: failed\nStatus: 9.9.9999\n",
        "\x00\ud800",
    ]
)


@given(st.lists(PIECES | st.text(max_size=40), max_size=8))
def test_nothing_that_looks_like_a_report_breaks_it(pieces: list[str]) -> None:
    found = report.read("".join(pieces).encode("utf-8", "surrogatepass"), ["x"])
    assert len(found.diagnostic) <= 300
    assert found.diagnostic.isprintable()


@given(st.binary(max_size=500))
def test_no_bytes_break_it(data: bytes) -> None:
    assert report.read(data).what in What
