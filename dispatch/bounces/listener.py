"""A server for mail about our mail: LMTP (RFC 2033) or SMTP (RFC 5321), for a mail server beside it.

It takes what is addressed to a return path of ours that is signed, to the bounce address itself, and to the address for
unsubscribing; all else is refused. A mail is answered 250 when what it says is committed, and 451 when the store does
not take it: then the mail server tries again. What nobody understands is kept in a Maildir for the administrator where
a signature vouches for it, and refused otherwise, so that whoever wrote it learns of that and nobody can fill the disk.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from dispatch.bounces.desk import Desk
from dispatch.bounces.maildir import deliver
from dispatch.bounces.source import handle
from dispatch.delivery.clock import Clock
from dispatch.delivery.store import Store
from dispatch.errors import Failure
from dispatch.settings import BounceSettings
from subscribers.errors import DatabaseError

log = logging.getLogger(__name__)

MOST_RECIPIENTS = 50
MOST_KEPT = 10_000  # mails that nobody understands
# aiosmtpd keeps each line by itself, at up to forty times its size: a mail of empty lines takes 60 MB.
_MOST_BYTES = 1_500_000
_SECONDS = 120.0  # without a command
_OK = "250 2.0.0 done"
_LATER = "451 4.3.0 the store does not take it now; try again later"
_NOT_OURS = "550 5.1.1 no such address here"
_NO_REPORT = "550 5.6.0 this address takes reports on our mail and wishes to unsubscribe only"
_TOO_MANY = "421 4.7.0 too many connections"


class Taker:
    """What the sessions share: aiosmtpd's hooks, named as it wants them."""

    def __init__(
        self, settings: BounceSettings, addresses: tuple[str, ...], desk: Desk, store: Store, clock: Clock
    ) -> None:
        """`addresses` are taken besides return paths."""
        self._addresses = {address.lower() for address in addresses if address}
        self._separately = settings.protocol == "lmtp"
        self._unread = settings.unread
        self._desk = desk
        self._store = store
        self._clock = clock
        self._numbers = itertools.count(1)

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        if address.lower() not in self._addresses and not self._desk.knows(address):
            return _NOT_OURS
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """One answer for all recipients, or, by LMTP, a line for each of them (RFC 2033 4.2)."""
        data = envelope.content if isinstance(envelope.content, bytes) else b""
        answers = [await self._take(recipient, data) for recipient in envelope.rcpt_tos]
        if self._separately:
            return "\r\n".join(answers)
        # One word for all: what has to come again comes again for all, and counts once.
        return next((answer for answer in (_LATER, _OK) if answer in answers), answers[0])

    async def _take(self, recipient: str, data: bytes) -> str:
        try:
            result = await handle(data, [recipient], "listener", self._desk, self._store, self._clock)
        except DatabaseError as error:
            log.warning("a report has to come again: %s", error)
            return _LATER
        if result.done.understood:
            return _OK
        if not self._desk.knows(recipient):
            return _NO_REPORT
        return await asyncio.to_thread(self._keep, data)

    def _keep(self, data: bytes) -> str:
        """What came to a return path of ours and says nothing that is understood."""
        try:
            kept = keep_unread(self._unread, data, self._clock.now(), next(self._numbers))
        except OSError as error:
            log.error("a mail cannot be kept in %s: %s", self._unread, error.strerror or error)
            return _LATER
        return _OK if kept else _LATER

    async def handle_exception(self, error: Exception) -> str:
        """What nobody foresaw of a stranger's words is no reason to lose the mail."""
        log.error("a session of the listener failed: %s", type(error).__name__, exc_info=error)
        return _LATER


def keep_unread(folder: Path, data: bytes, now: int, number: int) -> bool:
    """Keep a mail that nobody understands; False where there are too many already. Raises OSError."""
    new = folder / "new"
    if new.is_dir() and sum(1 for _ in itertools.islice(new.iterdir(), MOST_KEPT)) >= MOST_KEPT:
        log.error("%s is full: %d mails wait there to be read", folder, MOST_KEPT)
        return False
    path = deliver(folder, data, now, number)
    log.warning("not understood, and kept: %s", path)
    return True


class _Connections:
    """Those that are open."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.open: set[asyncio.BaseTransport] = set()


def _protocol(kind: type[SMTP], connections: _Connections) -> type[SMTP]:
    """aiosmtpd's protocol with a limit to connections."""

    class Limited(kind):  # type: ignore[misc, valid-type]  # the class is the caller's choice
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            connections.open.add(transport)
            self._refused = len(connections.open) > connections.most
            self._own_transport = transport
            super().connection_made(transport)

        def connection_lost(self, error: Exception | None) -> None:
            connections.open.discard(self._own_transport)
            super().connection_lost(error)

        async def _handle_client(self) -> None:
            if self._refused:
                await self.push(_TOO_MANY)
                self._own_transport.close()
                return
            await super()._handle_client()

    return Limited


@asynccontextmanager
async def listening(settings: BounceSettings, taker: Taker) -> AsyncIterator[int]:
    """Mails are taken at `[bounces] listen` while inside; gives the port. Raises Failure where nobody can listen
    there."""
    host, _, port = settings.listen.rpartition(":")
    connections = _Connections(settings.connections)
    made = _protocol(LMTP if settings.protocol == "lmtp" else SMTP, connections)
    loop = asyncio.get_running_loop()

    def factory() -> SMTP:
        session: SMTP = made(
            taker, hostname="localhost", ident="dispatch", data_size_limit=_MOST_BYTES, timeout=_SECONDS, loop=loop
        )
        return session

    try:
        server = await loop.create_server(factory, host.strip("[]"), int(port))
    except OSError as error:
        why = error.strerror or str(error)
        raise Failure(f"nobody can take mails on {settings.listen}: {why}; choose another [bounces] listen") from error
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for transport in tuple(connections.open):
            if isinstance(transport, asyncio.Transport):
                transport.abort()
        await server.wait_closed()
