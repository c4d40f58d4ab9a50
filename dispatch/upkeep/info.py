"""What is in the database, told cheaply."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dispatch.output import iso
from dispatch.upkeep.sqlite import companions
from subscribers.database import Database, Row, queries

SQL = queries(Path(__file__).with_name("info.sql"))


def describe(db: Database) -> dict[str, Any]:
    """The database as JSON tells it. Rows are counted on SQLite, and estimated (`exact` false) by PostgreSQL."""
    sqlite = db.dialect == "sqlite"
    return {
        "database": db.where,
        "server": db.server(),
        **(_file(db) if sqlite else {"size": int(db.value(SQL["postgresql_size"]))}),
        "schemas": {row["component"]: row["version"] for row in db.all(SQL["versions"])},
        "tables": _counted(db) if sqlite else _estimated(db),
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
    # The names are those of our own schema.
    return [{"table": name, "rows": db.value(f'SELECT COUNT(*) FROM "{name}"'), "exact": True} for name in names]  # noqa: S608


def _estimated(db: Database) -> list[Row]:
    return [
        {"table": row["name"], "rows": int(row["estimate"]), "exact": False, "size": int(row["size"])}
        for row in db.all(SQL["postgresql_tables"])
    ]
