"""Reads a bulletin's profile, bulletins/KEY.toml."""

from __future__ import annotations

import re
from pathlib import Path

from dispatch.catalog.source import Document, Table, check_shared_words, checked_key, read_document
from dispatch.catalog.values import Bulletin, ColumnSpec
from dispatch.catalog.words import fold_word

_LISTS = ("aliases", "publishers", "numbering", "credit_words", "credit_patterns", "colophon_words")
_PLACEHOLDERS = {
    "numbering": (("number", "total", "year", "month", "day"), "{number}, {total}, or {year} and {month}"),
    "credit_patterns": (("credit",), "{credit}"),
}
_BRACED = re.compile(r"\{([^{}]*)\}")


def read_bulletin(path: Path) -> Bulletin:
    document = read_document(path)
    root = document.root
    key = checked_key(path.stem, root.place)
    root.only("name", "name_en", "offered", *_LISTS, "signing_organisations", "columns")
    tables = document.tables("columns")
    columns = tuple(_column(table) for table in tables)
    check_shared_words(zip(map(_column_words, columns), (table.place for table in tables), strict=True))
    for name in _PLACEHOLDERS:
        _check_patterns(document, name)
    return Bulletin(
        key=key,
        name=root.text("name"),
        name_en=root.text("name_en", required=False),
        aliases=root.texts("aliases"),
        publishers=root.texts("publishers"),
        numbering=root.texts("numbering"),
        credit_words=root.texts("credit_words"),
        credit_patterns=root.texts("credit_patterns"),
        colophon_words=root.texts("colophon_words"),
        signing_organisations=root.texts("signing_organisations"),
        columns=columns,
        offered=root.flag("offered", default=True),
    )


def _check_patterns(document: Document, name: str) -> None:
    """Raises CatalogError, which names the line, for a pattern whose names in braces say nothing."""
    known, needed = _PLACEHOLDERS[name]
    for pattern in document.root.texts(name):
        used = _BRACED.findall(pattern)
        place = document.place_of(pattern)
        if unknown := [word for word in used if word not in known]:
            raise place.error(f"{name}: {{{unknown[0]}}} is not one of {', '.join(f'{{{word}}}' for word in known)}")
        if len(set(used)) < len(used):
            raise place.error(f"{name}: a name in braces stands twice in {pattern!r}")
        if not ({"number", "total", "credit"} & set(used) or {"year", "month"} <= set(used)):
            raise place.error(f"{name}: {pattern!r} needs {needed}")
        if re.search(r"(?<!\{year)\}\s*\{", pattern):
            raise place.error(f"{name}: nothing stands between two names in braces in {pattern!r}")
        if name == "credit_patterns" and not _BRACED.sub("", pattern).strip():
            raise place.error(f"{name}: {pattern!r} would be every line; write the words around {{credit}}")


def _column(table: Table) -> ColumnSpec:
    table.only("key", "name", "name_en", "aliases")
    return ColumnSpec(table.key(), table.text("name"), table.text("name_en", required=False), table.texts("aliases"))


def _column_words(column: ColumnSpec) -> list[str]:
    own = {fold_word(word): word for word in (column.key, column.name, column.name_en) if word}  # News may be `news`
    return [*own.values(), *column.aliases]
