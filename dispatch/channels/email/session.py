"""One SMTP session with a relay (RFC 5321), kept over messages."""

from __future__ import annotations

import base64
import socket
from contextlib import suppress
from dataclasses import replace

from aiosmtplib import (
    SMTP,
    SMTPConnectResponseError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
)
from aiosmtplib.response import SMTPResponse

from dispatch.channels.email.outcome import Stage, from_garbage, from_lost_connection, from_reply
from dispatch.model import Outcome, Rejected, Retry
from dispatch.settings import Relay

_GOAHEAD = 354  # RFC 5321 3.3: start mail input


class Session:
    """A session that opens itself when a message comes, and again when it was lost or has carried its number."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._server = f"{relay.host}:{relay.resolved_port}"
        self._client: SMTP | None = None
        self._carried = 0

    def __repr__(self) -> str:
        return f"<Session with {self._server}>"

    async def deliver(self, sender: str, recipient: str, data: bytes, utf8: bool) -> Outcome:
        """Hand one message over. A session that died while it was idle is replaced without a word."""
        was_idle = self._is_open()
        outcome, stage = await self._attempt(sender, recipient, data, utf8)
        died_idle = was_idle and stage is Stage.MAIL and isinstance(outcome, Retry) and outcome.code == "lost"
        if died_idle:
            outcome, stage = await self._attempt(sender, recipient, data, utf8)
        if utf8 and stage is Stage.MAIL and isinstance(outcome, Retry):
            return replace(outcome, counted=True)  # its MAIL has parameters that others have not
        return outcome

    async def open(self) -> Retry | None:
        """Open the session; why that failed, or None."""
        opened = await self._open()
        return opened if isinstance(opened, Retry) else None

    async def close(self) -> None:
        """Say good-bye where somebody listens."""
        client, self._client = self._client, None
        if client is not None and client.is_connected:
            with suppress(SMTPException, OSError):
                await client.quit()
        if client is not None:
            client.close()

    def _is_open(self) -> bool:
        return self._client is not None and self._client.is_connected

    async def _attempt(self, sender: str, recipient: str, data: bytes, utf8: bool) -> tuple[Outcome, Stage]:
        if self._carried >= self._relay.messages_per_connection:
            await self.close()
        client = self._client if self._is_open() else None
        if client is None:
            opened = await self._open()
            if isinstance(opened, Retry):
                return opened, Stage.CONNECT
            client = opened
        if utf8 and not client.supports_extension("smtputf8"):
            return Rejected("the relay takes no address outside ASCII (no SMTPUTF8)", code="smtputf8"), Stage.RCPT
        try:
            return await self._exchange(client, sender, recipient, data, utf8)
        except BaseException:
            # Cancelled in the middle: what the server expects next is not known.
            self._drop()
            raise

    async def _open(self) -> SMTP | Retry:
        relay = self._relay
        client = SMTP(
            hostname=relay.host,
            port=relay.resolved_port,
            username=relay.username or None,
            password=relay.password.get_secret_value() if relay.username else None,
            local_hostname=_own_name(),
            timeout=relay.timeout,
            use_tls=relay.security == "tls",
            start_tls=relay.security == "starttls",
        )
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()
        except (SMTPException, OSError, ValueError) as error:
            client.close()
            return self._refused_session(error)
        self._client, self._carried = client, 0
        return client

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
        return Retry(f"no session with {self._server}: {error}", code="session", outage=True)

    async def _exchange(
        self, client: SMTP, sender: str, recipient: str, data: bytes, utf8: bool
    ) -> tuple[Outcome, Stage]:
        """MAIL, RCPT, DATA and the message: the first reply that is no consent is the outcome."""
        stage = Stage.MAIL
        try:
            for stage, command in _commands(sender, recipient, utf8):
                reply = await client.execute_command(*command)
                if not _consents(reply, stage):
                    return await self._refused(client, reply, stage, recipient), stage
            stage = Stage.BODY
            self._carried += 1
            reply = await _send_body(client, data)
        except SMTPResponseException:  # a reply that is no reply
            self._drop()
            return from_garbage(self._server, stage), stage
        except (SMTPException, OSError) as error:
            self._drop()
            return from_lost_connection(error, self._server, stage), stage
        if not 200 <= reply.code < 300:
            return await self._refused(client, reply, stage, recipient), stage
        return from_reply(reply.code, reply.message, stage, (recipient,)), stage

    async def _refused(self, client: SMTP, reply: SMTPResponse, stage: Stage, recipient: str) -> Outcome:
        """The outcome of a refusal, and the session back at its beginning (RSET) or closed."""
        if reply.code == 421:
            self._drop()
        else:
            try:
                await client.rset()
            except (SMTPException, OSError):
                self._drop()
        secrets = (recipient, *_credentials(self._relay))
        return from_reply(reply.code, reply.message, stage, secrets)

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


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


def _commands(sender: str, recipient: str, utf8: bool) -> list[tuple[Stage, tuple[bytes, ...]]]:
    options = (b"SMTPUTF8", b"BODY=8BITMIME") if utf8 else ()
    return [
        (Stage.MAIL, (b"MAIL", f"FROM:<{sender}>".encode(), *options)),
        (Stage.RCPT, (b"RCPT", f"TO:<{recipient}>".encode())),
        (Stage.DATA, (b"DATA",)),
    ]


def _consents(reply: SMTPResponse, stage: Stage) -> bool:
    return reply.code == _GOAHEAD if stage is Stage.DATA else 200 <= reply.code < 300


async def _send_body(client: SMTP, data: bytes) -> SMTPResponse:
    """The message and its final dot. Apart from DATA (`client.data` does both), because a connection lost here
    may have carried the message, and one lost before cannot have."""
    if client.protocol is None:
        raise ConnectionResetError("the connection was lost before the message")
    stuffed = data.replace(b"\r\n.", b"\r\n..")  # RFC 5321 4.5.2; the data begins with a header, ends with CRLF
    client.protocol.write(stuffed + b".\r\n")
    return await client.protocol.read_response(timeout=client.timeout)


def _own_name() -> str:
    """For EHLO: the host's full name where it has one, else an address literal (RFC 5321 4.1.3). No DNS."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
