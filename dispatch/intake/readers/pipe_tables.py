"""Tables of Markdown: rows of cells between upright strokes, and pandoc's grids."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SIGNS = frozenset("|:-+ \t")
_GRID_RULE = re.compile(r"\s{0,3}\+(?:[-=:]+\+)+\s*")
_STROKE = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a table, their cells still with markup, and how many lines of the source they take."""

    rows: tuple[tuple[str, ...], ...]
    lines: int


def find_table(source: Sequence[str], at: int) -> Table | None:
    """The table that begins with a line of the source, if one does."""
    if "|" in source[at] and at + 1 < len(source) and _rules(source[at + 1]) and not _rules(source[at]):
        return _piped(source, at)
    if _GRID_RULE.fullmatch(source[at]) and at + 1 < len(source) and source[at + 1].lstrip().startswith("|"):
        return _gridded(source, at)
    return None


def _rules(raw: str) -> bool:
    """Whether a line is the one under a table's head: |---|:-:|"""
    return "|" in raw and "-" in raw and _SIGNS.issuperset(raw)


def _piped(source: Sequence[str], at: int) -> Table:
    end = at + 2
    while end < len(source) and "|" in source[end] and source[end].strip():
        end += 1
    rows = tuple(_cells(source[line]) for line in range(at, end) if not _rules(source[line]))
    return Table(rows, end - at)


def _cells(raw: str) -> tuple[str, ...]:
    row = raw.strip().removeprefix("|")
    row = row[:-1] if row.endswith("|") and not row.endswith("\\|") else row
    return tuple(cell.strip() for cell in _STROKE.split(row))


def _gridded(source: Sequence[str], at: int) -> Table | None:
    """A grid, in which a cell may take several lines."""
    rows: list[list[list[str]]] = []
    row: list[list[str]] = []
    line = at
    while line < len(source):
        raw = source[line].strip()
        if _GRID_RULE.fullmatch(raw):
            rows += [row] if row else []
            row = []
        elif raw.startswith("|"):
            cells = _cells(raw)
            row = row or [[] for _ in cells]
            for cell, text in zip(row, cells, strict=False):
                cell += [text] if text else []
        else:
            break
        line += 1
    return Table(tuple(tuple(" ".join(cell) for cell in whole) for whole in rows), line - at) if rows else None
