"""The proof of consent: each step that somebody took about being written to, kept as it was.

When, by which way, from where, on which basis, and by which text (GDPR art. 7 (1), and what mail providers ask for).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from subscribers.audit import Act
from subscribers.database import Database, queries
from subscribers.model import OPTED_OUT

SQL = queries(Path(__file__).with_name("sql") / "proof.sql")


class Step(StrEnum):
    """What somebody did about being written to."""

    ASKED = "asked"
    GIVEN = "given"
    WITHDRAWN = "withdrawn"


def state(db: Database, endpoint_ids: Sequence[int], basis: str, act: Act, origin: str = "") -> None:
    """An administrator, or a file (`origin`), says on which basis these are written to. Inside a transaction."""
    common = {"step": Step.GIVEN, "basis": basis, "way": act.way, "origin": origin}
    db.many(SQL["add_row"], [{**common, "endpoint_id": id_, "at": act.at} for id_ in endpoint_ids])


def withdraw(db: Database, endpoint_id: int, act: Act, origin: str = "", basis: str = OPTED_OUT) -> None:
    """The reader takes it back. Called inside a transaction."""
    add(db, endpoint_id, Step.WITHDRAWN, act, basis=basis, origin=origin)


def is_asked(db: Database, endpoint_id: int) -> bool:
    """Whether the last step is a question that nobody has answered."""
    return bool(db.value(SQL["last"], {"endpoint_id": endpoint_id}) == Step.ASKED)


@dataclass(frozen=True, slots=True)
class Proof:
    """A step on record. `by` is who took it; `text` is what they agreed to, "" where it was no text of ours."""

    at: int
    step: Step
    basis: str
    way: str
    origin: str
    text: str


def proofs(db: Database, endpoint_id: int) -> list[Proof]:
    """All steps of an endpoint, the oldest first."""
    return [Proof(**{**row, "step": Step(row["step"])}) for row in db.all(SQL["proofs"], {"endpoint_id": endpoint_id})]


def add(
    db: Database,
    endpoint_id: int,
    step: Step,
    act: Act,
    *,
    basis: str,
    text: str = "",
    text_id: int | None = None,
    origin: str = "",
    wish: str = "",
    answers: int | None = None,
) -> int:
    """Put a step on record; its id. Called inside a transaction."""
    if text:
        text_id = _text_id(db, text)
    values = {"endpoint_id": endpoint_id, "step": step, "basis": basis, "text_id": text_id, "way": act.way}
    return db.insert(SQL["add"], {**values, "origin": origin, "wish": wish, "answers": answers, "at": act.at})


def _text_id(db: Database, text: str) -> int:
    found = db.value(SQL["text"], {"text": text})
    return int(found) if found is not None else db.insert(SQL["add_text"], {"text": text})
