"""Files that appear whole or not at all, for the owner alone."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dispatch.errors import Failure, UsageError


def check_target(file: Path, *, force: bool, precious: tuple[Path, ...]) -> Path:
    """Where a new file may go, symbolic links followed. `precious` are files that it must never replace.

    Raises UsageError: a folder, no regular file, one that is there (without `force`), or a precious one; Failure: its
    folder is not there.
    """
    target = file.resolve()
    if target in {path.resolve() for path in precious}:
        raise UsageError(f"{file} is the database itself; name another file")
    if target.is_dir():
        raise UsageError(f"{file} is a folder; name a file in it")
    if not target.parent.is_dir():
        raise Failure(f"there is no folder {target.parent}; make it first")
    if target.exists() and not target.is_file():
        raise UsageError(f"{file} is no file that could be replaced; name another")
    if target.exists() and not force:
        raise UsageError(f"{file} exists; name another file, or say --force to replace it")
    return target


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A new empty file beside `target` to be filled inside; afterwards it is on the disk under `target`'s name. If
    anything fails, nothing of it is left and `target` is as it was. Raises Failure."""
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield temporary
        _to_disk(temporary)
        temporary.replace(target)
        _to_disk(target.parent)
    except OSError as error:
        raise Failure(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        for leftover in (temporary, *(Path(f"{temporary}{end}") for end in ("-journal", "-wal", "-shm"))):
            with suppress(OSError):
                leftover.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    """fsync of a file, or of a folder and the names in it (which Windows cannot)."""
    if os.name != "posix" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
