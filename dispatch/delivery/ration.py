"""Shares of a queue's messages: lanes with weights claim in that proportion, as long as they work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from dispatch.delivery.channel import Lane
from dispatch.delivery.clock import Clock

_STUCK = 5.0  # seconds without a claim after which the others wait for a lane no more
_LOOK_AGAIN = 1.0


@dataclass(slots=True)
class _Share:
    """What a lane has taken, by its weight, and when it did so last."""

    weight: float
    taken: float = 0.0
    last: float = 0.0
    works: bool = False
    failed: bool = False


class Ration:
    """The lanes of one queue in this process. A lane may be ahead of the one that has taken least by a page, weighed;
    one that rests, or has stopped asking, is waited for no more, and later owed nothing for that time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shares: dict[str, _Share] = {}
        self._changed = asyncio.Event()

    def join(self, lane: Lane) -> None:
        """A lane works from now on."""
        share = self._shares.setdefault(lane.name, _Share(lane.weight or 1.0))
        share.weight = lane.weight or 1.0
        others = [other.taken for name, other in self._shares.items() if name != lane.name]
        now = self._clock.monotonic()
        if (share.failed or not share.last or now - share.last >= _STUCK) and others:
            share.taken = max(share.taken, *others)
        share.works, share.failed, share.last = True, False, now
        self._wake()

    def leave(self, lane: Lane, *, failed: bool) -> None:
        """A lane works no more: its part is the others' at once."""
        share = self._shares.get(lane.name)
        if share is not None:
            share.works, share.failed = False, failed
            self._wake()

    async def turn(self, lane: Lane, page: int) -> int:
        """How many messages a lane may claim, up to `page`; waits until it is one at least."""
        while (room := self._room(lane, page)) < 1:
            self._changed = self._changed if not self._changed.is_set() else asyncio.Event()
            try:
                async with asyncio.timeout(_LOOK_AGAIN):
                    await self._changed.wait()
            except TimeoutError:
                continue
        return room

    def spend(self, lane: Lane, count: int) -> None:
        """A lane has claimed so many."""
        share = self._shares.get(lane.name)
        if share is not None:
            share.taken += count / share.weight
            share.last = self._clock.monotonic()
            self._wake()

    def _room(self, lane: Lane, page: int) -> int:
        own = self._shares.get(lane.name)
        if own is None or not own.works:
            return page
        now = self._clock.monotonic()
        working = [share for share in self._shares.values() if share.works and now - share.last < _STUCK]
        if not any(share is not own for share in working):
            return page
        least = min(share.taken for share in (*working, own))
        ahead = page / max(share.weight for share in (*working, own))
        room = min(page, int((least + ahead - own.taken) * own.weight))
        return max(room, 1) if own.taken <= least else room  # whoever is furthest behind never waits

    def _wake(self) -> None:
        self._changed.set()


def are_weighed(lanes: Sequence[Lane]) -> bool:
    """Whether lanes of a queue share its messages by weights."""
    return len(lanes) > 1 and any(lane.weight is not None for lane in lanes)
