"""/language: which language the bot and the frame of the digests speak."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiogram import Router
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData

from dispatch.bot.asking import folded
from dispatch.bot.desk import Desk, Replies, Step
from dispatch.bot.following import OUTDATED, quoted
from dispatch.bot.paging import button, keyboard
from dispatch.bot.staging import CHANGES
from dispatch.bot.voice import text
from subscribers.model import LANGUAGES

if TYPE_CHECKING:
    from aiogram.filters import CommandObject
    from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

_NAMES = {"zh": "中文", "en": "English"}  # each in itself: who cannot read the other finds their own
_WORDS = {
    **dict.fromkeys(("zh", "cn", "chinese", "中文", "汉语", "中", "简体中文"), "zh"),
    **dict.fromkeys(("en", "english", "英文", "英语", "英"), "en"),
}

_UNKNOWN = text("看不懂“{word}”。我会说中文和英文：<code>/language zh</code> 或 <code>/language en</code>。")


class Spoken(CallbackData, prefix="la"):
    """A press: speak this language."""

    to: str


def router() -> Router:
    found = Router(name="language")
    found.message.register(_language, Command("language", ignore_case=True), flags=CHANGES)
    found.callback_query.register(_pressed, Spoken.filter(), flags=CHANGES)
    return found


async def _language(message: Message, command: CommandObject) -> Step:
    word = folded(command.args)

    def step(desk: Desk) -> Replies:
        if word in _WORDS:
            desk.prefer(language=_WORDS[word])
        elif word:
            return [desk.answer(desk.say(_UNKNOWN, word=quoted(word)), _choice(desk)[1])]
        return [desk.answer(*_choice(desk))]

    return step


async def _pressed(callback: CallbackQuery, callback_data: Spoken) -> Step:
    def step(desk: Desk) -> Replies:
        if callback_data.to not in LANGUAGES:
            return desk.told(OUTDATED)
        desk.prefer(language=callback_data.to)
        return [desk.toast(_NAMES[callback_data.to]), desk.edit(*_choice(desk))]

    return step


def _choice(desk: Desk) -> tuple[str, InlineKeyboardMarkup]:
    now = desk.preferences.language
    words = desk.say(
        "<b>语言 / Language</b>：{name}\n文章是中文的；这里选择的是机器人说话和推送中标题、说明所用的语言。",
        name=_NAMES[now],
    )
    buttons = [button(("✅ " if key == now else "") + name, Spoken(to=key).pack()) for key, name in _NAMES.items()]
    return words, keyboard([buttons])


def in_english() -> list[InlineKeyboardButton]:
    """A row that has the bot speak English."""
    return [button(f"🌐 {_NAMES['en']}", Spoken(to="en").pack())]
