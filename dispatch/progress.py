"""Progress: of a send a bar a channel on a terminal, plain lines otherwise; of other long work a bar."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dispatch.model import Rejected, Retry, Sent
from dispatch.output import console, span

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from dispatch.delivery.ledger import Attempt

log = logging.getLogger(__name__)
_EVERY_MS = 10_000
_WORTH_A_BAR = 5_000
Stage = Callable[[str, int, int], None]


class Sending(Protocol):
    """What the engine tells of each attempt. `expect` says how many messages of each channel are to be sent, once that
    is known; without it there is no telling how much is left."""

    def __call__(self, attempt: Attempt) -> None: ...

    def expect(self, totals: Mapping[str, int]) -> None: ...


class Silent:
    """Shows nothing."""

    def __call__(self, attempt: Attempt) -> None: ...

    def expect(self, totals: Mapping[str, int]) -> None: ...


SILENT: Sending = Silent()


@contextmanager
def sending(totals: Mapping[str, int] | None = None) -> Iterator[Sending]:
    """A callback for the engine. `totals` are the messages expected of each channel, where that is known already."""
    out = console(err=True)
    with _bars(out) if out.is_terminal else nullcontext(_Lines()) as shown:
        shown.expect(totals or {})
        yield shown


def _ended(attempt: Attempt) -> bool:
    """Whether its message has come to an end, so far as this run goes."""
    return attempt.final if isinstance(attempt.outcome, Sent) else isinstance(attempt.outcome, Rejected)


@contextmanager
def _bars(out: Console) -> Iterator[Sending]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:>9}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[again]}"),
    )
    with Progress(*columns, console=out, speed_estimate_period=30) as progress:
        yield _Bars(progress)


class _Bars:
    """A bar a channel."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._again: Counter[str] = Counter()

    def expect(self, totals: Mapping[str, int]) -> None:
        for name, total in totals.items():
            self._progress.update(self._task(name), total=total, left="left")

    def __call__(self, attempt: Attempt) -> None:
        name = attempt.work.channel
        task = self._task(name)
        self._progress.advance(task, _ended(attempt))
        self._again[name] += isinstance(attempt.outcome, Retry)
        speed = next((item.speed for item in self._progress.tasks if item.id == task), None)
        again = f"{self._again[name]:,} to be tried again" if self._again[name] else ""
        self._progress.update(task, rate=f"{speed:,.1f}/s" if speed else "", again=again)

    def _task(self, name: str) -> TaskID:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=None, rate="", left="", again="")
        return self._tasks[name]


@dataclass(slots=True)
class _Count:
    """How far a channel is."""

    total: int = 0
    ended: int = 0
    again: int = 0
    began: int | None = None

    def words(self, name: str, now: int) -> str:
        seconds = (now - self.began) / 1000 if self.began is not None else 0
        rate = self.ended / seconds if seconds > 0 else 0
        left = max(0, self.total - self.ended)
        of = f" of {self.total:,}" if self.total else ""
        more = [f"{rate:,.1f}/s"] if rate else []
        more += [f"{span(left / rate)} left"] if rate and left else []
        more += [f"{self.again:,} to be tried again"] if self.again else []
        return f"{name} {self.ended:,}{of}" + (f" ({', '.join(more)})" if more else "")


class _Lines:
    """A line in the log now and then, by the attempts' own times."""

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}
        self._told: int | None = None

    def expect(self, totals: Mapping[str, int]) -> None:
        for name, total in totals.items():
            self._counts.setdefault(name, _Count()).total = total

    def __call__(self, attempt: Attempt) -> None:
        now = attempt.started_at + attempt.duration_ms
        count = self._counts.setdefault(attempt.work.channel, _Count())
        count.began = attempt.started_at if count.began is None else count.began
        count.ended += _ended(attempt)
        count.again += isinstance(attempt.outcome, Retry)
        if self._told is None:
            self._told = attempt.started_at
        elif now - self._told >= _EVERY_MS:
            self._told = now
            log.info("sent so far: %s", "; ".join(count.words(name, now) for name, count in self._counts.items()))


@contextmanager
def stages(of: str = "") -> Iterator[Stage]:
    """Bars on a terminal for long work, one a stage; nothing elsewhere. The callback is told a stage, how far it is,
    and of how much (0: not known). `of` is what a stage counts: "bytes", or rows unless set."""
    out = console(err=True)
    if not out.is_terminal:
        yield lambda what, done, total: None
        return
    from rich.filesize import decimal
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=out, transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def tick(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=None)
            count = decimal(done) if of == "bytes" else f"{done:,}" + (f" of {total:,}" if total else "")
            words = f"{what} {count}" if done and not (total and of == "bytes") else what
            progress.update(tasks[what], description=words, completed=done, total=total or None)

        yield tick


@contextmanager
def counting(words: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal for work on `total` things, for which the callback says how many more are done; nothing
    elsewhere, and nothing for work that is done at once."""
    if total < _WORTH_A_BAR:
        yield lambda done: None
        return
    with stages() as tick:
        ended = 0

        def advance(done: int) -> None:
            nonlocal ended
            ended += done
            tick(words, ended, total)

        yield advance
