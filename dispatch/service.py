"""The running program: look, plan, send — once, or for ever."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dispatch import archive
from dispatch.app import App
from dispatch.catalog.strays import strays
from dispatch.channels.telegram_bots import lease_of
from dispatch.delivery import alarms, bounces, control, corrections, health, ledger, planner
from dispatch.delivery.engine import Engine, Summary
from dispatch.delivery.member import Member
from dispatch.delivery.retention import prune
from dispatch.delivery.schedule import Job, running
from dispatch.delivery.store import Store
from dispatch.errors import DispatchError, Failure, NoReader
from dispatch.intake.originals import Original
from dispatch.intake.pickup import Look, what_next
from dispatch.lookout import Lookout
from dispatch.model import IssueState
from dispatch.progress import SILENT, Sending
from dispatch.workers import Crew, watch_first
from subscribers import directory
from subscribers.audit import PROGRAM, Act, Way
from subscribers.database import Database, Row
from subscribers.errors import DatabaseError, SubscriberError

log = logging.getLogger(__name__)

_DAY = 86_400.0
_ALARMS = 60.0  # seconds between two looks for something that is wrong
_RECEIVERS = 600.0  # seconds between two looks for receivers that only fail
_KEYS = 30.0  # seconds between two looks for new keys
_RESUMED = 500  # endpoints that are resumed in one transaction


@dataclass(frozen=True, slots=True)
class Planned:
    """An issue that was planned, and how many deliveries that added."""

    name: str
    deliveries: int


@dataclass(slots=True)
class Report:
    """What one run did."""

    looks: list[Look] = field(default_factory=list)
    planned: list[Planned] = field(default_factory=list)
    corrections: int = 0  # messages
    summary: Summary = field(default_factory=Summary)
    waiting: list[Row] = field(default_factory=list)
    held: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing failed that an administrator should see to."""
        errors = any(look.error for look in self.looks)
        return not (self.summary.outages or self.summary.fruitless or errors)


def lookout(app: App, store: Store) -> Lookout:
    """What looks at the sources, and has what they find taken in."""

    _ = app.pickup  # what is set wrong is told before any file is read

    async def take_in(path: Path, source: str) -> Look:
        return await _take_in(app, store, path, source)

    return Lookout(app, store, take_in)


def _tell_strays(app: App) -> None:
    """Say which files of the catalog's own folder are named wrongly, so that nobody reads them."""
    folder = app.settings.catalog.folder
    for stray in strays(folder) if folder else ():
        log.warning("%s: %s; %s", stray.path, stray.reason, stray.remedy)


async def _take_in(app: App, store: Store, path: Path, source: str) -> Look:
    try:
        original = await asyncio.to_thread(Original.of, path, source)
        known = await store.call(app.pickup.known, original)
        if known is not None:  # by its bytes: nothing is read
            log.info("%s: %s is known", source, known.name)
            return Look(source, known)
        reading = await asyncio.to_thread(app.pickup.read, path, source)
        added = await store.call(app.pickup.take_in, reading, _by_us(app, Way.FILE), original)
    except Exception as error:
        failure = _failure(error, source)
        log.error("%s%s", "" if isinstance(failure, NoReader) else "refused: ", failure)
        return Look(source, error=failure)
    for warning in reading.warnings:
        log.warning("%s: %s", source, warning)
    log.info("%s: %s is %s", source, added.name, added.outcome)
    if added.outcome == "revised":
        log.warning("%s: %s", source, what_next(added))
    return Look(source, added, reading.warnings)


def _by_us(app: App, way: Way) -> Act:
    """Something that the program does by itself."""
    return Act(app.clock.now(), PROGRAM, way)


def _failure(error: Exception, source: str) -> DispatchError:
    """An error in words. What nobody foresaw of a stranger's file is that file's too: it stops no other."""
    if isinstance(error, DispatchError):
        return error
    if isinstance(error, DatabaseError):  # locked or full: no fault of the file's, which stays
        return NoReader(f"{source}: {error}; it is tried again")
    if isinstance(error, SubscriberError):
        return Failure(str(error))
    return Failure(f"{source}: cannot be taken in ({type(error).__name__}); please report it with the file")


def _remember(db: Database, url: str, state: dict[str, str], now: int) -> None:
    with db.transaction():
        archive.set_source_state(db, url, state, now)


async def plan_due(app: App, store: Store, engine: Engine) -> list[Planned]:
    """Plan the approved issues whose time has come, slice by slice: between two, others have their turn."""
    planned = []
    for issue in await store.call(planner.to_plan, app.clock.now()):
        plan = await store.call(planner.begin, issue)
        if plan is None or engine.stopping.is_set():
            continue
        count = await _plan(app, store, engine, plan)
        if count is not None:
            log.info("issue %s: %d deliveries planned", plan.name, count)
            planned.append(Planned(plan.name, count))
    return planned


async def _plan(app: App, store: Store, engine: Engine, plan: planner.Plan) -> int | None:
    """How many deliveries were added; None where the plan is cut short, to be taken up again or not at all."""
    count, now, expire_ms = 0, app.clock.now(), app.expire_ms()
    for low, high in plan.slices:
        added = await store.call(planner.plan_slice, plan, low, high, expire_ms, now)
        if added is None or engine.stopping.is_set():
            return None
        count += added
    await store.call(planner.end, plan, app.clock.now())
    return count


async def plan_firsts(app: App, store: Store, engine: Engine) -> int:
    """Plan the newest digest for those who began to follow and want it at once, page by page; how many deliveries that
    adds."""
    total = 0
    while not engine.stopping.is_set():
        added = await store.call(planner.plan_firsts, app.expire_ms(), app.clock.now())
        if added is None:
            break
        total += added
    if total:
        log.info("%d first digests planned for new followers", total)
    return total


async def plan_corrections(app: App, store: Store, engine: Engine) -> int:
    """Queue the corrections that a person let go out, slice by slice; how many messages that adds."""
    total = 0
    for plan in await store.call(corrections.to_plan):
        for low, high in plan.slices:
            if engine.stopping.is_set():
                return total
            now = app.clock.now()
            total += await store.call(corrections.plan_slice, plan, low, high, app.expire_ms(), now)
        await store.call(corrections.end, plan)
        log.info("issue %s: corrections to revision %d are queued", plan.name, plan.correction.revision)
    return total


async def resume_due(app: App, store: Store, engine: Engine) -> int:
    """Resume the endpoints whose pause is over, page by page; how many."""
    total = 0
    while not engine.stopping.is_set():
        resumed = await store.call(_resume_page, app.clock.now())
        total += resumed
        if resumed < _RESUMED:
            break
    if total:
        log.info("%d endpoints are active again: the date until which they were paused has come", total)
    return total


def _resume_page(db: Database, now: int) -> int:
    if db.one(directory.SQL["pauses_over"], {"now": now, "page": 1}) is None:  # as nearly always: no lock is taken
        return 0
    with db.transaction():
        return directory.resume_due(db, Act(now, PROGRAM, Way.SCHEDULE), _RESUMED)


async def read_bounces(app: App, store: Store, stopping: asyncio.Event) -> None:
    """Act upon what came back, by Maildir and IMAP, and pause the addresses that it comes back from again and again."""
    from dispatch.bounces.source import look

    settings = app.settings.bounces
    desk = await store.call(app.desk)
    if app.maildir is not None:
        await look(app.maildir, desk, store, app.clock, stopping)
    if settings.imap_host and not stopping.is_set():
        from dispatch.bounces.imap import Imap

        name = f"imap:{settings.imap_username}@{settings.imap_host}/{settings.imap_folder}"
        known = await store.call(archive.source_state, name)
        mailbox = Imap(settings, (int(known.get("validity", 0)), int(known.get("uid", 0))))
        was = mailbox.state
        await look(mailbox, desk, store, app.clock, stopping)
        if mailbox.state != was:
            validity, uid = mailbox.state
            state = {"validity": str(validity), "uid": str(uid)}
            await store.call(_remember, name, state, app.clock.now())
    paused = await store.call(bounces.score_new, app.bounce_limits, app.clock.now())
    if paused:
        log.warning("%d endpoints are paused: mail to them came back too often", paused)


async def pause_failing(app: App, store: Store) -> int:
    """Pause the receivers that have only failed for days, and tell their owners; how many."""

    def pause(db: Database) -> int:
        days = app.settings.webhook.pause_after_days
        return health.pause_failing(
            db, days, app.clock.now(), lambda endpoint_id: app.links(db).preferences(endpoint_id)
        )

    paused = await store.call(pause)
    if paused:
        log.warning("%d receivers are paused: they have only failed for days", paused)
    return paused


async def run_once(app: App, progress: Sending = SILENT, *, take_in: bool = True) -> Report:
    """Do everything that is due: take in, plan, send. Serves no page."""
    report = Report()
    async with app.store() as store, app.engine(store, progress) as engine, _signals(engine), _reading(app, engine):
        if take_in:
            _tell_strays(app)
            report.looks = await lookout(app, store).everywhere(engine.stopping)
            await read_bounces(app, store, engine.stopping)  # what is planned today does not go to the dead
        await resume_due(app, store, engine)  # before the plan: what is planned today is theirs again
        report.planned = await plan_due(app, store, engine)
        await plan_firsts(app, store, engine)
        report.corrections = await plan_corrections(app, store, engine)
        await _carry_out(app, store, engine)
        await pause_failing(app, store)
        if alarming(app):
            await store.call(alarms.watch, app.approvers, app.clock.now())
        waiting = await store.call(_waiting, app.clock.now())
        progress.expect(due_by_channel(waiting))
        report.summary = await engine.drain()
        report.waiting = await store.call(_waiting, app.clock.now())
        report.held = await store.call(_held)
    return report


def _held(db: Database) -> list[str]:
    """The issues that wait for approval, as they are written."""
    shown = archive.shown(db)
    return [shown(row["bulletin"], row["ref"]) for row in archive.rows(db, IssueState.HELD)]


def due_by_channel(waiting: Iterable[Row]) -> dict[str, int]:
    """How many messages of each channel are due, of the rows of `ledger.waiting`."""
    due: Counter[str] = Counter()
    for row in waiting:
        due[row["queue"].partition(":")[0]] += row["due"]
    return due


def _waiting(db: Database, now: int) -> list[Row]:
    return db.all(ledger.SQL["waiting"], {"now": now})


async def send_only(app: App, queue: Callable[[Database], list[int]], progress: Sending) -> list[Row]:
    """Queue messages and send just these: nothing else that is due goes out. How they ended, whoever sent them: a row
    of `id`, `state` and `reason` each."""
    async with app.store() as store:
        ids = await store.call(_in_transaction, queue)
        async with app.engine(store, progress) as engine, _signals(engine):
            summary = await engine.drain(only=ids)
            faults = "; ".join(f"{lane}: {reason}" for lane, reason in summary.outages.items())
            await store.call(ledger.cancel, ids, faults or "it could not be sent at once", app.clock.now())
            return await store.call(ledger.ends, ids)


def _in_transaction(db: Database, queue: Callable[[Database], list[int]]) -> list[int]:
    with db.transaction():
        return queue(db)


async def run_forever(app: App, worker_arguments: Sequence[str] = (), *, worker: bool = False) -> None:
    """Watch the sources, plan and send until SIGTERM or SIGINT.

    With `engine.processes` above 1 the others are started as `python -m dispatch WORKER_ARGUMENTS`; a `worker` is one
    of these, and stops with the process that started it.
    """
    settings = app.settings
    crew = Crew(0 if worker else settings.engine.processes - 1, worker_arguments, settings.engine.shutdown)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(app.store())
        engine = await stack.enter_async_context(app.engine(store))
        await stack.enter_async_context(_signals(engine, crew))
        await stack.enter_async_context(_reading(app, engine))
        member = engine.member
        await stack.enter_async_context(member.present())
        await stack.enter_async_context(crew.at_work())
        if worker:
            stack.enter_context(_task(watch_first(engine.stop)))
        if settings.metrics.listen and not worker:
            await stack.enter_async_context(app.metrics())
        pages = await stack.enter_async_context(_pages(app, store, engine))
        if settings.telegram.conversation:
            for bot in settings.telegram.usable_bots:
                await stack.enter_async_context(_talking(app, store, engine, bot.name))
        if settings.bounces.listen:
            stack.enter_context(_task(_take_mails(app, store, engine)))
        if not worker:
            _tell_strays(app)
        looking = lookout(app, store)
        await looking.settle()
        regular = [*looking.jobs(engine.stopping), *_jobs(app, store, engine)]
        jobs = [*(_by_one(member, job) for job in regular), _keys(app, store)]
        await stack.enter_async_context(running(jobs, settings.engine.shutdown))
        log.info("watching %s and %d other sources", settings.intake.folder, len(looking.sources) - 1)
        await engine.serve()
        pages.check()
        log.info("stopped")


def _jobs(app: App, store: Store, engine: Engine) -> list[Job]:
    """What is done regularly."""
    settings = app.settings

    async def plan() -> None:
        await resume_due(app, store, engine)
        planned = await plan_due(app, store, engine)
        firsts = await plan_firsts(app, store, engine)
        corrected = await plan_corrections(app, store, engine)
        moved = await _carry_out(app, store, engine)
        if planned or firsts or corrected or moved:
            engine.wake()

    async def returned() -> None:
        await read_bounces(app, store, engine.stopping)

    async def tidy() -> None:
        await prune(store, settings.retention, app.clock.now(), engine.stopping)
        await store.call(app.originals.sweep, app.clock.now())

    async def receivers() -> None:
        if await pause_failing(app, store):
            engine.wake()

    watch = alarms.Watch(store, app.approvers, app.clock)

    async def alarm() -> None:
        if await watch.look():
            engine.wake()

    watched = [Job("alarms", _ALARMS, alarm)] if alarming(app) else []
    return [
        *watched,
        Job("plan", settings.engine.poll, plan),
        Job("receivers", _RECEIVERS, receivers),
        Job("bounces", settings.bounces.every, returned),
        Job("retention", _DAY, tidy),
    ]


def alarming(app: App) -> bool:
    """Whether somebody is told when something is wrong."""
    return app.settings.publish.alarms and bool(app.approvers.addresses)


def _keys(app: App, store: Store) -> Job:
    """Each process signs, so each learns of new keys."""

    async def reload() -> None:
        await store.call(app.reload_keys)

    return Job("keys", _KEYS, reload)


async def _carry_out(app: App, store: Store, engine: Engine) -> int:
    """Finish what a resume or a cancel left to do; how many rows it moved."""
    total = 0
    while not engine.stopping.is_set():
        moved = await store.call(control.carry_out, app.clock.now())
        total += moved
        if not moved:
            break
    return total


def _by_one(member: Member, job: Job) -> Job:
    """A job that only one process does: whoever holds the lease, and another when that one is gone."""

    async def work() -> None:
        if await member.hold("scheduler"):
            await job.work()

    return Job(job.name, job.seconds, work)


class _Pages:
    """Serves the pages for as long as this process is the one that does."""

    def __init__(self, app: App, store: Store, engine: Engine) -> None:
        self._app = app
        self._store = store
        self._engine = engine
        self._failure: Exception | None = None
        self.tried = asyncio.Event()  # whether this process could serve them is known

    async def run(self) -> None:
        while True:
            try:
                await self._serve()
            except DatabaseError as error:
                log.error("the pages: %s", error)
            except Exception as error:
                if not self.tried.is_set():
                    self._failure = error
                    self.tried.set()
                    self._engine.stop()
                    return
                # Who served them before may still be at the address: it is tried again.
                log.error("the pages: %s", error)
            self.tried.set()
            await _rest(self._app)

    async def _serve(self) -> None:
        member, web = self._engine.member, self._app.settings.web
        if not await member.hold("web"):
            return
        async with self._app.web(self._store):
            log.info("pages on http://%s for %s", web.listen, web.base_url)
            self.tried.set()
            while await member.hold("web"):
                await _rest(self._app)

    def check(self) -> None:
        """Raises what kept the pages from being served: an address that is taken, for one."""
        if self._failure is not None:
            raise self._failure


@asynccontextmanager
async def _pages(app: App, store: Store, engine: Engine) -> AsyncIterator[_Pages]:
    pages = _Pages(app, store, engine)
    if not app.settings.web.base_url:
        yield pages
        return
    with _task(pages.run()):
        await pages.tried.wait()
        pages.check()
        yield pages


async def _take_mails(app: App, store: Store, engine: Engine) -> None:
    """Take mail about our mail for as long as this process is the one that does."""
    while True:
        try:
            if await engine.member.hold("bounces"):
                async with app.listener(store):
                    log.info("mails about our mail are taken on %s", app.settings.bounces.listen)
                    while await engine.member.hold("bounces"):
                        await _rest(app)
        except (DispatchError, DatabaseError) as error:  # who did it before may still be at the address
            log.error("mails about our mail: %s", error)
        await _rest(app)


@asynccontextmanager
async def _talking(app: App, store: Store, engine: Engine, name: str) -> AsyncIterator[None]:
    """A bot answers inside, where this process is the one that does; at the end it has finished its sentence."""
    stop = asyncio.Event()
    task = asyncio.create_task(_talk(app, store, engine, name, stop), name=f"bot {name}")
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)


async def _talk(app: App, store: Store, engine: Engine, name: str, stop: asyncio.Event) -> None:
    member, lease = engine.member, lease_of(name)
    while not (stop.is_set() or engine.stopping.is_set()):
        try:
            if await member.hold(lease):
                await _talk_while_held(app, store, engine, name, stop)
        except Exception as error:  # a bot's trouble is its own: digests go on
            log.error("bot %s: %s", name, error)
        await _rest(app)


async def _talk_while_held(app: App, store: Store, engine: Engine, name: str, stop: asyncio.Event) -> None:
    member, over = engine.member, asyncio.Event()
    conversation = await app.conversation(store, name)
    serving = asyncio.create_task(conversation.serve(over))
    try:
        while not (serving.done() or stop.is_set() or engine.stopping.is_set()) and await member.hold(lease_of(name)):
            await asyncio.wait((serving,), timeout=app.settings.engine.poll)
    finally:
        over.set()
        await serving


async def _rest(app: App) -> None:
    """Until it is looked again who does what."""
    await asyncio.sleep(app.settings.engine.poll)


@contextmanager
def _task(work: Coroutine[None, None, None]) -> Iterator[None]:
    """Work beside what happens inside, cut off at its end."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()


@asynccontextmanager
async def _reading(app: App, engine: Engine) -> AsyncIterator[None]:
    """Files may be read inside. A stop waits for none of them: the file stays where it is for the next start."""

    async def break_off() -> None:
        await engine.stopping.wait()
        await asyncio.to_thread(app.stop_reading)

    try:
        with _task(break_off()):
            yield
    finally:
        await asyncio.to_thread(app.stop_reading)


@asynccontextmanager
async def _signals(engine: Engine, crew: Crew | None = None) -> AsyncIterator[None]:
    """The first SIGINT or SIGTERM ends the work in good order, here and in the crew at the same time; a second one
    leaves at once, and leaves nobody behind."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if engine.stopping.is_set():
            if crew:
                crew.kill()
            os._exit(130)
        log.warning("stopping: what is in flight is finished; once more to leave at once")
        engine.stop()
        if crew:
            crew.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
