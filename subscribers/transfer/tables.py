"""A file as a table: rows of cells under titles, one by one, whichever format it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from subscribers.errors import BadFile, InvalidValue

FORMATS = ("csv", "xlsx", "json")
_SUFFIXES = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".xlsx": "xlsx", ".xlsm": "xlsx", ".json": "json"}
_SUFFIXES |= {".jsonl": "json", ".ndjson": "json"}
_ZIP, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class TableRow:
    """The cells of a row. There may be fewer than titles, and more. `titles` is one object for as long as it stays the
    same; `done` is how much of the file is read, in its own measure."""

    line: int
    titles: tuple[str, ...]
    cells: list[str]
    done: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, to be read once; `total` is what `done` is of (0: not known)."""

    rows: Iterator[TableRow]
    total: int = 0


def format_of(file: Path, given: str = "") -> str:
    """The format by its name: what was `given`, else the suffix; "" for another suffix. Raises InvalidValue."""
    if given and given not in FORMATS:
        raise InvalidValue(f"format {given!r}: allowed are {', '.join(FORMATS)}")
    return given or _SUFFIXES.get(file.suffix.lower(), "")


def read_table(file: Path, *, given: str = "", sheet: str = "") -> Table:
    """The table in a file: an XLSX file is one whatever it is called. Raises BadFile, OSError, and InvalidValue."""
    with file.open("rb") as opened:
        start = opened.read(4)
    if start == _OLD_OFFICE:
        raise BadFile("this is an old Excel file, or one with a password: save it as .xlsx or CSV without one")
    kind = "xlsx" if start == _ZIP and not given else format_of(file, given) or "csv"
    if sheet and kind != "xlsx":
        raise InvalidValue("--sheet is for XLSX files: this is none")
    if kind == "xlsx":
        from subscribers.transfer.xlsx_table import read_xlsx

        return read_xlsx(file, sheet)
    if kind == "json":
        from subscribers.transfer.json_table import read_json

        return read_json(file)
    from subscribers.transfer.csv_table import read_csv

    return read_csv(file)
