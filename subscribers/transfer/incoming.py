"""An import from its first line to its last: all rows are read and checked, then all of them are written, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from types import TracebackType

from subscribers.audit import Act
from subscribers.database import Database
from subscribers.errors import BadFile, InvalidValue
from subscribers.suppression import Hasher
from subscribers.transfer.bulk import Planned, Prepared, Preparer, Store, Terms, Totals, plan, state_of
from subscribers.transfer.columns import PROBLEM, Columns
from subscribers.transfer.rows import Checker, Entry
from subscribers.transfer.staging import BadRow, Staging
from subscribers.transfer.tables import Table, TableRow

SLICE = 2_000  # rows
_TRIES = 3  # to plan while nobody changes anything
Tick = Callable[[str, int, int], None]


def _silent(what: str, done: int, total: int) -> None:
    """Nobody is told how far it is."""


class Import:
    """The rows of one file. Used as a context: what is kept of them meanwhile is gone in the end.

    `tick` is told what is done, how far it is, and of how much.
    """

    def __init__(self, db: Database, tick: Tick = _silent) -> None:
        self._db = db
        self._hasher = Hasher.load(db)
        self._tick = tick
        self._staging = Staging()

    def __enter__(self) -> Import:
        self._staging.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._staging.__exit__(kind, error, traceback)

    @property
    def good(self) -> int:
        """How many rows can be taken."""
        return self._staging.good

    @property
    def bad(self) -> int:
        """How many rows cannot."""
        return self._staging.bad

    def check(self, table: Table, columns: Columns, checker: Checker) -> None:
        """Read all rows, and find out which of them can be taken. The store is read, and not changed.

        Raises BadFile for what is wrong with the file as a whole; bad rows are kept with the reason.
        """
        reading = _Named(columns)
        for rows in _slices(table.rows):
            good: list[tuple[TableRow, Entry]] = []
            for row in rows:
                try:
                    _refuse_halves(row)
                    good.append((row, checker.entry(row.line, reading.named(row))))
                except InvalidValue as error:
                    self._refuse(row, str(error))
            self._plan(self._refuse_repeats(good))
            self._tick("checking", rows[-1].done, table.total)

    def _refuse(self, row: TableRow, problem: str) -> None:
        titles, cells = (tuple(_whole(text) for text in texts) for texts in (row.titles, row.cells))
        self._staging.refuse([BadRow(row.line, titles, cells, problem)])

    def _refuse_repeats(self, good: Sequence[tuple[TableRow, Entry]]) -> list[tuple[TableRow, Entry]]:
        """Leave out the rows with an address that stands on an earlier line."""
        words = [[" ".join(address.identity) for address in entry.addresses] for _, entry in good]
        lines = [entry.line for _, entry in good]
        first = self._staging.seen([(word, line) for line, mine in zip(lines, words, strict=True) for word in mine])
        fresh = []
        for (row, entry), mine in zip(good, words, strict=True):
            repeated = next((place for place, word in enumerate(mine) if first[word] != entry.line), None)
            if repeated is None:
                fresh.append((row, entry))
                continue
            address, line = entry.addresses[repeated], first[mine[repeated]]
            self._refuse(row, f"{address.channel} address {address.shown} stands on line {line} already")
        return fresh

    def _plan(self, good: Sequence[tuple[TableRow, Entry]]) -> None:
        kept = []
        planned = plan(self._db, self._hasher, [entry for _, entry in good])
        for (row, entry), item in zip(good, planned, strict=True):
            if item.problem:
                self._refuse(row, item.problem)
            else:
                kept.append(entry)
        self._staging.add(kept)

    def slices(self) -> Iterator[list[Entry]]:
        """The good rows, a slice at a time."""
        return self._staging.slices()

    def planned(self) -> Iterator[Planned]:
        """What the good rows mean for the store, one by one."""
        for entries in self.slices():
            yield from plan(self._db, self._hasher, entries)

    def foresee(self, terms: Terms) -> Totals:
        """What would become of the good rows. The store is read, and not changed."""
        totals = Totals()
        for planned in self.planned():
            totals.count(planned, terms)
        return totals

    def store(self, terms: Terms, act: Act) -> Totals:
        """Write the good rows, all or none, in a transaction of its own. All else is done before it, so that others
        wait for the writing alone; what somebody changes meanwhile is looked at anew.

        Raises BadFile as `write` does.
        """
        for _ in range(_TRIES):
            state = state_of(self._db)
            preparer = Preparer(self._db, terms, act)
            self._staging.prepare(self._prepared(preparer, "planning"))
            with self._db.transaction():
                if state_of(self._db) == state:
                    self._write(self._staging.prepared(), Store(self._db, terms, act))
                    return preparer.totals
        with self._db.transaction():
            return self.write(terms, act)

    def write(self, terms: Terms, act: Act) -> Totals:
        """Write the good rows. Called inside a transaction, and all of it is one.

        Raises BadFile where somebody changed the store since `check`, so that a row cannot be taken any more.
        """
        preparer = Preparer(self._db, terms, act)
        self._write(self._prepared(preparer), Store(self._db, terms, act))
        return preparer.totals

    def _prepared(self, preparer: Preparer, what: str = "") -> Iterator[Prepared]:
        for entries in self.slices():
            slice_ = plan(self._db, self._hasher, entries)
            for planned in slice_:
                if planned.problem:
                    raise BadFile(f"nothing was imported: line {planned.entry.line}: {planned.problem}")
            yield preparer.prepare(slice_)
            if what:
                self._tick(what, preparer.totals.rows, self.good)

    def _write(self, slices: Iterator[Prepared], store: Store) -> None:
        done = 0
        for prepared in slices:
            store.write(prepared)
            done += prepared.rows
            self._tick("writing", done, self.good)

    def bad_rows(self) -> Iterator[BadRow]:
        """The rows that cannot be taken, in the order of their lines."""
        return self._staging.bad_rows()

    def write_bad(self, file: Path) -> None:
        """Write the bad rows as they were, with a column that says what is wrong with each: `check` reads it when they
        are mended."""
        from subscribers.transfer.outgoing import write_rows

        titles = self._staging.bad_titles()
        write_rows(file, [*titles, PROBLEM], (_mended(row, titles) for row in self.bad_rows()))


def _mended(row: BadRow, titles: Sequence[str]) -> list[str]:
    """The cells under all titles, the problem, and what stands in no column."""
    cells, surplus = list(row.cells[: len(row.titles)]), list(row.cells[len(row.titles) :])
    if list(row.titles) != list(titles):
        known = dict(zip(row.titles, cells, strict=False))
        cells = [known.get(title, "") for title in titles]
    cells += [""] * (len(titles) - len(cells))
    return [*cells, row.problem, *surplus]


def _refuse_halves(row: TableRow) -> None:
    """Raises InvalidValue for halves of characters, which JSON can spell and nobody can store."""
    for text in ("".join(row.cells), "".join(row.titles)):
        if not text.isascii() and _whole(text) != text:
            raise InvalidValue(f"{_whole(text)[:40]!r} holds half of a character: write it anew")


def _whole(text: str) -> str:
    """A text that can be written: a mark stands for each half of a character."""
    return text if text.isascii() else "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


class _Named:
    """The cells of rows by our names of their columns."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._titles: tuple[str, ...] | None = None
        self._names: list[str] = []

    def named(self, row: TableRow) -> Mapping[str, str]:
        """Raises BadFile for columns that are none of ours, and InvalidValue."""
        if row.titles is not self._titles:
            self._names = self._columns.read(row.titles, first=self._titles is None)
            self._titles = row.titles
        surplus = [cell for cell in row.cells[len(self._names) :] if cell]
        nameless = [
            c for c, t, n in zip(row.cells, row.titles, self._names, strict=False) if not n and c and not t.strip()
        ]
        if surplus or nameless:
            # A comma too many in a value: what it says would be lost.
            value = (nameless + surplus)[0]
            raise InvalidValue(f"{value!r} stands in no column: put values with a delimiter in them in quotes")
        return {name: cell for name, cell in zip_longest(self._names, row.cells, fillvalue="") if name}


def _slices(rows: Iterator[TableRow]) -> Iterator[list[TableRow]]:
    slice_: list[TableRow] = []
    for row in rows:
        slice_.append(row)
        if len(slice_) >= SLICE:
            yield slice_
            slice_ = []
    if slice_:
        yield slice_
