"""Tags an article with the parks and topics in it, each with the passages that decided."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from dispatch.catalog import Catalog
from dispatch.intake.other_zones import other_zones
from dispatch.intake.park_rules import ParkRules
from dispatch.intake.passages import CREDIT, broken, passages
from dispatch.intake.plain_catalog import plain_catalog
from dispatch.intake.topic_rules import TopicBelow, topic_tags, topics_below
from dispatch.intake.vocabulary import ParkHit, TermHit, Vocabulary
from dispatch.model import Article, ParkTag


class Tagger:
    """Built once for a catalog, then used for any number of articles; it keeps nothing of them."""

    def __init__(self, catalog: Catalog) -> None:
        plain = plain_catalog(catalog)
        others = other_zones(plain)
        self._vocabulary = Vocabulary(plain, others)
        self._parks = ParkRules(plain, others)
        # The names of the parks that have another one in the catalog than in a text.
        pairs = zip(catalog.parks, plain.parks, strict=True)
        self._names = {looked_for.name: park.name for park, looked_for in pairs if park.name != looked_for.name}

    def tag(self, article: Article) -> Article:
        """The article with its parks (subjects first) and topics (highest score first) in place of any before."""
        parts = passages(article)
        found = [self._vocabulary.find(part) for part in parts]
        names = [name for parks, _ in found for name in parks]
        names += [name for one, other in broken(parts) for name in self._vocabulary.across(one, other)]
        parks = tuple(map(self._as_in_the_catalog, self._parks.tags(parts, names)))
        return dataclasses.replace(article, parks=parks, topics=topic_tags(parts, _terms(found)))

    def below(self, article: Article) -> tuple[TopicBelow, ...]:
        """The topics of which terms stand in the article and that `tag` does not give it, the nearest first."""
        parts = passages(article)
        return topics_below(parts, _terms(map(self._vocabulary.find, parts)))

    def _as_in_the_catalog(self, tag: ParkTag) -> ParkTag:
        return dataclasses.replace(tag, name=self._names[tag.name]) if tag.name in self._names else tag


def _terms(found: Iterable[tuple[list[ParkHit], list[TermHit]]]) -> list[TermHit]:
    """The terms that count for topics: who supplied an article says nothing of them."""
    return [term for _, here in found for term in here if term.hit.passage.where != CREDIT]
