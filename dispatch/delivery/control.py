"""Pausing, resuming and cancelling what is under way, the whole of an issue or a column or a channel of it.

The decision is one row, and counts at the next claim. Moving the messages is the rest: those of a pause that the sweep
does not find are put aside when they are claimed; those of a resume or a cancel are moved slice by slice until none is
left (`carry_out`), by the command itself and by whoever runs beside it or after it. What a cancel's sweep does not find
is ended when it is claimed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatch import archive
from dispatch.archive import StoredIssue
from dispatch.delivery import corrections
from dispatch.delivery.ledger import CANCELLED, PART_CANCELLED
from dispatch.errors import Failure, StateError
from dispatch.model import IssueState
from dispatch.states import WAITS, check_issue
from subscribers.database import Database, Row, queries

SQL = queries(Path(__file__).with_name("control.sql"))
PAGE = 2_000
_GOES = (IssueState.APPROVED, IssueState.SENDING)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an issue: one of its columns (by position; None: all) in one channel ("": all)."""

    column: int | None = None
    channel: str = ""

    @property
    def whole(self) -> bool:
        return self.column is None and not self.channel

    def covers(self, column: int, channel: str) -> bool:
        return self.column in (None, column) and self.channel in ("", channel)

    @property
    def values(self) -> dict[str, object]:
        return {"column": -1 if self.column is None else self.column, "channel": self.channel}


def pause(db: Database, stored: StoredIssue, part: Part, by: str, now: int) -> None:
    """Nothing of the part is claimed from now on. Pausing twice is pausing once. Called inside a transaction.

    Raises StateError where the issue is not under way.
    """
    if part.whole and stored.state is not IssueState.PAUSED:
        archive.change_state(db, stored, IssueState.PAUSED)
    _check_under_way(stored, "pause")
    db.run(SQL["hold"], {"issue": stored.id, **part.values, "by": by, "now": now})


def _check_under_way(stored: StoredIssue, what: str) -> None:
    if stored.state not in (*_GOES, IssueState.PAUSED):
        raise StateError(f"issue {stored.name} is {stored.state}: there is nothing to {what}")


def resume(db: Database, stored: StoredIssue, part: Part) -> None:
    """What was paused may go again: the same part that `pause` named. Called inside a transaction.

    Raises StateError or Failure where it was not paused.
    """
    held = db.run(SQL["unhold"], {"issue": stored.id, **part.values})
    if not part.whole:
        if not held:
            raise Failure(f"this part of issue {stored.name} is not paused; paused are: {_paused(db, stored)}")
    elif stored.state is IssueState.PAUSED:
        archive.change_state(db, stored, IssueState.SENDING)
    else:
        raise StateError(f"issue {stored.name} is {stored.state}, not paused; paused parts: {_paused(db, stored)}")


def _paused(db: Database, stored: StoredIssue) -> str:
    words = [_named(row) for row in paused_parts(db, stored.id) if not _part(row).whole]
    if stored.state is IssueState.PAUSED:
        words.insert(0, "the whole issue")
    return ", ".join(words) or "none"


def _named(row: Row) -> str:
    column = [f"--column {row['column_name']}"] if row["column_position"] >= 0 else []
    return " ".join(column + ([f"--channel {row['channel']}"] if row["channel"] else []))


def paused_parts(db: Database, issue_id: int) -> list[Row]:
    """The parts of an issue that are paused: `column_position` (-1: all), `column_name`, `channel`, when, by whom."""
    return db.all(SQL["holds_of"], {"issue": issue_id})


def cancelled_parts(db: Database, issue_id: int) -> list[Row]:
    """The parts of an issue that are cancelled, in the same form."""
    return db.all(SQL["cancels_of"], {"issue": issue_id})


def check_cancel(db: Database, stored: StoredIssue, part: Part) -> None:
    """Raises StateError where the part cannot be cancelled; what is cancelled already can be, once more."""
    if any(_part(row) in (part, Part()) for row in cancelled_parts(db, stored.id)):
        return
    if not part.whole:
        _check_under_way(stored, "cancel")
    elif stored.state is not IssueState.CANCELLED:
        check_issue(stored.name, stored.state, IssueState.CANCELLED)


def cancel(db: Database, stored: StoredIssue, part: Part, by: str, now: int) -> None:
    """What was not sent of the part is not sent any more. Called inside a transaction. Raises StateError."""
    check_cancel(db, stored, part)
    if part.column is None:  # of a column the claims end what they meet: a correction may tell of several
        corrections.cancel(db, stored.id, part.channel, CANCELLED if part.whole else PART_CANCELLED, now)
    db.run(SQL["cancel"], {"issue": stored.id, **part.values, "by": by, "now": now})
    db.run(SQL["end_holds_within"], {"issue": stored.id, **part.values})
    if part.whole and stored.state is not IssueState.CANCELLED:
        archive.change_state(db, stored, IssueState.CANCELLED)


def owed(db: Database, issue_id: int, part: Part) -> dict[str, int]:
    """How many deliveries of a part a cancel would end, by channel. Changes nothing."""
    counts: Counter[str] = Counter()
    for row in db.all(SQL["digests"], {"issue": issue_id}):
        if part.column in (None, row["column_position"]):
            found = db.all(SQL["owed_by_channel"], {"digest": row["id"], "channel": part.channel})
            counts.update({item["channel"]: item["deliveries"] for item in found})
    return dict(sorted(counts.items()))


@dataclass(frozen=True, slots=True)
class Backlog:
    """The deliveries of an issue that have not ended: those that will go by themselves, and those that a person has
    put aside."""

    waiting: int = 0
    paused: int = 0


def backlog(db: Database) -> defaultdict[int, Backlog]:
    """What is owed of each issue, by its id; of an issue that is paused as a whole all of it is put aside."""
    found: defaultdict[int, Backlog] = defaultdict(Backlog)
    for row in db.all(SQL["backlog"]):
        paused = row["owed"] if row["state"] == IssueState.PAUSED else row["paused"]
        found[row["id"]] = Backlog(row["owed"] - paused, paused)
    return found


def put_aside(db: Database, issue_id: int, part: Part, now: int) -> Iterator[int]:
    """Move the messages of a paused part out of the way of others, a slice at each step: how many it moved.

    Each slice is a transaction.
    """
    for row in db.all(SQL["digests"], {"issue": issue_id}):
        if part.column not in (None, row["column_position"]):
            continue
        with db.transaction():
            moved = corrections.put_aside(db, issue_id, row["id"], part.channel, now)
        yield moved
        after: int | None = 0
        while after is not None:
            with db.transaction():
                after, moved = _put_slice_aside(db, row["id"], part.channel, after, now)
            yield moved


def _put_slice_aside(db: Database, digest: int, channel: str, after: int, now: int) -> tuple[int | None, int]:
    found = db.rows(SQL["owed"], {"digest": digest, "after": after, "page": PAGE})
    ids = [message for _, message in found if message is not None]
    values = {"ids": ids, "digest": digest, "now": now}
    if channel:
        moved = db.run(SQL["pause_channel"], {**values, "channel": channel}) if ids else 0
    else:
        moved = db.run(SQL["pause"], values) if ids else 0
    return (found[-1][0] if len(found) == PAGE else None), moved


def carry_out(db: Database, now: int) -> int:
    """One slice of what cancels and resumes have left to do; how many rows it moved, 0 when all is done."""
    return _cancel_slice(db, now) or _cancel_part_slice(db, now) or _resume_slice(db, now)


def _resume_slice(db: Database, now: int) -> int:
    paused = db.all(SQL["paused"])
    for row in paused:
        if row["state"] in WAITS:
            continue
        holds = [_part(hold) for hold in paused_parts(db, row["issue_id"])]
        for channel in _channels(db, row["id"]):
            if any(part.covers(row["column_position"], channel) for part in holds):
                continue
            with db.transaction():
                moved = db.run(SQL["resume"], {"digest": row["id"], "channel": channel, "page": PAGE, "now": now})
            if moved:
                return moved
    return 0


def _part(hold: Row) -> Part:
    return Part(None if hold["column_position"] < 0 else hold["column_position"], hold["channel"])


def _channels(db: Database, digest: int) -> Iterator[str]:
    """The channels of the messages that are paused for a digest, by steps in the index."""
    channel = ""
    while True:
        found = db.value(SQL["next_channel"], {"digest": digest, "after": channel})
        if found is None:
            return
        channel = found
        yield channel


def _cancel_slice(db: Database, now: int) -> int:
    for row in db.all(SQL["cancelled"]):
        after: int | None = 0
        while after is not None:  # what is being sent just now stays, and is passed over
            with db.transaction():
                after, moved = _cancel_page(db, row["id"], "", after, now)
            if moved:
                return moved
    return 0


def _cancel_part_slice(db: Database, now: int) -> int:
    """Of a part each delivery is looked at once: other channels' stay, and would be met again and again. What is being
    sent meanwhile and comes back is ended by the claim that meets it."""
    while db.one(SQL["to_cancel"]) is not None:
        with db.transaction():
            row = db.one(SQL["to_cancel"])  # as it is now: another process may have gone on with it
            moved = _cancel_part_page(db, row, now) if row is not None else 0
        if moved:
            return moved
    return 0


def _cancel_part_page(db: Database, row: Row, now: int) -> int:
    part = {"issue": row["issue_id"], "column": row["column_position"], "channel": row["channel"]}
    digest = row["digest_id"] or db.value(SQL["next_digest"], {**part, "after": 0})
    after, moved = None, 0
    if digest is not None:
        after, moved = _cancel_page(db, digest, row["channel"], row["delivery_id"], now, PART_CANCELLED)
        if after is None:
            digest = db.value(SQL["next_digest"], {**part, "after": digest})
    reached = {"digest": digest or 0, "delivery": after or 0, "done": now if digest is None else None}
    db.run(SQL["cancelled_up_to"], {**part, **reached})
    return moved


def _cancel_page(
    db: Database, digest: int, channel: str, after: int, now: int, reason: str = CANCELLED
) -> tuple[int | None, int]:
    """End a page of what is owed of a digest in a channel ("": all); up to where, None at its end, and how many."""
    found = db.rows(SQL["owed"], {"digest": digest, "after": after, "page": PAGE})
    meant = _in_channel(db, found, channel) if channel else found
    messages = [message for _, message in meant if message is not None]
    values = {"digest": digest, "now": now, "reason": reason}
    if messages:
        db.rows(SQL["lock"], {"ids": messages})
        db.run(SQL["cancel_messages"], {**values, "ids": messages})
    moved = db.run(SQL["cancel_deliveries"], {**values, "ids": [id_ for id_, _ in meant]}) if meant else 0
    if messages:
        db.run(SQL["cancel_bundles"], {**values, "ids": messages})
    return (found[-1][0] if len(found) == PAGE else None), moved


def _in_channel(db: Database, found: Sequence[tuple[Any, ...]], channel: str) -> list[tuple[Any, ...]]:
    ids = [message for _, message in found if message is not None]
    meant = {row[0] for row in db.rows(SQL["in_channel"], {"ids": ids, "channel": channel})} if ids else set()
    return [(id_, message) for id_, message in found if message in meant]
