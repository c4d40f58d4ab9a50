"""What a conversation says of itself in the store, for whoever asks from another process."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dispatch.app import App
from dispatch.bot import inbox
from dispatch.bot.inbox import Received
from dispatch.delivery.status import BotStatus
from dispatch.delivery.status_reader import Reader
from dispatch.testing import BotApi
from subscribers.database import Database
from tests.bot.conftest import TOKEN, Talk, answered, conversing, settings


def bot(app: App, db: Database) -> BotStatus:
    [found] = Reader().read(db, app.clock.now()).bots
    return found


async def test_a_bot_tells_its_name_how_updates_come_and_when_one_was_handled(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    begun = talk.app.clock.now()
    await ann.send("/help")
    await ann.next()
    await answered(talk)
    found = bot(talk.app, talk.db)
    assert (found.name, found.username, found.updates, found.trouble) == (
        "default", "bulletin_test_bot", "polling", "",
    )  # fmt: skip
    assert found.handled_at is not None
    assert found.handled_at >= begun
    assert (found.waiting, found.unknown) == (0, 0)


async def until(app: App, db: Database, trouble: bool) -> BotStatus:
    """The bot, as soon as it is in trouble or well. It is looked for each time that the loop comes round."""
    async with asyncio.timeout(20):
        while True:
            rows = db.all("SELECT trouble FROM bots WHERE name <> ''")
            if rows and bool(rows[0]["trouble"]) is trouble:
                return bot(app, db)
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("status", "words", "said"),
    [(401, "Unauthorized", "does not know the bot's token"), (400, f"no {TOKEN}", "refuses: ")],
)
async def test_what_keeps_a_bot_from_talking_is_told_without_its_token(
    tmp_path: Path, api: BotApi, status: int, words: str, said: str
) -> None:
    api.answer(None, status, words, method="getMe")
    app = App(settings(tmp_path, api))
    with app.database() as db:
        async with conversing(app):
            found = await until(app, db, trouble=True)
    assert said in found.trouble
    assert TOKEN not in found.trouble
    assert found.trouble_at is not None


async def test_trouble_that_is_over_is_told_no_more(tmp_path: Path, api: BotApi) -> None:
    api.answer(None, 409, "Conflict: terminated by other getUpdates request", method="getUpdates", times=1)
    app = App(settings(tmp_path, api))
    with app.database() as db:
        async with conversing(app):
            assert "another program" in (await until(app, db, trouble=True)).trouble
            await until(app, db, trouble=False)


def named(db: Database) -> list[int]:
    """The bots of the name in the settings."""
    return [row["bot"] for row in db.all("SELECT bot FROM bots WHERE name = 'default'")]


async def test_a_name_that_gets_another_token_is_another_bot(tmp_path: Path, api: BotApi) -> None:
    for token in (TOKEN, "43:NEW"):
        api.token = token
        app = App(settings(tmp_path, api, telegram={"token": token}))
        with app.database() as db:
            async with conversing(app):
                async with asyncio.timeout(20):
                    while named(db) != [int(token.partition(":")[0])]:  # noqa: ASYNC110 (another process would ask, too)
                        await asyncio.sleep(0)


async def test_a_reply_of_which_nobody_knows_whether_it_arrived_is_counted_and_not_repeated(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    talk.api.fail(ann.id, 502, method="sendMessage")
    await ann.send("/help")
    await answered(talk)
    assert len(ann.chat.messages) == 0
    assert bot(talk.app, talk.db).unknown == 1


async def test_a_reply_that_was_under_way_at_a_crash_is_counted(tmp_path: Path, api: BotApi) -> None:
    app = App(settings(tmp_path, api))
    with app.database() as db:
        async with conversing(app):
            await api.polled(1)
        inbox.take_in(db, 42, [Received(5, 7, "{}"), Received(6, 8, "{}")], app.clock.now())
        with db.transaction():
            inbox.handled(db, 42, 5, '[["SendMessage", {"chat_id": 7, "text": "x"}]]')
            inbox.begun(db, 42, 5, 0, 1)
            inbox.handled(db, 42, 6, '[["SendMessage", {"chat_id": 8, "text": "y"}]]')
        async with conversing(app):
            async with asyncio.timeout(20):
                await api.messages.reached(1, 20)
                while inbox.waiting(db, 42):  # noqa: ASYNC110 (another process would ask, too)
                    await asyncio.sleep(0)
        assert [message.text for message in api.messages] == ["y"]
        assert bot(app, db).unknown == 1
