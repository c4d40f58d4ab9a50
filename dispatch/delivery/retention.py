"""What is kept for how long.

Attempts go some time after their message has ended; messages, and the details of deliveries, later. What stays of a
delivery for ever is its key (digest and endpoint), its state and when it ended: planning an issue again after years
sends nothing to anybody who had it. What has not ended, and what belongs to an issue that may still send, is not
touched, however old it is.

People go as they do by `personal.erase`: those removed some time ago, and addresses that nobody has confirmed.

It is done in slices, each a transaction of a few thousand rows: between two, others have their turn, and it may stop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from dispatch.delivery import bounces, personal
from dispatch.delivery.leases import is_dead
from dispatch.delivery.slices import REST_SECONDS
from dispatch.delivery.store import Store
from dispatch.model import MessageState
from dispatch.settings import RetentionSettings
from subscribers import audit
from subscribers import personal as people
from subscribers.audit import PROGRAM, Act, Way
from subscribers.database import Database, Row, queries
from subscribers.errors import Busy

log = logging.getLogger(__name__)

SQL = queries(Path(__file__).with_name("retention.sql"))
LIVE = (MessageState.QUEUED, MessageState.PAUSED, MessageState.SENDING)
ENDED = tuple(state.value for state in MessageState if state not in LIVE)
SLICE = 2_000  # messages of a transaction, with what hangs on them; attempts, where only they go
_DAY_MS = 86_400_000
_WORDS = 100
_MINUTES_KEPT = 2 * 24 * 60


@dataclass(slots=True)
class Pruned:
    """What was deleted, or would be: rows of each table. Of `deliveries` the details were."""

    attempts: int = 0
    messages: int = 0
    deliveries: int = 0
    lane_minutes: int = 0
    leases: int = 0
    bounces: int = 0
    audit: int = 0
    asks: int = 0
    removed: int = 0  # subscribers whose personal data was still there
    unconfirmed: int = 0  # endpoints

    def __str__(self) -> str:
        return ", ".join(f"{name} {count}" for name, count in asdict(self).items())

    @property
    def total(self) -> int:
        return sum(asdict(self).values())


class Sweep:
    """One walk over all that is too old at `now`, `rows` a slice. `dry` only counts."""

    def __init__(
        self,
        settings: RetentionSettings,
        now: int,
        *,
        dry: bool = False,
        rows: int = SLICE,
        act: Act | None = None,
    ) -> None:
        days = [kept for kept in (settings.attempts_days, settings.deliveries_days) if kept]
        self._now = now
        self._dry = dry
        self._rows = rows
        self._attempts_before = _before(now, min(days, default=0))  # they are never kept longer than their message
        self._messages_before = _before(now, settings.deliveries_days)
        self._audit_before = _before(now, settings.audit_days)
        self._pending_before = _before(now, settings.pending_days)
        self._removed_before = _before(now, settings.removed_days)
        self._act = act or Act(now, PROGRAM, Way.SCHEDULE)
        self._traces: list[str] = []
        self._after = 0
        self._steps: list[Callable[[Database], bool]] = [
            self._attempts,
            self._messages,
            self._bounces,
            self._minutes,
            self._leases,
            self._asks,
            self._records,
            self._removed,
            self._unconfirmed,
            self._scrub,
        ]
        self.pruned = Pruned()

    def slice(self, db: Database) -> bool:
        """Do the next slice, in one transaction; False when there is none left."""
        while self._steps:
            if self._steps[0](db):
                return True
            del self._steps[0]
            self._after = 0
        return False

    def _attempts(self, db: Database) -> bool:
        last = self._edge(db, "attempt_edge", self._attempts_before)
        if last:
            with db.transaction():
                ids = self._old(db, "old_attempts", last, self._attempts_before)
                self.pruned.attempts += self._change(db, "delete_attempts", ids, len(ids))
            self._after = last
        return bool(last)

    def _messages(self, db: Database) -> bool:
        last = self._edge(db, "message_edge", self._messages_before)
        if last:
            with db.transaction():
                self._delete_messages(db, self._old(db, "old_messages", last, self._messages_before))
            self._after = last
        return bool(last)

    def _delete_messages(self, db: Database, ids: Sequence[int]) -> None:
        if not self._dry:  # a dry run has counted them already
            self.pruned.attempts += self._change(db, "delete_attempts_of", ids, 0)
        owed = int(db.value(SQL["count_deliveries_of"], {"ids": ids})) if ids else 0
        self.pruned.deliveries += self._change(db, "strip_deliveries_of", ids, owed)
        self.pruned.messages += self._change(db, "delete_messages", ids, len(ids))

    def _bounces(self, db: Database) -> bool:
        """They are kept as long as messages."""
        before = self._messages_before
        old = int(db.value(bounces.SQL["count_old"], {"before": before})) if before else 0
        if self._dry or not old:
            self.pruned.bounces += old
            return False
        with db.transaction():
            self.pruned.bounces += db.run(bounces.SQL["delete_old"], {"before": before, "page": self._rows})
        return True

    def _minutes(self, db: Database) -> bool:
        before = self._now // 60_000 - _MINUTES_KEPT
        if self._dry:
            self.pruned.lane_minutes = int(db.value(SQL["count_minutes"], {"before": before}))
            return False
        edge = _one(db, "minute_edge", {"before": before, "slice": self._rows})
        if edge["found"]:
            with db.transaction():
                self.pruned.lane_minutes += db.run(SQL["delete_minutes"], {"last": edge["last"]})
        return bool(edge["found"])

    def _leases(self, db: Database) -> bool:
        """All at once: there is one a lane and process. Of those of other machines nobody here knows whether they are
        dead; the processes at work find out."""
        rows = [row for row in db.all(SQL["expired_leases"], {"now": self._now}) if is_dead(row["owner"])]
        if rows and not self._dry:
            with db.transaction():
                for row in rows:
                    values = {"name": row["name"], "owner": row["owner"], "now": self._now}
                    self.pruned.leases += db.run(SQL["delete_lease"], values)
        elif rows:
            self.pruned.leases = len(rows)
        return False

    def _asks(self, db: Database) -> bool:
        """What strangers asked for is counted for a day."""
        before = {"before": self._now - _DAY_MS}
        count = int(db.value(SQL["count_asks"], before))
        self.pruned.asks += count
        if count and not self._dry:
            with db.transaction():
                db.run(SQL["delete_asks"], before)
        return False

    def _records(self, db: Database) -> bool:
        old = audit.count_old(db, self._audit_before) if self._audit_before else 0
        if self._dry or not old:
            self.pruned.audit += old
            return False
        with db.transaction():
            self.pruned.audit += audit.prune(db, self._audit_before, self._rows)
        return True

    def _removed(self, db: Database) -> bool:
        """A person a slice. Also those whose erasure was begun by somebody and not ended."""
        if self._dry:
            self.pruned.removed = people.count_to_erase(db, self._removed_before)
            return False
        for found in people.to_erase(db, self._removed_before, after=self._after, page=1):
            self._after = found
            done = personal.erase(db, found, self._act, scrub=False, for_good=False)
            self.pruned.removed += done.done
            self._traces += done.traces
            return True
        return False

    def _unconfirmed(self, db: Database) -> bool:
        if not self._pending_before:
            return False
        found = people.never_confirmed(db, self._pending_before, after=self._after, page=self._rows if self._dry else 1)
        for endpoint in found:
            self._after = endpoint
            if self._dry:
                self.pruned.unconfirmed += 1
            elif (done := personal.erase_unconfirmed(db, endpoint, self._act)) is not None:
                self.pruned.unconfirmed += done.done
                self._traces += done.traces
        return bool(found)

    def _scrub(self, db: Database) -> bool:
        """The files are looked through once for a hundred words of those who were erased."""
        if not self._traces:
            return False
        words, self._traces = self._traces[:_WORDS], self._traces[_WORDS:]
        if left := db.scrub(words):
            log.warning("%s", left)
        return True

    def _edge(self, db: Database, query: str, before: int) -> int:
        """The id that the next slice ends with; 0 where nothing old is left. It writes nothing, so that a day without
        work takes no lock."""
        edge = _one(db, query, {"after": self._after, "now": self._now, "slice": self._rows})
        return int(edge["last"]) if edge["last"] is not None and edge["oldest"] < before else 0

    def _old(self, db: Database, query: str, last: int, before: int) -> list[int]:
        values = {"after": self._after, "last": last, "before": before, "ended": ENDED}
        return [row["id"] for row in db.all(SQL[query].replace("{is_old}", SQL["is_old"]), values)]

    def _change(self, db: Database, query: str, ids: Sequence[int], would: int) -> int:
        """The rows that a statement changes; `would` where nothing may be changed."""
        return would if self._dry or not ids else db.run(SQL[query], {"ids": ids})


async def prune(
    store: Store, settings: RetentionSettings, now: int, stopping: asyncio.Event, *, rows: int = SLICE
) -> Pruned:
    """What a day has made too old goes. Between two slices the store does what else waits, and it stops soon after
    `stopping` is set: the next run goes on."""
    sweep = Sweep(settings, now, rows=rows)
    while not stopping.is_set() and await _next(store, sweep):
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), REST_SECONDS)
    if sweep.pruned.total:
        log.info("kept long enough and deleted: %s", sweep.pruned)
    return sweep.pruned


async def _next(store: Store, sweep: Sweep) -> bool:
    return await store.call(lambda db: patiently(sweep.slice, db))


def patiently(step: Callable[[Database], bool], db: Database) -> bool:
    """The next slice. One that another process leaves no lock for comes again: it has waited long enough already."""
    try:
        return step(db)
    except Busy as error:
        log.info("%s", error)
        return True


def _before(now: int, days: int) -> int:
    """The time before which something is too old; with 0 days nothing is."""
    return now - days * _DAY_MS if days else 0


def _one(db: Database, query: str, values: dict[str, int]) -> Row:
    row = db.one(SQL[query], values)
    if row is None:
        raise RuntimeError(f"{query} is an aggregate: it has a row")
    return row
