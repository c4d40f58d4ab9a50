"""A real SMTP server on the loopback interface that keeps what it gets (RFC 5321), with faults on request.

    async with SmtpSink() as sink:
        sink.answer("RCPT", "451 4.7.1 later", when=lambda step: step.recipient == "b@example.com", times=1)
        ...                                   # send to sink.host, sink.port
        (message,) = await sink.messages.reached(1)
        assert message.parsed["Subject"] == "…"

It speaks ESMTP by aiosmtpd (8BITMIME, SMTPUTF8, SIZE, PIPELINING; STARTTLS and AUTH where asked for).
"""

from __future__ import annotations

import asyncio
import email
import email.message
import email.policy
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, AnyStr, Final, Literal, Self

from dispatch.testing.certificate import server_tls
from dispatch.testing.recording import Inbox, Prepared

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

Stage = Literal["CONNECT", "STARTTLS", "EHLO", "MAIL", "RCPT", "PROMPT", "DATA"]

CLOSE: Final = "close"
"""A reply for `SmtpSink.answer`: the connection is cut instead, and nothing of the message is kept."""

STALL: Final = "stall"
"""The connection stays open and nothing is answered any more; nothing of the message is kept."""

KEEP_AND_CLOSE: Final = "keep and close"
"""At DATA: the message is kept, and the connection is cut before the sender learns of it."""

KEEP_AND_STALL: Final = "keep and stall"
"""At DATA: the message is kept, and the sender waits in vain for the answer."""

CUT_MIDWAY: Final = "cut midway"
"""At PROMPT: the message is asked for, and the connection is cut when its first line has come."""


@dataclass(frozen=True)
class ReceivedMail:
    """One accepted message: the envelope, the bytes between DATA and the dot, and the same parsed."""

    mail_from: str
    recipients: tuple[str, ...]
    raw: bytes
    connection: int
    mail_options: tuple[str, ...] = ()

    @cached_property
    def parsed(self) -> email.message.EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.default)


@dataclass(frozen=True, slots=True)
class SmtpStep:
    """Where a session stands when a fault may happen. `recipient` is that of this RCPT, `raw` that of this DATA;
    `connection` counts the connections from 1."""

    stage: Stage
    connection: int
    mail_from: str = ""
    recipients: tuple[str, ...] = ()
    recipient: str = ""
    raw: bytes = field(default=b"", repr=False)


def _always(step: SmtpStep) -> bool:
    return True


class SmtpSink:
    """An SMTP server on 127.0.0.1 and a free port, as an async context manager.

    `security` is as in `[email]`: `none`, `starttls` (offered) or `tls`, with the certificate of
    `dispatch.testing.certificate` unless `context` gives another. With `username`, MAIL needs AUTH first. It takes
    commands in groups (RFC 2920) unless `pipelining` is off.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        *,
        security: Literal["none", "starttls", "tls"] = "none",
        context: ssl.SSLContext | None = None,
        username: str = "",
        password: str = "",
        size_limit: int = 33_554_432,
        pipelining: bool = True,
    ) -> None:
        self.messages: Inbox[ReceivedMail] = Inbox()
        self.connections = 0
        self._security = security
        self._context = context or (server_tls() if security != "none" else None)
        self._login = (username.encode(), password.encode())
        self._size_limit = size_limit
        self._pipelining = pipelining
        self._faults: Prepared[SmtpStep, str] = Prepared()
        self._sessions: set[asyncio.Transport] = set()
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """The port; it stays known after the end, to knock where nobody answers any more."""
        return self._port

    def answer(
        self, stage: Stage, reply: str, when: Callable[[SmtpStep], bool] = _always, times: int | None = None
    ) -> None:
        """Answer `reply` at `stage` for the next `times` steps that `when` accepts (None: all).

        A reply is a line that is sent as it stands ("451 4.7.1 later", or what is no SMTP at all), or one of CLOSE,
        STALL, KEEP_AND_CLOSE, KEEP_AND_STALL and CUT_MIDWAY. CONNECT means the greeting, PROMPT the answer to the
        command DATA, and DATA the end of the message, after the last dot: a reply that begins with 2 keeps it.
        """
        self._faults.add(reply, lambda step: step.stage == stage and when(step), times)

    def clear(self) -> None:
        """Answer everything as usual again."""
        self._faults.clear()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; a second start after `stop` listens on the same port."""
        factory = _protocol_factory(self)
        context = self._context if self._security == "tls" else None
        self._server = await asyncio.get_running_loop().create_server(factory, self.host, self._port, ssl=context)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut the connections that are open."""
        if self._server is None:
            return
        self._server.close()
        for transport in tuple(self._sessions):
            transport.abort()
        await self._server.wait_closed()
        self._server = None

    # What the sessions ask; aiosmtpd finds handlers by their names, so these are apart from them.

    def _opened(self, transport: asyncio.Transport) -> int:
        self._sessions.add(transport)
        self.connections += 1
        return self.connections

    def _closed(self, transport: asyncio.Transport) -> None:
        self._sessions.discard(transport)

    def _fault(self, step: SmtpStep) -> str | None:
        return self._faults.take(step)

    def _accepts_login(self, login: bytes, password: bytes) -> bool:
        return (login, password) == self._login

    @property
    def _needs_login(self) -> bool:
        return bool(self._login[0])


def _protocol_factory(sink: SmtpSink) -> Callable[[], SMTP]:
    """One aiosmtpd protocol a connection, each with a handler that knows its number."""
    from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

    class Protocol(SMTP):
        """Tells the sink of connections and of the steps that aiosmtpd has no hook for."""

        _greeted = False

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            handler: _Handler = self.event_handler
            if handler.transport is None:  # else STARTTLS has put another one over it
                handler.transport = transport
                handler.number = sink._opened(transport)
            super().connection_made(transport)

        def connection_lost(self, error: Exception | None) -> None:
            handler: _Handler = self.event_handler
            if handler.transport is not None:
                sink._closed(handler.transport)
            super().connection_lost(error)

        async def push(self, status: AnyStr) -> None:
            """A line to the client, of which the first is the greeting."""
            greeting, self._greeted = not self._greeted, True
            fault = await self._fault("CONNECT") if greeting else None
            await (super().push(status) if fault is None else super().push(fault))

        async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802 (aiosmtpd's name)
            fault = await self._fault("STARTTLS")
            await (super().smtp_STARTTLS(arg) if fault is None else self.push(fault))

        async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 (aiosmtpd's name)
            fault = await self._fault("PROMPT")
            await (super().smtp_DATA(arg) if fault is None else self.push(fault))

        async def _fault(self, stage: Stage) -> str | None:
            """What to answer instead at a stage that the handler is not asked about."""
            handler: _Handler = self.event_handler
            return await _said(self, sink._fault(handler.step(stage, self.envelope)))

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        known = isinstance(data, LoginPassword) and sink._accepts_login(data.login, data.password)
        return AuthResult(success=known, handled=False)

    def make() -> SMTP:
        return Protocol(
            _Handler(sink),
            hostname="sink.example",
            data_size_limit=sink._size_limit,
            enable_SMTPUTF8=True,
            tls_context=sink._context if sink._security == "starttls" else None,
            authenticator=authenticate if sink._needs_login else None,
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )

    return make


class _Handler:
    """aiosmtpd's hooks for one connection; the method names are aiosmtpd's."""

    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink
        self.number = 0
        self.transport: asyncio.Transport | None = None

    async def handle_EHLO(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        reply = await self._reply(server, SmtpStep("EHLO", self.number))
        if reply is not None:
            return [reply]
        offered = ["250-PIPELINING"] if self._sink._pipelining else []
        return [*responses[:-1], *offered, responses[-1]]

    async def handle_MAIL(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._sink._needs_login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        reply = await self._reply(server, SmtpStep("MAIL", self.number, address))
        if reply is not None:
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        step = SmtpStep("RCPT", self.number, envelope.mail_from or "", tuple(envelope.rcpt_tos), address)
        reply = await self._reply(server, step)
        if reply is not None:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        raw = bytes(envelope.original_content or b"")
        mail = ReceivedMail(
            envelope.mail_from or "",
            tuple(envelope.rcpt_tos),
            raw,
            self.number,
            tuple(str(option) for option in envelope.mail_options),
        )
        fault = self._sink._fault(SmtpStep("DATA", self.number, mail.mail_from, mail.recipients, "", raw))
        if fault in (None, KEEP_AND_CLOSE, KEEP_AND_STALL) or fault.startswith("2"):
            self._sink.messages.put(mail)
        return await _said(server, fault) or "250 2.0.0 OK"

    def step(self, stage: Stage, envelope: Envelope | None) -> SmtpStep:
        """Where the session stands."""
        if envelope is None:
            return SmtpStep(stage, self.number)
        return SmtpStep(stage, self.number, envelope.mail_from or "", tuple(envelope.rcpt_tos))

    async def _reply(self, server: SMTP, step: SmtpStep) -> str | None:
        return await _said(server, self._sink._fault(step))


async def _said(server: SMTP, fault: str | None) -> str | None:
    """What to answer for a fault: its reply, or nothing that arrives where the connection is cut or silent."""
    if fault in (STALL, KEEP_AND_STALL):
        await asyncio.Event().wait()  # aiosmtpd cancels this when the connection ends
    if fault == CUT_MIDWAY:
        await server.push("354 go ahead")
        await server._reader.readline()
    if fault not in (CLOSE, KEEP_AND_CLOSE, CUT_MIDWAY):
        return fault
    assert isinstance(server.transport, asyncio.Transport)
    server.transport.abort()
    return "421 4.3.0 closed"  # aiosmtpd wants a status all the same
