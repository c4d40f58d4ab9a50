"""Which event loop runs the program. Measured (docs/performance.md): plain connections are faster on uvloop, TLS is
faster on the loop of the standard library."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from dispatch.settings import Settings

T = TypeVar("T")
_YOUNG = 20_000  # new objects between two looks for unused cycles


def run(settings: Settings, main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, on the loop that suits what is sent most."""
    # What is there now stays; of what sending makes, nearly nothing is in cycles: to look for them less often saves a
    # twentieth of the time.
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
    with asyncio.Runner(loop_factory=_factory(settings)) as runner:
        return runner.run(main)


def _factory(settings: Settings) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """None is the standard library's; uvloop is not there on every system."""
    relays = settings.email.all_relays if settings.email.from_address else ()
    if not relays or any(relay.security != "none" for relay in relays):
        return None
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
