"""/words: of what is followed, only the articles with one of these words, and none with one of those."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiogram import Router
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData

from dispatch.bot.codes import code
from dispatch.bot.desk import Desk, Replies, Step
from dispatch.bot.following import quoted
from dispatch.bot.paging import button, keyboard, page_of, pager
from dispatch.bot.staging import CHANGES
from dispatch.bot.voice import Html, text
from dispatch.reader_words import read
from subscribers import words as store
from subscribers.errors import InvalidValue
from subscribers.model import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiogram.filters import CommandObject
    from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

_SIGNED = re.compile(r"(?:^|(?<=[\s，、,；;]))([+＋\-－﹣−–—])")
# Between two words: what lists are written with, and a blank between Chinese. One between Latin words is theirs.
_BETWEEN = re.compile(r"[，、,；;\n]+|(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])")
_CLEAR = frozenset({"off", "none", "clear", "清空", "全部删除", "删除全部", "清除"})
_PLUS = "+＋"
REMOVE, PAGE, CLEAR = "x", "p", "c"


class Pressed(CallbackData, prefix="wo"):
    """A press: remove the word with this code, show a page, or remove all words."""

    act: str
    page: int = 0
    code: str = ""


def router() -> Router:
    found = Router(name="wording")
    found.message.register(_words, Command("words", ignore_case=True), flags=CHANGES)
    found.callback_query.register(_pressed, Pressed.filter(), flags=CHANGES)
    return found


async def _words(message: Message, command: CommandObject) -> Step:
    args = (command.args or "").strip()

    def step(desk: Desk) -> Replies:
        if not args:
            return [desk.answer(*_listed(desk))]
        if args.casefold() in _CLEAR:
            return [desk.answer(*_clearing(desk))]
        signed = _signed(args)
        if not signed:
            return [desk.answer(desk.say(_WHICH, word=quoted(args)))]
        return [desk.answer(*_added(desk, signed))]

    return step


_WHICH = text(
    "要怎样用“{word}”这个词？请写上加号或减号：\n"
    "<code>/words +{word}</code> 只看含有它的文章\n"
    "<code>/words -{word}</code> 不看含有它的文章"
)
_WRONG = text("“{word}”不能用作关键词。请换一个 2 到 40 个字的词：可以是中文、字母或数字，不含分号。")


def _signed(args: str) -> list[tuple[bool, str]]:
    """The words, each with whether it is one to see nothing of: by the sign before it, or before the words that it is
    listed with (`-广告、芯片`). Nothing where the first has none."""
    first, *rest = _SIGNED.split(args)
    if first.strip():
        return []
    return [
        (sign not in _PLUS, word.strip())
        for sign, words in zip(rest[::2], rest[1::2], strict=True)
        for word in _BETWEEN.split(words.strip(" ，、,；;\n"))
    ]


def _clearing(desk: Desk) -> tuple[str, InlineKeyboardMarkup | None]:
    """Whether all words are to go: a list that was made with care is not lost by one word."""
    count = len(_known(desk))
    if not count:
        return _listed(desk)
    yes = button(desk.say.plain("🗑 清空全部关键词"), Pressed(act=CLEAR).pack())
    return desk.say("要清空全部关键词吗？共 {count} 个。", count=count), keyboard([[yes]])


def _added(desk: Desk, signed: Sequence[tuple[bool, str]]) -> tuple[str, InlineKeyboardMarkup | None]:
    """Add the words that can be, and say what has come of it."""
    good: list[Word] = []
    lines: list[str] = []
    for excluded, word in signed[: store.MOST]:
        try:
            good.append(read(word, excluded=excluded))
        except InvalidValue:
            lines.append(desk.say(_WRONG, word=quoted(word)))
    if good:
        known = {word.folded for word in _known(desk)} | {word.folded for word in good}
        if len(known) > store.MOST:
            return desk.say("最多可以设置 {most} 个关键词。请先用 /words 删除一些。", most=store.MOST), None
        store.add(desk.db, desk.known().id, good, desk.act)
    if not good:
        return "\n".join(lines), None
    listed, markup = _listed(desk)
    return "\n\n".join([*lines, listed]), markup


def _known(desk: Desk) -> tuple[Word, ...]:
    found = desk.endpoint
    return () if found is None else found.words


def _listed(desk: Desk, page: int = 0) -> tuple[str, InlineKeyboardMarkup | None]:
    """The words, with buttons that remove them, and how to add some."""
    known = sorted(_known(desk), key=lambda word: word.excluded)
    only = [word for word in known if not word.excluded]
    never = [word for word in known if word.excluded]
    lines = [desk.say("<b>关键词过滤</b>")]
    if only:
        lines.append(desk.say("• 只看含有其中一个词的文章：{words}", words=_names(desk, only)))
    if never:
        lines.append(desk.say("• 不看含有这些词的文章：{words}", words=_names(desk, never)))
    if not known:
        lines.append(desk.say("没有设置关键词：关注的文章全部推送。"))
    lines.append(desk.say(_HOW))
    shown, page, pages = page_of(known, page)
    rows = [
        [button(f"❌ {store.written(word)}", Pressed(act=REMOVE, page=page, code=code(word.folded)).pack())]
        for word in shown
    ]
    rows.append(pager(page, pages, lambda to: Pressed(act=PAGE, page=to).pack()))
    return "\n".join(lines), keyboard(rows) if known else None


_HOW = text(
    "添加：<code>/words +区块链</code> 只看含有它的，<code>/words -广告</code> 不看含有它的。"
    "在标题、正文和供稿单位中查找，不分简繁和大小写。"
)


def _names(desk: Desk, words: Sequence[Word]) -> Html:
    return Html(desk.say.plain("、").join(desk.say("<b>{name}</b>", name=word.text) for word in words))


async def _pressed(callback: CallbackQuery, callback_data: Pressed) -> Step:
    def step(desk: Desk) -> Replies:
        said = ""
        found = next((word for word in _known(desk) if code(word.folded) == callback_data.code), None)
        if callback_data.act == REMOVE and found is not None:
            store.remove(desk.db, desk.known().id, [found.folded], desk.act)
            said = desk.say.plain("已删除：{word}", word=found.text)
        elif callback_data.act == CLEAR and _known(desk):
            store.remove(desk.db, desk.known().id, [word.folded for word in _known(desk)], desk.act)
            said = desk.say.plain("已清空关键词。")
        # What is there no more was removed elsewhere: the list as it is now says so.
        return [desk.toast(said), desk.edit(*_listed(desk, callback_data.page))]

    return step
