"""What a lane has claimed and not begun, where receivers have limits of their own (see `gate`)."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Iterable, Mapping

from dispatch.delivery.clock import Clock
from dispatch.delivery.gate import Gate
from dispatch.delivery.ledger import Work
from dispatch.delivery.todo import Todo, turn, wake

_MOST = 3  # times the size, with all that waits for the pace of its group


class GatedTodo(Todo):
    """A Todo that gives only what its group has room for, the groups in turn: none waits behind another."""

    def __init__(self, size: int, gate: Gate, clock: Clock) -> None:
        super().__init__(size)
        self._gate = gate
        self._clock = clock
        self._lines: dict[str, deque[Work]] = {}  # by group, in the order of their turns
        self._count = 0
        self._out: dict[int, tuple[str, float]] = {}  # by message: its group, and when it began
        self._behind: dict[int, int] = {}  # by message: the one that goes after it in its place
        self._timekeeper = False

    @property
    def waiting(self) -> int:
        return self._count

    @property
    def ready(self) -> Mapping[str, int]:
        """How many wait, by group."""
        return {group: len(line) for group, line in self._lines.items()}

    async def room(self) -> None:
        """What waits for the pace of its group takes no room from the others, or not much."""
        while not self._closed and (self._count - self._held_back() >= self.size or self._count >= _MOST * self.size):
            await turn(self._putters)

    def _held_back(self) -> int:
        if self._count < self.size:
            return 0
        waits = ((line, self._gate.wait(group)) for group, line in self._lines.items() if group)
        return sum(len(line) for line, wait in waits if 0 < wait < math.inf)

    def put(self, works: Iterable[Work]) -> None:
        if self._closed:
            return
        group_of, lines = self._gate.group, self._lines
        for work in works:
            group = group_of(work.address)
            line = lines.get(group)
            if line is None:
                line = lines[group] = deque()
            line.append(work)
            self._count += 1
            wake(self._getters)

    def take(self, behind: Work | None = None) -> Work | None:
        for group in tuple(self._lines):
            if not group:
                if (work := self._first(group)) is not None:
                    self._busy.add(work.address)
                    self._left()
                    return work
                continue
            place = behind is not None and self._out.get(behind.message_id, ("",))[0] == group
            if self._gate.wait(group, behind=place):
                continue
            work = self._first(group)
            if work is not None:
                self._begin(work, group, behind if place else None)
                return work
        return None

    def _first(self, group: str) -> Work | None:
        """The first work of a group whose address is not busy; its group's next turn is after the others'."""
        line = self._lines[group]
        for place, work in enumerate(line):
            if work.address not in self._busy:
                del line[place]
                if not line:
                    del self._lines[group]
                elif len(self._lines) > 1:
                    self._lines[group] = self._lines.pop(group)
                return work
        return None

    def _begin(self, work: Work, group: str, behind: Work | None) -> None:
        self._busy.add(work.address)
        self._out[work.message_id] = (group, self._clock.monotonic())
        self._gate.begin(group, behind=behind is not None)
        if behind is not None:
            self._behind[behind.message_id] = work.message_id
        self._left()

    def _left(self) -> None:
        self._count -= 1
        if self._putters:
            wake(self._putters)

    def withdraw(self, group: str) -> list[Work]:
        """Take back all that waits of a group."""
        works = list(self._lines.pop(group, ()))
        self._count -= len(works)
        for waiters in (self._getters, self._putters):
            wake(waiters)
        return works

    async def changed(self) -> None:
        """Returns when a work may begin that could not: by another one's end, or in time. One consumer watches the
        clock for all."""
        wait = math.inf if self._timekeeper else self._soonest()
        if math.isinf(wait):
            await turn(self._getters)
            return
        self._timekeeper = True
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._getters.append(woken)
        sleeping = asyncio.ensure_future(self._clock.sleep(wait))
        try:
            await asyncio.wait((woken, sleeping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._timekeeper = False
            sleeping.cancel()
            woken.cancel()  # `wake` passes over it
            wake(self._getters)  # somebody else watches the clock from here on

    def _soonest(self) -> float:
        """Seconds until a group has a turn for an address that is free; who waits for an address is woken by `done`."""
        return min(
            (
                self._gate.wait(group)
                for group, line in self._lines.items()
                if group and any(work.address not in self._busy for work in line)
            ),
            default=math.inf,
        )

    def done(self, work: Work) -> None:
        begun = self._out.pop(work.message_id, None) if self._out else None
        if begun is not None:
            group, since = begun
            self._gate.end(group, self._clock.monotonic() - since)
            after = self._behind.pop(work.message_id, None)
            if after is not None and after in self._out:
                self._out[after] = (group, self._clock.monotonic())
                self._gate.take_place(group)
        super().done(work)
