"""JSON: an array of objects, or one object after the other (JSON lines). Read piece by piece."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from subscribers.errors import BadFile
from subscribers.transfer.tables import Table, TableRow

_CHUNK = 1 << 16
_LONGEST = 1_000_000  # characters of an object
_BETWEEN = re.compile(r"[\s,]*")


def read_json(file: Path) -> Table:
    """The objects of a JSON file as rows; the line is that on which an object begins. Raises BadFile, here and while
    it is read."""
    return Table(_read(file), file.stat().st_size)


def _read(file: Path) -> Iterator[TableRow]:
    titles: tuple[str, ...] = ()
    with file.open("rb") as opened, TextIOWrapper(opened, encoding="utf-8-sig") as text:
        try:
            for line, found in _objects(text):
                if tuple(found) != titles:
                    titles = tuple(found)
                cells = [_cell(line, title, value) for title, value in found.items()]
                yield TableRow(line, titles, cells, opened.tell())
        except UnicodeDecodeError:
            raise BadFile("the file is not UTF-8 text: save it in UTF-8") from None


def _objects(text: TextIO) -> Iterator[tuple[int, dict[str, Any]]]:
    reading = _Pieces(text)
    first = reading.peek()
    if not first:
        raise BadFile('the file is empty; it is an array of objects: [{"email": "li@example.com"}]')
    array = first == "["
    if array:
        reading.skip(1)
    while (start := reading.peek()) not in ("", "]"):
        line = reading.line
        if start != "{":
            raise BadFile(f'line {line}: not a row: each is an object, such as {{"email": "li@example.com"}}')
        yield line, reading.value()
    if array and reading.peek() != "]":
        raise BadFile(f"line {reading.line}: the array does not end: the file seems to be cut off")
    reading.skip(1)
    if reading.peek():
        raise BadFile(f"line {reading.line}: something stands behind the end of the array")


class _Pieces:
    """JSON values one after the other, with the number of the line that is reached."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._buffer = ""
        self.line = 1

    def peek(self) -> str:
        """The first character of what comes next; "" at the end."""
        while True:
            between = _BETWEEN.match(self._buffer)
            self.skip(between.end() if between else 0)
            if self._buffer or not self._more():
                return self._buffer[:1]

    def skip(self, count: int) -> None:
        self.line += self._buffer.count("\n", 0, count)
        self._buffer = self._buffer[count:]

    def value(self) -> Any:
        """The value that begins here. Raises BadFile."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer)
            except json.JSONDecodeError as error:
                if self._more():
                    continue
                at = self.line + self._buffer.count("\n", 0, error.pos)
                raise BadFile(f"line {at}: not valid JSON: {error.msg}") from None
            except (RecursionError, ValueError) as error:
                raise BadFile(f"line {self.line}: not such JSON: {error}") from None
            self.skip(end)
            return value

    def _more(self) -> bool:
        if len(self._buffer) > _LONGEST:
            return False
        piece = self._text.read(max(_CHUNK, len(self._buffer)))
        self._buffer += piece
        return bool(piece)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs)


def _cell(line: int, title: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ";".join(value)
    if isinstance(value, str | int | float):
        return str(value).strip()
    raise BadFile(f"line {line}: {title!r} is neither text nor a number nor a list of words")
