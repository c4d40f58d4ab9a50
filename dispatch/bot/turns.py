"""Who is answered when: each user's updates one after the other and at a human pace, different users' side by side."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field

from dispatch.bot.inbox import Open
from dispatch.delivery.clock import Clock
from dispatch.logs import kind_and_place

log = logging.getLogger(__name__)

MOST = 30
"""Updates of one user that may wait; what comes beyond is not answered."""

_EVERY = 1.0  # seconds between two updates of one user, on the average
_AT_ONCE = 8  # that are answered without a pause
_SIDE_BY_SIDE = 8  # users
_REMEMBERED = 10_000  # users


@dataclass(slots=True)
class _Queue:
    waiting: deque[Open] = field(default_factory=deque)
    told: bool = False  # that there is too much


Speech = Callable[[], Awaitable[None]]
"""Makes the replies to an update that was handled."""


class Turns:
    """`handle` is called for each update, and then what it gave; `refuse` for those that are too many, with whether it
    is the first of them."""

    def __init__(
        self,
        handle: Callable[[Open], Awaitable[Speech]],
        refuse: Callable[[Open, bool], Coroutine[None, None, None]],
        clock: Clock,
    ) -> None:
        self._handle = handle
        self._refuse = refuse
        self._clock = clock
        self._queues: dict[int, _Queue] = {}
        self._next: dict[int, float] = {}  # by user: when the next update would be due at a steady pace
        self._places = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_turn: set[int] = set()  # the updates that wait or are being handled, answered or refused

    @property
    def count(self) -> int:
        """Updates that wait or are being handled."""
        return sum(len(queue.waiting) for queue in self._queues.values()) + len(self._tasks)

    def put(self, update: Open) -> None:
        """Answer an update in its turn; one that has a turn gets no other."""
        if update.update_id in self._in_turn:
            return
        self._in_turn.add(update.update_id)
        queue = self._queues.get(update.actor)
        if queue is None:
            queue = self._queues[update.actor] = _Queue()
            queue.waiting.append(update)
            self._start(self._serve(update.actor, queue))
        elif len(queue.waiting) < MOST:
            queue.waiting.append(update)
        else:
            self._start(self._refused(update, not queue.told))
            queue.told = True

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, actor: int, queue: _Queue) -> None:
        try:
            while queue.waiting:
                await self._patience(actor)
                await self._answer(queue)
        finally:
            self._queues.pop(actor, None)

    async def _answer(self, queue: _Queue) -> None:
        """Handle the first update that waits, and say what there is to say."""
        async with self._places:
            if not queue.waiting:  # a stop leaves what waits where it is
                return
            update = queue.waiting.popleft()
            speech = await self._handled(update)
        if speech is not None:  # which may have to wait for its chat: nobody else does
            await self._spoken(speech)
        self._in_turn.discard(update.update_id)

    async def _refused(self, update: Open, first: bool) -> None:
        try:
            await self._refuse(update, first)
        finally:
            self._in_turn.discard(update.update_id)

    async def _handled(self, update: Open) -> Speech | None:
        try:
            return await self._handle(update)
        except Exception as error:  # this user's next one has its turn all the same
            log.error("an update could not be handled: %s", kind_and_place(error))
            return None

    async def _spoken(self, speech: Speech) -> None:
        try:
            await speech()
        except Exception as error:
            log.error("replies could not be made: %s", kind_and_place(error))

    async def _patience(self, actor: int) -> None:
        """Wait while this user has had more than a steady pace allows."""
        now = self._clock.monotonic()
        due = max(self._next.get(actor, now), now) + _EVERY
        self._next[actor] = due
        if len(self._next) > _REMEMBERED:
            self._next = {user: then for user, then in self._next.items() if then > now}
        if (wait := due - now - _AT_ONCE * _EVERY) > 0:
            await self._clock.sleep(wait)

    async def drain(self) -> None:
        """Until nothing waits."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self) -> None:
        """What is being handled ends; what waits stays where it was written down."""
        for queue in self._queues.values():
            queue.waiting.clear()
        await self.drain()
