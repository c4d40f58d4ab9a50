"""How words are compared, and the forms in which a park's name is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from dispatch.catalog.values import Park

Value = TypeVar("Value")

# Full-width forms to their ASCII counterparts, capitals to small letters: one character for one, so that
# positions in a folded text are positions in the text.
_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_CASE = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_FOLD = _WIDTH | _CASE | {code: code - 0xFEE0 + 32 for code in range(0xFF21, 0xFF3B)}

_PROVINCE_END = re.compile(r"(壮族自治区|回族自治区|维吾尔自治区|自治区|省|市)$")
_CITY_END = re.compile(r"(市|州|地区|新区)$")
_ZONE_END = re.compile(r"(?:国家级?)?(?:高新(?:技术产业)?(?:开发区|园区|区)|高技术产业开发区|高新区)$")

# What may follow a park's place name where its short name says 高新区.
ZONE_TAILS = (
    "高新区",
    "高新园区",
    "高新开发区",
    "高新产业园区",
    "高新产业开发区",
    "高新技术区",
    "高新技术园区",
    "高新技术开发区",
    "高新技术产业区",
    "高新技术产业园",
    "高新技术产业园区",
    "高新技术产业开发区",
    "高技术产业开发区",
)
# The same for finding them in a text: what begins in one of a few ways (高新, 国家级高新) ...
ZONE_BEGINNINGS = ("高新", "国家高新", "国家级高新", "(国家)高新", "高技术", "国家高技术", "国家级高技术")
# ... and goes on in many: 区, 园区, 技术产业开发区. What begins with the last character of a name and is another word
# runs on: 高新区块链, 高新区域, 高新区隔.
RUNS_ON = r"块链|域|隔"
ZONE_ENDING = re.compile(
    r"(?<=高新)(?:(?:技术)?(?:产业)?(?:开发区|园区|区)|技术产业园)|(?<=高技术)产业(?:开发区|园区|园|区)"
)


# What a name must say more than: any zone at all is called so, in simplified or traditional characters.
_ANY_ZONE = re.compile(
    r"(?:[国國]家[级級]?|省[级級])?(?:高新(?:技[术術])?(?:[产產][业業])?|高技[术術](?:[产產][业業])?|[经經][济濟]?(?:技[术術])?"
    r"|科技|工[业業]|自主[创創]新|自[创創])?(?:[开開][发發]?|示[范範])?(?:[区區]|[园園][区區]?|城)?"
)


# A demonstration zone is written in each of these ways where a name of the catalog says the first.
DEMONSTRATION_TAILS = ("国家自主创新示范区", "自主创新示范区", "国家自创区", "自创区")


def fold(text: str) -> str:
    """The text in half-width small letters, of the same length."""
    return text.translate(_FOLD)


def fold_word(word: str) -> str:
    """A name as it is looked up: folded, without white space."""
    return "".join(fold(word).split())


def province_short(province: str) -> str:
    """江西省 -> 江西, 广西壮族自治区 -> 广西."""
    return _PROVINCE_END.sub("", province)


def city_shorts(city: str) -> tuple[str, ...]:
    """苏州市(昆山市) -> 苏州, 昆山: the cities of a park without their rank, the smaller last."""
    names = (name.removeprefix("原") for name in re.split(r"[()/]", fold(city)))
    return tuple(_CITY_END.sub("", name) for name in names if name)


def zone_head(name: str) -> str:
    """The place in a zone's name (南昌高新区 -> 南昌), "" where the name does not say 高新区."""
    head = _ZONE_END.sub("", name)
    return head if head != name else ""


def means_any_zone(name: str) -> bool:
    """高新区, 国家高新技术产业开发区 or 区, folded or not: no name of one zone."""
    return _ANY_ZONE.fullmatch(fold_word(name)) is not None


def zone_heads(parks: Iterable[Park]) -> dict[str, str]:
    """The places in the names of parks, folded, with the name of the park of each."""
    names = ((name, park.name) for park in parks for name in (park.name, park.full_name, *park.aliases))
    return {fold_word(head): park for name, park in names if (head := zone_head(name))}


def demonstration_head(name: str) -> str:
    """The place in a demonstration zone's name (东湖国家自主创新示范区 -> 东湖), "" where the name is none."""
    head = name.removesuffix(DEMONSTRATION_TAILS[0])
    return head if head != name else ""


def plain_names(park: Park) -> Iterator[str]:
    """The names that stand in the catalog and mean the park, demonstration zones in each way of writing."""
    for name in (park.name, park.full_name, *park.aliases):
        yield name
        if head := demonstration_head(name):
            yield from (head + tail for tail in DEMONSTRATION_TAILS)


def written_forms(park: Park) -> Iterator[str]:
    """The names of a park in every form in use that can mean nothing else; the same form may come twice."""
    for name in plain_names(park):
        yield name
        if head := zone_head(name):
            yield from _zone_forms(head, city_shorts(park.city))


def _zone_forms(head: str, cities: Iterable[str]) -> Iterator[str]:
    # 潍坊市高新区 and 东莞市松山湖高新区 stand for 潍坊高新区 and 东莞松山湖高新区.
    heads = {head, *(f"{city}市{head.removeprefix(city)}" for city in cities if head.startswith(city))}
    for place in heads:
        for tail in ZONE_TAILS:
            yield from (place + tail, f"{place}国家{tail}", f"{place}国家级{tail}")


def zone_beginnings(park: Park) -> Iterator[str]:
    """How the park's names begin that say 高新区, up to what ZONE_ENDING matches; the same may come twice."""
    for name in (park.name, park.full_name, *park.aliases):
        if head := zone_head(name):
            yield from _zone_beginnings(head, city_shorts(park.city))


def _zone_beginnings(head: str, cities: Sequence[str]) -> Iterator[str]:
    within = [(city, rest) for city in cities if head.startswith(city) for rest in (head.removeprefix(city),)]
    # 潍坊市高新区 and 东莞市松山湖高新区 stand for 潍坊高新区 and 东莞松山湖高新区.
    for place in (head, *(f"{city}市{rest}" for city, rest in within)):
        yield from (place + beginning for beginning in ZONE_BEGINNINGS)
    # 泰州国家级医药高新区 stands for 泰州医药高新区.
    for city, rest in within:
        if rest:
            yield from (f"{city}{rank}{rest}高新" for rank in ("国家", "国家级", "市国家", "市国家级"))


def zone_tails(park: Park) -> Iterator[str]:
    """How the park is called where its city is known, up to what ZONE_ENDING matches: 火炬高新 for 厦门火炬高新区."""
    for name in (park.name, park.full_name, *park.aliases):
        head = zone_head(name)
        for city in city_shorts(park.city):
            rest = head.removeprefix(city)
            if head.startswith(city) and len(rest) > 1:
                yield from (rest + beginning for beginning in ZONE_BEGINNINGS)


def holding(word: str, candidates: Mapping[str, Value], limit: int = 5) -> list[Value]:
    """Up to `limit` values whose candidate word begins with `word`, then those that contain it."""
    wanted = fold_word(word)
    found = [key for key in candidates if key.startswith(wanted)] if wanted else []
    found += [key for key in candidates if wanted and wanted in key]
    return _values(found, candidates, limit)


def alike(word: str, candidates: Mapping[str, Value], limit: int = 5) -> list[Value]:
    """Up to `limit` values whose candidate word resembles `word`, the nearest first."""
    from rapidfuzz import fuzz, process  # not at module import: only wrong words need it

    found = process.extract(fold_word(word), list(candidates), scorer=fuzz.ratio, score_cutoff=50, limit=4 * limit)
    return _values([key for key, _, _ in found], candidates, limit)


def _values(keys: Iterable[str], candidates: Mapping[str, Value], limit: int) -> list[Value]:
    return list(dict.fromkeys(candidates[key] for key in keys))[:limit]
