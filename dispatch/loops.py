"""Which event loop runs the program. Measured (docs/performance.md): plain connections are faster on uvloop, TLS is
faster on the loop of the standard library."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from dispatch.settings import Settings

T = TypeVar("T")


def run(settings: Settings, main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, on the loop that suits what is sent most."""
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
