"""What the bot reads to people: issues, columns and articles that are out, and searches in them.

All of it is read over a connection of its own, so that what many people read and search holds up neither the ledger
nor the updates of others that change something.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dispatch import search
from dispatch.bot.desk import Desk, Office, Replies, Step
from dispatch.bot.scene import Scene
from dispatch.web.reading import Entry, Reading, ReadingCache, Section
from subscribers.database import Database, Row, queries
from subscribers.errors import DatabaseError

if TYPE_CHECKING:
    from dispatch.delivery.clock import Clock
    from dispatch.delivery.store import Store
    from dispatch.digests.render import Renderer

SQL = queries(Path(__file__).with_name("reading.sql"))
_KEPT = 16  # issues in memory: people ask for the newest
_NUMBERS = ("year", "number", "total", "ref")
_TOLD = 1_000  # articles after which the log says how far the index is
_MOST_CALLED = 8  # bulletins that have an issue of the same number

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Volume:
    """An issue that may be read, with its number in the archive."""

    id: int
    reading: Reading

    def section(self, position: int) -> Section | None:
        """The column at a place, from 1."""
        return self.reading.section(str(position))

    @property
    def numbers(self) -> Mapping[str, object]:
        """Its `year`, `number`, `total` and `ref`."""
        return {name: getattr(self.reading.issue, name) for name in _NUMBERS}

    @property
    def count(self) -> int:
        return sum(len(section.entries) for section in self.reading.sections)


Column = tuple[Volume, Section]
"""A column of an issue."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an article stands: the issue's number in the archive, its names, and its `numbers` (`year`, `number`,
    `total`, `ref`)."""

    id: int
    bulletin: str
    ref: str
    title: str
    numbers: Mapping[str, object]

    @classmethod
    def of(cls, volume: Volume) -> Spot:
        issue = volume.reading.issue
        return cls(volume.id, issue.bulletin, issue.ref, issue.title, volume.numbers)


class Shelf:
    """Finds what may be read. A handler's work is done on it by `answering`."""

    def __init__(self, store: Store, office: Office, renderer: Renderer, clock: Clock) -> None:
        self.renderer = renderer
        self._store = store
        self._office = office
        self._clock = clock
        self._cache = ReadingCache(_KEPT)

    async def answering(self, scene: Scene, look: Callable[[Desk], Replies]) -> Step:
        """The step that replies what `look` finds; it reads, and changes nothing. What goes wrong in it is told as if
        it had gone wrong in the step. Raises DatabaseError."""
        try:
            replies = await self._store.call(self._look, scene, look)
        except DatabaseError:
            raise
        except Exception as error:
            return _raising(error)
        return lambda desk: replies

    def _look(self, db: Database, scene: Scene, look: Callable[[Desk], Replies]) -> Replies:
        return list(look(Desk(db, self._office, scene, self._clock.now())))

    async def index(self) -> None:
        """See to it that all articles can be searched, the newest first, in small steps between which others read. The
        log says how far it is."""
        try:
            left = await self._store.call(search.unindexed)
            if left > _TOLD:
                log.info("articles that cannot be searched yet: %d; they are indexed, the newest first", left)
            done = 0
            while count := await self._store.call(search.index_some):
                done += count
                if done // _TOLD > (done - count) // _TOLD:
                    log.info("articles indexed for searches: %d of %d", done, max(left, done))
        except DatabaseError as error:
            log.error("articles cannot be indexed now: %s", error)

    # ---------------------------------------------------------------------------------- called on the store's thread

    def volume(self, db: Database, issue_id: int | None) -> Volume | None:
        """An issue; None where there is none or it may not be read."""
        row = db.one(SQL["public_issue"], {"id": issue_id}) if issue_id is not None else None
        reading = self._cache.find(db, row["bulletin"], row["ref"]) if row is not None else None
        return None if row is None or reading is None else Volume(row["id"], reading)

    def newest(self, db: Database) -> Volume | None:
        return self.volume(db, db.value(SQL["newest"]))

    def before(self, db: Database, issue_id: int) -> int | None:
        """The issue of the bulletin that came before one."""
        return _number(db.value(SQL["before"], {"id": issue_id}))

    def after(self, db: Database, issue_id: int) -> int | None:
        return _number(db.value(SQL["after"], {"id": issue_id}))

    def issues(self, db: Database, skip: int, most: int) -> list[Row]:
        """So many issues after the first ones; each `id`, `bulletin`, `title`, `ref`, `year`, `number`, `total`."""
        return db.all(SQL["issues"], {"skip": skip, "page": most})

    def called(self, db: Database, bulletin: str, ref: str, year: int, number: int) -> list[Row]:
        """The issues that somebody may mean by a reference, or a year and a number, in a bulletin or in any ("")."""
        values = {"bulletin": bulletin, "ref": ref, "year": year, "number": number, "page": _MOST_CALLED}
        return db.all(SQL["called"], values)

    def spot(self, db: Database, bulletin: str, ref: str) -> Spot | None:
        """An issue that may be read, without its articles."""
        rows = [row for row in self.called(db, bulletin, ref, 0, 0) if row["ref"] == ref]
        if not rows:
            return None
        numbers = {name: rows[0][name] for name in _NUMBERS}
        return Spot(rows[0]["id"], bulletin, ref, rows[0]["title"], numbers)

    def newest_column(self, db: Database, bulletin: str, key: str) -> Column | None:
        """Where a column last had articles."""
        return self._column(db, db.one(SQL["newest_column"], {"bulletin": bulletin, "key": key}))

    def column_before(self, db: Database, issue_id: int, key: str) -> Column | None:
        """Where a column had articles before an issue."""
        return self._column(db, db.one(SQL["column_before"], {"id": issue_id, "key": key})) if key else None

    def _column(self, db: Database, row: Row | None) -> Column | None:
        volume = self.volume(db, row["id"]) if row is not None else None
        section = volume.section(row["position"] + 1) if volume is not None and row is not None else None
        return None if volume is None or section is None else (volume, section)

    def digest_of(self, db: Database, volume: Volume, section: Section) -> int | None:
        """The digest of a column, the first where it is several."""
        return _number(db.value(SQL["column_digest"], {"issue_id": volume.id, "column": section.position - 1}))

    def column_of(self, db: Database, digest_id: int) -> tuple[int, str] | None:
        """The issue that a digest is of, and its column's key; None where there is no such digest."""
        row = db.one(SQL["digest_column"], {"id": digest_id})
        return None if row is None else (row["issue_id"], row["key"])

    def entries_with(self, db: Database, volume: Volume, section: Section, tags: tuple[str, ...]) -> list[Entry]:
        """The articles of a column that carry one of these."""
        values = {"issue_id": volume.id, "column": section.position - 1, "tags": list(tags)}
        places = {row["position"] for row in db.all(SQL["places_with"], values)} if tags else set()
        return [entry for entry in section.entries if entry.position in places]


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _raising(error: Exception) -> Step:
    def step(desk: Desk) -> Replies:
        raise error

    return step
