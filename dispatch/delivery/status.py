"""What goes on: processes, issues under way, lanes and what waits for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ROLES = ("scheduler", "web")
MINUTES = 20  # that are shown one by one
MINUTE_MS = 60_000

_RATE_MINUTES = 5
LEAST_SECONDS = 10  # that a rate is measured over


@dataclass(frozen=True, slots=True)
class Process:
    """A running process: what it alone may do at the moment, and how many connections' worth of lanes it runs.
    `alive` is False where it died here and its lease has not run out yet."""

    owner: str
    host: str
    pid: str
    since: int
    until: int
    roles: tuple[str, ...]
    lanes: int
    alive: bool


@dataclass(frozen=True, slots=True)
class FailingSource:
    """A source of issues whose last look failed; `name` is an address without its query where it has no other."""

    name: str
    failures: int
    since: int
    next_at: int
    error: str


@dataclass(frozen=True, slots=True)
class Hold:
    """A part of an issue that is paused: a column ("": all), a channel ("": all)."""

    column: str
    channel: str
    held_at: int
    held_by: str


@dataclass(frozen=True, slots=True)
class IssueStatus:
    """An issue under way. Of its `deliveries`, `owed` have not ended."""

    name: str
    title: str
    state: str
    publish_at: int | None
    planned: bool
    deliveries: int
    owed: int
    holds: tuple[Hold, ...]

    @property
    def ended(self) -> int:
        return max(0, self.deliveries - self.owed)


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """A lane. `rate` is messages a second over the last minutes, but not from before it began to send (None: too short
    to say), `minutes` those sent in each, the oldest first;
    `sent`, `retried` and `failed` count attempts since the installation, `hour` the same in the last hour.

    States: `resting` after an outage, `rested` when that is over and nobody has tried yet, `trying` with one
    connection, `waiting` because the receiver asked for it, `running`, `idle`.
    """

    name: str
    queue: str
    state: str
    breaker: str
    reason: str
    not_before: int
    runs: int
    rate: float | None
    minutes: tuple[int, ...]
    sent: int
    retried: int
    failed: int
    busy_ms: int
    hour: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """A queue with the lanes that take from it. `due` may go now, `later` has a time of its own, by plan or to be
    tried again."""

    name: str
    due: int
    later: int
    sending: int
    oldest_at: int | None
    next_at: int | None
    off: bool
    lanes: tuple[LaneStatus, ...]

    @property
    def channel(self) -> str:
        return self.name.partition(":")[0]

    @property
    def rate(self) -> float | None:
        """Of all its lanes; None where it is too short to say for one of them."""
        rates = [lane.rate for lane in self.lanes]
        return None if None in rates else sum(rate or 0 for rate in rates)

    @property
    def seconds_left(self) -> float | None:
        """Until what is due is sent; None where nothing of it goes out, or its pace is not known yet."""
        rates = [lane.rate for lane in self.lanes if lane.runs]
        goes = 0 if None in rates else sum(rate or 0 for rate in rates)
        return self.due / goes if goes and self.due else None

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to tell: nothing waits, nothing runs or rests, nothing happened for an hour."""
        busy = any(lane.state != "idle" or any(lane.hour) for lane in self.lanes)
        return not (self.due or self.later or self.sending or busy)


@dataclass(frozen=True, slots=True)
class BotStatus:
    """How the conversation of a bot goes. `updates` is how they come, `polling` or `webhook`; `trouble` what keeps them
    from coming, since `trouble_at`. `waiting` updates are not handled yet, of `unsent` ones not all replies are made;
    of `unknown` replies since the installation nobody knows whether they arrived. `slowed` users have several updates
    waiting.

    States: `talking`, `in trouble` where a process talks for it and gets no updates, `silent` where none does.
    """

    name: str
    username: str
    state: str
    updates: str
    trouble: str
    trouble_at: int | None
    handled_at: int | None
    waiting: int
    unsent: int
    unknown: int
    slowed: int

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to tell: nobody talks for it, and nothing waits."""
        return self.state == "silent" and not (self.waiting or self.unsent)


@dataclass(frozen=True, slots=True)
class Status:
    """All of it at one time, `now`; what is counted was counted at `counted_at`. `paused` is messages by channel,
    `issue_states` issues by state."""

    now: int
    counted_at: int
    processes: tuple[Process, ...]
    issues: tuple[IssueStatus, ...]
    queues: tuple[QueueStatus, ...]
    paused: Mapping[str, int]
    issue_states: Mapping[str, int]
    failing_sources: tuple[FailingSource, ...] = ()
    bots: tuple[BotStatus, ...] = ()

    def holder(self, role: str) -> Process | None:
        return next((process for process in self.processes if role in process.roles), None)


def rate(minutes: Mapping[int, int], now: int, began: int | None = None) -> float | None:
    """Messages a second over the last minutes, of the counts by the minute; None where it is too short to say.

    `began` is when who sends now took the lane. Of a lane that nobody has, the minute in which it began says nothing of
    its pace: it is left out where there is another.
    """
    minute = now // MINUTE_MS
    active = [number for number in range(minute - _RATE_MINUTES + 1, minute + 1) if minutes.get(number)]
    if not active:
        return 0.0
    first = _first(minutes, active[0], began)
    fresh = not minutes.get(first - 1)
    start = first * MINUTE_MS
    if fresh and began is not None and began // MINUTE_MS == first:
        start = began
        if now - start < LEAST_SECONDS * 1000:
            return None
    elif fresh and len(active) > 1 and now - start - MINUTE_MS >= LEAST_SECONDS * 1000:
        first, start = first + 1, start + MINUTE_MS
    seconds = max(1.0, (now - start) / 1000)
    return sum(minutes.get(number, 0) for number in range(first, minute + 1)) / seconds


def _first(minutes: Mapping[int, int], first: int, began: int | None) -> int:
    """The minute to measure from: that of the start where it follows a pause, which is no part of the pace."""
    start = began // MINUTE_MS if began is not None else first
    return start if start > first and not minutes.get(start - 1) else first
