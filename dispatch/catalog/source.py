"""A file of the catalog as it is read: what stands in it and in which line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatch.catalog.words import fold_word
from dispatch.errors import CatalogError

_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands, for the message of an error. Line 0: the file as a whole."""

    path: Path
    line: int = 0

    def error(self, reason: str) -> CatalogError:
        return CatalogError(f"{self.path}{f', line {self.line}' if self.line else ''}: {reason}")


@dataclass(frozen=True, slots=True)
class Table:
    """A TOML table and its place; its methods check what they return."""

    data: dict[str, Any]
    place: Place

    def only(self, *allowed: str) -> None:
        if unknown := [key for key in self.data if key not in allowed]:
            raise self.place.error(f"unknown key {unknown[0]!r}; allowed: {', '.join(allowed)}")

    def text(self, key: str, required: bool = True) -> str:
        value = self.data.get(key, "")
        if not isinstance(value, str):
            raise self.place.error(f"{key} must be a text in quotes")
        if required and not value.strip():
            raise self.place.error(f"{key} is missing")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(word, str) and word.strip() for word in value):
            raise self.place.error(f"{key} must be a list of texts in quotes")
        return tuple(word.strip() for word in value)

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            raise self.place.error(f"{key} must be true or false")
        return value

    def table(self, key: str) -> Table:
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            raise self.place.error(f"{key} must be a table")
        return Table(value, self.place)

    def key(self) -> str:
        return checked_key(self.text("key"), self.place)


@dataclass(frozen=True, slots=True)
class Document:
    """A whole TOML file."""

    root: Table
    lines: tuple[str, ...]

    def tables(self, name: str) -> list[Table]:
        """The tables written as [[name]], each with the line of its header."""
        value = self.root.data.get(name, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise self.root.place.error(f"{name} must be written as [[{name}]]")
        # tomllib tells no positions, so the headers are counted.
        header = re.compile(rf"\s*\[\[\s*{name}\s*\]\]")
        lines = [number for number, line in enumerate(self.lines, start=1) if header.match(line)]
        lines += [0] * (len(value) - len(lines))
        path = self.root.place.path
        return [Table(entry, Place(path, line)) for entry, line in zip(value, lines, strict=False)]

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
        raise Place(path, line).error("not UTF-8; save the file as UTF-8") from error
    except OSError as error:
        raise Place(path).error(f"cannot be read: {error.strerror}") from error


def read_document(path: Path) -> Document:
    text = read_text(path)
    try:
        return Document(Table(tomllib.loads(text), Place(path)), tuple(text.splitlines()))
    except RecursionError as error:
        raise Place(path).error("not TOML: brackets within brackets without end") from error
    except ValueError as error:  # no TOML, or a number of thousands of digits
        line = re.search(r"at line (\d+)", str(error))
        raise Place(path, int(line[1]) if line else len(text.splitlines())).error(f"not TOML: {error}") from error


def checked_key(key: str, place: Place) -> str:
    if not _KEY.fullmatch(key):
        raise place.error(f"the key {key!r} must be of a-z, 0-9 and single hyphens between them")
    return key


def check_shared_words(entries: Iterable[tuple[Sequence[str], Place]]) -> None:
    """No two entries answer to one word, and none lists a word twice."""
    owners: dict[str, Place] = {}
    for words, place in entries:
        for number, word in enumerate(map(fold_word, words)):
            other = owners.setdefault(word, place)
            if other is not place or word in map(fold_word, words[:number]):
                raise place.error(f"the name {words[number]!r} is taken already ({other.path}, line {other.line})")
