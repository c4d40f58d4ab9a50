"""How a reader wants their messages, as the preferences form says it: read, or refused field by field."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dispatch.web.forms import Form
from subscribers.errors import InvalidValue
from subscribers.model import DEFAULT_TIMEZONE, FORMATS, LANGUAGES, WEEKDAYS, Cadence, Preferences, Rhythm
from subscribers.rhythm import clock, parse_rhythm, weekday_text

# For the list of suggestions; every name of the IANA database will do.
ZONES = (
    "Asia/Shanghai",
    "Asia/Hong_Kong",
    "Asia/Taipei",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Asia/Urumqi",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "Australia/Sydney",
    "UTC",
)
LONGEST_PAUSE = dt.timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Fields:
    """What stands in the form: as the reader sent it, or as it is."""

    language: str
    format: str
    bundled: bool
    cadence: str
    weekday: str
    at: str
    timezone: str
    quiet_from: str
    quiet_until: str


def shown(preferences: Preferences) -> Fields:
    """The form as it is filled in now."""
    rhythm = preferences.rhythm
    return Fields(
        preferences.language,
        preferences.format,
        preferences.bundled,
        rhythm.cadence.value,
        weekday_text(rhythm) or WEEKDAYS[0],
        clock(rhythm.minute) or "08:00",
        rhythm.timezone,
        clock(rhythm.quiet_from),
        clock(rhythm.quiet_until),
    )


def sent(form: Form) -> Fields:
    """The form as it was sent."""
    names = ("cadence", "weekday", "at", "timezone", "quiet_from", "quiet_until")
    return Fields(
        form.text("language"),
        form.text("format"),
        form.text("bundled") == "1",
        *(form.text(name) for name in names),
    )


def read(fields: Fields) -> tuple[Preferences | None, dict[str, str]]:
    """The preferences; or None and, by field, the key of the words that say what is wrong."""
    errors: dict[str, str] = {}
    if fields.language not in LANGUAGES:
        errors["language"] = "wrong_choice"
    if fields.format not in FORMATS:
        errors["format"] = "wrong_choice"
    rhythm = _rhythm(fields, errors)
    if errors or rhythm is None:
        return None, errors
    return Preferences(rhythm, fields.language, fields.format, fields.bundled), {}


def _rhythm(fields: Fields, errors: dict[str, str]) -> Rhythm | None:
    """Each field is tried by itself, so that every one that is wrong is named."""
    if fields.cadence not in tuple(Cadence):
        errors["cadence"] = "wrong_choice"
        return None
    cadence = Cadence(fields.cadence)
    at = fields.at if cadence is not Cadence.NOW else ""
    weekday = fields.weekday if cadence is Cadence.WEEKLY else ""
    _try(errors, "at", "wrong_time", cadence="daily", at=at)
    _try(errors, "weekday", "wrong_choice", cadence="weekly", weekday=weekday)
    _try(errors, "timezone", "wrong_zone", timezone=fields.timezone)
    quiet = ""
    if fields.quiet_from or fields.quiet_until:
        quiet = f"{fields.quiet_from}-{fields.quiet_until}"
        _try(errors, "quiet", "wrong_quiet", quiet=quiet)
    if errors:
        return None
    return parse_rhythm(cadence.value, weekday, at, fields.timezone or DEFAULT_TIMEZONE, quiet)


def _try(errors: dict[str, str], field: str, key: str, **words: str) -> None:
    try:
        parse_rhythm(**words)
    except InvalidValue:
        errors[field] = key


def pause_end(text: str, timezone: str, now: int) -> int | None:
    """When a pause until a day ends: with the beginning of the day where the reader lives, in ms; None without a day.
    Raises InvalidValue."""
    if not text:
        return None
    zone = ZoneInfo(timezone)
    moment = dt.datetime.fromtimestamp(now / 1000, zone)
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise InvalidValue("a day is written as 2026-12-31") from None
    if not moment.date() < day <= moment.date() + LONGEST_PAUSE:
        raise InvalidValue("a pause ends tomorrow at the earliest, and within a year")
    return int(dt.datetime.combine(day, dt.time(), zone).timestamp() * 1000)


def day_of(stamp: int, timezone: str) -> dt.date:
    """The day that a pause ends with."""
    return dt.datetime.fromtimestamp(stamp / 1000, ZoneInfo(timezone)).date()


def days_to_choose(timezone: str, now: int) -> tuple[str, str]:
    """The first and the last day that a pause may end with."""
    today = dt.datetime.fromtimestamp(now / 1000, ZoneInfo(timezone)).date()
    return (today + dt.timedelta(days=1)).isoformat(), (today + LONGEST_PAUSE).isoformat()
