"""Tags an article with the parks and topics in it, each with the passages that decided."""

from __future__ import annotations

import dataclasses

from dispatch.catalog import Catalog
from dispatch.intake.other_zones import other_zones
from dispatch.intake.park_rules import ParkRules
from dispatch.intake.passages import CREDIT, broken, passages
from dispatch.intake.topic_rules import topic_tags
from dispatch.intake.vocabulary import Vocabulary
from dispatch.model import Article


class Tagger:
    """Built once for a catalog, then used for any number of articles; it keeps nothing of them."""

    def __init__(self, catalog: Catalog) -> None:
        others = other_zones(catalog)
        self._vocabulary = Vocabulary(catalog, others)
        self._parks = ParkRules(catalog, others)

    def tag(self, article: Article) -> Article:
        """The article with its parks (subjects first) and topics (highest score first) in place of any before."""
        parts = passages(article)
        found = [self._vocabulary.find(part) for part in parts]
        names = [name for parks, _ in found for name in parks]
        names += [name for one, other in broken(parts) for name in self._vocabulary.across(one, other)]
        terms = [term for _, here in found for term in here if term.hit.passage.where != CREDIT]
        return dataclasses.replace(article, parks=self._parks.tags(parts, names), topics=topic_tags(parts, terms))
