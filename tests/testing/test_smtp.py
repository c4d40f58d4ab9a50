"""SmtpSink over the wire, by the SMTP client that the email channel uses."""

from __future__ import annotations

import asyncio

import aiosmtplib
import pytest

from dispatch.testing.certificate import client_tls
from dispatch.testing.smtp import CLOSE, CUT_MIDWAY, KEEP_AND_CLOSE, KEEP_AND_STALL, STALL, SmtpSink, Stage

MAIL = b"From: a@example.com\r\nSubject: =?utf-8?b?56ysNeacnw==?=\r\n\r\n.dot\r\nbody \xe7\x81\xab\r\n"


def client(sink: SmtpSink, timeout: float = 5) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(hostname=sink.host, port=sink.port, start_tls=False, timeout=timeout)


async def send(sink: SmtpSink, to: str = "b@example.com", patience: float = 5) -> None:
    async with client(sink, patience) as smtp:
        await smtp.sendmail("a@example.com", [to], MAIL)


async def test_keeps_envelope_bytes_and_the_parsed_message() -> None:
    """What was between DATA and the dot is kept to the byte, with the envelope it came in."""
    async with SmtpSink() as sink:
        await send(sink)
        (mail,) = await sink.messages.reached(1)
    assert (mail.mail_from, mail.recipients) == ("a@example.com", ("b@example.com",))
    assert mail.raw == MAIL
    assert mail.parsed["Subject"] == "第5期"


async def test_a_fault_hits_its_stage_recipient_and_number_of_times() -> None:
    """Only the step that `when` accepts is refused, and only `times` times."""
    async with SmtpSink() as sink:
        sink.answer("RCPT", "451 4.7.1 later", when=lambda step: step.recipient == "b@example.com", times=1)
        await send(sink, "other@example.com")
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await send(sink)
        await send(sink)
    assert (refused.value.recipients[0].code, refused.value.recipients[0].message) == (451, "4.7.1 later")
    assert [mail.recipients[0] for mail in sink.messages] == ["other@example.com", "b@example.com"]


@pytest.mark.parametrize(
    ("stage", "error"), [("MAIL", aiosmtplib.SMTPSenderRefused), ("DATA", aiosmtplib.SMTPDataError)]
)
async def test_refuses_the_sender_and_the_message(stage: str, error: type[Exception]) -> None:
    """MAIL and DATA can be refused; nothing is kept then."""
    async with SmtpSink() as sink:
        sink.answer("MAIL" if stage == "MAIL" else "DATA", "550 5.7.1 no")
        with pytest.raises(error):
            await send(sink)
    assert sink.messages == []


async def test_accepts_in_other_words() -> None:
    async with SmtpSink() as sink:
        sink.answer("DATA", "250 2.0.0 queued as 17")
        async with client(sink) as smtp:
            _, said = await smtp.sendmail("a@example.com", ["b@example.com"], MAIL)
    assert (said, len(sink.messages)) == ("2.0.0 queued as 17", 1)


async def test_refuses_the_session() -> None:
    """EHLO can be refused, as a server that is too busy does."""
    async with SmtpSink() as sink:
        sink.answer("EHLO", "421 4.7.0 too many connections")
        with pytest.raises(aiosmtplib.SMTPException):
            await send(sink)


@pytest.mark.parametrize(("fault", "kept"), [(CLOSE, 0), (KEEP_AND_CLOSE, 1)])
async def test_cuts_the_connection_at_the_end_of_a_message(fault: str, kept: int) -> None:
    """The sender learns nothing; the message is kept or not, as asked."""
    async with SmtpSink() as sink:
        sink.answer("DATA", fault, times=1)
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await send(sink)
        assert len(sink.messages) == kept
        await send(sink)
        assert len(sink.messages) == kept + 1


async def test_refuses_at_the_greeting_and_at_the_command_data() -> None:
    """CONNECT replaces the greeting, PROMPT the answer to DATA; what is no SMTP goes out as it stands."""
    async with SmtpSink() as sink:
        sink.answer("CONNECT", "554 5.7.1 go away", times=1)
        with pytest.raises(aiosmtplib.SMTPConnectResponseError) as refused:
            await send(sink)
        assert (refused.value.code, refused.value.message) == (554, "5.7.1 go away")
        sink.answer("CONNECT", "HTTP/1.1 400 Bad Request", times=1)
        with pytest.raises(aiosmtplib.SMTPException):
            await send(sink)
        sink.answer("PROMPT", "451 4.3.0 no room", when=lambda step: step.recipients == ("b@example.com",), times=1)
        with pytest.raises(aiosmtplib.SMTPDataError):
            await send(sink)
        await send(sink)
    assert len(sink.messages) == 1


async def test_refuses_starttls() -> None:
    async with SmtpSink(security="starttls") as sink:
        sink.answer("STARTTLS", "454 4.7.0 TLS not available", times=1)
        smtp = aiosmtplib.SMTP(
            hostname="localhost", port=sink.port, start_tls=True, tls_context=client_tls(), timeout=5
        )
        with pytest.raises(aiosmtplib.SMTPException):
            await smtp.connect()


async def test_cuts_the_connection_in_the_middle_of_a_message() -> None:
    async with SmtpSink() as sink:
        sink.answer("PROMPT", CUT_MIDWAY, times=1)
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await send(sink)
        assert sink.messages == []


@pytest.mark.parametrize(
    ("stage", "fault", "kept"),
    [("CONNECT", STALL, 0), ("RCPT", STALL, 0), ("DATA", STALL, 0), ("DATA", KEEP_AND_STALL, 1)],
)
async def test_stalls_until_the_sender_gives_up(stage: Stage, fault: str, kept: int) -> None:
    """Nothing is answered any more; the message is kept or not, as asked, and stopping ends it."""
    async with SmtpSink() as sink:
        sink.answer(stage, fault, times=1)
        with pytest.raises(aiosmtplib.SMTPTimeoutError):
            await send(sink, patience=0.1)
        assert len(sink.messages) == kept


async def test_numbers_connections() -> None:
    """Messages of one session carry one number, those of the next another."""
    async with SmtpSink() as sink:
        async with client(sink) as smtp:
            for _ in range(2):
                await smtp.sendmail("a@example.com", ["b@example.com"], MAIL)
        await send(sink)
    assert [mail.connection for mail in sink.messages] == [1, 1, 2]
    assert sink.connections == 2


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_speaks_tls(security: str) -> None:
    """STARTTLS and implicit TLS, with a certificate that the client can check."""
    async with SmtpSink(security="tls" if security == "tls" else "starttls") as sink:
        smtp = aiosmtplib.SMTP(
            hostname="localhost",
            port=sink.port,
            use_tls=security == "tls",
            start_tls=security == "starttls",
            tls_context=client_tls(),
            timeout=5,
        )
        async with smtp:
            await smtp.sendmail("a@example.com", ["b@example.com"], MAIL)
    assert len(sink.messages) == 1
    assert sink.connections == 1


async def test_wants_the_login_it_was_given() -> None:
    """With a user name, MAIL is refused without AUTH, and AUTH with a wrong password."""
    async with SmtpSink(username="bulletin", password="right") as sink:
        with pytest.raises(aiosmtplib.SMTPSenderRefused):
            await send(sink)
        async with client(sink) as smtp:
            with pytest.raises(aiosmtplib.SMTPAuthenticationError):
                await smtp.login("bulletin", "wrong")
            await smtp.login("bulletin", "right")
            await smtp.sendmail("a@example.com", ["b@example.com"], MAIL)
    assert len(sink.messages) == 1


async def test_comes_back_on_its_port() -> None:
    """`stop` cuts open sessions and refuses new ones; `start` listens where it did."""
    async with SmtpSink() as sink:
        smtp = client(sink)
        await smtp.connect()
        await sink.stop()
        with pytest.raises(aiosmtplib.SMTPException):
            await smtp.noop()
        with pytest.raises(aiosmtplib.SMTPConnectError):
            await send(sink)
        await sink.start()
        await send(sink)
    assert len(sink.messages) == 1


async def test_waiting_for_a_message_that_never_comes_ends() -> None:
    """`reached` gives up after its time."""
    async with SmtpSink() as sink:
        with pytest.raises(TimeoutError):
            await sink.messages.reached(1, within=0.01)
        waiting = asyncio.create_task(sink.messages.reached(1))
        await send(sink)
        assert len(await waiting) == 1
