"""Reads what goes on from the database alone, and only reads: it covers all processes, from any shell, and no sender
waits for it.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatch import archive
from dispatch.delivery import leases
from dispatch.delivery.lanes import CLOSED, LaneState
from dispatch.delivery.status import (
    LEAST_SECONDS,
    MINUTE_MS,
    MINUTES,
    ROLES,
    BotStatus,
    FailingSource,
    Hold,
    IssueStatus,
    LaneStatus,
    Process,
    QueueStatus,
    Status,
    rate,
)
from subscribers.database import Database, Row, queries

SQL = queries(Path(__file__).with_name("status.sql"))

_SAMPLES_MS = 60_000
# Counting takes at most one part in so many of the time: a second at ten million messages, thrice a minute.
_COUNT_SHARE = 20


@dataclass(frozen=True, slots=True)
class _Lately:
    """What a lane did in the last hour, and in each of the last minutes."""

    hour: tuple[int, int, int] = (0, 0, 0)
    minutes: tuple[int, ...] = (0,) * MINUTES
    rate: float | None = 0.0


_NOTHING = _Lately()


@dataclass(frozen=True, slots=True)
class _Counts:
    """What takes the longer to count the more there is."""

    at: int
    queued: Mapping[str, Row]
    paused: Mapping[str, int]
    owed: Mapping[int, int]
    lately: Mapping[str, _Lately]


class Reader:
    """Reads the status, once or again and again. `off` says of a queue that no settings serve it.

    What is read again gets its rate from what was seen in the last minute. Counting what waits is linear: it is done
    anew only when that has a small share in the time.
    """

    def __init__(
        self, off: Callable[[str], bool] = lambda queue: False, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._off = off
        self._monotonic = monotonic
        self._samples: dict[str, deque[tuple[int, int]]] = {}
        self._deliveries: dict[int, int] = {}
        self._counts: _Counts | None = None
        self._issues: tuple[int, ...] = ()
        self._count_again = 0.0

    def read(self, db: Database, now: int) -> Status:
        rows = db.all(SQL["issues"])
        held = db.all(SQL["leases"], {"now": now})
        counts = self._counted(db, tuple(row["id"] for row in rows), held, now)
        return Status(
            now=now,
            counted_at=counts.at,
            processes=_processes(held),
            issues=self._issue_statuses(db, rows, counts),
            queues=self._queues(db, held, counts, now),
            paused=counts.paused,
            issue_states={row["state"]: row["issues"] for row in db.all(SQL["issue_states"])},
            failing_sources=tuple(_failing(row) for row in db.all(SQL["failing_sources"])),
            bots=_bots(db, held),
        )

    def _counted(self, db: Database, issues: tuple[int, ...], held: Sequence[Row], now: int) -> _Counts:
        started = self._monotonic()
        if self._counts is None or issues != self._issues or started >= self._count_again:
            self._counts, self._issues = _count(db, issues, _runs(held), now), issues
            ended = self._monotonic()
            self._count_again = ended + (ended - started) * _COUNT_SHARE
        return self._counts

    def _issue_statuses(self, db: Database, rows: Sequence[Row], counts: _Counts) -> tuple[IssueStatus, ...]:
        if not rows:
            return ()
        holds = _grouped(db.all(SQL["holds"]), "issue_id")
        shown = archive.shown(db)
        totals = self._totals(db, rows)
        return tuple(
            IssueStatus(
                name=shown(row["bulletin"], row["ref"]),
                deliveries=max(totals.get(row["id"], 0), counts.owed.get(row["id"], 0)),
                owed=counts.owed.get(row["id"], 0),
                planned=row["planned_at"] is not None,
                holds=tuple(_hold(hold) for hold in holds[row["id"]]),
                **{name: row[name] for name in ("title", "state", "publish_at")},
            )
            for row in rows
        )

    def _totals(self, db: Database, rows: Sequence[Row]) -> Mapping[int, int]:
        """The deliveries of each issue. An issue that is planned gets no more of them: counted once."""
        unknown = [row["id"] for row in rows if row["id"] not in self._deliveries and row["state"] != "approved"]
        found = {row["issue_id"]: row["deliveries"] for row in db.all(SQL["deliveries"], {"ids": unknown})}
        for row in rows:
            if row["planned_at"] is not None and row["id"] in unknown:
                self._deliveries[row["id"]] = found.get(row["id"], 0)
        return {**found, **self._deliveries}

    def _queues(self, db: Database, held: Sequence[Row], counts: _Counts, now: int) -> tuple[QueueStatus, ...]:
        lanes = _grouped(db.all(SQL["lanes"]), "queue")
        sending = {row["queue"]: row["messages"] for row in db.all(SQL["sending"])}
        runs = _runs(held)

        def lane(row: Row) -> LaneStatus:
            return self._lane(row, runs.get(row["name"], []), counts, now)

        def queue(name: str) -> QueueStatus:
            found = tuple(lane(row) for row in lanes[name])
            return self._queue(name, counts.queued.get(name), sending.get(name, 0), found, counts.at)

        return tuple(queue(name) for name in sorted({*lanes, *sending, *counts.queued}))

    def _queue(
        self, name: str, queued: Row | None, sending: int, lanes: tuple[LaneStatus, ...], counted_at: int
    ) -> QueueStatus:
        due, messages, oldest_at = (queued["due"], queued["messages"], queued["oldest_at"]) if queued else (0, 0, None)
        waits = messages > 0 and not any(lane.runs for lane in lanes)
        return QueueStatus(
            name=name,
            due=due,
            later=messages - due,
            sending=sending,
            oldest_at=oldest_at if oldest_at is not None and oldest_at <= counted_at else None,
            next_at=queued["next_at"] if queued else None,
            off=waits and self._off(name),
            lanes=lanes,
        )

    def _lane(self, row: Row, runs: Sequence[int], counts: _Counts, now: int) -> LaneStatus:
        seen = self._seen(row["name"], row["sent"], min(runs, default=0), now)
        lately = counts.lately.get(row["name"], _NOTHING)
        return LaneStatus(
            state=_state(row, len(runs), now),
            runs=len(runs),
            rate=lately.rate if seen is None else seen,
            minutes=lately.minutes,
            hour=lately.hour,
            **{name: row[name] for name in ("name", "queue", "breaker", "reason", "not_before")},
            **{name: row[name] for name in ("sent", "retried", "failed", "busy_ms")},
        )

    def _seen(self, lane: str, sent: int, began: int, now: int) -> float | None:
        """Messages a second since a minute ago as far as it was watched, and as it has been running; None where that is
        too short to say."""
        samples = self._samples.setdefault(lane, deque())
        samples.append((now, sent))
        while now - samples[0][0] > _SAMPLES_MS or (len(samples) > 1 and samples[1][0] <= began):
            samples.popleft()
        (began, before), seconds = samples[0], (now - samples[0][0]) / 1000
        return (sent - before) / seconds if seconds >= LEAST_SECONDS and now > began else None


def endpoints(db: Database) -> list[Row]:
    """Endpoints by channel and state. Linear in their number."""
    return db.all(SQL["endpoints"])


def _count(db: Database, issues: tuple[int, ...], runs: Mapping[str, Sequence[int]], now: int) -> _Counts:
    paused: defaultdict[str, int] = defaultdict(int)
    for row in db.all(SQL["paused"]):
        paused[row["channel"]] += row["messages"]
    owed = db.all(SQL["owed"], {"ids": list(issues)}) if issues else []
    return _Counts(
        at=now,
        queued={row["queue"]: row for row in db.all(SQL["queued"], {"now": now})},
        paused=dict(paused),
        owed={row["issue_id"]: row["deliveries"] for row in owed},
        lately=_lately(db, runs, now),
    )


def _lately(db: Database, runs: Mapping[str, Sequence[int]], now: int) -> Mapping[str, _Lately]:
    minute = now // MINUTE_MS
    first = minute - MINUTES + 1
    counts: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for row in db.each(SQL["minutes"], {"first": first}):
        counts[row["lane"]][row["minute"]] = row["sent"]
    return {
        row["lane"]: _Lately(
            (row["sent"], row["retried"], row["failed"]),
            tuple(counts[row["lane"]].get(first + n, 0) for n in range(MINUTES)),
            rate(counts[row["lane"]], now, min(runs.get(row["lane"], ()), default=None)),
        )
        for row in db.all(SQL["hour"], {"first": minute - 59})
    }


def _processes(held: Sequence[Row]) -> tuple[Process, ...]:
    names: defaultdict[str, list[str]] = defaultdict(list)
    for row in held:
        names[row["owner"]].append(row["name"])
    return tuple(
        _process(row, names[row["owner"]])
        for row in sorted(held, key=lambda row: (row["since"], row["name"]))
        if row["name"].startswith("process/")
    )


def _process(row: Row, names: Sequence[str]) -> Process:
    host, pid = [*row["owner"].split("/"), "", ""][:2]
    return Process(
        host=host.rpartition("-")[0] or host,  # without the boot
        pid=pid,
        roles=tuple(role for role in ROLES if role in names),
        lanes=sum(name.startswith("lane/") for name in names),
        alive=not leases.is_dead(row["owner"]),
        **{name: row[name] for name in ("owner", "since", "until")},
    )


def _runs(held: Sequence[Row]) -> Mapping[str, Sequence[int]]:
    """When each run of a lane began: `lane/NAME/n` is one, unless who holds it died here."""
    dead = {owner for owner in {row["owner"] for row in held} if leases.is_dead(owner)}
    runs: defaultdict[str, list[int]] = defaultdict(list)
    for row in held:
        if row["name"].startswith("lane/") and row["owner"] not in dead:
            runs[row["name"].removeprefix("lane/").rpartition("/")[0]].append(row["since"])
    return runs


def _state(row: Row, runs: int, now: int) -> str:
    lane = LaneState(*(row[name] for name in ("name", "breaker", "rest_ms", "not_before", "changed_at", "reason")))
    if lane.wait(now):
        return "waiting" if lane.asked else "resting"
    if lane.breaker != CLOSED:
        return "trying" if runs else "rested"
    return "running" if runs else "idle"


def _bots(db: Database, held: Sequence[Row]) -> tuple[BotStatus, ...]:
    rows = db.all(SQL["bots"])
    if not rows:
        return ()
    talking = {row["name"] for row in held if row["name"].startswith("bot/") and not leases.is_dead(row["owner"])}
    updates = {row["bot"]: row for row in db.all(SQL["bot_updates"])}
    slowed = {row["bot"]: row["users"] for row in db.all(SQL["bot_slowed"])}
    return tuple(
        _bot(row, updates.get(row["bot"]), slowed.get(row["bot"], 0), talks=f"bot/{row['name']}" in talking)
        for row in rows
    )


def _bot(row: Row, updates: Row | None, slowed: int, *, talks: bool) -> BotStatus:
    state = ("in trouble" if row["trouble"] else "talking") if talks else "silent"
    return BotStatus(
        state=state,
        trouble_at=row["trouble_at"] or None,
        waiting=updates["waiting"] if updates else 0,
        unsent=updates["unsent"] if updates else 0,
        unknown=row["replies_unknown"],
        slowed=slowed,
        **{name: row[name] for name in ("name", "username", "updates", "trouble", "handled_at")},
    )


def _failing(row: Row) -> FailingSource:
    name = str(row["name"]).partition("?")[0]
    return FailingSource(name, row["failures"], row["failing_since"] or 0, row["next_at"], row["last_error"])


def _hold(row: Row) -> Hold:
    return Hold(row["column_name"], row["channel"], row["held_at"], row["held_by"])


def _grouped(rows: Sequence[Row], name: str) -> defaultdict[Any, list[Row]]:
    found: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found
