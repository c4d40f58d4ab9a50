"""The status in words: for JSON, for tables and for lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dispatch.output import iso, plain, say, span, table, when

if TYPE_CHECKING:
    from dispatch.delivery.status import BotStatus, FailingSource, IssueStatus, LaneStatus, Process, QueueStatus, Status

LANE_TITLES = ("lane", "state", "/s", "due", "later", "sending", "oldest", "left", "sent", "retried", "failed")
BOT_TITLES = ("bot", "state", "updates", "last update", "waiting", "unsent", "unknown", "slowed users")
BOT_LEGEND = "waiting: updates not handled; unsent: with replies not made; unknown: replies that may not have arrived"
LEGEND = "oldest: for how long the oldest due one has waited; sent, retried, failed: in the last hour"


def as_dict(status: Status) -> dict[str, Any]:
    """The whole status. Counts of an hour are of the last one, `attempts` since the installation; `rate` is messages a
    second, null until a lane has sent for ten seconds."""
    holders = {role: status.holder(role) for role in ("scheduler", "web")}
    return {
        "time": iso(status.now),
        "counted_at": iso(status.counted_at),
        "processes": [_process_dict(process) for process in status.processes],
        **{role: holder.owner if holder else None for role, holder in holders.items()},
        "issues": [_issue_dict(issue) for issue in status.issues],
        "issue_states": dict(status.issue_states),
        "queues": [_queue_dict(queue, status.now) for queue in status.queues],
        "paused_messages": dict(status.paused),
        "failing_sources": [_source_dict(source) for source in status.failing_sources],
        "bots": [_bot_dict(bot) for bot in status.bots],
    }


def _bot_dict(bot: BotStatus) -> dict[str, Any]:
    return {**asdict(bot), "trouble_at": iso(bot.trouble_at), "handled_at": iso(bot.handled_at)}


def _source_dict(source: FailingSource) -> dict[str, Any]:
    return {**asdict(source), "since": iso(source.since), "next_at": iso(source.next_at)}


def _process_dict(process: Process) -> dict[str, Any]:
    return {**asdict(process), "since": iso(process.since), "until": iso(process.until)}


def _issue_dict(issue: IssueStatus) -> dict[str, Any]:
    holds = [
        {"column": hold.column, "channel": hold.channel, "by": hold.held_by, "at": iso(hold.held_at)}
        for hold in issue.holds
    ]
    return {
        "id": issue.name,
        "title": issue.title,
        "state": issue.state,
        "publish_at": iso(issue.publish_at),
        "planning_ended": issue.planned,
        "deliveries": issue.deliveries,
        "ended": issue.ended,
        "owed": issue.owed,
        "holds": holds,
    }


def _queue_dict(queue: QueueStatus, now: int) -> dict[str, Any]:
    return {
        "queue": queue.name,
        "channel": queue.channel,
        "off": queue.off,
        "due": queue.due,
        "later": queue.later,
        "sending": queue.sending,
        "oldest_due_seconds": (now - queue.oldest_at) / 1000 if queue.oldest_at is not None else None,
        "next_at": iso(queue.next_at),
        "rate": _rounded(queue.rate, 3),
        "seconds_left": _rounded(queue.seconds_left),
        "lanes": [_lane_dict(lane) for lane in queue.lanes],
    }


def _lane_dict(lane: LaneStatus) -> dict[str, Any]:
    kept = ("state", "breaker", "reason", "runs")
    counts = ("sent", "retried", "failed")
    return {
        "lane": lane.name,
        **{name: getattr(lane, name) for name in kept},
        "not_before": iso(lane.not_before) if lane.not_before else None,
        "rate": _rounded(lane.rate, 3),
        "minutes": list(lane.minutes),
        "hour": dict(zip(counts, lane.hour, strict=True)),
        "attempts": {**{name: getattr(lane, name) for name in counts}, "busy_ms": lane.busy_ms},
    }


def _rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)


def _pace(rate: float | None) -> str:
    return "…" if rate is None else f"{rate:.1f}"


def print_tables(status: Status) -> None:
    """For a file or another program: nothing is drawn, nothing cut off."""
    table(
        ("host", "process", "since", "does"),
        [(item.host, item.pid, when(item.since), duty(item)) for item in status.processes],
        empty="no process is running: dispatch run",
    )
    say("")
    table(
        ("issue", "title", "state", "ended", "deliveries", "paused"),
        [(i.name, i.title, issue_state(i), i.ended, i.deliveries, holds(i)) for i in status.issues],
        empty="no issue is under way",
    )
    for text in notes(status):
        say(text)
    say("")
    rows = [row for queue in status.queues if not queue.quiet for row in lane_rows(queue, status.now)]
    table((*LANE_TITLES, "reason"), rows, empty="nothing waits, and no lane did anything for an hour")
    if rows:
        say(LEGEND)
    bots = [bot_row(bot) for bot in status.bots if not bot.quiet]
    if bots:
        say("")
        table(BOT_TITLES, bots, empty="")
        say(BOT_LEGEND)


def bot_row(bot: BotStatus) -> tuple[str, ...]:
    """As BOT_TITLES."""
    name = f"{bot.name} (@{bot.username})" if bot.username else bot.name
    last = when(bot.handled_at) if bot.handled_at is not None else "none yet"
    counts = (bot.waiting, bot.unsent, bot.unknown, bot.slowed)
    return (name, bot.state, bot.updates, last, *(f"{count:,}" for count in counts))


def line(status: Status) -> str:
    """The status in one line, for a log."""
    parts = [when(status.now), f"processes {len(status.processes)}"]
    parts += [f"issue {i.name} {issue_state(i)} {i.ended}/{i.deliveries}" for i in status.issues]
    parts += [_queue_words(queue, status.now) for queue in status.queues if not queue.quiet]
    parts += [f"bot {bot.name} {bot.state}, waiting {bot.waiting}" for bot in status.bots if not bot.quiet]
    parts += notes(status)
    return plain("; ".join(parts))


def _queue_words(queue: QueueStatus, now: int) -> str:
    words = [f"{queue.name} {queue_state(queue)}", f"{_pace(queue.rate)}/s", f"due {queue.due}"]
    words += [f"later {queue.later}"] if queue.later else []
    words += [f"{span(queue.seconds_left)} left"] if queue.seconds_left else []
    return ", ".join(words)


def lane_rows(queue: QueueStatus, now: int) -> Iterator[tuple[str, ...]]:
    """A row a lane, as LANE_TITLES and the reason; the backlog is the queue's: of several lanes, it has a row of its
    own before theirs."""
    backlog = _backlog(queue, now)
    if len(queue.lanes) == 1:
        [lane] = queue.lanes
        yield (lane.name, lane_state(lane, off=queue.off), _pace(lane.rate), *backlog, *_hour(lane), lane.reason)
        return
    rate = _pace(queue.rate) if queue.lanes else ""
    yield (queue.name, "" if queue.lanes else queue_state(queue), rate, *backlog, "", "", "", "")
    for lane in queue.lanes:
        state = lane_state(lane, off=queue.off)
        yield ("  " + lane.name, state, _pace(lane.rate), "", "", "", "", "", *_hour(lane), lane.reason)


def _backlog(queue: QueueStatus, now: int) -> tuple[str, ...]:
    oldest = span((now - queue.oldest_at) / 1000) if queue.oldest_at is not None else ""
    left = span(queue.seconds_left) if queue.seconds_left is not None else ""
    return (f"{queue.due:,}", f"{queue.later:,}", f"{queue.sending:,}", oldest, left)


def _hour(lane: LaneStatus) -> tuple[str, ...]:
    return tuple(f"{count:,}" for count in lane.hour)


def queue_state(queue: QueueStatus) -> str:
    """The states of a queue's lanes, each once."""
    if not queue.lanes:
        # A lane has a row of its own from its first answer on; before that it is told by what it has in hand.
        return "starting" if queue.sending else "off: no settings" if queue.off else "no lane yet"
    return " and ".join(dict.fromkeys(lane_state(lane, off=queue.off) for lane in queue.lanes))


def lane_state(lane: LaneStatus, *, off: bool) -> str:
    """`not_before` counts for a lane that rests, and one that a receiver asked to wait."""
    if off:
        return "off: no settings"
    if lane.state in ("resting", "waiting"):
        return f"{lane.state} until {when(lane.not_before)[11:]}"
    return f"running ×{lane.runs}" if lane.state == "running" and lane.runs > 1 else lane.state


def issue_state(issue: IssueStatus) -> str:
    if issue.state == "approved" and issue.publish_at is not None:
        return f"goes out {when(issue.publish_at)}"
    return "being planned" if issue.state == "sending" and not issue.planned else issue.state


def holds(issue: IssueStatus) -> str:
    """The parts that are paused, and by whom."""
    return "; ".join(
        f"{hold.column or 'all columns'} on {hold.channel or 'all channels'}"
        f" (by {hold.held_by}, {when(hold.held_at)[:16]})"
        for hold in issue.holds
    )


def duty(process: Process) -> str:
    words = list(process.roles)
    words += [f"{process.lanes} {'lane' if process.lanes == 1 else 'lanes'}"] if process.lanes else []
    words += [] if process.alive else ["died; its work is taken over soon"]
    return ", ".join(words) or "nothing at the moment"


def reasons(queue: QueueStatus) -> list[str]:
    """Why lanes of a queue do not send."""
    return [f"{lane.name}: {lane.reason}" for lane in queue.lanes if lane.reason and lane.state != "running"]


def notes(status: Status) -> list[str]:
    """What belongs to no row."""
    found = [f"paused for {channel}: {count:,} messages" for channel, count in sorted(status.paused.items())]
    held = status.issue_states.get("held", 0)
    found += [f"issues that wait for approval: {held}"] if held else []
    found += [
        f"source {source.name} fails since {when(source.since)}: {source.error}" for source in status.failing_sources
    ]
    found += [
        f"bot {bot.name} gets no updates since {when(bot.trouble_at)}: {bot.trouble}"
        for bot in status.bots
        if bot.state == "in trouble" and bot.trouble_at is not None
    ]
    if status.processes:
        found += [f"no process has the part of the {role}" for role in ("scheduler",) if not status.holder(role)]
    return found
