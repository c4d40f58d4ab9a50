"""Reads a bulletin's profile, bulletins/KEY.toml."""

from __future__ import annotations

from pathlib import Path

from dispatch.catalog.source import Table, Told, check_shared_words, is_key, read_document, refuse, wrong_key
from dispatch.catalog.values import Bulletin, ColumnSpec
from dispatch.catalog.words import fold_word


def read_bulletin(path: Path, told: Told = refuse) -> Bulletin:
    """The profile in a file. What is wrong is `told`. Raises CatalogError for a file that is no TOML."""
    document = read_document(path, told)
    root = document.root
    if not is_key(path.stem):
        told(wrong_key(path.stem, root.place))
    lists = ("publishers", "credit_words", "colophon_words", "signing_organisations")
    root.only("name", "name_en", *lists, "columns")
    tables = document.tables("columns")
    columns = tuple(_column(table) for table in tables)
    check_shared_words(zip(map(_column_words, columns), (table.place for table in tables), strict=True), told)
    return Bulletin(
        key=path.stem,
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
    """All that a column is found by; its English name may well be its key."""
    own = (fold_word(word) for word in (column.key, column.name, column.name_en) if word)
    return [*dict.fromkeys(own), *column.aliases]
