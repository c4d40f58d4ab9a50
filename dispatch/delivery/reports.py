"""What the ledger tells of deliveries, one by one: lists, and everything about a single one.

Where a message and its attempts are gone after their time of keeping, the rest is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dispatch import archive
from dispatch.delivery import bounces
from dispatch.delivery.lanes import LaneState
from dispatch.delivery.slices import slices
from dispatch.delivery.tally import PAUSED
from dispatch.digests.compose import section
from dispatch.errors import Failure
from dispatch.model import DeliveryState, Digest, IssueState, MessageState
from subscribers.database import Database, Row, queries
from subscribers.model import EndpointState

SQL = queries(Path(__file__).with_name("reports.sql"))
_SLICE = 2_000
_MOST_VARIANTS = 4_096
HIGHEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deliveries; what is empty or None asks for nothing. `endpoints` are ids."""

    issue_id: int | None = None
    state: str = ""
    channel: str = ""
    endpoints: tuple[int, ...] | None = None

    @property
    def values(self) -> dict[str, object]:
        """The values of the filters that are asked for, by name of the filter."""
        found = {PAUSED if self.state == PAUSED else "state": self.state, "channel": self.channel}
        return {name: value for name, value in found.items() if value}


def deliveries(db: Database, wanted: Wanted | None = None) -> Iterator[Row]:
    """A row a delivery, digest by digest, with the titles of its articles. However many there are, few are in
    memory."""
    wanted = wanted or Wanted()
    names = _Names(db)
    for rows in _pages(db, wanted):
        for row in rows:
            yield names.complete(row)


def _pages(db: Database, wanted: Wanted) -> Iterator[list[Row]]:
    if wanted.endpoints is not None:
        issue = {"issue": wanted.issue_id} if wanted.issue_id is not None else {}
        for endpoint in wanted.endpoints:
            yield _select(db, {"endpoints": [endpoint], **issue, **wanted.values})
        return
    for part in slices(db, wanted.issue_id, _SLICE):
        yield _select(db, {**part.params, **wanted.values})


def _select(db: Database, values: dict[str, Any]) -> list[Row]:
    """The rows that those filters leave which values are given for: an index serves each, where one condition for all
    cases would read everything."""
    conditions = " AND ".join(SQL[f"filter_{name}"] for name in values if f"filter_{name}" in SQL)
    return db.all(SQL["deliveries"].replace("{filter}", conditions), values)


class _Names:
    """Adds to rows what is worked out rather than stored. The digest at hand is kept, and what its variants hold."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._shown = archive.shown(db)
        self._digest = 0
        self._texts: dict[int, Digest] = {}  # by revision
        self._titles: dict[tuple[int, int], list[str]] = {}  # by revision and variant

    def complete(self, row: Row) -> Row:
        part = f" ({row['part']}/{row['parts']})" if row["parts"] > 1 else ""
        row["issue"] = self._shown(row["bulletin"], row["ref"])
        row["column"] = row["column_name"] + part
        row["subscriber"] = row["name"] or (f"#{row['subscriber_id']}" if row["subscriber_id"] else "")
        row["endpoint"] = f"e{row['endpoint_id']}"
        row["articles"] = self._articles(row["digest_id"], row["revision"], row["variant"])
        paused = row["state"] == DeliveryState.PLANNED and row["message_state"] == MessageState.PAUSED
        row["standing"] = PAUSED if paused else row["state"]
        return row

    def _articles(self, digest_id: int, revision: int, variant: int) -> list[str]:
        """By the text that was sent; of what is not sent by that of today."""
        if self._digest != digest_id:
            self._digest, self._texts, self._titles = digest_id, {}, {}
        if revision not in self._texts:
            self._texts[revision] = archive.digest(self._db, digest_id, revision=revision)
        key = (revision, variant)
        if key not in self._titles:
            if len(self._titles) >= _MOST_VARIANTS:
                self._titles.clear()
            matching = section(self._texts[revision], variant).matching
            self._titles[key] = [entry.article.title for entry in matching]
        return self._titles[key]


def endpoints(db: Database, word: str) -> tuple[int, ...]:
    """The endpoints that a word names: a subscriber's number, `e7`, or an address; those of removed subscribers too.

    Raises Failure where there is none.
    """
    found: Sequence[int] = ()
    if _is_number(word):  # a number is a subscriber's first, else a chat's
        found = [row["id"] for row in db.all(SQL["endpoints_of"], {"id": int(word)})]
    if not found and word[:1] == "e" and _is_number(word[1:]):
        found = [row["id"] for row in db.all(SQL["endpoint"], {"id": int(word[1:])})]
    if not found:
        found = [row["id"] for row in db.all(SQL["endpoints_at"], {"address": word})]
    if not found:
        raise Failure(f"no subscriber or endpoint {word}; see: dispatch subscribers list")
    return tuple(found)


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 19


@dataclass(frozen=True, slots=True)
class Next:
    """What happens with a delivery by itself, and when (ms; None: at no certain time, or nothing does)."""

    words: str
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of a delivery. `message` is None where none is made, or is gone after its time of keeping;
    `follows` are those of today, each with when it began."""

    row: Row
    message: Row | None
    attempts: list[Row]
    follows: list[Row]
    next: Next = field(default_factory=lambda: Next(""))
    returned: list[Row] = field(default_factory=list)  # what came back of the message, the oldest first


def story(db: Database, delivery_id: int, now: int) -> Story:
    """Raises Failure where there is no such delivery."""
    rows = _select(db, {"id": delivery_id}) if 0 < delivery_id <= HIGHEST else []
    if not rows:
        raise Failure(f"no delivery {delivery_id}; see: dispatch deliveries list")
    row = _Names(db).complete(rows[0])
    message = db.one(SQL["message"], {"id": delivery_id})
    attempts = db.all(SQL["attempts"], {"id": message["id"]}) if message else []
    follows = db.all(SQL["follows"], {"id": delivery_id})
    returned = bounces.of_messages(db, [message["id"]]) if message else []
    returned = [item for item in returned if item["source"] != bounces.SMTP]  # attempts tell of those
    return Story(row, message, attempts, follows, _next(db, row, message, now), returned)


def _next(db: Database, row: Row, message: Row | None, now: int) -> Next:
    if row["state"] != DeliveryState.PLANNED:
        return Next(_ended(row, message))
    standing = db.one(SQL["standing"], {"id": row["id"]}) or {}
    if message is None:
        return Next("its message is made when planning goes on")
    if standing["issue_state"] == IssueState.CANCELLED:
        return Next("the issue is cancelled: nothing of it is sent any more")
    if standing["cancels"]:
        return Next("this part of the issue is cancelled: nothing of it is sent any more")
    if standing["endpoint_state"] != EndpointState.ACTIVE:
        why = f"{standing['endpoint_state']}: {standing['endpoint_reason']}".rstrip(": ")
        return Next(f"the endpoint is {why}; unless that changes before it is due, it is suppressed", message["due_at"])
    if message["state"] == MessageState.SENDING:
        return Next("it is being sent; if the sender dies, another one may take over from", message["lease_until"])
    if row["standing"] == PAUSED or standing["issue_state"] == IssueState.PAUSED or standing["holds"]:
        return Next(f"paused: it goes on after: dispatch issues resume {row['issue']}")
    return _queued(db, message, now)


def _ended(row: Row, message: Row | None) -> str:
    if row["state"] not in (DeliveryState.FAILED, DeliveryState.EXPIRED):
        return "nothing: it has ended"
    if message is None:
        return "nothing: it has ended, and its message is kept no longer"
    return f"nothing by itself; try it again with: dispatch deliveries retry {row['id']}"


def _queued(db: Database, message: Row, now: int) -> Next:
    which = "next" if message["attempts"] else "first"
    if message["expires_at"] <= now:
        return Next("its time is over: it expires when the queue is looked at")
    if message["due_at"] > now:
        return Next(f"{which} attempt", message["due_at"])
    found = [LaneState(*row) for row in db.rows(SQL["lanes"], {"queue": message["queue"]})]
    if found and all(lane.wait(now) for lane in found):
        first = min(found, key=lambda lane: (lane.wait(now), lane.name))
        return Next(f"{which} attempt when {first.name} is back ({first.reason})", now + first.wait(now))
    return Next(f"{which} attempt as soon as a lane of {message['queue']} takes it: a dispatch has to run", now)
