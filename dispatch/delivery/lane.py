"""One run of a lane: claim ► render once ► send ► settle, until nothing is due or the lane is at fault.

A lane's connections work side by side. Each sends one part, waits until its outcome is committed, and only then
starts another: whatever moment the process dies at, at most one part a connection was sent without a record.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dispatch.delivery import claims, ledger
from dispatch.delivery.channel import Channel, Connection, Lane, Rendered
from dispatch.delivery.clock import Clock
from dispatch.delivery.contents import Contents
from dispatch.delivery.ledger import Attempt, Work
from dispatch.delivery.pace import Pace
from dispatch.delivery.retry import next_try
from dispatch.delivery.settler import Settler
from dispatch.delivery.store import Store
from dispatch.delivery.todo import Todo
from dispatch.errors import RenderError
from dispatch.model import Envelope, Outcome, Rejected, Retry, Sent

log = logging.getLogger(__name__)

# A send takes at most so long, and none begins closer than this to the end of its lease: none ends after it.
LONGEST_SEND = 80.0
MARGIN_MS = 90_000

# Whether the reader still wants it was looked at when it was claimed: what waited longer than this is claimed anew.
FRESH_MS = 30_000
_PACED_SECONDS = 5  # a paced lane claims no more than it sends in so long


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


class LaneRun:
    """A run. Afterwards `outage` says what stopped it ("" for nothing), and `settled` how many parts had an end.

    However a run ends, by an exception or a cancellation too, what it had claimed and not settled is given back.
    """

    def __init__(
        self, context: Context, channel: Channel, lane: Lane, pace: Pace, only: Sequence[int] | None = None
    ) -> None:
        self._context = context
        self._only = only
        self._channel = channel
        self._lane = lane
        self._pace = pace
        self._held: dict[int, Work] = {}
        self._page = _page(lane, context.page)
        self._todo = Todo(self._page)
        self.outage = ""
        self.rest_seconds: float | None = None
        self.settled = 0

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._feed())
                for _ in range(self._lane.connections):
                    group.create_task(self._work())
        finally:
            await self._give_back()
        if self.settled:
            log.info("lane %s: %d settled", self._lane.name, self.settled)

    @property
    def _over(self) -> bool:
        return bool(self.outage) or self._context.stopping.is_set()

    async def _feed(self) -> None:
        while not self._over:
            works = await self._claim()
            for work in works:
                await self._todo.put(work)
            if not works:
                break
        await self._todo.close()

    async def _claim(self) -> list[Work]:
        context = self._context
        claiming = asyncio.ensure_future(
            context.store.call(
                claims.claim,
                self._lane.queue,
                self._page,
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
            self._held |= {work.message_id: work for work in await claiming}
            raise
        self._held |= {work.message_id: work for work in works}
        return works

    async def _work(self) -> None:
        async with self._channel.open(self._lane) as connection:
            while (work := await self._todo.get()) is not None:
                if self._late(work):
                    await self._release(work)
                elif not self._over:
                    await self._deliver(connection, work)
                await self._todo.done(work)

    def _late(self, work: Work) -> bool:
        """Whether the claim is too old to begin a send on."""
        begin_by = work.lease_until - self._context.lease_ms + FRESH_MS
        return self._context.clock.now() > min(begin_by, work.lease_until - MARGIN_MS)

    async def _release(self, work: Work) -> None:
        del self._held[work.message_id]
        await self._context.store.call(ledger.release, [work])

    async def _give_back(self) -> None:
        """Another run, or another process, may have at once what this one claimed and did not send."""
        await self._context.settler.idle()  # an outcome that is being written down is no longer ours to give back
        works, self._held = list(self._held.values()), {}
        if works:
            await self._context.store.call(ledger.release, works)

    async def _deliver(self, connection: Connection, work: Work) -> None:
        letter = await self._letter(work)
        if not isinstance(letter, _Letter):
            await self._settle(work, work.parts_done, letter, self._context.clock.now(), final=True)
            return
        if work.parts_done >= letter.rendered.parts:  # the reader's part became shorter since: all there is was sent
            await self._settle(work, work.parts_done - 1, Sent(), self._context.clock.now(), final=True)
        for part in range(work.parts_done, letter.rendered.parts):
            await self._pace.acquire(work.address)
            if self._late(work):
                await self._release(work)
                return
            if self._over:
                return
            if not await self._send_part(connection, work, letter, part):
                return

    async def _letter(self, work: Work) -> _Letter | Outcome:
        """The message, or what becomes of it where it cannot be made: it alone suffers."""
        try:
            rendered = await self._context.contents.rendered(work)
            return _Letter(self._context.envelope(work), rendered)
        except RenderError as error:
            return Rejected(f"cannot be rendered: {error}")
        except Exception as error:
            return _bug(work, error)

    async def _send_part(self, connection: Connection, work: Work, letter: _Letter, part: int) -> bool:
        """Send a part and write its outcome down; whether the next one may follow."""
        started = self._context.clock.now()
        outcome = await _attempt(connection, work, letter, part)
        self._pace.done(work.address)
        if isinstance(outcome, Retry) and outcome.outage:
            self._stop(outcome)
        final = part == letter.rendered.parts - 1
        provider_id = letter.envelope.provider_id
        ours = await self._settle(work, part, outcome, started, final=final, provider_id=provider_id)
        if not ours:
            log.warning("message %d was taken over by another process; its outcome is not ours", work.message_id)
        return ours and isinstance(outcome, Sent)

    def _stop(self, outcome: Retry) -> None:
        if not self.outage:
            self.outage = outcome.reason
            self.rest_seconds = outcome.after
            log.warning("lane %s stopped: %s", self._lane.name, outcome.reason)

    async def _settle(
        self, work: Work, part: int, outcome: Outcome, started: int, *, final: bool, provider_id: str = ""
    ) -> bool:
        now = self._context.clock.now()
        retry_at = 0
        if isinstance(outcome, Retry):
            delays = self._channel.retry_delays
            retry_at = next_try(work.attempts + 1, delays, outcome.after, now, self._context.spread)
        attempt = Attempt(work, part, outcome, started, now - started, final, provider_id, self._lane.name, retry_at)
        ours = await self._context.settler.settle(attempt)
        if final or not isinstance(outcome, Sent):
            self._held.pop(work.message_id, None)
        if attempt.counts:
            self.settled += 1
            self._context.progress(attempt)
        return ours


def _page(lane: Lane, most: int) -> int:
    return most if lane.rate is None else min(most, max(lane.connections, round(lane.rate * _PACED_SECONDS)))


async def _attempt(connection: Connection, work: Work, letter: _Letter, part: int) -> Outcome:
    try:
        async with asyncio.timeout(LONGEST_SEND):
            return await connection.send(letter.envelope, letter.rendered, part)
    except TimeoutError:
        return Retry(f"no end of it within {LONGEST_SEND:g} seconds", code="timeout")
    except RenderError as error:
        return Rejected(f"cannot be rendered: {error}")
    except Exception as error:
        return _bug(work, error)


def _bug(work: Work, error: Exception) -> Retry:
    """A bug of ours: this message is tried again, by its schedule. The error's own words may hold an address or a
    secret, so only its kind and place are logged."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
    log.error("message %d: %s at %s", work.message_id, type(error).__name__, where)
    return Retry(f"internal error: {type(error).__name__}")
