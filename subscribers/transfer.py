"""Subscribers in and out as CSV.

A row is a subscriber: each filled address is an endpoint, and all of them have the row's follows and preferences.
On the way out, endpoints of one subscriber that differ in follows, preferences or state are rows of their own.

The state column keeps a file from writing to people who do not want it: `suppressed`, `gone`, `paused` and `pending`
stay so whoever imports them; `active` or nothing is what the import says, active or pending.
"""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Protocol, TextIO

from subscribers.errors import BadFile, InvalidValue, SubscriberError
from subscribers.model import FORMATS, LANGUAGES, Address, Endpoint, EndpointState, Preferences, Subscriber
from subscribers.rhythm import clock, parse_rhythm, quiet_text, weekday_text

CHANNELS = ("email", "telegram", "webhook")
COLUMNS = (
    *("name", *CHANNELS, "follows", "language", "cadence", "weekday", "at", "timezone", "quiet"),
    *("bundle", "format", "state"),
)
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # East Asian Excel takes wide signs too
_TRUE, _FALSE = ("1", "yes", "true", "on"), ("", "0", "no", "false", "off")
_SHOWN_ERRORS = 20
MARKED = "utf-8-sig"  # the mark makes spreadsheets read UTF-8
_MOST_BYTES = 200_000_000


class Writes(Protocol):
    """What text can be written to."""

    def write(self, text: str, /) -> object: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of an import, checked."""

    line: int
    name: str
    addresses: tuple[Address, ...]
    follows: tuple[str, ...]
    preferences: Preferences
    state: EndpointState = EndpointState.ACTIVE


def decode(data: bytes) -> str:
    """The text of a CSV file: UTF-8 with or without a mark, else GB18030, as spreadsheets in China save it.

    Raises BadFile.
    """
    if len(data) > _MOST_BYTES:
        raise BadFile(f"the file has more than {_MOST_BYTES // 1_000_000} MB: cut it into several")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadFile("the file is neither UTF-8 nor GB18030 text: save it as CSV in UTF-8")


def read_csv(text: str, address: Callable[[str, str], Address], tag: Callable[[str], str]) -> list[Entry]:
    """All rows of a CSV, or BadFile with each line that cannot be taken.

    `address` checks an address of a channel, `tag` a follow word; both raise an error that says what is wrong.
    """
    rows = _rows(text)
    entries: list[Entry] = []
    errors: list[str] = []
    seen: dict[tuple[str, str], int] = {}
    for line, row in rows:
        try:
            _refuse_nameless(row)
            entry = _entry(line, row, address, tag)
            _refuse_repeats(entry, seen)
        except Exception as error:  # the callbacks come with error trees of their own
            if not hasattr(error, "exit_code"):
                raise
            errors.append(f"line {line}: {error}")
            continue
        entries.append(entry)
    if errors:
        more = f"\n… and {len(errors) - _SHOWN_ERRORS} more" if len(errors) > _SHOWN_ERRORS else ""
        raise BadFile("nothing was imported:\n" + "\n".join(errors[:_SHOWN_ERRORS]) + more)
    return entries


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    if "\0" in text:
        raise BadFile("this is not a CSV file (it has NUL characters): save it as CSV in UTF-8")
    if not text.strip():
        raise BadFile(f"the file is empty; its first line names the columns: {','.join(COLUMNS[:5])}")
    text, skipped = _without_blank_lines(text)
    header = next(io.StringIO(text, newline=""))
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in next(reader)]
        _check_columns(names)
        end = reader.line_num
        for values in reader:
            begin, end = end + 1, reader.line_num
            if any(value.strip() for value in values):
                cells = zip_longest(names, (_plain(value) for value in values), fillvalue="")
                yield skipped + begin, {name: value for name, value in cells if name or value}
    except csv.Error as error:
        raise BadFile(f"line {skipped + reader.line_num}: not valid CSV: {error}") from None


def _without_blank_lines(text: str) -> tuple[str, int]:
    """The text from its first line with words on, and how many lines stand before that."""
    blank = text[: len(text) - len(text.lstrip())]
    start = max(blank.rfind("\n"), blank.rfind("\r")) + 1
    return text[start:], len(blank[:start].splitlines())


def _refuse_nameless(row: dict[str, str]) -> None:
    """A cell without a column is a comma too many in a value: what it says would be lost."""
    if row.get(""):
        raise InvalidValue(f"{row['']!r} stands in no column: put values with a delimiter in them in quotes")


def _check_columns(names: list[str]) -> None:
    unknown = [name for name in names if name and name not in COLUMNS]
    if unknown:
        raise BadFile(f"unknown column {unknown[0]!r}; allowed: {', '.join(COLUMNS)}")
    if not set(names) & set(CHANNELS):
        raise BadFile(f"no column of addresses; at least one of {', '.join(CHANNELS)} is needed")
    twice = [name for n, name in enumerate(names) if name and name in names[:n]]
    if twice:
        raise BadFile(f"the column {twice[0]!r} is named twice")


def _entry(line: int, row: dict[str, str], address: Callable[[str, str], Address], tag: Callable[[str], str]) -> Entry:
    addresses = tuple(address(channel, row[channel]) for channel in CHANNELS if row.get(channel))
    if not addresses:
        raise InvalidValue(f"no address: fill one of {', '.join(CHANNELS)}")
    words = [word.strip() for word in row.get("follows", "").split(";") if word.strip()]
    follows = tuple(dict.fromkeys(map(tag, words)))
    return Entry(line, row.get("name", ""), addresses, follows, _preferences(row), _state(row.get("state", "")))


def _state(text: str) -> EndpointState:
    if text and text.lower() not in list(EndpointState):
        raise InvalidValue(f"state {text!r}: allowed are {', '.join(EndpointState)}")
    return EndpointState(text.lower() or EndpointState.ACTIVE)


def _preferences(row: dict[str, str]) -> Preferences:
    return parse_preferences(
        rhythm=[row.get(name, "") for name in ("cadence", "weekday", "at", "timezone", "quiet")],
        language=row.get("language", ""),
        format_=row.get("format", ""),
        bundled=_boolean(row.get("bundle", "")),
    )


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


def _refuse_repeats(entry: Entry, seen: dict[tuple[str, str], int]) -> None:
    for item in entry.addresses:
        first = seen.setdefault(item.identity, entry.line)
        if first != entry.line:
            raise SubscriberError(f"{item.channel} address {item.address} stands on line {first} already")


def write_csv(subscribers: Iterable[Subscriber], out: Writes) -> int:
    """Write all subscribers; how many rows."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for subscriber in subscribers:
        for row in _grouped(subscriber):
            writer.writerow([neutral(row.get(name, "")) for name in COLUMNS])
            count += 1
    return count


def write_file(subscribers: Iterable[Subscriber], file: Path) -> int:
    """Write all subscribers to a file that is in place when all of it is written; how many rows."""
    with replacing(file, MARKED) as out:
        return write_csv(subscribers, out)


@contextmanager
def replacing(file: Path, encoding: str) -> Iterator[TextIO]:
    """A file to write text to, readable by its owner alone, which takes its place when all of it is written: whatever
    goes wrong before, what was there stays."""
    target = file.resolve()
    if target.exists() and not target.is_file():  # a pipe or a device has no place to take
        with target.open("w", encoding=encoding, newline="") as out:
            yield out
        return
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".export-")
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding=encoding, newline="") as out:
            yield out
            out.flush()
            os.fsync(descriptor)
        beside.replace(target)
    except BaseException:
        beside.unlink()
        raise


def _grouped(subscriber: Subscriber) -> Iterator[dict[str, str]]:
    """Endpoints that share follows, preferences and state share a row, one of each channel."""
    rows: list[tuple[object, dict[str, str]]] = []
    for endpoint in subscriber.endpoints:
        alike = (sorted(endpoint.follows), endpoint.preferences, endpoint.state)
        channel = endpoint.address.channel
        row = next((row for key, row in rows if key == alike and channel not in row), None)
        if row is None:
            row = {"name": subscriber.name, **_common(endpoint)}
            rows.append((alike, row))
        row[channel] = endpoint.address.address
    return (row for _, row in rows)


def _common(endpoint: Endpoint) -> dict[str, str]:
    rhythm = endpoint.preferences.rhythm
    return {
        "follows": ";".join(sorted(endpoint.follows)),
        "language": endpoint.preferences.language,
        "cadence": rhythm.cadence.value,
        "weekday": weekday_text(rhythm),
        "at": clock(rhythm.minute),
        "timezone": rhythm.timezone,
        "quiet": quiet_text(rhythm),
        "bundle": "yes" if endpoint.preferences.bundled else "no",
        "format": endpoint.preferences.format,
        "state": endpoint.state.value,
    }


def neutral(value: str) -> str:
    """No spreadsheet may take a value for a formula; numbers (chat ids of groups) are none. What begins so already
    gets one more quote, so that `_plain` gives back every value."""
    value = value.strip().replace("\r\n", "\n").replace("\r", "\n")  # the csv module leaves a lone CR without quotes
    if value.lstrip("'").startswith(_FORMULA) and not value.removeprefix("-").isdigit():
        return f"'{value}"
    return value


def _plain(value: str) -> str:
    value = value.strip()
    return value[1:] if value[:1] == "'" and value.lstrip("'").startswith(_FORMULA) else value
