"""Mails from a mailbox by IMAP (RFC 3501): each is looked at once, by its UID, and what is not understood is left as it
is."""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from dispatch.bounces.source import Mail
from dispatch.errors import Failure
from dispatch.mime import MOST_BYTES
from dispatch.settings import BounceSettings

T = TypeVar("T")
_LONGEST = 2_000
_MARGIN = 2_000_000  # bytes of an answer beside the mail
_MOST_LINES = 100_000
_UID = re.compile(rb"UID (\d+)")


class _Client(imaplib.IMAP4):
    """Reads at most `most_bytes` of mail, and a margin, in answer to a command. The library reads whatever length a
    server names, and keeps as many lines as it sends."""

    def __init__(self, most_bytes: int, *args: Any, **named: Any) -> None:
        self._most = most_bytes + _MARGIN
        self._left, self._lines = self._most, _MOST_LINES
        super().__init__(*args, **named)

    def send(self, data: Any) -> None:
        self._left, self._lines = self._most, _MOST_LINES
        super().send(data)

    def read(self, size: int) -> bytes:
        self._count(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._lines -= 1
        self._count(len(line))
        return line

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0 or self._lines < 0:
            raise self.abort(f"it sends more than was asked for ({self._most} bytes, {_MOST_LINES} lines)")


class _TlsClient(_Client, imaplib.IMAP4_SSL):
    """The same over TLS from the beginning."""


class Imap:
    """One mailbox. `state` is (UIDVALIDITY, the last UID that was looked at), which the owner keeps over restarts. Of a
    mail the first `most_bytes` are fetched; with `first_unseen` a first look leaves out what somebody has read.
    Fulfils `dispatch.bounces.source.Source`."""

    name = "imap"

    def __init__(
        self,
        settings: BounceSettings,
        state: tuple[int, int] = (0, 0),
        *,
        most_bytes: int = MOST_BYTES,
        first_unseen: bool = False,
    ) -> None:
        self._settings = settings
        self._most_bytes = most_bytes
        self._first_unseen = first_unseen
        self.state = state
        self._client: imaplib.IMAP4 | None = None
        self._uids: Iterator[int] = iter(())
        self._capabilities: frozenset[str] = frozenset()

    def open(self) -> None:
        """Log in and look for new mails. Raises Failure, without the password."""
        self._client = self._try(self._connected)
        validity, uids = self._try(self._new)
        if self.state[0] != validity:  # the server has numbered its mails anew (RFC 3501 2.3.1.1)
            self.state = (validity, 0)
            uids = self._try(self._new)[1]
        self._uids = iter(uids)

    def _connected(self) -> imaplib.IMAP4:
        found = self._settings
        context = ssl.create_default_context()
        client: imaplib.IMAP4
        if found.imap_security == "tls":
            client = _TlsClient(
                self._most_bytes, found.imap_host, found.resolved_imap_port, ssl_context=context, timeout=found.timeout
            )
        else:
            client = _Client(self._most_bytes, found.imap_host, found.resolved_imap_port, timeout=found.timeout)
        try:
            if found.imap_security == "starttls":
                client.starttls(context)
            client.login(found.imap_username, found.imap_password.get_secret_value())
            # What a server can do it tells in full after the log-in alone; the library asks before.
            self._capabilities = frozenset(_words(client.capability()[1]).upper().split())
            status, answer = client.select(_quoted(found.imap_folder))
            if status != "OK":
                raise Failure(f"the folder {found.imap_folder} cannot be opened: {_words(answer)}")
        except BaseException:
            _leave(client)
            raise
        return client

    def _new(self) -> tuple[int, list[int]]:
        """UIDVALIDITY, and the UIDs above the last one."""
        client = self._open_client
        validity = client.response("UIDVALIDITY")[1][0] or b"0"
        client.untagged_responses["UIDVALIDITY"] = [validity]  # it is answered once
        unseen = ("UNSEEN",) if self._first_unseen and not self.state[1] else ()
        status, answer = client.uid("SEARCH", f"UID {self.state[1] + 1}:*", "UNDELETED", *unseen)
        if status != "OK":
            raise Failure(f"mails cannot be listed: {_words(answer)}")
        found = sorted(int(word) for word in (answer[0] or b"").split() if word.isdigit())
        return int(validity), [uid for uid in found if uid > self.state[1]]

    @property
    def _open_client(self) -> imaplib.IMAP4:
        if self._client is None:
            raise RuntimeError("the mailbox is not open")
        return self._client

    def next(self) -> Mail | None:
        """The next mail, of which its beginning is fetched; it stays unseen by that."""
        for uid in self._uids:
            data = self._try(lambda uid=uid: self._fetch(uid))  # type: ignore[misc]  # a lambda with a default
            if data is not None:
                return Mail(str(uid), data)
        return None

    def _fetch(self, uid: int) -> bytes | None:
        status, answer = self._open_client.uid("FETCH", str(uid), f"(UID BODY.PEEK[]<0.{self._most_bytes}>)")
        if status != "OK":
            raise Failure(f"a mail cannot be fetched: {_words(answer)}")
        for item in answer:
            if isinstance(item, tuple) and (found := _UID.search(item[0])) and int(found[1]) == uid:
                return bytes(item[1])
        return None  # another one has taken it away

    def finish(self, mail: Mail, understood: bool) -> None:
        """Put a mail away, and remember that it was looked at."""
        if understood:
            self._try(lambda: self._put_away(mail.key))
        self.state = (self.state[0], int(mail.key))

    def _put_away(self, uid: str) -> None:
        client, after = self._open_client, self._settings.after
        if after == "seen":
            self._store(uid, r"(\Seen)")
            return
        if after == "move":
            folder = _quoted(self._settings.move_to)
            if "MOVE" in self._capabilities:  # RFC 6851
                if client.uid("MOVE", uid, folder)[0] != "OK":
                    client.create(folder)
                    self._checked(client.uid("MOVE", uid, folder))
                return
            if client.uid("COPY", uid, folder)[0] != "OK":
                client.create(folder)
                self._checked(client.uid("COPY", uid, folder))
        self._store(uid, r"(\Deleted)")
        if "UIDPLUS" in self._capabilities:  # RFC 4315: others' deleted mails stay; without it they are left marked
            self._checked(client.uid("EXPUNGE", uid))

    def _store(self, uid: str, flags: str) -> None:
        self._checked(self._open_client.uid("STORE", uid, "+FLAGS.SILENT", flags))

    def _checked(self, answered: tuple[str, list[object]]) -> None:
        if answered[0] != "OK":
            raise Failure(f"a mail cannot be put away: {_words(answered[1])}")

    def close(self) -> None:
        """Say good-bye where somebody listens."""
        client, self._client = self._client, None
        if client is not None:
            _leave(client)

    def _try(self, work: Callable[[], T]) -> T:
        """Foreign errors in words: a server's own may hold what it was sent."""
        where = f"IMAP at {self._settings.imap_host}:{self._settings.resolved_imap_port}"
        try:
            return work()
        except Failure as error:
            raise Failure(f"{where}: {error}") from None
        except (AttributeError, TypeError, IndexError, KeyError) as error:  # the library's own, at answers out of form
            raise Failure(f"{where}: it answered in another form ({type(error).__name__})") from None
        except (imaplib.IMAP4.error, OSError, ValueError) as error:
            words = " ".join(str(error).split())
            password = self._settings.imap_password.get_secret_value()
            shown = words.replace(password, "…") if password else words
            raise Failure(f"{where}: {shown or type(error).__name__}") from None


def _leave(client: imaplib.IMAP4) -> None:
    with suppress(imaplib.IMAP4.error, OSError):
        client.logout()
    with suppress(OSError):
        client.shutdown()


def _quoted(name: str) -> str:
    """A mailbox name as a quoted string (RFC 3501 4.3)."""
    escaped = name.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def _words(answer: object) -> str:
    items = answer if isinstance(answer, list) else [answer]
    return " ".join(item.decode("utf-8", "replace") if isinstance(item, bytes) else "" for item in items)[:_LONGEST]
