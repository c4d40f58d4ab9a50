"""The whole way in: a file is read, split, tagged and taken into the archive, held or approved.

A file of the inbox moves to `taken/` when its issue is in the archive, or to `refused/` with the reason beside it:
the next look does not meet it again, and nothing an editor dropped is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from dispatch import archive
from dispatch.archive import Added, ColumnName, StoredIssue
from dispatch.catalog import Catalog
from dispatch.errors import DispatchError, IntakeError
from dispatch.intake.readers import read
from dispatch.intake.splitter import split
from dispatch.intake.tagger import Tagger
from dispatch.model import Article, Column, Issue
from subscribers import audit
from subscribers.audit import Act, Way
from subscribers.database import Database

TAKEN, REFUSED = "taken", "refused"


@dataclass(frozen=True, slots=True)
class Reading:
    """An issue as it was read from a source, tagged, with what the reader was unsure of."""

    source: str
    issue: Issue
    warnings: tuple[str, ...]


class Pickup:
    """Reads issues and takes them in."""

    def __init__(self, catalog: Catalog, *, automatic: bool) -> None:
        self._catalog = catalog
        self._automatic = automatic
        self._tagger = Tagger(catalog)

    def read(self, path: Path, source: str = "") -> Reading:
        """Read, split and tag. Raises IntakeError: which file, why, what to do."""
        name = source or str(path)
        try:
            found = split(read(path, name), self._catalog.bulletins, name)
        except OSError as error:
            raise IntakeError(f"{name}: cannot be read: {error.strerror or error}") from error
        columns = tuple(self._tagged(column) for column in found.issue.columns)
        return Reading(name, replace(found.issue, columns=columns), (*found.warnings, *self._unknown(found.issue)))

    def _unknown(self, issue: Issue) -> Iterator[str]:
        """A word on each column that the bulletin's profile does not have: nobody can follow it."""
        profile = self._catalog.bulletin(issue.bulletin)
        if profile is None or not profile.columns:
            return
        for column in issue.columns:
            if self._catalog.column_spec(issue.bulletin, column.name, column.contents_name) not in profile.columns:
                yield f"The column {column.name} is not in {profile.key}.toml: it cannot be followed by its name."

    def _tagged(self, column: Column) -> Column:
        return replace(column, articles=tuple(self._tagger.tag(article) for article in column.articles))

    def take_in(self, db: Database, reading: Reading, act: Act) -> Added:
        """Put a reading into the archive, all or nothing; approved at once where the settings say so."""
        with db.transaction():
            added = archive.add(
                db,
                reading.issue,
                source=reading.source,
                warnings=reading.warnings,
                column_name=self._column_name,
                tags_of=self._tags,
                now=act.at,
            )
            if added.outcome != "known":
                self._put_on_record(db, added, act)
        return added

    def rewrite(self, db: Database, stored: StoredIssue, issue: Issue) -> None:
        """Exchange the content of a held issue. Raises StateError and Failure; within a transaction."""
        archive.rewrite(db, stored, issue, self._column_name, self._tags)

    def _put_on_record(self, db: Database, added: Added, act: Act) -> None:
        stored = archive.load(db, added.id)
        audit.record(db, act, "taken in", "issue", stored.key, {"revision": stored.revision})
        if self._automatic:
            archive.approve(db, stored, "automatic", act.at)
            audit.record(db, Act(act.at, audit.PROGRAM, Way.SCHEDULE), "approved", "issue", stored.key)

    def _column_name(self, bulletin: str, column: Column) -> ColumnName:
        spec = self._catalog.column_spec(bulletin, column.name, column.contents_name)
        return ColumnName(spec.key, spec.name_en)

    def _tags(self, article: Article, column: str) -> tuple[str, ...]:
        bulletin, _, key = column.partition("/")
        return self._catalog.tags_of(article, bulletin, key)


@dataclass(frozen=True, slots=True)
class Look:
    """What became of one file or address: what was added, or the error."""

    source: str
    added: Added | None = None
    warnings: tuple[str, ...] = ()
    error: DispatchError | None = None


class Inbox:
    """A folder that editors drop files into."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def taken(self, path: Path) -> None:
        self._move(path, TAKEN)

    def refused(self, path: Path, reason: str) -> None:
        target = self._move(path, REFUSED)
        target.with_name(target.name + ".reason.txt").write_text(reason + "\n", encoding="utf-8")

    def _move(self, path: Path, folder: str) -> Path:
        target = self._folder / folder / path.name
        target.parent.mkdir(exist_ok=True)
        count = 1
        while target.exists():
            count += 1
            target = target.with_name(f"{path.stem}-{count}{path.suffix}")
        return path.rename(target)
