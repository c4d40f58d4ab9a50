"""The status as metrics, in the form of Prometheus. Each family is named once, with what it means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dispatch import __version__
from dispatch.delivery.status import ROLES, LaneStatus, QueueStatus, Status
from dispatch.model import IssueState
from subscribers.database import Row

_MANY = 500  # queues; of more, those that nothing happens in are left out: every host of a webhook has one


def exposition(status: Status, endpoints: Sequence[Row]) -> bytes:
    """All metrics as text (Prometheus exposition format 0.0.4). `endpoints` are rows of channel, state, endpoints."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(status, endpoints))
    return generate_latest(registry)


class _Snapshot(Collector):
    """One status; what the library asks of a source of metrics."""

    def __init__(self, status: Status, endpoints: Sequence[Row]) -> None:
        self._status = status
        self._endpoints = endpoints

    def collect(self) -> Iterator[Metric]:
        queues = self._status.queues
        if len(queues) > _MANY:
            queues = tuple(queue for queue in queues if not queue.quiet)
        yield from _program(self._status)
        yield from _lanes([lane for queue in queues for lane in queue.lanes])
        yield from _queues(queues, self._status)
        yield from _issues(self._status)
        yield _sources(self._status)
        yield from _bots(self._status)
        yield _endpoints(self._endpoints)


def _program(status: Status) -> Iterator[Metric]:
    build = GaugeMetricFamily("dispatch_build_info", "Always 1; the version is a label.", labels=("version",))
    build.add_metric((__version__,), 1)
    yield build
    alive = sum(process.alive for process in status.processes)
    yield GaugeMetricFamily("dispatch_processes", "Processes that run.", value=alive)
    roles = GaugeMetricFamily("dispatch_role_held", "1 where a process has this part, else 0.", labels=("role",))
    for role in ROLES:
        holder = status.holder(role)
        roles.add_metric((role,), holder is not None and holder.alive)
    yield roles


def _sources(status: Status) -> Metric:
    failing = GaugeMetricFamily(
        "dispatch_source_failing", "Looks at a source of issues that failed one after the other.", labels=("source",)
    )
    for source in status.failing_sources:
        failing.add_metric((source.name,), source.failures)
    return failing


def _bots(status: Status) -> Iterator[Metric]:
    talking = GaugeMetricFamily(
        "dispatch_bot_talking", "1 where a process answers for the bot and gets its updates, else 0.", labels=("bot",)
    )
    updates = GaugeMetricFamily(
        "dispatch_bot_updates", "Updates that wait to be handled, or whose replies are not all made.",
        labels=("bot", "state"),
    )  # fmt: skip
    unknown = CounterMetricFamily(
        "dispatch_bot_replies_unknown", "Replies of which nobody knows whether they arrived.", labels=("bot",)
    )
    slowed = GaugeMetricFamily("dispatch_bot_slowed_users", "Users with several updates waiting.", labels=("bot",))
    last = GaugeMetricFamily(
        "dispatch_bot_handled_timestamp_seconds", "When an update was handled last; 0 for never.", labels=("bot",)
    )
    for bot in status.bots:
        talking.add_metric((bot.name,), bot.state == "talking")
        updates.add_metric((bot.name, "waiting"), bot.waiting)
        updates.add_metric((bot.name, "unsent"), bot.unsent)
        unknown.add_metric((bot.name,), bot.unknown)
        slowed.add_metric((bot.name,), bot.slowed)
        last.add_metric((bot.name,), (bot.handled_at or 0) / 1000)
    yield from (talking, updates, unknown, slowed, last)


def _lanes(lanes: Sequence[LaneStatus]) -> Iterator[Metric]:
    attempts = CounterMetricFamily("dispatch_messages", "Attempts, by what became of them.", labels=("lane", "outcome"))
    seconds = CounterMetricFamily(
        "dispatch_send_seconds", "Time that sending took, with all parts of messages and outages.", labels=("lane",)
    )
    running = GaugeMetricFamily("dispatch_lane_running", "Processes that run the lane.", labels=("lane",))
    breaker = GaugeMetricFamily(
        "dispatch_lane_breaker_open", "1 after an outage, until a message goes out again.", labels=("lane",)
    )
    rest = GaugeMetricFamily(
        "dispatch_lane_not_before_timestamp_seconds", "When the lane may send again; 0 for now.", labels=("lane",)
    )
    for lane in lanes:
        name, counts = lane.name, (lane.sent, lane.retried, lane.failed)
        for outcome, count in zip(("sent", "retried", "failed"), counts, strict=True):
            attempts.add_metric((name, outcome), count)
        seconds.add_metric((name,), lane.busy_ms / 1000)
        running.add_metric((name,), lane.runs)
        breaker.add_metric((name,), lane.breaker != "closed")
        rest.add_metric((name,), lane.not_before / 1000 if lane.state in ("resting", "waiting") else 0)
    yield from (attempts, seconds, running, breaker, rest)


def _queues(queues: Sequence[QueueStatus], status: Status) -> Iterator[Metric]:
    messages = GaugeMetricFamily(
        "dispatch_queue_messages", "Messages that are due, wait for a later time, or are being sent.",
        labels=("queue", "state"),
    )  # fmt: skip
    oldest = GaugeMetricFamily(
        "dispatch_queue_oldest_due_seconds", "For how long the oldest due message has waited.", labels=("queue",)
    )
    paused = GaugeMetricFamily("dispatch_paused_messages", "Messages that a person paused.", labels=("channel",))
    for queue in queues:
        for state in ("due", "later", "sending"):
            messages.add_metric((queue.name, state), getattr(queue, state))
        waited = status.now - queue.oldest_at if queue.oldest_at is not None else 0
        oldest.add_metric((queue.name,), waited / 1000)
    for channel, count in status.paused.items():
        paused.add_metric((channel,), count)
    yield from (messages, oldest, paused)


def _issues(status: Status) -> Iterator[Metric]:
    issues = GaugeMetricFamily("dispatch_issues", "Issues by state.", labels=("state",))
    for state in IssueState:
        issues.add_metric((state,), status.issue_states.get(state, 0))
    deliveries = GaugeMetricFamily(
        "dispatch_issue_deliveries", "Deliveries of the issues under way.", labels=("issue", "state")
    )
    for issue in status.issues:
        deliveries.add_metric((issue.name, "owed"), issue.owed)
        deliveries.add_metric((issue.name, "ended"), issue.ended)
    yield from (issues, deliveries)


def _endpoints(rows: Sequence[Row]) -> Metric:
    family = GaugeMetricFamily("dispatch_endpoints", "Endpoints of readers.", labels=("channel", "state"))
    for row in rows:
        family.add_metric((row["channel"], row["state"]), row["endpoints"])
    return family
