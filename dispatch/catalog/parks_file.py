"""Reads parks.csv: a line a park, aliases separated by `|`."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from dispatch.catalog.source import Place, read_text
from dispatch.catalog.values import Park

_COLUMNS = ("name", "full_name", "province", "city", "national_since", "aliases", "loose_aliases")
_REQUIRED = ("name", "full_name", "province", "city")
_PROVINCE = re.compile(r".+(省|市|自治区|特别行政区)")
_YEARS = range(1980, 2100)


def read_parks(path: Path) -> dict[str, tuple[Park, Place]]:
    rows = csv.reader(io.StringIO(read_text(path)), strict=True)
    parks: dict[str, tuple[Park, Place]] = {}
    try:
        header = [cell.strip() for cell in next(rows, [])]
        _check_header(header, Place(path, 1))
        for row in rows:
            if any(cell.strip() for cell in row):
                place = Place(path, rows.line_num)
                park = _park(header, row, place)
                if park.name in parks:
                    raise place.error(f"the park {park.name} stands in line {parks[park.name][1].line} already")
                parks[park.name] = (park, place)
    except csv.Error as error:
        raise Place(path, rows.line_num).error(f"not CSV: {error}") from error
    return parks


def _check_header(header: Sequence[str], place: Place) -> None:
    if missing := [name for name in _REQUIRED if name not in header]:
        raise place.error(f"the column {missing[0]} is missing")
    if unknown := [name for name in header if name not in _COLUMNS]:
        raise place.error(f"unknown column {unknown[0]!r}; allowed: {', '.join(_COLUMNS)}")
    if len(set(header)) < len(header):
        raise place.error("a column is named twice")


def _park(header: Sequence[str], row: Sequence[str], place: Place) -> Park:
    if len(row) != len(header):
        raise place.error(f"{len(row)} fields, but the header has {len(header)}")
    fields = dict(zip(header, (cell.strip() for cell in row), strict=True))
    if empty := [name for name in _REQUIRED if not fields[name]]:
        raise place.error(f"{empty[0]} is empty")
    if not _PROVINCE.fullmatch(fields["province"]):
        raise place.error(f"the province {fields['province']!r} ends neither in 省 nor 市 nor 自治区")
    return Park(
        name=fields["name"],
        full_name=fields["full_name"],
        province=fields["province"],
        city=fields["city"],
        since=_year(fields.get("national_since", ""), place),
        aliases=_split(fields.get("aliases", "")),
        loose_aliases=_split(fields.get("loose_aliases", "")),
    )


def _year(text: str, place: Place) -> int | None:
    if not text:
        return None
    if not (text.isdecimal() and int(text) in _YEARS):
        raise place.error(f"national_since {text!r} is no year")
    return int(text)


def _split(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split("|") if word.strip())


def park_words(park: Park) -> list[str]:
    own = [] if park.full_name == park.name else [park.full_name]
    return [park.name, *own, *park.aliases, *park.loose_aliases]
