"""A file of the catalog as it is read: what stands in it and in which line."""

from __future__ import annotations

import csv
import io
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatch.catalog.words import fold_word, province_short
from dispatch.errors import CatalogError

# Control, formatting (zero-width, bidirectional), lone halves, of private use, unassigned, ends of lines.
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SHORTEST_PLACE = 2
_PROVINCE = re.compile(r".+(省|市|自治区|特别行政区)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands, for the message of an error. Line 0: the file as a whole."""

    path: Path
    line: int = 0

    def error(self, reason: str, remedy: str = "") -> CatalogError:
        return CatalogError(str(self.path), reason, self.line, remedy)


Told = Callable[[CatalogError], None]


def refuse(error: CatalogError) -> None:
    """What a reader of the catalog does with a wrong line, unless it is to collect them all."""
    raise error


@dataclass(frozen=True, slots=True)
class Table:
    """A TOML table and its place; its methods check what they return. What is wrong is `told`, and where that raises
    nothing, they return something empty."""

    data: dict[str, Any]
    place: Place
    told: Told = refuse

    def telling(self, told: Told) -> Table:
        return Table(self.data, self.place, told)

    def wrong(self, reason: str, remedy: str = "") -> None:
        self.told(self.place.error(reason, remedy))

    def only(self, *allowed: str) -> None:
        for key in self.data:
            if key not in allowed:
                self.wrong(f"unknown key {key!r}", f"allowed: {', '.join(allowed)}")

    def text(self, key: str, required: bool = True, *, lines: bool = False) -> str:
        """The text of this key without outer blanks; one of several `lines` only where that is allowed."""
        value = self.data.get(key, "")
        if not isinstance(value, str):
            self.wrong(f"{key} must be a text in quotes", f'write {key} = "…"')
            return ""
        if required and not value.strip():
            self.wrong(f"{key} is missing", f'add {key} = "…"')
        check_words(value.split("\n") if lines else (value.strip(),), self.place, self.told)
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(word, str) and word.strip() for word in value):
            self.wrong(f"{key} must be a list of texts in quotes", f'write {key} = ["…", "…"]')
            return ()
        check_words((word.strip() for word in value), self.place, self.told)
        return tuple(word.strip() for word in value)

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            self.wrong(f"{key} must be true or false", f"write {key} = true or {key} = false")
            return default
        return value

    def table(self, key: str) -> Table:
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            self.wrong(f"{key} must be a table", f"write [{key}] above its lines")
            value = {}
        return Table(value, self.place, self.told)

    def key(self) -> str:
        key = self.text("key")
        if key and not is_key(key):
            self.told(wrong_key(key, self.place))
        return key


@dataclass(frozen=True, slots=True)
class Document:
    """A whole TOML file."""

    root: Table
    lines: tuple[str, ...]

    def tables(self, name: str) -> list[Table]:
        """The tables written as [[name]], each with the line of its header."""
        value = self.root.data.get(name, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            self.root.wrong(f"{name} must be written as [[{name}]]")
            return []
        # tomllib tells no positions, so the headers are counted.
        header = re.compile(rf"\s*\[\[\s*{name}\s*\]\]")
        lines = [number for number, line in enumerate(self.lines, start=1) if header.match(line)]
        lines += [0] * (len(value) - len(lines))
        path = self.root.place.path
        return [Table(entry, Place(path, line), self.root.told) for entry, line in zip(value, lines, strict=False)]

    def place_of(self, text: str) -> Place:
        """The first line with a text, in quotes as TOML has it; the file where none has."""
        quoted = (f'"{text}"', f"'{text}'")
        found = (number for number, line in enumerate(self.lines, start=1) if any(word in line for word in quoted))
        return Place(self.root.place.path, next(found, 0))


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Place(path, line).error("not UTF-8", "save the file as UTF-8") from error
    except OSError as error:
        raise Place(path).error(f"cannot be read: {error.strerror}") from error


def read_table(
    path: Path, columns: Sequence[str], required: Sequence[str], told: Told = refuse
) -> Iterator[tuple[dict[str, str], Place]]:
    """The lines of a CSV file whose first line names its columns: `columns` are allowed, `required` must be there. Each
    line as its fields without outer blanks, "" for a column that is missing, and its place; empty lines are left out.
    A line with too many or too few fields, or with characters that nobody sees, is `told`. Raises CatalogError for a
    file that is no such table."""
    rows = csv.reader(io.StringIO(read_text(path)), strict=True)
    try:
        header = [cell.strip() for cell in next(rows, [])]
        _check_header(header, columns, required, Place(path, 1))
        for row in rows:
            place = Place(path, rows.line_num)
            if len(row) != len(header) and any(cell.strip() for cell in row):
                remedy = "a comma for each, empty ones too"
                told(place.error(f"{len(row)} fields, but the header has {len(header)}", remedy))
            elif any(cell.strip() for cell in row):
                cells = dict(zip(header, (cell.strip() for cell in row), strict=True))
                if check_words(cells.values(), place, told):
                    yield {name: cells.get(name, "") for name in columns}, place
    except csv.Error as error:
        remedy = 'a field with a comma or a quote stands in "…", a quote in it is doubled'
        raise Place(path, rows.line_num).error(f"not CSV: {error}", remedy) from error


def _check_header(header: Sequence[str], columns: Sequence[str], required: Sequence[str], place: Place) -> None:
    remedy = f"the first line names the columns: {','.join(columns)}"
    if missing := [name for name in required if name not in header]:
        raise place.error(f"the column {missing[0]} is missing", remedy)
    if unknown := [name for name in header if name not in columns]:
        raise place.error(f"unknown column {unknown[0]!r}", remedy)
    if len(set(header)) < len(header):
        raise place.error("a column is named twice", remedy)


def check_province(province: str, place: Place, told: Told) -> bool:
    """Whether a province, where one is given, is written in full."""
    if province and len(province_short(province)) < _SHORTEST_PLACE:
        told(place.error(f"the province {province!r} is too short to be found in a text", "write it in full: 江西省"))
        return False
    if province and not _PROVINCE.fullmatch(province):
        told(place.error(f"the province {province!r} ends neither in 省 nor 市 nor 自治区", "write it in full: 江西省"))
        return False
    return True


def read_document(path: Path, told: Told = refuse) -> Document:
    """The file as TOML. Raises CatalogError where it is none."""
    text = read_text(path)
    try:
        return Document(Table(tomllib.loads(text), Place(path), told), tuple(text.splitlines()))
    except RecursionError as error:
        raise Place(path).error("not TOML: brackets within brackets without end") from error
    except ValueError as error:  # no TOML, or a number of thousands of digits
        line = re.search(r"at line (\d+)", str(error))
        raise Place(path, int(line[1]) if line else len(text.splitlines())).error(f"not TOML: {error}") from error


def check_words(words: Iterable[str], place: Place, told: Told) -> bool:
    """Whether all of the words can be read: what nobody sees (zero-width, turned or control characters) would keep a
    name from being found, and is an attack where it is none of a mistake."""
    unseen = next((char for word in words for char in word if _is_unseen(char)), "")
    if unseen:
        reason = f"a word holds the character U+{ord(unseen):04X}, which nobody sees"
        told(place.error(reason, "take it out: write the words anew rather than copying them"))
    return not unseen


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) in _UNSEEN


def is_key(key: str) -> bool:
    return bool(_KEY.fullmatch(key))


def wrong_key(key: str, place: Place) -> CatalogError:
    return place.error(f"the key {key!r} must be of a-z, 0-9 and single hyphens between them", "such as smart-cars")


def check_shared_words(entries: Iterable[tuple[Sequence[str], Place]], told: Told = refuse) -> None:
    """No two entries answer to one word, and none lists a word twice."""
    owners: dict[str, Place] = {}
    for words, place in entries:
        own: set[str] = set()
        for name in words:
            word = fold_word(name)
            other = owners.setdefault(word, place)
            if other is not place or word in own:
                reason = f"the name {name!r} is taken already ({other.path}, line {other.line})"
                told(place.error(reason, "let it stand in one of the two only"))
            own.add(word)
