"""Acts, as the functions that change something want them."""

from __future__ import annotations

from subscribers.audit import Act, Way


def at(now: int, by: str = "tester", way: Way = Way.COMMAND) -> Act:
    """Something that the tester does at a time."""
    return Act(now, by, way)
