"""A sheet of an XLSX file. What it would take in memory is found out before it is opened: a few kilobytes of it can
unpack to gigabytes, and two cells can span billions."""

from __future__ import annotations

import datetime as dt
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from subscribers.errors import BadFile
from subscribers.transfer.columns import COLUMNS
from subscribers.transfer.tables import Table, TableRow
from subscribers.transfer.xlsx_guard import Guard

MOST_BYTES = 400_000_000  # unpacked, of all parts
_MOST_PARTS = 1_000
_CHUNK = 1 << 20
_LOCAL_HEADER = 30


def read_xlsx(file: Path, sheet: str = "") -> Table:
    """The rows of a sheet, the first one unless it is named; the line is the row's number in it. Raises BadFile."""
    from python_calamine import CalamineError, CalamineWorkbook

    _check_size(file)
    try:
        book = CalamineWorkbook.from_path(str(file))
        name = _sheet(book.sheet_names, sheet)
        found = book.get_sheet_by_name(name)
    except (CalamineError, zipfile.BadZipFile) as error:
        raise BadFile(f"not a readable XLSX file: {error}") from None
    if found.start is None:
        raise BadFile(f"the sheet {name!r} is empty; its first line names the columns: {', '.join(COLUMNS[:5])}")
    return Table(_read(found.iter_rows(), found.start[0]), found.total_height)


def _sheet(names: list[str], wanted: str) -> str:
    if not names:
        raise BadFile("the file has no sheets")
    if wanted and wanted not in names:
        raise BadFile(f"no sheet {wanted!r}; there are: {', '.join(names)}")
    return wanted or names[0]


def _read(rows: Iterator[list[Any]], before: int) -> Iterator[TableRow]:
    """`before` is how many rows of the sheet stand before the first that is given."""
    titles: tuple[str, ...] = ()
    for line, values in enumerate(rows, before + 1):
        cells = [_text(value) for value in values]
        if not any(cells):
            continue
        if not titles:
            titles = tuple(cells)
            continue
        yield TableRow(line, titles, cells, line - before)


def _text(value: Any) -> str:
    """A cell as it is written: numbers are chat ids, and times of day and dates are as our columns have them."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, dt.time):
        return value.strftime("%H:%M")
    return str(value).strip()


def _check_size(file: Path) -> None:
    try:
        with zipfile.ZipFile(file) as parts:
            infos = parts.infolist()
        _refuse_declared(infos)
        with file.open("rb") as opened:
            left, guard = MOST_BYTES, Guard()
            for info in infos:
                left -= _unpacked(opened, info, left, guard)
            guard.refuse_too_much()
    except (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError) as error:
        raise BadFile(f"not a readable XLSX file: {error}") from None


def _refuse_declared(infos: list[zipfile.ZipInfo]) -> None:
    if len(infos) > _MOST_PARTS or sum(info.file_size for info in infos) > MOST_BYTES:
        raise _too_large()
    if any(
        info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos
    ):
        raise BadFile("the XLSX file is encrypted or packed in a way of its own: save it anew without a password")


def _too_large() -> BadFile:
    return BadFile(
        f"the XLSX file unpacks to more than {MOST_BYTES // 1_000_000} MB: cut it into several, or save it as CSV"
    )


def _unpacked(opened: BinaryIO, info: zipfile.ZipInfo, most: int, guard: Guard) -> int:
    """How many bytes a part really has: what it declares need not be true. Raises BadFile for more than `most`, and
    for a sheet that spans too many cells."""
    opened.seek(info.header_offset)
    header = opened.read(_LOCAL_HEADER)
    name, extra = struct.unpack("<HH", header[26:30])
    opened.seek(name + extra, 1)
    part = guard.part()
    total = 0
    for piece in _pieces(opened, info):
        total += len(piece)
        if total > most:
            raise _too_large()
        part.look(piece)
    part.end()
    return total


def _pieces(opened: BinaryIO, info: zipfile.ZipInfo) -> Iterator[bytes]:
    left = info.compress_size
    unpacking = zlib.decompressobj(-15) if info.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0 and (packed := opened.read(min(_CHUNK, left))):
        left -= len(packed)
        if unpacking is None:
            yield packed
            continue
        while packed:
            yield unpacking.decompress(packed, _CHUNK)
            packed = unpacking.unconsumed_tail
