"""A chat that talks to two of our bots: one of them writes to it, and it is told which."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dispatch.app import App
from dispatch.bot.bots import Sender
from dispatch.bot.codes import start_payload
from dispatch.delivery.store import Store
from dispatch.testing import BotApi
from dispatch.testing.telegram.bots import BotAccount
from subscribers.audit import Way
from subscribers.database import Database
from subscribers.model import EndpointState
from tests.bot.conftest import Talk, settings

NANCHANG = start_payload(["park:南昌高新区"])
CHAIN = start_payload(["topic:blockchain"])
BOTH = {"park:南昌高新区", "topic:blockchain"}


@dataclass
class Two(Talk):
    """Both bots talk; `second` is the account of the other one."""

    second: BotAccount

    def queue(self, address: int | str) -> str:
        found = self.endpoint(address)
        assert found is not None
        return found.address.queue


@pytest.fixture
async def two(tmp_path: Path, api: BotApi) -> AsyncIterator[Two]:
    second = api.bot("43:TEST", "second_bot")
    more = {"bots": [{"name": "second", "token": "43:TEST", "api_base": api.base_url}]}
    app = App(settings(tmp_path, api, telegram=more))
    with app.database() as db:
        async with AsyncExitStack() as stack:
            for name in ("default", "second"):
                await stack.enter_async_context(_talking(app, name))
            yield Two(api, app, db, second)
        await app.bots.close()
    app.stop_reading()


@asynccontextmanager
async def _talking(app: App, name: str) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with Store(app.connect) as store:
        conversation = await app.conversation(store, name)
        task = asyncio.create_task(conversation.serve(stop))
        try:
            yield
        finally:
            stop.set()
            await task


def waiting(db: Database, endpoint: int) -> None:
    db.run(
        "INSERT INTO messages (key, kind, channel, queue, endpoint_id, priority, state, due_at, expires_at, created_at)"
        " VALUES ('k', 'digest', 'telegram', 'telegram', :endpoint, 1, 'queued', 0, 0, 0)",
        {"endpoint": endpoint},
    )


@pytest.mark.parametrize(
    ("language", "moved", "back"),
    [("zh-hans", "从现在起，这里的推送由我发送", "好的，这里的推送由 @bulletin_test_bot 发送"),
     ("en", "From now on I send the digests here", "All right, @bulletin_test_bot sends")],
)  # fmt: skip
async def test_a_chat_is_told_which_bot_writes_to_it_and_can_choose(
    two: Two, language: str, moved: str, back: str
) -> None:
    ann = two.api.user("Ann", language=language)
    await ann.start(NANCHANG)
    await ann.next()
    found = two.endpoint(ann.id)
    assert found is not None
    with two.db.transaction():
        waiting(two.db, found.id)
    other = ann.chat_with(two.second)
    await ann.start(CHAIN, bot=two.second)
    await other.next()
    told = await other.next()
    assert moved in told.text
    assert "@bulletin_test_bot" in told.text
    assert (two.queue(ann.id), two.follows(ann.id)) == ("telegram:second", BOTH)
    assert two.db.value("SELECT queue FROM messages") == "telegram:second"

    await ann.send("/follow 南昌高新区", bot=two.second)
    assert moved not in (await other.next()).text  # it is told once
    await ann.press(told, told.labels[0])
    assert back in (await told.edited()).text
    assert (two.queue(ann.id), two.follows(ann.id)) == ("telegram", BOTH)
    assert two.db.value("SELECT queue FROM messages") == "telegram"
    acts = two.db.all("SELECT actor, way, detail FROM audit WHERE action = 'queue' ORDER BY id")
    assert [(row["actor"], row["way"], row["detail"]) for row in acts] == [
        ("reader", Way.BOT, '{"to":"telegram:second"}'),
        ("reader", Way.BOT, '{"to":"telegram"}'),
    ]


async def test_who_blocks_the_bot_that_is_silent_goes_on_with_the_other(two: Two) -> None:
    ann = two.api.user("Ann")
    await ann.start(NANCHANG)
    await ann.next()
    await ann.start(CHAIN, bot=two.second)
    other = ann.chat_with(two.second)
    await other.next()
    await other.next()
    ann.block()
    await two.api.settled()
    witness = two.api.user("Witness")
    await witness.send("/help")
    await witness.next()
    found = two.endpoint(ann.id)
    assert found is not None
    assert found.state is EndpointState.ACTIVE


async def test_who_got_nothing_is_told_nothing(two: Two) -> None:
    ann = two.api.user("Ann")
    await ann.send("/digest daily")
    await ann.next()
    await ann.start(NANCHANG, bot=two.second)
    other = ann.chat_with(two.second)
    assert "已关注" in (await other.next()).text
    await ann.send("/help", bot=two.second)
    assert "/follow" in (await other.next()).text
    assert two.queue(ann.id) == "telegram:second"


async def test_only_administrators_choose_the_bot_of_a_group(two: Two) -> None:
    ann, bob = two.api.user("Ann"), two.api.user("Bob")
    group = two.api.group("群", members={ann: "creator", bob: "member"})
    group.add_bot(by=ann, bot=two.second)
    await group.next()
    await ann.start(NANCHANG, chat=group)
    await group.next()
    await ann.start(CHAIN, chat=group, bot=two.second)
    await group.next()
    told = await group.next()
    assert "@bulletin_test_bot 不再向这里推送" in told.text
    assert "管理员" in (await bob.press(told, told.labels[0])).text
    assert two.queue(group.id) == "telegram:second"
    await ann.press(told, told.labels[0])
    await told.edited()
    assert two.queue(group.id) == "telegram"


@pytest.mark.parametrize("number", [0, 7, 43, 10**18])
async def test_a_forged_button_chooses_nothing(two: Two, number: int) -> None:
    ann = two.api.user("Ann")
    await ann.start(NANCHANG, bot=two.second)
    said = await ann.chat_with(two.second).next()
    assert (await ann.press(said, data=Sender(bot=number).pack())).text
    assert two.queue(ann.id) == "telegram:second"
