"""A small aiogram bot to drive over BotApi, and plain calls of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import Command, CommandObject
from aiogram.types import (
    CallbackQuery,
    ChatMemberUpdated,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQuery,
    InlineQueryResultArticle,
    InputTextMessageContent,
    Message,
)

from dispatch.testing.bot_api import BotApi

KEYBOARD = InlineKeyboardMarkup(
    inline_keyboard=[
        [InlineKeyboardButton(text="南昌高新区", callback_data="follow:nc")],
        [InlineKeyboardButton(text="page", url="https://example.org/")],
    ]
)


def small_dispatcher() -> Dispatcher:
    """/start, /follow with buttons, their presses, inline queries; an echo for the rest."""
    dispatcher = Dispatcher()

    @dispatcher.message(Command("start"))
    async def start(message: Message, command: CommandObject) -> None:
        await message.answer(f"welcome {command.args or ''}".strip())

    @dispatcher.message(Command("follow"))
    async def follow(message: Message) -> None:
        await message.answer("<b>which?</b>", parse_mode="HTML", reply_markup=KEYBOARD)

    @dispatcher.callback_query()
    async def pressed(query: CallbackQuery) -> None:
        if isinstance(query.message, Message):
            with suppress(TelegramBadRequest):
                await query.message.edit_text(f"following {query.data}")
        await query.answer(f"ok {query.data}", show_alert=query.data == "alert")

    @dispatcher.inline_query()
    async def inline(query: InlineQuery) -> None:
        content = InputTextMessageContent(message_text=f"<i>{query.query}</i>", parse_mode="HTML")
        result = InlineQueryResultArticle(id="1", title=query.query or "all", input_message_content=content)
        await query.answer([result], cache_time=60)

    @dispatcher.my_chat_member()
    async def changed(event: ChatMemberUpdated, bot: Bot) -> None:
        if event.chat.type != "private" and event.new_chat_member.status == "administrator":
            await bot.send_message(event.chat.id, "thanks")

    @dispatcher.message()
    async def echo(message: Message) -> None:
        if message.text:
            await message.reply(message.text)

    return dispatcher


@asynccontextmanager
async def bot_for(server: BotApi, token: str = "") -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(server.base_url))
    async with Bot(token or server.token, session=session).context() as bot:
        yield bot


@asynccontextmanager
async def polling(server: BotApi, token: str = "") -> AsyncIterator[None]:
    """The small bot, by long polling."""
    dispatcher = small_dispatcher()
    async with bot_for(server, token) as bot, asyncio.TaskGroup() as group:
        group.create_task(dispatcher.start_polling(bot, handle_signals=False, polling_timeout=20))
        await server.polled()
        yield
        await dispatcher.stop_polling()


async def post(server: BotApi, method: str = "sendMessage", token: str = "", **body: Any) -> tuple[int, Any]:
    """One call, as JSON: the status and the answer."""
    url = f"{server.base_url}/bot{token or server.token}/{method}"
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        return response.status, await response.json()


async def refusal(server: BotApi, method: str = "sendMessage", **body: Any) -> str:
    """The description of a refusal, "" where it was none."""
    _, answer = await post(server, method, **body)
    return str(answer.get("description", ""))
