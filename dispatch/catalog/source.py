"""A file of the catalog as it is read: what stands in it and in which line."""

from __future__ import annotations

import csv
import io
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from dispatch.catalog.positions import Path as Keys
from dispatch.catalog.positions import lines_of
from dispatch.catalog.words import alike, fold_word, province_short
from dispatch.errors import CatalogError

# Control, formatting (zero-width, bidirectional), lone halves, of private use, unassigned, ends of lines.
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_OFFICIAL = """
    北京市 天津市 河北省 山西省 内蒙古自治区 辽宁省 吉林省 黑龙江省 上海市 江苏省 浙江省 安徽省 福建省 江西省
    山东省 河南省 湖北省 湖南省 广东省 广西壮族自治区 海南省 重庆市 四川省 贵州省 云南省 西藏自治区 陕西省 甘肃省
    青海省 宁夏回族自治区 新疆维吾尔自治区 台湾省 香港特别行政区 澳门特别行政区
"""
_PROVINCES = tuple(_OFFICIAL.split())
_NEAREST = 3  # names that an error suggests


@dataclass(frozen=True)
class Source:
    """What a TOML file says, and in which lines; those are looked for when they are first asked for."""

    data: dict[str, Any]
    text: str

    @cached_property
    def _lines(self) -> dict[Keys, int]:
        try:
            return lines_of(self.text)
        except RecursionError:  # brackets within brackets: the file alone is named
            return {}

    def line(self, keys: Keys) -> int:
        """The line of a value, or else of what it stands in; 0 for the file as a whole."""
        return next((line for size in range(len(keys), 0, -1) if (line := self._lines.get(keys[:size]))), 0)

    def holding(self, keys: Keys, word: str) -> list[Keys]:
        """Where a word stands as a whole in quotes, in what `keys` lead to."""
        value: Any = self.data
        for key in keys:
            value = value[key]
        wanted = fold_word(word)
        return [path for path, text in _texts(value, keys) if fold_word(text) == wanted]


def _texts(value: object, path: Keys) -> Iterator[tuple[Keys, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _texts(item, (*path, key))


@dataclass(frozen=True)
class Place:
    """Where something stands, for the message of an error. Line 0: the file as a whole. In a TOML file, `source` is
    what it says and `keys` lead to the thing."""

    path: Path
    _line: int = 0
    source: Source | None = field(default=None, repr=False, compare=False)
    keys: Keys = ()

    @cached_property
    def line(self) -> int:
        return self.source.line(self.keys) if self.source else self._line

    def within(self, *keys: str | int) -> Place:
        """The place of something in it, so far as it is known."""
        return Place(self.path, self._line, self.source, (*self.keys, *keys)) if self.source else self

    def of(self, word: str, *, last: bool = False) -> Place:
        """The first (or `last`) place in it where a word stands as a whole; itself where it does nowhere."""
        found = self.source.holding(self.keys, word) if self.source else []
        return Place(self.path, self._line, self.source, found[-1 if last else 0]) if found else self

    def error(self, reason: str, remedy: str = "") -> CatalogError:
        return CatalogError(str(self.path), reason, self.line, remedy)


Told = Callable[[CatalogError], None]


def refuse(error: CatalogError) -> None:
    """What a reader of the catalog does with a wrong line, unless it is to collect them all."""
    raise error


@dataclass(frozen=True, slots=True)
class Table:
    """A TOML table and its place; its methods check what they return. What is wrong is `told` with the line in which it
    stands, and where that raises nothing, they return something empty."""

    data: dict[str, Any]
    place: Place
    told: Told = refuse

    def telling(self, told: Told) -> Table:
        return Table(self.data, self.place, told)

    def wrong(self, reason: str, remedy: str = "", *at: str | int) -> None:
        """Tell what is wrong with the value that `at` leads to, or with the table."""
        self.told(self.place.within(*at).error(reason, remedy))

    def only(self, *allowed: str) -> None:
        for key in self.data:
            if key not in allowed:
                self.wrong(f"unknown key {key!r}", f"allowed: {', '.join(allowed)}", key)

    def text(self, key: str, required: bool = True, *, lines: bool = False) -> str:
        """The text of this key without outer blanks; one of several `lines` only where that is allowed."""
        value = self.data.get(key, "")
        if not isinstance(value, str):
            self.wrong(f"{key} must be a text in quotes", f'write {key} = "…"', key)
            return ""
        if required and not value.strip():
            self.wrong(f"{key} is missing", f'add {key} = "…"', key)
        check_words(value.split("\n") if lines else (value.strip(),), self.place.within(key), self.told)
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.data.get(key, [])
        remedy = f'write {key} = ["…", "…"]'
        if not isinstance(value, list):
            self.wrong(f"{key} must be a list of texts in quotes", remedy, key)
            return ()
        for number, word in enumerate(value):
            if not isinstance(word, str) or not word.strip():
                self.wrong(f"{key} must be a list of texts in quotes", remedy, key, number)
                return ()
        for number, word in enumerate(value):
            if _unseen(word.strip()):
                check_words((word.strip(),), self.place.within(key, number), self.told)
        return tuple(word.strip() for word in value)

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            self.wrong(f"{key} must be true or false", f"write {key} = true or {key} = false", key)
            return default
        return value

    def table(self, key: str) -> Table:
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            self.wrong(f"{key} must be a table", f"write [{key}] above its lines", key)
            value = {}
        return Table(value, self.place.within(key), self.told)

    def tables(self, name: str) -> list[Table]:
        """The tables written as [[name]]."""
        value = self.data.get(name, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            self.wrong(f"{name} must be written as [[{name}]]", "", name)
            return []
        return [Table(entry, self.place.within(name, number), self.told) for number, entry in enumerate(value)]

    def key(self) -> str:
        key = self.text("key")
        if key and not is_key(key):
            self.told(wrong_key(key, self.place.within("key")))
        return key


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
    """Whether a province, where one is given, is one of China's, in its official name."""
    if not province or province in _PROVINCES:
        return True
    near = [name for name in _PROVINCES if province_short(name) == province_short(province)]
    near = near or alike(province, {name: name for name in _PROVINCES}, _NEAREST)
    known = f"near it: {', '.join(near)}" if near else "its official name in simplified characters, such as 江西省"
    told(place.error(f"there is no province {province!r}", known))
    return False


def read_document(path: Path, told: Told = refuse) -> Table:
    """The file as a TOML table. Raises CatalogError where it is none."""
    text = read_text(path)
    try:
        data = tomllib.loads(text)
    except RecursionError as error:
        raise Place(path).error("not TOML: brackets within brackets without end") from error
    except ValueError as error:  # no TOML, or a number of thousands of digits
        line = re.search(r"at line (\d+)", str(error))
        raise Place(path, int(line[1]) if line else len(text.splitlines())).error(f"not TOML: {error}") from error
    return Table(data, Place(path, source=Source(data, text)), told)


def check_words(words: Iterable[str], place: Place, told: Told) -> bool:
    """Whether all of the words can be read: what nobody sees (zero-width, turned or control characters) would keep a
    name from being found, and is an attack where it is none of a mistake."""
    unseen = next(filter(None, map(_unseen, words)), "")
    if unseen:
        reason = f"a word holds the character U+{ord(unseen):04X}, which nobody sees"
        told(place.error(reason, "take it out: write the words anew rather than copying them"))
    return not unseen


def _unseen(word: str) -> str:
    """The first character of a word that nobody sees, "" where it has none."""
    return "" if word.isprintable() else next((c for c in word if unicodedata.category(c) in _UNSEEN), "")


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
                taken = other.of(name)
                reason = f"the name {name!r} is taken already ({taken.path}, line {taken.line})"
                told(place.of(name, last=word in own).error(reason, "let it stand in one of the two only"))
            own.add(word)
