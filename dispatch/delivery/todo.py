"""What a lane has claimed and not begun, handed out so that one address gets one message at a time, in order."""

from __future__ import annotations

import asyncio
from collections import deque

from dispatch.delivery.ledger import Work


class Todo:
    """A bounded queue for one producer and several consumers.

    `get` gives the first work whose address no consumer is busy with: a chat reads the digests of an issue in the
    issue's order, and the parts of one are never parted by another.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._waiting: deque[Work] = deque()
        self._busy: set[str] = set()
        self._closed = False
        self._changed = asyncio.Condition()

    async def put(self, work: Work) -> None:
        """Add a work; waits while the queue is full."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or len(self._waiting) < self._size)
            if self._closed:
                return  # nobody is left to take it
            self._waiting.append(work)
            self._changed.notify_all()

    async def close(self) -> None:
        """Nothing more comes: consumers get what is left, then None."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def get(self) -> Work | None:
        """The next work, whose address is busy until `done`; None at the end."""
        async with self._changed:
            while True:
                work = self._next()
                if work is not None or (self._closed and not self._waiting):
                    self._changed.notify_all()
                    return work
                await self._changed.wait()

    async def done(self, work: Work) -> None:
        async with self._changed:
            self._busy.discard(work.address)
            self._changed.notify_all()

    def _next(self) -> Work | None:
        for place, work in enumerate(self._waiting):
            if work.address not in self._busy:
                del self._waiting[place]
                self._busy.add(work.address)
                return work
        return None
