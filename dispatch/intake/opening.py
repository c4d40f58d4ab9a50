"""A stranger's file, opened: without waiting for what never comes, and never more of it than may be read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dispatch.errors import IntakeError

MAX_TEXT = 20_000_000
MAX_PACKED = 100_000_000
"""Bytes of a file: of text, and of what has pictures in it (PDF, Word)."""

_HEAD = 1_024
_PACKED = (b"PK", b"%PDF")


def read_bytes(path: Path, name: str) -> bytes:
    """The bytes of a file, which errors call `name`.

    Raises IntakeError: no such file, no regular file, too large (that is known by its size: nothing is read of it
    then), or it cannot be read.
    """
    try:
        if path.is_dir():
            raise IntakeError(f"{name}: this is a directory; name a file in it")
        if not path.exists():
            raise IntakeError(f"{name}: there is no such file; is the path right?")
        if not path.is_file():  # opening a device can do something, too
            raise _irregular(name)
        # What it is may have changed since: to open a pipe that nobody writes to would wait for ever.
        opener = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(opener, "rb") as file:
            status = os.fstat(opener)
            if not stat.S_ISREG(status.st_mode):
                raise _irregular(name)
            head = file.read(_HEAD)
            most = _most(head)
            data = head if status.st_size > most else head + file.read(most + 1 - len(head))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise IntakeError(f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if max(status.st_size, len(data)) > most:
        raise IntakeError(f"{name}: {_too_large(most)}")
    return data


def _most(head: bytes) -> int:
    return MAX_PACKED if head.startswith(_PACKED[0]) or _PACKED[1] in head else MAX_TEXT


def _too_large(most: int) -> str:
    if most > MAX_TEXT:
        return f"over {most // 1_000_000} MB, too large for an issue; save it with smaller pictures"
    return f"over {most // 1_000_000} MB, too large for an issue of text; divide it"


def _irregular(name: str) -> IntakeError:
    return IntakeError(f"{name}: this is not a regular file; copy the issue into one")
