"""What lanes remember in the store: counts, breakers and not-before times, which outlive the process.

A breaker is *closed* while all is well. An outage opens it: the lane rests, twice as long each time nothing went out in
between, and never shorter than the provider asked. When the rest is over it is *half-open*: one connection tries, and
what goes out closes it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dispatch.delivery.ledger import Attempt, GroupChange
from dispatch.errors import Failure
from dispatch.model import Rejected, Retry, Sent
from subscribers.database import Database, Row, queries

SQL = queries(Path(__file__).with_name("lanes.sql"))
CLOSED, OPEN, HALF_OPEN = "closed", "open", "half-open"
REST_FIRST_MS, REST_LONGEST_MS = 5_000, 600_000


@dataclass(frozen=True, slots=True)
class LaneState:
    """How a lane stands. Times in ms; `not_before` counts from `changed_at`, `rest_ms` is our own part of it."""

    name: str
    breaker: str = CLOSED
    rest_ms: int = 0
    not_before: int = 0
    changed_at: int = 0
    reason: str = ""

    def wait(self, now: int) -> int:
        """How long (ms) the lane still rests; a clock that was set back makes it no longer than it was."""
        return max(0, min(self.not_before - now, self.not_before - self.changed_at))

    @property
    def asked(self) -> bool:
        """Whether the provider asked for the rest, rather than we chose it."""
        return self.not_before - self.changed_at > self.rest_ms

    def rested(self, reason: str, asked: float | None, now: int) -> LaneState:
        """After an outage now. One that comes while the lane rests already can only lengthen the rest."""
        asked_ms = round((asked or 0.0) * 1000)
        resting = self.wait(now)
        if resting:
            if asked_ms <= resting:
                return replace(self, breaker=OPEN)
            return replace(self, breaker=OPEN, not_before=now + asked_ms, changed_at=now, reason=reason)
        rest_ms = min(max(REST_FIRST_MS, self.rest_ms * 2), REST_LONGEST_MS)
        return LaneState(self.name, OPEN, rest_ms, now + max(rest_ms, asked_ms), now, reason)


def group_lane(lane: str, group: str) -> str:
    """The name of the row that remembers the rest of a group of a lane's addresses."""
    return f"{lane}>{group}"


def waits_for(name: str) -> str:
    """The reason of a message that waits for a group's rest; `name` is that of the group's row."""
    return f"{name} rests"


def groups(db: Database, lane: str) -> list[LaneState]:
    """The groups of a lane that rest, or have not recovered."""
    return [LaneState(*row) for row in db.rows(SQL["groups"], {"name": lane})]


def states(db: Database, names: Sequence[str]) -> dict[str, LaneState]:
    """How these lanes stand; a lane that was never used is closed."""
    known = {row[0]: LaneState(*row) for row in db.rows(SQL["states"], {"names": list(names)})}
    return {name: known.get(name, LaneState(name)) for name in names}


def rest(db: Database, name: str, queue: str, reason: str, now: int) -> None:
    """A lane failed as a whole: it rests."""
    with db.transaction(shared=True):
        db.run(SQL["count"], {"name": name, "queue": queue, **_counts([])})  # its row is ours from here on
        _set(db, states(db, [name])[name].rested(reason, None, now), queue)


def rebase(db: Database, state: LaneState, queue: str, now: int) -> None:
    """The clock was set back to before the rest began: what is left of it counts from now."""
    with db.transaction(shared=True):
        db.run(SQL["count"], {"name": state.name, "queue": queue, **_counts([])})
        if states(db, [state.name])[state.name] == state:
            _set(db, replace(state, changed_at=now, not_before=now + state.wait(now)), queue)


def try_again(db: Database, state: LaneState) -> bool:
    """The rest is over: one connection tries. False where the lane does not stand like that any more."""
    with db.transaction(shared=True):
        return db.run(SQL["half_open"], {"name": state.name, "seen": state.not_before}) == 1


@dataclass(frozen=True, slots=True)
class Woken:
    """Lanes whose rest a person has cut short, and those left alone because the provider asked for the rest."""

    woken: tuple[LaneState, ...]
    left: tuple[LaneState, ...]


def known(db: Database) -> list[Row]:
    """All lanes that were ever used: how each stands, and its attempts since the installation."""
    return db.all(SQL["known"])


def state_of(row: Row) -> LaneState:
    """How a lane of `known` stands."""
    return LaneState(*(row[name] for name in ("name", "breaker", "rest_ms", "not_before", "changed_at", "reason")))


def wake(db: Database, now: int, *, name: str = "", even_if_asked: bool = False) -> Woken:
    """End the rest of a lane, or of all, at the word of a person: whoever runs it tries at its next poll, with one
    message first. A rest that the provider asked for ends only where it is said so.

    Raises Failure for a lane that was never used.
    """
    with db.transaction():
        found = {row["name"]: state_of(row) for row in known(db)}
        if name and name not in found:
            raise Failure(f"no lane {name}; there are: {', '.join(found) or 'none, for nothing was sent yet'}")
        resting = [state for state in found.values() if name in ("", state.name) and state.wait(now)]
        left = tuple(state for state in resting if state.asked and not even_if_asked)
        woken = tuple(state for state in resting if state not in left)
        db.many(SQL["wake"], [{"name": state.name, "now": now} for state in woken])
        queues = {row["name"]: row["queue"] for row in known(db)}
        for state in woken:
            reason = {"reason": waits_for(state.name), "queue": queues[state.name]}
            db.run(SQL["wake_messages"], {**reason, "now": now})
    return Woken(woken, left)


class Tally:
    """What a batch of attempts means for their lanes, written in the batch's own transaction."""

    def __init__(self) -> None:
        self._attempts: dict[str, list[Attempt]] = {}
        self._groups: dict[str, tuple[str, list[GroupChange]]] = {}

    def add(self, attempt: Attempt) -> None:
        self._attempts.setdefault(attempt.lane, []).append(attempt)
        if attempt.group is not None:
            self._groups.setdefault(attempt.group.name, (attempt.work.queue, []))[1].append(attempt.group)

    def write(self, db: Database, now: int) -> None:
        if not self._attempts:
            return
        for name, attempts in sorted(self._attempts.items()):  # in one order, so that no two wait for each other
            counts = {"name": name, "queue": attempts[0].work.queue, **_counts(attempts)}
            db.run(SQL["count"], counts)
            db.run(SQL["count_minute"], {**counts, "minute": now // 60_000})
        # The counts have locked the rows: read sooner, a rest that another process writes just now would be lost.
        before = states(db, list(self._attempts))
        for name, attempts in self._attempts.items():
            after = _after(before[name], attempts, now)
            if after != before[name]:
                _set(db, after, attempts[0].work.queue)
        if self._groups:
            self._write_groups(db, now)

    def _write_groups(self, db: Database, now: int) -> None:
        """After the lanes, and in one order among themselves. Their messages are counted with the lane's."""
        for name, (queue, changes) in sorted(self._groups.items()):
            db.run(SQL["count"], {"name": name, "queue": queue, **_counts([])})  # the row is ours from here on
            state = states(db, [name])[name]
            for change in changes:
                if change.rest is not None:
                    state = state.rested(change.reason, change.rest, now)
                elif not state.wait(now):
                    state = LaneState(name, changed_at=now)
            _set(db, state, queue)


def _counts(attempts: Sequence[Attempt]) -> dict[str, int]:
    counted = [attempt for attempt in attempts if attempt.counts]
    return {
        "sent": sum(isinstance(attempt.outcome, Sent) and attempt.final for attempt in counted),
        "retried": sum(isinstance(attempt.outcome, Retry) for attempt in counted),
        "failed": sum(isinstance(attempt.outcome, Rejected) for attempt in counted),
        "busy_ms": sum(attempt.duration_ms for attempt in attempts),
    }


def _after(state: LaneState, attempts: Sequence[Attempt], now: int) -> LaneState:
    for attempt in attempts:
        outcome = attempt.outcome
        if attempt.stops and not isinstance(outcome, Sent):
            state = state.rested(outcome.reason, outcome.after if isinstance(outcome, Retry) else None, now)
        elif isinstance(outcome, Retry):
            continue
        elif state.breaker != CLOSED and not state.wait(now):
            # What was on its way when the lane stopped proves nothing about now: a rest is over only in time.
            state = LaneState(state.name, changed_at=now)
    return state


def _set(db: Database, state: LaneState, queue: str) -> None:
    values = {name: getattr(state, name) for name in ("name", "breaker", "rest_ms", "not_before")}
    db.run(SQL["set_state"], {**values, "queue": queue, "changed_at": state.changed_at, "reason": state.reason})
