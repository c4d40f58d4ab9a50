"""One run of a lane: claim ► render once ► send ► settle, until nothing is due or the lane is at fault.

A lane's connections work side by side. Each sends one part, waits until its outcome is committed, and only then
starts another: whatever moment the process dies at, at most one part a connection was sent without a record.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial

from dispatch.delivery import claims, lanes, ledger
from dispatch.delivery.channel import Channel, Connection, Lane, Pipelined, Rendered, made_out
from dispatch.delivery.clock import Clock
from dispatch.delivery.contents import Contents
from dispatch.delivery.gate import Gate, Verdict
from dispatch.delivery.gated import GatedTodo
from dispatch.delivery.ledger import Attempt, PutOff, Work
from dispatch.delivery.pace import Pace
from dispatch.delivery.ration import Ration
from dispatch.delivery.retry import next_try
from dispatch.delivery.settler import Settler
from dispatch.delivery.store import Store
from dispatch.delivery.todo import Todo
from dispatch.delivery.watchdog import Watchdog
from dispatch.errors import RenderError
from dispatch.logs import kind_and_place
from dispatch.model import Envelope, Outcome, Rejected, Retry, Sent

log = logging.getLogger(__name__)

# A send takes at most so long, and none begins closer than this to the end of its lease: none ends after it.
LONGEST_SEND = 80.0
MARGIN = 90.0

# Whether the reader still wants it, and nobody has paused it, was looked at when it was claimed: what waited longer
# than this is claimed anew.
FRESH = 10.0
_PACED_SECONDS = 3  # a paced lane claims no more than it sends in so long
_RESTS_SECONDS = 2.0  # between two looks at what other processes and people have written down about groups
_LINGER_SECONDS = 1.0
_MANY = 20  # answers in a row that make the receiver's side suspect are an outage


@dataclass(frozen=True, slots=True)
class Context:
    """What all lanes work with."""

    store: Store
    settler: Settler
    contents: Contents
    clock: Clock
    owner: str
    page: int
    lease_ms: int
    envelope: Callable[[Work], Envelope]
    progress: Callable[[Attempt], None]
    stopping: asyncio.Event
    spread: random.Random = field(default_factory=random.SystemRandom)


@dataclass(frozen=True, slots=True)
class _Letter:
    """A message ready to be sent."""

    envelope: Envelope
    rendered: Rendered


@dataclass(slots=True)
class _Job:
    """A work that a connection has taken, with its letter, or what becomes of it where there can be none."""

    work: Work
    letter: _Letter | Outcome


@dataclass(slots=True)
class _Held:
    """A claimed message that has no outcome yet, when it was claimed, and its letter where that is made already."""

    work: Work
    since: float
    letter: _Letter | None = None


class _Line:
    """A connection, and the time that a send may take on it."""

    def __init__(self, connection: Connection, *, pipelined: bool) -> None:
        self._connection = connection
        self._watchdog = Watchdog(LONGEST_SEND)
        self._pipelined = connection if pipelined and isinstance(connection, Pipelined) else None

    @property
    def pipelined(self) -> bool:
        """Whether it gains by knowing whom the following message is for."""
        return self._pipelined is not None

    def close(self) -> None:
        self._watchdog.close()

    async def send(self, work: Work, letter: _Letter, part: int, announced: Envelope | None) -> Outcome:
        try:
            with self._watchdog:
                if announced is not None and self._pipelined is not None:
                    return await self._pipelined.send_then(letter.envelope, letter.rendered, part, announced)
                return await self._connection.send(letter.envelope, letter.rendered, part)
        except TimeoutError:
            return Retry(f"no end of it within {LONGEST_SEND:g} seconds", code="timeout", unknown=True)
        except RenderError as error:
            return Rejected(f"cannot be rendered: {error}")
        except Exception as error:
            return _bug(work, error)


class _Place:
    """That of a message from being taken to its end, but for the time between two parts in which it waits for its chat:
    there are as many as connections."""

    def __init__(self, places: asyncio.Semaphore | None) -> None:
        self._places = places
        self._taken = False

    async def take(self) -> None:
        if self._places is not None and not self._taken:
            await self._places.acquire()
            self._taken = True

    def leave(self) -> None:
        if self._taken and self._places is not None:
            self._taken = False
            self._places.release()


class LaneRun:
    """A run. Afterwards `outage` says what stopped it ("" for nothing), and `progressed` whether it was of use:
    something went out or was refused, or a message that the receiver hangs up on made way for the others. `rests` says
    which groups of its addresses have to rest, and why.

    A `trial` follows an outage: one message goes first, and the other connections begin when it has had an answer.
    However a run ends, by an exception or a cancellation too, what it had claimed and not settled is given back.
    """

    def __init__(
        self,
        context: Context,
        channel: Channel,
        lane: Lane,
        pace: Pace,
        only: Sequence[int] | None = None,
        *,
        trial: bool = False,
        gate: Gate | None = None,
        ration: Ration | None = None,
    ) -> None:
        self._context = context
        self._only = only
        self._channel = channel
        self._lane = lane
        self._pace = pace
        self._held: dict[tuple[int, int], _Held] = {}  # by message and epoch
        self._page = _page(lane, context.page, lane.rate)
        self._places = asyncio.Semaphore(lane.connections) if lane.waiting else None
        self._getting = asyncio.Lock() if lane.waiting else nullcontext()
        self._gate = gate
        self._ration = ration
        self._gated = None if gate is None else GatedTodo(self._page, gate, context.clock)
        self._todo = self._gated or Todo(self._page)
        self._fresh = min(FRESH, context.lease_ms / 1000 - MARGIN)
        self._proved = asyncio.Event()
        self._suspects = 0
        self._abandoned = False
        self._fault: Exception | None = None
        self._looked = 0.0  # at the groups' rests in the store
        self._retired = False
        self.outage = ""
        self.rests: dict[str, str] = {}
        self.progressed = False
        if not trial:
            self._proved.set()

    async def run(self) -> None:
        if self._gate is not None:
            self._gate.usable, self._gate.taker = True, self._take_over
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._guarded(self._feed()))
                for number in range(self._lane.connections + self._lane.waiting):
                    group.create_task(self._guarded(self._work(first=number == 0)))
        finally:
            if self._gate is not None:
                self._gate.taker = None
                self._gate.usable = not (self.outage or self._fault or self._abandoned or self._retired)
            if self._ration is not None:
                self._ration.leave(self._lane, failed=bool(self.outage or self._fault))
            await self._give_back()
        if self._fault is not None:
            raise self._fault

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        """Whatever goes wrong in one task, the others finish what they have in flight: a send that is cut off would be
        made again."""
        try:
            await work
        except Exception as error:
            self._fault = self._fault or error
            self._abandoned = True
            self._todo.close()
            self._proved.set()

    def abandon(self) -> None:
        """The lane is another process's now: claim and begin nothing more."""
        self._abandoned = True

    def retire(self) -> None:
        """The lane is needed no more: claim nothing more, and finish what is claimed."""
        self._retired = True

    @property
    def queue(self) -> str:
        return self._lane.queue

    @property
    def beside(self) -> str:
        """The lease that the lane goes beside; "" for none."""
        return self._lane.beside

    @property
    def _over(self) -> bool:
        return bool(self.outage) or self._abandoned or self._context.stopping.is_set()

    async def _feed(self) -> None:
        while not self._over:
            self._todo.size = _page(self._lane, self._page, self._pace.rate)
            await self._todo.room()
            if self._gate is not None:
                await self._look_at_rests(self._gate)
            page = await self._portion()
            if self._is_enough():
                break
            with self._gate.claims() if self._gate is not None else nullcontext():
                works = await self._claim(page)
                kept = await self._take_in(works)
            if kept:
                await self._proved.wait()
            elif not works and not await self._linger():
                break
        if self._gate is not None:
            self._gate.taker = None
        self._todo.close()
        self._proved.set()
        if self._ration is not None:
            self._ration.leave(self._lane, failed=bool(self.outage or self._fault))

    async def _take_in(self, works: Sequence[Work]) -> bool:
        """What was claimed waits here for a connection, goes another way or is put off; whether any of it stays."""
        waiting: list[Work] = []
        if self._gated is not None and self._gate is not None:
            works, waiting = self._gate.sort(works, self._gated.ready)
        if self._ration is not None:
            self._ration.spend(self._lane, len(works))
        self._todo.put(works)
        await self._pass_on(waiting)
        return bool(works)

    async def _linger(self) -> bool:
        """Whether a moment was waited for what was put off for its group's pace: to end and begin again would cost the
        connections. Or for what another lane may have to hand over."""
        if self._gate is None or not self._proved.is_set():
            return False
        ahead = self._gate.ahead() or (_LINGER_SECONDS if self._gate.is_awaited else 0.0)
        if not ahead:
            return False
        await self._context.clock.sleep(min(ahead, _LINGER_SECONDS))
        return True

    def _is_enough(self) -> bool:
        return self._over or self._retired

    async def _portion(self) -> int:
        """How many messages to claim."""
        if not self._proved.is_set():
            return 1
        if self._ration is None:
            return _page(self._lane, self._page, self._pace.rate)
        self._ration.join(self._lane)
        return await self._ration.turn(self._lane, self._page)

    async def _pass_on(self, waiting: Sequence[Work]) -> None:
        """What has no room here goes another way of the queue, or is put off."""
        if not waiting or self._gate is None:
            return
        off = []
        for work in waiting:
            held = self._held[work.message_id, work.epoch]
            if self._gate.hand_over(work, held.since):
                del self._held[work.message_id, work.epoch]
            else:
                off.append(self._gate.put_off(work))
        await self._put_off(off)

    def _take_over(self, work: Work, since: float) -> bool:
        """Send what another lane has claimed and may not send; whether this one can."""
        if self._gate is None or self._gated is None or self._is_enough() or not self._proved.is_set():
            return False
        if not self._gate.has_room(work, self._gated.ready.get(self._gate.group(work.address), 0)):
            return False
        self._held[work.message_id, work.epoch] = _Held(work, since)
        self._gated.put([work])
        return True

    async def _look_at_rests(self, gate: Gate) -> None:
        """Before a claim: between it and the sorting nobody else has his turn."""
        now = self._context.clock.monotonic()
        if not self._looked or now - self._looked >= _RESTS_SECONDS:
            self._looked = now
            gate.learn(await self._context.store.call(lanes.groups, self._lane.name))

    async def _put_off(self, off: Sequence[PutOff]) -> None:
        if not off:
            return
        await self._context.store.call(ledger.put_off, off)
        for work, _, reason in off:
            self._held.pop((work.message_id, work.epoch), None)
            if reason is not None and self._gate is not None:
                group = self._gate.group(work.address)
                self.rests.setdefault(lanes.group_lane(self._lane.name, group), self._gate.reason(group))

    async def _claim(self, page: int) -> list[Work]:
        context = self._context
        since = context.clock.boottime()  # after a suspension what was claimed before it is another's
        claiming = asyncio.ensure_future(
            context.store.call(
                partial(claims.claim, resend_unknown=self._lane.resend_unknown),
                self._lane.queue,
                page,
                context.owner,
                context.clock.now(),
                context.lease_ms,
                self._only,
            )
        )
        try:
            works = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            # The store claims all the same: what it claimed must be known, to be given back.
            self._held |= {(work.message_id, work.epoch): _Held(work, since) for work in await claiming}
            raise
        # All at once, because code that has just run runs faster; and nobody else has a turn before they are sorted.
        self._held |= {(work.message_id, work.epoch): _Held(work, since, self._made(work)) for work in works}
        return works

    def _made(self, work: Work) -> _Letter | None:
        """The letter, if it takes no waiting and nothing goes wrong: else it is made in its turn, where what goes wrong
        is that message's."""
        try:
            rendered = self._context.contents.ready(work)
            if rendered is None:
                return None
            envelope = self._context.envelope(work)
            return _Letter(envelope, made_out(rendered, envelope))
        except Exception:
            return None

    async def _work(self, *, first: bool) -> None:
        if not first:
            await self._proved.wait()
        async with self._channel.open(self._lane) as connection:
            # What is announced while a message is under way goes next, so it must not have to wait for a slot.
            with closing(_Line(connection, pipelined=self._pace.is_free)) as line:
                await self._work_on(line)

    async def _work_on(self, line: _Line) -> None:
        ahead: _Job | None = None
        while True:
            place = _Place(self._places)
            job = ahead or await self._next(place)
            if job is None:
                return
            ahead = None
            try:
                if self._late(job.work):
                    await self._release(job.work)
                elif self._gate is not None and self._gate.rests(job.work.address):
                    await self._pass_on([job.work])
                elif not self._over:
                    ahead = await self._look_ahead(job.work) if line.pipelined else None
                    await self._deliver(line, job, ahead.letter if ahead else None, place)
            finally:
                place.leave()
                self._todo.done(job.work)
            self._proved.set()

    async def _next(self, place: _Place) -> _Job | None:
        """The next job, with a place; no more than one waits for that, or what is claimed would all be in hand. Nobody
        has a place who waits for work: it may be needed between two parts."""
        async with self._getting:
            work = await self._todo.get()
            if work is None:
                return None
            job = _Job(work, await self._letter(work))
            await place.take()
            return job

    async def _look_ahead(self, behind: Work) -> _Job | None:
        """The job after this one, where there is one already."""
        work = self._todo.take(behind) if self._proved.is_set() else None
        return _Job(work, await self._letter(work)) if work is not None else None

    def _late(self, work: Work) -> bool:
        """Whether the claim is too old to begin a send on."""
        age = self._context.clock.boottime() - self._held[work.message_id, work.epoch].since
        return age > self._fresh

    async def _release(self, work: Work) -> None:
        await self._context.store.call(ledger.release, [work])
        del self._held[work.message_id, work.epoch]

    async def _give_back(self) -> None:
        """Another run, or another process, may have at once what this one claimed and did not send."""
        await self._context.settler.idle()  # an outcome that is being written down is no longer ours to give back
        works, self._held = [held.work for held in self._held.values()], {}
        if works:
            await self._context.store.call(ledger.release, works)

    async def _deliver(self, line: _Line, job: _Job, following: _Letter | Outcome | None, place: _Place) -> None:
        work, letter = job.work, job.letter
        if not isinstance(letter, _Letter):
            await self._settle(work, work.parts_done, letter, self._context.clock.now(), final=True)
            return
        parts = letter.rendered.parts
        if work.parts_done >= parts:  # the reader's part became shorter since: all there is was sent
            await self._settle(work, work.parts_done - 1, Sent(), self._context.clock.now(), final=True)
        for part in range(work.parts_done, parts):
            if not self._pace.is_free:
                if part > work.parts_done:
                    place.leave()  # others go meanwhile; while a part is sent and written down, its place is taken
                await self._pace.acquire(work.address)
                await place.take()
                if self._late(work) or self._over:
                    self._pace.unused(work.address)
                    if not self._over:
                        await self._release(work)
                    return
            announced = following.envelope if part == parts - 1 and isinstance(following, _Letter) else None
            if not await self._send_part(line, work, letter, part, announced):
                return

    async def _letter(self, work: Work) -> _Letter | Outcome:
        """The message, or what becomes of it where it cannot be made: it alone suffers."""
        held = self._held[work.message_id, work.epoch]
        if held.letter is not None:
            return held.letter
        try:
            contents = self._context.contents
            rendered = contents.ready(work) or await contents.rendered(work)
            return _Letter(self._context.envelope(work), rendered)
        except RenderError as error:
            return Rejected(f"cannot be rendered: {error}")
        except Exception as error:
            return _bug(work, error)

    async def _send_part(self, line: _Line, work: Work, letter: _Letter, part: int, announced: Envelope | None) -> bool:
        """Send a part and write its outcome down; whether the next one may follow."""
        started = self._context.clock.now()
        outcome = await self._sent(line, work, letter, part, announced)
        if outcome is None:
            return False
        stops = self._is_outage(outcome)
        if stops:
            self._stop(outcome)
        outcome = self._marked(outcome)
        final = part == letter.rendered.parts - 1
        provider_id = letter.envelope.provider_id
        verdict = None if self._gate is None else self._gate.judge(work.address, outcome)
        if verdict and verdict.rest and isinstance(outcome, Retry):
            outcome = replace(outcome, after=max(outcome.after or 0.0, verdict.rest))
        ours = await self._settle(
            work, part, outcome, started, final=final, provider_id=provider_id, stops=stops, verdict=verdict
        )
        if verdict and verdict.rest:
            await self._make_way(verdict, outcome)
        if not ours:
            self._lost(work)
        return ours and isinstance(outcome, Sent)

    async def _sent(
        self, line: _Line, work: Work, letter: _Letter, part: int, announced: Envelope | None
    ) -> Outcome | None:
        """What became of a part that has its slot; None where the message is another's by now, and nothing was sent."""
        well = False
        try:
            if self._lane.marked and not await self._context.settler.begin(work, part):
                self._lost(work)
                return None
            outcome = await line.send(work, letter, part, announced)
            well = isinstance(outcome, Sent)
            return outcome
        finally:
            if not self._pace.is_free:
                self._pace.done(work.address, well=well)

    def _lost(self, work: Work) -> None:
        log.warning("message %d was taken over by another process; its outcome is not ours", work.message_id)
        self.abandon()  # what else was claimed then is another's by now, too

    def _marked(self, outcome: Outcome) -> Outcome:
        """Where a repeat would be another message, one that may have arrived is called so, and sent again only where
        the lane says so."""
        if not (self._lane.marked and isinstance(outcome, Retry) and outcome.unknown):
            return outcome
        reason = f"{ledger.UNKNOWN}: {outcome.reason}"
        return replace(outcome, reason=reason) if self._lane.resend_unknown else Rejected(reason, outcome.code)

    async def _make_way(self, verdict: Verdict, outcome: Outcome) -> None:
        """A group rests: what waits of it is put off, and the others go on."""
        assert self._gate is not None
        assert self._gated is not None
        name = lanes.group_lane(self._lane.name, verdict.group)
        if name not in self.rests:
            # A reader's own domain is not for the log.
            who = name if verdict.change is not None else f"{self._lane.name}: a receiver of its own"
            log.warning("%s rests for %.0f seconds: it answered %s", who, verdict.rest, outcome.code)
        self.rests[name] = self._gate.reason(verdict.group)
        await self._pass_on(self._gated.withdraw(verdict.group))

    def _is_outage(self, outcome: Outcome) -> bool:
        """Whether the lane is at fault, by one answer that says so or by many that make it likely."""
        if not isinstance(outcome, Retry):
            self._suspects = 0
            return False
        self._suspects += outcome.suspect
        return outcome.outage or (outcome.suspect and (self._suspects >= _MANY or not self._proved.is_set()))

    def _stop(self, outcome: Outcome) -> None:
        if not self.outage and isinstance(outcome, Retry):
            self.outage = outcome.reason
            if outcome.after:  # the receiver asked for it
                self._pace.slow_down()
            log.warning("lane %s stopped: %s", self._lane.name, _ours(outcome), extra={"lane": self._lane.name})

    async def _settle(
        self,
        work: Work,
        part: int,
        outcome: Outcome,
        started: int,
        *,
        final: bool,
        provider_id: str = "",
        stops: bool = False,
        verdict: Verdict | None = None,
    ) -> bool:
        now = self._context.clock.now()
        retry_at = 0
        if isinstance(outcome, Retry):
            delays = self._channel.retry_delays
            retry_at = next_try(work.attempts + 1, delays, outcome.after, now, self._context.spread)
        took = max(0, now - started)  # the clock may have been set back
        attempt = Attempt(work, part, outcome, started, took, final, provider_id, self._lane.name, retry_at, stops)
        attempt.group = None if verdict is None else verdict.change
        ours = await self._context.settler.settle(attempt)
        if final or not isinstance(outcome, Sent):
            self._held.pop((work.message_id, work.epoch), None)
        if attempt.counts:
            fruitless = stops and isinstance(outcome, Rejected)  # it ends because nobody knows whether it arrived
            self.progressed |= not fruitless and (not isinstance(outcome, Retry) or outcome.outage)
            self._context.progress(attempt)
        return ours


def _page(lane: Lane, most: int, rate: float | None) -> int:
    """How many messages a lane claims that sends so many a second at present."""
    return most if rate is None else min(most, max(lane.connections, round(rate * _PACED_SECONDS)))


def _ours(outcome: Retry) -> str:
    """The reason in words of ours. Those of a receiver, which come with a number, may hold an address: they stand in
    the ledger, and not in the log."""
    if outcome.code[:1].isdigit():
        return f"it answered {outcome.code} (in its own words: dispatch lanes list)"
    return outcome.reason


def _bug(work: Work, error: Exception) -> Retry:
    """A bug of ours: this message is tried again, by its schedule."""
    log.error("message %d: %s", work.message_id, kind_and_place(error))
    return Retry(f"internal error: {type(error).__name__}")
