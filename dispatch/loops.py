"""Which event loop runs the program: uvloop, where it is there, for plain relays and for TLS, by measurement
(docs/performance.md, "Which event loop")."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_YOUNG = 20_000  # new objects between two looks for unused cycles


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, on the loop that sends fastest."""
    # What is there now stays; of what sending makes, nearly nothing is in cycles: to look for them less often saves a
    # twentieth of the time.
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
    with asyncio.Runner(loop_factory=_factory()) as runner:
        return runner.run(main)


def _factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """None is the standard library's; uvloop is not there on every system."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
