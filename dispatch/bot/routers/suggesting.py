"""What no other router took: names that are written to the bot without a command, unknown commands, old buttons.

It is asked last. A name without a command is only looked up: nothing is followed before a button is pressed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiogram import F, Router

from dispatch.bot.asking import read
from dispatch.bot.desk import Desk, Office, Replies, Step
from dispatch.bot.following import OUTDATED, names
from dispatch.bot.staging import HERE
from dispatch.bot.suggestions import question, question_keyboard
from dispatch.bot.voice import text

if TYPE_CHECKING:
    from aiogram.types import CallbackQuery, Message


def router() -> Router:
    found = Router(name="suggesting")
    private = F.chat.type == "private"
    found.message.register(_unknown_command, private, F.text.startswith("/"), flags=HERE)
    found.message.register(_words, private, F.text, F.via_bot.is_(None))
    found.callback_query.register(_old_button)
    return found


async def _words(message: Message, office: Office) -> Step:
    asked = await read(office.catalog, message.text or "")

    def step(desk: Desk) -> Replies:
        lines = [desk.say("{names}：点按即可关注。", names=names(desk, asked.tags))] if asked.tags else []
        lines += [question(desk, asked)] if asked.unknown else []
        if not lines:
            return desk.told(text("请发送高新区、主题或栏目的名称，或 /help。"))
        return [desk.answer("\n\n".join(lines), question_keyboard(desk, asked))]

    return step


async def _unknown_command(message: Message) -> Step:
    return lambda desk: desk.told(text("没有这个命令。/help 列出全部命令。"))


async def _old_button(callback: CallbackQuery) -> Step:
    return lambda desk: desk.told(OUTDATED)
