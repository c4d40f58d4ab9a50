"""Who is owed a digest, and by which of its articles: one SELECT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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

    Distinct powers of two add up to the set of articles, however many follows point at each: SUM(DISTINCT) is the
    bitwise OR that SQL lacks. The sum is cast because PostgreSQL's is numeric. CROSS JOIN keeps SQLite from reading
    all follows and trying every tag on each, which it thinks cheaper where a digest has many tags.
    """
    values = ", ".join(f"(:tag{n}, :bit{n})" for n in range(len(tags))) or "(NULL, 0)"
    params: dict[str, object] = {}
    for n, (tag, bit) in enumerate(tags):
        params[f"tag{n}"], params[f"bit{n}"] = tag, bit
    return Route(_SELECT.format(values=values), params)


_SELECT = """
WITH tags (tag, bit) AS (VALUES {values}),
owed AS (
  SELECT f.endpoint_id, CAST(SUM(DISTINCT t.bit) AS BIGINT) AS variant
  FROM tags t CROSS JOIN follows f
  WHERE f.tag = t.tag AND f.endpoint_id > :low AND f.endpoint_id <= :high
  GROUP BY f.endpoint_id
)
SELECT o.endpoint_id, o.variant, e.channel, e.queue, e.language, e.format, e.bundled, e.rhythm_id
FROM owed o JOIN endpoints e ON e.id = o.endpoint_id
WHERE e.state = 'active'
"""
