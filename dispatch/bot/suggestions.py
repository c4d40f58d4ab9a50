"""Buttons for what somebody may mean, or has just followed: a press follows it, another one drops it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from aiogram.filters.callback_data import CallbackData
from aiogram.types import Message

from dispatch.bot.asking import Asked, Unknown
from dispatch.bot.codes import code
from dispatch.bot.desk import Desk
from dispatch.bot.following import is_followed, names, quoted, tick
from dispatch.bot.menu import root_keyboard
from dispatch.bot.paging import button, in_rows, keyboard
from dispatch.bot.voice import Html

if TYPE_CHECKING:
    from aiogram.types import CallbackQuery, InlineKeyboardMarkup

_MOST = 40  # buttons


class Suggested(CallbackData, prefix="fo"):
    """A press: follow what has this code, or drop it."""

    on: bool
    code: str


def suggestions(desk: Desk, tags: Sequence[str]) -> InlineKeyboardMarkup:
    """A button for each, ticked where it is followed."""
    follows = desk.follows
    return keyboard(
        in_rows([
            button(tick(desk.catalog, follows, tag) + desk.label(tag),
                   Suggested(on=not is_followed(follows, tag), code=code(tag)).pack())
            for tag in dict.fromkeys(tags[:_MOST])
        ])
    )  # fmt: skip


def suggested_codes(callback: CallbackQuery) -> list[str]:
    """The codes on the buttons of the message that was pressed; none where Telegram shows it no more."""
    message = callback.message
    markup = message.reply_markup if isinstance(message, Message) else None
    return list(_codes(markup)) if markup is not None else []


def _codes(markup: InlineKeyboardMarkup) -> Iterator[str]:
    for row in markup.inline_keyboard:
        for found in row:
            try:
                yield Suggested.unpack(found.callback_data or "").code
            except ValueError:  # a button of another kind
                continue


def question(desk: Desk, asked: Asked) -> str:
    """What is meant by these words? Or that there is nothing like them."""
    lines = [_meant(desk, unknown) for unknown in asked.unknown if len(unknown.near) == 1]
    several = [unknown.word for unknown in asked.unknown if len(unknown.near) > 1]
    strange = [unknown.word for unknown in asked.unknown if not unknown.near]
    if several:
        lines.append(desk.say("{words}是指哪一个？点按即可关注。", words=_words(desk, several)))
    if strange:
        nothing = desk.say("没有找到{words}。", words=_words(desk, strange))
        lines.append(nothing + desk.say("可以换个写法（名称的一部分或拼音），或用 /browse 浏览。"))
    return "\n".join(lines)


def _meant(desk: Desk, unknown: Unknown) -> str:
    """Is it the one thing that is like it?"""
    words, name = _words(desk, [unknown.word]), names(desk, unknown.near)
    if is_followed(desk.follows, unknown.near[0]):
        return desk.say("{words}是不是指{name}？已经在关注，再点一次取消关注。", words=words, name=name)
    return desk.say("{words}是不是指{name}？点按即可关注。", words=words, name=name)


def question_keyboard(desk: Desk, asked: Asked) -> InlineKeyboardMarkup:
    """What may be meant; where nothing is like it, all there is."""
    tags = (*asked.tags, *asked.near)
    return suggestions(desk, tags) if tags else root_keyboard(desk)


def _words(desk: Desk, words: Sequence[str]) -> Html:
    return Html(desk.say.plain("、").join(desk.say("“{word}”", word=quoted(word)) for word in words))
