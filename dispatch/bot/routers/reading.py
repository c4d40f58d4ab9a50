"""/latest, /issue and /column, and reading an article in the chat.

Who reads in the private chat reads for themselves, also while they manage another chat: there is nothing to set.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiogram import F, Router
from aiogram.filters import Command, CommandStart
from aiogram.methods import EditMessageReplyMarkup
from aiogram.types import Message

from dispatch.bot import articles, views
from dispatch.bot.chats import managed_place
from dispatch.bot.codes import tag_of
from dispatch.bot.desk import MOST_FOLLOWS, Desk, Replies, Step, TooMany
from dispatch.bot.following import TOO_MANY
from dispatch.bot.leafing import (
    ArticleButton,
    ColumnButton,
    ColumnsButton,
    FollowButton,
    IssueButton,
    IssuesButton,
    nothing_there,
    replied,
)
from dispatch.bot.paging import keyboard
from dispatch.bot.staging import CHANGES, HERE
from dispatch.bot.voice import text

if TYPE_CHECKING:
    from aiogram.filters import CommandObject
    from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup

    from dispatch.bot.scene import Scene
    from dispatch.bot.shelf import Shelf

_LONGEST = 60  # characters that can name an issue or a column
_ARTICLE = re.compile(r"r([0-9]{1,15})_([0-9]{1,6})")
# 534, 总第534期; 2022-05, 2022年第5期; 2022-03-15 is the reference of an issue without numbers.
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_IN_YEAR = re.compile(r"([0-9]{4})\s*(?:年|-|/)\s*第?\s*([0-9]{1,4})\s*期?")
_TOTAL = re.compile(r"(?:总第|總第|第|no\.?|#)?\s*0*([0-9]{1,18})\s*期?", re.IGNORECASE)


def router() -> Router:
    found = Router(name="reading")
    article = CommandStart(deep_link=True, magic=F.args.regexp(f"^{_ARTICLE.pattern}$"))
    found.message.register(_start_article, article, flags=HERE)
    found.message.register(_latest, Command("latest", ignore_case=True), flags=HERE)
    found.message.register(_issue, Command("issue", ignore_case=True), flags=HERE)
    found.message.register(_column, Command("column", ignore_case=True), flags=HERE)
    found.callback_query.register(_open_issue, IssueButton.filter(), flags=HERE)
    found.callback_query.register(_open_issues, IssuesButton.filter(), flags=HERE)
    found.callback_query.register(_open_column, ColumnButton.filter(), flags=HERE)
    found.callback_query.register(_open_columns, ColumnsButton.filter(), flags=HERE)
    found.callback_query.register(_open_article, ArticleButton.filter(), flags=HERE)
    found.callback_query.register(_toggle, FollowButton.filter(), flags=CHANGES)
    return found


def article_payload(issue_id: int, position: int) -> str:
    """What a link `https://t.me/BOT?start=…` says to read an article (1 to 64 of A-Za-z0-9_-)."""
    return f"r{issue_id}_{position}"


# --------------------------------------------------------------------------------------------------- commands


async def _latest(message: Message, scene: Scene, shelf: Shelf) -> Step:
    def look(desk: Desk) -> Replies:
        volume = shelf.newest(desk.db)
        if volume is None:
            return [desk.answer(views.nothing_yet(desk))]
        return [desk.answer(*views.overview(desk, shelf, volume, titles=False))]

    return await shelf.answering(scene, look)


async def _issue(message: Message, command: CommandObject, scene: Scene, shelf: Shelf) -> Step:
    words = (command.args or "").strip()
    return await shelf.answering(scene, lambda desk: _called(desk, shelf, words))


def _called(desk: Desk, shelf: Shelf, words: str) -> Replies:
    if not words:
        return [desk.answer(*views.issues(desk, shelf, 0))]
    found = shelf.called(desk.db, *_meant(words)) if len(words) <= _LONGEST else []
    if not found:
        told = desk.say(
            "没有找到这一期。发送期号，如 <code>/issue 534</code> 或 <code>/issue 2022-05</code>；/issue 列出各期。"
        )
        return [desk.answer(told)]
    if len(found) > 1:
        return [desk.answer(desk.say("不止一种期刊有这一期，请选择："), keyboard(views.chosen(desk, found)))]
    volume = shelf.volume(desk.db, found[0]["id"])
    return nothing_there(desk) if volume is None else [desk.answer(*views.overview(desk, shelf, volume, titles=True))]


def _meant(words: str) -> tuple[str, str, int, int]:
    """The bulletin ("" for any), the reference, and the year and number in it (0 where none is named)."""
    bulletin, colon, rest = words.replace("\x00", "").replace("：", ":").rpartition(":")
    rest = rest.strip()
    in_year = None if _DAY.fullmatch(rest) else _IN_YEAR.fullmatch(rest)
    total = _TOTAL.fullmatch(rest)
    ref = total[1] if total else rest
    year, number = (int(in_year[1]), int(in_year[2])) if in_year else (0, 0)
    return (bulletin.strip().lower() if colon else ""), ref, year, number


async def _column(message: Message, command: CommandObject, scene: Scene, shelf: Shelf) -> Step:
    words = (command.args or "").strip()

    def look(desk: Desk) -> Replies:
        if not words:
            return [desk.answer(*views.columns(desk, 0))]
        tag = _column_tag(desk, words)
        if not tag:
            told, (html, markup) = desk.say("没有叫这个名字的栏目。"), views.columns(desk, 0)
            return [desk.answer(f"{told}\n\n{html}", markup)]
        return _newest_of(desk, shelf, tag, scene)

    return await shelf.answering(scene, look)


def _column_tag(desk: Desk, words: str) -> str:
    """The column that somebody means by a name, a part of it or its pinyin; "" for none."""
    if len(words) > _LONGEST:
        return ""
    found = desk.catalog.suggest(words, 1, ("column",))
    return found[0].tag if found else ""


def _newest_of(desk: Desk, shelf: Shelf, tag: str, scene: Scene) -> Replies:
    bulletin, _, key = tag.removeprefix("column:").partition("/")
    found = shelf.newest_column(desk.db, bulletin, key)
    if found is None:
        return desk.told(text("这个栏目还没有文章。/latest 看最新一期。"))
    return replied(scene, desk, *views.column(desk, shelf, *found, 0))


async def _start_article(message: Message, command: CommandObject, scene: Scene, shelf: Shelf) -> Step:
    found = _ARTICLE.fullmatch(command.args or "")
    issue, position = (int(found[1]), int(found[2])) if found else (0, 0)
    return await shelf.answering(scene, lambda desk: _article(desk, shelf, issue, position))


# ---------------------------------------------------------------------------------------------------- buttons


async def _open_issue(callback: CallbackQuery, callback_data: IssueButton, scene: Scene, shelf: Shelf) -> Step:
    data = callback_data

    def look(desk: Desk) -> Replies:
        volume = shelf.volume(desk.db, data.issue)
        if volume is None:
            return nothing_there(desk)
        if not data.column:
            return replied(scene, desk, *views.overview(desk, shelf, volume, titles=True))
        section = volume.section(data.column)
        if section is None:
            return nothing_there(desk)
        return replied(scene, desk, *views.column(desk, shelf, volume, section, data.page))

    return await shelf.answering(scene, look)


async def _open_issues(callback: CallbackQuery, callback_data: IssuesButton, scene: Scene, shelf: Shelf) -> Step:
    page = callback_data.page
    return await shelf.answering(scene, lambda desk: replied(scene, desk, *views.issues(desk, shelf, page)))


async def _open_column(callback: CallbackQuery, callback_data: ColumnButton, scene: Scene, shelf: Shelf) -> Step:
    def look(desk: Desk) -> Replies:
        tag = tag_of(desk.catalog, callback_data.tag) or ""
        return _newest_of(desk, shelf, tag, scene) if tag.startswith("column:") else nothing_there(desk)

    return await shelf.answering(scene, look)


async def _open_columns(callback: CallbackQuery, callback_data: ColumnsButton, scene: Scene, shelf: Shelf) -> Step:
    page = callback_data.page
    return await shelf.answering(scene, lambda desk: replied(scene, desk, *views.columns(desk, page)))


async def _open_article(callback: CallbackQuery, callback_data: ArticleButton, scene: Scene, shelf: Shelf) -> Step:
    issue, position = callback_data.issue, callback_data.position
    return await shelf.answering(scene, lambda desk: _article(desk, shelf, issue, position))


def _article(desk: Desk, shelf: Shelf, issue_id: int, position: int) -> Replies:
    """An article in messages of its own: what its button stood under stays."""
    volume = shelf.volume(desk.db, issue_id)
    entry = volume.reading.entry(position) if volume is not None else None
    if volume is None or entry is None:
        return nothing_there(desk)
    section = volume.reading.section_of(entry)
    *before, last = articles.parts(desk, shelf.renderer, volume, section, entry)
    messages = [
        *(desk.answer(part) for part in before),
        desk.answer(last, articles.below(desk, volume, section, entry)),
    ]
    return [desk.toast(), *messages] if desk.scene.callback_id else messages


async def _toggle(callback: CallbackQuery, callback_data: FollowButton) -> Step:
    message = callback.message
    markup = message.reply_markup if isinstance(message, Message) else None

    def step(desk: Desk) -> Replies:
        tag = tag_of(desk.catalog, callback_data.tag)
        if tag is None:
            return nothing_there(desk)
        name = desk.label(tag)
        if tag in desk.follows:
            desk.unfollow([tag])
            told = desk.toast(desk.say.plain("已取消关注：{name}", name=name) + _not_there(desk))
        else:
            try:
                desk.follow([tag])
            except TooMany:
                return desk.told(TOO_MANY, most=MOST_FOLLOWS)
            told = desk.toast(desk.say.plain("已关注：{name}", name=name) + _not_there(desk))
        return [told] if markup is None or desk.scene.is_old else [told, _ticked(desk, markup)]

    return step


def _not_there(desk: Desk) -> str:
    """That it is about this chat, for who manages another one just now."""
    scene = desk.scene
    if not scene.here.is_private or scene.is_managed:
        return ""
    place = managed_place(desk.db, desk.office.number, scene.user_id)
    return desk.say.plain("（您自己的关注，不是“{title}”的）", title=place.title) if place is not None else ""


def _ticked(desk: Desk, markup: InlineKeyboardMarkup) -> EditMessageReplyMarkup:
    """The message keeps its buttons; those that follow something show how it stands now."""
    rows = [[_restated(desk, one) for one in row] for row in markup.inline_keyboard]
    scene = desk.scene
    return EditMessageReplyMarkup(chat_id=scene.here.chat_id, message_id=scene.message_id, reply_markup=keyboard(rows))


def _restated(desk: Desk, one: InlineKeyboardButton) -> InlineKeyboardButton:
    try:
        tag = tag_of(desk.catalog, FollowButton.unpack(one.callback_data or "").tag)
    except (TypeError, ValueError):
        return one
    return one if tag is None else views.follow_button(desk, tag)
