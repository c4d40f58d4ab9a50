"""Those who may approve are told when something is wrong, and when it is over: once an incident, and never in storms.

What is wrong is looked up in the store, so that any process may look, and a restart tells nobody twice. An incident
begins when it is first found, and is over when it was not found for `SETTLED_MS`: what comes and goes is one incident.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dispatch import archive
from dispatch.delivery import health
from dispatch.delivery.ledger import SQL as LEDGER
from dispatch.delivery.ledger import URGENT
from dispatch.delivery.notices import different
from dispatch.model import Alarm
from subscribers.database import Database, Row, queries
from subscribers.errors import DatabaseError

if TYPE_CHECKING:
    from dispatch.delivery.clock import Clock
    from dispatch.delivery.notices import Approvers
    from dispatch.delivery.store import Store

SQL = queries(Path(__file__).with_name("alarms.sql"))
KIND = "alarm"
SOURCE, LANE, EXPIRED, STORE, ENDPOINT = "source", "lane", "expired", "store", "endpoint"

MOST_AN_HOUR = 10
"""Incidents that are told in an hour; others wait for the next."""

LOOKS = 3  # that failed in a row
SETTLED_MS = 5 * 60_000
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_PATIENCE_MS = {SOURCE: 0, LANE: 10 * 60_000, EXPIRED: 0, STORE: 0, ENDPOINT: 0}  # before an incident is told
_STORE_MS = 60_000  # of a store that could not be used, before that is told
_ENDS = (SOURCE, LANE)  # of which it is said that they are over
_EXPIRE_MS = _DAY_MS
_LONGEST = 500  # characters of what strangers wrote


@dataclass(frozen=True, slots=True)
class Found:
    """Something that is wrong just now; `key` is the same for as long as it is."""

    kind: str
    subject: str
    detail: str
    key: str


def look(db: Database, now: int) -> list[Found]:
    """What is wrong. Changes nothing."""
    return [*_sources(db, now), *_lanes(db), *_expired(db, now), *_endpoints(db, now)]


def _sources(db: Database, now: int) -> Iterator[Found]:
    for row in db.all(SQL["failing_sources"], {"failures": LOOKS, "since": now - _HOUR_MS}):
        name = str(row["name"])
        shown = name.partition("?")[0]  # a query may hold a key
        yield Found(SOURCE, shown, row["last_error"][:_LONGEST].replace(name, shown), f"{SOURCE}:{name}")


def _lanes(db: Database) -> Iterator[Found]:
    for row in db.all(SQL["stopped_lanes"]):
        yield Found(LANE, row["name"], row["reason"][:_LONGEST], f"{LANE}:{row['name']}")


def _expired(db: Database, now: int) -> Iterator[Found]:
    shown = archive.shown(db)
    for row in db.all(SQL["expired_issues"], {"since": now - _DAY_MS}):
        yield Found(EXPIRED, shown(row["bulletin"], row["ref"]), row["title"][:_LONGEST], f"{EXPIRED}:{row['id']}")


def _endpoints(db: Database, now: int) -> Iterator[Found]:
    for row in health.paused_since(db, now - _DAY_MS):
        detail = row["answer"].replace(row["address"], health.named(row))
        yield Found(ENDPOINT, health.named(row), detail, f"{ENDPOINT}:{row['endpoint_id']}:{row['paused_at']}")


def watch(db: Database, approvers: Approvers, now: int) -> int:
    """Look, and queue what is to be told; how many messages."""
    found = {item.key: item for item in look(db, now)}
    if not found and db.one(SQL["open"]) is None:  # as nearly always: no lock is taken
        return 0
    with db.transaction():
        return _told(db, approvers, found, now)


def _told(db: Database, approvers: Approvers, found: dict[str, Found], now: int) -> int:
    known = {row["key"]: row for row in db.all(SQL["open"])}
    for new in found.values():
        if new.key not in known:
            db.run(SQL["add"], {**_values(new), "now": now})
    known = {row["key"]: row for row in db.all(SQL["open"])}
    room = MOST_AN_HOUR - int(db.value(SQL["told_since"], {"since": now - _HOUR_MS}))
    count = 0
    for key, row in known.items():
        item = found.get(key)
        if item is None:
            count += _passing(db, approvers, row, now)
            continue
        _mark(db, "gone", row, gone_at=None)
        if row["told_at"] is None and now - row["seen_at"] >= _PATIENCE_MS[item.kind] and room > 0:
            room -= 1
            _mark(db, "told", row, now=now, detail=item.detail)
            count += _queue(db, approvers, Alarm(item.kind, item.subject, item.detail, row["seen_at"]), key, now)
    db.run(SQL["prune"], {"before": now - _DAY_MS})
    return count


def _passing(db: Database, approvers: Approvers, row: Row, now: int) -> int:
    """An incident that is not found any more: it is over once that has lasted."""
    if row["gone_at"] is None:
        _mark(db, "gone", row, gone_at=now)
        return 0
    if now - row["gone_at"] < SETTLED_MS:
        return 0
    _mark(db, "over", row, now=now)
    if row["told_at"] is None or row["kind"] not in _ENDS:
        return 0
    alarm = Alarm(row["kind"], row["subject"], row["detail"], row["seen_at"], row["gone_at"])
    return _queue(db, approvers, alarm, row["key"], now)


def store_again(db: Database, approvers: Approvers, since: int, reason: str, now: int) -> int:
    """Tell of a store that could not be used from a time until now; how many messages that makes."""
    key, detail = f"{STORE}:{since}", reason[:_LONGEST]
    with db.transaction():
        if int(db.value(SQL["told_since"], {"since": now - _HOUR_MS})) >= MOST_AN_HOUR:
            return 0
        db.run(SQL["add"], {**_values(Found(STORE, "", detail, key)), "now": since})
        row = {"key": key, "seen_at": since}
        _mark(db, "told", row, now=now, detail=detail)
        _mark(db, "over", row, now=now)
        return _queue(db, approvers, Alarm(STORE, "", detail, since, now), key, now)


def _mark(db: Database, name: str, row: Row, **values: Any) -> None:
    db.run(SQL[name], {"key": row["key"], "seen_at": row["seen_at"], **values})


def _values(item: Found) -> dict[str, str]:
    return {"key": item.key, "kind": item.kind, "subject": item.subject, "detail": item.detail}


def _queue(db: Database, approvers: Approvers, alarm: Alarm, key: str, now: int) -> int:
    """A message to each approver, once an incident and its end."""
    part = "over" if alarm.ended else "began"
    content = {"digests": [], "alarm": [alarm.kind, alarm.subject, alarm.detail, alarm.since, alarm.ended]}
    return sum(
        db.run(
            LEDGER["add_notice"],
            {
                "key": f"{KIND}:{key}:{alarm.since}:{part}:{to.channel}:{to.address}",
                "kind": KIND,
                "channel": to.channel,
                "queue": to.queue,
                "address": to.address,
                "language": approvers.language,
                "content": json.dumps({**content, "secret": approvers.secret if to.channel == "webhook" else ""}),
                "priority": URGENT,
                "due_at": now,
                "expires_at": now + _EXPIRE_MS,
                "now": now,
            },
        )
        for to in different(approvers.addresses)
    )


def of_content(content: Any) -> Alarm | None:
    """The alarm that a message's content tells of; None for other kinds of contents."""
    found = content.get("alarm")
    if found is None:
        return None
    kind, subject, detail, since, ended, *url = found
    return Alarm(str(kind), str(subject), str(detail), int(since), int(ended), *map(str, url[:1]))


class Watch:
    """Looks again and again. It also notices when the store itself cannot be used, which the store cannot tell."""

    def __init__(self, store: Store, approvers: Approvers, clock: Clock) -> None:
        self._store = store
        self._approvers = approvers
        self._clock = clock
        self._failed: tuple[int, str] | None = None  # since when the store fails, and how

    async def look(self) -> int:
        """How many messages were queued. Raises DatabaseError."""
        now = self._clock.now()
        try:
            count = await self._store.call(watch, self._approvers, now)
            if self._failed is not None and now - self._failed[0] >= _STORE_MS:
                count += await self._store.call(store_again, self._approvers, *self._failed, now)
        except DatabaseError as error:
            self._failed = self._failed or (now, str(error))
            raise
        self._failed = None
        return count
