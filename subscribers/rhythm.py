"""Reading rhythms as people write them, and the moment when a message of a rhythm is due."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

from subscribers.errors import InvalidValue
from subscribers.model import DEFAULT_MINUTE, DEFAULT_TIMEZONE, WEEKDAYS, Cadence, Rhythm

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_LONG_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = dt.timedelta(days=1)


def parse_rhythm(cadence: str = "", weekday: str = "", at: str = "", timezone: str = "", quiet: str = "") -> Rhythm:
    """A rhythm from `now|daily|weekly`, `mon`…`sun`, `08:00`, `Asia/Shanghai`, `22:00-07:00` ("" for the default).

    Raises InvalidValue: which value, what is allowed.
    """
    kind = _cadence(cadence or "now")
    if kind is Cadence.NOW and (at or weekday):
        raise InvalidValue("an hour or a weekday needs --cadence daily or weekly")
    if kind is Cadence.DAILY and weekday:
        raise InvalidValue("a weekday needs --cadence weekly")
    quiet_from, quiet_until = _quiet(quiet) if quiet else (-1, -1)
    return Rhythm(
        cadence=kind,
        weekday=_weekday(weekday or "mon") if kind is Cadence.WEEKLY else -1,
        minute=-1 if kind is Cadence.NOW else (_minute(at) if at else DEFAULT_MINUTE),
        timezone=_timezone(timezone or DEFAULT_TIMEZONE),
        quiet_from=quiet_from,
        quiet_until=quiet_until,
    )


def clock(minute: int) -> str:
    """480 -> 08:00; "" for -1."""
    return f"{minute // 60:02d}:{minute % 60:02d}" if minute >= 0 else ""


def quiet_text(rhythm: Rhythm) -> str:
    """22:00-07:00, or "" without quiet hours."""
    return f"{clock(rhythm.quiet_from)}-{clock(rhythm.quiet_until)}" if rhythm.quiet_from >= 0 else ""


def weekday_text(rhythm: Rhythm) -> str:
    return WEEKDAYS[rhythm.weekday] if rhythm.weekday >= 0 else ""


def due_at(rhythm: Rhythm, now: int) -> int:
    """When a message planned at `now` is due (both in ms): at once or at the next slot, never in quiet hours."""
    zone = ZoneInfo(rhythm.timezone)
    moment = dt.datetime.fromtimestamp(now / 1000, zone)
    due = now if rhythm.cadence is Cadence.NOW else _stamp(_next_slot(rhythm, moment))
    return _after_quiet(rhythm, due, zone)


def after_quiet(rhythm: Rhythm, now: int) -> int:
    """`now`, or the end of the quiet hours that it falls into (both in ms)."""
    return _after_quiet(rhythm, now, ZoneInfo(rhythm.timezone))


def _next_slot(rhythm: Rhythm, moment: dt.datetime) -> dt.datetime:
    """The first slot after `moment`. Days are counted on the calendar, so that 08:00 stays 08:00 over a change of
    clocks; an hour that a change skips is that much later, as `zoneinfo` resolves it."""
    slot = _at_minute(moment.date(), rhythm.minute, moment.tzinfo)
    while _stamp(slot) <= _stamp(moment) or (rhythm.cadence is Cadence.WEEKLY and slot.weekday() != rhythm.weekday):
        slot = _at_minute(slot.date() + _DAY, rhythm.minute, moment.tzinfo)
    return slot


def _after_quiet(rhythm: Rhythm, due: int, zone: ZoneInfo) -> int:
    moment = dt.datetime.fromtimestamp(due / 1000, zone)
    minute = moment.hour * 60 + moment.minute
    start, end = rhythm.quiet_from, rhythm.quiet_until
    if start < 0 or start == end:
        return due
    over_midnight = start > end
    quiet = (minute >= start or minute < end) if over_midnight else start <= minute < end
    if not quiet:
        return due
    day = moment.date() + _DAY if over_midnight and minute >= start else moment.date()
    # `fold` keeps the end of quiet hours ahead in the hour that clocks go through twice.
    return _stamp(_at_minute(day, end, zone).replace(fold=moment.fold))


def _at_minute(day: dt.date, minute: int, zone: dt.tzinfo | None) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(minute // 60, minute % 60), zone)


def _stamp(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)


def _cadence(text: str) -> Cadence:
    try:
        return Cadence(text)
    except ValueError:
        raise InvalidValue(f"cadence {text!r}: allowed are now, daily, weekly") from None


def _weekday(text: str) -> int:
    for n, names in enumerate(zip(WEEKDAYS, _LONG_WEEKDAYS, strict=True)):
        if text.lower() in names:
            return n
    raise InvalidValue(f"weekday {text!r}: allowed are {', '.join(WEEKDAYS)}")


def _minute(text: str) -> int:
    match = _CLOCK.fullmatch(text.strip())
    if not match:
        raise InvalidValue(f"time of day {text!r}: write it as 08:00")
    return int(match[1]) * 60 + int(match[2])


def _quiet(text: str) -> tuple[int, int]:
    start, dash, end = text.partition("-")
    if not dash:
        raise InvalidValue(f"quiet hours {text!r}: write them as 22:00-07:00")
    if _minute(start) == _minute(end):
        raise InvalidValue(f"quiet hours {text!r}: begin and end at the same minute")
    return _minute(start), _minute(end)


def _timezone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise InvalidValue(f"time zone {text!r}: write it as Asia/Shanghai or Europe/Berlin") from None
    return text
