"""A proxy in front of a server that counts how often the talk changes direction, which is what distance costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Talk:
    """One connection: what was said, in turns. Each is ("client" or "server", bytes)."""

    def __init__(self) -> None:
        self.turns: list[tuple[str, bytes]] = []

    def say(self, who: str, data: bytes) -> None:
        if self.turns and self.turns[-1][0] == who:
            self.turns[-1] = (who, self.turns[-1][1] + data)
        else:
            self.turns.append((who, data))

    @property
    def said_by_client(self) -> list[bytes]:
        return [data for who, data in self.turns if who == "client"]


@asynccontextmanager
async def proxy(host: str, port: int) -> AsyncIterator[tuple[int, list[Talk]]]:
    """The port to connect to, and the talks that went through it."""
    talks: list[Talk] = []
    tasks: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, talk: Talk, who: str) -> None:
        while data := await reader.read(65536):
            talk.say(who, data)
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        talk = Talk()
        talks.append(talk)
        back_reader, back_writer = await asyncio.open_connection(host, port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(carry(reader, back_writer, talk, "client"))
                group.create_task(carry(back_reader, writer, talk, "server"))
        finally:
            back_writer.close()
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield int(server.sockets[0].getsockname()[1]), talks
    if tasks:
        await asyncio.wait(tasks)
