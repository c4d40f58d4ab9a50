"""Waiting for something to become true without asking again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Signal:
    """Whoever changes something says `notify`; whoever waits looks again then."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        """Wake everybody who waits."""
        self._event.set()
        self._event = asyncio.Event()

    async def until(self, condition: Callable[[], bool], within: float | None) -> bool:
        """Wait until `condition` holds, `within` seconds at most (None: for ever); whether it holds."""
        try:
            async with asyncio.timeout(within):
                while not condition():
                    await self._event.wait()
        except TimeoutError:
            return False
        return True
