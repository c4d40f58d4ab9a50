"""What happens regularly, on APScheduler's clock.

Its jobs live in memory and are made from the settings at each start: there is nothing to migrate, and two processes
share no job.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something done every so many seconds, beginning at once. A run that is late is made up for once; two runs of
    one job never overlap; one that fails is logged and comes again."""

    name: str
    seconds: float
    work: Callable[[], Awaitable[None]]


def make_scheduler(jobs: Sequence[Job]) -> AsyncIOScheduler:
    """A scheduler with these jobs, not yet started."""
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    scheduler = AsyncIOScheduler(timezone=dt.UTC)
    for job in jobs:
        scheduler.add_job(
            _guarded(job),
            "interval",
            seconds=job.seconds,
            id=job.name,
            name=job.name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
            next_run_time=dt.datetime.now(dt.UTC),
        )
    return scheduler


def _guarded(job: Job) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        try:
            await job.work()
        except Exception:
            log.exception("%s failed; it is tried again in %g seconds", job.name, job.seconds)

    return run
