"""/follow, /unfollow and /following, with their buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.methods import EditMessageReplyMarkup

from dispatch.bot import listing
from dispatch.bot.asking import Asked, read
from dispatch.bot.codes import tag_of
from dispatch.bot.desk import MOST_FOLLOWS, Desk, Office, Replies, Step, TooMany
from dispatch.bot.following import (
    OUTDATED,
    TOO_MANY,
    dropped_text,
    follow,
    follow_and_tell,
    is_followed,
    names,
    quoted,
    unfollow,
)
from dispatch.bot.listing import Listed, listed
from dispatch.bot.menu import root_keyboard
from dispatch.bot.staging import CHANGES
from dispatch.bot.suggestions import Suggested, question, question_keyboard, suggested_codes, suggestions
from dispatch.catalog.carried import MENTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiogram.filters import CommandObject
    from aiogram.methods import SendMessage
    from aiogram.types import CallbackQuery, Message

_MOST_NEAR = 50  # names like a word, among which those are looked for that are followed
_MOST_SHOWN = 20  # of them


def router() -> Router:
    found = Router(name="following")
    found.message.register(_follow, Command("follow", ignore_case=True), flags=CHANGES)
    found.message.register(_unfollow, Command("unfollow", ignore_case=True), flags=CHANGES)
    found.message.register(_following, Command("following", ignore_case=True))
    found.callback_query.register(_suggested, Suggested.filter(), flags=CHANGES)
    found.callback_query.register(_page, Listed.filter(F.act == listing.PAGE))
    found.callback_query.register(_listed, Listed.filter(), flags=CHANGES)
    return found


# ---------------------------------------------------------------------------------------------- to follow


async def _follow(message: Message, command: CommandObject, office: Office) -> Step:
    asked = await read(office.catalog, command.args or "")
    return lambda desk: [_followed(desk, asked)]


def _followed(desk: Desk, asked: Asked) -> SendMessage:
    """What is certain is followed; what may be meant is asked."""
    if not asked.tags and not asked.unknown:
        words = desk.say("请写上名称，如 <code>/follow 南昌</code> 或 <code>/follow 区块链</code>，或者选择：")
        return desk.answer(words, root_keyboard(desk))
    lines = [follow_and_tell(desk, asked.tags)] if asked.tags else []
    lines += [question(desk, asked)] if asked.unknown else []
    return desk.answer("\n\n".join(lines), question_keyboard(desk, asked))


async def _suggested(callback: CallbackQuery, callback_data: Suggested) -> Step:
    codes = suggested_codes(callback)

    def step(desk: Desk) -> Replies:
        tag = tag_of(desk.catalog, callback_data.code)
        if tag is None:
            return desk.told(OUTDATED)
        if callback_data.on:
            try:
                follow(desk, [tag])
            except TooMany:
                return desk.told(TOO_MANY, most=MOST_FOLLOWS)
            words = desk.say.plain("已关注：{name}", name=desk.label(tag))
        else:
            unfollow(desk, [tag])
            words = desk.say.plain("已取消关注：{name}", name=desk.label(tag))
        return [desk.toast(words), *_ticked(desk, codes)]

    return step


def _ticked(desk: Desk, codes: Sequence[str]) -> Replies:
    """The buttons of the message as they are now."""
    tags = [tag for word in codes if (tag := tag_of(desk.catalog, word)) is not None]
    if not tags:
        return []
    here = desk.scene.here
    markup = suggestions(desk, tags)
    return [EditMessageReplyMarkup(chat_id=here.chat_id, message_id=desk.scene.message_id, reply_markup=markup)]


# ------------------------------------------------------------------------------------------------ to drop


async def _unfollow(message: Message, command: CommandObject, office: Office) -> Step:
    words = (command.args or "").strip()
    if not words:
        return lambda desk: [desk.answer(*listed(desk))]
    asked = await read(office.catalog, words, _MOST_NEAR)
    return lambda desk: [_dropped(desk, words, asked)]


def _dropped(desk: Desk, words: str, asked: Asked) -> SendMessage:
    """What is certain is dropped; where nothing is, what is followed and may be meant can be."""
    gone = unfollow(desk, asked.tags)
    if gone:
        return desk.answer(dropped_text(desk, gone))
    near = [tag for tag in listing.followed(desk) if any(is_followed((tag,), other) for other in asked.near)]
    if near:
        return desk.answer(_which(desk, words, near), listing.choice(desk, near[:_MOST_SHOWN]))
    told, (found, markup) = desk.say("没有关注“{word}”。", word=quoted(words)), listed(desk)
    return desk.answer(f"{told}\n\n{found}", markup)


def _which(desk: Desk, words: str, near: Sequence[str]) -> str:
    """Which of these is meant?"""
    if len(near) > 1:
        return desk.say("“{word}”是指哪一个？点按即可取消关注。", word=quoted(words))
    return desk.say("“{word}”是不是指{name}？点按即可取消关注。", word=quoted(words), name=names(desk, near))


async def _following(message: Message) -> Step:
    return lambda desk: [desk.answer(*listed(desk))]


async def _page(callback: CallbackQuery, callback_data: Listed) -> Step:
    return lambda desk: _shown(desk, callback_data.page, "")


async def _listed(callback: CallbackQuery, callback_data: Listed) -> Step:
    page = callback_data.page

    def step(desk: Desk) -> Replies:
        if callback_data.act == listing.ASK_ALL and desk.follows:
            return [desk.toast(), desk.edit(*listing.really_all(desk, page))]
        if callback_data.act == listing.DROP_ALL:
            desk.unfollow(desk.follows)
            return _shown(desk, page, desk.say.plain("已全部退订"))
        if callback_data.act == listing.RESUME:
            return _resumed(desk)
        tag = listing.named(desk, callback_data.code)
        if tag is None:  # it was dropped elsewhere: the list as it is now says so
            return _shown(desk, page, "")
        return _shown(desk, page, _changed(desk, callback_data.act, tag))

    return step


def _resumed(desk: Desk) -> Replies:
    """All that a place followed before is followed again, as its own wish."""
    found = desk.endpoint
    if found is None or desk.live is not None:  # somebody was quicker: the list as it is now says so
        return _shown(desk, 0, "")
    try:
        desk.follow(found.follows)
    except TooMany:
        return desk.told(TOO_MANY, most=MOST_FOLLOWS)
    return _shown(desk, 0, desk.say.plain("已恢复推送"))


def _changed(desk: Desk, act: str, tag: str) -> str:
    """Change what a button of the list is for, and say so."""
    name = desk.label(tag.removesuffix(MENTIONS))
    if act == listing.DROP:
        desk.unfollow([tag])
        return desk.say.plain("已取消关注：{name}", name=name)
    if act == listing.WIDEN and tag.startswith("park:") and not tag.endswith(MENTIONS):
        follow(desk, [tag + MENTIONS])
        return desk.say.plain("{name}：也推送只提及它的文章", name=name)
    if act == listing.NARROW and tag.endswith(MENTIONS):
        park = tag.removesuffix(MENTIONS)
        desk.unfollow([tag])
        desk.follow([park])
        return desk.say.plain("{name}：只推送主要写它的文章", name=name)
    return ""


def _shown(desk: Desk, page: int, words: str) -> Replies:
    return [desk.toast(words), desk.edit(*listed(desk, page))]
