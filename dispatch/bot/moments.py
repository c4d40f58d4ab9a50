"""Times, as the clock of the reader shows them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dispatch.bot.voice import Html, text

if TYPE_CHECKING:
    from dispatch.bot.desk import Desk
    from subscribers.model import Endpoint

WEEKDAYS = (text("周一"), text("周二"), text("周三"), text("周四"), text("周五"), text("周六"), text("周日"))
"""From Monday on."""

_HALF_A_YEAR = 183  # days


def moment(desk: Desk, at: int, timezone: str) -> Html:
    """A time (ms) to the minute by the clock of a zone, which is named: 明天 08:00（Asia/Shanghai）. HTML."""
    zone = ZoneInfo(timezone)
    local, today = (dt.datetime.fromtimestamp(ms / 1000, zone) for ms in (at, desk.now))
    return Html(desk.say("{time}（{zone}）", time=Html(_local(desk, local, today.date())), zone=timezone))


def _local(desk: Desk, local: dt.datetime, today: dt.date) -> str:
    clock, days = f"{local:%H:%M}", (local.date() - today).days
    if days in (0, 1):
        return desk.say("明天 {clock}", clock=clock) if days else desk.say("今天 {clock}", clock=clock)
    if abs(days) > _HALF_A_YEAR:
        return f"{local:%Y-%m-%d} {clock}"
    return desk.say(
        "{month}月{day}日（{weekday}）{clock}",
        month=local.month,
        day=local.day,
        month_name=f"{local:%b}",
        weekday=desk.say(WEEKDAYS[local.weekday()]),
        clock=clock,
    )


def until(desk: Desk, paused: Endpoint) -> Html:
    """How long a pause lasts. HTML."""
    if paused.paused_until is None:
        return Html(desk.say("直到您恢复"))
    zone = paused.preferences.rhythm.timezone
    return Html(desk.say("到{moment}为止", moment=moment(desk, paused.paused_until, zone)))
