"""The buttons by which people leaf through issues and searches. What they carry says where to look and no more: each
is looked up anew, and shown only where it may be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from aiogram import F
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup
from pydantic import Field

from dispatch.bot.voice import text
from dispatch.channels.html_split import extent

if TYPE_CHECKING:
    from dispatch.bot.desk import Desk, Replies, Step
    from dispatch.bot.scene import Scene

PAGE = 8
"""Entries on a page of a list."""

_Number = Annotated[int, Field(ge=0, lt=1 << 53)]
_Page = Annotated[int, Field(ge=0, lt=10_000)]
TagCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{9}$")]
"""Of `dispatch.bot.codes`."""


class IssueButton(CallbackData, prefix="is"):
    """An issue, or a page of one of its columns (counted from 1; 0 for all of them)."""

    issue: _Number
    column: _Page = 0
    page: _Page = 0


class IssuesButton(CallbackData, prefix="isl"):
    """A page of the list of issues."""

    page: _Page = 0


class ColumnButton(CallbackData, prefix="isc"):
    """The newest of a column, by the code of its tag."""

    tag: TagCode


class ColumnsButton(CallbackData, prefix="isk"):
    """A page of the list of columns."""

    page: _Page = 0


class ArticleButton(CallbackData, prefix="rd"):
    """An article, by its place in the issue."""

    issue: _Number
    position: _Number


class FollowButton(CallbackData, prefix="rdf"):
    """Follow what an article is about, or follow it no more."""

    tag: TagCode


class SearchButton(CallbackData, prefix="se"):
    """A page of a search. `words` are "" where they are too long for a button: then they stand in the message."""

    page: _Page = 0
    mine: bool = False
    words: str = ""


OURS = F.data.regexp(r"^(is|isl|isc|isk|rd|rdf|rdu|rdm|se)(:|$)|^[0-9]+:")
"""Presses of buttons that begin like these: what none of them reads was forged, or is older than its form."""


async def stale(callback: CallbackQuery) -> Step:
    """Answers a press that means nothing (any more)."""
    return nothing_there


def nothing_there(desk: Desk) -> Replies:
    return desk.told(text("这里已经没有内容了。请重新发送命令，如 /latest 或 /search。"))


def button(words: str, data: CallbackData) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=words[:60] or "…", callback_data=data.pack())


def in_rows(buttons: Sequence[InlineKeyboardButton], width: int) -> list[list[InlineKeyboardButton]]:
    return [list(buttons[place : place + width]) for place in range(0, len(buttons), width)]


def keyboard(*rows: Sequence[InlineKeyboardButton]) -> InlineKeyboardMarkup | None:
    """The rows that have buttons; None without any."""
    filled = [list(row) for row in rows if row]
    return InlineKeyboardMarkup(inline_keyboard=filled) if filled else None


def turning(page: int, pages: int, make: Callable[[int], CallbackData]) -> list[InlineKeyboardButton]:
    """The row that leads to the pages before and after one; nothing where there is one page only."""
    if pages < 2:
        return []
    row = [button("‹", make(page - 1))] if page > 0 else []
    row.append(button(f"{page + 1}/{pages}", make(page)))
    return [*row, button("›", make(page + 1))] if page + 1 < pages else row


def pages_of(count: int, page: int, size: int = PAGE) -> tuple[int, int]:
    """How many pages there are, and which of them is meant (the last one, where there are fewer by now)."""
    pages = max(1, -(-count // size))
    return pages, min(page, pages - 1)


def fitted(head: str, lines: Sequence[str], more: Callable[[int], str], units: int = 3_900, entities: int = 95) -> str:
    """A message of the head and as many lines as there is room for; `more` tells how many are left out."""
    used, marked = extent(head)
    kept = [head]
    for place, line in enumerate(lines):
        length, marks = extent(line)
        used, marked = used + length + 1, marked + marks
        if used > units or marked > entities:
            return "\n".join([*kept, more(len(lines) - place)])
        kept.append(line)
    return "\n".join(kept)


def linked(html: str, url: str) -> str:
    """Words that lead to an address, where Telegram opens it; `html` has no links in it."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return html
    return f'<a href="{url.replace("&", "&amp;").replace(chr(34), "%22")}">{html}</a>'


def replied(scene: Scene, desk: Desk, html: str, markup: InlineKeyboardMarkup | None, *, edit: bool = True) -> Replies:
    """A view in answer to a command or to a press."""
    if not scene.callback_id:
        return [desk.answer(html, markup)]
    return [desk.edit(html, markup) if edit else desk.answer(html, markup), desk.toast()]
