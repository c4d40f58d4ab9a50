"""What the tables of faults share: an office that sends by the real channels to receivers that misbehave on request,
and what an administrator must see after each kind of fault.

Each case is told in two runs of the engine, each with channels of its own, as if the program had been started twice:
one into the fault, one when the receivers are well again and the time has come.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from pydantic import SecretStr

from dispatch.assets import templates_dir
from dispatch.channels.email import EmailChannel
from dispatch.channels.registry import address as checked
from dispatch.channels.telegram import TelegramChannel
from dispatch.channels.webhook import WebhookChannel
from dispatch.delivery import planner
from dispatch.delivery.channel import Channel
from dispatch.delivery.engine import Engine, Summary
from dispatch.delivery.lanes import CLOSED, LaneState, states
from dispatch.delivery.ledger import Work, installation
from dispatch.delivery.store import Store
from dispatch.digests.render import Renderer
from dispatch.guarded_http import system_resolve
from dispatch.links import Addressing, Links
from dispatch.model import Envelope
from dispatch.settings import EmailSettings, EngineSettings, Settings, TelegramSettings, WebhookSettings
from dispatch.testing import BotApi, SmtpSink, WebhookReceiver
from dispatch.testing.smtp import SmtpStep
from subscribers import directory
from subscribers.database import Database
from subscribers.model import Preferences
from subscribers.tokens import Signer
from tests.acts import at
from tests.delivery.conftest import Desk, FakeClock

TOKEN = "42:TEST"
PATIENCE = 1.5  # seconds that a channel waits for a receiver that stalls
HOUR = 3_600_000
EXPIRE = {"email": 48 * HOUR, "telegram": 24 * HOUR, "webhook": 96 * HOUR}
LONGEST_REST = 700_000  # ms; a lane rests at most ten minutes


class Expect(Enum):
    """What becomes of the message that meets the fault. In every case everybody else gets theirs, once."""

    SENT = "sent"
    LATER = "tried again by the schedule, alone"
    FAILS = "failed; the address stays good"
    DEAD = "failed; nothing goes to the address any more"
    RESTS = "the lane rests; no message is charged an attempt"
    BLAMED = "the lane rests, and the message that may be the cause is tried again by the schedule"


SENT, LATER, FAILS, DEAD, RESTS, BLAMED = Expect


@dataclass(frozen=True, slots=True)
class Story:
    """A delivery as the administrator finds it. `attempts` are (outcome, code, words), times in ms."""

    delivery: str
    message: str
    reason: str
    attempts: tuple[tuple[str, str, str], ...]
    tried_at: int
    due_at: int
    endpoint: str


@cache
def shared_renderer(override: Path | None) -> Renderer:
    """One for all cases: compiling the templates takes longer than the rest of a case."""
    return Renderer(templates_dir(), override, lambda bulletin, ref, position: "")


@cache
def _usual_trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def quick(db: Database) -> Database:
    """A connection that does not wait for the disk: that the machine loses its power is none of these faults."""
    db.run("PRAGMA synchronous = OFF")
    return db


class heard(logging.Handler):  # noqa: N801 (reads as a sentence)
    """Waits for words in the log."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words
        self._heard = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self._words in record.getMessage():
            self._heard.set()

    def __enter__(self) -> asyncio.Event:
        logging.getLogger("dispatch").addHandler(self)
        return self._heard

    def __exit__(self, *error: object) -> None:
        logging.getLogger("dispatch").removeHandler(self)


class WallClock(FakeClock):
    """A clock that can be set, beside the passing of time that `ms` and `sleep` stand for."""

    _set_by = 0

    def monotonic(self) -> float:
        return (self.ms - self._set_by) / 1000

    def boottime(self) -> float:
        return self.monotonic()

    def set(self, by: int) -> None:
        """Somebody sets the wall clock by so many ms; no time passes."""
        self.ms += by
        self._set_by += by


class Office:
    """Three readers on the channel that suffers, of whom the middle one is the victim, and one on each other."""

    def __init__(self, folder: Path, smtp: SmtpSink, bot: BotApi, hooks: WebhookReceiver) -> None:
        self.desk = Desk(folder / "ledger.db")
        self.clock = self.desk.clock = WallClock()
        self.smtp, self.bot, self.hooks = smtp, bot, hooks
        self.patience: dict[str, float] = {}
        self.relay: dict[str, object] = {}
        self.known_names: dict[str, str] = {}
        self.trusted: ssl.SSLContext | None = None
        self.templates: Path | None = None
        self.connections = 1
        self.page = 200
        self.envelope: Callable[[Callable[[Work], Envelope]], Callable[[Work], Envelope]] = lambda usual: usual
        self.connect: Callable[[], Database] = lambda: quick(self.desk.connect())
        quick(self.desk.db)

    @property
    def settings(self) -> Settings:
        relay = {"host": self.smtp.host, "port": self.smtp.port, "security": "none", **self.relay}
        email, telegram, webhook = (
            {"connections": self.connections, "timeout": self.patience.get(name, 20.0)}
            for name in ("email", "telegram", "webhook")
        )
        return Settings(
            email=EmailSettings.model_validate({"from_address": "news@bulletin.test", **email, **relay}),
            telegram=TelegramSettings.model_validate(
                {
                    "token": SecretStr(TOKEN),
                    "api_base": self.bot.base_url,
                    "chat_interval": 0,
                    "group_interval": 0,
                    **telegram,
                }
            ),
            webhook=WebhookSettings.model_validate({"allow_networks": "127.0.0.0/8", **webhook}),
        )

    def channels(self) -> dict[str, Channel]:
        renderer, settings = shared_renderer(self.templates), self.settings
        tls = self.trusted or _usual_trust()
        webhook = WebhookChannel(settings.webhook, renderer, resolve=self._resolve, tls=tls, clock=self._wall_clock)
        return {
            "email": EmailChannel(settings.email, renderer),
            "telegram": TelegramChannel(settings.telegram, renderer),
            "webhook": webhook,
        }

    async def _resolve(self, host: str, port: int) -> list[str]:
        return [self.known_names[host]] if host in self.known_names else await system_resolve(host, port)

    def _wall_clock(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.clock.now() / 1000, dt.UTC)

    def reader(self, channel: str, address: str, *follows: str) -> str:
        """Add a reader; the address as it is kept."""
        found = checked(channel, address, self.settings)
        desk = self.desk
        with desk.db.transaction():
            directory.add(
                desk.db,
                name="",
                addresses=[found],
                follows=follows or ("all",),
                preferences=Preferences(),
                consent="test",
                act=at(desk.clock.now()),
            )
        return found.address

    def publish(self, *titles: str, total: int = 534) -> None:
        """An issue of one column with these articles, planned."""
        desk = self.desk
        desk.issue({"一": titles or ("red",)}, total)
        [issue] = planner.to_plan(desk.db, desk.clock.now())
        plan = planner.begin(desk.db, issue)
        assert plan is not None
        for low, high in plan.slices:
            planner.plan_slice(desk.db, plan, low, high, EXPIRE, desk.clock.now())
        planner.end(desk.db, plan, desk.clock.now())

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[Engine]:
        """An engine as the program makes it, with channels of its own."""
        channels = self.channels()
        async with Store(self.connect) as store:
            self.store = store
            settings = self.settings
            now = self.clock.now()
            links = await store.call(lambda db: Links("", "leave@bulletin.test", Signer.load(db, now)))
            addressing = Addressing(settings, links, lambda tag, language: tag, await store.call(installation))
            usual = self.envelope(addressing.envelope)
            engine = EngineSettings(poll=0.05, shutdown=5, page=self.page)
            try:
                yield Engine(store, channels, engine, self.clock, usual, lambda bulletin: "")
            finally:
                for channel in channels.values():
                    await channel.close()

    async def drain(self) -> Summary:
        """One run of the program to its end."""
        async with self.engine() as engine:
            return await engine.drain()

    def at_each_mail(self, do: Callable[[], None]) -> None:
        """Do this when a message has arrived at the relay, before it answers."""

        def never(step: SmtpStep) -> bool:
            do()
            return False

        self.smtp.answer("DATA", "", when=never)

    def recover(self) -> None:
        """All receivers behave again."""
        self.smtp.clear()
        self.bot.clear()
        self.hooks.clear()

    def arrived(self, address: str) -> list[str]:
        """The id of each message that a receiver took for this address; "" where the protocol knows none. A webhook's
        receiver takes what it refuses, too."""
        mails = [str(mail.parsed["Message-ID"]) for mail in self.smtp.messages if address in mail.recipients]
        chats = ["" for message in self.bot.messages if str(message.chat) == address]
        posts = [request.id for request in self.hooks.requests if address.endswith(request.path)]
        return mails + chats + posts

    def stopped(self, channel: str) -> list[LaneState]:
        """The lanes of a channel that have rested, or still do."""
        names = [row["name"] for row in self.desk.db.all("SELECT name FROM lanes")]
        known = states(self.desk.db, [name for name in names if name.startswith(f"{channel}:")])
        return [lane for lane in known.values() if lane.changed_at]

    def story(self, address: str) -> Story:
        """What is on record about the one delivery to an address."""
        [row] = self.desk.db.all(
            "SELECT d.state, m.id, m.state AS message, m.reason, m.due_at, e.state AS endpoint FROM endpoints e"
            " JOIN deliveries d ON d.endpoint_id = e.id JOIN messages m ON m.id = d.message_id"
            " WHERE e.address = :address",
            {"address": address},
        )
        tries = self.desk.db.all("SELECT * FROM attempts WHERE message_id = :id ORDER BY id", {"id": row["id"]})
        return Story(
            delivery=row["state"],
            message=row["message"],
            reason=row["reason"],
            attempts=tuple((item["outcome"], item["code"], item["detail"]) for item in tries),
            tried_at=tries[-1]["started_at"] + tries[-1]["duration_ms"] if tries else 0,
            due_at=row["due_at"],
            endpoint=row["endpoint"],
        )


@dataclass(frozen=True, slots=True)
class Case:
    """A fault that one reader (or all of a lane) meets, and what must come of it.

    `code` and `words` stand in the record of the first attempt; `asked` is the least wait in seconds that the receiver
    asks for; `arrivals` counts what the receiver has taken of the victim's at the end.
    """

    channel: str
    victim: str
    neighbours: tuple[str, ...]
    others: tuple[str, ...]
    expect: Expect
    code: str = ""
    words: str = ""
    asked: float = 0
    arrivals: int = 1


async def prove(office: Office, case: Case, recover: Callable[[], object] | None = None) -> None:
    """Run into the fault, look; recover, wait, run again, look."""
    summary = await office.drain()
    assert bool(office.stopped(case.channel)) is (case.expect in (Expect.RESTS, Expect.BLAMED)), "does the lane rest?"
    for address in case.others:
        _got_it_once(office, address)
    match case.expect:
        case Expect.RESTS:
            _nobody_is_charged(office, case, summary)
        case Expect.LATER | Expect.BLAMED:
            await _waits_for_its_turn(office, case)
        case Expect.FAILS | Expect.DEAD:
            _has_failed(office, case)
        case Expect.SENT:
            _got_it_once(office, case.victim)
    office.recover()
    if recover is not None:
        await _maybe_await(recover())
    office.clock.ms += LONGEST_REST
    await office.drain()
    for address in (*case.neighbours, *case.others):
        _got_it_once(office, address)
    _has_its_end(office, case)


async def _maybe_await(value: object) -> None:
    if hasattr(value, "__await__"):
        await value


def _got_it_once(office: Office, address: str) -> None:
    story = office.story(address)
    assert (story.delivery, story.message, story.endpoint) == ("sent", "sent", "active"), (address, story)
    assert [outcome for outcome, _, _ in story.attempts] == ["sent"], (address, story)
    assert len(office.arrived(address)) == 1, address


def _nobody_is_charged(office: Office, case: Case, summary: Summary) -> None:
    stories = [office.story(address) for address in (case.victim, *case.neighbours)]
    assert {(story.delivery, story.message, story.endpoint) for story in stories} == {("planned", "queued", "active")}
    assert not any(story.attempts for story in stories), stories
    assert [story.reason for story in stories if case.words in story.reason], stories
    assert [reason for reason in summary.outages.values() if case.words in reason], summary
    [lane] = office.stopped(case.channel)
    assert lane.breaker != CLOSED
    assert case.words in lane.reason
    assert lane.wait(office.clock.now()) > 0, lane


async def _waits_for_its_turn(office: Office, case: Case) -> None:
    story = office.story(case.victim)
    assert (story.delivery, story.message, story.endpoint) == ("planned", "queued", "active"), story
    [(outcome, code, words)] = story.attempts
    assert (outcome, code) == ("retry", case.code), story
    assert case.words in words
    assert case.words in story.reason
    first = office.channels()[case.channel].retry_delays[0]
    wait = (story.due_at - story.tried_at) / 1000
    assert max(first, case.asked) <= wait <= max(first * 1.1, case.asked) + 0.001, wait
    if case.expect is Expect.LATER:
        for address in case.neighbours:
            _got_it_once(office, address)
    before = len(office.arrived(case.victim))
    office.clock.ms = story.due_at - 1
    await office.drain()
    assert len(office.arrived(case.victim)) == before, "it was sent before its time"
    office.clock.ms = max(office.clock.ms, story.due_at)


def _has_failed(office: Office, case: Case) -> None:
    story = office.story(case.victim)
    assert (story.delivery, story.message) == ("failed", "failed"), story
    [(outcome, code, words)] = story.attempts
    assert (outcome, code) == ("rejected", case.code), story
    assert case.words in words
    assert case.words in story.reason
    assert (story.endpoint == "active") is (case.expect is Expect.FAILS), story
    for address in case.neighbours:
        _got_it_once(office, address)


def _has_its_end(office: Office, case: Case) -> None:
    story = office.story(case.victim)
    failed = case.expect in (Expect.FAILS, Expect.DEAD)
    assert story.delivery == ("failed" if failed else "sent"), story
    ids = office.arrived(case.victim)
    assert len(ids) == case.arrivals, ids
    assert len(set(ids)) <= 1, ids


def lined_up(office: Office, channel: str, addresses: Sequence[str]) -> tuple[str, ...]:
    """Readers of all, on one channel."""
    return tuple(office.reader(channel, address) for address in addresses)
