"""Zones that are no national high-tech zones and are named like them, from config/zones-other.csv."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dispatch.assets import config_dir
from dispatch.catalog.words import fold_word, province_short, zone_head

_HIGH_TECH = re.compile(r"高新(?:技术产业)?(?:开发区|园区|区)$")
_ECONOMIC = re.compile(r"经济技术开发区$")
_SHORT = (
    (_HIGH_TECH, ("高新区", "高新园区", "高新技术产业开发区", "高新技术产业园区")),
    (_ECONOMIC, ("经开区", "经济技术开发区", "经济开发区")),
)


@dataclass(frozen=True, slots=True)
class OtherZones:
    """`names` are the zones in the forms in use, `places` where a high-tech zone lies that is not national, `towns` the
    province, short, of each place with a zone of any kind."""

    names: frozenset[str]
    places: frozenset[str]
    towns: Mapping[str, str]


def other_zones() -> OtherZones:
    """The zones of the installation's list; empty without one."""
    path = config_dir() / "zones-other.csv"
    if not path.is_file():
        return OtherZones(frozenset(), frozenset(), {})
    names: set[str] = set()
    places: set[str] = set()
    towns: dict[str, str] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            province = province_short(row["province"])
            own = fold_word(row["name"])
            local = own.removeprefix(province).removeprefix("省")
            names |= {form for name in (own, local) for form in _forms(name)}
            places |= {head for head in (zone_head(local),) if len(head) > 1}
            town = _ECONOMIC.sub("", zone_head(local) or local)
            if 1 < len(town) < len(local):
                towns[town] = province
    return OtherZones(frozenset(names), frozenset(places), towns)


def _forms(name: str) -> Iterator[str]:
    yield name
    for ending, tails in _SHORT:
        head = ending.sub("", name)
        if head != name and len(head) > 1:
            yield from (head + tail for tail in tails)
