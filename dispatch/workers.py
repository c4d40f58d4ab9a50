"""The processes that one `dispatch run` keeps going on its machine.

The first process starts the others and restarts those that die. Each of them reads from a pipe that only the first one
holds: when that closes, for whatever reason, they stop in good order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

log = logging.getLogger(__name__)

_RESTART_FIRST, _RESTART_LONGEST = 1.0, 30.0
_STEADY_SECONDS = 60.0  # the pause of who lived so long is the first again
_GRACE_SECONDS = 10.0


class Crew:
    """`count` processes `python -m dispatch ARGUMENTS`, which have `shutdown` seconds for what is in flight when they
    are told to stop."""

    def __init__(self, count: int, arguments: Sequence[str], shutdown: float) -> None:
        self._workers = [
            _Worker(number, [sys.executable, "-m", "dispatch", *arguments]) for number in range(1, count + 1)
        ]
        self._shutdown = shutdown

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """They run while inside, those that die are started again; at the end none is left."""
        tasks = [asyncio.create_task(worker.keep(), name=f"worker {worker.number}") for worker in self._workers]
        try:
            yield
        finally:
            self.stop()
            if tasks:
                _, late = await asyncio.wait(tasks, timeout=self._shutdown + _GRACE_SECONDS)
                self.kill()
                await asyncio.gather(*late, return_exceptions=True)

    def stop(self) -> None:
        """Tell them to stop in good order. Returns at once: they stop while the first process does."""
        for worker in self._workers:
            worker.stop()

    def kill(self) -> None:
        """End those that are left, whatever they have in flight."""
        for worker in self._workers:
            worker.kill()


class _Worker:
    """One process, restarted when it ends before it should."""

    def __init__(self, number: int, command: Sequence[str]) -> None:
        self.number = number
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    async def keep(self) -> None:
        pause = _RESTART_FIRST
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            try:
                end = f"ended with {await self._live()}"
            except OSError as error:  # no memory or no process left just now
                end = f"could not be started ({error.strerror})"
            if self._stopping.is_set():
                return
            if loop.time() - began > _STEADY_SECONDS:
                pause = _RESTART_FIRST
            log.error("worker %d %s; started again in %g seconds", self.number, end, pause)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()
            pause = min(pause * 2, _RESTART_LONGEST)

    async def _live(self) -> int:
        """One life of the process; its exit code."""
        # A session of its own: a key pressed at the terminal is the first process's to pass on.
        process = self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, start_new_session=True
        )
        log.info("worker %d is process %d", self.number, process.pid)
        if self._stopping.is_set():  # told while it was being started
            self.stop()
        code = await process.wait()
        self._process = None
        return code

    def stop(self) -> None:
        """Close the pipe: the process ends by itself."""
        self._stopping.set()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            log.warning("worker %d is ended with what it has in flight", self.number)
            self._process.kill()


async def watch_first(stop: Callable[[], None]) -> None:
    """In a worker: `stop()` when the first process closes the pipe or is gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while await reader.read(1024):
            pass
        log.info("stopping: the first process has ended, or wants it so")
        stop()
    finally:
        transport.close()
