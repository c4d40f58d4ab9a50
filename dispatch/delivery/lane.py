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

from dispatch.delivery import ledger
from dispatch.delivery.channel import Channel, Connection, Lane, Rendered
from dispatch.delivery.clock import Clock
from dispatch.delivery.ledger import Attempt, Work
from dispatch.delivery.pace import Pace
from dispatch.delivery.retry import next_try
from dispatch.delivery.settler import Settler
from dispatch.delivery.stationery import Stationery
from dispatch.delivery.store import Store
from dispatch.errors import RenderError
from dispatch.model import Envelope, Outcome, Rejected, Retry, Sent

log = logging.getLogger(__name__)

# A send that begins this close to the end of its lease might end after it.
MARGIN_MS = 90_000


@dataclass(frozen=True, slots=True)
class Desk:
    """What all lanes work with."""

    store: Store
    settler: Settler
    stationery: Stationery
    clock: Clock
    owner: str
    page: int
    lease_ms: int
    envelope: Callable[[Work], Envelope]
    progress: Callable[[Attempt], None]
    stopping: asyncio.Event
    spread: random.Random = field(default_factory=random.SystemRandom)


class LaneRun:
    """A run. Afterwards `outage` says what stopped it ("" for nothing), and `settled` how many parts had an end."""

    def __init__(self, desk: Desk, channel: Channel, lane: Lane, pace: Pace, only: Sequence[int] | None = None) -> None:
        self._desk = desk
        self._only = only
        self._channel = channel
        self._lane = lane
        self._pace = pace
        self._todo: asyncio.Queue[Work | None] = asyncio.Queue(maxsize=desk.page)
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
            await self._return_rest()

    @property
    def _over(self) -> bool:
        return bool(self.outage) or self._desk.stopping.is_set()

    async def _feed(self) -> None:
        desk = self._desk
        while not self._over:
            works = await desk.store.call(
                ledger.claim,
                self._lane.queue,
                desk.page,
                desk.owner,
                desk.clock.now(),
                desk.lease_ms,
                self._only,
            )
            for work in works:
                await self._todo.put(work)
            if not works:
                break
        for _ in range(self._lane.connections):
            await self._todo.put(None)

    async def _work(self) -> None:
        async with self._channel.open(self._lane) as connection:
            while (work := await self._todo.get()) is not None:
                if self._over or self._late(work):
                    await self._desk.store.call(ledger.release, [work], self.outage)
                else:
                    await self._deliver(connection, work)

    def _late(self, work: Work) -> bool:
        return self._desk.clock.now() > work.lease_until - MARGIN_MS

    async def _return_rest(self) -> None:
        """Give back what an exception left in the queue: another run, or another process, may have it at once."""
        rest = []
        while not self._todo.empty():
            rest.append(self._todo.get_nowait())
        works = [work for work in rest if work is not None]
        if works:
            await self._desk.store.call(ledger.release, works, self.outage)

    async def _deliver(self, connection: Connection, work: Work) -> None:
        try:
            rendered = await self._desk.stationery.rendered(work)
        except RenderError as error:
            await self._settle(work, work.parts_done, Rejected(f"cannot be rendered: {error}"), self._desk.clock.now())
            return
        envelope = self._desk.envelope(work)
        last = rendered.parts - 1
        if work.parts_done > last:  # the reader's part became shorter since: all there is was sent
            await self._settle(work, last, Sent(), self._desk.clock.now())
        for part in range(work.parts_done, rendered.parts):
            await self._pace.acquire(work.address)
            if self._late(work):
                await self._desk.store.call(ledger.release, [work], "")
                return
            if not await self._send_part(connection, work, envelope, rendered, part):
                return

    async def _send_part(
        self, connection: Connection, work: Work, envelope: Envelope, rendered: Rendered, part: int
    ) -> bool:
        """Send a part and write its outcome down; whether the next one may follow."""
        started = self._desk.clock.now()
        outcome = await self._attempt(connection, envelope, rendered, part)
        self._pace.done(work.address)
        if isinstance(outcome, Retry) and outcome.outage:
            self._stop(outcome)
        ours = await self._settle(work, part, outcome, started, final=part == rendered.parts - 1, envelope=envelope)
        if not ours:
            log.warning("message %d was taken over by another process; its outcome is not ours", work.message_id)
        return ours and isinstance(outcome, Sent)

    @staticmethod
    async def _attempt(connection: Connection, envelope: Envelope, rendered: Rendered, part: int) -> Outcome:
        try:
            return await connection.send(envelope, rendered, part)
        except Exception as error:
            # A bug of a channel's: this message alone suffers, and is tried again. The error's own words may hold
            # an address or a secret, so only its kind and place are logged.
            place = error.__traceback__
            while place and place.tb_next:
                place = place.tb_next
            where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
            log.error("message %d: %s at %s", envelope.message_id, type(error).__name__, where)
            return Retry(f"internal error: {type(error).__name__}")

    def _stop(self, outcome: Retry) -> None:
        if not self.outage:
            self.outage = outcome.reason
            self.rest_seconds = outcome.after
            log.warning("lane %s stopped: %s", self._lane.name, outcome.reason)

    async def _settle(
        self,
        work: Work,
        part: int,
        outcome: Outcome,
        started: int,
        *,
        final: bool = True,
        envelope: Envelope | None = None,
    ) -> bool:
        now = self._desk.clock.now()
        retry_at = 0
        if isinstance(outcome, Retry):
            retry_at = next_try(work.attempts + 1, self._channel.retry_delays, outcome.after, now, self._desk.spread)
        provider_id = envelope.provider_id if envelope else ""
        attempt = Attempt(work, part, outcome, started, now - started, final, provider_id, retry_at)
        ours = await self._desk.settler.settle(attempt)
        if not (isinstance(outcome, Retry) and outcome.outage):
            self.settled += 1
            self._desk.progress(attempt)
        return ours
