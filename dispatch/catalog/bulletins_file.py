"""Reads a bulletin's profile, bulletins/KEY.toml."""

from __future__ import annotations

from pathlib import Path

from dispatch.catalog.source import Table, check_shared_words, checked_key, read_document
from dispatch.catalog.values import Bulletin, ColumnSpec


def read_bulletin(path: Path) -> Bulletin:
    document = read_document(path)
    root = document.root
    key = checked_key(path.stem, root.place)
    lists = ("publishers", "credit_words", "colophon_words", "signing_organisations")
    root.only("name", "name_en", *lists, "columns")
    tables = document.tables("columns")
    columns = tuple(_column(table) for table in tables)
    check_shared_words(zip(map(_column_words, columns), (table.place for table in tables), strict=True))
    return Bulletin(
        key=key,
        name=root.text("name"),
        name_en=root.text("name_en", required=False),
        publishers=root.texts("publishers"),
        credit_words=root.texts("credit_words"),
        colophon_words=root.texts("colophon_words"),
        signing_organisations=root.texts("signing_organisations"),
        columns=columns,
    )


def _column(table: Table) -> ColumnSpec:
    table.only("key", "name", "name_en", "aliases")
    return ColumnSpec(table.key(), table.text("name"), table.text("name_en", required=False), table.texts("aliases"))


def _column_words(column: ColumnSpec) -> list[str]:
    return [*dict.fromkeys(word for word in (column.key, column.name, column.name_en) if word), *column.aliases]
