"""How fast a lane may go: uniform pacing (GCRA, burst 1) and a least distance between messages to one address.

A bucket that starts full would send a burst that providers answer with refusals.
"""

from __future__ import annotations

from dispatch.delivery.channel import Lane
from dispatch.delivery.clock import Clock


class Pace:
    """The slots of one lane. `acquire` is called before each send."""

    def __init__(self, lane: Lane, clock: Clock) -> None:
        self._lane = lane
        self._clock = clock
        self._next = 0.0
        self._addresses: dict[str, float] = {}

    async def acquire(self, address: str) -> None:
        """Wait for this address's turn, then for the lane's. Slots are given out in the order of the calls."""
        now = self._clock.monotonic()
        turn = max(now, self._addresses.get(address, 0.0)) if self._interval(address) else now
        if self._lane.rate:
            turn = max(turn, self._next)
            self._next = turn + 1 / self._lane.rate
        if self._interval(address):
            self._forget(now)
            self._addresses[address] = turn + self._interval(address)
        if turn > now:
            await self._clock.sleep(turn - now)

    def _interval(self, address: str) -> float:
        return self._lane.group_interval if address.startswith("-") else self._lane.address_interval

    def _forget(self, now: float) -> None:
        """Keep only addresses that still have to wait: the table stays as small as one interval's messages."""
        if len(self._addresses) > 10_000:
            self._addresses = {name: turn for name, turn in self._addresses.items() if turn > now}
