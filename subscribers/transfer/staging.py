"""Rows on their way into the store, kept in a file of their own until all of them are checked: memory does not grow
with them, and nobody waits for a lock meanwhile. The folder is the user's alone, and gone in the end."""

from __future__ import annotations

import io
import json
import pickle
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any

from subscribers.database import queries
from subscribers.errors import DatabaseError
from subscribers.model import Address
from subscribers.transfer.bulk import Prepared
from subscribers.transfer.rows import Entry

SQL = queries(Path(__file__).parents[1] / "sql" / "transfer_staging.sql")
_TABLES = ("make_seen", "make_slices", "make_bad", "make_prepared")


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be taken, as it was, and why."""

    line: int
    titles: tuple[str, ...]
    cells: tuple[str, ...]
    problem: str


def _packed(entries: Sequence[Entry]) -> bytes:
    """Entries by the values of their fields: what pickle does with frozen values by itself takes thrice as long."""
    out = io.BytesIO()
    pickler = pickle.Pickler(out, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = {Entry: _entry_parts, Address: _address_parts}
    pickler.dump(entries)
    return out.getvalue()


def _flat(prepared: Prepared) -> bytes:
    """Without looking for values that stand there twice: most do not."""
    out = io.BytesIO()
    pickler = pickle.Pickler(out, pickle.HIGHEST_PROTOCOL)
    pickler.fast = True
    pickler.dump(prepared)
    return out.getvalue()


def _entry_parts(entry: Entry) -> tuple[type[Entry], tuple[Any, ...]]:
    return Entry, _entry_values(entry)


def _address_parts(address: Address) -> tuple[type[Address], tuple[Any, ...]]:
    return Address, _address_values(address)


_entry_values = attrgetter(*(field.name for field in fields(Entry)))
_address_values = attrgetter(*(field.name for field in fields(Address)))


class Staging:
    """Checked rows and bad ones, in the order of their lines."""

    def __enter__(self) -> Staging:
        self._folder = tempfile.TemporaryDirectory(prefix="dispatch-import-")
        self._db = sqlite3.connect(Path(self._folder.name) / "rows.db", isolation_level=None)
        for statement in ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", *(SQL[name] for name in _TABLES)):
            self._db.execute(statement)
        self._db.execute("BEGIN")
        self.good = self.bad = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._db.close()
        self._folder.cleanup()
        if isinstance(error, sqlite3.Error):
            raise DatabaseError(f"no room for the rows on their way ({error}): make room in {tempfile.gettempdir()}")

    def seen(self, found: Sequence[tuple[str, int]]) -> dict[str, int]:
        """Note words with the lines that they stand on; which of them stood on an earlier line, and on which. A word
        that stands on several of these lines is that of the first."""
        first: dict[str, int] = {}
        for word, line in found:
            first.setdefault(word, line)
        known = dict(self._db.execute(SQL["seen"], {"words": json.dumps(list(first))}))
        self._db.executemany(SQL["add_seen"], [item for item in first.items() if item[0] not in known])
        return first | known

    def add(self, entries: Sequence[Entry]) -> None:
        if entries:
            self._db.execute(SQL["add_slice"], {"entries": _packed(entries)})
            self.good += len(entries)

    def refuse(self, rows: Iterable[BadRow]) -> None:
        for row in rows:
            values = (row.line, json.dumps(row.titles), json.dumps(row.cells), row.problem)
            self._db.execute(SQL["add_bad"], dict(zip(("line", "titles", "cells", "problem"), values, strict=True)))
            self.bad += 1

    def slices(self) -> Iterator[list[Entry]]:
        """The checked rows, in the slices in which they came."""
        for (entries,) in self._db.execute(SQL["slices"]):
            yield pickle.loads(entries)  # noqa: S301 - written by `add`, to a file that is nobody else's

    def prepare(self, slices: Iterable[Prepared]) -> None:
        """Keep what is to be written, instead of what was kept before."""
        self._db.execute(SQL["forget_prepared"])
        for prepared in slices:
            self._db.execute(SQL["add_prepared"], {"slice": _flat(prepared)})

    def prepared(self) -> Iterator[Prepared]:
        for (prepared,) in self._db.execute(SQL["prepared"]):
            yield pickle.loads(prepared)  # noqa: S301 - the same

    def bad_rows(self) -> Iterator[BadRow]:
        for line, titles, cells, problem in self._db.execute(SQL["bad"]):
            yield BadRow(line, tuple(json.loads(titles)), tuple(json.loads(cells)), problem)

    def bad_titles(self) -> list[str]:
        """The titles of all bad rows: as they stand where all have the same."""
        found = [json.loads(titles) for (titles,) in self._db.execute(SQL["bad_titles"])]
        return found[0] if len(found) == 1 else list(dict.fromkeys(title for titles in found for title in titles))
