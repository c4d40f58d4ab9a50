"""/browse: everything that can be followed, in menus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiogram import F, Router
from aiogram.filters import Command

from dispatch.bot.codes import tag_of
from dispatch.bot.desk import MOST_FOLLOWS, Desk, Replies, Step, TooMany
from dispatch.bot.following import OUTDATED, TOO_MANY, follow, unfollow
from dispatch.bot.menu import Browse, menu, root
from dispatch.bot.staging import CHANGES

if TYPE_CHECKING:
    from aiogram.types import CallbackQuery, Message


def router() -> Router:
    found = Router(name="browsing")
    found.message.register(_browse, Command("browse", ignore_case=True))
    found.callback_query.register(_look, Browse.filter(F.tag == ""))
    found.callback_query.register(_toggle, Browse.filter(), flags=CHANGES)
    return found


async def _browse(message: Message) -> Step:
    return lambda desk: [desk.answer(*root(desk))]


async def _look(callback: CallbackQuery, callback_data: Browse) -> Step:
    return lambda desk: _shown(desk, callback_data, "")


async def _toggle(callback: CallbackQuery, callback_data: Browse) -> Step:
    def step(desk: Desk) -> Replies:
        tag = tag_of(desk.catalog, callback_data.tag)
        if tag is None:
            return desk.told(OUTDATED)
        if not callback_data.on:
            unfollow(desk, [tag])
            return _shown(desk, callback_data, desk.say.plain("已取消关注：{name}", name=desk.label(tag)))
        try:
            follow(desk, [tag])
        except TooMany:
            return desk.told(TOO_MANY, most=MOST_FOLLOWS)
        return _shown(desk, callback_data, desk.say.plain("已关注：{name}", name=desk.label(tag)))

    return step


def _shown(desk: Desk, asked: Browse, words: str) -> Replies:
    found = menu(desk, asked)
    return [desk.toast(words), desk.edit(*found)] if found is not None else desk.told(OUTDATED)
