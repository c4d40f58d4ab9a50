"""The bytes of an SMTP session: commands out, replies in (RFC 5321 4.2), several of each at a time (RFC 2920).

aiosmtplib opens a session; a `Wire` takes its transport over for the transactions. Nothing is created for a message but
what it waits by, so that the wire sets the pace and not this program.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

_LONGEST = 32_768  # bytes of replies that go on; no server says so much


class Reply(NamedTuple):
    """A reply, its lines joined by line ends."""

    code: int
    text: str


class Garbage(Exception):
    """What came is no SMTP reply."""


class Lost(ConnectionError):
    """The connection is gone; the cause says why, where it is known."""


class Wire(asyncio.Protocol):
    """One connection. `reply` gives the replies in the order of the commands; nobody else reads.

    After an error nothing more can be read: the session is over.
    """

    def __init__(self, transport: asyncio.Transport, timeout: float) -> None:
        """Take over a transport with no replies outstanding; `timeout` is the seconds that a reply may take."""
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._timeout = timeout
        self._deadline = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._due = 0  # replies to what was written that have not come
        self._buffer = b""
        self._lines: list[bytes] = []  # of a reply that goes on
        self._unread = 0  # bytes that came since a reply was whole
        self._replies: deque[Reply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        return self._error is None and not self._transport.is_closing()

    def write(self, pieces: Sequence[bytes], replies: int) -> None:
        """Write pieces as one, to which so many replies are due; uvloop hands them to the system without a copy."""
        self._due += replies
        self._transport.writelines(pieces)

    async def reply(self) -> Reply:
        """The next reply. Raises Lost, Garbage or TimeoutError."""
        while not self._replies:
            if self._error is not None:
                raise self._error
            self._waiter = self._loop.create_future()
            self._deadline = self._loop.time() + self._timeout
            if self._alarm is None:  # one timer serves the whole session: it looks again at each new deadline
                self._alarm = self._loop.call_at(self._deadline, self._look)
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._replies.popleft()

    async def finish(self, last: bytes) -> None:
        """End the connection when `last` has been written; nothing more is read."""
        self._fail(Lost("the connection was closed"))
        self._stop_looking()
        self._transport.write(last)
        self._transport.close()
        await asyncio.sleep(0)  # its end is a turn of the loop away

    def check(self) -> None:
        """Raises what `reply` would when all that came has been read: Lost or Garbage."""
        if self._error is not None and not self._replies:
            raise self._error

    def close(self) -> None:
        """End the connection at once, whatever is under way."""
        self._stop_looking()
        self._fail(Lost("the connection was closed"))
        self._transport.abort()

    def _stop_looking(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _look(self) -> None:
        self._alarm = None
        if self._waiter is None:
            return
        if self._loop.time() < self._deadline:
            self._alarm = self._loop.call_at(self._deadline, self._look)
        else:
            self._fail(TimeoutError("no answer in time"))

    def _fail(self, error: Exception) -> None:
        if self._error is None:
            self._error = error
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def data_received(self, data: bytes) -> None:
        if self._error is not None:
            return
        self._unread += len(data)
        data = self._buffer + data if self._buffer else data
        *lines, self._buffer = data.split(b"\n")
        try:
            for line in lines:
                self._line(line)
        except ValueError:
            self._fail(Garbage("no SMTP reply"))
            return
        if not (self._buffer or self._lines):
            self._unread = 0  # what is left is replies that are due, a few at most
        elif self._unread > _LONGEST:
            self._fail(Garbage("a reply without an end"))
        if self._replies:
            self._wake()

    def _line(self, line: bytes) -> None:
        """RFC 5321 4.2.1: a code of three digits, then a hyphen where more lines follow."""
        code, mark = line[:3], line[3:4]
        if not code.isdigit() or len(code) != 3 or mark not in (b" ", b"-", b"\r", b""):
            raise ValueError(line)
        self._lines.append(line[4:].rstrip(b"\r"))
        if mark != b"-":
            text = self._lines[0] if len(self._lines) == 1 else b"\n".join(self._lines)
            self._lines.clear()
            self._take(Reply(int(code), text.decode("utf-8", "replace")))

    def _take(self, reply: Reply) -> None:
        """A reply that nobody waits for would be taken for that to the next command, and each after it likewise."""
        if self._due:
            self._due -= 1
            self._replies.append(reply)
        elif reply.code == 421:  # RFC 5321 3.8: the server closes, and may say so at any time
            self._fail(Lost("the server closed the connection"))
        else:
            raise ValueError(reply)

    def eof_received(self) -> bool:
        self._fail(Lost("the server closed the connection"))
        return False  # closes the transport

    def connection_lost(self, exc: Exception | None) -> None:
        lost = Lost("the connection was lost")
        lost.__cause__ = exc
        self._fail(lost)
        self._stop_looking()
