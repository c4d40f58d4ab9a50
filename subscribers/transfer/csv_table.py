"""CSV as people and spreadsheets save it: in UTF-8, UTF-16 or GB18030; with commas, semicolons, tabs or bars."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from subscribers.errors import BadFile
from subscribers.transfer.columns import COLUMNS
from subscribers.transfer.tables import Table, TableRow

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

# What nobody sees: soft hyphens, fillers, marks of direction, joiners, variation selectors, tags.
_INVISIBLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff"
)
# East Asian Excel takes wide signs too.
_FORMULA = re.compile(rf"['\s{_INVISIBLE}]*[=+\-@＝＋－＠]")
_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}
MARKED = "utf-8-sig"  # the mark makes spreadsheets read UTF-8
_CHUNK = 1 << 20
_LONGEST = 1_000_000  # characters of a line
_DELIMITERS = ",;\t|"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def neutral(value: str) -> str:
    """No spreadsheet may take a value for a formula; numbers (chat ids of groups) are none. What begins so already
    gets one more quote, so that `plain` gives back every value but control characters, which are dropped."""
    value = value.replace("\r\n", "\n").replace("\r", "\n")  # the csv module leaves a lone CR without quotes
    if not value.isprintable():
        value = value.translate(_CONTROLS)
    value = value.strip()
    if _FORMULA.match(value) and not value.removeprefix("-").isdigit():
        return f"'{value}"
    return value


def plain(value: str) -> str:
    """What `neutral` was given."""
    value = value.strip()
    return value[1:] if value[:1] == "'" and _FORMULA.match(value) else value


def read_csv(file: Path) -> Table:
    """The rows of a CSV file; memory does not grow with it. Raises BadFile, here and while it is read."""
    with file.open("rb") as opened:
        encoding = _encoding(opened)
    return Table(_read(file, encoding), file.stat().st_size)


def _encoding(opened: BinaryIO) -> str:
    """By the mark; else UTF-8 where all of the file is, and GB18030, as spreadsheets in China save it."""
    start = opened.read(4)
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding if _decodes(opened, encoding) else _refused(encoding)
    for encoding in ("utf-8", "gb18030"):
        if _decodes(opened, encoding):
            return encoding
    return _refused("")


def _refused(encoding: str) -> str:
    marked = f"the file is marked as {encoding.removesuffix('-sig').upper()} and has bytes that are none"
    found = marked if encoding else "the file is neither UTF-8 nor GB18030 text"
    raise BadFile(f"{found}: save it as CSV in UTF-8")


def _decodes(opened: BinaryIO, encoding: str) -> bool:
    opened.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while chunk := opened.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _read(file: Path, encoding: str) -> Iterator[TableRow]:
    with file.open("rb") as opened, TextIOWrapper(opened, encoding=encoding, newline="") as text:
        lines = iter(lambda: text.readline(_LONGEST), "")
        for line, titles, cells in parse(lines):
            yield TableRow(line, titles, cells, opened.tell())


def parse(lines: Iterable[str]) -> Iterator[tuple[int, tuple[str, ...], list[str]]]:
    """The rows of CSV lines, each with the number of its first line and the titles. Raises BadFile."""
    counted = enumerate(_checked(lines), 1)
    number, header = next(((n, line) for n, line in counted if line.strip()), (0, ""))
    delimiter = _declared(header)
    if delimiter:
        number, header = next(counted, (0, ""))
    if not header.strip():
        raise BadFile(f"the file is empty; its first line names the columns: {','.join(COLUMNS[:5])}")
    rest = (line for _, line in counted)
    reader = csv.reader(chain([header], rest), delimiter=delimiter or _delimiter(header), strict=True)
    yield from _rows(reader, number - 1)


def _checked(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if len(line) >= _LONGEST:
            raise BadFile(f"line {number} has more than {_LONGEST:,} characters: this is not such a CSV file")
        if "\0" in line:
            raise BadFile("this is not a CSV file (it has NUL characters): save it as CSV in UTF-8")
        yield line


def _declared(line: str) -> str:
    """The delimiter that a first line like `sep=;` declares, as Excel writes and reads it; "" for another line."""
    word = line.rstrip("\r\n").strip('" ')
    return word[4] if word.lower().startswith("sep=") and len(word) == 5 else ""


def _delimiter(header: str) -> str:
    return max(_DELIMITERS, key=header.count)


def _rows(reader: CsvReader, before: int) -> Iterator[tuple[int, tuple[str, ...], list[str]]]:
    """`before` is how many lines stand before the titles."""
    try:
        titles = tuple(next(reader))
        end = reader.line_num
        for cells in reader:
            begin, end = end + 1, reader.line_num
            if any(cell.strip() for cell in cells):
                yield before + begin, titles, [plain(cell) for cell in cells]
    except csv.Error as error:
        raise BadFile(f"line {before + reader.line_num}: not valid CSV: {error}") from None
