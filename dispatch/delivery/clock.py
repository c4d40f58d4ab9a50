"""Time as a parameter: the engine sleeps and reads the clock only here, and tests bring a clock of their own."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> int:
        """Milliseconds since 1970, UTC."""

    def monotonic(self) -> float:
        """Seconds of a clock that is never set, and goes on while the machine is suspended where it can tell."""

    async def sleep(self, seconds: float) -> None: ...


# Linux's CLOCK_MONOTONIC stands still in a suspended machine: a claim made before would pass for fresh after it.
_BOOT = getattr(time, "CLOCK_BOOTTIME", None)


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic() if _BOOT is None else time.clock_gettime(_BOOT)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
