"""The whole way in: a file is read, split, tagged and taken into the archive, held or approved.

A file of the inbox moves to `taken/` when its issue is in the archive, or to `refused/` with the reason beside it:
the next look does not meet it again, and nothing an editor dropped is lost.
"""

from __future__ import annotations

import errno
import io
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dispatch import archive, revisions
from dispatch.archive import Added, ColumnName, Revision, StoredIssue
from dispatch.catalog import Catalog
from dispatch.differences import Difference
from dispatch.errors import DispatchError, Failure, StateError
from dispatch.intake import originals as files
from dispatch.intake.answer import Reading, known_tags
from dispatch.intake.originals import Original, Originals
from dispatch.intake.sandbox import Sandbox
from dispatch.model import Article, Column, Issue, IssueState
from subscribers import audit
from subscribers.audit import Act, Way
from subscribers.database import Database

__all__ = ["REFUSED", "TAKEN", "Inbox", "Look", "Pickup", "Reading"]

TAKEN, REFUSED = "taken", "refused"
_LONGEST_NAME = 255  # bytes, on nearly every file system
_LONGEST_SUFFIX = 20  # characters; a longer one is part of a title
_REASON = ".reason.txt"
_NO_LINK, _BINARY = getattr(os, "O_NOFOLLOW", 0), getattr(os, "O_BINARY", 0)


class Pickup:
    """Reads issues and takes them in; the files are kept among the `originals`."""

    def __init__(
        self,
        catalog: Catalog,
        sandbox: Sandbox,
        *,
        automatic: bool,
        originals: Originals | None = None,
        on_waiting: Callable[[Database, StoredIssue, int, int], None] = lambda db, stored, revision, now: None,
    ) -> None:
        """`on_waiting` is called within the transaction that takes an issue in which then waits for approval, or other
        content of one that is out; with the revision that waits."""
        self._catalog = catalog
        self._sandbox = sandbox
        self._originals = originals or Originals(None)
        self._on_waiting = on_waiting
        self._automatic = automatic

    def read(self, path: Path, source: str = "") -> Reading:
        """Read, split and tag, in a process of its own. Raises IntakeError: which file, why, what to do; NoReader where
        it could not be tried."""
        return self._sandbox.issue(path, source or _name(path)).known_to(self._catalog)

    def read_article(self, path: Path) -> Article:
        """Read and tag a single article: the first line is the title, the rest its text. Raises like `read`."""
        return known_tags(self._sandbox.article(path, _name(path)), self._catalog)

    def close(self) -> None:
        """End what is being read; the next file begins anew."""
        self._sandbox.close()

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
                catalog=self._catalog.fingerprint,
                again=again,
            )
            if original is not None:
                files.remember(db, original, added.id, added.revision, act.at)
            if added.outcome != "known":
                self._put_on_record(db, added, act)
        return added

    def rewrite(self, db: Database, seen: StoredIssue, issue: Issue, act: Act) -> None:
        """Exchange the content of a held issue, as somebody saw it, for that of an edited one. Called inside a
        transaction. Raises StateError where it is not held, and Failure where it changed meanwhile."""
        stored = archive.load(db, seen.id)
        if stored.state is not IssueState.HELD:
            raise StateError(
                f"issue {stored.name} is {stored.state}: only a held one is edited; take the approval back with:"
                f" dispatch issues hold {stored.name}"
            )
        if stored.revision != seen.revision or stored.issue != seen.issue:
            raise Failure(f"issue {stored.name} changed meanwhile: look at it again")
        archive.add(
            db,
            issue,
            source=f"{stored.source}, edited",
            warnings=stored.warnings,
            column_name=self._column_name,
            tags_of=self._tags,
            now=act.at,
            catalog=archive.revision(db, stored).source.catalog,  # what stays as it was keeps its tags
            again=True,
        )
        audit.record(db, act, "edited", "issue", stored.key)

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
            self._on_waiting(db, stored, added.revision, act.at)
            return
        audit.record(db, act, "taken in", "issue", stored.key, {"revision": stored.revision})
        if self._automatic:
            archive.approve(db, stored, "automatic", act.at)
            audit.record(db, Act(act.at, audit.PROGRAM, Way.SCHEDULE), "approved", "issue", stored.key)
        else:
            self._on_waiting(db, stored, stored.revision, act.at)

    def _column_name(self, bulletin: str, column: Column) -> ColumnName:
        spec = self._catalog.column_spec(bulletin, column.name, column.contents_name)
        return ColumnName(spec.key, spec.name_en)

    def _tags(self, article: Article, column: str) -> tuple[str, ...]:
        bulletin, _, key = column.partition("/")
        return self._catalog.tags_of(article, bulletin, key)


def _name(path: Path) -> str:
    """A path in words: a name may be no text."""
    return os.fsencode(path).decode("utf-8", "replace")


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
    """A folder that editors drop files into. Its `taken/` and `refused/` have to be folders, not links: whoever may
    drop a file could let one lead anywhere, and have a file of any name put there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def taken(self, path: Path) -> None:
        """Put a file away whose issue is in the archive. Raises OSError."""
        with self._opened(TAKEN) as folder:
            folder.take(path, folder.free_name(path))

    def refused(self, path: Path, reason: str) -> None:
        """Put a file away that gave no issue, with the reason beside it. Raises OSError, and leaves both as they
        were."""
        with self._opened(REFUSED) as folder:
            name = folder.free_name(path)
            beside = _reason_name(name)
            folder.write(beside, io.BytesIO((reason + "\n").encode("utf-8", "replace")))
            try:
                folder.take(path, name)
            except OSError:
                folder.delete(beside)
                raise

    @contextmanager
    def _opened(self, name: str) -> Iterator[_Folder]:
        path = self._folder / name
        with suppress(FileExistsError):
            path.mkdir()
        if path.is_symlink():
            raise OSError(f"{path} is a link, which may lead anywhere; put a folder in its place")
        if os.open not in os.supports_dir_fd:  # Windows
            yield _Folder(path, None)
            return
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)  # a link by now fails
        try:
            yield _Folder(path, descriptor)
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder that is held open where the system can do that: it stays the same, whatever takes its place."""

    path: Path
    descriptor: int | None

    def _at(self, name: str) -> str:
        return name if self.descriptor is not None else str(self.path / name)

    def free_name(self, path: Path) -> str:
        """A name for a file that neither a file nor a reason has."""
        name, count = path.name, 1
        while self._has(name) or self._has(_reason_name(name)):
            count += 1
            name = _numbered(path, count)
        return name

    def _has(self, name: str) -> bool:
        try:
            os.stat(self._at(name), dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def take(self, path: Path, name: str) -> None:
        """Move a file to here."""
        try:
            os.rename(path, self._at(name), dst_dir_fd=self.descriptor)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # The folder lies on another drive.
            with os.fdopen(os.open(path, os.O_RDONLY | _NO_LINK), "rb") as source:
                self.write(name, source, os.fstat(source.fileno()))
            path.unlink()

    def write(self, name: str, source: BinaryIO, like: os.stat_result | None = None) -> None:
        """Let a file be written aside and appear at its place when it is whole, with the rights and the time of
        another where one is given."""
        part = self._at(f".{secrets.token_hex(8)}.part")
        mode = stat.S_IMODE(like.st_mode) if like else 0o666
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK | _BINARY
        try:
            with os.fdopen(os.open(part, flags, mode, dir_fd=self.descriptor), "wb") as file:
                shutil.copyfileobj(source, file)
            if like:
                os.utime(part, ns=(like.st_atime_ns, like.st_mtime_ns), dir_fd=self.descriptor)
            os.replace(part, self._at(name), src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(part, dir_fd=self.descriptor)
            raise

    def delete(self, name: str) -> None:
        os.unlink(self._at(name), dir_fd=self.descriptor)


def _reason_name(name: str) -> str:
    return _fitting(name, _REASON)


def _numbered(path: Path, count: int) -> str:
    """A file's name with a number, and room for the ending of its reason's: else all would have the same reason."""
    suffix = path.suffix if len(path.suffix) <= _LONGEST_SUFFIX else ""
    return _fitting(path.name.removesuffix(suffix), f"-{count}{suffix}", _LONGEST_NAME - len(_REASON))


def _fitting(stem: str, ending: str, most: int = _LONGEST_NAME) -> str:
    """A name of a stem and an ending, the stem cut where both would be longer than `most` bytes."""
    while stem and len(os.fsencode(stem + ending)) > most:
        stem = stem[:-1]
    return stem + ending
