"""How fast a lane may go: uniform pacing (GCRA, burst 1) and a least distance between messages to one chat.

A bucket that starts full would send a burst that providers answer with refusals. Several may share a pace: what a
person waits for (`urgent`) takes the next slot, before all that waits already.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from dispatch.delivery.channel import Lane
from dispatch.delivery.clock import Clock
from subscribers.addresses import receiver_of

_EARLY = 0.0005  # seconds; a clock tells no less
_CATCH_UP = 0.5  # seconds of slots that were given late, as by a busy machine, and are made up for
_CLOSEST = 0.85  # of the usual distance: how close slots come to each other meanwhile
_MINUTE = 60.0
_SECOND = 1.025  # seconds: when a message arrived is known to a few hundredths only
_CHATS = 10_000
_SLOWEST = 1 / 32  # of the lane's rate
_RECOVERY = 1 / 500  # of the lane's rate, that each message that went well gives back
_ONE_EVENT = 1.0  # seconds: refusals so close together tell of one excess


@dataclass(slots=True, eq=False)
class _Waiter:
    chat: str
    urgent: bool
    since: float
    given: asyncio.Future[None]


class _Window:
    """So many sends in so many seconds, as a receiver with a sliding window counts them: by when they arrive, which is
    taken for the end of the send but for the time that sends usually take."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._times: deque[float] = deque()
        self._flying: deque[int] = deque()  # places of those without an end, counted from the first send ever
        self._dropped = 0

    def turn(self, now: float) -> float:
        """When the next send may begin."""
        while self._times and self._times[0] <= now - self._seconds + _EARLY:
            self._times.popleft()
            self._dropped += 1
        return self._times[-self._limit] + self._seconds if len(self._times) >= self._limit else 0.0

    def begin(self, now: float) -> None:
        self._flying.append(self._dropped + len(self._times))
        self._times.append(now)

    def undo(self) -> None:
        """The send that began last was none."""
        if self._flying:
            place = self._flying.pop() - self._dropped
            if place == len(self._times) - 1:
                self._times.pop()

    def done(self, at: float) -> None:
        """The send that began first of those under way has arrived."""
        if not self._flying:
            return
        place = self._flying.popleft() - self._dropped
        if place >= 0:
            self._times[place] = max(at, self._times[place])


@dataclass(slots=True)
class _Chat:
    """When a chat was last written to, and how often in the last minute, if it is a group."""

    last: float
    minute: _Window | None = None
    begun: deque[float] = field(default_factory=deque)
    rests_until: float = 0.0


class Pace:
    """The slots of one lane, and of all else that goes out by it. `acquire` is called before each send, `done` after
    it, whatever became of it."""

    def __init__(self, lane: Lane, clock: Clock) -> None:
        self._lane = lane
        self._clock = clock
        self._next = 0.0
        self._due = 0.0  # when the next slot would be, had none been given late
        self._share = 1.0  # of the lane's rate, after the receiver has asked for less
        self._slowed_at = -_ONE_EVENT
        self._usual = 0.0  # seconds that a send takes at least
        # As many as the uniform pace ever gives in a second: kept where sends are held up on their way and then come
        # all at once.
        self._second = _Window(int(lane.rate or 0) + 1, _SECOND if lane.address_interval else 1.0)
        self._chats: dict[str, _Chat] = {}
        self._urgent: deque[_Waiter] = deque()
        self._normal: deque[_Waiter] = deque()
        self._timer: asyncio.Task[None] | None = None
        self._wakes_at = 0.0

    @property
    def is_free(self) -> bool:
        """Whether nothing ever has to wait."""
        lane = self._lane
        return not (lane.rate or lane.address_interval or lane.group_interval)

    @property
    def rate(self) -> float | None:
        """Messages a second at present: the lane's, or less after the receiver asked for less."""
        return self._lane.rate and self._lane.rate * self._share

    async def acquire(self, address: str, *, urgent: bool = False) -> None:
        """Wait for this address's turn, and the lane's: a chat that has to wait takes no slot from others."""
        since = self._clock.monotonic()
        waiter = _Waiter(receiver_of(address), urgent, since, asyncio.get_running_loop().create_future())
        line = self._urgent if urgent else self._normal
        line.append(waiter)
        self._give()
        self._keep_time()
        try:
            await waiter.given
        except asyncio.CancelledError:
            if waiter.given.cancelled():
                line.remove(waiter)
            else:
                self.unused(address)  # the turn was given already
            self._keep_time()
            raise

    def done(self, address: str, *, well: bool = False, rest: float = 0.0) -> None:
        """The send is over: the distance to the address's next one counts from here, for what the receiver measures
        is when messages arrive, and a slow send arrives late. After one that went `well` a lane that was slowed down
        goes a little faster. `rest`: the receiver takes nothing more for this address for so many seconds."""
        now = self._clock.monotonic()
        if well:
            self._share = min(1.0, self._share + _RECOVERY)
        chat = self._chats.get(receiver_of(address))
        if chat is None or not chat.begun:
            return
        took = now - chat.begun.popleft()
        self._usual = took if took < self._usual or not self._usual else self._usual + (took - self._usual) / 500
        chat.last = now
        chat.rests_until = now + rest
        if chat.minute is not None:
            chat.minute.done(now)
        self._second.done(now - self._usual)

    def unused(self, address: str) -> None:
        """What was acquired last of an address is not used: the slot is another's."""
        chat = self._chats.get(receiver_of(address))
        if chat is None or not chat.begun:
            return
        chat.begun.pop()
        if chat.minute is not None:
            chat.minute.undo()
        if self._lane.rate:
            self._second.undo()
            self._due -= self._distance
            self._next = max(self._next - self._distance, self._clock.monotonic())
            self._give()
            self._keep_time()

    def wait(self, address: str) -> float:
        """Seconds until the address has its turn, whatever the lane has."""
        now = self._clock.monotonic()
        wait = self._turn(receiver_of(address), now, urgent=False) - now
        return wait if wait > _EARLY else 0.0

    def slow_down(self) -> None:
        """The receiver wants less from the lane as a whole: half the rate, which comes back as messages go well."""
        now = self._clock.monotonic()
        if now - self._slowed_at >= _ONE_EVENT:
            self._share = max(self._share / 2, _SLOWEST)
        self._slowed_at = now

    def _give(self) -> None:
        """Give slots to those whose turn it is."""
        now = self._clock.monotonic()
        while self._slot(now) <= now + _EARLY:
            waiter = next((one for one in self._waiters() if self._turn_of(one, now) <= now + _EARLY), None)
            if waiter is None:
                return
            (self._urgent if waiter.urgent else self._normal).remove(waiter)
            if self._lane.rate:
                self._use_slot(now, waited=waiter.since <= self._next + _EARLY)
            self._begin(waiter.chat, now)
            if not waiter.given.done():
                waiter.given.set_result(None)

    def _use_slot(self, now: float, *, waited: bool) -> None:
        """The next slot is a distance away; a little less while slots that somebody `waited` for were given late. One
        that nobody waited for is not made up for."""
        distance = self._distance
        self._due = (max(self._due, now - _CATCH_UP) if waited else now) + distance
        self._next = max(self._due, now + _CLOSEST * distance)
        self._second.begin(now)

    @property
    def _distance(self) -> float:
        assert self._lane.rate
        return 1 / (self._lane.rate * self._share)

    def _begin(self, chat: str, now: float) -> None:
        self._forget(now)
        known = self._chats.get(chat)
        if known is None:
            known = self._chats[chat] = _Chat(now, self._minute(chat))
        known.last = now
        known.begun.append(now)
        if known.minute is not None:
            known.minute.begin(now)

    def _minute(self, chat: str) -> _Window | None:
        interval = self._lane.group_interval
        return _Window(max(1, int(_MINUTE / interval)), _MINUTE) if is_group(chat) and 0 < interval < _MINUTE else None

    def _waiters(self) -> Iterator[_Waiter]:
        yield from self._urgent
        yield from self._normal

    def _slot(self, now: float) -> float:
        return max(self._next, self._second.turn(now)) if self._lane.rate else 0.0

    def _turn_of(self, waiter: _Waiter, now: float) -> float:
        return self._turn(waiter.chat, now, urgent=waiter.urgent)

    def _turn(self, chat: str, now: float, *, urgent: bool) -> float:
        """What is urgent keeps a group's limit a minute, but is not spread over it."""
        known = self._chats.get(chat)
        if known is None:
            return 0.0
        lane = self._lane
        group = is_group(chat) and not (urgent and known.minute is not None)
        turn = max(known.last + (lane.group_interval if group else lane.address_interval), known.rests_until)
        return turn if known.minute is None else max(turn, known.minute.turn(now))

    def _keep_time(self) -> None:
        """See that whoever waits is looked at again when the first of them has a turn."""
        now = self._clock.monotonic()
        slot = self._slot(now)
        soonest = min((max(slot, self._turn_of(waiter, now)) for waiter in self._waiters()), default=None)
        if self._timer is not None and (soonest is None or soonest < self._wakes_at - _EARLY):
            self._timer.cancel()
            self._timer = None
        if soonest is not None and self._timer is None:
            self._wakes_at = soonest
            self._timer = asyncio.create_task(self._wake(max(soonest - now, 2 * _EARLY)), name="pace")

    async def _wake(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._timer = None
        self._give()
        self._keep_time()

    def _forget(self, now: float) -> None:
        """Keep only chats that still have to wait: the table stays as small as one interval's messages."""
        if len(self._chats) <= _CHATS:
            return
        longest = max(self._lane.group_interval, self._lane.address_interval)
        self._chats = {
            name: chat
            for name, chat in self._chats.items()
            if chat.last + longest > now
            or chat.rests_until > now
            or (chat.minute is not None and now - chat.last < _MINUTE)
        }


def is_group(chat: str) -> bool:
    """Whether a chat is one of many people: a group, or a channel."""
    return chat.startswith(("-", "@"))
