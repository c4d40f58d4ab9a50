"""/search, and what `@bot words` finds in any chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiogram import Router
from aiogram.filters import Command
from aiogram.methods import AnswerInlineQuery
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InlineQueryResultsButton,
    InputTextMessageContent,
    LinkPreviewOptions,
    Message,
)

from dispatch import search
from dispatch.bot import naming
from dispatch.bot.codes import FROM_INLINE
from dispatch.bot.leafing import OURS, ArticleButton, SearchButton, replied, stale
from dispatch.bot.paging import button, in_rows_of, keyboard, pager, pages_of
from dispatch.bot.routers.reading import article_payload
from dispatch.bot.shelf import Spot
from dispatch.bot.staging import HERE
from dispatch.bot.views import bulletin_name, linked, number_line
from dispatch.bot.voice import escaped, voice
from dispatch.digests.words import clip, first_sentence
from dispatch.errors import UsageError
from dispatch.links import article_url
from dispatch.search import Found, Passage, Query, Within
from subscribers.model import LANGUAGES

if TYPE_CHECKING:
    from aiogram.filters import CommandObject
    from aiogram.types import CallbackQuery, InlineQuery, InlineQueryResultUnion

    from dispatch.bot.desk import Desk, Replies, Step
    from dispatch.bot.scene import Scene
    from dispatch.bot.shelf import Shelf

HITS = 5
"""On a page of a search."""

INLINE = 20
"""Articles in an answer to `@bot words`; Telegram asks for more of them by an offset."""

_IN_BUTTON = 40  # bytes of words; longer ones are read from the message itself
_MOST_PAGES = 200
_MOST_MARKS = 8  # in a passage: a message has at most 100 entities
_LONGEST = 1_000  # characters of a search
_CACHED = 300  # seconds for which Telegram answers the same inline query itself
_TITLE = 120
_CATCH_UP = 60  # articles that are indexed while somebody waits


def router() -> Router:
    found = Router(name="searching")
    found.message.register(_search, Command("search", ignore_case=True), flags=HERE)
    found.callback_query.register(_turn, SearchButton.filter(), flags=HERE)
    found.callback_query.register(stale, OURS)  # after all other routers that read and show
    found.inline_query.register(_inline)
    return found


async def _search(message: Message, command: CommandObject, scene: Scene, shelf: Shelf) -> Step:
    words = command.args or ""
    return await shelf.answering(scene, lambda desk: _found(desk, shelf, words, 0, mine=False))


async def _turn(callback: CallbackQuery, callback_data: SearchButton, scene: Scene, shelf: Shelf) -> Step:
    words = callback_data.words or _said(callback)
    page, mine = min(callback_data.page, _MOST_PAGES), callback_data.mine
    return await shelf.answering(scene, lambda desk: _found(desk, shelf, words, page, mine=mine))


def _said(callback: CallbackQuery) -> str:
    """What was searched for, as the message with the results says it."""
    message = callback.message
    if not isinstance(message, Message) or not message.text:
        return ""
    marked = (entity for entity in message.entities or () if entity.type == "code")
    return next((entity.extract_from(message.text) for entity in marked), "")


def _parsed(words: str) -> Query | None:
    try:
        return search.parse(words) if len(words) <= _LONGEST else None
    except UsageError:
        return None


def written(query: Query) -> str:
    """A query as it can be typed; it is read as the same query again."""
    return " ".join([*map(_quoted, query.words), *(f"-{_quoted(word)}" for word in query.without)])


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word or word.startswith("-") else word


def _found(desk: Desk, shelf: Shelf, words: str, page: int, *, mine: bool) -> Replies:
    query = _parsed(words)
    if query is None:
        told = desk.say(
            "请写出要搜索的词，如 <code>/search 区块链</code>。几个词之间用空格隔开，须同时出现；"
            "词组加引号，前面加减号的词不得出现。"
        )
        return replied(desk.scene, desk, told, None, edit=False)
    follows = desk.follows
    within = Within(tags=follows if mine else (), public=True)
    found = search.search(desk.db, query, within, most=HITS, skip=page * HITS, catch_up=_CATCH_UP)
    last, pages = pages_of(found.total, page, HITS)
    if last < page:  # there were more when the button was made
        return _found(desk, shelf, words, last, mine=mine)
    again = written(query)
    short = again if len(again.encode()) <= _IN_BUTTON and ":" not in again else ""
    text, hits = _results(desk, shelf, again, found, page)
    turns = pager(page, min(pages, _MOST_PAGES), lambda to: SearchButton(page=to, mine=mine, words=short))
    sign = "☑" if mine else "☐"
    only = desk.say.plain("{sign} 只看我关注的", sign=sign)
    toggle = [button(only, SearchButton(mine=not mine, words=short))] if follows or mine else []
    return replied(desk.scene, desk, text, keyboard([*in_rows_of(HITS, hits), turns, toggle]))


def _results(desk: Desk, shelf: Shelf, words: str, found: Found, page: int) -> tuple[str, list[InlineKeyboardButton]]:
    """The hits as a message, and a button for each."""
    head = desk.say("🔍 <code>{words}</code> · 共 {count} 篇", words=words, count=found.total)
    if not found.hits:
        return f"{head}\n\n" + desk.say("没有找到。可以换一个词，或少写几个词；/latest 看最新一期。"), []
    lines, buttons = [head], []
    for n, hit in enumerate(found.hits, start=page * HITS + 1):
        spot = shelf.spot(desk.db, hit.bulletin, hit.issue_ref)
        if spot is None:
            continue
        title = escaped(clip(hit.title.text, _TITLE))
        url = article_url(desk.office.base_url, hit.bulletin, hit.issue_ref, hit.position)
        issue = escaped(f"{bulletin_name(desk, spot.bulletin, spot.title)} {number_line(desk, spot.numbers)}")
        lines.append(f"\n{n}. <b>{linked(title, url)}</b>\n{marked(hit.passage)}\n<i>{issue}</i>")
        buttons.append(button(str(n), ArticleButton(issue=spot.id, position=hit.position)))
    return "\n".join(lines), buttons


def marked(passage: Passage) -> str:
    """A passage as HTML, with the words that were found in bold."""
    pieces, end = [], 0
    for start, stop in passage.marks[:_MOST_MARKS]:
        if start < end or stop > len(passage.text):
            continue
        pieces += [escaped(passage.text[end:start]), "<b>", escaped(passage.text[start:stop]), "</b>"]
        end = stop
    return "".join([*pieces, escaped(passage.text[end:])])


# ----------------------------------------------------------------------------------------------------- inline


async def _inline(query: InlineQuery, scene: Scene, shelf: Shelf) -> Step:
    """Telegram keeps the answer for everybody who asks the same: so it is in Chinese, and the same for all."""
    skip = int(query.offset) if query.offset.isascii() and query.offset.isdigit() and len(query.offset) < 6 else 0

    def look(desk: Desk) -> Replies:
        found, total = _shared(desk, shelf, query.query.strip(), skip)
        results: list[InlineQueryResultUnion] = list(found)
        say = voice(LANGUAGES[0])
        yield AnswerInlineQuery(
            inline_query_id=query.id,
            results=results,
            cache_time=_CACHED,
            is_personal=False,
            next_offset=str(skip + INLINE) if skip + INLINE < total else "",
            button=InlineQueryResultsButton(text=say.plain("打开机器人 · Open the bot"), start_parameter=FROM_INLINE),
        )

    return await shelf.answering(scene, look)


def _shared(desk: Desk, shelf: Shelf, words: str, skip: int) -> tuple[list[InlineQueryResultArticle], int]:
    """The articles to offer for some words, and how many there are in all; without words, those of the newest issue."""
    if not words:
        return _newest(desk, shelf, skip)
    park = desk.catalog.park_in_english(words)  # articles name it in Chinese
    query = _parsed(words if park is None else park.name)
    if query is None:
        return [], 0
    found = search.search(desk.db, query, Within(public=True), most=INLINE, skip=skip, catch_up=_CATCH_UP)
    spots = [(shelf.spot(desk.db, hit.bulletin, hit.issue_ref), hit) for hit in found.hits]
    made = [_result(desk, spot, hit.position, hit.title.text, hit.passage) for spot, hit in spots if spot is not None]
    return made, found.total


def _newest(desk: Desk, shelf: Shelf, skip: int) -> tuple[list[InlineQueryResultArticle], int]:
    volume = shelf.newest(desk.db)
    if volume is None:
        return [], 0
    spot = Spot.of(volume)
    entries = [entry for section in volume.reading.sections for entry in section.entries]
    made = [
        _result(desk, spot, entry.position, entry.article.title, Passage(first_sentence(entry.article), ()))
        for entry in entries[skip : skip + INLINE]
    ]
    return made, len(entries)


def _result(desk: Desk, spot: Spot, position: int, title: str, passage: Passage) -> InlineQueryResultArticle:
    say, office = voice(LANGUAGES[0]), desk.office
    url = article_url(office.base_url, spot.bulletin, spot.ref, position)
    start = f"https://t.me/{office.username}?start={article_payload(spot.id, position)}" if office.username else ""
    issue = f"{spot.title} {naming.number_line(say, spot.numbers)}".strip()
    lines = [
        f"<b>{linked(escaped(title), url or start)}</b>",
        marked(passage),
        f"<i>{escaped(issue)}</i>",
    ]
    read = [[InlineKeyboardButton(text=say.plain("在 Telegram 中阅读"), url=start)]] if start else []
    return InlineQueryResultArticle(
        id=f"{spot.id}-{position}",
        title=clip(title, _TITLE) or issue,
        description=passage.text,
        input_message_content=InputTextMessageContent(
            message_text="\n\n".join(line for line in lines if line),
            parse_mode="HTML",
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        ),
        reply_markup=InlineKeyboardMarkup(inline_keyboard=read) if read else None,
    )
