"""When a message is tried again."""

from __future__ import annotations

import random
from collections.abc import Sequence

_JITTER = 0.1
_LONGEST = 30 * 86400.0


def next_try(attempts: int, delays: Sequence[float], asked: float | None, now: int, spread: random.Random) -> int:
    """The time (ms) of the next attempt after `attempts` tries: the schedule's delay, up to a tenth longer at random
    so that refusals do not come back in step, and never before the provider's own `asked` seconds."""
    delay = delays[min(max(attempts, 1), len(delays)) - 1]
    delay *= 1 + spread.uniform(0, _JITTER)
    if asked is not None and asked >= 0:
        delay = max(delay, min(asked, _LONGEST)) if asked else min(delay, 1.0)
    return now + round(delay * 1000)
