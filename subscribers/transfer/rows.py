"""A row of a table as an entry, checked; and subscribers as rows."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from subscribers.addresses import named_address
from subscribers.errors import InvalidValue
from subscribers.model import (
    FORMATS,
    LANGUAGES,
    ROBOTS,
    Address,
    Endpoint,
    EndpointState,
    Preferences,
    Subscriber,
    Word,
)
from subscribers.rhythm import clock, parse_rhythm, quiet_text, weekday_text
from subscribers.transfer.columns import CHANNELS, SECRET
from subscribers.words import MOST, NEVER, checked, written

_TRUE, _FALSE = ("1", "yes", "true", "on", "是"), ("", "0", "no", "false", "off", "否")
_SECRET_PREFIX = "whsec_"  # noqa: S105 - of Standard Webhooks
_LONGEST_SECRET = 200
_SECRET_BYTES = range(24, 65)
_SECRETS = 8  # that sign side by side while one is replaced
_TIME_DIGITS = 16
_PREFERENCES = ("cadence", "weekday", "at", "timezone", "quiet", "language", "format", "bundle")
_MOMENTS = ("paused_until", "consented_at", "created_at")
_CACHED = 10_000
CheckAddress = Callable[[str, str], Address]
CheckTag = Callable[[str], str]
Fold = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of an import, checked. A `reason` of None: the file does not say. Rows of the same `person` ("": of nobody
    else) are one subscriber."""

    line: int
    name: str
    addresses: tuple[Address, ...]
    follows: tuple[str, ...]
    preferences: Preferences
    state: EndpointState = EndpointState.ACTIVE
    reason: str | None = None
    paused_until: int | None = None
    consent: str = ""
    consented_at: int | None = None
    created_at: int | None = None
    person: str = ""
    words: tuple[Word, ...] = ()


class Checker:
    """Makes entries of rows. `address` checks an address of a channel, `tag` a follow word; both raise an error with an
    exit code that says what is wrong. `fold` says how a word of the column `words` is looked for."""

    def __init__(self, address: CheckAddress, tag: CheckTag, now: int, fold: Fold = str.casefold) -> None:
        self._address = address
        self._tag = lru_cache(maxsize=_CACHED)(tag)
        self._follows = lru_cache(maxsize=_CACHED)(self._read_follows)  # many rows follow the same
        self._words = lru_cache(maxsize=_CACHED)(self._read_words)
        self._fold = fold
        self._now = now

    def entry(self, line: int, row: Mapping[str, str]) -> Entry:
        """Raises InvalidValue with all that is wrong with the row."""
        try:
            return self._entry(line, row)
        except Exception as error:
            if not _is_ours(error):
                raise
            raise InvalidValue("; ".join(self._problems(row)) or str(error)) from None

    def _entry(self, line: int, row: Mapping[str, str]) -> Entry:
        get = row.get
        name, addresses = self._addresses(row)
        paused_until, consented_at, created_at = (_moment(field, row) if get(field) else None for field in _MOMENTS)
        entry = Entry(
            line,
            name,
            addresses,
            self._follows(get("follows", "")),
            _preferences(_words_of(row)),
            _state(get("state", ""), paused=paused_until is not None),
            get("reason"),
            paused_until,
            get("consent", ""),
            consented_at,
            created_at,
            get("person", ""),
            self._words(get("words", "")),
        )
        self._refuse_contradictions(entry)
        return entry

    def _problems(self, row: Mapping[str, str]) -> Iterator[str]:
        """What is wrong with each part of a row."""
        checks: list[Callable[[], object]] = [
            lambda: self._addresses(row),
            lambda: self._follows(row.get("follows", "")),
            lambda: self._words(row.get("words", "")),
            lambda: _preferences(_words_of(row)),
            lambda: _state(row.get("state", ""), paused=False),
            *(partial(_moment, field, row) for field in _MOMENTS if row.get(field)),
        ]
        for check in checks:
            try:
                check()
            except Exception as error:
                if not _is_ours(error):
                    raise
                yield str(error)

    def _addresses(self, row: Mapping[str, str]) -> tuple[str, tuple[Address, ...]]:
        """The name, which may stand with an email address, and the addresses."""
        name, given = row.get("name", ""), {channel: row[channel] for channel in CHANNELS if row.get(channel)}
        if not given:
            raise InvalidValue(f"no address: fill one of {', '.join(CHANNELS)}")
        email = given.get("email", "")
        if "<" in email or not email.isascii():
            beside, given["email"] = named_address(email)
            name = name or beside
        addresses = tuple([self._address(channel, text) for channel, text in given.items()])
        return name, _with_secret(addresses, row.get(SECRET, ""))

    def _read_follows(self, text: str) -> tuple[str, ...]:
        words = (word.strip() for word in text.replace("；", ";").split(";"))
        return tuple(dict.fromkeys(self._tag(word) for word in words if word))

    def _read_words(self, text: str) -> tuple[Word, ...]:
        found: dict[str, Word] = {}
        for given in filter(None, (word.strip() for word in text.replace("；", ";").split(";"))):
            bare = given.removeprefix(NEVER).strip()
            word = checked(bare, self._fold(bare), excluded=given.startswith(NEVER))
            found[word.folded] = word
        if len(found) > MOST:
            raise InvalidValue(f"words: at most {MOST}, and there are {len(found)}")
        return tuple(found.values())

    def _refuse_contradictions(self, entry: Entry) -> None:
        if entry.paused_until is not None and entry.state is not EndpointState.PAUSED:
            raise InvalidValue(f"paused_until needs the state paused, and the state is {entry.state}")
        if entry.consented_at is not None and not entry.consent:
            raise InvalidValue("consented_at needs the basis of consent: fill the column consent")
        for field, moment in (("consented_at", entry.consented_at), ("created_at", entry.created_at)):
            if moment is not None and moment > self._now:
                raise InvalidValue(f"{field} lies in the future")


def _is_ours(error: Exception) -> bool:
    """Whether it says what is wrong with a value: the callbacks come with error trees of their own."""
    return hasattr(error, "exit_code")


def _with_secret(addresses: tuple[Address, ...], secret: str) -> tuple[Address, ...]:
    if not secret:
        return addresses
    if any(address.channel in ROBOTS for address in addresses):  # what it signs with is of its service's own form
        if len(secret) > _LONGEST_SECRET or not secret.isprintable():
            raise InvalidValue(f"the secret of a robot is at most {_LONGEST_SECRET} printable characters")
        return tuple(replace(address, secret=secret) if address.channel in ROBOTS else address for address in addresses)
    if not any(address.channel == "webhook" for address in addresses):
        raise InvalidValue("a secret is for webhooks: the row has none")
    words = secret.split()
    if not words or len(words) > _SECRETS or not all(map(_is_secret, words)):  # the secret itself is shown to nobody
        raise InvalidValue("the secret is not whsec_ and base64 of 24 to 64 bytes")
    return tuple(replace(address, secret=secret) if address.channel == "webhook" else address for address in addresses)


def _is_secret(word: str) -> bool:
    """Whether it is one; that which is being replaced has the time (ms) until which it signs behind a colon."""
    text, colon, until = word.partition(":")
    if colon and not (until.isascii() and until.isdecimal() and len(until) < _TIME_DIGITS):
        return False
    try:
        known = text.startswith(_SECRET_PREFIX) and base64.b64decode(text[len(_SECRET_PREFIX) :], validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(known or b"") in _SECRET_BYTES


def _state(text: str, *, paused: bool) -> EndpointState:
    if text and text.lower() not in list(EndpointState):
        raise InvalidValue(f"state {text!r}: allowed are {', '.join(EndpointState)}")
    return EndpointState(text.lower() or (EndpointState.PAUSED if paused else EndpointState.ACTIVE))


def _words_of(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple([row.get(name, "") for name in _PREFERENCES])


@lru_cache(maxsize=_CACHED)
def _preferences(words: tuple[str, ...]) -> Preferences:
    *rhythm, language, format_, bundle = words
    return parse_preferences(rhythm=rhythm, language=language, format_=format_, bundled=_boolean(bundle))


def parse_preferences(*, rhythm: list[str], language: str, format_: str, bundled: bool) -> Preferences:
    """Preferences from words ("" for the default); `rhythm` are the arguments of `parse_rhythm`.

    Raises InvalidValue.
    """
    if language and language not in LANGUAGES:
        raise InvalidValue(f"language {language!r}: allowed are {', '.join(LANGUAGES)}")
    if format_ and format_ not in FORMATS:
        raise InvalidValue(f"format {format_!r}: allowed are {', '.join(FORMATS)}")
    return Preferences(parse_rhythm(*rhythm), language or LANGUAGES[0], format_ or FORMATS[0], bundled)


def _boolean(text: str) -> bool:
    if text.lower() not in (*_TRUE, *_FALSE):
        raise InvalidValue(f"bundle {text!r}: allowed are yes and no")
    return text.lower() in _TRUE


def _moment(field: str, row: Mapping[str, str]) -> int:
    """A time in ms; one without an offset is of the row's time zone."""
    text, timezone = row[field], row.get("timezone", "")
    try:
        found = dt.datetime.fromisoformat(text.replace("/", "-"))
        if found.tzinfo is None:
            found = found.replace(tzinfo=ZoneInfo(timezone or Preferences().rhythm.timezone))
        moment = round(found.timestamp() * 1000)
    except (ValueError, KeyError, OSError, OverflowError):
        raise InvalidValue(f"{field} {text!r}: write it as 2026-08-31 or 2026-08-31T08:00:00+08:00") from None
    if moment < 0:
        raise InvalidValue(f"{field} {text!r}: lies before 1970")
    return moment


# ---- out


def rows_of(subscriber: Subscriber, *, secrets: bool = False) -> list[dict[str, Any]]:
    """A subscriber as rows, by our columns: follows are a list, `bundle` is a truth, all else is text. Endpoints that
    are alike share a row, one of each channel."""
    rows: list[tuple[object, dict[str, Any]]] = []
    for endpoint in subscriber.endpoints:
        alike = _alike(endpoint)
        channel, text = endpoint.address.channel, endpoint.address.address
        if channel in ROBOTS:
            channel, text = "webhook", f"{channel}+{text}"
        elif channel == "apprise":  # its scheme tells
            channel = "webhook"
        row = next((row for key, row in rows if key == alike and channel not in row), None)
        if row is None:
            row = {"name": _one_kind_of_end(subscriber.name), **_common(endpoint)}
            rows.append((alike, row))
        row[channel] = text
        if secrets and endpoint.address.secret:
            row[SECRET] = endpoint.address.secret
    return [row for _, row in rows]


def _alike(endpoint: Endpoint) -> tuple[object, ...]:
    moments = (endpoint.paused_until, endpoint.consented_at, endpoint.created_at)
    chosen = (sorted(endpoint.follows), sorted(map(written, endpoint.words)))
    return chosen, endpoint.preferences, endpoint.state, endpoint.reason, endpoint.consent, moments


def _common(endpoint: Endpoint) -> dict[str, Any]:
    rhythm = endpoint.preferences.rhythm
    return {
        "follows": sorted(endpoint.follows),
        "words": sorted(map(written, endpoint.words)),
        "language": endpoint.preferences.language,
        "cadence": rhythm.cadence.value,
        "weekday": weekday_text(rhythm),
        "at": clock(rhythm.minute),
        "timezone": rhythm.timezone,
        "quiet": quiet_text(rhythm),
        "bundle": endpoint.preferences.bundled,
        "format": endpoint.preferences.format,
        "state": endpoint.state.value,
        "reason": _one_kind_of_end(endpoint.reason),
        "paused_until": _moment_text(endpoint.paused_until),
        "consent": _one_kind_of_end(endpoint.consent),
        "consented_at": _moment_text(endpoint.consented_at),
        "created_at": _moment_text(endpoint.created_at),
    }


def _moment_text(moment: int | None) -> str:
    if moment is None:
        return ""
    return dt.datetime.fromtimestamp(moment / 1000, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _one_kind_of_end(text: str) -> str:
    """Spreadsheets know one end of a line within a cell."""
    return text.strip().replace("\r\n", "\n").replace("\r", "\n")
