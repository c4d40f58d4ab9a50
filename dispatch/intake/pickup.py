"""The whole way in: a file is read, split, tagged and taken into the archive, held or approved.

A file of the inbox moves to `taken/` when its issue is in the archive, or to `refused/` with the reason beside it:
the next look does not meet it again, and nothing an editor dropped is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from dispatch import archive, revisions
from dispatch.archive import Added, ColumnName, Revision, StoredIssue
from dispatch.catalog import Catalog
from dispatch.differences import Difference
from dispatch.errors import DispatchError, IntakeError
from dispatch.intake import originals as files
from dispatch.intake.originals import Original, Originals
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
    """Reads issues and takes them in; the files are kept among the `originals`."""

    def __init__(self, catalog: Catalog, *, automatic: bool, originals: Originals | None = None) -> None:
        self._catalog = catalog
        self._originals = originals or Originals(None)
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

    def known(self, db: Database, original: Original | None) -> Added | None:
        """What a file of just these bytes has given before: it need not be read. None where it has given nothing."""
        found = files.known(db, original) if original else None
        if found is None:
            return None
        return Added(found["issue_id"], f"{found['bulletin']}:{found['ref']}", "known", found["revision"])

    def take_in(
        self, db: Database, reading: Reading, act: Act, original: Original | None = None, *, again: bool = False
    ) -> Added:
        """Put a reading into the archive, all or nothing, and keep the file that it came from; approved at once where
        the settings say so. `again`: see `archive.add`."""
        if original is not None:
            self._originals.keep(original)
        with db.transaction():
            added = archive.add(
                db,
                reading.issue,
                source=reading.source,
                warnings=reading.warnings,
                column_name=self._column_name,
                tags_of=self._tags,
                now=act.at,
                original=original.hash if original else "",
                again=again,
            )
            if original is not None:
                files.remember(db, original, added.id, added.revision, act.at)
            if added.outcome != "known":
                self._put_on_record(db, added, act)
        return added

    def correct(self, db: Database, stored: StoredIssue, wanted: Revision, act: Act) -> Difference:
        """Let a proposed revision be what an issue that is out says; whom it concerns is told. Called inside a
        transaction. Raises Failure where readers would see nothing new."""
        found = revisions.make_current(db, stored, wanted, self._column_name, self._tags, act.by, act.at)
        audit.record(db, act, "corrected", "issue", stored.key, {"revision": wanted.number})
        return found

    def _put_on_record(self, db: Database, added: Added, act: Act) -> None:
        stored = archive.load(db, added.id)
        if added.outcome == "revised":
            audit.record(db, act, "revision proposed", "issue", stored.key, {"revision": added.revision})
            return
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


def what_next(added: Added) -> str:
    """What to do with a revision that was proposed."""
    name = added.name
    return (
        f"{name} is out already and this has other content: kept as revision {added.revision}, and readers see nothing"
        f" of it; compare: dispatch issues diff {name}; tell those who got the old text: dispatch issues send {name}"
        f" --corrections; or drop it: dispatch issues dismiss {name}"
    )


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
        self._sizes: dict[Path, tuple[int, int]] = {}

    def files(self, *, settled: bool) -> Iterator[Path]:
        """The files that wait, oldest first. With `settled`, only those that have not changed since the last look:
        a file that is still being copied stays."""
        if not self._folder.is_dir():
            return
        seen: dict[Path, tuple[int, int]] = {}
        for path in self._folder.iterdir():
            if path.name.startswith((".", "~")) or not path.is_file():
                continue
            status = path.stat()
            seen[path] = (status.st_size, status.st_mtime_ns)
        waiting = [path for path, state in seen.items() if not settled or self._sizes.get(path) == state]
        self._sizes = seen
        yield from sorted(waiting, key=lambda path: (seen[path][1], path.name))

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
