"""A channel whose receivers have limits of their own, and several lanes; the test answers for them and sees who sends
when."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from dispatch.delivery.channel import Connection, Grouping, GroupLimits, Lane, Rendered
from dispatch.model import Content, Envelope, Outcome, Sent
from tests.delivery.conftest import Desk, FakeChannel, FakeClock, Page

DEFAULT = Lane("email:default", "email", connections=8, divisible=True)


@dataclass
class Domains:
    """Groups by the domain: those that have limits."""

    known: dict[str, GroupLimits] = field(default_factory=dict)

    def group(self, address: str) -> str:
        domain = address.rpartition("@")[2]
        return domain if domain in self.known else ""

    def own_group(self, address: str) -> str:
        return f"@{address.rpartition('@')[2]}"

    def limits(self, group: str) -> GroupLimits:
        return self.known.get(group, GroupLimits())


@dataclass(frozen=True, slots=True)
class Send:
    """One send: by which lane, to whom, when (ms), and how many to that domain were under way by this lane."""

    lane: str
    address: str
    at: int
    together: int


class GroupedChannel(FakeChannel):
    """`reply` answers by lane and address; each send takes `ms` of the clock in steps that let others in."""

    def __init__(
        self,
        clock: FakeClock,
        limits: Mapping[str, GroupLimits] | None = None,
        lanes: Sequence[Lane] = (DEFAULT,),
    ) -> None:
        super().__init__(lane=lanes[0])
        self.clock = clock
        self.grouping: Grouping | None = Domains(dict(limits)) if limits is not None else None
        self.all_lanes = lanes
        self.reply: Callable[[str, str], Outcome] = lambda lane, address: Sent()
        self.made: list[Send] = []
        self.under_way: Counter[tuple[str, str]] = Counter()

    def lanes(self, queue: str) -> Sequence[Lane]:
        return [lane for lane in self.all_lanes if lane.queue == queue]

    def render(self, content: Content) -> Page:
        return Page(content)

    @asynccontextmanager
    async def open(self, lane: Lane) -> AsyncIterator[Connection]:
        yield _Line(self, lane)

    def to(self, domain: str) -> list[Send]:
        return [send for send in self.made if send.address.endswith(f"@{domain}")]

    def by(self, lane: str) -> list[Send]:
        return [send for send in self.made if send.lane == lane]


class _Line:
    def __init__(self, channel: GroupedChannel, lane: Lane) -> None:
        self._channel = channel
        self._lane = lane

    async def send(self, envelope: Envelope, rendered: Rendered, part: int) -> Outcome:
        channel, address = self._channel, envelope.address
        key = (self._lane.name, address.rpartition("@")[2])
        channel.under_way[key] += 1
        channel.made.append(Send(self._lane.name, address, channel.clock.ms, channel.under_way[key]))
        for _ in range(3):
            await asyncio.sleep(0)  # let the other connections in
        channel.under_way[key] -= 1
        return channel.reply(self._lane.name, address)


def prepared(desk: Desk, **readers: int) -> None:
    """So many readers at each domain (`gmail` for gmail.test), taking turns, and an issue that all of them get."""
    for number in range(max(readers.values())):
        for domain, count in readers.items():
            if number < count:
                desk.reader(f"r{number}@{domain}.test", "topic:red")
    desk.issue({"一": ["red"]})
    desk.plan()
