"""Who is owed a digest, and by which of its articles: one SELECT."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_WIDTH = 62  # bits of a number that are used, so that no sum reaches the sign


@dataclass(frozen=True, slots=True)
class Route:
    """A SELECT of `endpoint_id, variant, channel, queue, language, format, bundled, rhythm_id`, a row an active
    endpoint that follows at least one tag, with `endpoint_id` above :low and up to :high.

    `variant` is the sum of the bits of the articles that carry a tag it follows.
    """

    sql: str
    params: dict[str, object]


def route(tags: Sequence[tuple[str, int]]) -> Route:
    """Route a digest by its (tag, article bit) pairs, which are distinct; bits are powers of two below 2**62.

    SQLite has no bitwise OR over rows. Each article is given a few bits of a number instead, enough to count the tags
    that carry it, and several numbers where one has no room for all. A tag is looked up once, whatever number of
    articles carries it; the sums over an endpoint's follows tell by which articles it is owed the digest.

    The first CROSS JOIN keeps SQLite from reading all follows and trying every tag on each, which it thinks cheaper
    where a digest has many tags; the second lets it hand rows on one by one, without a table of them all.
    """
    counters = _Counters(tags)
    values = ", ".join(f"(:tag{n}, {row})" for n, row in enumerate(counters.rows.values())) or "(NULL, 0)"
    names = [f"s{n}" for n in range(counters.sums)]
    sql = _SELECT.format(
        values=values,
        names=", ".join(names),
        sums=", ".join(f"CAST(SUM(t.{name}) AS BIGINT) AS {name}" for name in names),
        variant=" | ".join(counters.bits()) or "0",
    )
    return Route(sql, {f"tag{n}": tag for n, tag in enumerate(counters.rows)})


def reached(tags: Iterable[str]) -> Route:
    """A SELECT of `state, channel, rhythm_id, endpoints`: how many endpoints with ids above :low and up to :high
    follow at least one of the tags, each counted once, whatever its state."""
    distinct = list(dict.fromkeys(tags))
    values = ", ".join(f"(:tag{n})" for n in range(len(distinct))) or "(NULL)"
    return Route(_REACHED.format(values=values), {f"tag{n}": tag for n, tag in enumerate(distinct)})


class _Counters:
    """Where each article is counted: in which sum, and in which of its bits.

    `rows` has what each tag adds to the sums, as SQL.
    """

    def __init__(self, tags: Sequence[tuple[str, int]]) -> None:
        carried = Counter(bit for _, bit in tags)
        self._articles = sorted(carried)
        self._size = max(carried.values(), default=1).bit_length()
        self._each = _WIDTH // self._size
        self.sums = max(1, -(-len(self._articles) // self._each))
        masks: defaultdict[str, int] = defaultdict(int)
        for tag, bit in tags:
            masks[tag] |= bit
        self.rows = {tag: self._row(mask) for tag, mask in masks.items()}

    def bits(self) -> Iterator[str]:
        """The bit of each article where it was counted at all, as SQL."""
        for place, article in enumerate(self._articles):
            number, shift = self._place(place)
            field = ((1 << self._size) - 1) << shift
            yield f"CASE WHEN (o.s{number} & {field}) <> 0 THEN {article} ELSE 0 END"

    def _row(self, mask: int) -> str:
        found = [0] * self.sums
        for place, article in enumerate(self._articles):
            if mask & article:
                number, shift = self._place(place)
                found[number] |= 1 << shift
        return ", ".join(map(str, found))

    def _place(self, place: int) -> tuple[int, int]:
        number, field = divmod(place, self._each)
        return number, field * self._size


_SELECT = """
WITH tags (tag, {names}) AS (VALUES {values}),
owed AS (
  SELECT f.endpoint_id, {sums}
  FROM tags t CROSS JOIN follows f
  WHERE f.tag = t.tag AND f.endpoint_id > :low AND f.endpoint_id <= :high
  GROUP BY f.endpoint_id
)
SELECT o.endpoint_id, CAST({variant} AS BIGINT) AS variant, e.channel, e.queue, e.language, e.format, e.bundled,
       e.rhythm_id
FROM owed o CROSS JOIN endpoints e
WHERE e.id = o.endpoint_id AND e.state = 'active'
"""

_REACHED = """
WITH tags (tag) AS (VALUES {values}),
reached AS (
  SELECT DISTINCT f.endpoint_id FROM tags t CROSS JOIN follows f
  WHERE f.tag = t.tag AND f.endpoint_id > :low AND f.endpoint_id <= :high
)
SELECT e.state, e.channel, e.rhythm_id, COUNT(*) AS endpoints
FROM reached r CROSS JOIN endpoints e WHERE e.id = r.endpoint_id
GROUP BY e.state, e.channel, e.rhythm_id
"""
