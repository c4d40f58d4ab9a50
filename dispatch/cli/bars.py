"""Bars for long work of several stages; on a terminal alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dispatch.output import console

Tick = Callable[[str, int, int], None]


@contextmanager
def stages(of: str = "") -> Iterator[Tick]:
    """A callback that is told a stage, how far it is, and of how much (0: not known). `of` is what a stage counts whose
    end is not known: "bytes", or rows unless set."""
    out = console(err=True)
    if not out.is_terminal:
        yield lambda what, done, total: None
        return
    from rich.filesize import decimal
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True) as progress:
        tasks = {}

        def tick(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=None)
            words = f"{what} {decimal(done) if of == 'bytes' else f'{done:,}'}" if done and not total else what
            progress.update(tasks[what], description=words, completed=done, total=total or None)

        yield tick
