"""What is in the database, told cheaply."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dispatch.output import iso
from dispatch.upkeep.sqlite import companions
from subscribers.database import Database, Row, queries

SQL = queries(Path(__file__).with_name("info.sql"))
COUNTED_BYTES = 32_000_000  # of a table on a server, that are read in a moment


def describe(db: Database) -> dict[str, Any]:
    """The database as JSON tells it. Rows are counted on SQLite; on PostgreSQL in small tables, and in large ones
    estimated (`exact` false), or None where the server has no estimate."""
    sqlite = db.dialect == "sqlite"
    return {
        "database": db.where,
        "server": db.server(),
        **(_file(db) if sqlite else {"size": int(db.value(SQL["postgresql_size"]))}),
        "schemas": {row["component"]: row["version"] for row in db.all(SQL["versions"])},
        "tables": _counted(db) if sqlite else _told(db),
        "oldest_attempt": iso(db.value(SQL["oldest_attempt"])),
    }


def _file(db: Database) -> dict[str, int]:
    pages = db.one(SQL["sqlite_pages"]) or {}
    file, wal, *_ = companions(Path(db.where))
    return {"size": _size(file), "wal_size": _size(wal), **pages}


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _counted(db: Database) -> list[Row]:
    names = [row["name"] for row in db.all(SQL["sqlite_tables"])]
    return [{"table": name, "rows": _rows(db, name), "exact": True} for name in names]


def _rows(db: Database, table: str) -> int:
    # The names are those of our own schema.
    return int(db.value(f'SELECT COUNT(*) FROM "{table}"'))  # noqa: S608


def _told(db: Database) -> list[Row]:
    return [_table(db, row) for row in db.all(SQL["postgresql_tables"])]


def _table(db: Database, row: Row) -> Row:
    small = int(row["data"]) <= COUNTED_BYTES
    estimate = int(row["estimate"]) if row["estimate"] is not None else None
    rows = _rows(db, row["name"]) if small else estimate
    return {"table": row["name"], "rows": rows, "exact": small, "size": int(row["size"])}
