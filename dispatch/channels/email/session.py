"""One SMTP session with a relay (RFC 5321), kept over messages.

Where the relay takes commands in groups (PIPELINING, RFC 2920), a message and the envelope of the following one go out
in one write: each message takes one round trip. The following message itself waits for its own `deliver`.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

from aiosmtplib import (
    SMTP,
    SMTPConnectResponseError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
)

from dispatch.channels.email.outcome import Stage, from_garbage, from_lost_connection, from_reply
from dispatch.channels.email.wire import Garbage, Lost, Reply, Wire
from dispatch.model import Outcome, Rejected, Retry, Sent
from dispatch.settings import Relay

log = logging.getLogger(__name__)

_GOAHEAD = 354  # RFC 5321 3.3: start mail input
_STAGES = (Stage.MAIL, Stage.RCPT, Stage.DATA)
_PLAIN_REPLY = 250  # characters of an acceptance that is taken as it stands


class Route(NamedTuple):
    """The SMTP envelope of a message: return path and recipient, and whether it needs SMTPUTF8 (RFC 6531)."""

    sender: str
    recipient: str
    utf8: bool = False


class Tls:
    """The certificates that are trusted, read once for all sessions of a relay; and what its sessions speak."""

    def __init__(self) -> None:
        self._context: ssl.SSLContext | None = None
        self.spoken = ""

    async def context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = await asyncio.to_thread(ssl.create_default_context)
        return self._context


class Session:
    """A session that opens itself when a message comes, and again when it was lost, has carried its number or is
    old."""

    def __init__(self, relay: Relay, tls: Tls | None = None) -> None:
        self._relay = relay
        self._tls = tls or Tls()
        self._server = f"{relay.host}:{relay.resolved_port}"
        self._wire: Wire | None = None
        self._carried = 0
        self._until = 0.0
        self._groups = False
        self._takes_utf8 = False
        self._unreset = False  # a refused transaction is still open there
        self._begun: Route | None = None  # its envelope is out, and its replies are not read

    def __repr__(self) -> str:
        return f"<Session with {self._server}>"

    async def deliver(self, route: Route, data: Sequence[bytes], following: Route | None = None) -> Outcome:
        """Hand one message over, in pieces. It ends in CRLF, and a dot that begins a line of it is doubled.

        The envelope of `following` may go out with it: then the next call must be for that, or the session is given up.
        A session that died while it was idle is replaced without a word.
        """
        reused = self._is_open() and self._carried > 0
        outcome, stage = await self._attempt(route, data, following, in_groups=True)
        if stage is Stage.MAIL and isinstance(outcome, Retry) and self._is_worth_another(outcome, reused=reused):
            self._drop()
            outcome, stage = await self._attempt(route, data, None, in_groups=False)
        if route.utf8 and stage is Stage.MAIL and isinstance(outcome, Retry):
            return replace(outcome, counted=True)  # its MAIL has parameters that others have not
        return outcome

    def _is_worth_another(self, outcome: Retry, *, reused: bool) -> bool:
        """Whether a new session may help: this one had carried messages, and was lost or closed before this one; or it
        was lost after a group of commands, which tells not at which."""
        if outcome.code == "lost":
            return reused or self._groups
        return reused and outcome.code == "421"

    @property
    def carried(self) -> int:
        """How many messages the session that is open has carried."""
        return self._carried

    async def open(self) -> Retry | None:
        """Open the session; why that failed, or None."""
        opened = await self._open()
        return opened if isinstance(opened, Retry) else None

    async def close(self) -> None:
        """Say good-bye where somebody listens. Its answer is not waited for: from far away that takes as long as a
        message, and nothing depends on it."""
        wire, begun = self._wire, self._begun
        if wire is not None and wire.is_open and begun is None:
            self._wire = None
            await wire.finish(b"QUIT\r\n")
        self._drop()

    def _is_open(self) -> bool:
        return self._wire is not None and self._wire.is_open

    def _is_spent(self) -> bool:
        relay = self._relay
        return self._carried >= relay.messages_per_connection or time.monotonic() >= self._until

    async def _attempt(
        self, route: Route, data: Sequence[bytes], following: Route | None, *, in_groups: bool
    ) -> tuple[Outcome, Stage]:
        if self._begun is not None and self._begun != route:
            self._drop()  # what was begun cannot be taken back
        elif self._begun is None and self._wire is not None and self._is_spent():
            await self.close()
        wire = self._wire if self._is_open() else None
        if wire is None:
            opened = await self._open()
            if isinstance(opened, Retry):
                return opened, Stage.CONNECT
            wire = opened
        if route.utf8 and not self._takes_utf8:
            return Rejected("the relay takes no address outside ASCII (no SMTPUTF8)", code="smtputf8"), Stage.RCPT
        try:
            return await self._exchange(wire, route, data, following, in_groups=in_groups and self._groups)
        except BaseException:
            # Cancelled in the middle: what the server expects next is not known.
            self._drop()
            raise

    async def _open(self) -> Wire | Retry:
        relay = self._relay
        self._drop()
        client = SMTP(
            hostname=relay.host,
            port=relay.resolved_port,
            username=relay.username or None,
            password=relay.password.get_secret_value() if relay.username else None,
            local_hostname=_own_name(),
            timeout=relay.timeout,
            use_tls=relay.security == "tls",
            start_tls=relay.security == "starttls",
            tls_context=await self._tls.context() if relay.security != "none" else None,
        )
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()
            if client.transport is None:
                raise ConnectionResetError("the connection was lost")
        except (SMTPException, OSError, ValueError) as error:
            client.close()
            return self._refused_session(error)
        self._groups = client.supports_extension("pipelining")
        self._takes_utf8 = client.supports_extension("smtputf8")
        self._carried, self._until = 0, time.monotonic() + relay.connection_seconds
        transport = cast(asyncio.Transport, client.transport)  # other event loops' are none by their class
        self._wire = Wire(transport, relay.timeout)
        self._tell_tls(transport)
        return self._wire

    def _tell_tls(self, transport: asyncio.Transport) -> None:
        """Once a relay, and again where it changes."""
        secured = transport.get_extra_info("ssl_object")
        spoken = "no TLS"
        if secured is not None:
            name, _, bits = secured.cipher() or ("?", "", 0)
            spoken = f"{secured.version()} with {name} ({bits} bits)"
        if spoken != self._tls.spoken:
            self._tls.spoken = spoken
            log.info("relay %s (%s): %s", self._relay.name, self._server, spoken)

    def _refused_session(self, error: Exception) -> Retry:
        """Why there is no session. The relay is at fault, or its settings: no message is."""
        secrets = (*_credentials(self._relay), self._relay.username)
        if isinstance(error, SMTPResponseException) and error.code < 0:
            return from_garbage(self._server, Stage.CONNECT)
        if isinstance(error, SMTPResponseException):
            greeting = isinstance(error, (SMTPConnectResponseError, SMTPHeloError))
            stage = Stage.CONNECT if greeting else Stage.LOGIN
            outcome = from_reply(error.code, error.message, stage, secrets)
            return outcome if isinstance(outcome, Retry) else Retry("no session", outage=True)
        if isinstance(error, OSError) or error.__cause__ is not None:
            return from_lost_connection(error, self._server, Stage.CONNECT)
        if "STARTTLS extension not supported" in str(error):
            words = 'the server offers no STARTTLS: set security = "tls", or "none" for a server on this machine'
            return Retry(f"{self._server}: {words}", code="session", outage=True)
        return Retry(f"no session with {self._server}: {error}", code="session", outage=True)

    async def _exchange(
        self, wire: Wire, route: Route, data: Sequence[bytes], following: Route | None, *, in_groups: bool
    ) -> tuple[Outcome, Stage]:
        """The envelope and the message: the first reply that is no consent is the outcome."""
        stage = Stage.MAIL
        begun, self._begun = self._begun is not None, None
        try:
            if not begun and in_groups:
                wire.write([_envelope(route, self._reset())], len(_STAGES) + self._unreset)
            elif not begun and self._unreset:
                wire.write([self._reset()], 1)
            if self._unreset:
                self._unreset = False
                reset = await wire.reply()
                if reset.code == 421:
                    raise Lost("the server closed the connection")
                if not _consents(reset, Stage.MAIL):
                    raise Garbage(f"{reset.code} to RSET")
            commands = () if begun or in_groups else _commands(route)
            for place, stage in enumerate(_STAGES):
                if commands:
                    wire.write([commands[place]], 1)
                reply = _sensible(await wire.reply(), stage)
                if not _consents(reply, stage):
                    await self._clear(wire, stage, reply, in_groups=begun or in_groups)
                    return self._refusal(reply, stage, route), stage
            wire.check()  # no message goes to a server that has said more than it was asked
            stage = Stage.BODY
            self._carried += 1
            self._write(wire, data, following, in_groups=in_groups)
            reply = _sensible(await wire.reply(), stage)
        except Garbage:
            self._drop()
            return from_garbage(self._server, stage), stage
        except (OSError, TimeoutError) as error:
            self._drop()
            return from_lost_connection(error, self._server, stage), stage
        if reply.code == 421:
            self._drop()
        return self._answer(reply, route), stage

    def _write(self, wire: Wire, data: Sequence[bytes], following: Route | None, *, in_groups: bool) -> None:
        """The message and its final dot, and the envelope of the following one."""
        if following is None or not in_groups or self._is_spent() or (following.utf8 and not self._takes_utf8):
            wire.write([*data, b".\r\n"], 1)
        else:
            self._begun = following
            wire.write([*data, _envelope(following, b".\r\n")], 1 + len(_STAGES))

    def _reset(self) -> bytes:
        return b"RSET\r\n" if self._unreset else b""

    async def _clear(self, wire: Wire, stage: Stage, refused: Reply, *, in_groups: bool) -> None:
        """Bring the session back to where a transaction can begin, by the next RSET, or give it up."""
        if refused.code == 421:
            self._drop()
            return
        self._unreset = True
        if not in_groups or stage is Stage.DATA:
            return
        try:
            replies = [await wire.reply() for _ in _STAGES[_STAGES.index(stage) + 1 :]]
            if replies[-1].code == _GOAHEAD:
                # RFC 2920 3.1: without a recipient it still waits for a message, and gets one without a line.
                if stage is not Stage.RCPT:
                    self._drop()
                    return
                wire.write([b".\r\n"], 1)
                await wire.reply()
        except (OSError, TimeoutError, Garbage):
            self._drop()

    def _answer(self, reply: Reply, route: Route) -> Outcome:
        """What the reply to the message means; nearly always the same few words of consent."""
        text = reply.text
        plain = len(text) <= _PLAIN_REPLY and text.isascii() and text.isprintable()
        if 200 <= reply.code < 300 and plain and "@" not in text:
            return Sent(text, str(reply.code), f"{reply.code} {text}")
        return self._refusal(reply, Stage.BODY, route)

    def _refusal(self, reply: Reply, stage: Stage, route: Route) -> Outcome:
        return from_reply(reply.code, reply.text, stage, (route.recipient, *_credentials(self._relay)))

    def _drop(self) -> None:
        wire, self._wire, self._begun, self._unreset = self._wire, None, None, False
        if wire is not None:
            wire.close()


def _credentials(relay: Relay) -> tuple[str, ...]:
    """The password, and what AUTH PLAIN and LOGIN send (RFC 4954), which a relay may say back; the longest first."""
    password = relay.password.get_secret_value()
    if not password:
        return ()
    sent = (f"\0{relay.username}\0{password}", password, relay.username)
    return (*(base64.b64encode(text.encode()).decode().rstrip("=") for text in sent), password)


async def check(relay: Relay) -> str:
    """Open a session and close it again, sending nothing; what is wrong, or ""."""
    session = Session(relay)
    try:
        opened = await session.open()
        return opened.reason if opened else ""
    finally:
        await session.close()


def _commands(route: Route) -> tuple[bytes, bytes, bytes]:
    mail, rcpt, data = _envelope(route).splitlines(keepends=True)
    return mail, rcpt, data


def _envelope(route: Route, before: bytes = b"") -> bytes:
    """The commands of a transaction up to the message."""
    options = " SMTPUTF8 BODY=8BITMIME" if route.utf8 else ""
    text = f"MAIL FROM:<{route.sender}>{options}\r\nRCPT TO:<{route.recipient}>\r\nDATA\r\n"
    return before + text.encode()


def _sensible(reply: Reply, stage: Stage) -> Reply:
    """Raises Garbage for a reply that cannot be to this command: the server and we are at different places, and what it
    takes for a message might be commands."""
    consents = _consents(reply, stage) or reply.code // 100 in (4, 5)
    if not consents:
        raise Garbage(f"{reply.code} at {stage}")
    return reply


def _consents(reply: Reply, stage: Stage) -> bool:
    return reply.code == _GOAHEAD if stage is Stage.DATA else 200 <= reply.code < 300


def _own_name() -> str:
    """For EHLO: the host's full name where it has one, else an address literal (RFC 5321 4.1.3). No DNS."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
