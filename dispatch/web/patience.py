"""Waiting while another process keeps the store locked, such as a large import: an opt-out must not be lost for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from dispatch.delivery.clock import Clock
from subscribers.database import BUSY_SECONDS, Database
from subscribers.errors import Busy

P = ParamSpec("P")
T = TypeVar("T")

SECONDS = 12.0  # that a page waits for the lock: less than the time an answer may take
_REST_SECONDS = 0.5  # between two tries
_TRY_SECONDS = 0.05  # of a try, in which the store's thread serves nobody else


class Calls(Protocol):
    """What pages need of a store."""

    async def call(self, function: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T: ...


class Patient:
    """A store that tries again what it could not do for the lock. It tries briefly and rests between, so that others
    are read to meanwhile. What raises Busy has done nothing, or what can be done again."""

    def __init__(self, store: Calls, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def call(self, function: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As the store's. Raises Busy after SECONDS."""

        def work(db: Database) -> T:
            return _briefly(db, lambda: function(db, *args, **kwargs))

        give_up = self._clock.monotonic() + SECONDS
        while True:
            try:
                return await self._store.call(work)
            except Busy:
                if self._clock.monotonic() + _REST_SECONDS >= give_up:
                    raise
            await self._clock.sleep(_REST_SECONDS)


def _briefly(db: Database, work: Callable[[], T]) -> T:
    db.wait_for_locks(_TRY_SECONDS)
    try:
        return work()
    finally:
        db.wait_for_locks(BUSY_SECONDS)
