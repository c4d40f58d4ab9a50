"""This process among those that work on the same store: what it alone may do, and what the dead have left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

from dispatch.delivery import leases
from dispatch.delivery.clock import Clock
from dispatch.delivery.store import Store
from subscribers.errors import DatabaseError

log = logging.getLogger(__name__)

_BEAT = 10.0  # seconds between two signs of life
_BEAT_AGAIN = 1.0


class Member:
    """Says that this process is there for as long as it is `present()`, and holds leases for it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}
        self._depth = 0
        self._registered = False
        self.owner = leases.new_owner()
        self.on_renewed: Callable[[set[str]], None] = lambda held: None

    @asynccontextmanager
    async def present(self) -> AsyncIterator[None]:
        """Leases can be held inside; at the end all are given back. May be nested."""
        self._depth += 1
        if self._depth > 1:
            try:
                yield
            finally:
                self._depth -= 1
            return
        await self._register()
        beating = asyncio.create_task(self._beat(), name="signs of life")
        try:
            yield
        finally:
            self._depth -= 1
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            await self._withdraw()

    async def _withdraw(self) -> None:
        try:
            await self._store.call(leases.withdraw, self.owner)
        except DatabaseError as error:
            log.error("what this process holds could not be given back; others take it over: %s", error)

    async def _register(self) -> None:
        """A store that is locked just now is no reason not to begin."""
        try:
            await self._store.call(leases.register, self.owner, self._clock.now())
            self._registered = True
        except DatabaseError as error:
            log.error("no sign of life could be given: %s", error)

    async def _beat(self) -> None:
        pause = _BEAT
        while True:
            await asyncio.sleep(pause if self._registered else _BEAT_AGAIN)  # real time: others see that we are there
            pause = _BEAT
            if not self._registered:
                await self._register()
                continue
            try:
                held = await self._store.call(leases.renew, self.owner, self._clock.now())
            except Exception as error:
                # Whatever it is: to fall silent would be to be taken for dead.
                log.error("no sign of life could be given: %s: %s", type(error).__name__, error)
                self._seen.clear()  # where we cannot write, others cannot either: their silence means nothing
                pause = _BEAT_AGAIN
                continue
            if leases.presence(self.owner) not in held:
                log.warning("this process was taken for dead: others have taken over what it held")
                await self._register()
            self.on_renewed(held)

    async def hold(self, name: str) -> bool:
        """Whether this process has what only one may have, now or already."""
        return await self._store.call(leases.hold, name, self.owner, self._clock.now())

    async def elsewhere(self, names: Collection[str]) -> set[str]:
        """Which of these leases another process holds."""
        found = await self._store.call(leases.holders, names) if names else {}
        return {name for name, owner in found.items() if owner != self.owner}

    async def acquire(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """See `leases.acquire`."""
        return await self._store.call(leases.acquire, wanted, self.owner, self._clock.now()) if wanted else {}

    async def drop(self, name: str) -> None:
        await self._store.call(leases.drop, name, self.owner)

    async def take_over(self) -> int:
        """Put back into the queue what the dead had claimed; how many messages."""
        found = await self._store.call(leases.owners)
        dead = {
            owner: None if leases.is_dead(owner) else until
            for owner, until in found.items()
            if owner != self.owner and self._is_dead(owner, until)
        }
        self._seen = {owner: seen for owner, seen in self._seen.items() if owner in found}
        count = await self._store.call(leases.take_over, self._clock.now(), self.owner, dead)
        if count:
            log.info("taken over from processes that are gone: %d messages", count)
        return count

    def _is_dead(self, owner: str, until: int) -> bool:
        """Gone from this machine, or silent for too long by our own clock."""
        if leases.is_dead(owner):
            return True
        now = self._clock.monotonic()
        last, since = self._seen.get(owner, (until, now))
        self._seen[owner] = (until, since if last == until else now)
        return bool(until) and last == until and now - since > leases.SILENT
