"""Of which articles readers are told when a revision takes another one's place: what is stored of that."""

from __future__ import annotations

import json
from dataclasses import dataclass

Place = tuple[int, int]  # a digest and a bit in it


@dataclass(frozen=True, slots=True)
class Told:
    """An article of which those who have it are told: the places that it ever had in digests, the one it has now, and
    what it carried or carries, by which readers follow it."""

    was: tuple[Place, ...]
    now: Place
    tags: tuple[str, ...]


def told(changes: str) -> tuple[Told, ...]:
    """What the `changes` of a revision's row say."""
    return tuple(
        Told(tuple((digest, bit) for digest, bit in item["was"]), (item["now"][0], item["now"][1]), tuple(item["tags"]))
        for item in json.loads(changes or "[]")
    )
