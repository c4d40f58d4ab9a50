"""Who changed what, when, and by which way.

Whoever changes something says so in the same transaction: what is on record has happened, and what has happened is on
record. The detail names things by their ids; where it must name an address (somebody moved), it is personal data, and
goes when the person is erased.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from subscribers.database import Database, Row, queries

SQL = queries(Path(__file__).with_name("sql") / "audit.sql")

SUBSCRIBER, ENDPOINT = "subscriber", "endpoint"


class Way(StrEnum):
    """By which way a change came."""

    COMMAND = "command"
    FILE = "file"
    PAGE = "page"
    MAIL = "mail"
    BOT = "bot"
    PROVIDER = "provider"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something, by which way, and when (ms). `by` is a user of the operating system, or `reader` for the
    person whom it is about."""

    at: int
    by: str
    way: Way


READER = "reader"
PROGRAM = "dispatch"
_LAST = 2**63 - 1  # of ids


def record(
    db: Database,
    act: Act,
    action: str,
    subject: str,
    subject_id: int | str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Put an act on record. Called inside the transaction that does it."""
    record_all(db, act, action, subject, [(subject_id, detail)])


def record_all(
    db: Database,
    act: Act,
    action: str,
    subject: str,
    items: Iterable[tuple[int | str, Mapping[str, Any] | None]],
) -> None:
    """The same act on many things, each with its own detail."""
    common = {"at": act.at, "actor": act.by, "way": act.way, "action": action, "subject": subject}
    rows = [{**common, "subject_id": str(id_), "detail": _json(detail)} for id_, detail in items]
    db.many(SQL["add"], rows)


def _json(detail: Mapping[str, Any] | None) -> str:
    return json.dumps(detail, ensure_ascii=False, separators=(",", ":"), sort_keys=True) if detail else ""


def of_subject(
    db: Database, subject: str, ids: Iterable[int | str], *, before: int = _LAST, page: int = 100
) -> list[Row]:
    """The acts on these things, the newest first: `id`, `at`, `actor`, `way`, `action`, `subject`, `subject_id` and
    `detail` (a mapping) each."""
    values = {"subject": subject, "ids": [str(id_) for id_ in ids], "before": before, "page": page}
    return [_read(row) for row in db.all(SQL["of_subject"], values)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which acts; what is empty asks for nothing. From `since` on and before `until` (ms)."""

    since: int = 0
    until: int | None = None
    actor: str = ""
    action: str = ""
    subject: str = ""
    subject_id: str = ""


def found(db: Database, wanted: Wanted, *, before: int = _LAST, page: int = 100) -> list[Row]:
    """The acts that are wanted, the newest first, in the same form."""
    values = {**asdict(wanted), "until": _LAST if wanted.until is None else wanted.until}
    return [_read(row) for row in db.all(SQL["found"], {**values, "before": before, "page": page})]


def count_old(db: Database, before: int) -> int:
    """How many acts are from before a time (ms)."""
    return int(db.value(SQL["count_old"], {"before": before}))


def prune(db: Database, before: int, page: int) -> int:
    """Forget acts from before a time (ms); how many, a page at most. Called inside a transaction."""
    return db.run(SQL["prune"], {"before": before, "page": page})


def _read(row: Row) -> Row:
    return {**row, "detail": json.loads(row["detail"]) if row["detail"] else {}}
