"""A folder that files are dropped into, on a network drive as well."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dispatch.delivery.clock import Clock
from dispatch.errors import IntakeError
from dispatch.intake.pickup import Inbox
from dispatch.sources.beside import Beside
from dispatch.sources.source import Document, Found, Known, Memory, Refusal, Seen, Trouble

log = logging.getLogger(__name__)
_UNFINISHED = (".part", ".partial", ".crdownload", ".tmp", ".filepart")
_MOST_FILES = 10_000
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class _File:
    """A file as a look finds it; `mark` changes when it does."""

    name: str
    size: int
    changed_ns: int

    @property
    def mark(self) -> str:
        return f"{self.size}:{self.changed_ns}"


class Folder:
    """Files that were dropped into a folder, oldest first. A file is taken when its size and time have stood still for
    `settle` seconds, and moves to `taken/` or `refused/` in it; with `keep` it stays, and is remembered. Links are left
    alone: they may lead anywhere.

    Fulfils `dispatch.sources.source.Source`.
    """

    kind = "folder"
    backs_off = False

    def __init__(
        self,
        name: str,
        path: Path,
        clock: Clock,
        *,
        every: float,
        settle: float,
        after: Literal["move", "keep"] = "move",
        seconds: float = 30,
        most_bytes: int = 200_000_000,
        optional: bool = False,
        at_once: bool = False,
    ) -> None:
        """`optional`: it need not be there. `at_once`: a look with no other one soon takes files as they are."""
        self.name = name
        self.place = os.fsencode(path).decode("utf-8", "replace")
        self.every = every
        self._path = path
        self._clock = clock
        self._settle = settle
        self._after = after
        self._most_bytes = most_bytes
        self._optional = optional
        self._at_once = at_once
        self._beside = Beside(self.place, seconds)
        self._since: dict[str, tuple[str, float]] = {}  # the mark of each file, and since when it has it
        self._told: dict[str, str] = {}  # the marks of files that cannot be read or moved
        self._files: dict[str, _File] = {}

    async def look(self, memory: Memory, *, now: int, patient: bool) -> AsyncGenerator[Found, None]:
        ready, waiting = await self._ready(memory, at_once=patient and self._at_once)
        if patient and waiting:
            await self._clock.sleep(self._settle)
            ready, _ = await self._ready(memory, at_once=False)
        for file in ready:
            if (found := await self._document(file, memory, now)) is not None:
                yield found

    async def _ready(self, memory: Memory, *, at_once: bool) -> tuple[list[_File], bool]:
        """The files that have settled, and whether others have not."""
        files = await self._beside.call(self._list)
        at = self._clock.monotonic()
        before, self._since = self._since, {}
        for file in files:
            mark, since = before.get(file.name, ("", at))
            self._since[file.name] = (file.mark, since if mark == file.mark else at)
        self._told = {name: mark for name, mark in self._told.items() if name in self._since}
        new = [file for file in files if self._is_new(file, memory)]
        ready = [file for file in new if at_once or at - self._since[file.name][1] >= self._settle]
        return ready, len(ready) < len(new)

    def _is_new(self, file: _File, memory: Memory) -> bool:
        known = memory.items.get(file.name)
        return self._told.get(file.name) != file.mark and (known is None or known.mark != file.mark)

    def _list(self) -> list[_File]:
        found: list[_File] = []
        try:
            with os.scandir(self._path) as entries:
                for entry in entries:
                    if len(found) < _MOST_FILES and (file := _file(entry)) is not None:
                        found.append(file)
        except FileNotFoundError:
            if self._optional:
                return []
            raise Trouble(f"{self.place}: there is no such folder; is the network drive there?") from None
        except OSError as error:
            raise Trouble(f"{self.place}: the folder cannot be read: {error.strerror or error}") from None
        return sorted(found, key=lambda file: (file.changed_ns, file.name))

    async def _document(self, file: _File, memory: Memory, now: int) -> Found | None:
        name = os.fsencode(self._path / file.name).decode("utf-8", "replace")
        known = Known(mark=file.mark, added_at=now, asked_at=now) if self._after == "keep" else None
        try:
            copy, digest = await self._beside.call(lambda: self._copied(file))
        except FileNotFoundError:
            return None  # somebody has taken it away again
        except OSError as error:
            self._told[file.name] = file.mark
            words = f"{name}: cannot be read: {error.strerror or error}; it stays there until it changes"
            return Refusal(file.name, name, IntakeError(words), None)
        if known is not None:
            known = Known(digest=digest, mark=file.mark, added_at=now, asked_at=now)
            if memory.has(digest):
                copy.unlink()
                before = memory.items.get(file.name)
                outcome = before.outcome if before and before.digest == digest else "same"
                return Seen(file.name, Known(outcome, digest, "", "", file.mark, 0, now, now))
        self._files[file.name] = file
        return Document(file.name, name, copy, known)

    def _copied(self, file: _File) -> tuple[Path, str]:
        """A copy on this machine, at most a byte longer than is read of any file, and its digest: what is read is what
        was there at one time, and the drive may go away meanwhile."""
        path = self._path / file.name
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        digest, left = hashlib.sha256(), self._most_bytes + 1
        with (
            os.fdopen(descriptor, "rb") as source,
            tempfile.NamedTemporaryFile(prefix="dispatch-", suffix=path.suffix, delete=False) as copy,
        ):
            try:
                while left > 0 and (chunk := source.read(min(_CHUNK, left))):
                    digest.update(chunk)
                    copy.write(chunk)
                    left -= len(chunk)
            except BaseException:
                Path(copy.name).unlink()
                raise
        return Path(copy.name), digest.hexdigest()

    async def finish(self, document: Document, error: str) -> None:
        """Move a file out of the way, unless it has changed meanwhile."""
        file = self._files.pop(document.key, None)
        if file is None or self._after == "keep":
            return
        try:
            await self._beside.call(lambda: self._put_away(file, error))
        except (OSError, Trouble) as failure:
            self._told[file.name] = file.mark
            log.warning("%s cannot be moved out of the folder: %s", document.name, failure)

    def _put_away(self, file: _File, error: str) -> None:
        path, inbox = self._path / file.name, Inbox(self._path)
        status = path.stat(follow_symlinks=False)
        if (status.st_size, status.st_mtime_ns) != (file.size, file.changed_ns):
            return
        if error:
            inbox.refused(path, error)
        else:
            inbox.taken(path)


def _file(entry: os.DirEntry[str]) -> _File | None:
    """A regular file that may be an issue; None for all else, and for what other programs have not finished."""
    if entry.name.startswith((".", "~")) or entry.name.lower().endswith(_UNFINISHED):
        return None
    try:
        if not entry.is_file(follow_symlinks=False):
            return None
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EACCES, errno.EPERM, errno.ESTALE):
            return None
        raise
    return _File(entry.name, status.st_size, status.st_mtime_ns)
