"""A receiver on the loopback interface that does to a sender what a server can: bytes of any kind, at any moment.

async with HostileReceiver() as receiver:
    receiver.does("/a", says(b"HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nhalf", then=reset))
    ...                                               # post to receiver.url("/a")
    assert len(receiver.requests) == 1

What is not told otherwise answers 204, and keeps the connection.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from dispatch.testing.recording import Inbox

Act = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""What is done when a request has come. The connection goes on afterwards unless it is closed."""

_EVERY = 0.01  # seconds between two pieces of a drip: faster than any time-out, slower than any limit of bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as far as it was read."""

    path: str
    id: str
    body: bytes


async def stay(writer: asyncio.StreamWriter) -> None:
    """Leave the connection as it is."""


async def close(writer: asyncio.StreamWriter) -> None:
    """End the connection in an orderly way."""
    writer.close()


async def reset(writer: asyncio.StreamWriter) -> None:
    """Reset the connection."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hang(writer: asyncio.StreamWriter) -> None:
    """Say nothing more for ever."""
    await asyncio.get_running_loop().create_future()


def says(words: bytes, then: Act = stay) -> Act:
    """Write this, and do that."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        await writer.drain()
        await then(writer)

    return act


def floods(piece: bytes, first: bytes = b"") -> Act:
    """Write `first`, and then the same piece for ever, as fast as it is taken."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(piece)
            await writer.drain()

    return act


def drips(piece: bytes, first: bytes = b"") -> Act:
    """Write `first`, and then the same piece for ever, slowly."""

    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(_EVERY)

    return act


class HostileReceiver:
    """The server, as an async context manager."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.requests: Inbox[Asked] = Inbox()
        self.connections = 0
        self._acts: dict[str, tuple[Act, bool]] = {}
        self._talks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def url(self, path: str, scheme: str = "http") -> str:
        return f"{scheme}://{self.host}:{self.port}{path}"

    def does(self, path: str, act: Act, *, unread: bool = False) -> None:
        """Do this at each request to a path; `unread`, before the body of it is read, which it never is."""
        self._acts[path] = (act, unread)

    def clear(self) -> None:
        """Answer 204 everywhere again."""
        self._acts.clear()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self.host, 0, limit=1 << 20)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        talks = list(self._talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        self.connections += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                while not writer.is_closing():
                    await self._talk(reader, writer)
        except asyncio.CancelledError:
            pass  # the end of the server
        finally:
            self._talks.discard(talk)
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        path = first.split(" ")[1]
        act, unread = self._acts.get(path, (says(b"HTTP/1.1 204 No Content\r\n\r\n"), False))
        body = b"" if unread else await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.put(Asked(path, headers.get("webhook-id", ""), body))
        await act(writer)
        if unread:
            await close(writer)
