"""Reads zones-other.csv: a line a zone that is no national high-tech zone and is named like one."""

from __future__ import annotations

from pathlib import Path

from dispatch.catalog.source import Place, Told, check_province, read_table, refuse
from dispatch.catalog.values import OtherZone
from dispatch.catalog.words import means_any_zone

_COLUMNS = ("name", "province", "kind")


def read_zones(path: Path, told: Told = refuse) -> dict[str, tuple[OtherZone, Place]]:
    """The zones of a file with their lines. What is wrong is `told`; where that raises nothing, a wrong line is left
    out. Raises CatalogError for a file that is no table of zones."""
    zones: dict[str, tuple[OtherZone, Place]] = {}
    for fields, place in read_table(path, _COLUMNS, _COLUMNS, told):
        missing = [name for name in _COLUMNS if not fields[name]]
        for name in missing:
            told(place.error(f"{name} is empty", "a zone has a name, a province and a kind"))
        nobodys = bool(fields["name"]) and means_any_zone(fields["name"])
        if nobodys:
            reason = f"{fields['name']!r} would be found wherever a text says so of any zone"
            told(place.error(reason, "write whose it is: 赣州高新技术产业开发区"))
        whole = check_province(fields["province"], place, told)
        if fields["name"] in zones:
            reason = f"the zone {fields['name']} stands in line {zones[fields['name']][1].line} already"
            told(place.error(reason, "make one line of the two"))
        elif whole and not missing and not nobodys:
            zones[fields["name"]] = (OtherZone(**fields), place)
    return zones
