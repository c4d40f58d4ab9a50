"""What a lane has claimed and not begun, handed out so that one address gets one message at a time, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

from dispatch.delivery.ledger import Work

Waiters = deque["asyncio.Future[None]"]


class Todo:
    """A bounded queue for one producer and several consumers, on one event loop.

    It gives the first work whose address no consumer is busy with: a chat reads the digests of an issue in the issue's
    order, and the parts of one are never parted by another.
    """

    def __init__(self, size: int) -> None:
        self.size = size  # may change
        self._waiting: deque[Work] = deque()
        self._busy: set[str] = set()
        self._closed = False
        self._getters: Waiters = deque()
        self._putters: Waiters = deque()

    @property
    def waiting(self) -> int:
        """How many have not begun."""
        return len(self._waiting)

    async def room(self) -> None:
        """Returns when fewer than `size` are left."""
        while not self._closed and self.waiting >= self.size:
            await turn(self._putters)

    def put(self, works: Iterable[Work]) -> None:
        """Add works, unless it is closed: then nobody is left to take them."""
        if self._closed:
            return
        for work in works:
            self._waiting.append(work)
            wake(self._getters)

    def close(self) -> None:
        """Nothing more comes: consumers get what is left, then None."""
        self._closed = True
        for waiters in (self._getters, self._putters):
            while waiters:
                wake(waiters)

    def take(self, behind: Work | None = None) -> Work | None:
        """The next work that may begin now, whose address is busy until `done`; None where there is none. `behind` is
        the one that the same connection is still busy with."""
        for place, work in enumerate(self._waiting):
            if work.address not in self._busy:
                del self._waiting[place]
                self._busy.add(work.address)
                if len(self._waiting) < self.size:
                    wake(self._putters)
                return work
        return None

    async def get(self) -> Work | None:
        """The next work; None at the end."""
        while True:
            work = self.take()
            if work is not None:
                return work
            if self._closed and not self.waiting:
                return None
            try:
                await self.changed()
            except asyncio.CancelledError:
                wake(self._getters)  # the turn may have been given already: it is another's
                raise

    async def changed(self) -> None:
        """Returns when there may be something to take."""
        await turn(self._getters)

    def done(self, work: Work) -> None:
        """The address is free again."""
        self._busy.discard(work.address)
        if self.waiting:
            wake(self._getters)
        elif self._closed:
            while self._getters:
                wake(self._getters)


async def turn(waiters: Waiters) -> None:
    """Returns when it is woken."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiters.append(future)
    try:
        await future
    finally:
        if not future.done() or future.cancelled():
            waiters.remove(future)


def wake(waiters: Waiters) -> None:
    """Wake the first that still waits."""
    while waiters:
        future = waiters.popleft()
        if not future.done():
            future.set_result(None)
            return
