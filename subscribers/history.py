"""What happened to a subscriber: who changed what, when and by which way, with the steps of their consent."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subscribers import audit, directory, proof
from subscribers.database import Database, Row, queries
from subscribers.errors import NotFound

SQL = queries(Path(__file__).with_name("sql") / "history.sql")
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Whose:
    """The subscribers (also those merged into them) and the endpoints that a history is about."""

    subscribers: tuple[int, ...]
    endpoints: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `about` is `subscriber 3` or `e7`; `by` is "" for a step of consent."""

    at: int
    about: str
    action: str
    by: str
    way: str
    detail: dict[str, Any]


def whose(db: Database, word: str) -> Whose:
    """Who is meant by `3`, `e7` or an address; removed ones too. An endpoint's history has that of its subscriber's own
    changes in it. Raises NotFound."""
    if directory.is_number(word) and db.value(SQL["exists"], {"id": int(word)}) is not None:
        subscribers = _with_merged(db, [int(word)])
        rows = db.rows(SQL["endpoints"], {"ids": subscribers})
        return Whose(tuple(subscribers), tuple(id_ for (id_,) in rows))
    if directory.is_label(word):
        rows = db.rows(SQL["owner"], {"id": int(word[1:])})
    else:
        rows = db.rows(SQL["at_address"], {"address": word})
    if not rows:
        raise NotFound(f"no subscriber or endpoint {word}; see: dispatch subscribers list")
    owners = list(dict.fromkeys(owner for _, owner in rows))
    return Whose(tuple(_with_merged(db, owners)), tuple(id_ for id_, _ in rows))


def _with_merged(db: Database, ids: Sequence[int]) -> list[int]:
    """These, and those that were merged into them."""
    found = list(ids)
    look = found
    while look:
        rows = db.rows(SQL["merged"], {"ids": [str(id_) for id_ in look]})
        look = [id_ for _, detail in rows if (id_ := json.loads(detail or "{}").get("from")) and id_ not in found]
        found = [*found, *look]
    return found


def events(db: Database, of: Whose) -> Iterator[Event]:
    """All that happened, the newest first, read as far as it is asked for."""
    return heapq.merge(
        _acts(db, audit.SUBSCRIBER, of.subscribers),
        _acts(db, audit.ENDPOINT, of.endpoints),
        *(_steps(db, endpoint_id) for endpoint_id in of.endpoints),
        key=lambda event: -event.at,
    )


def _acts(db: Database, subject: str, ids: Sequence[int]) -> Iterator[Event]:
    rows = audit.of_subject(db, subject, ids, page=_PAGE)
    while rows:
        yield from map(_event, rows)
        rows = audit.of_subject(db, subject, ids, before=rows[-1]["id"], page=_PAGE)


def _event(row: Row) -> Event:
    about = f"e{row['subject_id']}" if row["subject"] == audit.ENDPOINT else f"{row['subject']} {row['subject_id']}"
    return Event(row["at"], about, row["action"], row["actor"], row["way"], row["detail"])


def _steps(db: Database, endpoint_id: int) -> Iterator[Event]:
    for step in reversed(proof.proofs(db, endpoint_id)):
        detail = {"basis": step.basis, "origin": step.origin, "text": step.text}
        kept = {name: value for name, value in detail.items() if value}
        yield Event(step.at, f"e{endpoint_id}", f"consent {step.step}", "", step.way, kept)
