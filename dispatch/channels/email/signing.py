"""DKIM signatures made beside the event loop, by processes.

An RSA signature takes a quarter of a millisecond, many times what the rest of a message does. cryptography lets go of
the interpreter's lock while it signs, but a thread has to win it back from a busy event loop for each signature: beside
a loop that works 80 µs a message, two threads signed 3,400 messages a second, and two processes 4,300.

Requests wait for the end of the loop's turn and go out together; while all processes are busy, what comes in shares the
next batch. So a batch, not a message, costs a write, a read and a switch of processes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

from dispatch.channels.email.dkim import SigningKey
from dispatch.channels.email.signing_worker import REFUSED, frame, unframe
from dispatch.errors import SigningError

__all__ = ["SigningError", "SigningPool"]

log = logging.getLogger(__name__)

_PROGRAM = str(Path(__file__).with_name("signing_worker.py"))
_MOST = 32  # messages a batch: the first waits for the last, which is some 10 ms
_AHEAD = 2  # batches a process has: while one is signed, the next lies ready
_START_SECONDS, _END_SECONDS = 60.0, 5.0
_BATCH_SECONDS = 20.0  # for which a process may have a batch; it takes hundredths
_PAUSE_SECONDS = 10.0  # between a start that failed and the next, where others sign meanwhile

_Answer = asyncio.Future[bytes]


class SigningPool:
    """Processes that sign by the same `keys`: as many as needed, at most `workers` (0: as many as there are cores).

    They are started when there is work for them, and a new one takes the place of one that died.
    """

    def __init__(self, keys: Sequence[SigningKey], workers: int = 0, patience: float = _BATCH_SECONDS) -> None:
        """`patience` is the seconds for which a process may have a batch."""
        if not keys:
            raise ValueError("no key to sign with")
        self._keys = frame([string for key in keys for string in key.pack()])
        self._limit = workers or cores()
        self.patience = patience
        self._workers: list[_Worker] = []
        self._waiting: deque[tuple[bytes, bytes, _Answer]] = deque()
        self._starting: asyncio.Task[None] | None = None
        self._start_after = 0.0
        self._planned = False
        self._closed = False

    def __repr__(self) -> str:
        return f"<SigningPool of {len(self._workers)} processes>"

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        return [worker.pid for worker in self._workers]

    async def sign(self, head: bytes, body_hash: bytes) -> bytes:
        """The `DKIM-Signature` fields to put before `head`, as `dkim.Signer.sign` makes them.

        Raises SigningError: a process died with the message or cannot be started, the pool is closed, or the message
        has no From.
        """
        if self._closed:
            raise SigningError("the message was not signed: the signing processes have been stopped")
        loop = asyncio.get_running_loop()
        answer: _Answer = loop.create_future()
        self._waiting.append((head, body_hash, answer))
        if not self._planned:
            self._planned = True
            loop.call_soon(self._hand_out)
        return await answer

    async def close(self) -> None:
        """End the processes. What waits for a signature gets SigningError."""
        self._closed = True
        self._fail_waiting("the message was not signed: the signing processes have been stopped")
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await asyncio.gather(*(worker.end() for worker in self._workers))

    def _hand_out(self) -> None:
        """Give what waits to processes that have room, and start another one where more waits than are idle."""
        self._planned = False
        if any(answer.done() for _, _, answer in self._waiting):  # nobody waits for it any more
            self._waiting = deque(request for request in self._waiting if not request[2].done())
        if len(self._waiting) > sum(not worker.load for worker in self._workers):
            self._start()
        while self._waiting and (worker := self._freest()) is not None:
            size = min(_MOST, -(-len(self._waiting) // len(self._workers)))
            worker.give([self._waiting.popleft() for _ in range(size)])

    def _freest(self) -> _Worker | None:
        able = [worker for worker in self._workers if worker.load < _AHEAD]
        return min(able, key=lambda worker: worker.load, default=None)

    def _start(self) -> None:
        if self._starting is not None or self._closed or len(self._workers) >= self._limit:
            return
        loop = asyncio.get_running_loop()
        if not self._workers or loop.time() >= self._start_after:
            self._starting = loop.create_task(self._started(), name="start a signing process")

    async def _started(self) -> None:
        """Start a process. Where that fails and there is no other one, nobody would answer what waits."""
        try:
            worker = await _Worker.start(self._keys, self)
        except (OSError, SigningError) as error:  # TimeoutError is an OSError
            self._starting = None
            self._start_after = asyncio.get_running_loop().time() + _PAUSE_SECONDS
            log.error("a process that signs could not be started: %s", error)
            if not self._workers:
                self._fail_waiting(f"the message was not signed: {error}")
            return
        self._starting = None
        self._workers.append(worker)
        self._hand_out()

    def ended(self, worker: _Worker) -> None:
        """A process is gone: another one is started when there is work for it."""
        if worker not in self._workers:
            return
        self._workers.remove(worker)
        if not self._closed:
            log.error("the signing process %d ended with %s; another takes its place", worker.pid, worker.code)
            self._hand_out()

    def answered(self) -> None:
        """A process has room again."""
        if self._waiting:
            self._hand_out()

    def _fail_waiting(self, reason: str) -> None:
        while self._waiting:
            _fail(self._waiting.popleft()[2], SigningError(reason))


class _Worker(asyncio.SubprocessProtocol):
    """One process, and the batches that it has."""

    def __init__(self, pool: SigningPool) -> None:
        self._pool = pool
        self._batches: deque[list[_Answer]] = deque()
        self._received = bytearray()
        loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = loop.create_future()
        self._ready.add_done_callback(_looked_at)  # nobody waits for it where the start was given up
        self._gone: asyncio.Future[None] = loop.create_future()
        self._lost = False
        self._alarm: asyncio.TimerHandle | None = None
        self._transport: asyncio.SubprocessTransport | None = None
        self._input: asyncio.WriteTransport | None = None
        self.pid = 0

    @classmethod
    async def start(cls, keys: bytes, pool: SigningPool) -> _Worker:
        """A process that has the keys. Raises OSError where there can be none, SigningError where it ended at once,
        TimeoutError where it did not begin."""
        loop = asyncio.get_running_loop()
        # -P: the folder of the program is no place to import from, for its names are not meant for that.
        _, worker = await loop.subprocess_exec(
            lambda: cls(pool), sys.executable, "-P", _PROGRAM, stderr=None, start_new_session=True
        )
        try:
            worker._give_keys(keys)
            async with asyncio.timeout(_START_SECONDS):
                await worker._ready
            if worker._lost:  # in the same turn of the loop
                raise SigningError("the signing process ended when it was ready")
        except BaseException:
            await worker._kill()
            raise
        return worker

    @property
    def load(self) -> int:
        """How many batches it has."""
        return len(self._batches)

    @property
    def code(self) -> int | None:
        """Its exit code; below 0 the signal that ended it."""
        return self._transport.get_returncode() if self._transport else None

    def give(self, requests: Sequence[tuple[bytes, bytes, _Answer]]) -> None:
        """Hand it a batch."""
        assert self._input is not None
        self._batches.append([answer for _, _, answer in requests])
        if self._alarm is None:
            self._watch()
        self._input.write(frame([string for head, hashed, _ in requests for string in (head, hashed)]))

    def _watch(self) -> None:
        """End it where its present batch takes too long: one that is frozen would hold its messages for ever."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._batches:
            self._alarm = asyncio.get_running_loop().call_later(self._pool.patience, self._give_up)

    def _give_up(self) -> None:
        self._alarm = None
        log.error("the signing process %d does not answer", self.pid)
        if self._transport is not None:
            with suppress(ProcessLookupError):
                self._transport.kill()

    async def end(self) -> None:
        """Close its input, upon which it ends, and make sure that it does."""
        assert self._transport is not None
        assert self._input is not None
        self._input.close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await asyncio.shield(self._gone)
        except TimeoutError:
            await self._kill()

    async def _kill(self) -> None:
        """End it at once, and wait until it is gone."""
        assert self._transport is not None
        with suppress(ProcessLookupError):
            self._transport.kill()
        await self._gone

    def _give_keys(self, keys: bytes) -> None:
        assert self._input is not None
        self._input.write(keys)

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._input = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
        self.pid = self._transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._received += data
        while (found := unframe(self._received)) is not None:
            strings, size = found
            del self._received[:size]
            self._take(strings)

    def _take(self, strings: list[bytes]) -> None:
        if not self._ready.done():
            self._ready.set_result(None)
            return
        if self._lost:  # its messages have been told so
            return
        answers = self._batches.popleft()
        self._watch()
        self._pool.answered()  # first, so that it signs on while we deal with what it has signed
        for answer, signed in zip(answers, strings, strict=True):
            if signed.startswith(REFUSED):
                _fail(answer, SigningError(signed.removeprefix(REFUSED).decode(), lasting=True))
            elif not answer.done():  # else nobody waits for it any more
                answer.set_result(signed)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """An end of it is closed: it ends, or has ended; whatever was given to it now would be lost."""
        self._lose()

    def process_exited(self) -> None:
        self._lose()
        if not self._gone.done():
            self._gone.set_result(None)
        if self._transport is not None:
            self._transport.close()

    def _lose(self) -> None:
        self._lost = True
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if not self._ready.done():
            self._ready.set_exception(SigningError("the signing process ended before it was ready"))
        self._pool.ended(self)
        while self._batches:
            for answer in self._batches.popleft():
                _fail(answer, SigningError("the message was not signed: the signing process ended"))


def cores() -> int:
    """The processors that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _looked_at(future: asyncio.Future[None]) -> None:
    """An error that nobody asks for is no bug."""
    if not future.cancelled():
        future.exception()


def _fail(answer: _Answer, error: SigningError) -> None:
    if not answer.done():
        answer.set_exception(error)
