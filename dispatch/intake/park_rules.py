"""Which names in an article are parks, and whether it is about them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from dispatch.catalog import Catalog, Park
from dispatch.catalog.words import city_shorts, fold, province_short
from dispatch.intake.passages import CREDIT, TEXT, TITLE, Hit, Passage, Spans, lead
from dispatch.intake.shared_names import SharedNames
from dispatch.intake.vocabulary import ParkHit, park_heads, says_zone
from dispatch.model import Evidence, ParkTag, Role

# A lead that lists more parks than this is about none of them in particular.
_LEAD_PARKS = 2
# A park in the text only is a subject from so many times and this share of all parks' names.
_DOMINANT_TIMES = 3
_DOMINANT_SHARE = 0.35
# A loose alias that an article repeats so often, naming its city too, is what the article is about.
_REPEATED = 3
_EVIDENCE = 12

_BETWEEN = re.compile(r"(?:以及|[、和与及])")
# What makes a loose alias a park: 中关村示范区, 张江科学城, 光谷管委会.
_ZONE_FOLLOWS = re.compile(r"(?:国家)?(?:自主创新|高新|示范区|自创区|科技园|科学城|科创|核心区|园区|管委会|生物城)")
# What makes it something else: 中关村在线, 光谷院区, 张江路, 松山湖景区, 中关村一小.
_ELSE_FOLLOWS = re.compile(
    r"[^,。、;:!?()《》“”及和与]{0,5}?(?:医院|院区|大街|步行街|大道|[东南西北]?路(?!演|径|线|上)|镇|街道|社区|小学|中学|[一二三四]小"
    r"|学校|幼儿园|派出所|地铁|车站|站台|市场|卖场|商城|商圈|在线|网站|论坛|支行|分行|银行|酒店|大厦|广场|公园|景区"
    r"|马拉松|股份|电子城|电脑城)"
)
# Companies and universities that carry the name: 中电光谷.
_ELSE_BEFORE = ("中电", "联想", "大学", "学院")
# 天津滨海—中关村科技园 is one name; a double dash is punctuation.
_JOINED = re.compile(r"[\u4e00-\u9fff]{2}[·・\-—–]")
_PERSON_BEFORE = (
    *("书记", "主任", "局长", "处长", "院长", "校长", "董事长", "总经理"),
    *("教授", "院士", "同志", "记者", "作者", "研究员", "博士"),
)
_PERSON_AFTER = re.compile(r"[\u4e00-\u9fff]?(?:同志|教授|院士|博士|先生|女士|表示|指出|强调|介绍说|主持|致辞|说,|说:)")

_BARE = re.compile(r"(?<![\u4e00-\u9fff])高新区|(?<=[了在为对到于由从让使向的将把以全])高新区|我区")
_OTHER_ZONE = re.compile(r"[\u4e00-\u9fff]{2}高新(?:技术产业)?(?:开发区|园区|区)")
_ANY_ZONE = re.compile(r"(?:国家级?|省级|全国|各|全省|全市|一流|级)高新|[了在为对到于由从让使向的将把以全]高新")


class ParkRules:
    """Judges the names found in one article after the other; holds only what the catalog says."""

    def __init__(self, catalog: Catalog) -> None:
        self._shared = SharedNames(park_heads(catalog))
        self._places = _places(catalog.parks)
        self._lengths = sorted(set(map(len, self._places)))
        self._by_city = _by_city(catalog.parks)

    def tags(self, parts: Sequence[Passage], found: Iterable[ParkHit]) -> tuple[ParkTag, ...]:
        """The parks of an article: subjects first, each group in the order of appearance."""
        hits = self._hits(parts, list(found))
        subjects = _subjects(parts, hits)
        if not subjects and (bare := self._bare(parts)):
            park, words = bare
            hits[park.name] = [*words, *hits.get(park.name, [])]
            subjects = {park.name}
        tags = [
            ParkTag(name, Role.SUBJECT if name in subjects else Role.MENTION, _evidence(own))
            for name, own in hits.items()
        ]
        return tuple(sorted(tags, key=lambda tag: tag.role is Role.MENTION))

    def _hits(self, parts: Sequence[Passage], found: list[ParkHit]) -> dict[str, list[Hit]]:
        """The believed names of each park in the order of the text."""
        named = _named_spans(parts, found)
        strict = [name for name in found if name.strict and self._stands(name)]
        shared = [
            ParkHit(hit, park, True)
            for part in parts
            for hit, park in self._shared.find(part)
            if not named[id(part)].around(hit.start, hit.end)
        ]
        certain = {name.park.name for name in (*strict, *shared)}
        loose = [name for name in found if not name.strict and self._possible(name)]
        said = _said_places(parts, loose)
        listed = _listed(found)
        certain |= _repeated(loose, said)
        loose = [name for name in loose if _supported(name, certain, said, listed)]
        order = {id(part): number for number, part in enumerate(parts)}
        believed = sorted(
            (*strict, *shared, *loose),
            key=lambda name: (order[id(name.hit.passage)], name.hit.start, -name.hit.end),
        )
        hits: defaultdict[str, list[Hit]] = defaultdict(list)
        for name in believed:
            own = hits[name.park.name]
            if not (own and own[-1].passage is name.hit.passage and name.hit.start < own[-1].end):
                own.append(name.hit)
        return dict(hits)

    def _stands(self, name: ParkHit) -> bool:
        """A strict name means its park unless it goes on (苏州高新区综合保税区) or begins elsewhere
        (天津滨海—中关村科技园)."""
        if re.match(r"(?:综合)?保税|出口加工", name.hit.after):
            return False
        borrowed = any(name.hit.word.startswith(fold(word)) for word in _loose_words(name.park))
        return not (borrowed and self._elsewhere(name))

    def _elsewhere(self, name: ParkHit) -> bool:
        """Another place stands right before the name: 保定·中关村, 江苏中关村, 成都光谷."""
        own = _own_places(name.park)
        before = name.hit.before
        joined = before.removesuffix("\n")
        if _JOINED.fullmatch(joined[-3:]):
            before = joined[:-1]
            if not before.endswith(own):
                return True
        else:
            before = before.rstrip("省市")
        return any((end := before[-length:]) in self._places and end not in own for length in self._lengths)

    def _possible(self, name: ParkHit) -> bool:
        """Nothing beside a loose alias says that it is something else."""
        hit = name.hit
        other = _ELSE_FOLLOWS.match(hit.after) or hit.before.endswith(_ELSE_BEFORE) or _is_person(hit)
        return not other and not self._elsewhere(name)

    def _bare(self, parts: Sequence[Passage]) -> tuple[Park, list[Hit]] | None:
        """The one park that 高新区 or 我区 alone can mean, by the city that title, credit or lead names."""
        opening = [part for part in (*parts[:2], lead(parts)) if part]
        words = [Hit(part, *found.span()) for part in opening for found in _BARE.finditer(part.text)]
        if not words or any(_names_other_zone(part.text) for part in opening):
            return None
        cities = {city for part in opening for city in self._by_city if f"{city}市" in part.text}
        cities |= {city for part in opening[:2] for city in self._by_city if part.text.startswith(city)}
        parks = {park.name: park for city in cities for park in self._by_city[city]}
        return (next(iter(parks.values())), words) if len(parks) == 1 else None


def _named_spans(parts: Iterable[Passage], found: Iterable[ParkHit]) -> dict[int, Spans]:
    """Where names stand in each passage, by the passage's id: its hash would be that of the whole text."""
    spans: dict[int, list[tuple[int, int]]] = {id(part): [] for part in parts}
    for name in found:
        spans[id(name.hit.passage)].append((name.hit.start, name.hit.end))
    return {key: Spans(own) for key, own in spans.items()}


def _said_places(parts: Iterable[Passage], names: Iterable[ParkHit]) -> set[str]:
    """Those of the parks' own places that the article says: each is looked for once, however often its park stands."""
    text = "\n".join(part.text for part in parts)
    parks = {name.park.name: name.park for name in names}
    return {place for park in parks.values() for place in _own_places(park) if place in text}


def _repeated(loose: Iterable[ParkHit], said: set[str]) -> set[str]:
    times = Counter(name.park.name for name in loose)
    near = {name.park.name for name in loose if not said.isdisjoint(_own_places(name.park))}
    return {park for park in near if times[park] >= _REPEATED}


def _supported(name: ParkHit, certain: set[str], said: set[str], listed: set[int]) -> bool:
    """Something beside a loose alias, or elsewhere in the article, says that it is the park."""
    hit = name.hit
    if name.park.name in certain or hit.passage.where == CREDIT:
        return True
    if says_zone(hit.word):
        return not said.isdisjoint(city_shorts(name.park.city))
    headline = hit.passage.where == TITLE and hit.start == 0 and hit.after.startswith(":")
    beside = id(name) in listed or _is_beside(hit, _own_places(name.park))
    return headline or beside or _ZONE_FOLLOWS.match(hit.after) is not None


def _is_beside(hit: Hit, places: tuple[str, ...]) -> bool:
    """One of the places is in the name or right before it: 北京中关村, 武汉市·光谷."""
    before = hit.before.removesuffix("·")
    ranked = before[:-1] if before.endswith(("省", "市")) else before
    return before.endswith(places) or ranked.endswith(places) or any(place in hit.word for place in places)


def _is_person(hit: Hit) -> bool:
    """张江 after an office or before a verb of speech is a man."""
    return hit.before.endswith(_PERSON_BEFORE) or _PERSON_AFTER.match(hit.after) is not None


def _listed(found: Iterable[ParkHit]) -> set[int]:
    """The ids of the names that stand beside another park's: 中关村、张江、光谷.

    `found` is in the order of the text, so that names beside each other are neighbours in it.
    """
    listed: set[int] = set()
    for first, second in pairwise(found):
        together = first.hit.passage is second.hit.passage and first.park is not second.park
        if together and _BETWEEN.fullmatch(first.hit.passage.text, first.hit.end, second.hit.start):
            listed |= {id(first), id(second)}
    return listed


def _names_other_zone(text: str) -> bool:
    return any(not _ANY_ZONE.search(found[0]) for found in _OTHER_ZONE.finditer(text))


def _subjects(parts: Sequence[Passage], hits: Mapping[str, Sequence[Hit]]) -> set[str]:
    named = {name for name, own in hits.items() if any(hit.passage.where in (TITLE, CREDIT) for hit in own)}
    times = Counter({name: sum(hit.passage.where == TEXT for hit in own) for name, own in hits.items()})
    enough = max(_DOMINANT_TIMES, _DOMINANT_SHARE * times.total())
    dominant = {name for name, count in times.items() if count >= enough}
    if named or dominant:
        return named | dominant
    first = lead(parts)
    leading = {name for name, own in hits.items() if any(hit.passage is first for hit in own)}
    return leading if len(leading) <= _LEAD_PARKS else set()


def _evidence(hits: Sequence[Hit]) -> tuple[Evidence, ...]:
    return tuple(hit.evidence() for hit in hits[:_EVIDENCE])


def _loose_words(park: Park) -> tuple[str, ...]:
    return (*park.loose_aliases, *(() if says_zone(park.name) else (park.name,)))


@lru_cache(maxsize=1024)
def _own_places(park: Park) -> tuple[str, ...]:
    """The park's cities and province, short."""
    return (*city_shorts(park.city), province_short(park.province))


def _places(parks: Iterable[Park]) -> frozenset[str]:
    """All provinces and cities of the catalog, short."""
    return frozenset(place for park in parks for place in _own_places(park) if len(place) > 1)


def _by_city(parks: Iterable[Park]) -> dict[str, list[Park]]:
    """The parks called 高新区 of each city, the smallest city that a park lies in."""
    cities: defaultdict[str, list[Park]] = defaultdict(list)
    for park in parks:
        if park.name.endswith("高新区"):
            cities[city_shorts(park.city)[-1]].append(park)
    return dict(cities)
