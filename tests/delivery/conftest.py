"""An issue of two columns, readers, and a channel whose receiver is in the test's hands."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dispatch import archive
from dispatch.archive import ColumnName
from dispatch.delivery import planner
from dispatch.delivery.channel import Channel, Connection, Lane, Rendered
from dispatch.delivery.engine import Engine
from dispatch.delivery.ledger import Work
from dispatch.delivery.store import Store
from dispatch.errors import RenderError
from dispatch.model import Article, Block, BlockKind, Column, Content, Envelope, Issue, Outcome, Reason, Sent
from dispatch.settings import EngineSettings
from subscribers import directory
from subscribers.database import SCHEMA, Database
from subscribers.model import Address, Preferences
from tests.acts import at

START = 1_700_000_000_000
EXPIRE = {
    "email": 48 * 3_600_000,
    "telegram": 24 * 3_600_000,
    "webhook": 96 * 3_600_000,
    "apprise": 48 * 3_600_000,
}


def tags_of(article: Article, column: str) -> list[str]:
    """A tag for each word of the title, and `all`."""
    return [*(f"topic:{word}" for word in article.title.split()), f"column:{column}", "all"]


def make_issue(columns: Mapping[str, Sequence[str]], total: int = 534) -> Issue:
    block = Block(BlockKind.PARAGRAPH, "一段话。")
    made = tuple(
        Column(name, name, tuple(Article(title, "", (block,)) for title in titles)) for name, titles in columns.items()
    )
    return Issue("huoju", "火炬动态", "", 2022, 5, total, dt.date(2022, 3, 15), made)


class FakeClock:
    """A clock that moves only when somebody sleeps or a test moves it."""

    def __init__(self) -> None:
        self.ms = START
        self.slept: list[float] = []
        self.on_sleep: Callable[[float], Awaitable[None]] | None = None

    def now(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    def boottime(self) -> float:
        return self.ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ms += round(seconds * 1000)
        await (self.on_sleep(seconds) if self.on_sleep else asyncio.sleep(0))


@dataclass(frozen=True)
class Page:
    """A rendered content: which digests and variants, in how many parts."""

    content: Content
    parts: int = 1


@dataclass
class FakeChannel:
    """A channel without a wire: the test answers for the receiver, and sees every send in order."""

    name: str = "email"
    answer: Callable[[Envelope, int], Outcome] = lambda envelope, part: Sent()
    lane: Lane = field(default_factory=lambda: Lane("email:default", "email", connections=1))
    retry_delays: tuple[float, ...] = (60.0, 600.0)
    parts: int = 1
    broken_variant: int = 0
    renders: list[Content] = field(default_factory=list)
    sends: list[tuple[str, int, str]] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    opened: int = 0

    def lanes(self, queue: str) -> Sequence[Lane]:
        return [self.lane] if queue == self.lane.queue else []

    def render(self, content: Content) -> Page:
        self.renders.append(content)
        for section in content.sections:
            if sum(entry.bit for entry in section.matching) == self.broken_variant:
                raise RenderError("template broken for this variant")
        return Page(content, self.parts)

    def preview(self, content: Content, envelope: Envelope) -> Mapping[str, str]:
        return {}

    @asynccontextmanager
    async def open(self, lane: Lane) -> AsyncIterator[Connection]:
        self.opened += 1
        yield _Connection(self)

    async def close(self) -> None:
        """Nothing is held."""

    @property
    def addresses(self) -> list[str]:
        return [address for address, _, _ in self.sends]


class _Connection:
    def __init__(self, channel: FakeChannel) -> None:
        self._channel = channel

    async def send(self, envelope: Envelope, rendered: Rendered, part: int) -> Outcome:
        assert isinstance(rendered, Page)
        await asyncio.sleep(0)  # let the other connections in
        self._channel.sends.append((envelope.address, part, envelope.provider_id))
        self._channel.pages.append(rendered)
        return self._channel.answer(envelope, part)


def envelope(work: Work) -> Envelope:
    reasons = tuple(Reason(tag, tag) for owed in work.owed for tag in owed.tags)
    return Envelope(
        work.message_id, work.channel, work.address, work.name, work.language, f"id-{work.message_id}", reasons
    )


class Desk:
    """What a test does as the administrator, with a database at a path or a URL."""

    def __init__(self, where: Path | str) -> None:
        self.url = where if isinstance(where, str) else f"sqlite:///{where}"
        self.path = Path(self.url.removeprefix("sqlite:///"))
        self.clock = FakeClock()
        self.db = self.connect()

    def connect(self) -> Database:
        return Database.open(self.url, (SCHEMA, archive.SCHEMA))

    def issue(self, columns: Mapping[str, Sequence[str]], total: int = 534, *, approve: bool = True) -> int:
        with self.db.transaction():
            added = archive.add(
                self.db,
                make_issue(columns, total),
                source="test",
                warnings=(),
                column_name=lambda bulletin, column: ColumnName(column.name, ""),
                tags_of=tags_of,
                now=self.clock.now(),
            )
            if approve:
                archive.approve(self.db, archive.load(self.db, added.id), "test", self.clock.now())
        return added.id

    def reader(
        self, address: str, *follows: str, channel: str = "email", preferences: Preferences | None = None
    ) -> int:
        """A subscriber with one endpoint, whose id is given."""
        with self.db.transaction():
            added = directory.add(
                self.db,
                name=address,
                addresses=[Address(channel, address, channel)],
                follows=follows,
                preferences=preferences or Preferences(),
                consent="test",
                act=at(self.clock.now()),
            )
        return directory.get(self.db, added).endpoints[0].id

    def plan(self) -> int:
        """Plan what is approved; how many deliveries that adds."""
        added = 0
        for issue in planner.to_plan(self.db, self.clock.now()):
            plan = planner.begin(self.db, issue)
            assert plan is not None
            for low, high in plan.slices:
                added += planner.plan_slice(self.db, plan, low, high, EXPIRE, self.clock.now()) or 0
            planner.end(self.db, plan, self.clock.now())
        return added

    @asynccontextmanager
    async def engine(
        self, channel: Channel, envelope: Callable[[Work], Envelope] = envelope, **settings: float
    ) -> AsyncIterator[Engine]:
        async with Store(self.connect) as store:
            yield Engine(
                store,
                {channel.name: channel},
                EngineSettings.model_validate(settings),
                self.clock,
                envelope,
                lambda bulletin: "",
            )

    async def drain(
        self, channel: Channel, envelope: Callable[[Work], Envelope] = envelope, **settings: float
    ) -> Engine:
        """One run of the engine to its end."""
        async with self.engine(channel, envelope, **settings) as engine:
            await engine.drain()
            return engine

    def states(self) -> dict[str, str]:
        """The state of each delivery, by address and column."""
        rows = self.db.all(
            "SELECT e.address, c.name, d.state FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id"
            " JOIN digests g ON g.id = d.digest_id"
            " JOIN columns c ON c.issue_id = g.issue_id AND c.position = g.column_position"
        )
        return {f"{row['address']} {row['name']}": row["state"] for row in rows}

    def message(self, address: str) -> dict[str, object]:
        row = self.db.one(
            "SELECT m.* FROM messages m JOIN endpoints e ON e.id = m.endpoint_id WHERE e.address = :address",
            {"address": address},
        )
        assert row is not None
        return row

    def issue_state(self, issue_id: int) -> str:
        return archive.load(self.db, issue_id).state


@pytest.fixture
def desk(migrated_url: str) -> Iterator[Desk]:
    desk = Desk(migrated_url)
    yield desk
    desk.db.close()
