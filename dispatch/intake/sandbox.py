"""Strangers' files are read in processes of their own, with limits on memory and time (`worker`).

A process is started when there is something to read, reads several files, and is replaced after that, or when it did
not answer. One that read other files before is not what a file is judged by: a new one tries it again. Whatever
happens to it ends in an IntakeError, which names the file, the reason and what to do.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatch.codec import from_json
from dispatch.errors import IntakeError, NoReader
from dispatch.intake import frames
from dispatch.intake.answer import Answer, Reading, tidied, too_much
from dispatch.intake.opening import read_bytes
from dispatch.intake.process import NoAnswer, NotStarted, Process
from dispatch.model import Article

log = logging.getLogger(__name__)

_FILES = 16  # that a process reads before another takes its place
_IDLE_SECONDS = 20.0  # after which one that has nothing to read is ended
_MOST_VALUES = 300_000  # objects or lists in an answer: each takes many times its bytes once it is read
_LONGEST_ERROR = 2_000  # characters that a process may say of a file

_COMMAND = (sys.executable, "-P", "-m", "dispatch.intake.worker")
# What a process gets of our environment: no setting of ours, no secret. The libraries' path may be needed to start it.
_PASSED_ON = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TZ", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the reading of one file may take: seconds by the clock, megabytes beyond what the process begins with, and
    how many files are read at once."""

    seconds: float = 60
    memory_mb: int = 1024
    processes: int = 2


class Sandbox:
    """Reads files in processes that can do no harm. Any thread may ask.

    `close` ends the processes and what they read; the next question starts new ones.
    """

    def __init__(self, catalog: Path | None, limits: Limits, command: Sequence[str] = _COMMAND) -> None:
        """`catalog` is the installation's own folder of parks, topics and bulletins, if it has one."""
        start = {
            "catalog": str(catalog) if catalog else None,
            "memory_mb": limits.memory_mb,
            "seconds": limits.seconds,
        }
        self._command = command
        self._start = frames.encode(start)
        self._limits = limits
        self._lock = threading.Lock()
        self._pool: _PoolThread | None = None
        self._end: Callable[[], object] | None = None

    def issue(self, path: Path, name: str) -> Reading:
        """The issue in a file. Raises IntakeError: `name`, why, what to do; NoReader where it could not be tried."""
        reading = self._read("issue", path, name).reading
        if reading is None:
            raise _unsound(name)
        return reading.tidied(name)  # where it comes from is known here, and not asked for

    def article(self, path: Path, name: str) -> Article:
        """The single article in a file, tagged. Raises like `issue`."""
        article = self._read("article", path, name).article
        if article is None:
            raise _unsound(name)
        return tidied(article)

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            self._pool, end, self._end = None, self._end, None
        if end is not None:
            end()

    def _read(self, what: str, path: Path, name: str) -> Answer:
        data = read_bytes(path, name)
        question = frames.encode({"what": what, "name": name, "suffix": path.suffix.lower()})
        found = self._ask(question, data, name)
        if any(found.count(sign) > _MOST_VALUES for sign in (b"{", b"[")):
            raise IntakeError(f"{name}: {too_much('too many parts')}")
        try:
            answer = from_json(Answer, found)
        except ValueError:  # whose words are the stranger's
            raise _unsound(name) from None
        if answer.error:
            raise IntakeError(_about(name, answer.error))
        if answer.excess:
            raise IntakeError(f"{name}: {too_much(answer.excess)}")
        if not answer.is_sound:
            raise _unsound(name)
        return answer

    def _ask(self, question: bytes, data: bytes, name: str) -> bytes:
        try:
            return self._wait(question, data, name)
        except NoAnswer as error:
            raise IntakeError(f"{name}: {error}") from None
        except NotStarted as error:
            raise NoReader(f"{name}: not read, for the process that reads cannot be started: {error}") from None
        except CancelledError:
            raise NoReader(f"{name}: not read, for the program stops") from None

    def _wait(self, question: bytes, data: bytes, name: str) -> bytes:
        with self._lock:
            if self._pool is None:
                self._pool = _PoolThread(_Pool(self._command, self._start, self._limits))
                self._end = weakref.finalize(self, self._pool.stop)
            future = self._pool.ask(question, data, name)
        try:
            return future.result()
        except BaseException:  # an interrupt, for one: the file is not read on
            future.cancel()
            raise


def _about(name: str, error: str) -> str:
    """What a process says of a file, as a sentence that names it, of printable characters."""
    words = "".join(char if char.isprintable() else " " for char in error[:_LONGEST_ERROR])
    return words if words.startswith(name) else f"{name}: {words}"


def _unsound(name: str) -> IntakeError:
    return IntakeError(
        f"{name}: the reader gave no sound answer; the file is damaged or made to do harm; "
        "open it in its program and save it anew"
    )


class _PoolThread:
    """A thread with an event loop, in which the processes are started and heard.

    It lasts as long as they do: the system ends a process with the thread that started it (prctl(2),
    PR_SET_PDEATHSIG).
    """

    def __init__(self, pool: _Pool) -> None:
        self._pool = pool
        self._loop: Future[asyncio.AbstractEventLoop] = Future()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="reading", daemon=True)
        self._thread.start()

    def ask(self, question: bytes, data: bytes, name: str) -> Future[bytes]:
        return asyncio.run_coroutine_threadsafe(self._pool.ask(question, data, name), self._loop.result())

    def stop(self) -> None:
        """End the processes and the thread; what is being read is broken off."""
        with suppress(RuntimeError):  # it has stopped by itself
            self._loop.result().call_soon_threadsafe(self._stopping.set)
        if self._thread is not threading.current_thread():
            self._thread.join()

    async def _run(self) -> None:
        self._loop.set_result(asyncio.get_running_loop())
        try:
            await self._stopping.wait()
        finally:
            await self._pool.close()


class _Pool:
    """The processes, and which of them have nothing to do. It lives in one event loop."""

    def __init__(self, command: Sequence[str], start: bytes, limits: Limits) -> None:
        self._command = command
        self._start = start
        self._limits = limits
        self._slots = asyncio.Semaphore(limits.processes)
        self._idle: dict[Process, asyncio.TimerHandle] = {}
        self._asking: set[asyncio.Task[Any]] = set()
        self._ending: set[asyncio.Task[None]] = set()

    async def ask(self, question: bytes, data: bytes, name: str) -> bytes:
        """The answer to a file. Raises NoAnswer or NotStarted."""
        task = asyncio.current_task()
        assert task is not None
        self._asking.add(task)
        try:
            return await self._ask(question, data, name)
        finally:
            self._asking.discard(task)

    async def _ask(self, question: bytes, data: bytes, name: str) -> bytes:
        async with self._slots:
            process = await self._take()
            try:
                return await self._asked(process, question, data, name)
            except NoAnswer as error:
                if process.asked == 1 or error.late:
                    raise
            return await self._asked(await self._new(), question, data, name)

    async def _asked(self, process: Process, question: bytes, data: bytes, name: str) -> bytes:
        try:
            answer = await process.ask(question, data)
        except BaseException as error:
            await process.end()
            if isinstance(error, NoAnswer):
                for line in process.last_words:
                    log.warning("the process that read %s: %s", name, line)
            raise
        self._put_back(process)
        return answer

    async def _take(self) -> Process:
        while self._idle:
            process, timer = self._idle.popitem()
            timer.cancel()
            if process.alive:
                return process
            self._end(process)
        return await self._new()

    async def _new(self) -> Process:
        limits = self._limits
        return await Process.start(self._command, _environment(), self._start, limits.seconds, limits.memory_mb)

    def _put_back(self, process: Process) -> None:
        if process.asked >= _FILES:
            self._end(process)
            return
        loop = asyncio.get_running_loop()
        self._idle[process] = loop.call_later(_IDLE_SECONDS, self._expire, process)

    def _expire(self, process: Process) -> None:
        del self._idle[process]
        self._end(process)

    def _end(self, process: Process) -> None:
        task = asyncio.get_running_loop().create_task(process.end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Break off what is read, and end all processes."""
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        for process, timer in self._idle.items():
            timer.cancel()
            self._end(process)
        await asyncio.gather(*self._ending, return_exceptions=True)


def _environment() -> dict[str, str]:
    """The environment of a process: where the program is found, and hardly anything else."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {
        **passed,
        "PYTHONPATH": os.pathsep.join(str(Path(place).absolute()) for place in sys.path),
        "PYTHONUTF8": "1",
        # Libraries that compute with threads take memory for each of them.
        "MALLOC_ARENA_MAX": "2",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
