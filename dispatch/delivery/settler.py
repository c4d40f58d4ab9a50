"""Writing outcomes down, many in one commit.

A connection waits for its own outcome before it sends again. Connections that finish while a commit is under way
share the next one: the disk sets the size of the batch.
"""

from __future__ import annotations

import asyncio

from dispatch.delivery import ledger
from dispatch.delivery.clock import Clock
from dispatch.delivery.ledger import Attempt
from dispatch.delivery.store import Store


class Settler:
    """Group commit: whoever holds the lock writes for all that wait."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._waiting: list[tuple[Attempt, asyncio.Future[bool]]] = []
        self._lock = asyncio.Lock()

    async def settle(self, attempt: Attempt) -> bool:
        """Returns when the outcome is committed; False where the lease was lost to somebody else."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((attempt, future))
        async with self._lock:
            if not future.done():
                await self._flush()
        return await future

    async def _flush(self) -> None:
        batch, self._waiting = self._waiting, []
        try:
            results = await self._store.call(ledger.settle, [attempt for attempt, _ in batch], self._clock.now())
        except BaseException as error:
            failure = error if isinstance(error, Exception) else RuntimeError("stopped while settling")
            for _, future in batch:
                if not future.done():
                    future.set_exception(failure)
            raise
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
