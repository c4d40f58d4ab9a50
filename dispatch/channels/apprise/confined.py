"""What a call of Apprise may do: connect to addresses that the guard of webhooks allows, and hardly more.

Apprise makes its connections itself, by a library that knows no guard. But Python tells its audit hooks (PEP 578) of
each connection, file and process before there is one, and a hook may forbid it. So the address that is checked is the
one that is connected to, whatever its name meant a moment ago. This keeps a trusted library with a doubtful address in
bounds; it would not hold code that means ill.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from dispatch.channels.webhook.guard import AddressRefused, Guard

_NEVER = (
    *("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn"),
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.chown", "os.truncate"),
    *("socket.bind",),
)
_CONNECTS = ("socket.connect", "socket.sendto", "socket.sendmsg")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_MOST_SAID = 200  # records of one call
_LONGEST = 2_000  # characters of one


class Forbidden(PermissionError):
    """Something that a call may not do. An OSError, as libraries expect where a connection or a file is asked for."""


class Call:
    """One call: what `guard` has refused it (None: it may connect to nothing), and what Apprise has said of it."""

    def __init__(self, guard: Guard | None) -> None:
        self._guard = guard
        self._sockets: list[socket.socket] = []
        self._ended = False
        self.refused: list[str] = []
        self.said: list[tuple[int, str]] = []

    def cut(self) -> None:
        """End its connections, and let it make no other."""
        self._ended = True
        for each in list(self._sockets):
            with contextlib.suppress(OSError):  # it was not connected, or is not any more
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give back what was kept of its connections."""
        while self._sockets:
            self._sockets.pop().close()

    def note(self, level: int, text: str) -> None:
        """Keep what was said."""
        if len(self.said) < _MOST_SAID:
            self.said.append((level, text[:_LONGEST]))

    def event(self, name: str, arguments: tuple[Any, ...]) -> None:
        """What Python is about to do. Raises Forbidden."""
        if name in _CONNECTS:
            self._connect(*arguments[:2])
        elif name == "open":
            self._open(*arguments[:3])
        elif name in _NEVER:
            raise Forbidden(f"a message has no need for {name}")

    def _connect(self, made: socket.socket, to: Any) -> None:
        if to is None:  # what was connected sends
            return
        if self._ended:
            raise Forbidden("the time is over")
        try:
            self._check(to)
        except AddressRefused as error:
            self.refused.append(str(error))
            raise Forbidden("the address is refused") from None
        self._sockets.append(socket.socket(fileno=os.dup(made.fileno())))

    def _check(self, to: Any) -> None:
        if self._guard is None or not isinstance(to, tuple):
            raise AddressRefused("the receiver's address is refused: only networks can be reached")
        try:
            address = ipaddress.ip_address(to[0])
        except ValueError:
            raise AddressRefused("the receiver's address is refused: it is a name that was not resolved") from None
        self._guard.check(address, "https", to[1])

    def _open(self, path: Any, mode: str | None, flags: int) -> None:
        if isinstance(path, int):
            return
        if (flags or 0) & _WRITES or set(mode or "") & set("wax+"):
            raise Forbidden("a message writes no file")
        if not os.path.realpath(os.fsdecode(path)).startswith(_readable()):
            raise Forbidden("a message is made of no file")


_current: ContextVar[Call | None] = ContextVar("apprise_call", default=None)


@contextmanager
def confined(call: Call) -> Iterator[Call]:
    """What runs inside, in this thread, may do no more than `call` lets it."""
    prepare()
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)


@cache
def prepare() -> None:
    """Begin to watch. A hook cannot be taken away again; outside of calls it costs a look at a variable. What Apprise
    says is heard by its call alone: at lower levels it has addresses and messages in it."""
    _readable()
    sys.addaudithook(_hook)
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    logger.addHandler(_Hearing())
    for name in ("urllib3", "requests_oauthlib", "oauthlib"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _hook(name: str, arguments: tuple[Any, ...]) -> None:
    call = _current.get()
    if call is not None:
        call.event(name, arguments)


class _Hearing(logging.Handler):
    """Gives each record to the call it is of."""

    def emit(self, record: logging.LogRecord) -> None:
        call = _current.get()
        if call is not None:
            call.note(record.levelno, record.getMessage())


@cache
def _readable() -> tuple[str, ...]:
    """Folders of programs and of what the system gives to all of them, as prefixes."""
    packages = (path for path in sys.path if path.rstrip("/").endswith(("site-packages", "dist-packages")))
    folders = (sys.prefix, sys.base_prefix, *packages, "/usr/lib", "/usr/share", "/etc/ssl", "/etc/pki")
    return ("/dev/null", "/dev/urandom", *(os.path.realpath(folder) + os.sep for folder in folders))
