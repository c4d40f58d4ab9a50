"""The engine: lanes side by side, each at its own pace, once until all is sent or for ever.

A lane whose receiver is down rests and is tried again; no other lane waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from dispatch.delivery import claims, leases, ledger
from dispatch.delivery.channel import Channel, Lane
from dispatch.delivery.clock import Clock
from dispatch.delivery.contents import Contents
from dispatch.delivery.lane import Context, LaneRun
from dispatch.delivery.ledger import Attempt, Work
from dispatch.delivery.pace import Pace
from dispatch.delivery.settler import Settler
from dispatch.delivery.store import Store
from dispatch.model import Envelope, Rejected, Retry, Sent
from dispatch.settings import EngineSettings

log = logging.getLogger(__name__)

_REST_FIRST, _REST_LONGEST = 5.0, 600.0
_OFF_EVERY_MS = 60_000


@dataclass(slots=True)
class Summary:
    """What a run did: parts sent, messages to be tried again, messages refused, and lanes that had to stop."""

    sent: int = 0
    retried: int = 0
    failed: int = 0
    outages: dict[str, str] = field(default_factory=dict)
    off: list[str] = field(default_factory=list)

    def count(self, attempt: Attempt) -> None:
        if isinstance(attempt.outcome, Sent):
            self.sent += attempt.final
        elif isinstance(attempt.outcome, Retry):
            self.retried += 1
        elif isinstance(attempt.outcome, Rejected):
            self.failed += 1


@dataclass(slots=True)
class _Rest:
    """How long a lane rests after an outage: twice as long each time nothing went out in between."""

    seconds: float = 0.0
    until: float = 0.0


class Engine:
    """Sends what is due."""

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        settings: EngineSettings,
        clock: Clock,
        envelope: Callable[[Work], Envelope],
        english: Callable[[str], str],
        progress: Callable[[Attempt], None] = lambda attempt: None,
    ) -> None:
        self._store = store
        self._channels = channels
        self._settings = settings
        self._clock = clock
        self._progress = progress
        self._paces: dict[str, Pace] = {}
        self._rests: dict[str, _Rest] = {}
        self._wake = asyncio.Event()
        self.stopping = asyncio.Event()
        self.summary = Summary()
        self._off_checked = 0
        self._context = Context(
            store=store,
            settler=Settler(store, clock, self.stopping),
            contents=Contents(store, channels, english),
            clock=clock,
            owner=leases.new_owner(),
            page=settings.page,
            lease_ms=round(settings.lease * 1000),
            envelope=envelope,
            progress=self._settled,
            stopping=self.stopping,
        )

    def _settled(self, attempt: Attempt) -> None:
        self.summary.count(attempt)
        self._progress(attempt)

    def stop(self) -> None:
        """Claim nothing more; what is in flight is finished and settled."""
        self.stopping.set()
        self._wake.set()

    def wake(self) -> None:
        """Look for due messages now rather than at the next poll."""
        self._wake.set()

    async def drain(self, only: Sequence[int] | None = None) -> Summary:
        """Send everything that is due, or of it the messages `only`, waiting out the lanes' pace; messages put off
        until later stay behind.

        A lane that stops is tried again for as long as each try gets something out.
        """
        await self._store.call(leases.take_over, self._clock.now(), self._context.owner)
        given_up: set[str] = set()
        while not self.stopping.is_set():
            lanes = [lane for lane in await self._due_lanes(only) if lane.name not in given_up]
            if not lanes:
                break
            slots = {name: asyncio.Semaphore(self._settings.lanes) for name in self._channels}
            async with asyncio.TaskGroup() as group:
                tries = [group.create_task(self._try(slots[_channel_of(lane.queue)], lane, only)) for lane in lanes]
            for lane, task in zip(lanes, tries, strict=True):
                fault = task.result()
                if fault:
                    given_up.add(lane.name)
                    self.summary.outages[lane.name] = fault
        await self._store.call(ledger.finish_issues, self._clock.now())
        return self.summary

    async def _try(self, slots: asyncio.Semaphore, lane: Lane, only: Sequence[int] | None) -> str:
        """Run a lane; what is wrong with it if it got nothing done. Whatever that is, it is this lane's alone."""
        async with slots:
            try:
                run = await self._run(lane, only)
            except Exception as error:
                log.error("lane %s failed: %s", lane.name, _words(error))
                return _words(error)
        return run.outage if not run.settled else ""

    async def _run(self, lane: Lane, only: Sequence[int] | None = None) -> LaneRun:
        channel = self._channels[_channel_of(lane.queue)]
        pace = self._paces.setdefault(lane.name, Pace(lane, self._clock))
        run = LaneRun(self._context, channel, lane, pace, only)
        await run.run()
        return run

    async def _due_lanes(self, only: Sequence[int] | None = None) -> list[Lane]:
        queues = await self._store.call(claims.due_queues, self._clock.now(), only)
        lanes: list[Lane] = []
        self.summary.off = []
        for queue in queues:
            channel = self._channels.get(_channel_of(queue))
            found = channel.lanes(queue) if channel else []
            lanes += found
            if not found:
                self.summary.off.append(queue)
        await self._expire_off()
        return lanes

    async def _expire_off(self) -> None:
        """What waits for a channel without settings ends in time like everything else."""
        now = self._clock.now()
        if now - self._off_checked < _OFF_EVERY_MS:
            return
        self._off_checked = now
        for queue in self.summary.off:
            while await self._store.call(ledger.expire, queue, self._settings.page, now) == self._settings.page:
                log.info("messages of %s have expired: it is off", queue)

    async def serve(self) -> None:
        """Send what becomes due until `stop()`, then finish what is in flight within `engine.shutdown` seconds."""
        running: dict[str, asyncio.Task[None]] = {}
        try:
            while not self.stopping.is_set():
                try:
                    await self._turn(running)
                except Exception as error:
                    # A locked or full database now is no reason to stop for good: the next turn tries again.
                    log.error("the ledger cannot be used: %s", _words(error))
                await self._pause()
        finally:
            await self._finish(running)

    async def _turn(self, running: dict[str, asyncio.Task[None]]) -> None:
        await self._store.call(leases.take_over, self._clock.now(), self._context.owner)
        await self._start_due(running)
        await self._store.call(ledger.finish_issues, self._clock.now())

    async def _start_due(self, running: dict[str, asyncio.Task[None]]) -> None:
        for name in [name for name, task in running.items() if task.done()]:
            del running[name]
        for lane in await self._due_lanes():
            rest = self._rests.get(lane.name)
            resting = rest is not None and rest.until > self._clock.monotonic()
            # Counted a channel: a thousand hosts that stall must not keep the relay's lane from starting.
            busy = sum(_channel_of(name) == _channel_of(lane.queue) for name in running)
            if lane.name not in running and not resting and busy < self._settings.lanes:
                running[lane.name] = asyncio.create_task(self._watched(lane), name=lane.name)

    async def _watched(self, lane: Lane) -> None:
        """One run of a lane whose failure, whatever it is, is this lane's alone."""
        try:
            run = await self._run(lane)
        except Exception as error:
            log.error("lane %s failed: %s", lane.name, _words(error))
            self._rest(lane, None, progressed=False)
            return
        if run.outage:
            self._rest(lane, run.rest_seconds, progressed=run.settled > 0)
        else:
            self._rests.pop(lane.name, None)
            self._wake.set()  # more may have become due while it ran

    def _rest(self, lane: Lane, asked: float | None, *, progressed: bool) -> None:
        rest = self._rests.setdefault(lane.name, _Rest())
        rest.seconds = _REST_FIRST if progressed else min(max(_REST_FIRST, rest.seconds * 2), _REST_LONGEST)
        rest.until = self._clock.monotonic() + max(rest.seconds, asked or 0.0)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._settings.poll):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    async def _finish(self, running: dict[str, asyncio.Task[None]]) -> None:
        self.stopping.set()
        tasks = list(running.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self._settings.shutdown)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _channel_of(name: str) -> str:
    """The channel that the name of a queue or a lane begins with."""
    return name.partition(":")[0]


def _words(error: BaseException) -> str:
    """An error in one line, with those of a group of tasks inside it."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_words(inner) for inner in error.exceptions)
    return f"{type(error).__name__}: {error}"
