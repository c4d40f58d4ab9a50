"""/digest and /quiet: when a place gets its digests, and when it does not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiogram import Router
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData

from dispatch.bot import rhythm
from dispatch.bot.asking import folded
from dispatch.bot.desk import Desk, Replies, Step
from dispatch.bot.following import OUTDATED, quoted
from dispatch.bot.paging import button, in_rows, keyboard
from dispatch.bot.rhythm import NotUnderstood, Timing
from dispatch.bot.staging import CHANGES
from dispatch.bot.voice import text
from subscribers.changes import NO_QUIET, Change
from subscribers.errors import InvalidValue
from subscribers.rhythm import quiet_text

if TYPE_CHECKING:
    from aiogram.filters import CommandObject
    from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

PRESETS = ("22:00-07:00", "23:00-08:00", "21:00-09:00", "12:00-14:00")
_OFF = "off"
_OFF_WORDS = (_OFF, "none", "no", "关", "关闭", "取消", "无", "不要")
_SPAN = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*(?:-|–|—|~|to|到|至)\s*(\d{1,2})(?:[:.](\d{2}))?", re.ASCII)
_SAVED = text("已保存")


class Quiet(CallbackData, prefix="qu"):
    """A press: quiet hours as `2200-0700`, or `off`."""

    span: str


def router() -> Router:
    found = Router(name="timing")
    found.message.register(_digest, Command("digest", ignore_case=True), flags=CHANGES)
    found.message.register(_quiet, Command("quiet", ignore_case=True), flags=CHANGES)
    found.callback_query.register(_digest_pressed, Timing.filter(), flags=CHANGES)
    found.callback_query.register(_quiet_pressed, Quiet.filter(), flags=CHANGES)
    return found


# ----------------------------------------------------------------------------------------------- /digest


async def _digest(message: Message, command: CommandObject) -> Step:
    words = (command.args or "").strip()
    try:
        said = rhythm.said(words)
    except NotUnderstood as error:
        word = quoted(str(error))
        return lambda desk: [desk.answer(desk.say(_EXAMPLES, word=word))]

    def step(desk: Desk) -> Replies:
        if words:
            try:
                _prefer(desk, said.on(desk.preferences))
            except InvalidValue:
                return [desk.answer(desk.say(_EXAMPLES, word=quoted(words)))]
        return [desk.answer(*rhythm.overview(desk))]

    return step


_EXAMPLES = text(
    "看不懂“{word}”。可以这样写：\n"
    "<code>/digest now</code> 一发布就推送\n"
    "<code>/digest daily 08:30</code> 每天 8:30\n"
    "<code>/digest weekly fri 09:00 Asia/Shanghai</code> 每周五 9:00\n"
    "还可以加上 <code>bundled</code>（合并）或 <code>separate</code>（分开）、<code>full</code>（全文）或"
    " <code>titles</code>（标题）。"
)


def _prefer(desk: Desk, change: Change) -> None:
    """Change preferences. Raises InvalidValue where they do not go together."""
    then = change.of(desk.preferences)
    desk.prefer(rhythm=then.rhythm, language=then.language, format=then.format, bundled=then.bundled)


async def _digest_pressed(callback: CallbackQuery, callback_data: Timing) -> Step:
    def step(desk: Desk) -> Replies:
        shown = rhythm.view(desk, callback_data)
        if shown is not None:
            return [desk.toast(), desk.edit(*shown)]
        change = rhythm.chosen(callback_data, desk.preferences)
        if change is None:
            return desk.told(OUTDATED)
        _prefer(desk, change)
        return [desk.toast(desk.say.plain(_SAVED)), desk.edit(*rhythm.overview(desk))]

    return step


# ------------------------------------------------------------------------------------------------ /quiet


async def _quiet(message: Message, command: CommandObject) -> Step:
    words = folded(command.args)
    span = _span(words) if words else ""

    def step(desk: Desk) -> Replies:
        if span is None:
            example = text("看不懂“{word}”。请这样写：<code>/quiet 22:00-07:00</code>，或 <code>/quiet off</code>。")
            return [desk.answer(desk.say(example, word=quoted(words)))]
        if span:
            _set_quiet(desk, span)
        return [desk.answer(*_hours(desk))]

    return step


def _span(words: str) -> str | None:
    """Quiet hours as people write them, as `22:00-07:00` or `none`; None where they say nothing."""
    if words in _OFF_WORDS:
        return NO_QUIET
    found = _SPAN.fullmatch(words)
    if found is None:
        return None
    start, end = ((int(found[place]), int(found[place + 1] or 0)) for place in (1, 3))
    if max(start[0], end[0]) > 24 or max(start[1], end[1]) > 59 or max(start, end) > (24, 0):
        return None
    begins, ends = (f"{hour % 24:02d}:{minute:02d}" for hour, minute in (start, end))
    return f"{begins}-{ends}" if begins != ends else None


def _set_quiet(desk: Desk, span: str) -> None:
    _prefer(desk, Change(quiet=span))


def _hours(desk: Desk) -> tuple[str, InlineKeyboardMarkup]:
    found = desk.preferences.rhythm
    now = quiet_text(found)
    line = (
        desk.say("<b>免打扰时段</b>：{span}（{zone}）", span=now, zone=found.timezone)
        if now
        else desk.say("<b>免打扰时段</b>：没有设置")
    )
    words = desk.say("这段时间里的推送会等到结束后再发。要设置其他时段，请这样写：<code>/quiet 22:30-06:30</code>")
    spans = [
        button(("✅ " if span == now else "") + span, Quiet(span=span.replace(":", "")).pack()) for span in PRESETS
    ]
    off = button(("" if now else "✅ ") + desk.say.plain("不设免打扰"), Quiet(span=_OFF).pack())
    return f"{line}\n{words}", keyboard([*in_rows(spans), [off]])


async def _quiet_pressed(callback: CallbackQuery, callback_data: Quiet) -> Step:
    spans = {span.replace(":", ""): span for span in PRESETS} | {_OFF: NO_QUIET}
    span = spans.get(callback_data.span)

    def step(desk: Desk) -> Replies:
        if span is None:
            return desk.told(OUTDATED)
        _set_quiet(desk, span)
        return [desk.toast(desk.say.plain(_SAVED)), desk.edit(*_hours(desk))]

    return step
