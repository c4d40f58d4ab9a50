"""The files that issues came from, kept by the SHA-256 of their bytes: `ab/abcdef….pdf` in a folder of their own.

What is known by its hash need not be read again. A file is in the folder whole or not at all, and for its owner alone.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO

from dispatch.errors import Failure, NoReader
from dispatch.intake.opening import MAX_PACKED
from subscribers.database import Database, Row, queries

SQL = queries(Path(__file__).with_name("originals.sql"))
_SUFFIX = re.compile(r"\.[a-z0-9]{1,10}")
_HASH = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 20
YOUNG_SECONDS = 86_400  # a file that is about to get its row is no leftover


@dataclass(frozen=True, slots=True)
class Original:
    """A file as it was met; `name` is what its source calls it."""

    path: Path
    name: str
    hash: str
    bytes: int

    @property
    def suffix(self) -> str:
        """Of the file's name, where it is a plain one; else ""."""
        suffix = self.path.suffix.lower()
        return suffix if _SUFFIX.fullmatch(suffix) else ""

    @classmethod
    def of(cls, path: Path, name: str = "") -> Original | None:
        """The file at a path; None where it can be none of an issue: too large, no regular file, not to be read. Why,
        its reader says."""
        try:
            if not path.is_file() or path.stat().st_size > MAX_PACKED:
                return None
            with path.open("rb") as file:
                found, size = _copied(file)
        except (OSError, ValueError):  # ValueError: a NUL in the path
            return None
        return cls(path, name or str(path), found, size)


class Originals:
    """The folder; None keeps nothing but what is known of the files."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def keep(self, original: Original) -> None:
        """Copy a file into the folder; one that is damaged there is written anew. Raises NoReader where it cannot be
        kept, or has changed meanwhile."""
        if self._folder is None:
            return
        target = self._place(self._folder, original.hash, original.suffix)
        if self._is_whole(target, original):
            return
        try:
            self._copy(original, target)
        except OSError as error:
            raise NoReader(
                f"{original.name}: the file cannot be kept in {self._folder}: {error.strerror or error}"
                " ([intake] originals); it is tried again"
            ) from error

    @staticmethod
    def _is_whole(target: Path, original: Original) -> bool:
        try:
            with target.open("rb") as file:
                found, _ = _copied(file)
        except OSError:
            return False
        return found == original.hash

    def _copy(self, original: Original, target: Path) -> None:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as out, original.path.open("rb") as file:
                found, _ = _copied(file, out.write)
                out.flush()
                os.fsync(out.fileno())
            if found != original.hash:
                raise NoReader(f"{original.name}: the file was changed while it was read; it is tried again")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def read(self, row: Row) -> bytes:
        """The bytes of an original. Raises Failure where they are not kept, or damaged."""
        missing = Failure(f"the file {row['name']} is not kept ([intake] originals)")
        if self._folder is None:
            raise missing
        try:
            data = self._place(self._folder, row["hash"], row["suffix"]).read_bytes()
        except FileNotFoundError as error:
            raise missing from error
        if hashlib.sha256(data).hexdigest() != row["hash"]:
            raise Failure(f"the file kept for {row['name']} is damaged: it is not what was taken in")
        return data

    def sweep(self, db: Database, now: int, *, page: int = 500, dry: bool = False) -> int:
        """Remove files whose issues are gone, and such as have no row, a page of them; how many."""
        gone = [row["hash"] for row in db.all(SQL["forsaken"], {"page": page})]
        files = list(self._leftovers(db, set(gone), now))[:page]
        if dry or not (gone or files):
            return len(gone) + len(files)
        if gone:
            with db.transaction():
                db.run(SQL["forget"], {"ids": gone})
        for file in (*self._files_of(gone), *files):
            file.unlink(missing_ok=True)
        return len(gone) + len(files)

    def _files_of(self, hashes: list[str]) -> Iterator[Path]:
        if self._folder is not None:
            for found in hashes:
                yield from (self._folder / found[:2]).glob(f"{found}*")

    def _leftovers(self, db: Database, gone: set[str], now: int) -> Iterator[Path]:
        """Files that a process that died left without a row, or half written."""
        if self._folder is None or not self._folder.is_dir():
            return
        for file in sorted(self._folder.glob("[0-9a-f][0-9a-f]/*")):
            name = file.name.removeprefix(".").partition(".")[0]
            with suppress(FileNotFoundError):
                old = file.stat().st_mtime < now / 1000 - YOUNG_SECONDS
                unfinished = file.name.startswith(".")
                ours = _HASH.fullmatch(name) is not None and name not in gone
                if old and ours and (unfinished or db.one(SQL["original"], {"hash": name}) is None):
                    yield file

    @staticmethod
    def _place(folder: Path, found: str, suffix: str) -> Path:
        return folder / found[:2] / f"{found}{suffix}"


def remember(db: Database, original: Original, issue_id: int, revision: int, now: int) -> None:
    """Which revision of which issue a file gave. Called inside a transaction."""
    values = {"hash": original.hash, "name": original.name, "suffix": original.suffix, "bytes": original.bytes}
    db.run(SQL["add"], {**values, "issue_id": issue_id, "revision": revision, "now": now})


def known(db: Database, original: Original) -> Row | None:
    """The issue and revision that a file has given before; None where it has given none that is there."""
    return db.one(SQL["known"], {"hash": original.hash})


def of_revision(db: Database, issue_id: int, revision: int, preferred: str) -> Row | None:
    """The file that a revision came from, `preferred` by its hash where it is known; None without one."""
    row = db.one(SQL["original"], {"hash": preferred}) if preferred else None
    return row or db.one(SQL["of_revision"], {"issue_id": issue_id, "revision": revision})


def file_name(row: Row) -> str:
    """A name for the file in a folder of ours: the last part of what its source called it, or one made of its hash."""
    name = PurePath(row["name"].rstrip("/").partition("?")[0]).name
    plain = re.sub(r"[^\w.()（）-]+", "-", name).lstrip(".-")[-120:]
    if plain and row["suffix"] and not plain.lower().endswith(row["suffix"]):
        plain += row["suffix"]
    return plain or f"{row['hash'][:12]}{row['suffix']}"


def _copied(file: BinaryIO, write: Callable[[bytes], object] = lambda piece: None) -> tuple[str, int]:
    """The hash and size of a file of MAX_PACKED at most, each piece handed on. Raises OSError for a larger one."""
    found, size = hashlib.sha256(), 0
    while piece := file.read(_CHUNK):
        size += len(piece)
        if size > MAX_PACKED:
            raise OSError(f"over {MAX_PACKED} bytes")
        found.update(piece)
        write(piece)
    return found.hexdigest(), size
