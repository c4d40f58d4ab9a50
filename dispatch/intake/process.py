"""A process that reads strangers' files, as the program sees it: asked, watched, and killed when it does not answer.

Nothing it says is believed to be what was agreed: how much it may say is counted as it comes.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from dispatch.intake import frames

_START_SECONDS = 60.0
_END_SECONDS = 10.0
_CHUNK = 1 << 20
_ROOT = Path(os.sep).absolute()  # so that it holds no folder
_MOST_WORDS, _LAST_WORDS = 1_000_000, 4_000  # bytes on standard error: more is an attack; what is kept of them

_HARMFUL = "the file is damaged or made to do harm; open it in its program and save it anew"


class NoAnswer(Exception):
    """The process gave no answer to a file: why, and what to do. `late` says that it was given its whole time."""

    def __init__(self, reason: str, *, late: bool = False) -> None:
        super().__init__(reason)
        self.late = late


class NotStarted(Exception):
    """No process could be started; no file is at fault."""


class Process(asyncio.SubprocessProtocol):
    """One process. It belongs to the event loop that started it."""

    def __init__(self, seconds: float, memory_mb: int) -> None:
        loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._memory_mb = memory_mb
        self._transport: asyncio.SubprocessTransport | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._received = bytearray()
        self._words = bytearray()
        self._words_count = 0
        self._writable = asyncio.Event()
        self._writable.set()
        self._exited: asyncio.Future[None] = loop.create_future()
        self._gone: asyncio.Future[None] = loop.create_future()
        self.asked = 0  # how many files it was given

    @classmethod
    async def start(
        cls, command: Sequence[str], environment: dict[str, str], start: bytes, seconds: float, memory_mb: int
    ) -> Process:
        """A process that is ready for questions. Raises NotStarted."""
        loop = asyncio.get_running_loop()
        process = cls(seconds, memory_mb)
        try:
            await loop.subprocess_exec(
                lambda: process,
                *command,
                env=environment,
                cwd=_ROOT,
                start_new_session=True,  # it is not interrupted with us, and can be killed with all that it started
            )
        except OSError as error:
            raise NotStarted(error.strerror or type(error).__name__) from None
        try:
            if await process._exchange([start], _START_SECONDS) != frames.READY:
                raise NotStarted("it is not what it should be")
        except NoAnswer as error:
            await process.end()
            raise NotStarted(" / ".join(process.last_words) or str(error)) from None
        except BaseException:
            await process.end()
            raise
        return process

    @property
    def alive(self) -> bool:
        """Whether it can be asked, as far as is known."""
        pipe = self._transport.get_pipe_transport(0) if self._transport else None
        return pipe is not None and not pipe.is_closing() and not self._exited.done()

    @property
    def last_words(self) -> list[str]:
        """The last lines that it wrote to standard error, of printable characters."""
        text = self._words.decode("utf-8", "replace").strip()
        lines = ["".join(char if char.isprintable() else "?" for char in line)[:300] for line in text.splitlines()]
        return lines[-3:]

    async def ask(self, question: bytes, data: bytes) -> bytes:
        """The answer to a file. Raises NoAnswer; the process is of no use after that."""
        self.asked += 1
        return await self._exchange([question, data], self._seconds)

    async def end(self) -> None:
        """Kill it, with all that it started, and wait until it is gone."""
        if self._transport is None:
            return
        self._kill()
        await _within(self._exited, _END_SECONDS)
        self._transport.close()  # also where something that it started still holds the other ends
        await _within(self._gone, _END_SECONDS)

    def _kill(self) -> None:
        if self._transport is None or self._exited.done():
            return
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._transport.get_pid(), signal.SIGKILL)
            else:
                self._transport.kill()

    async def _exchange(self, parts: Sequence[bytes], seconds: float) -> bytes:
        self._answer = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._send(parts)
                return await self._answer
        except TimeoutError:
            raise self._too_late() from None
        except _HungUp:
            raise await self._why() from None
        finally:
            if self._answer.done() and not self._answer.cancelled():
                self._answer.exception()  # looked at, also where the time was over first
            self._answer = None

    async def _send(self, parts: Sequence[bytes]) -> None:
        assert self._transport is not None
        pipe = self._transport.get_pipe_transport(0)
        assert isinstance(pipe, asyncio.WriteTransport)
        for part in parts:
            pipe.write(frames.head(len(part)))
            view = memoryview(part)
            for low, high in pairwise([*range(0, len(part), _CHUNK), len(part)]):
                if pipe.is_closing():
                    return
                pipe.write(view[low:high])
                await self._writable.wait()

    async def _why(self) -> NoAnswer:
        """What became of a process that hung up."""
        await _within(self._exited, _END_SECONDS)
        code = self._transport.get_returncode() if self._transport else None
        if code == frames.OUT_OF_MEMORY:
            return NoAnswer(
                f"reading it needed more than {self._memory_mb:,} MB of memory; "
                "divide it, or see [intake] read_memory_mb"
            )
        if code == -getattr(signal, "SIGXCPU", 0):
            return self._too_late()
        if code == -signal.SIGABRT:  # what PDFium does when it gets no more memory
            return NoAnswer(f"its reader gave up: it needs more than {self._memory_mb:,} MB of memory, or {_HARMFUL}")
        how = "closed its output" if code is None else f"signal {-code}" if code < 0 else f"exit code {code}"
        return NoAnswer(f"the reader stopped ({how}); {_HARMFUL}")

    def _too_late(self) -> NoAnswer:
        reason = f"reading it took longer than {self._seconds:g} seconds; divide it, or see [intake] read_seconds"
        return NoAnswer(reason, late=True)

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self._take(data)
        else:
            self._words_count += len(data)
            self._words = (self._words + data)[-_LAST_WORDS:]
            if self._words_count > _MOST_WORDS:
                self._fail(f"the reader wrote without end; {_HARMFUL}")

    def _take(self, data: bytes) -> None:
        self._received += data
        if len(self._received) < frames.HEAD_BYTES:
            return
        size = frames.size_of(self._received)
        whole = frames.HEAD_BYTES + size
        if size > frames.MAX_ANSWER or len(self._received) > whole or self._answer is None:
            self._fail(f"the reader gave no sound answer; {_HARMFUL}")
        elif len(self._received) == whole:
            answer = bytes(memoryview(self._received)[frames.HEAD_BYTES :])
            self._received = bytearray()
            if not self._answer.done():
                self._answer.set_result(answer)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._writable.set()
        if fd != 2 and self._answer is not None and not self._answer.done():
            self._answer.set_exception(_HungUp())

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def process_exited(self) -> None:
        if not self._exited.done():
            self._exited.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._gone.done():
            self._gone.set_result(None)

    def _fail(self, reason: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(NoAnswer(reason))
        self._received = bytearray()
        self._kill()


async def _within(event: asyncio.Future[None], seconds: float) -> None:
    """Wait for an event, but no longer than that."""
    await asyncio.wait([event], timeout=seconds)


class _HungUp(Exception):
    """The process is gone, or hears no more."""
