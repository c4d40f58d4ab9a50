"""Reads a bulletin's profile, bulletins/KEY.toml."""

from __future__ import annotations

import re
from pathlib import Path

from dispatch.catalog.source import Table, Told, check_shared_words, is_key, read_document, refuse, wrong_key
from dispatch.catalog.values import Bulletin, ColumnSpec
from dispatch.catalog.words import fold_word

_LISTS = ("aliases", "publishers", "numbering", "credit_words", "credit_patterns", "colophon_words")
_PLACEHOLDERS = {
    "numbering": (("number", "total", "year", "month", "day"), "{number}, {total}, or {year} and {month}"),
    "credit_patterns": (("credit",), "{credit}"),
}
_BRACED = re.compile(r"\{([^{}]*)\}")


def read_bulletin(path: Path, told: Told = refuse) -> Bulletin:
    """The profile in a file. What is wrong is `told`. Raises CatalogError for a file that is no TOML."""
    root = read_document(path, told)
    if not is_key(path.stem):
        told(wrong_key(path.stem, root.place))
    root.only("name", "name_en", "offered", *_LISTS, "signing_organisations", "columns")
    tables = root.tables("columns")
    columns = tuple(_column(table) for table in tables)
    check_shared_words(zip(map(_column_words, columns), (table.place for table in tables), strict=True), told)
    return Bulletin(
        key=path.stem,
        name=root.text("name"),
        name_en=root.text("name_en", required=False),
        aliases=root.texts("aliases"),
        publishers=root.texts("publishers"),
        numbering=_patterns(root, "numbering"),
        credit_words=root.texts("credit_words"),
        credit_patterns=_patterns(root, "credit_patterns"),
        colophon_words=root.texts("colophon_words"),
        signing_organisations=root.texts("signing_organisations"),
        columns=columns,
        offered=root.flag("offered", default=True),
    )


def _patterns(root: Table, name: str) -> tuple[str, ...]:
    """The patterns of this name; those whose names in braces say nothing are told of, with their lines."""
    found = root.texts(name)
    for number, pattern in enumerate(found):
        if fault := _fault(name, pattern):
            root.wrong(f"{name}: {fault[0]}", fault[1], name, number)
    return found


def _fault(name: str, pattern: str) -> tuple[str, str] | None:
    """What is wrong with a pattern, and what to do; None where it is well."""
    known, needed = _PLACEHOLDERS[name]
    used = _BRACED.findall(pattern)
    if unknown := [word for word in used if word not in known]:
        allowed = ", ".join(f"{{{word}}}" for word in known)
        return f"{{{unknown[0]}}} is not one of {allowed}", "correct the name in braces"
    if len(set(used)) < len(used):
        return f"a name in braces stands twice in {pattern!r}", "let it stand once"
    if not ({"number", "total", "credit"} & set(used) or {"year", "month"} <= set(used)):
        return f"{pattern!r} needs {needed}", "put it where the issue has it"
    if re.search(r"(?<!\{year)\}\s*\{", pattern):
        return f"nothing stands between two names in braces in {pattern!r}", "write what stands between them"
    if name == "credit_patterns" and not _BRACED.sub("", pattern).strip():
        return f"{pattern!r} would be every line", "write the words around {credit}"
    return None


def _column(table: Table) -> ColumnSpec:
    table.only("key", "name", "name_en", "aliases")
    return ColumnSpec(table.key(), table.text("name"), table.text("name_en", required=False), table.texts("aliases"))


def _column_words(column: ColumnSpec) -> list[str]:
    """All that a column is found by; its English name may well be its key."""
    own = (fold_word(word) for word in (column.key, column.name, column.name_en) if word)
    return [*dict.fromkeys(own), *column.aliases]
