"""Progress of a send: a bar a channel on a terminal, plain lines otherwise."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dispatch.output import console

if TYPE_CHECKING:
    from dispatch.delivery.ledger import Attempt

log = logging.getLogger(__name__)
_EVERY = 500


@contextmanager
def sending(totals: dict[str, int] | None = None) -> Iterator[Callable[[Attempt], None]]:
    """A callback for the engine. `totals` are the messages expected of each channel, where that is known."""
    out = console(err=True)
    if out.is_terminal:
        with _bars(totals or {}) as tick:
            yield tick
    else:
        with _lines() as tick:
            yield tick


@contextmanager
def _bars(totals: dict[str, int]) -> Iterator[Callable[[Attempt], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(err=True)) as progress:
        tasks = {name: progress.add_task(name, total=total) for name, total in totals.items()}

        def tick(attempt: Attempt) -> None:
            name = attempt.work.channel
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=None)
            if attempt.final:
                progress.advance(tasks[name])

        yield tick


@contextmanager
def _lines() -> Iterator[Callable[[Attempt], None]]:
    counts: Counter[str] = Counter()

    def tick(attempt: Attempt) -> None:
        counts[attempt.work.channel] += attempt.final
        if sum(counts.values()) % _EVERY == 0:
            log.info("settled so far: %s", ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))

    yield tick
