"""Which names in an article are parks, and whether it is about them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from dispatch.catalog import Catalog, Park
from dispatch.catalog.words import RUNS_ON, city_shorts, fold, province_short
from dispatch.intake.examples import is_example, names_companies_alone
from dispatch.intake.named_zones import NamedZones
from dispatch.intake.other_zones import OtherZones
from dispatch.intake.park_roles import is_compared, is_one_of_places, is_venue, subject_names
from dispatch.intake.passages import CREDIT, TEXT, TITLE, Hit, Passage, Spans, lead
from dispatch.intake.shared_names import SharedNames
from dispatch.intake.vocabulary import ParkHit, says_zone
from dispatch.model import Evidence, ParkTag, Role

# A loose alias that an article repeats so often, naming its city too, is what the article is about.
_REPEATED = 3
_EVIDENCE = 12

_BETWEEN = re.compile(r"(?:以及|[、和与及])([\u4e00-\u9fff]{0,4})")
# What makes a loose alias a park: 中关村示范区, 张江科学城, 光谷管委会, 中关村海淀园.
_ZONE_FOLLOWS = re.compile(
    r"(?:国家)?(?:自主创新|高新|示范区|自创区|科技园|科学城|科创|核心区|园区|管委会|管理委员会|党工委|生物城|软件园"
    r"|生命科学园|集成电路|药谷|企业|创业者|模式|经验|获批)"
    r"|(?:海淀|昌平|丰台|朝阳|通州|大兴|石景山|顺义|门头沟|房山|怀柔|延庆|平谷|密云|东城|西城)园"
)
# Companies come from a park, people from a place: 来自中关村的17家企业.
_COMPANIES_FOLLOW = re.compile(
    r"的?[\d一二两三四五六七八九十百多余几]{0,4}[家个支]?[^,。;:!?的]{0,6}(?:企业|公司|团队|机构|项目)"
)
_ITS_COMPANIES_FOLLOW = re.compile(r"的[\d一二两三四五六七八九十百多余几]{1,4}家[^,。;:!?的]{0,6}企业")
# An article about high-tech zones means zones by such names: 国家高新区上市企业分布, 自2009年中关村获批以来.
_OF_ZONES = re.compile(r"国家高新区|国家自主创新示范区|国家自创区")
# What makes it something else: 中关村在线, 光谷院区, 张江路, 松山湖景区, 中关村一小.
_ELSE_FOLLOWS = re.compile(
    r"[^,。、;:!?()《》“”及和与]{0,5}?(?:医院|院区|大街|步行街|大道|[东南西北]?(?<![电线思出链])路(?!演|径|线|上)"
    r"|镇|街道|社区|小学|中学|[一二三四]小"
    r"|学校|学院|幼儿园|附小|附中|派出所|法庭|地铁|车站|站台|市场|卖场|商城|商圈|在线|网站|支行|分行|银行|酒店|饭店|大厦"
    r"|球场|体育场|体育馆|(?:网球|体育|会展|购物|文化)中心|博物馆|图书馆|美术馆|剧院|剧场|音乐厅|广场|公园|景区|夜市|书店|影院|影城|门诊|药店|校区|小区|立交|高架|马拉松|大走廊|股份|有限公司|集团|电子城|电脑城)"
    r"|信息谷|[ae]谷|科金|科技租赁|高科(?!技)|传递|接力|手(?![机术续段游])"
)
# A school or a hospital that is called after a park: 西安高新区第一小学.
_HOUSE_FOLLOWS = re.compile(
    r"(?:第?[一二三四五六七八九十\d]{1,3}|中心|实验|外国语|国际|人民|中医|附属){1,3}(?:小学|中学|小|中|学校|幼儿园|医院)(?![微企])"
)
# What stands in another place though a word lies between: 在雄安新区,中关村科技园; 廊坊的中关村信息谷.
_BRANCH_HOUSE = re.compile(r"(?:科技园|科学城|产业园|信息谷|创新中心|创新基地|软件园)")
_HOUSE_REACH = 6
_PARTED = re.compile(r"(?:的|(?<=区),)$")

# Another place after the name makes it a branch there: 中关村贵阳科技园, 光谷黄冈产业园.
_BRANCH = (
    r"(?:药谷|科技|高科|软件|国际)?[·・\-—–(]?({places})(?:市|新区|州)?\)?"
    r"[^,。、;:!?()]{{0,8}}?(?:园|基地|中心|科学城|科技城|创新城|新城|智谷|药谷|港|院|分)"
)
# Companies and universities that carry the name: 中电光谷.
_ELSE_BEFORE = ("中电", "联想", "大学", "学院")
# 天津滨海—中关村科技园 is one name; a double dash is punctuation.
_JOINED = re.compile(r"[\u4e00-\u9fff]{2}[·・\-—–]")
_RANK_END = re.compile(r"(?:省|市|州|县|地区|新区)$")
_PERSON_BEFORE = (
    *("书记", "主任", "局长", "处长", "院长", "校长", "董事长", "总经理"),
    *("教授", "院士", "同志", "记者", "作者", "研究员", "博士"),
)
_PERSON_AFTER = re.compile(r"[\u4e00-\u9fff]?(?:同志|教授|院士|博士|先生|女士|表示|指出|强调|介绍说|主持|致辞|说,|说:)")

_WORDS_BEFORE = "了在为对到于由从让使向的将把以全与和及、赴该本携经至"
# Who goes to 高新区 or does something with it means the city's own; who supports or promotes it may mean any.
_VERBS_BEFORE = (
    *("联合", "携手", "会同", "协同", "联手", "牵手", "对接", "陪同", "邀请", "依托", "落户", "入驻", "进驻", "位于"),
    *("深入", "走访", "走进", "来到", "前往", "抵达", "调研", "考察"),
)
_BARE = re.compile(
    rf"(?:(?<![一-鿿])|(?<=[{_WORDS_BEFORE}])|(?<={'|'.join(_VERBS_BEFORE)}))高新园?区(?!{RUNS_ON})"
    r"|[我本]区(?![别分域间隔]|块链)"
)
# 高新区 beside a district or another zone of its city: 涪城区、高新区; 经开区、高新区、保税区.
# The looks behind come after the word, so that the word is what is searched for.
_BARE_ZONE = re.compile(
    rf"高新区(?!{RUNS_ON})(?:(?<=[区县市园城][、和与及]高新区)"
    r"|(?<![\u4e00-\u9fff]高新区)(?=[、和与及][\u4e00-\u9fff]{1,8}[区县市园城]))"
)


class ParkRules:
    """Judges the names found in one article after the other; holds only what the catalog says."""

    def __init__(self, catalog: Catalog, others: OtherZones) -> None:
        self._shared = SharedNames.of(catalog)
        self._places = _places(catalog.parks)
        self._lengths = sorted(set(map(len, self._places)))
        self._towns = {town: province for town, province in others.towns.items() if town not in self._places}
        self._branch = _branch(self._places | set(self._towns))
        self._by_city = _by_city(catalog.parks)
        self._parks = {park.name: park for park in catalog.parks}
        self._cities = _one_of(self._by_city)
        self._other_places = _one_of(others.places - set(self._by_city))
        cities = {city for park in catalog.parks for city in city_shorts(park.city)}
        self._zones = NamedZones(cities | others.places | set(others.towns))

    def tags(self, parts: Sequence[Passage], found: Iterable[ParkHit]) -> tuple[ParkTag, ...]:
        """The parks of an article: subjects first, each group in the order of appearance."""
        names = list(found)
        hits = self._hits(parts, names)
        subjects = subject_names(parts, hits, self._other_zones(parts, hits, names)) - self._in_passing(parts, hits)
        if (not subjects or _BARE.search(parts[0].text)) and (bare := self._bare(parts, hits)):
            park, words = bare
            hits[park.name] = [*words, *hits.get(park.name, [])]
            if not all(map(is_venue, words)):
                subjects |= {park.name}
        elif beside := self._beside(parts, hits):
            park, words = beside
            hits[park.name] = words
        tags = [
            ParkTag(name, Role.SUBJECT if name in subjects else Role.MENTION, _evidence(own))
            for name, own in hits.items()
        ]
        return tuple(sorted(tags, key=lambda tag: tag.role is Role.MENTION))

    def _hits(self, parts: Sequence[Passage], found: list[ParkHit]) -> dict[str, list[Hit]]:
        """The believed names of each park in the order of the text."""
        named = _named_spans(parts, (name for name in found if name.strict))
        strict = [name for name in found if name.strict and self._stands(name)]
        shared = [
            ParkHit(hit, park, True)
            for part in parts
            for shared in self._shared
            for hit, park in shared.find(part)
            if not named[id(part)].around(hit.start, hit.end)
        ]
        certain = {name.park.name for name in (*strict, *shared)}
        people = {name.hit.word for name in found if not name.strict and _is_person(name.hit)}
        loose = [
            name
            for name in found
            if not name.strict and self._possible(name) and (name.hit.word not in people or name.park.name in certain)
        ]
        said = _said_places(parts, loose)
        order = {id(part): number for number, part in enumerate(parts)}
        listed = _listed(sorted((*found, *shared), key=lambda name: (order[id(name.hit.passage)], name.hit.start)))
        certain |= _repeated(loose, said)
        if certain and any(map(_OF_ZONES.search, (part.text for part in parts))):
            certain |= {name.park.name for name in loose if not name.short}
        loose = list(_unambiguous([name for name in loose if _supported(name, certain, said, listed)], certain))
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

    def _other_zones(
        self, parts: Sequence[Passage], hits: Mapping[str, Sequence[Hit]], names: Iterable[ParkHit]
    ) -> list[Hit]:
        """The zones that are none of the article's parks, with those that borrow a park's name elsewhere."""
        parks = _park_spans(parts, hits)
        rejected = (
            name.hit
            for name in names
            if not parks[id(name.hit.passage)].around(name.hit.start, name.hit.end)
            if _is_branch_house(name.hit) and _borrows(name) and self._elsewhere(name)
        )
        return [*(zone for part in parts for zone in self._zones.all(part, parks[id(part)])), *rejected]

    def _in_passing(self, parts: Sequence[Passage], hits: Mapping[str, Sequence[Hit]]) -> set[str]:
        """The parks named once in the text of an article that another city supplied (太仓市商务局), and not at the
        beginning of one whose title begins with another place's name (庐江县引进电池企业): what that place does is
        told. So are those of which another city names the companies alone, and those that are examples."""
        actor, city, first = self._zones.actor(parts[0].text), self._zones.city(parts[1].text), lead(parts)
        guests = {name for name, own in hits.items() if _is_once_in_text(own) or names_companies_alone(own)}
        return {
            name
            for name, own in hits.items()
            if (name in guests and self._is_elsewhere(city, name))
            or (_is_once_in_text(own) and not _opens(own[0], first) and self._is_elsewhere(actor, name))
            or is_example(parts, own, city_shorts(self._parks[name].city))
        }

    def _is_elsewhere(self, place: str, name: str) -> bool:
        """The place is known and none of the park's own."""
        return bool(place) and place not in name and place not in _own_places(self._parks[name])

    def _stands(self, name: ParkHit) -> bool:
        """A strict name means its park unless it goes on (苏州高新区综合保税区) or begins elsewhere
        (天津滨海—中关村科技园)."""
        if re.match(r"(?:综合)?保税|出口加工", name.hit.after) or _HOUSE_FOLLOWS.match(name.hit.after):
            return False
        return not (_borrows(name) and self._elsewhere(name))

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
            before = _RANK_END.sub("", _PARTED.sub("", before) if _is_branch_house(name.hit) else before)
        if any((end := before[-length:]) in self._places and end not in own for length in self._lengths):
            return True
        branch = self._branch.match(name.hit.after)
        return branch is not None and branch[1] not in own and self._towns.get(branch[1]) not in own

    def _possible(self, name: ParkHit) -> bool:
        """Nothing beside a loose alias says that it is something else."""
        hit = name.hit
        other = _ELSE_FOLLOWS.match(hit.after) or hit.before.endswith(_ELSE_BEFORE) or _is_person(hit)
        return not other and not self._elsewhere(name)

    def _bare(self, parts: Sequence[Passage], hits: Mapping[str, Sequence[Hit]]) -> tuple[Park, list[Hit]] | None:
        """The one park that 高新区 or 我区 alone can mean, by the city that credit, title, lead or text names."""
        title, credit = parts[:2]
        opening = [part for part in (title, credit, lead(parts)) if part]
        found = [Hit(part, *found.span()) for part in opening for found in _BARE.finditer(part.text)]
        words = [word for word in found if not is_one_of_places(word)]
        if not words or any(self._names_other_zone(part, hits) for part in opening):
            return None
        # What stands in the lead alone may be said of high-tech zones at large: 会议在南昌市召开,对高新区提出要求.
        certain = any(word.passage is not opening[-1] or len(opening) < 3 for word in words)
        for part in (credit, title, *(parts[2:] if certain else ())):
            if parks := self._parks_of(part, hits):
                return (parks[0], words) if len(parks) == 1 else None
        return None

    def _beside(self, parts: Sequence[Passage], hits: Mapping[str, Sequence[Hit]]) -> tuple[Park, list[Hit]] | None:
        """The park that a city's own news names as one of its districts: 涪城区、高新区 in a text of 绵阳市科技局."""
        words = [Hit(part, *found.span()) for part in parts[2:] for found in _BARE_ZONE.finditer(part.text)]
        if not words or any(self._names_other_zone(part, hits) for part in parts):
            return None
        for part in parts[:2][::-1]:
            if parks := self._parks_of(part, hits):
                return (parks[0], words) if len(parks) == 1 and parks[0].name not in hits else None
        return None

    def _parks_of(self, part: Passage, hits: Container[str]) -> list[Park]:
        """The parks that 高新区 can mean where a passage names their city; several where that is open. Those that the
        article names by themselves come first, then the one with the city's name."""
        named = {found[1] for found in self._cities.finditer(part.text) if _as_city(part, found)}
        if not named or any(_as_city(part, found) for found in self._other_places.finditer(part.text)):
            return []
        parks = {park.name: park for city in named for park in self._by_city[city]}
        # 苏州市昆山市: the greater city is where the smaller one lies.
        lesser = [park for park in parks.values() if not any(_lies_in(park, other) for other in parks.values())]
        said = [park for park in lesser if park.name in hits]
        own = [park for park in lesser if park.name.removesuffix("高新区") in named] if len(named) == 1 else []
        return said or own or lesser

    def _names_other_zone(self, part: Passage, hits: Mapping[str, Sequence[Hit]]) -> bool:
        """The passage names a high-tech zone that is none of the parks."""
        parks = _park_spans([part], hits)[id(part)]
        return any(True for _ in self._zones.high_tech(part, parks))


def _named_spans(parts: Iterable[Passage], found: Iterable[ParkHit]) -> dict[int, Spans]:
    """Where names stand in each passage, by the passage's id: its hash would be that of the whole text."""
    spans: dict[int, list[tuple[int, int]]] = {id(part): [] for part in parts}
    for name in found:
        spans[id(name.hit.passage)].append((name.hit.start, name.hit.end))
    return {key: Spans(own) for key, own in spans.items()}


def _park_spans(parts: Iterable[Passage], hits: Mapping[str, Iterable[Hit]]) -> dict[int, Spans]:
    """Where the parks' names stand in each of the passages, by the passage's id."""
    spans: dict[int, set[tuple[int, int]]] = {id(part): set() for part in parts}
    for own in hits.values():
        for hit in own:
            if (there := spans.get(id(hit.passage))) is not None:
                there.add((hit.start, hit.end))
    return {key: Spans(sorted(own)) for key, own in spans.items()}


def _is_once_in_text(own: Sequence[Hit]) -> bool:
    return len(own) == 1 and own[0].passage.where == TEXT


def _opens(hit: Hit, first: Passage | None) -> bool:
    """It stands in the first sentence of the first paragraph."""
    return hit.passage is first and hit.passage.sentences.around(0, hit.end) is not None


def _said_places(parts: Iterable[Passage], names: Iterable[ParkHit]) -> set[str]:
    """Those of the parks' own places that the article says: each is looked for once, however often its park stands."""
    text = "\n".join(part.text for part in parts)
    parks = {name.park.name: name.park for name in names}
    return {place for park in parks.values() for place in _own_places(park) if place in text}


def _repeated(loose: Iterable[ParkHit], said: set[str]) -> set[str]:
    whole = [name for name in loose if not name.short]
    times = Counter(name.park.name for name in whole)
    near = {name.park.name for name in whole if not said.isdisjoint(_own_places(name.park))}
    return {park for park in near if times[park] >= _REPEATED}


def _supported(name: ParkHit, certain: set[str], said: set[str], listed: set[int]) -> bool:
    """Something beside a loose alias, or elsewhere in the article, says that it is the park."""
    hit = name.hit
    if name.short:
        return name.park.name in certain
    if name.park.name in certain or hit.passage.where == CREDIT or (certain and is_compared(hit)):
        return True
    if says_zone(hit.word):
        return not said.isdisjoint(city_shorts(name.park.city))
    headline = hit.passage.where == TITLE and hit.start == 0 and hit.after.startswith(":")
    beside = id(name) in listed or _is_beside(hit, _own_places(name.park))
    whole = any(word in hit.word and word != hit.word for word in map(fold, name.park.loose_aliases))  # 中国光谷
    from_there = hit.before.endswith("来自") and _COMPANIES_FOLLOW.match(hit.after) is not None
    origin = from_there or _ITS_COMPANIES_FOLLOW.match(hit.after) is not None
    return headline or beside or whole or origin or _ZONE_FOLLOWS.match(hit.after) is not None


def _unambiguous(names: Sequence[ParkHit], certain: set[str]) -> Iterator[ParkHit]:
    """Of the parks that one name can mean (火炬高新区) the one that the article names; none where that is open."""
    places = [(id(name.hit.passage), name.hit.start) for name in names]
    times = Counter(places)
    sure = Counter(place for place, name in zip(places, names, strict=True) if name.park.name in certain)
    for place, name in zip(places, names, strict=True):
        if times[place] == 1 or (sure[place] == 1 and name.park.name in certain):
            yield name


def _is_beside(hit: Hit, places: tuple[str, ...]) -> bool:
    """One of the places is in the name or right before it: 北京中关村, 武汉市·光谷."""
    before = hit.before.removesuffix("·")
    ranked = before[:-1] if before.endswith(("省", "市")) else before
    return before.endswith(places) or ranked.endswith(places) or any(place in hit.word for place in places)


def _borrows(name: ParkHit) -> bool:
    """The name begins with a loose alias of its park, which others use too: 中关村科技园."""
    return any(name.hit.word.startswith(fold(word)) for word in _loose_words(name.park))


def _is_branch_house(hit: Hit) -> bool:
    return _BRANCH_HOUSE.search(hit.word + hit.after[:_HOUSE_REACH]) is not None


def _is_person(hit: Hit) -> bool:
    """张江 after an office or before a verb of speech is a man."""
    return hit.before.endswith(_PERSON_BEFORE) or _PERSON_AFTER.match(hit.after) is not None


def _listed(names: Iterable[ParkHit]) -> set[int]:
    """The ids of the names that stand beside another park's: 中关村、上海张江、光谷.

    `names` are in the order of the text, so that names beside each other are neighbours in it.
    """
    listed: set[int] = set()
    for first, second in pairwise(names):
        together = first.hit.passage is second.hit.passage and first.park is not second.park
        if together and _is_next(first.hit, second):
            listed |= {id(first), id(second)}
    return listed


def _is_next(hit: Hit, other: ParkHit) -> bool:
    between = _BETWEEN.fullmatch(hit.passage.text, hit.end, max(hit.end, other.hit.start))
    return between is not None and (not between[1] or between[1].removesuffix("市") in _own_places(other.park))


def _as_city(part: Passage, found: re.Match[str]) -> bool:
    """A place's name is said to be a city's: it begins the passage (新余科技局) or its rank follows."""
    return found.start() == 0 or part.text.startswith(("市", "县", "州"), found.end())


def _lies_in(park: Park, other: Park) -> bool:
    """The other park's city is one within this park's city."""
    cities = city_shorts(other.city)
    return len(cities) > 1 and city_shorts(park.city) == cities[:1]


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


def _alternatives(places: Iterable[str]) -> str:
    """A pattern of the places, the longest at each position; one that matches nothing where there are none."""
    longest_first = sorted(places, key=lambda place: (-len(place), place))
    return "|".join(map(re.escape, longest_first)) or r"(?!)"


def _one_of(places: Iterable[str]) -> re.Pattern[str]:
    return re.compile(f"({_alternatives(places)})")


def _branch(places: Iterable[str]) -> re.Pattern[str]:
    return re.compile(_BRANCH.format(places=_alternatives(places)))


def _by_city(parks: Iterable[Park]) -> dict[str, list[Park]]:
    """The parks called 高新区 of each city, the smallest city that a park lies in."""
    cities: defaultdict[str, list[Park]] = defaultdict(list)
    for park in parks:
        if park.name.endswith("高新区"):
            cities[city_shorts(park.city)[-1]].append(park)
    return dict(cities)
