"""Issues as attachments of mails, from a mailbox by IMAP."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Iterator
from email.utils import parseaddr
from pathlib import PurePosixPath

from dispatch import mime
from dispatch.bounces.imap import Imap
from dispatch.bounces.source import Mail
from dispatch.errors import Failure, IntakeError
from dispatch.settings import BounceSettings, ImapSource
from dispatch.sources.beside import Beside
from dispatch.sources.source import (
    Document,
    Found,
    Known,
    Memory,
    Refusal,
    Seen,
    Trouble,
    as_file,
    digest_of,
    matches,
)

log = logging.getLogger(__name__)
_MOST_MAILS = 200  # in one look; the next one goes on
_MARGIN = 1_000_000  # of a mail beside its attachment
_LONGEST_NAME = 100


class Mailbox:
    """The attachments of mails from senders that are allowed. Nothing is changed in the mailbox: which mails were
    looked at is remembered by UIDVALIDITY and UID. The first look leaves out mails that somebody has read.

    A sender's address is easily forged: who wants to be sure lets a person approve what comes this way.

    Fulfils `dispatch.sources.source.Source`.
    """

    kind = "imap"
    backs_off = True

    def __init__(self, settings: ImapSource, *, seconds: float, max_bytes: int) -> None:
        self.name = settings.name
        self.place = f"{settings.username}@{settings.host}/{settings.folder}"
        self.every = settings.every
        self._settings = settings
        self._max_bytes = max_bytes
        self._most_bytes = max_bytes * 3 // 2 + _MARGIN  # as base64
        self._account = BounceSettings(
            imap_host=settings.host,
            imap_port=settings.port,
            imap_security=settings.security,
            imap_username=settings.username,
            imap_password=settings.password,
            imap_folder=settings.folder,
            timeout=seconds,
        )
        self._beside = Beside(f"IMAP at {settings.host}", 4 * seconds)

    async def look(self, memory: Memory, *, now: int, patient: bool) -> AsyncGenerator[Found, None]:
        state = memory.state if memory.state.get("of") == self.place else {}
        known = (int(state.get("validity", 0)), int(state.get("uid", 0)))
        client = Imap(self._account, known, most_bytes=self._most_bytes, first_unseen=True)
        try:
            await self._beside.call(client.open)
            self._keep(memory, client)
            for _ in range(_MOST_MAILS):
                mail = await self._beside.call(client.next)
                if mail is None:
                    break
                for found in self._found(mail, client.state[0], memory, now):
                    yield found
                client.finish(mail, understood=False)
                self._keep(memory, client)
        except IntakeError:
            raise
        except Failure as error:
            raise Trouble(str(error)) from None
        finally:
            await self._beside.close(client.close)

    def _keep(self, memory: Memory, client: Imap) -> None:
        validity, uid = client.state
        memory.state.update({"of": self.place, "validity": str(validity), "uid": str(uid)})

    def _found(self, mail: Mail, validity: int, memory: Memory, now: int) -> Iterator[Found]:
        part = mime.read(mail.data, self._most_bytes)
        sender = parseaddr(part.get("from"))[1]
        if not matches(self._settings.senders, sender):
            log.info("source %s: a mail from another sender is left alone", self.name)
            return
        whole = len(mail.data) < self._most_bytes
        for number, attachment in enumerate(part.walk()):
            name = _plain_name(attachment.file_name)
            if name and not attachment.parts and matches(self._settings.attachments, name):
                yield self._attachment(f"{validity}/{mail.key}/{number}", name, attachment.body, memory, now, whole)
        if part.is_cut:
            yield self._cut(f"{validity}/{mail.key}/parts", _plain_name(part.words("subject")), now)

    def _cut(self, key: str, subject: str, now: int) -> Refusal:
        shown = f"{self.name}: the mail {subject!r}"
        words = (
            f"{shown}: only its first {mime.MOST_PARTS} parts, {mime.DEEPEST} levels deep, were looked at; what is"
            " attached beyond is left out: send it in a mail of its own"
        )
        return Refusal(key, shown, IntakeError(words), Known("refused", added_at=now, asked_at=now))

    def _attachment(self, key: str, name: str, data: bytes, memory: Memory, now: int, whole: bool) -> Found:
        shown = f"{self.name}: {name}"
        known = Known(digest=digest_of(data), added_at=now, asked_at=now)
        if not whole or len(data) > self._max_bytes:
            words = f"{shown}: more than {self._max_bytes} bytes, or in a mail that is; see [intake] max_bytes"
            return Refusal(key, shown, IntakeError(words), Known("refused", added_at=now, asked_at=now))
        if memory.has(known.digest):
            return Seen(key, Known("same", known.digest, added_at=now, asked_at=now))
        return Document(key, shown, as_file(data, PurePosixPath(name).suffix.lower()), known)

    async def finish(self, document: Document, error: str) -> None:
        """Mails stay as they are."""


def _plain_name(name: str) -> str:
    """The name of a file as it may be shown, without folders."""
    plain = "".join(char for char in name.replace("\\", "/").rpartition("/")[2] if char.isprintable())
    suffix = PurePosixPath(plain).suffix
    return plain if len(plain) <= _LONGEST_NAME else plain[: _LONGEST_NAME - len(suffix)] + suffix[:20]
