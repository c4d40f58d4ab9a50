"""Who is answered when: each user's updates one after the other and at a human pace, different users' side by side."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path

from dispatch.bot.inbox import Open
from dispatch.delivery.clock import Clock

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


def where(error: Exception) -> str:
    """What kind of error came up and where, without its words: these may be a user's."""
    places = traceback.extract_tb(error.__traceback__)[-4:]
    return f"{type(error).__name__} at " + " < ".join(
        f"{Path(at.filename).name}:{at.lineno}" for at in reversed(places)
    )


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

    @property
    def count(self) -> int:
        """Updates that wait or are being handled."""
        return sum(len(queue.waiting) for queue in self._queues.values()) + len(self._tasks)

    def put(self, update: Open) -> None:
        """Answer an update in its turn."""
        queue = self._queues.get(update.actor)
        if queue is None:
            queue = self._queues[update.actor] = _Queue()
            queue.waiting.append(update)
            self._start(self._serve(update.actor, queue))
        elif len(queue.waiting) < MOST:
            queue.waiting.append(update)
        else:
            self._start(self._refuse(update, not queue.told))
            queue.told = True

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, actor: int, queue: _Queue) -> None:
        try:
            while queue.waiting:
                await self._patience(actor)
                async with self._places:
                    if not queue.waiting:  # a stop leaves what waits where it is
                        break
                    speech = await self._handled(queue.waiting.popleft())
                if speech is not None:  # which may have to wait for its chat: nobody else does
                    await self._spoken(speech)
        finally:
            self._queues.pop(actor, None)

    async def _handled(self, update: Open) -> Speech | None:
        try:
            return await self._handle(update)
        except Exception as error:  # this user's next one has its turn all the same
            log.error("an update could not be handled: %s", where(error))
            return None

    async def _spoken(self, speech: Speech) -> None:
        try:
            await speech()
        except Exception as error:
            log.error("replies could not be made: %s", where(error))

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
