"""Which of an article's parks it is about."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from dispatch.intake.passages import CREDIT, TEXT, TITLE, Hit, Passage, lead

# A park's name in the catalog, and where it stands.
_Named = tuple[str, Hit]

# Of so many parks in the lead it is about those that the text names again. A lead that lists more is about none of them
# in particular, unless the text goes on about each.
_LEAD_PARKS = 2
_LEAD_REPEATED_PARKS = 4
# What a title counts, up to so many, is what the article is about; so is what a list in the lead counts if the
# sentences with those parks are such a share of the text or it names each again.
_COUNTED_PARKS = 5
_COUNTED_SHARE = 0.25
# A park in the text only is a subject from so many times and this share of all parks' names, if so many paragraphs or
# this share of the text name it: one that is told of in a single paragraph of many is an example there.
_DOMINANT_TIMES = 3
_DOMINANT_SHARE = 0.35
_PARAGRAPHS = 2
_PARAGRAPHS_SHARE = 0.5
# Parks that have paragraphs of their own are what it is about, if they are few, hardly another is named, and those
# paragraphs are most of the text.
_SECTIONS = 4
_SECTIONS_SHARE = 0.5
# What may stand before a park at the beginning of its own paragraph: 在兰州高新区, (二)白银高新区,
# 随后,调研组前往烟台高新区.
_OPENING = re.compile(
    r"(?:\(?[一二三四五六七八九十\d]{1,2}[、.)])?[“《]?(?:[近日]日,|目前,|今年,|去年,)?"
    r"(?:(?:首先|随后|之后|接着|最后|当天|次日|[上下]午|期间),?)?(?:[^,。;:!?]{1,6}[组团]|一行|记者)?(?:一行)?"
    r"(?:首先|先后|随后|又|还)?(?:在|走进|来到|前往|抵达|位于|作为)?[“]?"
)

# What others are measured by, or where somebody comes from, also as one of several: 来自成都高新区、绵阳高新区的企业.
_COMPARED_BEFORE = re.compile(
    r"(?:对标|对比|比肩|赶超|追赶|媲美|看齐|学习|借鉴|效仿|仿照|参照|复制|超越|取经|不输|师从|不及|不如|仅次于|落后于"
    r"|相当于|相较于|相比于|来自)"
    r"(?:[^,。;:!?]{0,34}[区园城村江谷][、和与及])?$"
)
# Guests, what came first, what is left out, somebody's past, what a meeting is shown: 继中关村、东湖高新区之后,
# 曾任绵阳高新区主任, 与会人员考察了自贡高新区.
_ASIDE_BEFORE = re.compile(
    r"(?:邀请|继|除了?|曾[任在]|历任|原任|(?:参观|观摩)了?"
    r"|(?:与会|参会|代表们|嘉宾|学员)[^,。;:!?]{0,12}(?:考察|走访|走进|来到)了?)(?:[^,。;:!?]{0,34}[区园城村江谷地馆][、和与及])?$"
)
# But who wins companies for a park acts for it: 来自天津滨海高新区的招商员三天跑了四趟北京.
_STAFF_AFTER = re.compile(r"的?招商(?:[员局组]|专员|干部|人员|团队|小分队)")
_COMPARED_AFTER = re.compile(r"(?:等地)?(?:看齐|“?取经)")
# Where another park, with which a title begins, goes or does something: 湘潭高新区在深圳高新区设立招商中心.
_GOES_BEFORE = re.compile(r"(?:[在到赴]|走进|来到|前往)$")
# Who goes there to learn, as a title says it: 昆山经开区到苏州工业园区学习集成改革.
_LEARNED_BEFORE = ("到", "赴", "来", "去", "在")
_LEARNED_AFTER = re.compile(r"(?:考察|观摩|交流|参观|跟班)?学习")
# Who has a house of its own in another's park is a guest there: 把“科创飞地”设在了杭州高新区.
_HOST_BEFORE = re.compile(
    r"(?:飞地|异地|离岸)(?:[^。;!?]{0,24}(?:[设安建放位][在于到]|落户|进驻|布局)[了在于]{0,2}|[^,。;:!?]{0,6}在)$"
)
_HOST_AFTER = re.compile(r"[^,。;:!?]{0,4}[设建][^,。;:!?]{0,10}(?:飞地|离岸)")
# Where something moved away from; 记者从南昌高新区获悉 tells of the park.
_LEFT_AFTER = re.compile(r"[^,。;:!?]{0,4}(?:[请引招转]来|引进|[搬迁移][到至往入出来]|转移|辞职|离职)")
# How far away it is, or what it is invited to.
_NEAR_BEFORE = re.compile(r"(?:距离?|毗邻|紧邻|邻近|临近|高于|低于|优于|快于|慢于|好于)[^,。;:!?]{0,4}$")
_GUEST_AFTER = re.compile(r"(?:[^,。;:!?]{0,6})?(?:派员|派人|派代表|应邀|受邀)")
_VENUE_AFTER = re.compile(r"(?:[^,。;:!?]{0,8})?(?:举行|举办|召开|开幕|闭幕|落幕|收官|开班|开营|开赛|揭幕|启幕|打响)")
_UNLIKE_BEFORE = ("与", "和", "同", "跟", "比起")
_UNLIKE_AFTER = re.compile(r"(?:相比|相较|不同|一样|类似|的差距)")
# One of a few named for many, or of a ranking: 南昌高新区、新余高新区等园区; 苏州工业园区、深圳高新区居前.
_NAMED_FOR_MANY = re.compile(
    r"(?:[、和与及][^,。;:!?、和与及]{2,16}?){0,4}"
    r"(?:等(?P<number>[两二三四五六2-6]?)[^,。;:!?、]{0,6}(?:高新区|园区|开发区|单位|地区?)"
    r"|(?:分?别?[位名]?[列居]|排名|排在|进入)前|分别?[位名]?[列居]第)"
)
# What parts a list, and a name in it: 到张店区、(淄博高新区)、淄博经济开发区. A list with so many others is about none.
_SEPARATORS = re.compile(r"以及|[、和与及]")
_PLACE_BEFORE = re.compile(r"[区县市园城州]$")
_PLACE_AFTER = re.compile(r"[^区县市园城州]{1,14}[区县市园城州]")
_CLAUSE_END = re.compile(r"[,。;:!?]")
_OTHERS_IN_LIST = 2
_LIST_GAP = 24  # characters: a place that is no park may stand between two that are
# 两家高新区, 3园区: a title that counts the parks it is about, or a list that is counted at its end.
_COUNTED = re.compile(r"(两|[二三四五六]|[2-6])[家个大市地县]?(?:国家级?)?(?:高新(?:技术产业开发)?区|园区|开发区)")
# A title of high-tech zones at large: what the text says of one of them is an example.
_OF_ALL = re.compile(r"(?:国家|各地|全国|全省|我国)高新区")
_NUMBERS = {"两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6}


def subject_names(parts: Sequence[Passage], hits: Mapping[str, Sequence[Hit]], zones: Sequence[Hit]) -> set[str]:
    """The names of those parks in `hits` that an article is about: what title and credit name; else what the text names
    much more than others; else what the lead names and what has paragraphs of its own; else the one that is told of.

    A park whose report names another one often (a visit there, a comparison) is still what its article is about.

    `zones` are others than parks that it names. Where one of them stands in the title or the credit and no park does,
    only a park that the text names at least as often as all of them is a subject. Nor is a park what it is about where
    the lead names another zone that the text names more often.
    """
    counted = _counted(parts[0].text) <= _COUNTED_PARKS and _counted(parts[0].text) == len(hits) > 1
    if counted and not any(all(map(_is_by_the_way, own)) for own in hits.values()):
        return set(hits)
    if named := _headlined(hits):
        return named
    times = Counter({name: sum(map(_is_of_text, own)) for name, own in hits.items()})
    others = sum(map(_is_of_text, zones))
    enough = max(_DOMINANT_TIMES, _DOMINANT_SHARE * (times.total() + others))
    dominant = {name for name, count in times.items() if count >= enough and _is_spread(parts, hits[name])}
    if any(zone.passage.where != TEXT for zone in zones):
        return {name for name in dominant if times[name] >= others}
    if dominant:
        return dominant
    rival = _rival(parts, zones)
    return {name for name in _unheadlined(parts, hits, times) if times[name] >= rival}


def _unheadlined(parts: Sequence[Passage], hits: Mapping[str, Sequence[Hit]], times: Mapping[str, int]) -> set[str]:
    """What the text is about where neither title nor credit says it."""
    leading, sections, told = _leading(parts, hits, times), _with_sections(parts, hits), _most_told(parts, hits, times)
    if told and all(times[name] == 1 for name in leading):
        return told
    return (leading | sections if leading <= sections else leading) or told


def _rival(parts: Sequence[Passage], zones: Sequence[Hit]) -> int:
    """How often the text names the zone, of those in the lead, that it names most."""
    first = lead(parts)
    told = Counter(zone.word for zone in zones if _is_of_text(zone))
    return max((told[zone.word] for zone in zones if zone.passage is first), default=0)


def is_compared(hit: Hit) -> bool:
    """The park is what others are measured by (对标中关村) or where somebody comes from (来自成都高新区的企业)."""
    if hit.before.endswith("来自") and _STAFF_AFTER.match(hit.after):
        return False
    if _COMPARED_BEFORE.search(hit.before) or _COMPARED_AFTER.match(hit.after) or _HOST_BEFORE.search(hit.before):
        return True
    if _NEAR_BEFORE.search(hit.before) or _GUEST_AFTER.match(hit.after):
        return True
    if hit.before.endswith(("在", "于")) and _HOST_AFTER.match(hit.after):
        return True
    if hit.before.endswith(_LEARNED_BEFORE) and _LEARNED_AFTER.match(hit.after):
        return True
    return hit.before.endswith(_UNLIKE_BEFORE) and _UNLIKE_AFTER.match(hit.after) is not None


def is_aside(hit: Hit) -> bool:
    """The article is not about the park here: it is compared with, or somebody comes from it or was there before."""
    if is_compared(hit) or _ASIDE_BEFORE.search(hit.before):
        return True
    return hit.before.endswith(("从", "由", "自")) and _LEFT_AFTER.match(hit.after) is not None


def is_one_of_places(hit: Hit, parks: int = 1) -> bool:
    """It stands in a list of districts and zones most of which are none of its `parks` parks."""
    before = _SEPARATORS.split(_CLAUSE_END.split(hit.before)[-1])
    after = _SEPARATORS.split(_CLAUSE_END.split(hit.after)[0])
    beside = 0
    if not before[-1]:
        beside += sum(1 for _ in takewhile(_PLACE_BEFORE.search, reversed(before[:-1])))
    if not after[0]:
        beside += sum(1 for _ in takewhile(_PLACE_AFTER.match, after[1:]))
    return beside + 1 - parks >= max(_OTHERS_IN_LIST, parks)


def _headlined(hits: Mapping[str, Sequence[Hit]]) -> set[str]:
    """The parks of title and credit, without those that a title compares with or that its first park goes to."""
    there = [(name, hit) for name, own in hits.items() for hit in own if hit.passage.where != TEXT]
    begins = any(hit.passage.where == TITLE and hit.start == 0 for _, hit in there)
    return {
        name
        for name, hit in there
        if hit.passage.where == CREDIT or not (is_compared(hit) or (begins and _GOES_BEFORE.search(hit.before)))
    }


def _is_of_text(hit: Hit) -> bool:
    """It counts for a share of the text; where something is held does not."""
    return hit.passage.where == TEXT and not is_venue(hit)


def is_venue(hit: Hit) -> bool:
    """Something is held there: 签约仪式在常州高新区举行."""
    return hit.before.endswith(("在", "于")) and _VENUE_AFTER.match(hit.after) is not None


def _is_spread(parts: Sequence[Passage], own: Sequence[Hit]) -> bool:
    """Several paragraphs name it, or one that is most of the text."""
    told = {hit.passage.block: len(hit.passage.text) for hit in own if hit.passage.where == TEXT}
    return len(told) >= _PARAGRAPHS or (bool(told) and sum(told.values()) >= _PARAGRAPHS_SHARE * _length(parts))


def _length(parts: Sequence[Passage]) -> int:
    """Characters of the text."""
    return sum(len(part.text) for part in parts if part.where == TEXT)


def _goes_on(parts: Sequence[Passage], hits: Mapping[str, Sequence[Hit]], names: set[str]) -> bool:
    """The text is about the parks that the lead counts, and does not only list them in one sentence of many."""
    if len(names) > _COUNTED_PARKS:
        return False
    own = [hit for name in names for hit in hits[name] if hit.passage.where == TEXT]
    sentences = {(id(hit.passage), span) for hit in own if (span := hit.passage.sentences.around(hit.start, hit.end))}
    told = sum(end - start for _, (start, end) in sentences)
    again = Counter(name for name in names for hit in hits[name] if hit.passage.where == TEXT)
    return told >= _COUNTED_SHARE * _length(parts) or all(again[name] > 1 for name in names)


def _leading(parts: Sequence[Passage], hits: Mapping[str, Sequence[Hit]], times: Mapping[str, int]) -> set[str]:
    first = lead(parts)
    inside = sorted(
        ((name, hit) for name, own in hits.items() for hit in own if hit.passage is first), key=lambda one: one[1].start
    )
    leading = {name for name in _meant(inside) if not all(map(_is_by_the_way, hits[name]))}
    if len(leading) == 1 or len(leading) == _counted(parts[0].text) <= _COUNTED_PARKS:
        return leading
    again = {name for name in leading if times[name] > 1}
    if again and len(leading) == _LEAD_PARKS:
        return again
    if len(leading) in (_LEAD_PARKS, _counted_behind(inside)) and _goes_on(parts, hits, leading):
        return leading
    return leading if again == leading and len(leading) <= _LEAD_REPEATED_PARKS else set()


def _meant(inside: Sequence[_Named]) -> set[str]:
    """Those of a passage's parks, in its order, that it does not only compare with or name for many."""
    return {
        name
        for members in _lists(inside)
        if not _are_named_for_many(members)
        for name, hit in members
        if not (is_aside(hit) or is_one_of_places(hit, len(members)))
    }


def _are_named_for_many(members: Sequence[_Named]) -> bool:
    """More are meant than the list has: 南昌高新区、新余高新区等五家园区, but not 等两家园区."""
    found = _NAMED_FOR_MANY.match(members[-1][1].after)
    return found is not None and _number_of(found["number"]) != len(members)


def _lists(inside: Sequence[_Named]) -> Iterator[Sequence[_Named]]:
    """Names that stand beside each other as members of one list; a name alone is a list of one."""
    members: list[_Named] = []
    for one in inside:
        if members and not _is_next(members[-1][1], one[1]):
            yield members
            members = []
        members.append(one)
    if members:
        yield members


def _is_next(hit: Hit, other: Hit) -> bool:
    if other.start - hit.end > _LIST_GAP:
        return False
    between = hit.passage.text[hit.end : other.start]
    return _SEPARATORS.match(between) is not None and not _CLAUSE_END.search(between)


def _counted_behind(inside: Sequence[_Named]) -> int:
    """How many parks the list says that it has: 哈尔滨、大庆、齐齐哈尔3个国家高新区."""
    found = _COUNTED.match(inside[-1][1].after) if inside else None
    return _number(found)


def _counted(title: str) -> int:
    """How many parks a title says it is about; 0 where it says nothing."""
    return _number(_COUNTED.search(title))


def _number(found: re.Match[str] | None) -> int:
    return 0 if found is None else _number_of(found[1])


def _number_of(word: str | None) -> int:
    return _NUMBERS.get(word) or int(word) if word else 0


def _with_sections(parts: Sequence[Passage], hits: Mapping[str, Sequence[Hit]]) -> set[str]:
    """The parks of a visit or a survey that goes from one to the next."""
    shares: Counter[str] = Counter()
    text = 0
    for part, name in _owned(parts, hits):
        text += len(part.text)
        if name:
            shares[name] += len(part.text)
    few = len(shares) <= _SECTIONS and len(hits) <= _SECTIONS + 1 and shares.total() >= _SECTIONS_SHARE * text
    return set(shares) if few else set()


def _owned(parts: Sequence[Passage], hits: Mapping[str, Sequence[Hit]]) -> Iterator[tuple[Passage, str]]:
    """Each paragraph with the park that it, or the heading above it, begins with; "" where it is no park's own."""
    there: defaultdict[int, dict[str, Hit]] = defaultdict(dict)
    for name, own in hits.items():
        for hit in own:
            there[id(hit.passage)].setdefault(name, hit)
    above = ""
    for part in parts:
        if part.where != TEXT:
            continue
        found = there[id(part)]
        own_name = _opening(found)
        if part.heading:
            above = own_name
        else:
            yield part, own_name or ("" if found else above)


def _opening(found: Mapping[str, Hit]) -> str:
    """The park whose name a paragraph begins with, if it names no other."""
    if len(found) != 1:
        return ""
    [(name, hit)] = found.items()
    opens = _OPENING.fullmatch(hit.passage.text, 0, hit.start)
    return name if opens and not is_aside(hit) else ""


def _most_told(parts: Sequence[Passage], hits: Mapping[str, Sequence[Hit]], times: Mapping[str, int]) -> set[str]:
    """The one park that several paragraphs tell of, if they name it more often than all others together."""
    if _OF_ALL.search(parts[0].text):
        return set()
    told = {name: [hit for hit in own if _is_of_text(hit) and _is_told_of(hit)] for name, own in hits.items()}
    most = {name: own for name, own in told.items() if len(own) > 1 and 2 * len(own) > sum(times.values())}
    return {name for name, own in most.items() if _is_spread(parts, own)}


def _is_told_of(hit: Hit) -> bool:
    return not _is_by_the_way(hit) and not is_one_of_places(hit)


def _is_by_the_way(hit: Hit) -> bool:
    return is_venue(hit) or is_aside(hit)
