"""In which line of a TOML file each of its values stands, which tomllib does not tell."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator

Path = tuple[str | int, ...]  # the keys, and the numbers in lists, that lead to a value

_TOKEN = re.compile(
    r'(?P<text>"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')'
    r"|(?P<skip>#[^\n]*|[ \t\r]+)|(?P<sign>[\n\[\]{},=.])|(?P<word>[^\s\[\]{},=.#\"']+)",
    re.DOTALL,
)


def lines_of(text: str) -> dict[Path, int]:
    """The line of each value of a file that tomllib has read, counted from 1: of a key's value that of the key, of a
    table that of its first header, of an entry of a list its own."""
    return _Scan(text).lines


class _Scan:
    """One way through the file: statements, each a header or a key with its value."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0
        self._tables: Counter[Path] = Counter()  # of those written as [[name]]
        header: Path = ()
        while self._at < len(self._tokens):
            if self._sign() == "\n":
                self._at += 1
            elif self._sign() == "[":
                header = self._header()
            else:
                self._assigned(header)

    def _sign(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _line(self) -> int:
        return self._tokens[min(self._at, len(self._tokens) - 1)][1]

    def _header(self) -> Path:
        line, depth = self._line(), 0
        while self._sign() == "[":
            self._at, depth = self._at + 1, depth + 1
        keys = self._keys()
        while self._sign() == "]":
            self._at += 1
        path = self._entered(keys[:-1])
        if depth > 1:
            self._tables[(*path, keys[-1])] += 1
        found = self._entered(keys[-1:], path)
        self.lines.setdefault(found, line)
        return found

    def _entered(self, keys: Path, path: Path = ()) -> Path:
        """The way to a table, through the last one so far of each list of tables."""
        for key in keys:
            path = (*path, key)
            if path in self._tables:
                path = (*path, self._tables[path] - 1)
        return path

    def _assigned(self, table: Path) -> None:
        line = self._line()
        path = table
        for key in self._keys():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self._at += self._sign() == "="
        self._value(path)

    def _keys(self) -> Path:
        """The keys up to what ends them: a.b."c d"."""
        found: list[str] = []
        while self._at < len(self._tokens) and (sign := self._sign()) not in ("=", "]", "\n"):
            if sign != ".":
                found.append(_unquoted(sign))
            self._at += 1
        return tuple(found)

    def _value(self, path: Path) -> None:
        """A list and a table within a line have values of their own; another ends where the line or its list does."""
        sign = self._sign()
        if sign == "[":
            self._list(path)
        elif sign == "{":
            self._inline(path)
        else:
            self._at += 1
            while self._sign() not in ("\n", ",", "]", "}", ""):
                self._at += 1

    def _list(self, path: Path) -> None:
        number = 0
        self._at += 1
        while self._sign() not in ("]", ""):
            if self._sign() in ("\n", ","):
                self._at += 1
                continue
            self.lines[(*path, number)] = self._line()
            self._value((*path, number))
            number += 1
        self._at += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        while self._sign() not in ("}", ""):
            if self._sign() in ("\n", ","):
                self._at += 1
                continue
            self._assigned(path)
        self._at += 1


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """What the file is made of, with the line that each begins in; without blanks and comments."""
    line = 1
    for token in _TOKEN.finditer(text):
        if token.lastgroup != "skip":
            yield token[0], line
        line += token[0].count("\n")


def _unquoted(key: str) -> str:
    if not key.startswith(('"', "'")):
        return key
    found = tomllib.loads(f"key = {key}")["key"]
    return found if isinstance(found, str) else key
