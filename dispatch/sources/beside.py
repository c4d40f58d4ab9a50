"""Blocking work in threads of its own kind: a network drive or a mail server that hangs holds up nobody else.

The event loop's own threads are few, and the program's end waits for them; these are daemons.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from dispatch.sources.source import Trouble

T = TypeVar("T")
V = TypeVar("V")


class Beside:
    """One piece of blocking work at a time. What has not come back within `seconds` is left to itself, and nothing is
    begun until it does."""

    def __init__(self, what: str, seconds: float) -> None:
        self._what = what
        self._seconds = seconds
        self._hangs: threading.Thread | None = None

    async def call(self, work: Callable[[], T]) -> T:
        """What `work` gives. Raises what it raises, and Trouble where it does not come back."""
        if self._hangs is not None and self._hangs.is_alive():
            raise Trouble(f"{self._what}: it has still not answered; is the network there?")
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[T] = loop.create_future()
        thread = threading.Thread(target=_run, args=(loop, ended, work), name=f"source {self._what}", daemon=True)
        self._hangs = thread
        thread.start()
        came_back = False
        try:
            async with asyncio.timeout(self._seconds):
                await asyncio.wait([ended])
            came_back = True
            return ended.result()
        except TimeoutError:
            raise Trouble(f"{self._what}: no answer within {self._seconds:g} seconds; is the network there?") from None
        finally:
            if came_back:
                self._hangs = None

    async def close(self, work: Callable[[], None]) -> None:
        """Clean up, unless what is to be cleaned up hangs; an error of it matters to nobody any more."""
        if self._hangs is None or not self._hangs.is_alive():
            with contextlib.suppress(Exception):
                await self.call(work)


def _run(loop: asyncio.AbstractEventLoop, ended: asyncio.Future[T], work: Callable[[], T]) -> None:
    try:
        found = work()
    except BaseException as error:  # whatever it is belongs to who waits for it
        _tell(loop, ended, ended.set_exception, error)
    else:
        _tell(loop, ended, ended.set_result, found)


def _tell(loop: asyncio.AbstractEventLoop, ended: asyncio.Future[T], say: Callable[[V], None], news: V) -> None:
    def tell() -> None:
        if not ended.done():
            say(news)

    with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits any more
        loop.call_soon_threadsafe(tell)
