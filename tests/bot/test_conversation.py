"""No update is lost, no reply made twice: over restarts, by polling and by webhook, and beside trouble of the API's."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest
from aiohttp import ClientSession

from dispatch.app import App, webhook_secret
from dispatch.bot import inbox
from dispatch.bot.codes import start_payload
from dispatch.delivery.store import Store
from dispatch.testing import BotApi
from dispatch.web.updates import SECRET_HEADER, Post
from subscribers.database import Database
from tests.bot.conftest import TOKEN, Talk, conversing, settings
from tests.marks import both_databases

pytestmark = both_databases

NANCHANG = start_payload(["park:南昌高新区"])


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def rows(db: Database) -> list[tuple[int, str, str]]:
    return [(row["update_id"], row["body"], row["replies"]) for row in db.all("SELECT * FROM bot_updates")]


async def test_nothing_of_what_was_written_stays_when_it_is_answered(database_url: str, api: BotApi) -> None:
    ann = api.user("Ann")
    app = App(settings(database_url, api))
    async with conversing(app):
        await ann.send("/start")
        await ann.next()
    with app.database() as db:
        assert [(body, replies) for _, body, replies in rows(db)] == [("", "")]
        assert db.value("SELECT MAX(actor) FROM bot_updates") == 0


async def test_who_acted_does_not_stay_where_nothing_is_answered(database_url: str, api: BotApi) -> None:
    ann = api.user("Ann", started=True)
    app = App(settings(database_url, api))
    async with conversing(app):
        ann.block()
        await api.settled()
        ann.unblock()
        await ann.send("/start")
        await ann.next()
    with app.database() as db:
        assert len(rows(db)) == 3
        assert db.value("SELECT MAX(actor) FROM bot_updates") == 0


async def test_what_came_in_while_nobody_answered_is_answered_after_the_start(database_url: str, api: BotApi) -> None:
    ann = api.user("Ann")
    await ann.start(NANCHANG)
    await ann.send("/help")
    app = App(settings(database_url, api))
    async with conversing(app):
        assert "南昌高新区" in (await ann.next()).text
        assert "/follow" in (await ann.next()).text
        await api.settled()
    assert len(ann.chat.messages) == 2


async def test_an_update_that_comes_again_is_answered_once(database_url: str, api: BotApi) -> None:
    ann = api.user("Ann")
    app = App(settings(database_url, api))
    async with conversing(app):
        await ann.start(NANCHANG)
        await ann.next()
        await api.settled()
        api.redeliver()
        await ann.send("/help")
        assert "/follow" in (await ann.next()).text
        await api.settled()
    assert len(ann.chat.messages) == 2


@pytest.mark.parametrize(("begun", "said"), [(0, ["one", "two", "three"]), (1, ["two", "three"]), (3, [])])
async def test_a_start_goes_on_where_a_crash_has_cut_the_replies_off(
    database_url: str, api: BotApi, begun: int, said: list[str]
) -> None:
    """A reply that was begun may have arrived: it is not made again."""
    ann = api.user("Ann")
    ann.chat.started = True
    app = App(settings(database_url, api))
    calls = [["SendMessage", {"chat_id": ann.id, "text": words}] for words in ("one", "two", "three")]
    with app.database() as db:
        db.run(
            "INSERT INTO bot_updates (bot, update_id, actor, body, replies, begun, added_at)"
            " VALUES (42, 5, :user, '', :replies, :begun, :now)",
            {"user": ann.id, "replies": json.dumps(calls), "begun": begun, "now": app.clock.now()},
        )
    async with conversing(app):
        await ann.send("/help")
        for words in said:
            assert (await ann.next()).text == words
        assert "/follow" in (await ann.next()).text
        await api.settled()
    assert ann.chat.texts[:-1] == said


async def test_a_stop_in_the_middle_leaves_the_rest_for_the_next_start(database_url: str, api: BotApi) -> None:
    people = [api.user(f"U{number}") for number in range(30)]
    app = App(settings(database_url, api))
    for person in people:
        await person.start(NANCHANG)
    async with conversing(app):
        await people[0].next()
    again = App(settings(database_url, api))
    async with conversing(again):
        await api.settled()
        for person in people[1:]:
            await person.next()
    assert [len(person.chat.messages) for person in people] == [1] * len(people)


async def test_trouble_of_the_api_is_waited_out(database_url: str, api: BotApi) -> None:
    ann = api.user("Ann")
    api.fail(method="getMe", status=502, times=1)
    api.fail(method="getUpdates", status=502, times=1)
    app = App(settings(database_url, api))
    async with conversing(app):
        await ann.start(NANCHANG)
        assert "南昌高新区" in (await ann.next()).text


async def test_an_update_that_cannot_be_read_keeps_nobody_from_an_answer(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    odd = {"update_id": 1, "message": {"message_id": "seven", "from": {"id": ann.id}}}
    inbox.take_in(talk.db, 42, [inbox.received(odd)], talk.app.clock.now())
    await ann.send("/help")
    assert "/follow" in (await ann.next()).text
    await talk.api.settled()


async def test_who_floods_is_slowed_and_told_once_and_others_are_answered(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob")
    for _ in range(60):
        await ann.send("/help")
    await bob.send("/help")
    assert "/follow" in (await bob.next()).text
    while "太快" not in (await ann.next()).text:
        pass
    assert sum("太快" in text for text in ann.chat.texts) == 1


@pytest.fixture
def posted(database_url: str, api: BotApi) -> App:
    """A program whose bot has its updates posted to the pages."""
    port = free_port()
    web = {"base_url": f"http://127.0.0.1:{port}", "listen": f"127.0.0.1:{port}"}
    return App(settings(database_url, api, telegram={"updates": "webhook"}, web=web))


async def test_updates_come_by_webhook(posted: App, api: BotApi) -> None:
    ann = api.user("Ann")
    async with Store(posted.connect) as store, posted.web(store), conversing(posted):
        await ann.start(NANCHANG)
        assert "南昌高新区" in (await ann.next()).text
        await ann.send("/help")
        assert "/follow" in (await ann.next()).text
    assert len(ann.chat.messages) == 2


@pytest.mark.parametrize("secret", ["", "wrong", "e" * 64])
async def test_an_update_without_the_secret_is_nobodys(posted: App, secret: str) -> None:
    url = f"{posted.settings.web.base_url}/telegram/default"
    body = json.dumps({"update_id": 7, "message": {"from": {"id": 5}}})
    async with Store(posted.connect) as store, posted.web(store), ClientSession() as client:
        answer = await client.post(url, data=body, headers={SECRET_HEADER: secret})
        assert answer.status == 404
        assert await store.call(inbox.waiting, 42) == []


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"update_id": "x"}', "\x00", '{"update_id": -1}', "[" * 5000])
async def test_what_is_no_update_is_refused(posted: App, body: str) -> None:
    url = f"{posted.settings.web.base_url}/telegram"
    headers = {SECRET_HEADER: webhook_secret(posted.settings.telegram.all_bots[0])}
    async with Store(posted.connect) as store, posted.web(store), ClientSession() as client:
        assert (await client.post(f"{url}/default", data=body, headers=headers)).status == 400
        assert (await client.post(f"{url}/other", data=body, headers=headers)).status == 404
        assert await store.call(inbox.waiting, 42) == []


def test_the_secret_of_a_webhook_shows_nowhere(posted: App) -> None:
    bot = posted.settings.telegram.all_bots[0]
    assert TOKEN not in webhook_secret(bot)
    assert webhook_secret(bot) not in repr(Post(webhook_secret(bot), lambda body: asyncio.sleep(0)))
