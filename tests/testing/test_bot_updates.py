"""How BotApi hands updates out: long polling as Bot API, "getUpdates", and webhooks as "setWebhook" says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web

from dispatch.testing import WebhookReceiver
from dispatch.testing.bot_api import BotApi, User
from dispatch.testing.server import LoopbackServer
from tests.testing.bots import bot_for, post, refusal, small_dispatcher


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi(webhook_delay=None) as server:
        yield server


async def polled(api: BotApi, **body: Any) -> list[int]:
    _, answer = await post(api, "getUpdates", **body)
    return [update["update_id"] for update in answer["result"]]


async def test_updates_stay_until_an_offset_confirms_them(api: BotApi) -> None:
    ann = api.user("Ann")
    for word in "abc":
        await ann.send(word)
    first, second, third = await polled(api)
    assert second - first == third - second == 1
    assert await polled(api, limit=2) == [first, second]
    assert await polled(api, offset=second) == [second, third]
    assert await polled(api) == [second, third], "the first is confirmed, the others are not"
    assert await polled(api, offset=-1) == [third]
    assert await polled(api, offset=third + 1) == []
    await api.settled()
    api.redeliver()
    assert await polled(api, offset=third + 1) == [third], "under the id it had"
    assert await polled(api, offset=third + 1) == []


async def test_a_long_poll_waits_for_an_update(api: BotApi) -> None:
    ann = api.user("Ann")
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(polled(api, timeout=50))
        await api.polled()
        await ann.send("x")
    assert len(waiting.result()) == 1


async def test_a_second_poller_ends_the_first(api: BotApi) -> None:
    async with asyncio.TaskGroup() as group:
        first = group.create_task(refusal(api, "getUpdates", timeout=50))
        await api.polled()
        assert await polled(api, timeout=0) == []
    assert first.result().startswith("Conflict: terminated by other getUpdates request")


async def test_stopping_the_server_ends_a_long_poll() -> None:
    async with BotApi() as api, asyncio.TaskGroup() as group:
        waiting = group.create_task(post(api, "getUpdates", timeout=50))
        await api.polled()
        await api.stop()
        assert (await waiting)[1]["result"] == []


async def test_allowed_updates_are_remembered_until_changed(api: BotApi) -> None:
    ann = api.user("Ann")
    group = api.group("g", members={ann: "creator"}, bot="administrator")
    group.promote(ann)
    assert await polled(api) == [], "chat_member is given to who asks for it only"
    await polled(api, allowed_updates=["chat_member"])
    await ann.send("x")
    group.demote(ann)
    assert [next(key for key in update if key != "update_id") for update in api.me.updates.pending] == ["chat_member"]


async def test_unsettled_says_what_is_left(api: BotApi) -> None:
    await api.user("Ann").send("hello")
    with pytest.raises(AssertionError, match="hello"):
        await api.settled(within=0.01)


async def test_a_webhook_gets_updates_with_its_secret_and_again_until_taken(api: BotApi) -> None:
    ann = api.user("Ann")
    await ann.send("dropped")
    async with WebhookReceiver() as receiver:
        receiver.answer("/bot", 500, times=1)
        url = receiver.url("/bot")
        await post(api, "setWebhook", url=url, secret_token="s3cret", drop_pending_updates=True)
        assert (await refusal(api, "getUpdates")).startswith("Conflict: can't use getUpdates method while webhook")
        await ann.send("one")
        await ann.send("two")
        await receiver.requests.reached(1)
        await api.world.signal.until(lambda: api.me.webhook is not None and api.me.webhook.failures == 1, 10)
        _, answer = await post(api, "getWebhookInfo")
        info = answer["result"]
        assert (info["url"], info["pending_update_count"]) == (url, 2)
        assert info["last_error_message"] == "Wrong response from the webhook: 500 Internal Server Error"
        api.retry_webhooks()
        requests = await receiver.requests.reached(3)
        await api.settled()
        assert [request.json["message"]["text"] for request in requests] == ["one", "one", "two"]
        assert {request.headers["x-telegram-bot-api-secret-token"] for request in requests} == {"s3cret"}
        api.redeliver()
        again = (await receiver.requests.reached(4))[-1]
        assert again.json == requests[-1].json
        await post(api, "deleteWebhook")
        await ann.send("three")
        assert len(await polled(api)) == 1
        assert len(receiver.requests) == 4


async def test_a_webhook_goes_on_after_the_server_began_anew(api: BotApi) -> None:
    ann = api.user("Ann")
    async with WebhookReceiver() as receiver:
        await post(api, "setWebhook", url=receiver.url("/bot"))
        await api.stop()
        await ann.send("meanwhile")
        await api.start()
        (request,) = await receiver.requests.reached(1)
        assert request.json["message"]["text"] == "meanwhile"


async def test_only_what_was_confirmed_can_come_again(api: BotApi) -> None:
    await api.user("Ann").send("x")
    with pytest.raises(ValueError, match="0 updates were confirmed"):
        api.redeliver()


async def test_a_query_is_too_old_once_the_test_says_so(api: BotApi) -> None:
    ann = api.user("Ann", started=True)
    await post(api, chat_id=ann.id, text="x")
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(refused_press(ann))
        (number,) = await polled(api, timeout=10)
        api.expire_queries()
        query = api.me.updates.seen[-1]["callback_query"]["id"]
        assert "query is too old" in await refusal(api, "answerCallbackQuery", callback_query_id=query)
        await polled(api, offset=number + 1)
        await api.settled()
        asking.cancel()


async def refused_press(ann: User) -> None:
    await ann.press(await ann.next(), data="d")


async def test_a_webhook_needs_https_beyond_this_machine(api: BotApi) -> None:
    assert "HTTPS" in await refusal(api, "setWebhook", url="http://example.org/")
    assert "unallowed" in await refusal(api, "setWebhook", url="https://example.org/", secret_token="ü")


class Answering(LoopbackServer):
    """Answers a webhook with a method to carry out, as JSON."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        chat = (await request.json())["message"]["chat"]["id"]
        return web.json_response({"method": "sendMessage", "chat_id": chat, "text": "by the answer"})


async def test_a_method_in_a_webhooks_answer_is_carried_out(api: BotApi) -> None:
    ann = api.user("Ann")
    async with Answering() as bot:
        await post(api, "setWebhook", url=bot.base_url)
        await ann.send("x")
        assert (await ann.next()).text == "by the answer"


async def test_aiogram_by_webhook(api: BotApi) -> None:
    """aiogram's own handler, which puts the answer's method into a multipart body."""
    ann = api.user("Ann")
    async with bot_for(api) as bot, WebhookOf() as hook:
        hook.handler = SimpleRequestHandler(small_dispatcher(), bot, handle_in_background=False, secret_token="s")
        await bot.set_webhook(hook.base_url, secret_token="s")
        await ann.start()
        assert (await ann.next()).text == "welcome"
        await ann.send("/follow")
        assert (await ann.press(await ann.next(), "南昌")).text == "ok follow:nc"
        await api.settled()
        await bot.set_webhook(hook.base_url, secret_token="another")
        await ann.send("not taken")
        await api.world.signal.until(lambda: api.me.webhook is not None and api.me.webhook.failures == 1, 10)
        assert "401" in str((await bot.get_webhook_info()).last_error_message)


class WebhookOf(LoopbackServer):
    """Hands each request to aiogram's handler."""

    handler: SimpleRequestHandler

    async def handle(self, request: web.Request) -> web.StreamResponse:
        return await self.handler.handle(request)


async def test_faults_hit_the_method_that_they_are_for(api: BotApi) -> None:
    ann = api.user("Ann", started=True)
    api.fail(method="getUpdates", status=502)
    api.close_connection(method="getUpdates", keep=True)
    await ann.send("x")
    assert (await refusal(api, chat_id=ann.id, text="x")) == ""
    assert (await post(api, "getUpdates"))[0] == 502
    with pytest.raises(aiohttp.ClientError):
        await post(api, "getUpdates")
    assert len(await polled(api)) == 1, "what was not confirmed comes again"
    api.fail(method="*", status=500)
    assert (await post(api, "getMe"))[0] == 500
    assert (await post(api, "getMe"))[1]["result"]["supports_inline_queries"]
