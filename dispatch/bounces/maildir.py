"""Mails from a Maildir (https://cr.yp.to/proto/maildir.html), into which the mail server delivers what comes back."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

from dispatch.bounces.source import After, Mail
from dispatch.errors import Failure
from dispatch.mime import MOST_BYTES

_MOST_REMEMBERED = 100_000


class Maildir:
    """A folder with `new` and `cur`. What is not understood stays where it is, and is read again only after a new
    start. Fulfils `dispatch.bounces.source.Source`."""

    name = "maildir"

    def __init__(self, folder: Path, after: After, move_to: str) -> None:
        self._folder = folder
        self._after = after
        self._moved = folder / f".{move_to}"  # Maildir++
        self._left: set[str] = set()
        self._waiting: Iterator[Path] = iter(())

    def open(self) -> None:
        """Raises Failure where there is no Maildir."""
        try:
            names = sorted(path for place in ("new", "cur") for path in (self._folder / place).iterdir())
        except OSError as error:
            raise Failure(f"[bounces] maildir: {self._folder} cannot be read: {error.strerror or error}") from error
        self._left &= {path.name for path in names}
        self._waiting = iter([path for path in names if path.name not in self._left and not _is_seen(path)])

    def next(self) -> Mail | None:
        """The next mail; one that is gone meanwhile, or cannot be opened, is passed over."""
        for path in self._waiting:
            try:
                if path.is_symlink() or not path.is_file():
                    continue
                with path.open("rb") as file:
                    return Mail(str(path), file.read(MOST_BYTES))
            except OSError:
                continue
        return None

    def finish(self, mail: Mail, understood: bool) -> None:
        """Put a mail away, or leave it."""
        path = Path(mail.key)
        if not understood:
            if len(self._left) < _MOST_REMEMBERED:
                self._left.add(path.name)
        elif self._after == "delete":
            path.unlink(missing_ok=True)
        else:
            self._put(path, self._folder if self._after == "seen" else self._moved)

    def _put(self, path: Path, into: Path) -> None:
        """Move a mail into `cur` of a folder, marked as seen."""
        for name in ("tmp", "new", "cur"):
            (into / name).mkdir(parents=True, exist_ok=True)
        unique, _, flags = path.name.partition(":2,")
        path.rename(into / "cur" / f"{unique}:2,{''.join(sorted({*flags, 'S'}))}")

    def close(self) -> None:
        """Nothing is held."""


def _is_seen(path: Path) -> bool:
    return "S" in path.name.partition(":2,")[2] or path.name.startswith(".")


def deliver(folder: Path, data: bytes, now: int, number: int) -> Path:
    """Keep a mail in a Maildir, which is made where it is missing: complete, or not at all."""
    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"{now}.M{number}P{os.getpid()}.{socket.gethostname().replace('/', '_').replace(':', '_')}"
    draft = folder / "tmp" / name
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return draft.rename(folder / "new" / name)
