"""The catalog in the characters in which texts are looked through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dispatch.catalog import Catalog, OtherZone, Park, Topic
from dispatch.intake.characters import simplified


def plain_catalog(catalog: Catalog) -> Catalog:
    """The catalog with all names and terms that are looked for folded and in simplified characters, as passages are:
    somebody may have written 南昌高新區 or ＡＩ into it. Keys, and the names of topics, stay as they are."""
    return replace(
        catalog,
        parks=tuple(map(_park, catalog.parks)),
        topics=tuple(map(_topic, catalog.topics)),
        zones=tuple(map(_zone, catalog.zones)),
    )


def _park(park: Park) -> Park:
    return replace(
        park,
        name=_name(park.name),
        full_name=_name(park.full_name),
        province=_name(park.province),
        city=_name(park.city),
        aliases=_names(park.aliases),
        loose_aliases=_names(park.loose_aliases),
    )


def _topic(topic: Topic) -> Topic:
    terms = tuple((simplified(term), weight) for term, weight in topic.terms)
    return replace(topic, terms=terms, counter_terms=tuple(map(simplified, topic.counter_terms)))


def _zone(zone: OtherZone) -> OtherZone:
    return replace(zone, name=_name(zone.name), province=_name(zone.province))


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(_name, names))


def _name(name: str) -> str:
    return "".join(simplified(name).split())
