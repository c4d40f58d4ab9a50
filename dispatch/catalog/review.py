"""Looks the catalog's files over: all wrong lines, not the first alone, and what is allowed but hardly meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dispatch.assets import config_dir
from dispatch.catalog.files import Entries, read_entries
from dispatch.catalog.source import Place
from dispatch.catalog.strays import strays
from dispatch.catalog.values import OtherZone, Park
from dispatch.catalog.words import city_shorts, fold_word, province_short, written_forms, zone_head, zone_heads
from dispatch.errors import CatalogError

ERROR, WARNING = "error", "warning"
_DECISIVE = 3.0  # the weight of a term that says a topic alone


@dataclass(frozen=True, slots=True)
class Remark:
    """What is wrong with a line (`error`: the catalog is refused) or strange about it (`warning`). Line 0 is the file
    as a whole."""

    level: str
    file: str
    line: int
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Review:
    """What a look over the catalog found: how much stands in it, and the remarks, those of a file together."""

    parks: int
    topics: int
    bulletins: int
    zones: int
    remarks: tuple[Remark, ...]

    @property
    def errors(self) -> int:
        return sum(remark.level == ERROR for remark in self.remarks)

    @property
    def warnings(self) -> int:
        return len(self.remarks) - self.errors


def review(folder: Path | None = None, override: Path | None = None) -> Review:
    """Look over the catalog that `load_catalog` would load of these folders."""
    faults: list[CatalogError] = []
    entries = read_entries([folder or config_dir(), *([override] if override else [])], faults.append)
    remarks = [Remark(ERROR, fault.file, fault.line, fault.reason, fault.remedy) for fault in faults]
    remarks += _warnings(entries)
    remarks += _strays(folder, override)
    files = list(dict.fromkeys(remark.file for remark in remarks))
    remarks.sort(key=lambda remark: (files.index(remark.file), remark.line))
    return Review(
        len(entries.parks),
        len(entries.topics),
        len(entries.bulletins),
        len(entries.zones),
        tuple(dict.fromkeys(remarks)),
    )


def _strays(folder: Path | None, override: Path | None) -> Iterator[Remark]:
    found = strays(folder or config_dir(), own=False) + (strays(override) if override else [])
    for stray in found:
        yield _warning(Place(stray.path), stray.reason, stray.remedy)


def _warnings(entries: Entries) -> Iterator[Remark]:
    yield from _replaced(entries)
    yield from _taken_forms(entries)
    yield from _cities(entries)
    yield from _single_characters(entries)
    yield from _shared_terms(entries)
    yield from _idle_counter_terms(entries)
    yield from _unused_groups(entries)
    yield from _one_language(entries)
    yield from _zones_that_are_parks(entries)
    yield from _zones_that_hide_parks(entries)


def _replaced(entries: Entries) -> Iterator[Remark]:
    for what, before, now in entries.replaced:
        place = f"{before.path}, line {before.line}" if before.line else str(before.path)
        yield _warning(now, f"the {what} replaces that of {place}", "nothing, if it is meant to; else use another name")


def _taken_forms(entries: Entries) -> Iterator[Remark]:
    """Names that are another park's in a form that nobody wrote down, such as 南昌国家高新技术产业开发区."""
    forms: defaultdict[str, set[str]] = defaultdict(set)
    for park, _ in entries.parks.values():
        for form in written_forms(park):
            forms[fold_word(form)].add(park.name)
    for park, place in entries.parks.values():
        for name in _own_names(park):
            for other in sorted(forms[fold_word(name)] - {park.name}):
                yield _warning(place, f"{name!r} of {park.name} is a form of the name of {other}", "take it out here")


def _own_names(park: Park) -> Iterable[str]:
    return dict.fromkeys((park.name, park.full_name, *park.aliases, *park.loose_aliases))


def _cities(entries: Entries) -> Iterator[Remark]:
    """Names that are a place's: each article that names the place would be tagged."""
    places: dict[str, str] = {}
    for park, _ in entries.parks.values():
        shorts = (*city_shorts(park.city), province_short(park.province))
        places |= {fold_word(name): park.city for name in (park.city, park.province, *shorts)}
    for park, place in entries.parks.values():
        for name in dict.fromkeys((park.name, *park.aliases)):
            if fold_word(name) in places:
                yield _warning(place, f"{name!r} of {park.name} is the name of a city or province", "make it longer")


def _single_characters(entries: Entries) -> Iterator[Remark]:
    """Names and terms of one character, which stand in many other words; but for terms of which counter-terms tell some
    of those words."""
    for park, place in entries.parks.values():
        for name in park.loose_aliases:
            if len(fold_word(name)) == 1:
                yield _warning(place, f"the loose alias {name!r} of {park.name} is one character", "make it longer")
    for topic, place in entries.topics.values():
        for term, _ in topic.terms:
            word = fold_word(term)
            if len(word) == 1 and not any(word in fold_word(counter) for counter in topic.counter_terms):
                reason = f"the term {term!r} of {topic.key} is one character, which many words have"
                yield _warning(place.of(term), reason, "make it longer, or stop those words by counter-terms")


def _shared_terms(entries: Entries) -> Iterator[Remark]:
    owners: dict[str, str] = {}
    for topic, place in entries.topics.values():
        for term, weight in topic.terms:
            if weight >= _DECISIVE and owners.setdefault(fold_word(term), topic.key) != topic.key:
                other = owners[fold_word(term)]
                reason = f"the term {term!r} alone says the topic {topic.key}, and {other} too"
                yield _warning(place.of(term), reason, "weigh it less in one of them")


def _idle_counter_terms(entries: Entries) -> Iterator[Remark]:
    for topic, place in entries.topics.values():
        terms = [fold_word(term) for term, _ in topic.terms]
        for counter in topic.counter_terms:
            if not any(_meet(term, fold_word(counter)) for term in terms):
                reason = f"the counter-term {counter!r} of {topic.key} contains none of its terms"
                yield _warning(
                    place.of(counter), reason, "it does nothing: take it out, or add the term that it is to stop"
                )


def _meet(term: str, counter: str) -> bool:
    """Whether a counter-term can keep a term from counting: it contains it, or may begin before it and run into it."""
    return term in counter or any(counter.endswith(term[:size]) for size in range(1, len(term)))


def _unused_groups(entries: Entries) -> Iterator[Remark]:
    used = {topic.group for topic, _ in entries.topics.values()}
    for key, (_, place) in entries.groups.items():
        if key not in used:
            yield _warning(place, f"no topic is in the group {key}", "take it out, or name it in a topic")


def _one_language(entries: Entries) -> Iterator[Remark]:
    for key, (topic, place) in entries.topics.items():
        if not topic.description_en:
            reason = f"the topic {key} has no description_en: readers of English are shown the Chinese sentence"
            yield _warning(place, reason, 'add description_en = "…"')


def _zones_that_are_parks(entries: Entries) -> Iterator[Remark]:
    """Zones that became national: the line of the park counts, the one of the zone does nothing any more."""
    heads = zone_heads(park for park, _ in entries.parks.values())
    for zone, place in entries.zones.values():
        head = zone_head(_without_province(zone))
        if len(head) > 1 and head in heads:
            reason = f"the zone {zone.name} is the park {heads[head]}, which counts"
            yield _warning(place, reason, "take the line out, where the file is yours")


def _zones_that_hide_parks(entries: Entries) -> Iterator[Remark]:
    """Zones whose name begins before a park's and runs into it: the park is not seen there."""
    known = {fold_word(name) for park, _ in entries.parks.values() for name in _own_names(park)}
    behind: defaultdict[str, set[str]] = defaultdict(set)
    for park, _ in entries.parks.values():
        for name in map(fold_word, (park.name, park.full_name, *park.aliases)):
            for region in {park.province, province_short(park.province)}:
                if region + name not in known and not name.startswith(region):
                    behind[region].add(name)
    for zone, place in entries.zones.values():
        name = fold_word(zone.name)
        for region in {zone.province, province_short(zone.province)}:
            rest = name.removeprefix(region)
            for hidden in sorted(park for park in behind[region] if rest and rest != name and park.startswith(rest)):
                reason = f"the zone {zone.name} hides the park's name {region}{hidden}"
                yield _warning(place, reason, f"give the park the alias {region}{hidden}, or the zone a longer name")


def _without_province(zone: OtherZone) -> str:
    return fold_word(zone.name).removeprefix(province_short(zone.province)).removeprefix("省")


def _warning(place: Place, reason: str, remedy: str) -> Remark:
    return Remark(WARNING, str(place.path), place.line, reason, remedy)
