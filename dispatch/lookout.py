"""Looks at the sources of issues, each by itself, and remembers what they had and how they stand."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from dispatch import settings as set_
from dispatch.app import App
from dispatch.delivery.clock import Clock
from dispatch.delivery.schedule import Job
from dispatch.delivery.store import Store
from dispatch.errors import DispatchError, IntakeError, NoReader
from dispatch.intake.pickup import Look
from dispatch.settings import INBOX, Settings
from dispatch.sources import memory as memories
from dispatch.sources.folder import Folder
from dispatch.sources.memory import Standing
from dispatch.sources.pages import File, Listed
from dispatch.sources.source import Document, Found, Memory, Refusal, Source, Trouble, with_outcome
from dispatch.sources.web import DAY, Web
from subscribers.database import Database
from subscribers.errors import DatabaseError

log = logging.getLogger(__name__)
T = TypeVar("T")
TakeIn = Callable[[Path, str], Awaitable[Look]]

_TICK = 15.0  # seconds after which it is looked anew whether a look is due
_FIRST_PAUSE = 60.0  # seconds after a first failure; twice as long after each further one, up to a day
_LONGEST_LOOK = 1800.0
_STALE_MS = 60_000  # that the time of a look may be behind where nothing happens


@dataclass(frozen=True, slots=True)
class Check:
    """What a look without consequences found: what would be taken in, by name and what it is; what cannot be had; and
    why the source itself fails, or None."""

    source: Source
    found: tuple[tuple[str, str], ...]
    refused: tuple[tuple[str, str], ...]
    error: DispatchError | None

    @property
    def ok(self) -> bool:
        return self.error is None and not self.refused


def sources_of(settings: Settings, clock: Clock, web: Web | None = None) -> list[Source]:
    """The sources that are set, the folder of `[intake]` first and its addresses last."""
    intake = settings.intake
    web = web or Web(clock, seconds=intake.timeout, max_bytes=intake.max_bytes, pause=intake.pause)
    inbox = Folder(
        INBOX,
        intake.folder,
        clock,
        every=intake.every,
        settle=intake.settle,
        seconds=intake.timeout,
        optional=True,
        at_once=True,
    )
    made = [_made(source, settings, clock, web) for source in settings.sources]
    folders = [source for source in made if source.kind == "folder"]
    others = [source for source in made if source.kind != "folder"]
    return [inbox, *folders, *others, *(File(None, web, url=url, every=intake.urls_every) for url in intake.urls)]


def _made(source: set_.Source, settings: Settings, clock: Clock, web: Web) -> Source:
    intake = settings.intake
    if isinstance(source, set_.FolderSource):
        return Folder(
            source.name,
            source.path,
            clock,
            every=source.every,
            settle=source.settle,
            after=source.after,
            seconds=intake.timeout,
        )
    if isinstance(source, set_.ImapSource):
        from dispatch.sources.mailbox import Mailbox

        return Mailbox(source, seconds=intake.timeout, max_bytes=intake.max_bytes)
    return File(source, web) if isinstance(source, set_.FileSource) else Listed(source, web)


class Lookout:
    """Looks at all sources, in each other's way nowhere: each has its own job, its own state and its own back-off."""

    def __init__(
        self,
        app: App,
        store: Store,
        take_in: TakeIn,
        *,
        sources: Sequence[Source] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`take_in` reads a file and takes it in, under a name; `chance` gives numbers from 0 to 1 for the jitter."""
        self.sources = list(sources) if sources is not None else sources_of(app.settings, app.clock)
        self._clock = app.clock
        self._store = store
        self._take_in = take_in
        self._chance = chance

    def jobs(self, stopping: asyncio.Event) -> list[Job]:
        """A job for each source."""
        return [self._job(source, stopping) for source in self.sources]

    def _job(self, source: Source, stopping: asyncio.Event) -> Job:
        async def work() -> None:
            standing = await self._store.call(memories.standing, source.name)
            if standing.kind and not _is_frequent(source) and not self._is_due(source, standing):
                return
            await self._look(source, standing, stopping, patient=False)

        return Job(f"source {source.name}", min(source.every, _TICK), work)

    def _is_due(self, source: Source, standing: Standing) -> bool:
        """Whether it is time; a clock that was set back must not put a look off for longer than a rest may be."""
        now = self._clock.now()
        return standing.next_at <= now or standing.next_at > now + 1000 * max(source.every, DAY)

    async def settle(self) -> None:
        """Sources that there were once do not count as failing."""
        names = {source.name for source in self.sources}
        await self._store.call(_in_transaction, lambda db: memories.settle_others(db, names))

    async def everywhere(self, stopping: asyncio.Event) -> list[Look]:
        """Look at all sources now, whatever the hour: folders one after the other, then all others side by side. A rest
        that a server asked for is kept."""
        await self.settle()
        looks: list[Look] = []
        for source in self.sources:
            if source.kind == "folder" and not stopping.is_set():
                looks += await self._now(source, stopping)
        others = [self._now(source, stopping) for source in self.sources if source.kind != "folder"]
        for found in await asyncio.gather(*others):
            looks += found
        return looks

    async def _now(self, source: Source, stopping: asyncio.Event) -> list[Look]:
        standing = await self._store.call(memories.standing, source.name)
        if standing.asked and not self._is_due(source, standing):
            words = f"{source.place}: the server asked us to wait: {standing.last_error}"
            return [Look(source.place, error=Trouble(words))]
        return await self._look(source, standing, stopping, patient=True)

    async def _look(self, source: Source, standing: Standing, stopping: asyncio.Event, *, patient: bool) -> list[Look]:
        """One look, and what became of it in the store. A source's failure is told in the last of the looks."""
        looks: list[Look] = []
        memory = await self._store.call(memories.load, source.name)
        error: DispatchError | None = None
        try:
            ended = await _unless(stopping, self._through(source, memory, looks, stopping, patient=patient))
        except DatabaseError:  # no fault of the source's
            raise
        except Exception as failure:
            error = _in_words(failure, source)
            log.error("source %s: %s", _name(source), error)
            ended = True
        taken = next((look for look in reversed(looks) if look.added), None)
        if ended and not self._is_usual(source, standing, looks, error):
            untried = next((look.error for look in looks if isinstance(look.error, NoReader)), None)
            found = self._after(source, standing, error or untried)
            if taken and taken.added:
                found = replace(found, last_taken=taken.added.name, taken_at=self._clock.now())
            await self._store.call(_in_transaction, lambda db: _keep(db, source.name, memory, found))
        return [*looks, *([Look(source.place, error=error)] if error else [])]

    def _is_usual(self, source: Source, before: Standing, looks: Sequence[Look], error: DispatchError | None) -> bool:
        """Whether there is nothing to write down of a look that comes every few seconds."""
        eventful = looks or error or before.failures or not before.kind
        return not eventful and _is_frequent(source) and 0 <= self._clock.now() - before.checked_at < _STALE_MS

    async def _through(
        self, source: Source, memory: Memory, looks: list[Look], stopping: asyncio.Event, *, patient: bool
    ) -> bool:
        """Go through what a source has; whether it came to the end."""
        async with (
            asyncio.timeout(_LONGEST_LOOK),
            aclosing(source.look(memory, now=self._clock.now(), patient=patient)) as all_found,
        ):
            async for found in all_found:
                if (look := await self._act(source, found, memory)) is not None:
                    looks.append(look)
                if stopping.is_set():
                    return False
        return True

    async def _act(self, source: Source, found: Found, memory: Memory) -> Look | None:
        """Have a document taken in, and remember what became of it."""
        if isinstance(found, Document):
            try:
                look = await self._take_in(found.path, found.name)
            finally:
                await asyncio.to_thread(found.path.unlink, missing_ok=True)
            if isinstance(look.error, NoReader):  # it could not be tried: it stays where it is, for the next look
                return look
            known = found.known and with_outcome(found.known, "refused" if look.error else "taken")
            await source.finish(found, str(look.error) if look.error else "")
        elif isinstance(found, Refusal):
            log.error("source %s: %s", _name(source), found.error)
            look, known = Look(found.name, error=found.error), found.known
        else:
            look, known = None, found.known
        if known is not None:
            memory.items[found.key] = known
            key = found.key
            await self._store.call(_in_transaction, lambda db: memories.remember(db, source.name, key, known))
        return look

    def _after(self, source: Source, before: Standing, error: DispatchError | None) -> Standing:
        now = self._clock.now()
        kept = replace(before, kind=source.kind, checked_at=now, asked=0)
        if error is None:
            next_at = now + round(1000 * source.every)
            return replace(kept, failures=0, failing_since=None, last_error="", next_at=next_at)
        failures = before.failures + 1
        asked = error.retry_after if isinstance(error, Trouble) else 0
        pause = max(asked, self._pause(source, failures))
        return replace(
            kept,
            failures=failures,
            failing_since=before.failing_since or now,
            last_error=str(error),
            next_at=now + round(1000 * pause),
            asked=int(asked > 0),
        )

    def _pause(self, source: Source, failures: int) -> float:
        """Seconds until it is tried again, half of them by chance so that many do not come at the same time."""
        if not source.backs_off:
            return source.every
        longest = min(DAY, _FIRST_PAUSE * 2.0 ** min(failures - 1, 20))
        return longest * (0.5 + self._chance() / 2)


def _is_frequent(source: Source) -> bool:
    """A folder that is looked at at each tick."""
    return not source.backs_off and source.every <= _TICK


async def check(app: App, source: Source, memory: Memory) -> Check:
    """Look at a source, and read what it has, as `memory` would have it; nothing is taken in or remembered."""
    found: list[tuple[str, str]] = []
    refused: list[tuple[str, str]] = []
    error: DispatchError | None = None
    try:
        async with (
            asyncio.timeout(_LONGEST_LOOK),
            aclosing(source.look(memory, now=app.clock.now(), patient=True)) as each,
        ):
            async for item in each:
                if isinstance(item, Document):
                    await _try(app, item, found, refused)
                elif isinstance(item, Refusal):
                    refused.append((item.name, str(item.error)))
                if item.known is not None:
                    memory.items[item.key] = item.known
    except Exception as failure:
        error = _in_words(failure, source)
    return Check(source, tuple(found), tuple(refused), error)


async def _try(app: App, item: Document, found: list[tuple[str, str]], refused: list[tuple[str, str]]) -> None:
    """Read a document that would be taken in."""
    try:
        issue = (await asyncio.to_thread(app.pickup.read, item.path, item.name)).issue
        found.append((item.name, f"{issue.bulletin}:{issue.ref} {issue.title}"))
    except IntakeError as error:
        refused.append((item.name, str(error)))
    finally:
        await asyncio.to_thread(item.path.unlink, missing_ok=True)


def _in_words(failure: Exception, source: Source) -> DispatchError:
    """An error of a look in words: what nobody foresaw ends that look and no other."""
    if isinstance(failure, DispatchError):
        return failure
    if isinstance(failure, TimeoutError):
        return Trouble(f"{source.place}: the look took longer than {_LONGEST_LOOK / 60:g} minutes")
    log.error("a look at a source failed; please report it", exc_info=failure)
    return Trouble(f"{source.place}: it cannot be looked at ({type(failure).__name__}); see the log")


def _name(source: Source) -> str:
    """The name for people: that of an address is the address itself, in which a key may stand."""
    return source.place if "://" in source.name else source.name


def _keep(db: Database, name: str, memory: Memory, found: Standing) -> None:
    memories.save(db, name, memory.state, found)
    memories.trim(db, name)


def _in_transaction(db: Database, work: Callable[[Database], None]) -> None:
    with db.transaction():
        work(db)


async def _unless(stopping: asyncio.Event, work: Coroutine[None, None, T]) -> T | None:
    """What the work gives; None where a stop cuts it off."""
    task, stop = asyncio.ensure_future(work), asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for each in (task, stop):
            each.cancel()
        await asyncio.gather(task, stop, return_exceptions=True)
