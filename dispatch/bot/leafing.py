"""The buttons by which people leaf through issues and searches. What they carry says where to look and no more: each
is looked up anew, and shown only where it may be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from aiogram import F
from aiogram.filters.callback_data import CallbackData
from pydantic import Field

from dispatch.bot.voice import text

if TYPE_CHECKING:
    from aiogram.types import CallbackQuery, InlineKeyboardMarkup

    from dispatch.bot.desk import Desk, Replies, Step
    from dispatch.bot.scene import Scene

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


def replied(scene: Scene, desk: Desk, html: str, markup: InlineKeyboardMarkup | None, *, edit: bool = True) -> Replies:
    """A view in answer to a command or to a press."""
    if not scene.callback_id:
        return [desk.answer(html, markup)]
    return [desk.edit(html, markup) if edit else desk.answer(html, markup), desk.toast()]
