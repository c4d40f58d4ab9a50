"""The email channel over the wire: a real SMTP server (aiosmtpd) that answers as it is told."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from typing import Any

import aiosmtpd.smtp
import pytest
from aiosmtpd.smtp import AuthResult, Session
from aiosmtpd.smtp import Envelope as ServerEnvelope

from dispatch.assets import templates_dir
from dispatch.channels.email import EmailChannel, Stencil
from dispatch.channels.email.outcome import Stage, from_reply
from dispatch.digests.render import Renderer
from dispatch.errors import SettingsError
from dispatch.model import (
    Article,
    Block,
    BlockKind,
    Content,
    Digest,
    DigestArticle,
    Envelope,
    Outcome,
    Reason,
    Rejected,
    Retry,
    Section,
    Sent,
)
from dispatch.settings import EmailSettings, Relay

TEXT = "2022年全年计划实施重大产业项目32个,总投资388.6亿元。"


@dataclass
class Handler:
    """Keeps what it gets; `answers` holds the replies for a stage, one a command ("": the usual one)."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    taken: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    options: list[list[str]] = field(default_factory=list)
    server: aiosmtpd.smtp.SMTP | None = None

    def _next(self, stage: str) -> str:
        queue = self.answers.get(stage, [])
        answer = queue.pop(0) if queue else ""
        if answer == "close":
            assert self.server is not None
            assert isinstance(self.server.transport, asyncio.WriteTransport)
            self.server.transport.abort()
            return "250 nobody hears this"
        return answer

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: aiosmtpd.smtp.SMTP, session: Session, envelope: ServerEnvelope, address: str, options: list[str]
    ) -> str:
        self.server = server
        if session not in self.sessions:
            self.sessions.append(session)
        self.options.append(options)
        answer = self._next("MAIL")
        if answer:
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: aiosmtpd.smtp.SMTP, session: Session, envelope: ServerEnvelope, address: str, options: list[str]
    ) -> str:
        answer = self._next("RCPT")
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: aiosmtpd.smtp.SMTP, session: Session, envelope: ServerEnvelope) -> str:  # noqa: N802
        answer = self._next("DATA")
        if answer:
            return answer
        assert isinstance(envelope.content, bytes)
        self.taken.append((envelope.mail_from or "", envelope.rcpt_tos, envelope.content))
        return f"250 2.0.0 queued as {len(self.taken)}"

    def message(self, index: int = -1) -> EmailMessage:
        parsed = email.message_from_bytes(self.taken[index][2], policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


class Server(aiosmtpd.smtp.SMTP):
    """Tells when its connection is gone."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.gone = asyncio.Event()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.gone.set()


async def hang_up(protocols: list[Server]) -> None:
    for protocol in protocols:
        if isinstance(protocol.transport, asyncio.WriteTransport):
            protocol.transport.abort()
        await protocol.gone.wait()


Start = Callable[..., Awaitable[int]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts a server with a handler, in the test's own loop; gives its port."""
    async with AsyncExitStack() as stack:

        async def run(handler: Handler, **options: Any) -> int:
            loop = asyncio.get_running_loop()
            protocols: list[Server] = []

            def make() -> Server:
                protocols.append(Server(handler, hostname="localhost", loop=loop, **options))
                return protocols[-1]

            stack.push_async_callback(hang_up, protocols)
            server = await stack.enter_async_context(await loop.create_server(make, "127.0.0.1", 0))
            return int(server.sockets[0].getsockname()[1])

        yield run


def settings(port: int, **changes: Any) -> EmailSettings:
    plain: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "from_address": "news@example.org",
        "from_name": "火炬动态",
        "timeout": 10,
    }
    return EmailSettings(**(plain | changes))


def linked(bulletin: str, ref: str, position: int) -> str:
    return f"https://news.example.org/{bulletin}/{ref}/{position}"


def channel_for(given: EmailSettings, link: Callable[[str, str, int], str] = linked) -> EmailChannel:
    return EmailChannel(given, Renderer(templates_dir(), None, link))


def content(paragraphs: int = 1, articles: int = 1, kind: str = "digest", language: str = "zh") -> Content:
    blocks = tuple(Block(BlockKind.PARAGRAPH, TEXT) for _ in range(paragraphs))
    entries = tuple(
        DigestArticle(Article(f"南京高新区项目“加速跑”{number}", "南京高新区", blocks), 1 << number, number + 1)
        for number in range(articles)
    )
    column = "园区发展"
    digest = Digest(
        1, "huoju", "534", "火炬动态", "", "火炬中心", 2022, 5, 534, None, column, "Park Development", 1, 1, entries
    )
    return Content(kind, language, "full", (Section(digest, entries, ()),))


def envelope(**changes: Any) -> Envelope:
    plain = Envelope(
        message_id=1,
        channel="email",
        address="reader@example.com",
        name="张三",
        language="zh",
        provider_id="534.7f3a@example.org",
        reasons=(Reason("park:南京高新区", "南京高新区", "https://news.example.org/drop/abc"),),
        unsubscribe_url="https://news.example.org/out?t=abc",
        unsubscribe_mailto="mailto:out@example.org?subject=abc",
    )
    return replace(plain, **changes)


async def send_all(given: EmailSettings, *envelopes: Envelope) -> list[Outcome]:
    channel = channel_for(given)
    rendered = channel.render(content())
    (lane,) = channel.lanes("email")
    async with channel.open(lane) as connection:
        return [await connection.send(item, rendered, 0) for item in envelopes]


async def send(given: EmailSettings, item: Envelope | None = None) -> Outcome:
    (outcome,) = await send_all(given, item or envelope())
    return outcome


# What arrives


async def test_a_message_arrives_with_its_headers(start: Start) -> None:
    handler = Handler()
    outcome = await send(settings(await start(handler), reply_to="editor@example.org"))
    assert outcome == Sent("2.0.0 queued as 1", "250", "250 2.0.0 queued as 1")
    assert handler.taken[0][:2] == ("news@example.org", ["reader@example.com"])
    message = handler.message()
    assert message.defects == []
    assert {name: str(message[name]) for name in message if name not in ("Date", "Content-Type")} == {
        "From": "火炬动态 <news@example.org>",
        "To": "张三 <reader@example.com>",
        "Subject": "【火炬动态】2022年第5期·园区发展：南京高新区项目“加速跑”0",
        "Message-ID": "<534.7f3a@example.org>",
        "Reply-To": "editor@example.org",
        "List-Id": "<huoju.example.org>",
        "References": "<huoju-534@example.org>",
        "Feedback-ID": "huoju-534:digest:zh:example-org",
        "List-Unsubscribe": "<https://news.example.org/out?t=abc>, <mailto:out@example.org?subject=abc>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
        "Precedence": "bulk",
        "Content-Language": "zh-CN",
        "MIME-Version": "1.0",
    }
    assert message["Date"].datetime is not None


async def test_text_and_html_say_the_same_to_this_reader(start: Start) -> None:
    handler = Handler()
    await send(settings(await start(handler), postal_address="北京市西城区"))
    message = handler.message()
    assert message.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    for part in message.iter_parts():
        assert isinstance(part, EmailMessage)
        said = part.get_content()
        for words in (
            TEXT,
            "南京高新区",
            "https://news.example.org/drop/abc",
            "https://news.example.org/out?t=abc",
            "北京市西城区",
        ):
            assert words in said
        assert "\ue000" not in said


async def test_lines_on_the_wire_are_short_and_ascii(start: Start) -> None:
    handler = Handler()
    long = envelope(name="很长的名字" * 30, unsubscribe_url="https://news.example.org/out?t=" + "a" * 400)
    await send(settings(await start(handler)), long)
    raw = handler.taken[0][2]
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) < 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert long.unsubscribe_url in str(handler.message()["List-Unsubscribe"])
    words = [word for line in raw.split(b"\r\n") for word in line.split() if word.startswith(b"=?utf-8?")]
    assert words
    assert all(len(word) <= 75 for word in words)


async def test_one_click_only_beside_https(start: Start) -> None:
    handler = Handler()
    given = settings(await start(handler))
    await send_all(given, envelope(unsubscribe_url=""), envelope(unsubscribe_url="", unsubscribe_mailto=""))
    assert str(handler.message(0)["List-Unsubscribe"]) == "<mailto:out@example.org?subject=abc>"
    assert handler.message(0)["List-Unsubscribe-Post"] is None
    body = handler.message(0).get_body(("plain",))
    assert body is not None
    assert "mailto:out@example.org?subject=abc" in body.get_content()
    assert handler.message(1)["List-Unsubscribe"] is None


async def test_no_field_can_smuggle_another(start: Start) -> None:
    handler = Handler()
    evil = "x\r\nBcc: all@example.com\r\n\r\n<b>"
    item = envelope(
        name=evil,
        provider_id=evil,
        reasons=(Reason("all", evil, "https://x/\r\n\r\n"),),
        unsubscribe_url="https://x/\r\nBcc: a@b",
        unsubscribe_mailto="mailto:a@b>, <https://evil",
    )
    await send(settings(await start(handler), from_name=evil), item)
    message = handler.message()
    assert message["Bcc"] is None
    assert message["List-Unsubscribe"] is None
    assert message["List-Unsubscribe-Post"] is None
    assert handler.taken[0][1] == ["reader@example.com"]
    assert len(list(message.iter_parts())) == 2
    assert str(message["To"].addresses[0].addr_spec) == "reader@example.com"


async def test_names_with_marks_of_their_own_stay_names(start: Start) -> None:
    handler = Handler()
    names = ['Smith, "Jo" <jo@evil.example>', "王 小明", "", "a\\b"]
    await send_all(settings(await start(handler)), *(envelope(name=name) for name in names))
    for index, name in enumerate(names):
        (address,) = handler.message(index)["To"].addresses
        assert (address.display_name, address.addr_spec) == (name, "reader@example.com")


async def test_english_readers_get_english_and_are_told_what_language_it_is(start: Start) -> None:
    handler = Handler()
    channel = channel_for(settings(await start(handler)))
    (lane,) = channel.lanes("email")
    async with channel.open(lane) as connection:
        await connection.send(envelope(language="en"), channel.render(content(language="en")), 0)
    assert str(handler.message()["Subject"]) == "[火炬动态] No. 5, 2022 · Park Development: 南京高新区项目“加速跑”0"
    assert handler.message()["Content-Language"] == "en, zh-CN"


def html_size(stencil: Stencil, reasons: int) -> int:
    many = tuple(
        Reason("park:x", "很长的园区名称" * 5, "https://news.example.org/" + "u" * 300) for _ in range(reasons)
    )
    built = stencil.fill(envelope(reasons=many))
    assert not isinstance(built, Rejected)
    body = email.message_from_bytes(built.data, policy=email.policy.default).get_body(("html",))
    assert body is not None
    return len(body.get_payload(decode=True))


@pytest.mark.parametrize(("paragraphs", "articles"), [(1500, 1), (60, 20), (300, 62)])
def test_long_articles_are_cut_so_that_mailers_show_the_whole(paragraphs: int, articles: int) -> None:
    stencil = channel_for(settings(1)).render(content(paragraphs, articles))
    html = "".join(stencil.rendered.html.pieces)
    assert html.count("篇幅所限") == articles
    assert html.count("<h3") == articles
    assert 60_000 < html_size(stencil, 1) < 100_000 or articles == 62
    assert html_size(stencil, 200) < 100_000


def test_a_short_digest_is_not_cut() -> None:
    assert "篇幅所限" not in "".join(channel_for(settings(1)).render(content(20, 3)).rendered.html.pieces)


# What the server says


@pytest.mark.parametrize(
    ("stage", "answer", "expected"),
    [
        ("MAIL", "451 4.3.0 later", Retry("the relay refused the sender: 451 4.3.0 later", "451", outage=True)),
        ("MAIL", "550 5.7.1 no", Retry("the relay refused the sender: 550 5.7.1 no", "550", outage=True)),
        ("RCPT", "450 4.2.0 greylisted", Retry("450 4.2.0 greylisted", "450")),
        ("DATA", "451 MI:SFQ too many", Retry("451 MI:SFQ too many", "451", 900.0, group_rest=900.0)),
        ("RCPT", "550 5.1.1 User unknown", Rejected("550 5.1.1 User unknown", "550", "suppressed")),
        ("RCPT", "550 Mailbox not found", Rejected("550 Mailbox not found", "550", "suppressed")),
        ("RCPT", "550 No such user here", Rejected("550 No such user here", "550", "suppressed")),
        ("RCPT", "554 5.7.1 refused by policy", Rejected("554 5.7.1 refused by policy", "554", "")),
        ("RCPT", "552 5.2.2 mailbox full", Rejected("552 5.2.2 mailbox full", "552", "")),
        ("DATA", "550 5.7.1 spam", Rejected("550 5.7.1 spam", "550", "")),
        ("DATA", "550 5.1.1 User unknown", Rejected("550 5.1.1 User unknown", "550", "")),
        ("RCPT", "550 Mail frequency limited", Retry("550 Mail frequency limited", "550", group_rest=0.0)),
        ("DATA", "550 Ip frequency limited", Retry("550 Ip frequency limited", "550", group_rest=0.0)),
        ("MAIL", "421 HL:ICC too many connections", Retry("421 HL:ICC too many connections", "421", outage=True)),
        ("RCPT", "421 4.7.0 closing", Retry("421 4.7.0 closing", "421", outage=True, counted=True)),
        ("DATA", "421 4.7.0 closing", Retry("421 4.7.0 closing", "421", suspect=True)),
    ],
)
async def test_refusals(start: Start, stage: str, answer: str, expected: Outcome) -> None:
    """The outcome of a refusal; and that the next message goes out all the same."""
    handler = Handler({stage: [answer]})
    first, second = await send_all(settings(await start(handler)), envelope(), envelope(address="next@example.com"))
    assert first == expected
    assert isinstance(second, Sent)
    assert [taken[1] for taken in handler.taken] == [["next@example.com"]]


def test_a_reply_that_wants_a_login_is_an_outage() -> None:
    outcome = from_reply(530, "5.7.0 Authentication required", Stage.MAIL)
    assert isinstance(outcome, Retry)
    assert outcome.outage


async def test_a_sender_refused_with_smtputf8_may_be_this_messages_doing(start: Start) -> None:
    """Its MAIL has parameters that others have not: it must not be the first one again each time."""
    handler = Handler({"MAIL": ["555 5.5.4 no SMTPUTF8"]})
    outcome = await send(settings(await start(handler, enable_SMTPUTF8=True)), envelope(address="读者@example.com"))
    assert isinstance(outcome, Retry)
    assert (outcome.outage, outcome.counted, outcome.code) == (True, True, "555")


async def test_an_address_in_a_reply_is_left_out(start: Start) -> None:
    handler = Handler({"RCPT": ["550 5.1.1 <Reader@example.com>: unknown"]})
    outcome = await send(settings(await start(handler)))
    assert outcome == Rejected("550 5.1.1 <…>: unknown", "550", "suppressed")


# When nobody answers


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(talk: Talk) -> AsyncIterator[int]:
    """A server that speaks no SMTP of its own; gives its port, and waits for the end of every connection."""
    ends: list[asyncio.Event] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(asyncio.Event())
        end = ends[-1]
        await talk(reader, writer)
        writer.close()
        await asyncio.wait([asyncio.ensure_future(writer.wait_closed())])
        end.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield int(server.sockets[0].getsockname()[1])
    for end in ends:
        await end.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def test_a_refused_connection_is_an_outage() -> None:
    port = free_port()
    assert await send(settings(port)) == Retry(
        f"nobody answers at 127.0.0.1:{port} (connection refused)", "connect", outage=True
    )


async def test_a_server_that_stalls_is_an_outage() -> None:
    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(stall) as port:
        outcome = await send(settings(port, timeout=0.2))
    assert outcome == Retry(f"nobody answers at 127.0.0.1:{port} (no answer in time)", "connect", outage=True)


async def test_a_server_that_answers_in_another_language_is_an_outage() -> None:
    async def chatter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()

    async with raw_server(chatter) as port:
        outcome = await send(settings(port))
    assert isinstance(outcome, Retry)
    assert outcome.outage


@pytest.mark.parametrize(("stage", "outage"), [("RCPT", True), ("DATA", False)])
async def test_a_connection_lost_before_the_message_is_an_outage_and_after_it_is_not(
    start: Start, stage: str, outage: bool
) -> None:
    handler = Handler({stage: ["close"]})
    first, second = await send_all(settings(await start(handler)), envelope(), envelope())
    assert isinstance(first, Retry)
    assert first.outage is outage
    assert ("answer" in first.reason) is not outage
    assert isinstance(second, Sent)


async def test_tls_that_fails_is_an_outage(start: Start) -> None:
    port = await start(Handler())
    for security in ("tls", "starttls"):
        outcome = await send(settings(port, security=security))
        assert isinstance(outcome, Retry)
        assert outcome.outage
        assert f"127.0.0.1:{port}" in outcome.reason


# The session


# aiosmtpd warns of a login without TLS; this one stays on the loopback.
without_tls = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")


async def login(start: Start, handler: Handler, accept: bool) -> int:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        right = accept and (data.login, data.password) == (b"me", b"pa55word")
        return AuthResult(success=right, handled=False)

    return await start(handler, authenticator=check, auth_required=True, auth_require_tls=False)


@without_tls
async def test_it_logs_in(start: Start) -> None:
    handler = Handler()
    port = await login(start, handler, accept=True)
    assert isinstance(await send(settings(port, username="me", password="pa55word")), Sent)


@without_tls
async def test_a_refused_login_is_an_outage_and_tells_no_secret(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    given = settings(await login(start, Handler(), accept=False), username="me", password="pa55word")
    outcome = await send(given)
    assert isinstance(outcome, Retry)
    assert outcome.outage
    assert "login" in outcome.reason
    ours = [record for record in caplog.records if not record.name.startswith("mail.")]  # aiosmtpd's own log
    told = repr(outcome) + repr(given) + "".join(record.getMessage() for record in ours)
    assert "pa55word" not in told
    assert "reader@example.com" not in told


@without_tls
@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
async def test_what_a_relay_says_back_of_the_login_is_left_out(start: Start, stage: str) -> None:
    plain, word = (base64.b64encode(text).decode() for text in (b"\0me\0pa55word", b"pa55word"))
    said = f"550 after AUTH PLAIN {plain}, {plain.rstrip('=')} and {word}: pa55word"
    port = await login(start, Handler({stage: [said]}), accept=True)
    outcome = await send(settings(port, username="me", password="pa55word"))
    assert isinstance(outcome, Rejected)
    assert outcome.reason.startswith("550 after AUTH PLAIN …")
    assert not any(secret in outcome.reason for secret in (plain.rstrip("="), word.rstrip("="), "pa55word"))


async def test_a_connection_is_kept_for_so_many_messages(start: Start) -> None:
    handler = Handler()
    given = settings(await start(handler), messages_per_connection=2)
    assert all(isinstance(outcome, Sent) for outcome in await send_all(given, *[envelope()] * 5))
    assert len(handler.sessions) == 3


async def test_a_session_that_died_while_idle_is_replaced(start: Start) -> None:
    handler = Handler({"MAIL": ["", "close"]})
    outcomes = await send_all(settings(await start(handler)), envelope(), envelope())
    assert [type(outcome) for outcome in outcomes] == [Sent, Sent]
    assert len(handler.sessions) == 2


async def test_nothing_is_dialled_before_the_first_message() -> None:
    dialled: list[object] = []
    async with await asyncio.start_server(lambda *streams: dialled.append(streams), "127.0.0.1", 0) as server:
        channel = channel_for(settings(server.sockets[0].getsockname()[1]))
        (lane,) = channel.lanes("email")
        async with channel.open(lane):
            pass
    assert dialled == []


async def test_a_cancelled_send_leaves_no_half_message() -> None:
    """After a cancellation the session is dropped: what it would say next belongs to another message."""
    reached = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            if line.startswith(b"EHLO"):
                writer.write(b"250 hello\r\n")
            elif line.startswith(b"MAIL"):
                reached.set()

    async with raw_server(silent) as port:
        channel = channel_for(settings(port))
        rendered = channel.render(content())
        (lane,) = channel.lanes("email")
        async with channel.open(lane) as connection:
            task = asyncio.create_task(connection.send(envelope(), rendered, 0))
            await reached.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


# Addresses


@pytest.mark.parametrize(
    "address",
    ["", "reader", "@example.com", "a b@example.com", "a@", "a@b c", "a@example..com", "a>@example.com",
     "a@example.com\r\nRCPT TO:<b@example.com>", "a,b@example.com", "x" * 65 + "@example.com", "a@-x.example",
     ".a@example.com", "a\x00@example.com", "a@" + "x." * 130 + "com"],
)  # fmt: skip
async def test_what_is_no_address_is_rejected(start: Start, address: str) -> None:
    handler = Handler()
    outcome = await send(settings(await start(handler)), envelope(address=address))
    assert isinstance(outcome, Rejected)
    assert outcome.endpoint_state == "suppressed"
    assert handler.taken == []


async def test_a_domain_in_chinese_goes_out_in_ascii(start: Start) -> None:
    handler = Handler()
    assert isinstance(await send(settings(await start(handler)), envelope(address="reader@例子.中国")), Sent)
    assert handler.taken[0][1] == ["reader@xn--fsqu00a.xn--fiqs8s"]


async def test_an_address_outside_ascii_needs_a_server_that_takes_it(start: Start) -> None:
    handler = Handler()
    refused = await send(settings(await start(Handler(), enable_SMTPUTF8=False)), envelope(address="张三@example.com"))
    accepted = await send(settings(await start(handler, enable_SMTPUTF8=True)), envelope(address="张三@example.com"))
    assert isinstance(refused, Rejected)
    assert "SMTPUTF8" in refused.reason
    assert refused.endpoint_state == ""
    assert isinstance(accepted, Sent)
    assert handler.taken[0][1] == ["张三@example.com"]
    assert "SMTPUTF8" in handler.options[0]


# Lanes


def test_a_lane_for_each_relay() -> None:
    given = settings(2525, connections=3, rate=5, relays=(Relay(name="second", host="mx2", connections=2),))
    channel = channel_for(given)
    assert [(lane.name, lane.queue, lane.connections, lane.rate) for lane in channel.lanes("email")] == [
        ("email:default", "email", 3, 5),
        ("email:second", "email", 2, None),
    ]
    assert channel.lanes("telegram") == ()
    assert channel_for(EmailSettings()).lanes("email") == ()
    assert channel_for(EmailSettings(host="mx")).lanes("email") == ()


async def test_an_unknown_lane_is_a_wrong_setting() -> None:
    (lane,) = channel_for(settings(2525)).lanes("email")
    with pytest.raises(SettingsError):
        async with channel_for(settings(2525)).open(replace(lane, name="email:other")):
            pass


def test_delays_are_those_of_the_settings() -> None:
    channel = channel_for(settings(2525, retry_delays=(1, 2)))
    assert channel.retry_delays == (1, 2)
