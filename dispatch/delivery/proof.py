"""The proof of who got what: every delivery as a row of CSV or an entry of a JSON array, written as it is read."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from dispatch.model import DeliveryState
from dispatch.output import iso, json_line, plain
from subscribers.database import Row
from subscribers.transfer import neutral

COLUMNS = (
    *("delivery", "issue", "column", "articles", "subscriber", "name", "channel", "address", "follows", "state"),
    *("reason", "planned_at", "ended_at", "attempts", "last_code", "message_id"),
)


def entry(row: Row) -> dict[str, Any]:
    """A row of `reports.deliveries` as the proof has it. What was sent has the follows that stood in the message, the
    rest the reason why it was not."""
    sent = row["state"] == DeliveryState.SENT
    return {
        "delivery": row["id"],
        "issue": f"{row['bulletin']}:{row['ref']}",
        "column": row["column"],
        "articles": row["articles"],
        "subscriber": row["subscriber_id"],
        "name": row["name"],
        "channel": row["channel"],
        "address": row["address"] or row["endpoint"],
        "follows": row["reason"].split() if sent else [],
        "state": row["standing"],
        "reason": "" if sent else row["reason"],
        "planned_at": iso(row["planned_at"]),
        "ended_at": iso(row["ended_at"]),
        "attempts": row["attempts"],
        "last_code": row["last_code"] or "",
        "message_id": row["provider_id"] or "",
    }


def write_csv(rows: Iterable[Row], out: TextIO) -> int:
    """Write the rows as CSV; how many."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for row in rows:
        writer.writerow([_cell(value) for value in entry(row).values()])
        count += 1
    return count


def _cell(value: object) -> str:
    if isinstance(value, list):
        value = " / ".join(value)
    return neutral(plain(value))


def write_json(rows: Iterable[Row], out: TextIO) -> int:
    """Write the rows as one JSON array, an entry a line; how many."""
    count = 0
    for line in _lines(rows):
        out.write(",\n" if count else "[\n")
        out.write(line)
        count += 1
    out.write("\n]\n" if count else "[]\n")
    return count


def _lines(rows: Iterable[Row]) -> Iterator[str]:
    return (json_line(entry(row)) for row in rows)
