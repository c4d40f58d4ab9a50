"""Cutting off what takes too long: as `asyncio.timeout`, with one timer for many turns."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Watchdog:
    """A context manager that one task enters again and again; a turn of more than `seconds` ends in TimeoutError."""

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._seconds = seconds
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._cut = False
        self._cancelling = 0

    def __enter__(self) -> None:
        assert self._task is not None
        self._cancelling = self._task.cancelling()
        self._until = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_at(self._until, self._look)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._until = 0.0
        if self._cut:
            self._cut = False
            assert self._task is not None
            if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
                raise TimeoutError from error  # unless somebody else cancelled it, too

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """The timer outlives the turn for which it was set: it looks again when the present one would end."""
        self._timer = None
        if not self._until:
            return
        if self._loop.time() < self._until:
            self._timer = self._loop.call_at(self._until, self._look)
        elif self._task is not None:
            self._cut = True
            self._task.cancel()
