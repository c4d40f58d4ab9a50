"""What happens regularly, on APScheduler's clock.

Its jobs live in memory and are made from the settings at each start: there is nothing to migrate, and two processes
share no job.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something done every so many seconds, beginning at once. A run that is late is made up for once; two runs of
    one job never overlap; one that fails is logged and comes again."""

    name: str
    seconds: float
    work: Callable[[], Awaitable[None]]


@asynccontextmanager
async def running(jobs: Sequence[Job], patience: float) -> AsyncIterator[None]:
    """The jobs run while inside. At the end none begins any more, and what is under way is finished, unless it takes
    longer than `patience` seconds: APScheduler's own shutdown would cut it off in the middle."""
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    crew = _Crew()
    scheduler = AsyncIOScheduler(timezone=dt.UTC)
    for job in jobs:
        scheduler.add_job(
            crew.guarded(job),
            "interval",
            seconds=job.seconds,
            id=job.name,
            name=job.name,
            coalesce=True,
            max_instances=2,  # the second one sees that the first is under way, and ends: no warning of the library's
            misfire_grace_time=None,
            next_run_time=dt.datetime.now(dt.UTC),
        )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.pause()
        await crew.rest(patience)
        scheduler.shutdown(wait=False)


class _Crew:
    """Knows which jobs are under way."""

    def __init__(self) -> None:
        self._working: set[str] = set()
        self._closing = False
        self._idle = asyncio.Event()

    def guarded(self, job: Job) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            if self._closing or job.name in self._working:
                return
            self._working.add(job.name)
            try:
                await job.work()
            except Exception:
                log.exception("%s failed; it is tried again in %g seconds", job.name, job.seconds)
            finally:
                self._working.discard(job.name)
                if not self._working:
                    self._idle.set()

        return run

    async def rest(self, patience: float) -> None:
        """Begin nothing more, and wait for what is under way."""
        self._closing = True
        try:
            async with asyncio.timeout(patience):
                while self._working:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            log.warning("cut off after %g seconds: %s", patience, ", ".join(sorted(self._working)))
        # Jobs that were handed out already begin, and end at once, in the next turns of the loop.
        for _ in range(3):
            await asyncio.sleep(0)
