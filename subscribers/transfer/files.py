"""Files that take their place when all of them is written."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def replacing(file: Path, encoding: str) -> Iterator[TextIO]:
    """A file to write text to, readable by its owner alone, which takes its place when all of it is written: whatever
    goes wrong before, what was there stays."""
    target = file.resolve()
    if target.exists() and not target.is_file():  # a pipe or a device has no place to take
        with target.open("w", encoding=encoding, newline="") as out:
            yield out
        return
    with _beside(target) as beside, beside.open("w", encoding=encoding, newline="") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


@contextmanager
def replacing_whole(file: Path) -> Iterator[Path]:
    """The same for what is written by name: the place of a file that takes the place of this one."""
    target = file.resolve()
    if target.exists() and not target.is_file():
        with tempfile.TemporaryDirectory(prefix="dispatch-export-") as folder:
            beside = Path(folder) / "table"
            yield beside
            with beside.open("rb") as made, target.open("wb") as out:
                shutil.copyfileobj(made, out)
        return
    with _beside(target) as beside:
        yield beside
        with beside.open("rb+") as made:
            os.fsync(made.fileno())


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".export-")
    os.close(descriptor)
    beside = Path(name)
    try:
        yield beside
        beside.replace(target)
    except BaseException:
        beside.unlink()
        raise
