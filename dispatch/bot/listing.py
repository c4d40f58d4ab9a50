"""The list of /following: what is followed, a page at a time, with buttons that change it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiogram.filters.callback_data import CallbackData

from dispatch.bot.codes import code
from dispatch.bot.desk import Desk
from dispatch.bot.following import names
from dispatch.bot.halted import halted
from dispatch.bot.menu import root_keyboard
from dispatch.bot.paging import button, keyboard, page_of, pager
from dispatch.catalog.carried import MENTIONS
from dispatch.digests.words import clip
from subscribers.model import EndpointState

if TYPE_CHECKING:
    from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

    from subscribers.model import Endpoint

PAGE, DROP, WIDEN, NARROW, ASK_ALL, DROP_ALL, RESUME = "p", "d", "m", "s", "q", "z", "a"

_LONGEST = 40  # characters of a name on a button
_ORDER = ("park", "province", "topic", "column", "bulletin", "all")


class Listed(CallbackData, prefix="un"):
    """A press: show a page; drop what has this code; follow a park with its mentions, or without; ask whether all is
    to be dropped, and drop it; follow again all that a place followed which is sent nothing any more."""

    act: str
    page: int = 0
    code: str = ""


def followed(desk: Desk) -> list[str]:
    """All that is followed: parks first, then topics and so on."""
    return sorted(desk.follows, key=lambda tag: (_rank(tag), tag))


def _rank(tag: str) -> int:
    kind = tag.partition(":")[0]
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def named(desk: Desk, word: str) -> str | None:
    """What is followed that has this code; it may be in the catalog no more."""
    return next((tag for tag in desk.follows if code(tag) == word), None)


def listed(desk: Desk, page: int = 0) -> tuple[str, InlineKeyboardMarkup]:
    """The list, and what can be pressed below it; above it why nothing of that is sent now, if so."""
    tags, halt = followed(desk), halted(desk)
    found = desk.endpoint
    if halt and found is not None and found.follows and desk.live is None:
        return _ended(desk, halt, found)
    if not tags:
        nothing = halt or desk.say("还没有关注任何内容。")
        how = desk.say("请发送名称，如 <code>/follow 南昌</code>，或者选择：")
        return f"{nothing}\n{how}", root_keyboard(desk)
    shown, page, pages = page_of(tags, page)
    title = desk.say("<b>正在关注 {count} 项</b>", count=len(tags))
    lines = [*([halt, ""] if halt else []), title, *(f"• {names(desk, [tag])}" for tag in shown)]
    rows = [_row(desk, tag, page) for tag in shown]
    rows.append(pager(page, pages, lambda to: Listed(act=PAGE, page=to).pack()))
    rows.append([button(desk.say.plain("🗑 全部退订"), Listed(act=ASK_ALL, page=page).pack())])
    return "\n".join(lines), keyboard(rows)


def _ended(desk: Desk, halt: str, found: Endpoint) -> tuple[str, InlineKeyboardMarkup]:
    """What a place followed that is sent nothing any more, or not yet; a button follows all of that again."""
    count = len(found.follows)
    if found.state is EndpointState.PENDING:
        wished = desk.say("待确认的关注（{count} 项）：{names}", count=count, names=names(desk, found.follows))
        yes = desk.say.plain("✅ 确认关注")
    else:
        wished = desk.say("以前的关注（{count} 项）：{names}", count=count, names=names(desk, found.follows))
        yes = desk.say.plain("▶️ 恢复这些关注")
    how = desk.say("点按下面的按钮即可，或用 /follow、/browse 重新选择。")
    return "\n".join([halt, wished, how]), keyboard([[button(yes, Listed(act=RESUME).pack())]])


def _row(desk: Desk, tag: str, page: int) -> list[InlineKeyboardButton]:
    name = clip(desk.label(tag.removesuffix(MENTIONS)), _LONGEST)
    row = [button(f"❌ {name}", Listed(act=DROP, page=page, code=code(tag)).pack())]
    if tag.startswith("park:"):
        wide = tag.endswith(MENTIONS)
        words = desk.say.plain("✅ 含提及") if wide else desk.say.plain("☐ 含提及")
        row.append(button(words, Listed(act=NARROW if wide else WIDEN, page=page, code=code(tag)).pack()))
    return row


def really_all(desk: Desk, page: int) -> tuple[str, InlineKeyboardMarkup]:
    """The question before all is dropped."""
    count = len(desk.follows)
    words = desk.say("确定全部退订吗？{count} 项关注都会取消，之后不再推送。", count=count)
    yes = button(desk.say.plain("确定，全部退订"), Listed(act=DROP_ALL).pack())
    return words, keyboard([[yes], [button(desk.say.plain("‹ 返回"), Listed(act=PAGE, page=page).pack())]])


def choice(desk: Desk, tags: Sequence[str]) -> InlineKeyboardMarkup:
    """Buttons that drop these."""
    return keyboard([_row(desk, tag, 0)[:1] for tag in tags])
