"""/start, also with what to follow in its link, and /help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiogram import Router
from aiogram.filters import Command, CommandStart

from dispatch.bot.approving import is_office
from dispatch.bot.codes import FROM_INLINE, read_start
from dispatch.bot.desk import Desk, Office, Replies, Step
from dispatch.bot.following import follow_and_tell
from dispatch.bot.helping import greeting, help_text, welcome
from dispatch.bot.menu import root_keyboard
from dispatch.bot.paging import keyboard
from dispatch.bot.routers.language import in_english
from dispatch.bot.staging import CHANGES, STANDING
from dispatch.bot.suggestions import suggestions

if TYPE_CHECKING:
    from aiogram.filters import CommandObject
    from aiogram.types import InlineKeyboardMarkup, Message


def router() -> Router:
    found = Router(name="beginning")
    found.message.register(_follow, CommandStart(deep_link=True, ignore_case=True), flags=CHANGES)
    found.message.register(_start, CommandStart(ignore_case=True), flags=STANDING)
    found.message.register(_help, Command("help", ignore_case=True), flags=STANDING)
    return found


async def _follow(message: Message, command: CommandObject) -> Step:
    payload = command.args or ""
    if payload == FROM_INLINE:
        return await _start(message)

    def step(desk: Desk) -> Replies:
        tags = read_start(desk.catalog, payload)
        if not tags:
            lost = desk.say("这个链接里的内容已经找不到了。")
            return [desk.answer(f"{lost}\n\n{_hello(desk)}", root_keyboard(desk))]
        return [desk.answer(follow_and_tell(desk, tags), suggestions(desk, tags))]

    return step


async def _start(message: Message) -> Step:
    return lambda desk: [desk.answer(_hello(desk), _first_choice(desk))]


def _hello(desk: Desk) -> str:
    return welcome(desk) if desk.scene.here.is_private else greeting(desk)


def _first_choice(desk: Desk) -> InlineKeyboardMarkup:
    """What there is to follow. A group that nothing was set in speaks Chinese: an administrator whose Telegram is in
    English is offered that."""
    menu = root_keyboard(desk)
    scene = desk.scene
    if scene.here.is_private or desk.endpoint is not None or not scene.may_change or scene.language != "en":
        return menu
    return keyboard([in_english(), *menu.inline_keyboard])


async def _help(message: Message, office: Office) -> Step:
    forum = bool(message.chat.is_forum)

    def step(desk: Desk) -> Replies:
        approves = is_office(office, desk.scene.here, message.chat.username)
        return [desk.answer(help_text(desk, forum=forum, approves=approves))]

    return step
