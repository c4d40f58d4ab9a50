"""Pausing, resuming and cancelling what is under way, the whole of an issue or a column or a channel of it.

The decision is one row, and counts at the next claim. Moving the messages is the rest: those of a pause that the sweep
does not find are put aside when they are claimed; those of a resume or a cancel are moved slice by slice until none is
left (`carry_out`), by the command itself and by whoever runs beside it or after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dispatch import archive
from dispatch.archive import StoredIssue
from dispatch.delivery import ledger
from dispatch.errors import Failure, StateError
from dispatch.model import IssueState
from dispatch.states import WAITS
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
    if part.whole:
        if stored.state is not IssueState.PAUSED:
            archive.change_state(db, stored, IssueState.PAUSED)
        return
    if stored.state not in (*_GOES, IssueState.PAUSED):
        raise StateError(f"issue {stored.name} is {stored.state}: there is nothing to pause")
    db.run(SQL["hold"], {"issue": stored.id, **part.values, "by": by, "now": now})


def resume(db: Database, stored: StoredIssue, part: Part) -> None:
    """What was paused may go again: the same part that `pause` named. Called inside a transaction.

    Raises StateError or Failure where it was not paused.
    """
    if not part.whole:
        if not db.run(SQL["unhold"], {"issue": stored.id, **part.values}):
            raise Failure(f"this part of issue {stored.name} is not paused; paused are: {_paused(db, stored)}")
    elif stored.state is IssueState.PAUSED:
        archive.change_state(db, stored, IssueState.SENDING)
    else:
        raise StateError(f"issue {stored.name} is {stored.state}, not paused; paused parts: {_paused(db, stored)}")


def _paused(db: Database, stored: StoredIssue) -> str:
    words = [_named(row) for row in paused_parts(db, stored.id)]
    if stored.state is IssueState.PAUSED:
        words.insert(0, "the whole issue")
    return ", ".join(words) or "none"


def _named(row: Row) -> str:
    column = [f"--column {row['column_name']}"] if row["column_position"] >= 0 else []
    return " ".join(column + ([f"--channel {row['channel']}"] if row["channel"] else []))


def paused_parts(db: Database, issue_id: int) -> list[Row]:
    """The parts of an issue that are paused: `column_position` (-1: all), `column_name`, `channel`, when, by whom."""
    return db.all(SQL["holds_of"], {"issue": issue_id})


def cancel(db: Database, stored: StoredIssue) -> None:
    """What was not sent of an issue is not sent any more. Called inside a transaction. Raises StateError."""
    if stored.state is not IssueState.CANCELLED:
        archive.change_state(db, stored, IssueState.CANCELLED)
    db.run(ledger.SQL["end_holds"])


def put_aside(db: Database, issue_id: int, part: Part, now: int) -> Iterator[int]:
    """Move the messages of a paused part out of the way of others, a slice at each step: how many it moved.

    Each slice is a transaction.
    """
    for row in db.all(SQL["digests"], {"issue": issue_id}):
        if part.column not in (None, row["column_position"]):
            continue
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
    """One slice of what resumes and cancels have left to do; how many rows it moved, 0 when all is done."""
    return _resume_slice(db, now) or _cancel_slice(db, now)


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
                after, moved = _cancel_page(db, row["id"], after, now)
            if moved:
                return moved
    return 0


def _cancel_page(db: Database, digest: int, after: int, now: int) -> tuple[int | None, int]:
    found = db.rows(SQL["owed"], {"digest": digest, "after": after, "page": PAGE})
    messages = [message for _, message in found if message is not None]
    values = {"digest": digest, "now": now}
    if messages:
        db.rows(SQL["lock"], {"ids": messages})
        db.run(SQL["cancel_messages"], {**values, "ids": messages})
    moved = db.run(SQL["cancel_deliveries"], {"now": now, "ids": [id_ for id_, _ in found]}) if found else 0
    if messages:
        db.run(SQL["cancel_bundles"], {"now": now, "ids": messages})
    return (found[-1][0] if len(found) == PAGE else None), moved
