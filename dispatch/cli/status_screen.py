"""The status on a terminal: bars, sparklines, and no more lines than there is room for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dispatch.cli import status_view as view
from dispatch.delivery.status import LEAST_SECONDS, MINUTE_MS, BotStatus, LaneStatus, QueueStatus, Status
from dispatch.output import plain, span, when

_TICKS = "▁▂▃▄▅▆▇█"
_COLOURS = {
    "running": "green",
    "trying": "yellow",
    "resting": "red",
    "rested": "yellow",
    "waiting": "yellow",
    "off": "red",
    "no": "yellow",
}
_MINUTES = 12
_TITLES = (*view.LANE_TITLES[:3], f"{_MINUTES} minutes", *view.LANE_TITLES[3:])
_WIDE = 126
_NARROW = (0, 1, 2, 4, 8, 9, 11)  # lane, state, rate, due, time left, sent, failed
_WHOLE = frozenset(view.LANE_TITLES[1:])
_HEADS = 13  # lines that titles and gaps take
_RIGHT = frozenset(view.LANE_TITLES[2:])


def screen(status: Status, width: int, height: int | None = None) -> RenderableType:
    """All of it, the numbers that matter less left out where there is no room; with a `height`, at most about so many
    lines: what presses most comes first."""
    parts: list[RenderableType] = [Text(f"dispatch status {when(status.now)}", style="bold"), _processes(status)]
    if status.issues:
        parts.append(_issues(status))
    parts += [Text(plain(note), style="yellow") for note in view.notes(status)]
    bots = [bot for bot in status.bots if not bot.quiet]
    if bots:
        parts.append(_bots(bots))
    taken = (len(bots) + 4 if bots else 0) + _HEADS + len(status.processes) + 2 * len(status.issues)
    columns = tuple(range(len(_TITLES))) if width >= _WIDE else _NARROW
    parts.append(_lanes(status, columns, None if height is None else max(3, height - taken)))
    return Group(*parts)


def _table(*titles: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for title in titles:
        whole = title in _WHOLE
        table.add_column(title, justify="right" if title in _RIGHT else "left", overflow="fold", no_wrap=whole)
    return table


def _processes(status: Status) -> RenderableType:
    if not status.processes:
        return Text("no process is running: dispatch run", style="yellow")
    table = _table("process", "up", "does")
    for process in status.processes:
        up = span((status.now - process.since) / 1000)
        style = "" if process.alive else "red"
        table.add_row(
            *(Text(plain(cell)) for cell in (f"{process.host} {process.pid}", up, view.duty(process))), style=style
        )
    return table


def _issues(status: Status) -> Table:
    table = _table("issue", "title", "state", "ended", "", "paused")
    for issue in status.issues:
        counts = f"{issue.ended:,} of {issue.deliveries:,}"
        bar = ProgressBar(total=max(1, issue.deliveries), completed=issue.ended, width=30)
        name, title, paused = (Text(plain(words)) for words in (issue.name, issue.title, view.holds(issue)))
        paused.stylize("yellow")
        table.add_row(name, title, Text(view.issue_state(issue)), counts, bar, paused)
    return table


def _bots(bots: Sequence[BotStatus]) -> Table:
    table = _table(*view.BOT_TITLES)
    for bot in bots:
        style = "" if bot.state == "talking" else "yellow"
        table.add_row(*(Text(plain(cell)) for cell in view.bot_row(bot)), style=style)
    return table


def _lanes(status: Status, columns: Sequence[int], room: int | None) -> RenderableType:
    queues = sorted((queue for queue in status.queues if not queue.quiet), key=_pressing)
    if not queues:
        return Text("nothing waits, and no lane did anything for an hour")
    table = _table(*(_TITLES[column] for column in columns))
    reasons: list[str] = []
    for place, queue in enumerate(queues):
        rows = list(view.lane_rows(queue, status.now))
        why = view.reasons(queue)
        if room is not None and place and table.row_count + len(reasons) + len(rows) + len(why) > room:
            table.add_row(Text(f"and {len(queues) - place:,} more", style="dim"))
            break
        reasons += why
        for row in _cells(queue, rows, status.counted_at):
            table.add_row(*(row[column] for column in columns))
    return Group(table, *(Text(plain(why), style="yellow") for why in reasons), Text(view.LEGEND, style="dim"))


def _pressing(queue: QueueStatus) -> tuple[bool, bool, int, str]:
    """What rests or is off, then what runs, then the longest backlog."""
    ill = queue.off or any(lane.state in ("resting", "rested", "trying") for lane in queue.lanes)
    return not ill, not any(lane.runs for lane in queue.lanes), -queue.due, queue.name


def _cells(queue: QueueStatus, rows: Sequence[tuple[str, ...]], now: int) -> Iterator[Sequence[Text]]:
    """The rows of a queue, as _TITLES."""
    lanes: list[LaneStatus | None] = [*([None] if len(queue.lanes) != 1 else []), *queue.lanes]
    for row, lane in zip(rows, lanes, strict=True):
        name, state, rate, *rest = (Text(plain(cell)) for cell in row[:-1])
        state.stylize(_COLOURS.get(state.plain.partition(" ")[0].rstrip(":"), ""))
        yield (name, state, rate, Text(_minutes(lane, now) if lane else "", style="cyan"), *rest)


def _minutes(lane: LaneStatus, now: int) -> str:
    """The minute that is not over counts as if it went on as it began."""
    *before, last = lane.minutes[-_MINUTES:]
    passed = max(LEAST_SECONDS * 1000, now % MINUTE_MS)
    return sparkline([*before, last * MINUTE_MS // passed])


def sparkline(counts: Sequence[int]) -> str:
    """Counts as a row of bars, the highest one full; nothing where there was none."""
    most = max(counts, default=0)
    return "".join(_TICKS[(count * (len(_TICKS) - 1)) // most] if count else " " for count in counts)
