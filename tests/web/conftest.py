"""A site over a real database, asked by a real client over a socket."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession

from dispatch import archive
from dispatch.assets import templates_dir
from dispatch.catalog import load_catalog
from dispatch.channels.registry import address
from dispatch.delivery.clock import SystemClock
from dispatch.delivery.store import Store
from dispatch.model import Article, Block, BlockKind, Column, Issue, IssueState
from dispatch.settings import LOOPBACK, Settings
from dispatch.web import Parts, make_app, serve
from subscribers import directory
from subscribers.audit import Act
from subscribers.database import SCHEMA, Database, Row
from subscribers.model import Address, Preferences
from subscribers.tokens import Signer
from tests.acts import at

CATALOG = load_catalog()
NOW = 1_653_955_200_000
ADDRESS = "reader@example.com"
MAILBOX = Address("email", ADDRESS, "email:example.com")
NAME = "张三"
FOLLOWS = ("park:南昌高新区", "topic:optoelectronics")
HOSTILE = "<script>alert(1)</script>{{ 7*7 }}\"'&"

ISSUE = Issue(
    bulletin="huoju",
    title="火炬动态",
    publisher="科技部火炬中心",
    year=2022,
    number=5,
    total=534,
    date=dt.date(2022, 5, 31),
    columns=(
        Column(
            "高质量发展看高新区",
            "",
            (
                Article(
                    "南昌高新区光电产业再上台阶",
                    "南昌高新区 张木",
                    (
                        Block(BlockKind.PARAGRAPH, "南昌高新区聚焦光电产业，上半年新增企业120家。"),
                        Block(BlockKind.HEADING, "一、主要做法"),
                        Block(BlockKind.PARAGRAPH, "完善服务体系，搭建公共平台。"),
                    ),
                ),
                Article(HOSTILE, HOSTILE, (Block(BlockKind.PARAGRAPH, HOSTILE), Block(BlockKind.HEADING, HOSTILE))),
            ),
        ),
        Column("工作动态", "", (Article("苏州工业园区建设开放创新高地", "", ()),)),
    ),
)


class FixedClock(SystemClock):
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = NOW
        self.ticks = 0.0

    def now(self) -> int:
        return self.time

    def monotonic(self) -> float:
        return self.ticks


@dataclass(frozen=True)
class Site:
    """The site, its store, and what the tests ask of both."""

    client: ClientSession
    store: Store
    signer: Signer
    clock: FixedClock

    def parts(self, **changes: Any) -> Parts:
        """What a site over this store is made of."""
        return replace(_parts(self.store, self.signer, self.clock), **changes)

    @asynccontextmanager
    async def again(
        self, override: Path | None = None, seconds: float = 10.0, **changes: Any
    ) -> AsyncIterator[ClientSession]:
        """A client of another site over the same store."""
        app = make_app(self.parts(**changes), templates_dir(), override, seconds=seconds)
        async with serve(app, "127.0.0.1:0") as address, ClientSession(f"http://{address}") as client:
            yield client

    async def subscribe(self, language: str = "zh", follows: Sequence[str] = FOLLOWS, to: Address = MAILBOX) -> int:
        """The endpoint of a new subscriber."""
        return await self.store.call(_subscribe, language, follows, to)

    async def archive(self, state: IssueState, issue: Issue = ISSUE) -> None:
        """An issue taken in and brought into a state."""
        await self.store.call(_archive, issue, state)

    async def tables(self) -> tuple[list[Row], list[Row]]:
        """All that the directory knows of endpoints and follows."""
        return await self.store.call(_tables)

    async def state(self, endpoint_id: int) -> str:
        rows, _ = await self.tables()
        return next(str(row["state"]) for row in rows if row["id"] == endpoint_id)

    async def follows(self, endpoint_id: int) -> set[str]:
        _, rows = await self.tables()
        return {row["tag"] for row in rows if row["endpoint_id"] == endpoint_id}

    def path(self, endpoint_id: int, tag: str = "") -> str:
        return f"/u/{self.signer.leave(endpoint_id, tag)}"

    async def get(self, path: str, language: str = "") -> tuple[ClientResponse, str]:
        response = await self.client.get(path, headers={"Accept-Language": language}, allow_redirects=False)
        return response, await response.text()

    async def post(self, path: str, fields: dict[str, str] | None = None) -> tuple[ClientResponse, str]:
        """A POST as RFC 8058 has it, or with other fields."""
        data = fields if fields is not None else {"List-Unsubscribe": "One-Click"}
        response = await self.client.post(path, data=data, allow_redirects=False)
        return response, await response.text()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_over(f"sqlite:///{tmp_path / 'dispatch.db'}") as made:
        yield made


@asynccontextmanager
async def site_over(url: str) -> AsyncIterator[Site]:
    """The site over a database, which is brought to the newest schema."""
    clock = FixedClock()
    async with Store(lambda: Database.open(url, (SCHEMA, archive.SCHEMA), synchronous="normal")) as store:
        signer = await store.call(_signer)
        app = make_app(_parts(store, signer, clock), templates_dir())
        async with serve(app, "127.0.0.1:0") as address, ClientSession(f"http://{address}") as client:
            yield Site(client, store, signer, clock)


def _parts(store: Store, signer: Signer, clock: FixedClock) -> Parts:
    return Parts(store, signer, CATALOG, clock, mailbox, rights=TestRights(), trusted=LOOPBACK)


def mailbox(text: str) -> Address:
    return address("email", text, Settings())


class TestRights:
    """Rights that are simple to see: a copy of one table, and a removal."""

    def data(self, db: Database, subscriber_id: int) -> Mapping[str, Any]:
        return {"subscriber": directory.get(db, subscriber_id).id, "name": directory.get(db, subscriber_id).name}

    def erase(self, db: Database, subscriber_id: int, act: Act) -> bool:
        with db.transaction():
            directory.remove(db, directory.get(db, subscriber_id), act)
        return True


def _signer(db: Database) -> Signer:
    return Signer.load(db, NOW)


def _subscribe(db: Database, language: str, follows: Sequence[str], to: Address) -> int:
    with db.transaction():
        subscriber_id = directory.add(
            db,
            name=NAME,
            addresses=[to],
            follows=follows,
            preferences=Preferences(language=language),
            consent="asked for it",
            act=at(NOW),
        )
    return directory.get(db, subscriber_id).endpoints[0].id


def _archive(db: Database, issue: Issue, state: IssueState) -> None:
    with db.transaction():
        added = archive.add(
            db,
            issue,
            source="test",
            warnings=(),
            column_name=lambda _, column: archive.ColumnName(column.name, "High-tech zones"),
            tags_of=lambda article, column: ["all"],
            now=NOW,
        )
        db.run("UPDATE issues SET state = :state WHERE id = :id", {"state": state, "id": added.id})


def _tables(db: Database) -> tuple[list[Row], list[Row]]:
    return db.all("SELECT * FROM endpoints ORDER BY id"), db.all("SELECT * FROM follows ORDER BY endpoint_id, tag")
