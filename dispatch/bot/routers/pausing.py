"""/pause: nothing is sent until it is resumed, or for a day or a week; the same command resumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiogram import Router
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData

from dispatch.bot.asking import folded
from dispatch.bot.desk import Desk, Replies, Step
from dispatch.bot.following import OUTDATED, quoted
from dispatch.bot.halted import halted
from dispatch.bot.moments import until
from dispatch.bot.paging import button, keyboard
from dispatch.bot.staging import CHANGES
from dispatch.bot.voice import text
from subscribers import directory
from subscribers.model import Endpoint, EndpointState

if TYPE_CHECKING:
    from aiogram.filters import CommandObject
    from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

_DAY_MS = 86_400_000
FOREVER, DAY, WEEK, RESUME = "i", "d", "w", "r"
_SPANS = {FOREVER: None, DAY: _DAY_MS, WEEK: 7 * _DAY_MS}
_LABELS = {FOREVER: text("直到我恢复"), DAY: text("一天"), WEEK: text("一周")}
_WORDS = {
    **dict.fromkeys(("day", "1d", "24h", "一天", "1天"), DAY),
    **dict.fromkeys(("week", "7d", "一周", "1周", "一星期"), WEEK),
    **dict.fromkeys(("on", "forever", "暂停"), FOREVER),
    **dict.fromkeys(("off", "resume", "恢复", "继续"), RESUME),
}
_NOT_YOURS = text("推送由本服务的管理员暂停，只有他们可以恢复。这期间可以用 /latest 和 /search 阅读。")
_NOTHING = text("现在没有推送可以暂停：用 /follow 关注后才会推送。")

_UNKNOWN = text(
    "看不懂“{word}”。请这样写：<code>/pause</code>、<code>/pause 一天</code>、<code>/pause 一周</code>，"
    "或 <code>/pause 恢复</code>。"
)


class Pause(CallbackData, prefix="pa"):
    """A press: pause for so long, or resume."""

    act: str


def router() -> Router:
    found = Router(name="pausing")
    found.message.register(_pause, Command("pause", ignore_case=True), flags=CHANGES)
    found.callback_query.register(_pressed, Pause.filter(), flags=CHANGES)
    return found


async def _pause(message: Message, command: CommandObject) -> Step:
    word = folded(command.args)

    def step(desk: Desk) -> Replies:
        found = desk.live
        if found is None:
            return desk.told(_NOTHING)
        if not word:
            return [desk.answer(*_state(desk, found))]
        if word not in _WORDS:
            return [desk.answer(desk.say(_UNKNOWN, word=quoted(word)))]
        if not _may(found):
            return desk.told(_NOT_YOURS)
        changed = _change(desk, found, _WORDS[word])
        words, markup = _state(desk, changed)
        if found.state is EndpointState.PAUSED and changed.state is EndpointState.ACTIVE:
            words = desk.say("已恢复推送。") + "\n\n" + words
        return [desk.answer(words, markup)]

    return step


async def _pressed(callback: CallbackQuery, callback_data: Pause) -> Step:
    act = callback_data.act

    def step(desk: Desk) -> Replies:
        found = desk.live
        if act not in (*_SPANS, RESUME):
            return desk.told(OUTDATED)
        if found is None:
            return desk.told(_NOTHING)
        if not _may(found):
            return desk.told(_NOT_YOURS)
        found = _change(desk, found, act)
        words = desk.say.plain("已恢复推送") if act == RESUME else desk.say.plain("已暂停推送")
        return [desk.toast(words), desk.edit(*_state(desk, found))]

    return step


def _may(found: Endpoint) -> bool:
    """Whether it is the reader's to pause and to resume: what an administrator has paused is not."""
    return found.state is EndpointState.ACTIVE or found.resumable


def _change(desk: Desk, found: Endpoint, act: str) -> Endpoint:
    if act == RESUME:
        directory.resume(desk.db, found, desk.act)
    else:
        span = _SPANS[act]
        directory.pause(desk.db, found, desk.act, desk.now + span if span is not None else None)
    return directory.endpoint(desk.db, found.id)


def _state(desk: Desk, found: Endpoint) -> tuple[str, InlineKeyboardMarkup | None]:
    rows = []
    if not _may(found):
        return halted(desk), None
    if found.state is EndpointState.PAUSED:
        rows.append([button(desk.say.plain("▶️ 恢复推送"), Pause(act=RESUME).pack())])
        words = desk.say(
            "<b>推送已暂停</b>，{until}。这期间发布的内容不会补发，可以用 /latest 查看。",
            until=until(desk, found),
        )
    else:
        words = desk.say("<b>推送正常</b>。要暂停多久？")
    rows.append([button(desk.say.plain(label), Pause(act=key).pack()) for key, label in _LABELS.items()])
    return words, keyboard(rows)
