"""Reads parks.csv: a line a park, aliases separated by `|`."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from dispatch.catalog.source import Place, Told, read_text, refuse
from dispatch.catalog.values import Park
from dispatch.errors import CatalogError

_COLUMNS = ("name", "full_name", "province", "city", "national_since", "aliases", "loose_aliases")
_REQUIRED = ("name", "full_name", "province", "city")
_PROVINCE = re.compile(r".+(省|市|自治区|特别行政区)")
_YEARS = range(1980, 2100)


def read_parks(path: Path, told: Told = refuse) -> dict[str, tuple[Park, Place]]:
    """The parks of a file with their lines. What is wrong is `told`; where that raises nothing, a wrong line is left
    out. Raises CatalogError for a file that is no table of parks."""
    rows = csv.reader(io.StringIO(read_text(path)), strict=True)
    parks: dict[str, tuple[Park, Place]] = {}
    try:
        header = [cell.strip() for cell in next(rows, [])]
        _check_header(header, Place(path, 1))
        for row in rows:
            if any(cell.strip() for cell in row):
                _add(parks, header, row, Place(path, rows.line_num), told)
    except csv.Error as error:
        remedy = 'a field with a comma or a quote stands in "…", a quote in it is doubled'
        raise Place(path, rows.line_num).error(f"not CSV: {error}", remedy) from error
    return parks


def _add(
    parks: dict[str, tuple[Park, Place]], header: Sequence[str], row: Sequence[str], place: Place, told: Told
) -> None:
    faults: list[CatalogError] = []
    park = _park(header, row, place, faults.append)
    if park is not None and park.name in parks:
        reason = f"the park {park.name} stands in line {parks[park.name][1].line} already"
        faults.append(place.error(reason, "make one line of the two"))
    for fault in faults:
        told(fault)
    if park is not None and not faults:
        parks[park.name] = (park, place)


def _check_header(header: Sequence[str], place: Place) -> None:
    remedy = f"the first line names the columns: {','.join(_COLUMNS)}"
    if missing := [name for name in _REQUIRED if name not in header]:
        raise place.error(f"the column {missing[0]} is missing", remedy)
    if unknown := [name for name in header if name not in _COLUMNS]:
        raise place.error(f"unknown column {unknown[0]!r}", remedy)
    if len(set(header)) < len(header):
        raise place.error("a column is named twice", remedy)


def _park(header: Sequence[str], row: Sequence[str], place: Place, told: Told) -> Park | None:
    if len(row) != len(header):
        told(place.error(f"{len(row)} fields, but the header has {len(header)}", "a comma for each, empty ones too"))
        return None
    fields = dict(zip(header, (cell.strip() for cell in row), strict=True))
    for name in _REQUIRED:
        if not fields[name]:
            told(place.error(f"{name} is empty", "a park has a name, a full name, a province and a city"))
    province = fields["province"]
    if province and not _PROVINCE.fullmatch(province):
        told(place.error(f"the province {province!r} ends neither in 省 nor 市 nor 自治区", "write it in full: 江西省"))
    return Park(
        name=fields["name"],
        full_name=fields["full_name"],
        province=province,
        city=fields["city"],
        since=_year(fields.get("national_since", ""), place, told),
        aliases=_split(fields.get("aliases", "")),
        loose_aliases=_split(fields.get("loose_aliases", "")),
    )


def _year(text: str, place: Place, told: Told) -> int | None:
    if text and not (text.isdecimal() and int(text) in _YEARS):
        told(place.error(f"national_since {text!r} is no year", "four digits, or nothing where it is not known"))
        return None
    return int(text) if text else None


def _split(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split("|") if word.strip())


def park_words(park: Park) -> list[str]:
    own = [] if park.full_name == park.name else [park.full_name]
    return [park.name, *own, *park.aliases, *park.loose_aliases]
