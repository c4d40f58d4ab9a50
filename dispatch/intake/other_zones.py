"""Zones that are no national high-tech zones and are named like them, from the catalog's zones-other.csv."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dispatch.catalog import Catalog
from dispatch.catalog.words import fold_word, province_short, zone_head, zone_heads

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


def other_zones(catalog: Catalog) -> OtherZones:
    """The catalog's other zones. One that is a park by now, in the same or another file, is a park."""
    national = zone_heads(catalog.parks)
    names: set[str] = set()
    places: set[str] = set()
    towns: dict[str, str] = {}
    for zone in catalog.zones:
        province = province_short(zone.province)
        own = fold_word(zone.name)
        local = own.removeprefix(province).removeprefix("省")
        head = zone_head(local)
        if len(head) > 1 and head in national:
            continue
        names |= {form for name in (own, local) for form in _forms(name)}
        if len(head) > 1:
            places.add(head)
        town = _ECONOMIC.sub("", head or local)
        if 1 < len(town) < len(local):
            towns[town] = province
    return OtherZones(frozenset(names), frozenset(places), towns)


def _forms(name: str) -> Iterator[str]:
    yield name
    for ending, tails in _SHORT:
        head = ending.sub("", name)
        if head != name and len(head) > 1:
            yield from (head + tail for tail in tails)
