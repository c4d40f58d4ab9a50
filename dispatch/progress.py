"""Progress: of a send a bar a channel on a terminal, plain lines otherwise; of other long work a bar."""

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
_WORTH_A_BAR = 5_000


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


@contextmanager
def counting(words: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal for work on `total` things, for which the callback says how many more are done; nothing
    elsewhere, and nothing for work that is done at once."""
    out = console(err=True)
    if not out.is_terminal or total < _WORTH_A_BAR:
        yield lambda done: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out, transient=True) as progress:
        task = progress.add_task(words, total=total)
        yield lambda done: progress.advance(task, done)
