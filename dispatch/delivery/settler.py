"""Writing outcomes down, many in one commit.

A connection waits for its own outcome before it sends again. Connections that finish while a commit is under way
share the next one: the disk sets the size of the batch.
"""

from __future__ import annotations

import asyncio
import logging

from dispatch.delivery import settles
from dispatch.delivery.clock import Clock
from dispatch.delivery.ledger import Attempt, Begun, Work
from dispatch.delivery.store import Store
from subscribers.errors import DatabaseError

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 1.0

_Waiting = tuple[Attempt | Begun, "asyncio.Future[bool]"]


class Settler:
    """Group commit, in a task of its own: a sender that is cancelled takes no other's outcome with it."""

    def __init__(self, store: Store, clock: Clock, stopping: asyncio.Event, patience: float) -> None:
        self._store = store
        self._clock = clock
        self._stopping = stopping
        self._patience = patience  # seconds after a stop
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def settle(self, attempt: Attempt) -> bool:
        """Returns when the outcome is committed; False where the lease was lost to somebody else."""
        return await self._written(attempt)

    async def begin(self, work: Work, part: int) -> bool:
        """Returns when it is committed that a part is about to be sent; False where the lease was lost."""
        return await self._written(Begun(work, part))

    async def _written(self, attempt: Attempt | Begun) -> bool:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((attempt, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="settler")
        return await future

    async def idle(self) -> None:
        """Returns when nothing waits to be written, whoever has given up waiting for it."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await self._write(batch)
            except Exception as error:
                await self._one_by_one(batch, error)

    async def _write(self, batch: list[_Waiting]) -> None:
        attempts = [attempt for attempt, _ in batch]
        results = await self._patiently(attempts)
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)

    async def _patiently(self, attempts: list[Attempt | Begun]) -> list[bool]:
        """A store that is locked or full must not cost an acceptance: it is tried until it works, or until a stop has
        lasted as long as it may."""
        until: float | None = None
        while True:
            try:
                return await self._store.call(settles.settle, attempts, self._clock.now())
            except DatabaseError as error:
                now = self._clock.monotonic()
                if self._stopping.is_set():
                    until = now + self._patience if until is None else until
                if until is not None and now >= until:
                    raise
                log.error("%d outcomes wait to be written: %s", len(attempts), error)
                await self._clock.sleep(_AGAIN_SECONDS)

    async def _one_by_one(self, batch: list[_Waiting], failure: Exception) -> None:
        """What the store refuses for one outcome must not hold the others."""
        for attempt, future in batch:
            if future.done():
                continue
            if len(batch) == 1 or isinstance(failure, DatabaseError):
                future.set_exception(failure)
                continue
            try:
                await self._write([(attempt, future)])
            except Exception as error:
                future.set_exception(error)
