"""Zones in a text that are none of the parks: 太仓高新区, 花桥经开区, 苏州高新区综合保税区."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from dispatch.assets import config_dir
from dispatch.intake.passages import Hit, Passage, Spans

_HIGH_TECH = re.compile(r"(?:国家级?|省级)?高新(?:技术)?(?:产业)?(?:开发区|园区|区)")
# These words say by themselves that it is no park, whatever stands before them.
# So do the state's new areas, but those of 滨海 and 长春: each of these has its park, which is told with it.
_OTHER_KIND = re.compile(
    r"经开区|经济(?:技术)?开发区|(?:综合)?保税(?:港|物流园)?区|综保区|出口加工区|自贸(?:试验)?区|自由贸易试验区"
    r"|(?:浦东|两江|舟山群岛|兰州|南沙|西咸|贵安|西海岸|金普|天府|湘江|江北|福州|滇中|哈尔滨|赣江|雄安)新区"
)
_KIND_WORDS = ("经开区", "开发区", "保税", "综保区", "出口加工区", "自贸", "自由贸易", "新区")
_RANK = re.compile(r"[市县区州旗]$")
_TITLE_RANK = re.compile(r"[市县区州旗](?!域|块)")
_CITY_OFFICE = re.compile(r"市|日报|晚报")


class NamedZones:
    """Tells another place's 高新区 by the place before it; what stands before is a name only where it is known."""

    def __init__(self, places: Iterable[str]) -> None:
        """`places` are known beside those of config/places.txt, all short: 合肥新站, 博望."""
        self._places = frozenset(places) | _known_places()
        self._lengths = sorted(set(map(len, self._places)), reverse=True)

    def high_tech(self, part: Passage, parks: Spans) -> Iterator[Hit]:
        """The high-tech zones in a passage that are none of its `parks`. 高新区 alone, with a verb before it
        (联合高新区) or said of several (各高新区) is no zone's name."""
        for found in _HIGH_TECH.finditer(part.text) if "高新" in part.text else ():
            if parks.around(found.end() - 1, found.end()) is None:
                place = self._place_before(part.text, found.start())
                if place:
                    yield Hit(part, found.start() - len(place), found.end())

    def all(self, part: Passage, parks: Spans) -> list[Hit]:
        """The zones of any kind in a passage that are none of its `parks`. A name with two words for a zone
        (苏州高新区综合保税区) is one."""
        said = any(word in part.text for word in _KIND_WORDS)
        kinds = [Hit(part, *found.span()) for found in _OTHER_KIND.finditer(part.text)] if said else []
        begun = {hit.start for hit in kinds}
        return [*(hit for hit in self.high_tech(part, parks) if hit.end not in begun), *kinds]

    def actor(self, title: str) -> str:
        """The city, county or district whose name and rank a title begins with (庐江县), without the rank; else ""."""
        return self._begins(title, _TITLE_RANK)

    def city(self, credit: str) -> str:
        """The city whose office or newspaper a credit begins with (太仓市商务局, 遂宁日报), short; else ""."""
        return self._begins(credit, _CITY_OFFICE)

    def _begins(self, text: str, follows: re.Pattern[str]) -> str:
        known = (text[:length] for length in self._lengths if text[:length] in self._places)
        return next((place for place in known if follows.match(text, len(place))), "")

    def _place_before(self, text: str, end: int) -> str:
        longest = self._lengths[0] + 1
        before = text[max(0, end - longest) : end]
        for words in (before, _RANK.sub("", before)):
            for length in self._lengths:
                if words[-length:] in self._places:
                    return before[-length - len(before) + len(words) :]
        return ""


@cache
def _known_places() -> frozenset[str]:
    """Cities, counties and districts (config/places.txt, made by docs/places.py)."""
    lines = (config_dir() / "places.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(place for line in lines if not line.startswith("#") for place in line.split())
