"""Changes of preferences: what is said changes, all else stays."""

from __future__ import annotations

from dataclasses import dataclass

from subscribers.errors import InvalidValue
from subscribers.model import FORMATS, LANGUAGES, Cadence, Preferences, Rhythm
from subscribers.rhythm import clock, parse_rhythm, quiet_text, weekday_text

NO_QUIET = "none"


@dataclass(frozen=True, slots=True)
class Change:
    """Preferences as words of the command line; "" and None stay as they are. `quiet` can be `none`."""

    cadence: str = ""
    weekday: str = ""
    at: str = ""
    timezone: str = ""
    quiet: str = ""
    language: str = ""
    format: str = ""
    bundled: bool | None = None

    def __bool__(self) -> bool:
        words = (self.cadence, self.weekday, self.at, self.timezone, self.quiet, self.language, self.format)
        return any(words) or self.bundled is not None

    def of(self, was: Preferences) -> Preferences:
        """The preferences after the change. Raises InvalidValue: which word, what is allowed."""
        for what, word, allowed in (("language", self.language, LANGUAGES), ("format", self.format, FORMATS)):
            if word and word not in allowed:
                raise InvalidValue(f"{what} {word!r}: allowed are {', '.join(allowed)}")
        return Preferences(
            self.rhythm(was.rhythm),
            self.language or was.language,
            self.format or was.format,
            was.bundled if self.bundled is None else self.bundled,
        )

    def rhythm(self, was: Rhythm) -> Rhythm:
        """An hour outlives a change from daily to weekly, and nothing outlives a change to now."""
        cadence = self.cadence or was.cadence
        hourly, weekly = cadence != Cadence.NOW, cadence == Cadence.WEEKLY
        return parse_rhythm(
            cadence,
            self.weekday or (weekday_text(was) if weekly else ""),
            self.at or (clock(was.minute) if hourly else ""),
            self.timezone or was.timezone,
            "" if self.quiet == NO_QUIET else self.quiet or quiet_text(was),
        )
