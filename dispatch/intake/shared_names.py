"""Places that share one 高新区: 郑州、洛阳、新乡国家高新技术产业开发区, 合肥、芜湖等5家高新区."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from dispatch.catalog import Park
from dispatch.intake.passages import Hit, Passage

_TAIL = re.compile(
    r"(?:等(?:\d+|[一二三四五六七八九十]+)?[余多]?(?:[家个市地]|城市)?的?)?"
    r"(?:[两三四五六七八九十]+[家个市])?"
    r"(?:国家级?)?(?:高新(?:技术产业)?(?:开发区|园区|区)|高技术产业开发区)"
)
_SEPARATOR = re.compile(r"(?:以及|[、和与及])$")
# A place that the catalog does not know (太仓 in 昆山、太仓、常熟高新区) is stepped over.
_UNKNOWN = re.compile(r"[、和与及]([\u4e00-\u9fff]{2,4})$")


class SharedNames:
    """Finds the parks whose short names end in a word that stands only once, at the end of their list."""

    def __init__(self, heads: Mapping[str, Park]) -> None:
        self._heads = heads
        self._longest = max(map(len, heads), default=0)

    def find(self, part: Passage) -> Iterator[tuple[Hit, Park]]:
        """The place names; the last one may be part of a full name (新乡国家高新技术产业开发区) as well."""
        for tail in _TAIL.finditer(part.text):
            for start, end in self._places(part.text, tail.start()):
                yield Hit(part, start, end), self._heads[part.text[start:end]]

    def _places(self, text: str, end: int) -> Iterator[tuple[int, int]]:
        """Known places of the list that ends at `end`, from the right."""
        while True:
            stop = end - 1 if text[:end].endswith("市") else end
            start = self._known(text, stop)
            if start is not None:
                yield start, stop
            elif unknown := _UNKNOWN.search(text[:end]):
                start = unknown.start(1)
            else:
                return
            separator = _SEPARATOR.search(text[:start])
            if separator is None:
                return
            end = separator.start()

    def _known(self, text: str, end: int) -> int | None:
        lengths = range(min(self._longest, end), 1, -1)
        return next((end - length for length in lengths if text[end - length : end] in self._heads), None)
