"""A statement of ours for one row, as one statement for many: INSERT … VALUES and UPDATE … WHERE, with the rows in a
table `each_row` whose columns are the parameters with `p_` before their names."""

from __future__ import annotations

import re

# Nothing of ours has a percent sign, or a colon in quotes, in such a statement; one that has is left as it is.
_INSERT = re.compile(
    r"(INSERT INTO \w+\s*\([^()]*\))\s*VALUES\s*\(([^()%']*)\)(\s*ON CONFLICT[^%']*DO NOTHING)?", re.DOTALL
)
_UPDATE = re.compile(r"(UPDATE \w+ SET\s[^%]*?)\sWHERE\s([^%]*)", re.DOTALL)
_COMMENT = re.compile(r"--[^\n]*")
_NAMED = re.compile(r"(?<!:):([A-Za-z_]\w*)")


def as_one(sql: str, rows: str) -> str:
    """The statement with its rows from `rows`, which goes after FROM; "" where it has another form."""
    plain = _COMMENT.sub(" ", sql).strip()
    if "SELECT" in plain:
        return ""
    if found := _INSERT.fullmatch(plain):
        into, values, conflict = (_of_row(part or "") for part in found.groups())
        # WHERE: without it SQLite takes ON for that of a join
        return f"{into} SELECT {values} FROM {rows} WHERE true{conflict}"  # noqa: S608 - statements of ours
    if found := _UPDATE.fullmatch(plain):
        changes, which = (_of_row(part) for part in found.groups())
        return f"{changes} FROM {rows} WHERE {which}"
    return ""


def _of_row(text: str) -> str:
    return _NAMED.sub(r"each_row.p_\1", text)
