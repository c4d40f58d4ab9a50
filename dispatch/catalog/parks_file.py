"""Reads parks.csv: a line a park, aliases separated by `|`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dispatch.catalog.carried import MENTIONS
from dispatch.catalog.english import key
from dispatch.catalog.source import Place, Told, check_province, read_table, refuse
from dispatch.catalog.values import Park
from dispatch.catalog.words import city_shorts, fold_word, means_any_zone
from dispatch.errors import CatalogError

_COLUMNS = ("name", "full_name", "province", "city", "national_since", "aliases", "loose_aliases", "name_en")
_REQUIRED = ("name", "full_name", "province", "city")
_SHORTEST_NAME, _SHORTEST_CITY = 3, 2
_YEARS = range(1980, 2100)


def read_parks(path: Path, told: Told = refuse) -> dict[str, tuple[Park, Place]]:
    """The parks of a file with their lines. What is wrong is `told`; where that raises nothing, a wrong line is left
    out. Raises CatalogError for a file that is no table of parks."""
    parks: dict[str, tuple[Park, Place]] = {}
    for fields, place in read_table(path, _COLUMNS, _REQUIRED, told):
        _add(parks, fields, place, told)
    return parks


def _add(parks: dict[str, tuple[Park, Place]], fields: Mapping[str, str], place: Place, told: Told) -> None:
    faults: list[CatalogError] = []
    park = _park(fields, place, faults.append)
    if park.name in parks:
        reason = f"the park {park.name} stands in line {parks[park.name][1].line} already"
        faults.append(place.error(reason, "make one line of the two"))
    for fault in faults:
        told(fault)
    if not faults:
        parks[park.name] = (park, place)


def _park(fields: Mapping[str, str], place: Place, told: Told) -> Park:
    for name in _REQUIRED:
        if not fields[name]:
            told(place.error(f"{name} is empty", "a park has a name, a full name, a province and a city"))
    check_province(fields["province"], place, told)
    _check_city(fields["city"], place, told)
    park = Park(
        name=fields["name"],
        full_name=fields["full_name"],
        province=fields["province"],
        city=fields["city"],
        since=_year(fields["national_since"], place, told),
        aliases=_split(fields["aliases"]),
        loose_aliases=_split(fields["loose_aliases"]),
        english=_split(fields["name_en"]),
    )
    _check_names(park, place, told)
    _check_english(park, place, told)
    return park


def _check_city(city: str, place: Place, told: Told) -> None:
    """The city is looked for without its rank, and so is each of 苏州市(昆山市)."""
    shorts = city_shorts(city)
    if city and (not shorts or min(map(len, shorts)) < _SHORTEST_CITY):
        reason = f"the city {city!r} is, without its rank, too short to be found in a text"
        told(place.error(reason, "write it in full: 郑州市, or 苏州市(昆山市)"))


def _check_names(park: Park, place: Place, told: Told) -> None:
    strict = dict.fromkeys(name for name in (park.name, park.full_name, *park.aliases) if name)
    for name in dict.fromkeys((*strict, *park.loose_aliases)):
        if MENTIONS in fold_word(name):
            told(place.error(f"{name!r} holds {MENTIONS}, which follows have at their end", "take it out"))
        elif means_any_zone(name):
            reason = f"{name!r} would be found wherever a text says so of any zone"
            told(place.error(reason, "write whose it is: 南昌高新区"))
        elif name in strict and len(fold_word(name)) < _SHORTEST_NAME:
            reason = f"{name!r} is shorter than {_SHORTEST_NAME} characters and would be found in other words"
            told(place.error(reason, "write it in full, or put it into loose_aliases"))


def _check_english(park: Park, place: Place, told: Told) -> None:
    for name in park.english:
        if not key(name):
            told(place.error(f"name_en {name!r} is not in English", "write it in Latin letters, or leave it out"))
        elif key(name) == key("High-tech Zone"):
            told(place.error(f"name_en {name!r} is that of any zone", "write whose it is: Nanchang High-tech Zone"))


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
