"""How fast a lane may go: uniform pacing (GCRA, burst 1) and a least distance between messages to one address.

A bucket that starts full would send a burst that providers answer with refusals.
"""

from __future__ import annotations

from dispatch.delivery.channel import Lane
from dispatch.delivery.clock import Clock


class Pace:
    """The slots of one lane. `acquire` is called before each send, `done` after it."""

    def __init__(self, lane: Lane, clock: Clock) -> None:
        self._lane = lane
        self._clock = clock
        self._next = 0.0
        self._addresses: dict[str, float] = {}

    @property
    def is_free(self) -> bool:
        """Whether nothing ever has to wait."""
        lane = self._lane
        return not (lane.rate or lane.address_interval or lane.group_interval)

    async def acquire(self, address: str) -> None:
        """Wait for this address's turn, then for the lane's."""
        interval = self._interval(address)
        if interval:
            await self._turn_of(address)
            self._forget()
            self._addresses[address] = self._clock.monotonic() + interval
        if self._lane.rate:
            await self._slot(1 / self._lane.rate)

    def done(self, address: str) -> None:
        """The send is over: the distance to the address's next one counts from here, for what the receiver measures
        is when messages arrive, and a slow send arrives late."""
        interval = self._interval(address)
        if interval:
            self._addresses[address] = self._clock.monotonic() + interval

    async def _turn_of(self, address: str) -> None:
        # Looked at again after each wait: a send under way to the same address moves the turn.
        while (wait := self._addresses.get(address, 0.0) - self._clock.monotonic()) > 0:
            await self._clock.sleep(wait)

    async def _slot(self, spacing: float) -> None:
        now = self._clock.monotonic()
        turn = max(now, self._next)
        self._next = turn + spacing
        if turn > now:
            await self._clock.sleep(turn - now)

    def _interval(self, address: str) -> float:
        return self._lane.group_interval if address.startswith("-") else self._lane.address_interval

    def _forget(self) -> None:
        """Keep only addresses that still have to wait: the table stays as small as one interval's messages."""
        if len(self._addresses) > 10_000:
            now = self._clock.monotonic()
            self._addresses = {name: turn for name, turn in self._addresses.items() if turn > now}
