"""A bot at work over the wire: the program's own conversation, and a Bot API server in which tests play the users."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dispatch import archive
from dispatch.app import App
from dispatch.assets import config_dir
from dispatch.delivery.store import Store
from dispatch.settings import Settings
from dispatch.testing import BotApi
from subscribers import directory
from subscribers.audit import PROGRAM, Act, Way
from subscribers.database import Database
from subscribers.model import Address, Endpoint

TOKEN = "42:TEST"


@dataclass
class Talk:
    """A conversation that is going on, the server it goes over, and the store behind it."""

    api: BotApi
    app: App
    db: Database

    def endpoint(self, address: int | str) -> Endpoint | None:
        """The endpoint of a chat, as it stands."""
        holder = directory.holder_of(self.db, Address("telegram", str(address), "telegram"))
        return None if holder is None else directory.endpoint(self.db, holder.endpoint_id)

    def follows(self, address: int | str) -> set[str]:
        found = self.endpoint(address)
        return set(found.follows) if found is not None else set()

    def publish(self) -> int:
        """Take the sample issue in, and let it out; its id."""
        added = sample(self.app, self.db)
        with self.db.transaction():
            archive.approve(self.db, archive.load(self.db, added), "test", self.app.clock.now())
        return added


async def answered(talk: Talk) -> None:
    """All that has come in so far is handled and answered. Somebody else asks meanwhile, until it is so."""
    witness = talk.api.user("Witness")
    await talk.api.settled()
    left = "SELECT COUNT(*) FROM bot_updates WHERE (body <> '' OR replies <> '') AND actor <> :witness"
    while talk.db.value(left, {"witness": witness.id}):
        await witness.send("/help")
        await witness.next()
    await talk.api.settled()


def sample(app: App, db: Database) -> int:
    """Take the sample issue in, held; its id."""
    path = config_dir() / "samples" / "huoju-2022-05.md"
    reading = app.pickup.read(path, path.name)
    return app.pickup.take_in(db, reading, Act(app.clock.now(), PROGRAM, Way.FILE)).id


def settings(at: Path | str, api: BotApi, **more: object) -> Settings:
    """Of a program whose store is at a URL, or a file in a folder."""
    url = at if isinstance(at, str) else f"sqlite:///{at / 'store.db'}"
    telegram = {"token": TOKEN, "api_base": api.base_url, **more.pop("telegram", {})}  # type: ignore[dict-item]
    values = {"database": {"url": url}, "telegram": telegram, **more}
    return Settings.model_validate(values)


@asynccontextmanager
async def conversing(app: App) -> AsyncIterator[None]:
    """The bot answers inside."""
    stop = asyncio.Event()
    async with Store(app.connect) as store:
        conversation = await app.conversation(store, "default")
        task = asyncio.create_task(conversation.serve(stop))
        try:
            yield
        finally:
            stop.set()
            await task
            await app.bots.close()


@pytest.fixture
def dialect() -> str:
    """The kind of the database; tests that are to run on each are marked with `both_databases`."""
    return "sqlite"


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi(TOKEN) as server:
        yield server


@pytest.fixture
async def talk(migrated_url: str, api: BotApi) -> AsyncIterator[Talk]:
    """A bot that is answering; `[web] base_url` is https://bulletin.test."""
    app = App(settings(migrated_url, api, web={"base_url": "https://bulletin.test"}))
    with app.database() as db:
        async with conversing(app):
            yield Talk(api, app, db)
    app.stop_reading()
