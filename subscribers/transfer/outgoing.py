"""Exports: all subscribers as CSV, XLSX or JSON, row by row."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from subscribers.errors import BadFile
from subscribers.model import Subscriber
from subscribers.transfer.columns import COLUMNS, SECRET
from subscribers.transfer.csv_table import MARKED, neutral
from subscribers.transfer.files import replacing, replacing_whole
from subscribers.transfer.rows import rows_of
from subscribers.transfer.tables import format_of

_MOST_ROWS = 1_048_576  # of a sheet
Row = dict[str, Any]


class Writes(Protocol):
    """What text can be written to."""

    def write(self, text: str, /) -> object: ...


def write_file(subscribers: Iterable[Subscriber], file: Path, *, given: str = "", secrets: bool = False) -> int:
    """Write all subscribers to a file, which is in place when all of it is written; how many rows. The format is what
    was `given`, else by the suffix, else CSV. Raises BadFile."""
    kind = format_of(file, given) or "csv"
    if kind == "xlsx":
        rows = table_rows(subscribers, secrets=secrets)
        with replacing_whole(file) as beside:
            return _write_xlsx(beside, columns(secrets=secrets), rows)
    with replacing(file, MARKED if kind == "csv" else "utf-8") as out:
        return WRITERS[kind](subscribers, out, secrets=secrets)


def write_rows(file: Path, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Write rows under titles to a file, by its suffix CSV or XLSX; how many."""
    if format_of(file) == "xlsx":
        with replacing_whole(file) as beside:
            return _write_xlsx(beside, titles, rows)
    with replacing(file, MARKED) as out:
        return _write_csv(out, titles, rows)


def columns(*, secrets: bool = False) -> tuple[str, ...]:
    return (*COLUMNS, SECRET) if secrets else COLUMNS


def numbered(subscribers: Iterable[Subscriber], *, secrets: bool = False) -> Iterator[Row]:
    """All rows. Those of a person with several have that person's number in this table."""
    persons = 0
    for subscriber in subscribers:
        rows = rows_of(subscriber, secrets=secrets)
        persons += len(rows) > 1
        for row in rows:
            yield {**row, "person": str(persons) if len(rows) > 1 else ""}


def table_rows(subscribers: Iterable[Subscriber], *, secrets: bool = False) -> Iterator[list[str]]:
    """All rows as cells."""
    names = columns(secrets=secrets)
    for row in numbered(subscribers, secrets=secrets):
        yield [_cell(row.get(name, "")) for name in names]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ";".join(value) if isinstance(value, list) else str(value)


def write_csv(subscribers: Iterable[Subscriber], out: Writes, *, secrets: bool = False) -> int:
    """Write all subscribers as CSV; how many rows."""
    return _write_csv(out, columns(secrets=secrets), table_rows(subscribers, secrets=secrets))


def _write_csv(out: Writes, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([neutral(title) for title in titles])
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 - how many it were
        writer.writerow([neutral(cell) for cell in row])
    return count


def write_json(subscribers: Iterable[Subscriber], out: Writes, *, secrets: bool = False) -> int:
    """Write all subscribers as an array of objects, one a line, without what is empty; how many rows."""
    names = columns(secrets=secrets)
    count = 0
    for row in numbered(subscribers, secrets=secrets):
        filled = {name: row[name] for name in names if row.get(name) not in (None, "", [])}
        out.write(("[\n" if not count else ",\n") + json.dumps(filled, ensure_ascii=False))
        count += 1
    out.write("\n]\n" if count else "[]\n")
    return count


WRITERS = {"csv": write_csv, "json": write_json}


def _write_xlsx(file: Path, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    from xlsxwriter import Workbook

    # All cells are text, so none is a formula; row by row, so that memory does not grow.
    with Workbook(str(file), {"constant_memory": True}) as book:
        sheet = book.add_worksheet("subscribers")
        sheet.freeze_panes(1, 0)
        text = book.add_format({"num_format": "@"})  # what is typed in later stays what it is
        sheet.set_column(0, len(titles) - 1, 18, text)
        count = 0
        _write_row(sheet, 0, titles)
        for count, row in enumerate(rows, 1):
            _write_row(sheet, count, row)
    return count


def _write_row(sheet: Any, number: int, cells: Sequence[str]) -> None:
    if number >= _MOST_ROWS:
        raise BadFile(f"a sheet takes {_MOST_ROWS - 1:,} rows: export as CSV or JSON")
    for column, cell in enumerate(cells):
        if cell and sheet.write_string(number, column, cell) < 0:
            raise BadFile(
                f"row {number + 1} has a text of {len(cell):,} characters, more than a cell takes: export as CSV"
            )
