"""Digests through a real Postfix: into Maildirs, over TLS, with a log-in, refused, and interrupted."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from dispatch.testing.certificate import CERTIFICATE
from tests.real.postfix import PASSWORD, SIZE_LIMIT, USERNAME, Postfix, field
from tests.real.sending import SENDER, Sending

READER = "reader@here.test"
TITLE = "南京高新区项目“加速跑”"

Relayed = Callable[..., Sending]


@pytest.fixture
def relayed(postfix: Postfix, tmp_path: Path) -> Iterator[Relayed]:
    """Makes an installation whose relay is a service of Postfix, with one reader."""
    made: list[Sending] = []

    def make(service: str = "plain", *readers: str, **relay: object) -> Sending:
        made.append(Sending(tmp_path, **{"host": postfix.host, "port": postfix.port(service), **relay}))
        made[-1].readers(*(readers or (READER,)))
        return made[-1]

    yield make
    for sending in made:
        sending.close()


@pytest.fixture
def trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts the certificate of Postfix."""
    (tmp_path / "trusted.pem").write_text(CERTIFICATE, encoding="ascii")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))


@pytest.fixture
def doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts nobody."""
    (tmp_path / "trusted.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "nothing"))


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


# What arrives


async def test_a_message_lies_in_the_maildir_as_it_was_written(relayed: Relayed, postfix: Postfix) -> None:
    sending = relayed()
    assert (await sending.send(TITLE)).sent == 1
    postfix.wait_for("status=sent")
    [mail] = postfix.mails(READER)
    assert mail.defects == []
    assert str(mail["Subject"]) == f"【火炬动态】2022年第5期·园区发展：{TITLE}"
    assert str(mail["From"]) == f"火炬动态 <{SENDER}>"
    assert str(mail["To"]) == READER
    assert str(mail["List-Unsubscribe"]).startswith(f"<mailto:{SENDER}?subject=unsubscribe")
    assert len(mail.get_all("Message-ID", [])) == len(mail.get_all("Date", [])) == 1  # ours alone
    assert mail.get_content_type() == "multipart/alternative"
    assert TITLE in body(mail, "plain")
    assert TITLE in body(mail, "html")
    [(outcome, code, words)] = sending.attempts(READER)
    assert (outcome, code) == ("sent", "250")
    assert words.startswith("250 2.0.0 Ok: queued as ")
    assert postfix.found(rf"{words.split()[-1]}: to=<{READER}>.*status=sent")  # the id in our record is Postfix's own


async def test_several_hundred_readers_have_one_each(relayed: Relayed, postfix: Postfix) -> None:
    readers = [f"reader{number}@here.test" for number in range(400)]
    sending = relayed("plain", *readers)
    summary = await sending.send(TITLE)
    assert (summary.sent, summary.retried, summary.failed) == (400, 0, 0)
    postfix.wait_for("status=sent", times=400)
    postfix.wait_for(": removed", times=400)
    assert postfix.queued() == 0
    mails = postfix.all_mails()
    assert sorted(mail["To"] for mail in mails) == sorted(readers)
    assert len({mail["Message-ID"] for mail in mails}) == 400
    assert 0 < len(postfix.found("disconnect from")) < 20  # sessions carry many messages


async def test_a_mailbox_in_chinese_and_a_domain_in_chinese(relayed: Relayed, postfix: Postfix) -> None:
    """RFC 6531 for the mailbox; RFC 5891 for the domain, which goes out in its ASCII form."""
    sending = relayed("plain", "用户@例子.测试", "reader@例子.测试")
    assert (await sending.send(TITLE)).sent == 2
    postfix.wait_for("status=sent", times=2)
    for address in ("用户@xn--fsqu00a.xn--0zwm56d", "reader@xn--fsqu00a.xn--0zwm56d"):
        [mail] = postfix.mails(address)
        assert TITLE in body(mail, "plain")
    [mail] = postfix.mails("用户@xn--fsqu00a.xn--0zwm56d")
    assert field(mail, "To") == "用户@xn--fsqu00a.xn--0zwm56d"
    assert "with UTF8SMTP" in field(mail, "Received")
    [mail] = postfix.mails("reader@xn--fsqu00a.xn--0zwm56d")
    assert "with ESMTP" in field(mail, "Received")  # nothing in it needs the extension


async def test_a_mailbox_in_chinese_is_told_where_the_relay_does_not_take_it(
    relayed: Relayed, postfix: Postfix
) -> None:
    sending = relayed("ascii", "用户@例子.测试", "reader@例子.测试")
    summary = await sending.send(TITLE)
    assert (summary.sent, summary.failed) == (1, 1)
    assert sending.states() == {"用户@例子.测试": "failed", "reader@例子.测试": "sent"}
    assert sending.endpoint_state("用户@例子.测试") == "active"  # another relay may take it


# TLS and the log-in


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_over_tls(relayed: Relayed, postfix: Postfix, trust: None, security: str) -> None:
    sending = relayed(security, security=security)
    assert (await sending.send(TITLE)).sent == 1
    postfix.wait_for("TLS connection established from .*: TLSv1.3 with cipher")
    postfix.wait_for("status=sent")


async def test_by_the_name_in_the_certificate(relayed: Relayed, postfix: Postfix, trust: None) -> None:
    assert (await relayed("tls", security="tls", host="localhost").send(TITLE)).sent == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_that_nobody_vouches_for_gets_nothing(
    relayed: Relayed, postfix: Postfix, doubt: None, security: str
) -> None:
    sending = relayed(security, security=security)
    summary = await sending.send(TITLE)
    assert "its certificate is not trusted" in summary.outages["email:default"]
    await rests_with_everything_planned(sending)
    await asyncio.to_thread(postfix.wait_for, "disconnect from|lost connection")
    assert postfix.found("client=") == []


async def test_a_certificate_for_another_name_gets_nothing(relayed: Relayed, postfix: Postfix, trust: None) -> None:
    sending = relayed("tls", security="tls", host=postfix.nowhere)
    summary = await sending.send(TITLE)
    assert "its certificate is not trusted" in summary.outages["email:default"]
    await rests_with_everything_planned(sending)
    await asyncio.to_thread(postfix.wait_for, "disconnect from|lost connection")
    assert postfix.found("client=") == []


async def test_a_relay_that_offers_no_tls_gets_nothing(relayed: Relayed, postfix: Postfix) -> None:
    """`starttls` means that it is required: nothing goes out in the clear instead."""
    sending = relayed("plain", security="starttls")
    await sending.send(TITLE)
    await rests_with_everything_planned(sending)
    assert postfix.found("client=") == []


async def test_it_logs_in(relayed: Relayed, postfix: Postfix, trust: None) -> None:
    sending = relayed("login", security="starttls", username=USERNAME, password=PASSWORD)
    assert (await sending.send(TITLE)).sent == 1
    postfix.wait_for(f"client=.*sasl_username={USERNAME}")
    postfix.wait_for("status=sent")


@pytest.mark.parametrize("login", [{"username": USERNAME, "password": "pa55word"}, {}])
async def test_a_log_in_that_is_refused_or_missing_loses_nobody(
    relayed: Relayed, postfix: Postfix, trust: None, caplog: pytest.LogCaptureFixture, login: dict[str, str]
) -> None:
    caplog.set_level(logging.DEBUG)
    sending = relayed("login", READER, "second@here.test", security="starttls", **login)
    summary = await sending.send(TITLE)
    if login:
        assert "535 5.7.8" in summary.outages["email:default"]
        await rests_with_everything_planned(sending)
    told = repr((summary, sending.lane(), sending.attempts(READER))) + caplog.text
    assert "pa55word" not in told
    assert "cGE1NXdvcmQ" not in told  # in base64
    sending.relay |= {"username": USERNAME, "password": PASSWORD}
    await sending.run_later()
    assert set(sending.states().values()) == {"sent"}
    postfix.wait_for("status=sent", times=2)


async def rests_with_everything_planned(sending: Sending) -> None:
    """The lane rests, and no reader's message is charged with it."""
    assert set(sending.states().values()) == {"planned"}
    assert sending.attempts(READER) == []
    assert sending.lane().wait(sending.desk.clock.now()) > 0


# Refusals in Postfix's own words


async def test_an_unknown_reader_is_suppressed_and_a_known_one_is_not(relayed: Relayed, postfix: Postfix) -> None:
    sending = relayed("plain", READER, "unknown@here.test")
    summary = await sending.send(TITLE)
    assert (summary.sent, summary.failed) == (1, 1)
    [(outcome, code, words)] = sending.attempts("unknown@here.test")
    assert (outcome, code) == ("rejected", "550")
    assert "5.1.1" in words
    assert "User unknown" in words
    assert sending.endpoint_state("unknown@here.test") == "suppressed"
    assert sending.endpoint_state(READER) == "active"


async def test_a_relay_that_does_not_relay_loses_nobody(relayed: Relayed, postfix: Postfix) -> None:
    """It is the relay's matter, and not the reader's: the message waits, and the others are sent."""
    sending = relayed("plain", "reader@elsewhere.test", READER)
    summary = await sending.send(TITLE)
    assert (summary.sent, summary.retried, summary.failed) == (1, 1, 0)
    [(outcome, code, words)] = sending.attempts("reader@elsewhere.test")
    assert (outcome, code) == ("retry", "554")
    assert "Relay access denied" in words
    assert sending.states() == {"reader@elsewhere.test": "planned", READER: "sent"}


async def test_a_message_over_the_limit_fails_alone(relayed: Relayed, postfix: Postfix) -> None:
    sending = relayed("small")
    summary = await sending.send(*(f"{TITLE}{number}" for number in range(10)))
    assert (summary.sent, summary.failed) == (0, 1)
    [(outcome, code, words)] = sending.attempts(READER)
    assert (outcome, code) == ("rejected", "552")
    assert "5.3.4" in words
    assert sending.endpoint_state(READER) == "active"
    assert SIZE_LIMIT < 10_000
    assert postfix.mails(READER) == []


# Interrupted


async def test_postfix_ends_in_the_middle_and_comes_back(relayed: Relayed, postfix: Postfix) -> None:
    """Nobody is lost; twice only what Postfix had accepted without living to say so: at most one message a
    connection, under the same Message-ID."""
    readers = [f"reader{number}@here.test" for number in range(300)]
    sending = relayed("plain", *readers)
    running = asyncio.create_task(sending.send(TITLE))
    await asyncio.to_thread(postfix.wait_for, "client=", times=60)
    await asyncio.to_thread(postfix.stop)
    summary = await running
    assert "email:default" in summary.outages
    assert 0 < summary.sent < 300
    assert "planned" in sending.states().values()
    await asyncio.to_thread(postfix.start)
    await sending.run_later()
    assert set(sending.states().values()) == {"sent"}
    await asyncio.to_thread(postfix.wait_until_idle)
    arrived = Counter(str(mail["To"]) for mail in postfix.all_mails())
    assert set(arrived) == set(readers)
    assert arrived.total() - 300 <= 4
    assert len({mail["Message-ID"] for mail in postfix.all_mails()}) == 300
