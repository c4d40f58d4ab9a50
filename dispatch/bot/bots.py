"""A chat that talks to several of our bots: one of them writes to it, and it can choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from dispatch.bot import inbox
from dispatch.bot.voice import text

if TYPE_CHECKING:
    from aiogram.methods import SendMessage

    from dispatch.bot.desk import Desk

ANOTHER = text("另一个机器人")


class Sender(CallbackData, prefix="sb"):
    """A press: let this bot send, by its number."""

    bot: int


def moved(desk: Desk, queue: str) -> SendMessage:
    """The word that this bot writes to the chat from now on, with the way back to that of another queue."""
    name = called(desk, queue)
    words = desk.say("从现在起，这里的推送由我发送，关注的内容都转了过来；{bot} 不再向这里推送。", bot=name)
    return desk.answer(words, _way_back(desk, queue, name))


def _way_back(desk: Desk, queue: str, name: str) -> InlineKeyboardMarkup | None:
    number = desk.office.others.get(queue)
    if number is None:  # it is no bot of ours any more
        return None
    label = desk.say.plain("↩ 仍由 {bot} 推送", bot=name)
    button = InlineKeyboardButton(text=label, callback_data=Sender(bot=number).pack())
    return InlineKeyboardMarkup(inline_keyboard=[[button]])


def queue_of(desk: Desk, number: int) -> str:
    """The queue of another of our bots; "" where there is none of that number."""
    return next((queue for queue, bot in desk.office.others.items() if bot == number), "")


def called(desk: Desk, queue: str) -> str:
    """The @name of another bot, as far as it is known: each says its own when it begins to talk."""
    number = desk.office.others.get(queue, 0)
    name = desk.db.value(inbox.SQL["bot_name"], {"bot": number})
    return f"@{name}" if name else desk.say.plain(ANOTHER)
