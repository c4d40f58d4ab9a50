"""What each receiver behind a lane's addresses takes from it: a mailbox provider, with limits of its own.

A group has so many sends at a time and so many a second (GCRA, burst 1). A receiver that asks for less gets nothing at
all for a while; then one send at a time goes, and one more each time that ten have gone well, up to its limit. What has
no room in the next seconds is put off, uncounted, to when there will be: it holds up nobody else's messages.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from dispatch.delivery.channel import Channel, Grouping, GroupLimits, Lane, grouping_of
from dispatch.delivery.clock import Clock
from dispatch.delivery.lanes import CLOSED, LaneState, group_lane, waits_for
from dispatch.delivery.ledger import GroupChange, PutOff, Work
from dispatch.model import Outcome, Retry

AHEAD = 3.0
"""Seconds for which messages of a group are kept ready; the others are put off."""

_WELL = 10  # sends that have to go well for one more at a time
_DOUBLINGS = 3  # of the rest, where the first message after it is refused again
_TOOK = 0.5  # seconds that a send is taken for until one was made
_SOONEST = 0.001  # seconds; a clock tells no less
_LEAST_AHEAD_MS = 120_000
_MS_A_MESSAGE = 2  # put off so much further, the more there are: each is looked at again only so often
_DOMAINS = 1000  # of no provider, that have asked for a rest
_CAN_WAIT = frozenset({"digest", "bundle", "correction"})  # kinds of messages; for the others somebody waits


Taker = Callable[[Work, float], bool]
"""Takes a work over that was claimed at a time, or says that it cannot."""


@dataclass(slots=True)
class _Group:
    """How a group stands with this lane."""

    limits: GroupLimits
    ceiling: int
    state: LaneState
    allowed: int
    busy: int = 0
    well: int = 0
    refusals: int = 0
    next: float = 0.0
    took: float = _TOOK

    @property
    def speed(self) -> float:
        """Messages a second that it takes, as far as can be told."""
        return min(self.limits.rate or math.inf, self.allowed / max(self.took, _SOONEST))

    def slow_down(self, state: LaneState) -> None:
        self.state, self.allowed, self.well = state, 1, 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an outcome means for its group: `rest` in seconds from now (0: none), and what is to be written down."""

    group: str
    rest: float = 0.0
    change: GroupChange | None = None


class Gate:
    """The groups of one lane, or of one share of it. Outlives the lane's runs."""

    def __init__(self, lane: Lane, slots: int, grouping: Grouping, clock: Clock, gates: Gates) -> None:
        self._lane = lane
        self._slots = slots
        self._grouping = grouping
        self._clock = clock
        self._gates = gates
        self._groups: dict[str, _Group] = {}
        self._troubled: set[str] = set()  # groups that rest or recover
        self._domains: set[str] = set()  # groups that are no provider's: there only while they rest or recover
        self.taker: Taker | None = None  # what takes over claimed works while its lane is at work
        self.usable = False  # whether its lane works, or would if something were due
        self._claiming = False  # whether its lane is about to learn what it has claimed, and may not send some of it

    @property
    def lane(self) -> Lane:
        return self._lane

    def group(self, address: str) -> str:
        """The group whose limits an address is under; "" for none."""
        name = self._grouping.group(address)
        if name or not self._domains:
            return name
        own = self._grouping.own_group(address)
        return own if own in self._domains else ""

    def rest(self, group: str) -> float:
        """Seconds for which nothing of it may go."""
        found = self._groups.get(group)
        return found.state.wait(self._clock.now()) / 1000 if found else 0.0

    def reason(self, group: str) -> str:
        """Why it rests."""
        return self._group(group).state.reason

    def wait(self, group: str, *, behind: bool = False) -> float:
        """Seconds until a message of it may be taken: 0 for now, inf until another send has ended. `behind` a send of
        the same group on the same connection it needs no place of its own. Nobody waits for a rest: what is taken then
        has to be put off."""
        found = self._group(group)
        if found.state.breaker != CLOSED and found.state.wait(self._clock.now()):
            return 0.0
        if found.busy - behind >= found.allowed:
            return math.inf
        delay = found.next - self._clock.monotonic() if found.limits.rate else 0.0
        return delay if delay >= _SOONEST else 0.0

    def begin(self, group: str, *, behind: bool = False) -> None:
        """A send begins now; one `behind` another takes that one's place when it ends."""
        found = self._group(group)
        found.busy += not behind
        if found.limits.rate:
            found.next = max(found.next, self._clock.monotonic()) + 1 / found.limits.rate

    def take_place(self, group: str) -> None:
        """The send that this one was behind has ended."""
        self._group(group).busy += 1

    def end(self, group: str, took: float) -> None:
        """A send has ended after so many seconds."""
        found = self._groups.get(group)
        if found is not None:
            found.busy = max(0, found.busy - 1)
            found.took += (took - found.took) / 5

    def rests(self, address: str) -> bool:
        """Whether nothing may go to an address for now."""
        return bool(self._troubled) and self.rest(self.group(address)) > 0

    def judge(self, address: str, outcome: Outcome) -> Verdict | None:
        """Learn from an outcome; None where it changes nothing."""
        if isinstance(outcome, Retry):
            return (
                None
                if outcome.group_rest is None
                else self._refused(self.group(address) or self._own(address), outcome)
            )
        if not self._troubled:
            return None
        group = self.group(address)
        found = self._groups.get(group)
        if found is None or group not in self._troubled or found.state.wait(self._clock.now()):
            return None
        found.well, found.refusals = found.well + 1, 0
        if found.well < _WELL:
            return None
        found.well = 0
        found.allowed += found.allowed < found.ceiling
        return Verdict(group, change=self._recovered(group, found)) if found.allowed >= found.ceiling else None

    def sort(self, works: Iterable[Work], ready: Mapping[str, int]) -> tuple[list[Work], list[Work]]:
        """Which of some works are kept ready, where of each group so many are `ready` already, and which have to
        wait."""
        count, go, wait = dict(ready), [], []
        for work in works:
            group = self.group(work.address)
            if group:
                if not self._takes(group, work, count.get(group, 0)):
                    wait.append(work)
                    continue
                count[group] = count.get(group, 0) + 1
            go.append(work)
        return go, wait

    def has_room(self, work: Work, ready: int) -> bool:
        """Whether a work can go soon, where so many of its group are ready already."""
        group = self.group(work.address)
        return not group or self._takes(group, work, ready)

    def _takes(self, group: str, work: Work, ready: int) -> bool:
        if group in self._troubled and self.rest(group):
            return False
        return work.kind not in _CAN_WAIT or ready < max(1.0, self._group(group).speed * AHEAD)

    def hand_over(self, work: Work, since: float) -> bool:
        """Give a work, claimed at a time, to another lane at work on the same queue, if this one may not send it and
        that one may; whether one has taken it."""
        group = self.group(work.address)
        return bool(self.rest(group)) and any(taker(work, since) for taker in self._gates.takers(self))

    @contextmanager
    def claims(self) -> Iterator[None]:
        """While the lane claims, and passes on what it may not send."""
        self._claiming = any(self.rest(group) for group in self._troubled)
        try:
            yield
        finally:
            self._claiming = False

    @property
    def claiming(self) -> bool:
        """Whether what it claims at this moment may have to go another way."""
        return self._claiming

    @property
    def is_awaited(self) -> bool:
        """Whether another lane of the queue may have to hand something over in a moment."""
        return self._gates.is_claiming(self)

    def put_off(self, work: Work) -> PutOff:
        """Until when a work waits for its group; uncounted, and no longer than it is worth sending."""
        group = self.group(work.address)
        due_at, resting = self._gates.due(self, group)
        reason = waits_for(group_lane(self._lane.name, group)) if resting else None
        return PutOff(work, min(due_at, work.expires_at), reason)

    def learn(self, states: Iterable[LaneState]) -> None:
        """What is written down about groups that rest, or had to: by an earlier run, another process, or a person who
        has woken one."""
        for state in states:
            found = self._group(state.name.partition(">")[2])
            if state.breaker == CLOSED or state.changed_at <= found.state.changed_at:
                continue
            if found.state.breaker == CLOSED:
                found.slow_down(state)
            found.state = state
            self._troubled.add(state.name.partition(">")[2])

    def ahead(self) -> float:
        """Seconds until the last message of the queue is due that was put off for the pace of its group; 0 for none."""
        return self._gates.ahead(self._lane.queue)

    def speed(self, group: str) -> float:
        """Messages a second of a group that go this way; 0 where it rests."""
        return 0.0 if self.rest(group) else self._group(group).speed

    def _refused(self, group: str, outcome: Retry) -> Verdict:
        found, now = self._group(group), self._clock.now()
        seconds = max(outcome.group_rest or 0.0, found.limits.backoff)
        if not found.state.wait(now):  # what was on its way when it began to rest says nothing new
            seconds *= 2 ** min(found.refusals, _DOUBLINGS)
            found.refusals += 1
        found.slow_down(found.state.rested(outcome.reason, seconds, now))
        self._troubled.add(group)
        change = None if group in self._domains else GroupChange(found.state.name, seconds, outcome.reason)
        return Verdict(group, found.state.wait(now) / 1000, change)

    def _recovered(self, group: str, found: _Group) -> GroupChange | None:
        found.state = LaneState(found.state.name, changed_at=self._clock.now())
        self._troubled.discard(group)
        if group in self._domains:
            self._domains.discard(group)
            self._groups.pop(group)
            return None
        return GroupChange(found.state.name)

    def _own(self, address: str) -> str:
        own = self._grouping.own_group(address)
        if len(self._domains) >= _DOMAINS:
            oldest = min(self._domains, key=lambda name: self._group(name).state.not_before)
            self._domains.discard(oldest)
            self._troubled.discard(oldest)
            self._groups.pop(oldest)
        self._domains.add(own)
        return own

    def _group(self, name: str) -> _Group:
        found = self._groups.get(name)
        if found is None:
            limits = self._grouping.limits(name).share(self._slots)
            ceiling = min(limits.connections or self._lane.connections, self._lane.connections)
            state = LaneState(group_lane(self._lane.name, name))
            found = self._groups[name] = _Group(limits, ceiling, state, allowed=ceiling)
        return found


@dataclass(slots=True)
class _Line:
    """The messages of a group that are put off for its pace: when the last one is due, and how many there are."""

    until: float = 0.0
    count: int = field(default=0)


class Gates:
    """The gates of a process: several lanes of a queue take the messages of a group together."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._gates: dict[str, Gate] = {}
        self._lines: dict[tuple[str, str], _Line] = {}
        self._wanted: set[str] = set()

    def gate(self, lease: str, lane: Lane, slots: int, channel: Channel) -> Gate | None:
        """That of a lane, or of a share of one; None where the channel's addresses are in no groups."""
        found = self._gates.get(lease)
        if found is None and (grouping := grouping_of(channel)) is not None:
            found = self._gates[lease] = Gate(lane, slots, grouping, self._clock, self)
        return found

    def takers(self, asking: Gate) -> Iterator[Taker]:
        """Of the other lanes at work on a lane's queue."""
        for gate in self._gates.values():
            if gate is not asking and gate.lane.queue == asking.lane.queue and gate.taker is not None:
                yield gate.taker

    def is_claiming(self, asking: Gate) -> bool:
        """Whether another lane that works on the same queue waits for what it has claimed."""
        return any(
            gate is not asking and gate.lane.queue == asking.lane.queue and gate.claiming
            for gate in self._gates.values()
        )

    def take_wanted(self) -> set[str]:
        """The queues with messages that no lane at work may send and another one could, since the last call. Nothing
        of these is due: the lane that has put them off may have them again before anybody sees them due."""
        found, self._wanted = self._wanted, set()
        return found

    def ahead(self, queue: str = "") -> float:
        """Seconds until the last message, of a queue or of all, is due that was put off for the pace of its group."""
        now = self._clock.now()
        self._lines = {key: line for key, line in self._lines.items() if line.until > now}
        waits = [line.until - now for key, line in self._lines.items() if queue in ("", key[0])]
        return math.ceil(max(waits, default=0)) / 1000

    def due(self, asking: Gate, group: str) -> tuple[int, bool]:
        """When (ms) a message that has no room now is due, and whether that is the end of a rest on every lane."""
        now, queue = self._clock.now(), asking.lane.queue
        working = [gate for gate in self._gates.values() if gate.lane.queue == queue and gate.usable]
        speed = sum(gate.speed(group) for gate in working)
        if not speed:
            return now + math.ceil(min(gate.rest(group) for gate in [*working, asking]) * 1000), True
        if not any(gate.taker is not None and gate.speed(group) for gate in working):
            self._wanted.add(queue)
        line = self._lines.setdefault((queue, group), _Line())
        if line.until <= now:
            line.until, line.count = now + AHEAD * 1000, 0
        line.count += 1
        line.until = min(line.until + 1000 / speed, now + max(_LEAST_AHEAD_MS, line.count * _MS_A_MESSAGE))
        return math.ceil(line.until), False
