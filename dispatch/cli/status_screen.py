"""The status on a terminal: bars, sparklines, and no more lines than there is room for."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dispatch.cli import status_view as view
from dispatch.delivery.status import LaneStatus, QueueStatus, Status
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
_HEADS = 12  # lines that titles and gaps take
_RIGHT = frozenset(view.LANE_TITLES[2:])


def screen(status: Status, height: int | None = None) -> RenderableType:
    """All of it; with a `height`, at most about so many lines: what presses most comes first."""
    parts: list[RenderableType] = [Text(f"dispatch status {when(status.now)}", style="bold"), _processes(status)]
    if status.issues:
        parts.append(_issues(status))
    parts += [Text(plain(note), style="yellow") for note in view.notes(status)]
    taken = _HEADS + len(status.processes) + 2 * len(status.issues)
    parts.append(_lanes(status, None if height is None else max(3, height - taken)))
    return Group(*parts)


def _table(*titles: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=False, pad_edge=False)
    for title in titles:
        table.add_column(title, justify="right" if title in _RIGHT else "left", overflow="fold")
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
    table = _table("issue", "state", "ended", "", "paused")
    for issue in status.issues:
        counts = f"{issue.ended:,} of {issue.deliveries:,}"
        bar = ProgressBar(total=max(1, issue.deliveries), completed=issue.ended, width=30)
        name = Text(plain(f"{issue.name} {issue.title}"))
        table.add_row(name, Text(view.issue_state(issue)), counts, bar, Text(plain(view.holds(issue)), style="yellow"))
    return table


def _lanes(status: Status, room: int | None) -> RenderableType:
    queues = sorted((queue for queue in status.queues if not queue.quiet), key=_pressing)
    if not queues:
        return Text("nothing waits, and no lane did anything for an hour")
    titles = (*view.LANE_TITLES[:3], f"{len(status_minutes(queues))} minutes", *view.LANE_TITLES[3:])
    table = _table(*titles)
    table.columns[3].justify = "left"
    used = 0
    for place, queue in enumerate(queues):
        rows = list(view.lane_rows(queue, status.now))
        lines = sum(1 + bool(row[-1]) for row in rows)
        if room is not None and used + lines > room and place:
            table.add_row(Text(f"and {len(queues) - place} more", style="dim"))
            break
        used += lines
        _add(table, queue, rows)
    return table


def status_minutes(queues: Sequence[QueueStatus]) -> tuple[int, ...]:
    """The counts by the minute of the first lane there is: all have as many."""
    return next((lane.minutes for queue in queues for lane in queue.lanes), ())


def _pressing(queue: QueueStatus) -> tuple[bool, bool, int, str]:
    """What rests or is off, then what runs, then the longest backlog."""
    ill = queue.off or any(lane.state in ("resting", "rested", "trying") for lane in queue.lanes)
    return not ill, not any(lane.runs for lane in queue.lanes), -queue.due, queue.name


def _add(table: Table, queue: QueueStatus, rows: Sequence[tuple[str, ...]]) -> None:
    lanes: list[LaneStatus | None] = [*([None] if len(queue.lanes) != 1 else []), *queue.lanes]
    for row, lane in zip(rows, lanes, strict=True):
        name, state, rate, *rest, reason = (Text(plain(cell)) for cell in row)
        state.stylize(_COLOURS.get(row[1].split()[0].rstrip(":"), "") if row[1] else "")
        if row[-1]:
            state.append_text(Text("\n") + Text(reason.plain, style="dim"))
        table.add_row(name, state, rate, Text(sparkline(lane.minutes) if lane else "", style="cyan"), *rest)


def sparkline(counts: Sequence[int]) -> str:
    """Counts as a row of bars, the highest one full; nothing where there was none."""
    most = max(counts, default=0)
    return "".join(_TICKS[(count * (len(_TICKS) - 1)) // most] if count else " " for count in counts)
