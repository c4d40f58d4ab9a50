"""Places that share one 高新区: 郑州、洛阳、新乡国家高新技术产业开发区, 合肥、芜湖等5家高新区."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from dispatch.catalog import Park
from dispatch.intake.passages import Hit, Passage

# Numbers are short: without a bound, a row of 三三三 would be read anew from each of its characters.
_TAIL = re.compile(
    r"(?:等(?:\d{1,4}|[一二三四五六七八九十]{1,4})?[余多]?(?:[家个市地]|城市)?的?)?"
    r"(?:[两三四五六七八九十]{1,4}[家个市])?"
    r"(?:国家级?)?(?:高新(?:技术产业)?(?:开发区|园区|区)|高技术产业开发区)"
)
_SEPARATOR = re.compile(r"(?:以及|[、和与及])$")
# A place that the catalog does not know (太仓 in 昆山、太仓、常熟高新区) is stepped over.
_UNKNOWN = re.compile(r"[、和与及]([\u4e00-\u9fff]{2,4})$")
# The longest that either of the two matches.
_REACH = 5


class SharedNames:
    """Finds the parks whose short names end in a word that stands only once, at the end of their list."""

    def __init__(self, heads: Mapping[str, Park]) -> None:
        self._heads = heads
        self._longest = max(map(len, heads), default=0)

    def find(self, part: Passage) -> Iterator[tuple[Hit, Park]]:
        """The place names; the last one may be part of a full name (新乡国家高新技术产业开发区) as well."""
        seen: set[int] = set()
        for tail in _TAIL.finditer(part.text):
            for start, end in self._places(part.text, tail.start(), seen):
                yield Hit(part, start, end), self._heads[part.text[start:end]]

    def _places(self, text: str, end: int, seen: set[int]) -> Iterator[tuple[int, int]]:
        """Known places of the list that ends at `end`, from the right, up to a place in `seen`, which it adds to.

        What stands before a place seen was found from another word behind it (高新区和高新区和高新区).
        """
        while end not in seen:
            seen.add(end)
            stop = end - 1 if text.endswith("市", 0, end) else end
            start = self._known(text, stop)
            if start is not None:
                yield start, stop
            elif unknown := _UNKNOWN.search(text, max(0, end - _REACH), end):
                start = unknown.start(1)
            else:
                return
            separator = _SEPARATOR.search(text, max(0, start - _REACH), start)
            if separator is None:
                return
            end = separator.start()

    def _known(self, text: str, end: int) -> int | None:
        lengths = range(min(self._longest, end), 1, -1)
        return next((end - length for length in lengths if text[end - length : end] in self._heads), None)
