"""Every name and term of the catalog in one Aho-Corasick automaton."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from ahocorasick_rs import AhoCorasick, MatchKind

from dispatch.catalog import Catalog, Park, Topic
from dispatch.catalog.words import (
    RUNS_ON,
    ZONE_ENDING,
    fold,
    fold_word,
    plain_names,
    zone_beginnings,
    zone_head,
    zone_tails,
)
from dispatch.intake.other_zones import OtherZones
from dispatch.intake.passages import CREDIT, TITLE, Hit, Passage, Spans, without_overlaps, without_stray_blanks

# A name that ends so says that it is a zone; 中关村 or 光谷 alone do not.
_SAYS_ZONE = re.compile(r"[区园城]$")
# The longest part of a name that stands in one of two passages.
SEAM = 20
_LATIN = re.compile(r"[0-9a-z]")
# What goes on so after 合肥高新 is no park: 合肥高新技术, 合肥高新股份, 西安高新医院.
_NO_PARK_FOLLOWS = re.compile(
    r"[技企产科股集控投建综保国金资创发一二三四五六七八九十第(]|.{0,2}(?:医院|学校|小学|中学|幼儿园|银行|公司|集团)"
)


# 长春高新区块链有限公司 names 区块链, and 南昌高新区域 a region.
_RUNS_ON = re.compile(RUNS_ON)


# Where a topic's term stands and what it weighs; a counter-term weighs nothing.
_Term = tuple[int, int, Topic, float]


@dataclass(slots=True)
class _Meaning:
    """All that one string can stand for."""

    park: Park | None = None
    loose: Park | None = None
    begins: Park | None = None
    credited: Park | None = None
    tails: tuple[Park, ...] = ()
    elsewhere: bool = False
    zone: bool = False  # any of those above
    latin: bool = False
    terms: list[tuple[Topic, float]] = field(default_factory=list)
    counters: list[Topic] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ParkHit:
    """A name and a park that it means, for certain (`strict`) or with support; one that is `short` (合肥高新) needs the
    park's own name elsewhere."""

    hit: Hit
    park: Park
    strict: bool
    short: bool = False


@dataclass(frozen=True, slots=True)
class TermHit:
    hit: Hit
    topic: Topic
    weight: float


class Vocabulary:
    """Finds parks' names and topics' terms in one pass over a passage. The catalog is one as plain_catalog gives it."""

    def __init__(self, catalog: Catalog, others: OtherZones) -> None:
        meanings: defaultdict[str, _Meaning] = defaultdict(_Meaning)
        for name in others.names:
            meanings[name].elsewhere = True
        for park in catalog.parks:
            _add_park(meanings, park)
        for topic in catalog.topics:
            for term, weight in topic.terms:
                for spelling in _spellings(term):
                    meanings[spelling].terms.append((topic, weight))
            for term in topic.counter_terms:
                for spelling in _spellings(term):
                    meanings[spelling].counters.append(topic)
        for word, meaning in meanings.items():
            meaning.latin = _latin_ends(word)
            places = (meaning.park, meaning.loose, meaning.begins, meaning.credited, meaning.tails)
            meaning.zone = meaning.elsewhere or any(places)
        self._meanings = tuple(meanings.values())
        # Overlapping matches, because a park's name and each topic's terms are sorted out apart: 医药产业集群
        # is a sign of 生物医药 and of 产业集群.
        self._automaton = AhoCorasick(list(meanings), matchkind=MatchKind.Standard)

    def across(self, one: Passage, other: Passage) -> Iterator[ParkHit]:
        """Parks' names that begin at the end of a passage and end in the next (昆山高 / 新区); they are said to stand
        where they begin."""
        seam = Passage(one.where, one.block, one.text[-SEAM:] + other.text[:SEAM])
        cut = min(len(one.text), SEAM)
        for name in self.find(seam)[0]:
            if name.strict and name.hit.start < cut < name.hit.end:
                end = len(one.text)
                yield ParkHit(Hit(one, end - cut + name.hit.start, end), name.park, strict=True)

    def find(self, passage: Passage) -> tuple[list[ParkHit], list[TermHit]]:
        """The parks' names and the topics' terms in the passage, the longest at each place."""
        text = passage.text
        matches = [
            (meaning, start, end)
            for number, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True)
            if not (meaning := self._meanings[number]).latin or _whole_word(text, start, end)
        ]
        parks = list(_park_hits(passage, matches))
        names = Spans([(found.hit.start, found.hit.end) for found in parks])
        return parks, list(_term_hits(passage, matches, names))


def _spellings(term: str) -> set[str]:
    """A term as it can stand in a passage's text: micro led and microled, but 5g应用 alone for 5G 应用."""
    return {without_stray_blanks(" ".join(fold(term).split())), fold_word(term)}


def says_zone(name: str) -> bool:
    return _SAYS_ZONE.search(name) is not None


def _add_park(meanings: defaultdict[str, _Meaning], park: Park) -> None:
    for name in plain_names(park):
        meaning = meanings[fold_word(name)]
        if says_zone(name):
            meaning.park = park
        else:
            meaning.loose = park
    for beginning in zone_beginnings(park):
        meanings[fold_word(beginning)].begins = park
    for tail in zone_tails(park):
        meaning = meanings[fold_word(tail)]
        meaning.tails = (*meaning.tails, *(() if park in meaning.tails else (park,)))
    for alias in park.loose_aliases:
        meanings[fold_word(alias)].loose = park
    # (供稿:合肥高新): short, and in running text a company's name.
    if head := zone_head(park.name):
        meanings[f"{fold_word(head)}高新"].credited = park


def _park_hits(passage: Passage, matches: list[tuple[_Meaning, int, int]]) -> Iterator[ParkHit]:
    zones = (match for match in matches if match[0].zone)
    found = [here for meaning, start, end in zones for here in _names(passage, meaning, start, end)]
    for index in without_overlaps([(hit.start, hit.end) for hit, _, _, _ in found]):
        hit, parks, strict, short = found[index]
        for park in parks:
            yield ParkHit(hit, park, strict, short)


def _names(
    passage: Passage, meaning: _Meaning, start: int, end: int
) -> Iterator[tuple[Hit, tuple[Park, ...], bool, bool]]:
    """The name that begins here with the parks that it can mean, none where it is another zone's."""
    park, strict, short = meaning.park or meaning.loose, meaning.park is not None, False
    parks: tuple[Park, ...] = (park,) if park else ()
    if (meaning.begins or meaning.tails) and (ending := ZONE_ENDING.match(passage.text, end)):
        end, strict = ending.end(), meaning.begins is not None
        parks = (meaning.begins,) if meaning.begins else meaning.tails
    elif not parks and meaning.credited:
        strict = _stands_for_itself(passage, start, end)
        short = not strict
        parks = () if short and _NO_PARK_FOLLOWS.match(passage.text, end) else (meaning.credited,)
    if strict and passage.text[end - 1] == "区" and _RUNS_ON.match(passage.text, end):
        return
    if parks or meaning.elsewhere:
        yield Hit(passage, start, end), parks, strict, short


def _stands_for_itself(passage: Passage, start: int, end: int) -> bool:
    """A credit's end (供稿:合肥高新) or a title's beginning before a colon (合肥高新:打造…)."""
    if passage.where == CREDIT:
        return end == len(passage.text)
    return passage.where == TITLE and start == 0 and passage.text.startswith(":", end)


def _term_hits(passage: Passage, matches: list[tuple[_Meaning, int, int]], names: Spans) -> Iterator[TermHit]:
    """Each topic's terms by themselves; what stands inside a park's name or a counter-term is none."""
    by_topic: defaultdict[str, list[_Term]] = defaultdict(list)
    for meaning, start, end in matches:
        if names.around(start, end):
            continue
        for topic, weight in meaning.terms:
            by_topic[topic.key].append((start, end, topic, weight))
        for topic in meaning.counters:
            by_topic[topic.key].append((start, end, topic, 0.0))
    for found in by_topic.values():
        if len(found) > 1:
            found = [found[index] for index in without_overlaps([(start, end) for start, end, _, _ in found])]
        for start, end, topic, weight in found:
            if weight:
                yield TermHit(Hit(passage, start, end), topic, weight)


def _latin_ends(word: str) -> bool:
    return bool(_LATIN.match(word[0]) or _LATIN.match(word[-1]))


def _whole_word(text: str, start: int, end: int) -> bool:
    """Latin letters and digits are words only as a whole: no VR in `server`, no 5G in `15GB`."""
    cut_left = start > 0 and _LATIN.match(text[start]) and _LATIN.match(text[start - 1])
    cut_right = end < len(text) and _LATIN.match(text[end - 1]) and _LATIN.match(text[end])
    return not (cut_left or cut_right)
