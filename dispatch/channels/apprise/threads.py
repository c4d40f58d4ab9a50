"""Blocking calls beside the event loop: a few threads, and a limit of time to each call."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class AllBusy(Exception):
    """No thread became free in time."""


class Threads:
    """At most so many threads at a time. They are daemons: one that hangs does not keep the program from its end.

    A thread that does not come back in time counts as long as it lives, so there are never more.
    """

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)

    async def run(self, work: Callable[[], Result], seconds: float) -> Result:
        """What `work` returns, or raises. Raises TimeoutError where that takes longer, and AllBusy where it cannot
        begin in that time."""
        try:
            async with asyncio.timeout(seconds):
                await self._free.acquire()
        except TimeoutError:
            raise AllBusy from None
        done = self._start(work)
        async with asyncio.timeout(seconds):
            result, error = await asyncio.shield(done)
        if error is not None:
            raise error
        return result  # type: ignore[return-value] # there is one where there is no error

    def _start(self, work: Callable[[], Result]) -> asyncio.Future[tuple[Result | None, Exception | None]]:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[tuple[Result | None, Exception | None]] = loop.create_future()

        def finish(result: Result | None, error: Exception | None) -> None:
            self._free.release()
            if not done.done():
                done.set_result((result, error))

        def body() -> None:
            result, error = None, None
            try:
                result = work()
            except Exception as raised:
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(finish, result, error)

        threading.Thread(target=body, name="apprise", daemon=True).start()
        return done
