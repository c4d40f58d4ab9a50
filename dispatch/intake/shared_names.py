"""Places that share one 高新区: 郑州、洛阳、新乡国家高新技术产业开发区, 合肥、芜湖等5家高新区.

In the same way 中关村、东湖、张江国家自主创新示范区 share theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from dispatch.catalog import Catalog, Park
from dispatch.catalog.words import RUNS_ON, city_shorts, demonstration_head, fold_word, province_short, zone_head
from dispatch.intake.passages import Hit, Passage

# Numbers are short: without a bound, a row of 三三三 would be read anew from each of its characters.
_SHARE = (
    r"(?:等(?:\d{1,4}|[一二三四五六七八九十]{1,4})?[余多]?(?:[家个地]|[家个]?(?:设区|地级)?(?:城市|市))?的?)?"
    r"(?:(?:\d{1,4}|[两三四五六七八九十]{1,4})[余多]?(?:[家个]|[市地]的?))?"
)
_HIGH_TECH = re.compile(_SHARE + rf"(?:国家级?)?(?:高新(?:技术产业)?(?:开发区|园区|区)|高技术产业开发区)(?!{RUNS_ON})")
_SEVERAL = re.compile(r"(?:[2-9]|\d{2,4}|[两二三四五六七八九十]{1,4})[余多]?[家个]")
_ZONE = re.compile(r"(?:国家级?)?高(?:新|技术)")
_DEMONSTRATION = re.compile(_SHARE + r"(?:国家级?)?(?:自主创新示范区|自创区)")
_SEPARATOR = re.compile(r"(?:以及|[、和与及])$")
# A place that the catalog does not know (太仓 in 昆山、太仓、常熟高新区) is stepped over.
_UNKNOWN = re.compile(r"[、和与及]([\u4e00-\u9fff]{2,4})$")
# The longest that either of the two matches.
_REACH = 5
# So is a park's whole name where 等 or a number says that all before share what follows: 深圳、苏州工业园区、
# 杭州等高新区.
_WHOLE = re.compile(r"[、和与及]([\u4e00-\u9fff]{2,8}(?:园区|高新区|示范区|科学城))$")
_WHOLE_REACH = 13


class SharedNames:
    """Finds the parks whose short names end in a word that stands only once, at the end of their list."""

    @classmethod
    def of(cls, catalog: Catalog) -> Sequence[SharedNames]:
        """Those that share 高新区, and those that share 国家自主创新示范区."""
        return (
            cls(_heads(catalog.parks, zone_head), _HIGH_TECH, ("高新", "高技术")),
            cls(_heads(catalog.parks, demonstration_head), _DEMONSTRATION, ("示范区", "自创区")),
        )

    def __init__(self, heads: Mapping[str, Park], tail: re.Pattern[str], words: Sequence[str]) -> None:
        """`tail` finds the shared word, in which one of `words` stands."""
        self._heads = heads
        self._tail = tail
        self._words = words
        self._longest = max(map(len, heads), default=0)

    def find(self, part: Passage) -> Iterator[tuple[Hit, Park]]:
        """The place names; the last one may be part of a full name (新乡国家高新技术产业开发区) as well."""
        if not any(word in part.text for word in self._words):
            return
        seen: set[int] = set()
        for tail in self._tail.finditer(part.text):
            whole = _ZONE.match(tail[0]) is not None
            places = list(self._places(part.text, tail.start(), seen, among_whole=not whole))
            # 重庆三个国家高新区 are some of Chongqing's, and not the one that is called after it.
            if len(places) == 1 and _SEVERAL.match(tail[0]) and places[0][1] + 1 >= tail.start():
                continue
            for start, end in places:
                # A name as a whole is found as such, or lies within another zone's.
                beside = tail.start() - end <= 1 and part.text[end : tail.start()] in ("", "市")
                if not (whole and beside):
                    yield Hit(part, start, end), self._heads[part.text[start:end]]

    def _places(self, text: str, end: int, seen: set[int], *, among_whole: bool) -> Iterator[tuple[int, int]]:
        """Known places of the list that ends at `end`, from the right, up to a place in `seen`, which it adds to. Names
        as a whole may stand among them.

        What stands before a place seen was found from another word behind it (高新区和高新区和高新区).
        """
        while end not in seen:
            seen.add(end)
            stop = end - 1 if text.endswith("市", 0, end) else end
            start = self._known(text, stop)
            if start is not None:
                yield start, stop
                start = self._with_region(text, start, stop)
            elif unknown := _UNKNOWN.search(text, max(0, end - _REACH), end):
                start = unknown.start(1)
            elif among_whole and (name := _WHOLE.search(text, max(0, end - _WHOLE_REACH), end)):
                start = name.start(1)
            else:
                return
            separator = _SEPARATOR.search(text, max(0, start - _REACH), start)
            if separator is None:
                return
            end = separator.start()

    def _with_region(self, text: str, start: int, stop: int) -> int:
        """Where a place begins with its province: 陕西西安、四川省成都."""
        province = self._heads[text[start:stop]].province
        forms = (province, province_short(province))
        return next((start - len(form) for form in forms if text.endswith(form, 0, start)), start)

    def _known(self, text: str, end: int) -> int | None:
        lengths = range(min(self._longest, end), 1, -1)
        return next((end - length for length in lengths if text[end - length : end] in self._heads), None)


def _heads(parks: Iterable[Park], head_of: Callable[[str], str]) -> dict[str, Park]:
    """南昌 -> 南昌高新区: the places that make a name when the shared word follows, also with the city before."""
    heads: dict[str, Park] = {}
    for park in parks:
        for name in (*park.aliases, park.full_name, park.name):
            if head := fold_word(head_of(name)):
                cities = (city for city in city_shorts(park.city) if not head.startswith(city))
                heads |= dict.fromkeys((*(city + head for city in cities), head), park)
    return heads
