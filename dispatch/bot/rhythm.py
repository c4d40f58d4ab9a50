"""What /digest shows and understands: how often, when and in which form a place gets its digests."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from aiogram.filters.callback_data import CallbackData

from dispatch.bot.asking import folded
from dispatch.bot.desk import Desk
from dispatch.bot.moments import WEEKDAYS as _DAY_WORDS
from dispatch.bot.paging import button, in_rows, keyboard
from dispatch.bot.voice import text
from subscribers.changes import Change
from subscribers.model import DEFAULT_MINUTE, WEEKDAYS, Cadence, Preferences
from subscribers.rhythm import clock, quiet_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

View = tuple[str, "InlineKeyboardMarkup"]

SHOW, CADENCE, HOURS, HOUR, DAYS, DAY, ZONES, ZONE, BUNDLE, FORM = "s", "c", "h", "H", "w", "W", "z", "Z", "b", "f"
_CADENCES = {"n": Cadence.NOW, "d": Cadence.DAILY, "w": Cadence.WEEKLY}
_CADENCE_WORDS = {Cadence.NOW: text("即时"), Cadence.DAILY: text("每日"), Cadence.WEEKLY: text("每周")}
COMMON_ZONES = (
    *("Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Tokyo", "Asia/Urumqi", "Asia/Dubai"),
    *("Europe/London", "Europe/Berlin", "Europe/Moscow", "America/New_York", "America/Los_Angeles", "Australia/Sydney"),
    "UTC",
)
_IN_A_ROW = 6  # hours


class Timing(CallbackData, prefix="di"):
    """A press: show a view, or choose a value of it and show all."""

    act: str
    value: str = ""


class NotUnderstood(Exception):
    """A word of /digest that says nothing."""


def view(desk: Desk, asked: Timing) -> View | None:
    """What a press that changes nothing shows; None for one that there is not."""
    views = {SHOW: overview, HOURS: _hours, DAYS: _days, ZONES: _zones}
    return views[asked.act](desk) if asked.act in views else None


def chosen(asked: Timing, was: Preferences) -> Change | None:
    """The change that a press asks for; None for one that there is not."""
    value = asked.value
    if asked.act == CADENCE and value in _CADENCES:
        return Change(cadence=_CADENCES[value])
    if asked.act == HOUR and value in map(str, range(24)):
        cadence = Cadence.DAILY if was.rhythm.cadence is Cadence.NOW else ""
        return Change(cadence=cadence, at=f"{int(value):02d}:00")
    if asked.act == DAY and value in map(str, range(7)):
        return Change(cadence=Cadence.WEEKLY, weekday=WEEKDAYS[int(value)])
    if asked.act == ZONE and value in map(str, range(len(COMMON_ZONES))):
        return Change(timezone=COMMON_ZONES[int(value)])
    if asked.act == BUNDLE and value in ("0", "1"):
        return Change(bundled=value == "1")
    if asked.act == FORM and value in ("full", "titles"):
        return Change(format=value)
    return None


# ------------------------------------------------------------------------------------------------ shown


def overview(desk: Desk) -> View:
    """All of it, with buttons."""
    found = desk.preferences
    quiet = quiet_text(found.rhythm) or desk.say("没有")
    bundled = _BUNDLED if found.bundled else _SEPARATE
    form = {"full": _FULL, "titles": _TITLES}[found.format]
    lines = [
        desk.say("<b>推送设置</b>"),
        desk.say("• 频率：{often}", often=when(desk, found)),
        desk.say("• 时区：{zone}", zone=found.rhythm.timezone),
        desk.say("• 多个栏目：{bundled}", bundled=desk.say(bundled)),
        desk.say("• 内容：{form}", form=desk.say(form)),
        desk.say("• 免打扰：{quiet}（/quiet 更改）", quiet=quiet),
        "",
        desk.say("也可以直接写：<code>/digest daily 08:30 Asia/Shanghai</code> 或 <code>/digest 每周 周五 9:00</code>"),
    ]
    return "\n".join(lines), _keyboard(desk, found)


_SEPARATE, _BUNDLED = text("各发一条消息"), text("合并成一条消息")
_FULL, _TITLES = text("全文"), text("只要标题")


def when(desk: Desk, found: Preferences) -> str:
    """How often and when, in words."""
    rhythm = found.rhythm
    if rhythm.cadence is Cadence.NOW:
        return desk.say("即时（一发布就推送）")
    if rhythm.cadence is Cadence.DAILY:
        return desk.say("每日 {time}", time=clock(rhythm.minute))
    return desk.say("每周 {day} {time}", day=desk.say(_DAY_WORDS[rhythm.weekday]), time=clock(rhythm.minute))


def _keyboard(desk: Desk, found: Preferences) -> InlineKeyboardMarkup:
    rhythm = found.rhythm
    often = [
        _choice(desk.say.plain(_CADENCE_WORDS[kind]), Timing(act=CADENCE, value=key), ticked=rhythm.cadence is kind)
        for key, kind in _CADENCES.items()
    ]
    hour = button(desk.say.plain("🕗 几点"), Timing(act=HOURS).pack())
    day = button(desk.say.plain("📅 周几"), Timing(act=DAYS).pack())
    zone = button(desk.say.plain("🌐 时区"), Timing(act=ZONES).pack())
    bundle = [
        _choice(desk.say.plain(words), Timing(act=BUNDLE, value=value), ticked=found.bundled is (value == "1"))
        for value, words in (("0", _SEPARATE), ("1", _BUNDLED))
    ]
    form = [
        _choice(desk.say.plain(words), Timing(act=FORM, value=value), ticked=found.format == value)
        for value, words in (("full", _FULL), ("titles", _TITLES))
    ]
    times = {Cadence.NOW: [zone], Cadence.DAILY: [hour, zone], Cadence.WEEKLY: [day, hour, zone]}[rhythm.cadence]
    return keyboard([often, times, *in_rows(bundle), form])


def _hours(desk: Desk) -> View:
    rhythm = desk.preferences.rhythm
    minute = rhythm.minute if rhythm.minute >= 0 else DEFAULT_MINUTE
    hours = [
        _choice(f"{hour:02d}", Timing(act=HOUR, value=str(hour)), ticked=minute == hour * 60) for hour in range(24)
    ]
    rows = [hours[start : start + _IN_A_ROW] for start in range(0, 24, _IN_A_ROW)]
    words = desk.say("几点推送？（{zone}）其他时间可以写：<code>/digest daily 08:30</code>", zone=rhythm.timezone)
    return words, keyboard([*rows, [_back(desk)]])


def _days(desk: Desk) -> View:
    weekday = desk.preferences.rhythm.weekday
    days: Sequence[InlineKeyboardButton] = [
        _choice(desk.say.plain(words), Timing(act=DAY, value=str(day)), ticked=weekday == day)
        for day, words in enumerate(_DAY_WORDS)
    ]
    return desk.say("每周的哪一天推送？"), keyboard([days[:4], days[4:], [_back(desk)]])


def _zones(desk: Desk) -> View:
    zone = desk.preferences.rhythm.timezone
    zones = [
        _choice(name, Timing(act=ZONE, value=str(place)), ticked=name == zone)
        for place, name in enumerate(COMMON_ZONES)
    ]
    words = desk.say("现在的时区是 {zone}。其他时区可以写：<code>/digest Europe/Paris</code>", zone=zone)
    return words, keyboard([*in_rows(zones), [_back(desk)]])


def _choice(words: str, press: Timing, *, ticked: bool) -> InlineKeyboardButton:
    return button(("✅ " if ticked else "") + words, press.pack())


def _back(desk: Desk) -> InlineKeyboardButton:
    return button(desk.say.plain("‹ 返回"), Timing(act=SHOW).pack())


# ----------------------------------------------------------------------------------------------- written


@dataclass(frozen=True, slots=True)
class Said:
    """What is said in words after the command."""

    change: Change

    def on(self, was: Preferences) -> Change:
        """The change, with what goes without saying: a weekday means weekly, an hour alone daily."""
        change = self.change
        if change.weekday and not change.cadence:
            return replace(change, cadence=Cadence.WEEKLY)
        if change.at and not change.cadence and was.rhythm.cadence is Cadence.NOW:
            return replace(change, cadence=Cadence.DAILY)
        return change


_MOST_WORDS = 8
_CLOCK = re.compile(r"([01]?\d|2[0-3])[:.]([0-5]\d)", re.ASCII)
_OFTEN = {
    "now": Cadence.NOW,
    "daily": Cadence.DAILY,
    "weekly": Cadence.WEEKLY,
    "day": Cadence.DAILY,
    "即时": Cadence.NOW,
    "实时": Cadence.NOW,
    "每日": Cadence.DAILY,
    "每天": Cadence.DAILY,
    "每周": Cadence.WEEKLY,
    "week": Cadence.WEEKLY,
    "每星期": Cadence.WEEKLY,
}
_OTHER = {
    "bundled": Change(bundled=True),
    "bundle": Change(bundled=True),
    "合并": Change(bundled=True),
    "separate": Change(bundled=False),
    "分开": Change(bundled=False),
    "full": Change(format="full"),
    "全文": Change(format="full"),
    "titles": Change(format="titles"),
    "标题": Change(format="titles"),
}


def said(words: str) -> Said:
    """What the words after /digest ask for. Raises NotUnderstood, with the word."""
    change = Change()
    parts = folded(words).split()
    for word in parts[:_MOST_WORDS]:
        change = _with(change, word)
    if len(parts) > _MOST_WORDS:
        raise NotUnderstood(parts[_MOST_WORDS])
    return Said(change)


def _with(change: Change, word: str) -> Change:
    if word in _OFTEN:
        return replace(change, cadence=_OFTEN[word])
    if found := _CLOCK.fullmatch(word):
        return replace(change, at=f"{int(found[1]):02d}:{found[2]}")
    if day := _weekdays().get(word):
        return replace(change, weekday=day)
    if zone := _all_zones().get(word):
        return replace(change, timezone=zone)
    other = _OTHER.get(word)
    if other is None:
        raise NotUnderstood(word)
    return replace(change, format=other.format) if other.format else replace(change, bundled=other.bundled)


@cache
def _weekdays() -> dict[str, str]:
    long = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    chinese = {f"{week}{day}": number for week in ("周", "星期", "礼拜") for number, day in enumerate("一二三四五六日")}
    chinese |= {f"{week}天": 6 for week in ("周", "星期", "礼拜")}
    named = {name: number for names in (WEEKDAYS, long) for number, name in enumerate(names)}
    return {name: WEEKDAYS[number] for name, number in {**named, **chinese}.items()}


@cache
def _all_zones() -> dict[str, str]:
    """The zones that there are, however their names are written. Those without a place are no zones of a person's, but
    for UTC."""
    named = (name for name in available_timezones() if "/" in name or name == "UTC")
    return {"北京时间": "Asia/Shanghai", **{name.casefold(): name for name in named}}
