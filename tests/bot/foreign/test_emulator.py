"""The emulator that others wrote can be talked to by aiogram: commands, words, buttons, edits."""

from __future__ import annotations

import asyncio

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from tests.bot.foreign import ForeignApi, missing
from tests.testing.bots import small_dispatcher

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "all is there")

TOKEN = "42:TEST"


async def test_a_small_bot_is_driven_through_commands_and_buttons() -> None:
    async with ForeignApi.running(TOKEN) as api, asyncio.TaskGroup() as group:
        session = AiohttpSession(api=TelegramAPIServer.from_base(api.base_url))
        dispatcher = small_dispatcher()
        async with Bot(TOKEN, session=session).context() as bot:
            polling = group.create_task(dispatcher.start_polling(bot, handle_signals=False, polling_timeout=5))
            await api.command("/start park-36")
            await api.said("welcome park-36")
            await api.send("words")
            await api.said("words")
            await api.command("/follow 南昌")
            (question, *_) = await api.said("which?")
            assert question["text"] == "<b>which?</b>", "it does not parse HTML"
            await api.press(question, "南昌")
            (edited, *_) = await api.said("following follow:nc")
            assert edited["message_id"] == question["message_id"]
            await dispatcher.stop_polling()
            await polling
