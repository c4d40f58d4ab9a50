"""BotApi over the wire: by aiogram, as the product sends, and by plain HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from dispatch.testing.bot_api import BotApi, Limits


@asynccontextmanager
async def bot_for(server: BotApi) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(server.base_url))
    async with Bot("42:TEST", session=session).context() as bot:
        yield bot


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    async with bot_for(api) as made:
        yield made


async def post(server: BotApi, method: str = "sendMessage", token: str = "42:TEST", **body: Any) -> tuple[int, Any]:
    url = f"{server.base_url}/bot{token}/{method}"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        return response.status, await response.json()


async def say(server: BotApi, html: str, chat: int = 7) -> tuple[int, str]:
    status, answer = await post(server, chat_id=chat, text=html, parse_mode="HTML")
    return status, answer.get("description", "")


async def test_aiogram_sends_and_gets_its_message_back(api: BotApi, bot: Bot) -> None:
    """A message with a keyboard arrives with its HTML and as the text that is shown."""
    keyboard = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="✓", callback_data="x")]])
    sent = await bot.send_message(-1001, "<b>火炬</b> &amp; 动态", parse_mode="HTML", reply_markup=keyboard)
    (kept,) = api.messages
    assert (sent.message_id, sent.text, sent.chat.id) == (kept.message_id, "火炬 & 动态", -1001)
    assert (kept.chat, kept.html, kept.text) == (-1001, "<b>火炬</b> &amp; 动态", "火炬 & 动态")
    assert "inline_keyboard" in kept.params["reply_markup"]
    assert (await bot.me()).id == 42


async def test_multipart_bodies_are_read(api: BotApi) -> None:
    """The third form of body that the Bot API takes."""
    form = aiohttp.FormData({"chat_id": "7", "text": "hello"}, default_to_multipart=True)
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{api.base_url}/bot42:TEST/sendMessage", data=form) as answer,
    ):
        assert answer.status == 200
    assert [(message.chat, message.text) for message in api.messages] == [(7, "hello")]


async def test_only_its_token_and_methods_are_known(api: BotApi) -> None:
    """401 for another token, 404 for another method until one is added."""
    assert (await post(api, token="42:OTHER"))[0] == 401
    status, answer = await post(api, "setGameScore")
    assert (status, answer["ok"], answer["error_code"]) == (404, False, 404)
    api.methods["setGameScore"] = lambda params: params["score"] == 3
    assert await post(api, "setGameScore", score=3) == (200, {"ok": True, "result": True})


@pytest.mark.parametrize(
    ("html", "text", "entities"),
    [
        ("a &lt;b&gt; &quot;c&#39;&#x1F600;", "a <b> \"c'😀", []),
        ("&nbsp;&ltx", "&nbsp;&ltx", []),
        ("😀<b>x</b>", "😀x", [("bold", 2, 1)]),
        ('<a href="https://e.example/?a=1&amp;b=2">t</a>', "t", [("text_link", 0, 1)]),
        ("<a href='https://e.example/a>b'>t</a>", "t", [("text_link", 0, 1)]),
        ("<blockquote expandable>q</blockquote>", "q", [("expandable_blockquote", 0, 1)]),
        ('<span class="tg-spoiler">s</span>', "s", [("spoiler", 0, 1)]),
        ('<pre><code class="language-python">p</code></pre>', "p", [("pre", 0, 1), ("code", 0, 1)]),
        ("<i>a<u>b</u></i>", "ab", [("italic", 0, 2), ("underline", 1, 1)]),
        ("<B>x</b>", "x", [("bold", 0, 1)]),
    ],
)
async def test_reads_html_as_telegram_does(
    api: BotApi, html: str, text: str, entities: list[tuple[str, int, int]]
) -> None:
    assert await say(api, html) == (200, "")
    (message,) = api.messages
    assert message.text == text
    assert sorted((e.type, e.offset, e.length) for e in message.entities) == sorted(entities)


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("<b>x", "end tag corresponding to start tag"),
        ("x</b>", "Unexpected end tag"),
        ("<b>x</i>", "Unmatched end tag"),
        ("<p>x</p>", "Unsupported start tag"),
        ("a < b", "Unclosed start tag"),
        ("a <> b", "Unsupported start tag"),
        ("<span>x</span>", "tg-spoiler"),
        ("<a href>x</a>", "equal sign"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>", "blockquote inside"),
        ("<b>x</b> " * 101, "101 entities"),
    ],
)
async def test_refuses_html_that_telegram_refuses(api: BotApi, html: str, reason: str) -> None:
    status, description = await say(api, html)
    assert status == 400
    assert description.startswith("Bad Request: can't parse entities: ")
    assert reason in description
    assert api.messages == []


async def test_length_counts_utf16_units_of_what_is_shown(api: BotApi) -> None:
    """4096 after parsing: tags are free, an emoji is two; nothing but tags is empty."""
    assert (await say(api, "<b>" + "😀" * 2048 + "</b>"))[0] == 200
    assert await say(api, "😀" * 2048 + "x") == (400, "Bad Request: message is too long")
    assert await say(api, "<b> </b>") == (400, "Bad Request: message text is empty")
    assert (await post(api, text="x"))[1]["description"] == "Bad Request: chat_id is empty"


async def test_refusals_are_those_aiogram_knows(api: BotApi, bot: Bot) -> None:
    """Each injected fault comes out as aiogram's error for it, for its chat only."""
    api.block(1)
    api.migrate(-2, to=-1002)
    api.throttle(3, retry_after=7200)
    api.fail(4)
    api.close_connection(5)
    with pytest.raises(TelegramForbiddenError, match="blocked"):
        await bot.send_message(1, "x")
    with pytest.raises(TelegramMigrateToChat) as migrated:
        await bot.send_message(-2, "x")
    with pytest.raises(TelegramRetryAfter) as throttled:
        await bot.send_message(3, "x")
    with pytest.raises(TelegramServerError):
        await bot.send_message(4, "x")
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(5, "x")
    assert (migrated.value.migrate_to_chat_id, throttled.value.retry_after) == (-1002, 7200)
    for chat in (3, 4, 5, 6):
        await bot.send_message(chat, "x")
    assert [message.chat for message in api.messages] == [3, 4, 5, 6]
    assert [(chat, refusal.status) for chat, refusal in api.refused] == [(1, 403), (-2, 400), (3, 429), (4, 502)]


async def test_answers_that_are_none_of_the_bot_apis(api: BotApi, bot: Bot) -> None:
    """A page of a proxy's, and no answer at all; `keep` takes the message all the same."""
    api.babble(1)
    with pytest.raises(ClientDecodeError):
        await bot.send_message(1, "x")
    api.close_connection(2, keep=True)
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(2, "x")
    api.stall(3)
    api.stall(4, keep=True)
    url = f"{api.base_url}/bot{api.token}/sendMessage"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.1)) as session:
        for chat in (3, 4):
            with pytest.raises(TimeoutError):
                await session.post(url, json={"chat_id": chat, "text": "x"})
    assert [message.chat for message in api.messages] == [2, 4]


async def test_an_unknown_chat_is_not_found_until_faults_are_cleared(api: BotApi) -> None:
    api.forget(9)
    assert await say(api, "x", 9) == (400, "Bad Request: chat not found")
    api.clear()
    assert await say(api, "x", 9) == (200, "")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_limits_are_sliding_windows() -> None:
    """One a second a chat, n a second over all, n a minute a group; 429 says how long to wait."""
    clock = Clock()
    async with BotApi(limits=Limits(bot_per_second=2, group_per_minute=2), clock=clock) as api:
        assert (await say(api, "x", 1))[0] == 200
        status, answer = await post(api, chat_id=1, text="x")
        assert (status, answer["parameters"]) == (429, {"retry_after": 1})
        assert (await say(api, "x", 2))[0] == 200
        assert (await say(api, "x", 3))[0] == 429, "the bot's own limit"
        clock.now += 1
        for expected, later in ((200, 1), (200, 1), (429, 58), (200, 0)):
            assert (await say(api, "x", -5))[0] == expected
            clock.now += later
