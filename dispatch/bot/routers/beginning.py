"""/start, also with what to follow in its link, and /help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiogram import Router
from aiogram.filters import Command, CommandStart

from dispatch.bot.codes import read_start
from dispatch.bot.desk import Desk, Replies, Step
from dispatch.bot.following import follow_and_tell
from dispatch.bot.menu import root_keyboard
from dispatch.bot.staging import CHANGES
from dispatch.bot.suggestions import suggestions

if TYPE_CHECKING:
    from aiogram.filters import CommandObject
    from aiogram.types import Message


def router() -> Router:
    found = Router(name="beginning")
    found.message.register(_follow, CommandStart(deep_link=True), flags=CHANGES)
    found.message.register(_start, CommandStart())
    found.message.register(_help, Command("help"))
    return found


async def _follow(message: Message, command: CommandObject) -> Step:
    payload = command.args or ""

    def step(desk: Desk) -> Replies:
        tags = read_start(desk.catalog, payload)
        if not tags:
            lost = desk.say("这个链接里的内容已经找不到了。")
            return [desk.answer(f"{lost}\n\n{welcome(desk)}", root_keyboard(desk))]
        return [desk.answer(follow_and_tell(desk, tags), suggestions(desk, tags))]

    return step


async def _start(message: Message) -> Step:
    return lambda desk: [desk.answer(welcome(desk), root_keyboard(desk))]


async def _help(message: Message) -> Step:
    return lambda desk: [desk.answer(welcome(desk))]


def welcome(desk: Desk) -> str:
    """What the bot does, in a few lines."""
    return desk.say(
        "<b>您好！</b>这里按您的关注推送期刊文章：只发与您关注的高新区、主题或栏目有关的内容。\n\n"
        "• 发送名称，如 <code>/follow 南昌</code>，或用 /browse 按省份和类别挑选\n"
        "• /following 查看关注，/unfollow 取消\n"
        "• /latest 最新一期，/search 搜索\n"
        "• /digest 推送时间，/quiet 免打扰，/words 关键词，/pause 暂停\n"
        "• /language 语言（English: /language en）"
    )
