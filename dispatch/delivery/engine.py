"""The engine: lanes side by side, each at its own pace, once until all is sent or for ever.

A lane whose receiver is down rests and is tried again; no other lane waits for it. What lanes remember (`lanes`) and
who works on them (`leases`) is in the store: a rest outlives a restart, and several processes share the work.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from dispatch.delivery import claims, lanes, leases, ledger
from dispatch.delivery.attempt_log import AttemptLog
from dispatch.delivery.channel import Channel, Lane, pace_of
from dispatch.delivery.clock import Clock
from dispatch.delivery.contents import Contents
from dispatch.delivery.gate import Gates
from dispatch.delivery.lane import Context, LaneRun
from dispatch.delivery.lanes import LaneState
from dispatch.delivery.ledger import Attempt, Work
from dispatch.delivery.member import Member
from dispatch.delivery.pace import Pace
from dispatch.delivery.ration import Ration, are_weighed
from dispatch.delivery.settler import Settler
from dispatch.delivery.store import Store
from dispatch.model import Envelope, Notice, Rejected, Retry, Sent
from dispatch.settings import EngineSettings
from subscribers.database import Database

log = logging.getLogger(__name__)

_OFF_EVERY_MS = 60_000


@dataclass(slots=True)
class Summary:
    """What a run did: messages sent, messages to be tried again, messages refused, and lanes that had to stop."""

    sent: int = 0
    retried: int = 0
    failed: int = 0
    outages: dict[str, str] = field(default_factory=dict)
    off: list[str] = field(default_factory=list)

    @property
    def fruitless(self) -> bool:
        """Whether messages were refused, and none was sent."""
        return bool(self.failed) and not self.sent

    def count(self, attempt: Attempt) -> None:
        if isinstance(attempt.outcome, Sent):
            self.sent += attempt.final
        elif isinstance(attempt.outcome, Retry):
            self.retried += 1
        elif isinstance(attempt.outcome, Rejected):
            self.failed += 1


@dataclass(slots=True)
class _Running:
    """A lane at work in this process, and the lease it has on it."""

    lease: str
    run: LaneRun
    task: asyncio.Task[None]


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
        title: Callable[[str], str] = lambda language: "",
        notice: Callable[[Database, int], Notice] | None = None,
    ) -> None:
        self._store = store
        self._channels = channels
        self._settings = settings
        self._clock = clock
        self._progress = progress
        self._paces: dict[str, Pace] = {}
        self._gates = Gates(clock)
        self._rations: dict[str, Ration] = {}
        self._running: dict[str, _Running] = {}
        self._wake = asyncio.Event()
        self.stopping = asyncio.Event()
        self.summary = Summary()
        self._off_checked = 0
        self._lost_track: set[str] = set()  # queues of which something claimed could perhaps not be given back
        self.member = Member(store, clock)
        self.member.on_renewed = self._keep_only
        contents = Contents(store, channels, english, title, notice)
        self._log = AttemptLog(contents.issue_of)
        self._context = Context(
            store=store,
            settler=Settler(store, clock, self.stopping, settings.shutdown),
            contents=contents,
            clock=clock,
            owner=self.member.owner,
            page=settings.page,
            lease_ms=round(settings.lease * 1000),
            envelope=envelope,
            progress=self._settled,
            stopping=self.stopping,
        )

    def _settled(self, attempt: Attempt) -> None:
        self.summary.count(attempt)
        self._log(attempt)
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
        until later stay behind. What another process is sending is left to it, and waited for.

        A lane that stops is tried again for as long as each try gets something out; one whose provider asked for a
        rest is left alone until that is over.
        """
        async with self.member.present():
            try:
                while not self.stopping.is_set():
                    due = await self._turn(only, once=True)
                    if not due and not self._running and not await self._elsewhere(only):
                        if not (ahead := self._gates.ahead()):
                            break
                        await self._clock.sleep(min(ahead, self._settings.poll))
                    else:
                        await self._pause()
            finally:
                await self._finish()
            await self._store.call(ledger.finish_issues, self._clock.now())
        return self.summary

    async def _elsewhere(self, only: Sequence[int] | None) -> bool:
        """Whether another process is sending what this one was asked to see through."""
        return only is not None and await self._store.call(ledger.being_sent, only)

    async def serve(self) -> None:
        """Send what becomes due until `stop()`, then finish what is in flight within `engine.shutdown` seconds."""
        async with self.member.present():
            try:
                while not self.stopping.is_set():
                    try:
                        await self._turn(None, once=False)
                        await self._store.call(ledger.finish_issues, self._clock.now())
                    except Exception as error:
                        # A locked or full database now is no reason to stop for good: the next turn tries again.
                        log.error("the ledger cannot be used: %s", _words(error))
                    await self._pause()
            finally:
                await self._finish()

    async def _turn(self, only: Sequence[int] | None, *, once: bool) -> int:
        """Start the lanes that have something due; how many have, those that cannot go on left out."""
        await self.member.take_over()
        await self._free_orphans()
        await self._leave_to_others()
        self._log.tell_old(self._clock.now())
        everyone = await self._due_lanes(only)
        states = await self._store.call(lanes.states, [lane.name for lane in everyone])
        needed = self._without_standby(everyone, states)
        due = [lane for lane in needed if self._has_hope(lane, once=once)]
        for lane in due:
            if self._clock.now() < states[lane.name].changed_at:
                await self._store.call(lanes.rebase, states[lane.name], lane.queue, self._clock.now())
        ready = [lane for lane in due if self._may_start(states[lane.name], once=once)]
        # Looked at once more: a lane may have failed while the store answered.
        waiting = [lane for lane in ready if lane.name not in self._running and self._has_hope(lane, once=once)]
        for lane, slot, lease in await self._acquire(self._most(waiting)):
            await self._start(lane, slot, lease, states[lane.name], only, once=once)
        return len(ready)

    def _without_standby(self, found: Sequence[Lane], states: Mapping[str, LaneState]) -> list[Lane]:
        """The lanes that are to work: one that stands by only while each other of its queue has failed. Where one of
        these has recovered, it is stopped."""
        fine = {lane.queue for lane in found if not lane.standby and states[lane.name].breaker == lanes.CLOSED}
        for lane in found:
            if lane.standby and lane.queue in fine and lane.name in self._running:
                self._running[lane.name].run.retire()
        return [lane for lane in found if not (lane.standby and lane.queue in fine)]

    async def _free_orphans(self) -> None:
        """Take up again what a lane that failed could not give back. Where another lane works on the same queue, what
        it holds looks the same: that is waited for."""
        for queue in self._lost_track - {running.run.queue for running in self._running.values()}:
            await self._store.call(leases.free_orphans, self.member.owner, queue)
            self._lost_track.discard(queue)

    async def _leave_to_others(self) -> None:
        """Lanes that go beside what another process has taken up meanwhile are that one's from now on."""
        beside = {name: running.run.beside for name, running in self._running.items() if running.run.beside}
        elsewhere = await self.member.elsewhere(set(beside.values()))
        for name, lease in beside.items():
            if lease in elsewhere and name in self._running:
                self._running[name].run.retire()

    def _has_hope(self, lane: Lane, *, once: bool) -> bool:
        return not once or lane.name not in self.summary.outages

    def _may_start(self, state: LaneState, *, once: bool) -> bool:
        rest = state.wait(self._clock.now())
        if not rest:
            return True
        if not once:
            return False
        if state.asked:
            self.summary.outages[state.name] = f"rests for another {rest / 1000:.0f} seconds: {state.reason}"
        return not state.asked  # a rest of our own choice is cut short by a person who asks to send now

    def _most(self, waiting: Sequence[Lane]) -> list[Lane]:
        """As many lanes as may work at once. Counted a channel: a thousand hosts that stall must not keep the relay's
        lane from starting."""
        busy = {name: sum(_channel_of(lane) == name for lane in self._running) for name in self._channels}
        chosen = []
        for lane in waiting:
            channel = _channel_of(lane.queue)
            if busy[channel] < self._settings.lanes:
                busy[channel] += 1
                chosen.append(lane)
        return chosen

    async def _acquire(self, wanted: Sequence[Lane]) -> list[tuple[Lane, int, str]]:
        """The lanes, or shares of them, that this process may work on now: nobody else does."""
        processes = self._settings.processes
        elsewhere = await self.member.elsewhere({lane.beside for lane in wanted if lane.beside})
        wanted = [lane for lane in wanted if lane.beside not in elsewhere]
        names = {lane.name: [f"lane/{lane.name}/{slot}" for slot in range(lane.slots(processes))] for lane in wanted}
        held = await self.member.acquire(names)
        return [
            (lane, names[lane.name].index(held[lane.name]), held[lane.name]) for lane in wanted if lane.name in held
        ]

    async def _start(
        self, lane: Lane, slot: int, lease: str, state: LaneState, only: Sequence[int] | None, *, once: bool
    ) -> None:
        trial = state.breaker != lanes.CLOSED
        if trial and not await self._store.call(lanes.try_again, state):
            await self.member.drop(lease)  # another process has learnt meanwhile that it must rest
            return
        slots = lane.slots(self._settings.processes)
        share = lane.share(slot, slots)
        channel = self._channels[_channel_of(lane.queue)]
        pace = self._paces.setdefault(lease, pace_of(channel, lane) or Pace(share, self._clock))
        gate = self._gates.gate(lease, share, slots, channel)
        ration = self._rations.setdefault(lane.queue, Ration(self._clock)) if self._is_weighed(lane.queue) else None
        run = LaneRun(self._context, channel, share, pace, only, trial=trial, gate=gate, ration=ration)
        task = asyncio.create_task(self._work(share, lease, run, once=once), name=lane.name)
        self._running[lane.name] = _Running(lease, run, task)

    def _is_weighed(self, queue: str) -> bool:
        return are_weighed(self._channels[_channel_of(queue)].lanes(queue))

    async def _work(self, lane: Lane, lease: str, run: LaneRun, *, once: bool) -> None:
        """One run of a lane whose failure, whatever it is, is this lane's alone."""
        fault = ""
        try:
            await run.run()
            fault = run.outage
        except Exception as error:
            fault = _words(error)
            self._lost_track.add(lane.queue)
            log.error("lane %s failed: %s", lane.name, fault, extra={"lane": lane.name})
            await self._rest(lane, fault)
        finally:
            await self._leave(lane, lease)
        if fault and once and not run.progressed:
            self.summary.outages[lane.name] = fault
        if once:
            self.summary.outages |= run.rests
        if once or not fault:
            self._wake.set()  # more may have become due while it ran

    async def _rest(self, lane: Lane, reason: str) -> None:
        try:
            await self._store.call(lanes.rest, lane.name, lane.queue, reason, self._clock.now())
        except Exception as error:
            log.error("lane %s: its rest could not be written down: %s", lane.name, _words(error))

    async def _leave(self, lane: Lane, lease: str) -> None:
        try:
            await self.member.drop(lease)
        except Exception as error:
            log.error("lane %s could not be given back: %s", lane.name, _words(error))
        finally:
            self._running.pop(lane.name, None)

    def _keep_only(self, held: set[str]) -> None:
        """Stop the lanes that are another process's by now."""
        for name, running in self._running.items():
            if running.lease not in held:
                log.warning("lane %s was taken over by another process", name)
                running.run.abandon()

    async def _due_lanes(self, only: Sequence[int] | None = None) -> list[Lane]:
        due = await self._store.call(claims.due_queues, self._clock.now(), only)
        queues = [*due, *(self._gates.take_wanted() - set(due))]
        found: list[Lane] = []
        self.summary.off = []
        for queue in queues:
            channel = self._channels.get(_channel_of(queue))
            of_queue = channel.lanes(queue) if channel else []
            found += of_queue
            if not of_queue:
                self.summary.off.append(queue)
        await self._expire_off()
        return found

    async def _expire_off(self) -> None:
        """What waits for a channel without settings ends in time like everything else."""
        now = self._clock.now()
        if 0 <= now - self._off_checked < _OFF_EVERY_MS:
            return
        self._off_checked = now
        for queue in self.summary.off:
            while await self._store.call(ledger.expire, queue, self._settings.page, now) == self._settings.page:
                log.info("messages of %s have expired: it is off", queue)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._settings.poll):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    async def _finish(self) -> None:
        """Finish what is in flight: at the end of a drain all there is, when stopping what `engine.shutdown` allows."""
        tasks = [running.task for running in self._running.values()]
        if not tasks:
            self._log.close()
            return
        self.stopping.set()
        _, late = await asyncio.wait(tasks, timeout=self._settings.shutdown)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._log.close()


def _channel_of(name: str) -> str:
    """The channel that the name of a queue or a lane begins with."""
    return name.partition(":")[0]


def _words(error: BaseException) -> str:
    """An error in one line, with those of a group of tasks inside it."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_words(inner) for inner in error.exceptions)
    return f"{type(error).__name__}: {error}"
