"""The parts of a package (Open Packaging Conventions): a ZIP from a stranger, read within bounds.

What a ZIP says of its own sizes is believed only where it speaks against the file: each part that is needed is
unpacked a piece at a time, and counted.
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO

from dispatch.errors import IntakeError

MAX_PARTS = 10_000
MAX_PART_BYTES = 60_000_000  # of one part, unpacked
MAX_TOTAL_BYTES = 1_000_000_000  # of all parts, as they are declared; only those with text are ever unpacked
MAX_RATIO = 400  # of unpacked to packed bytes; a table of a thousand equal rows has about 150
_FEW_BYTES = 1_000_000  # below that, a ratio tells nothing
_PIECE = 65_536
_ENTRY = b"PK\x01\x02"  # the head of an entry in a ZIP's list of parts
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the only ones that the conventions allow

_RESAVE = "open it in Word, save it anew as .docx and send that"
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, IndexError)


class Package:
    """The parts of a package by their names, which are compared without regard to case (OPC, 6.2.2.3)."""

    def __init__(self, data: bytes, name: str) -> None:
        """Raises IntakeError for what is no ZIP, or not one of a document."""
        self.name = name
        if data.count(_ENTRY) > MAX_PARTS:  # before the list is read: an entry of it takes ten times its room
            raise self.refusal(f"it has more than {MAX_PARTS} parts, as no document has; {_RESAVE}")
        try:
            self._zip = zipfile.ZipFile(BytesIO(data))
        except _DAMAGED as error:
            raise self.refusal(
                "the file is damaged: it begins like a Word document or another ZIP archive, but its list of parts "
                f"cannot be read; copy it again, or {_RESAVE}"
            ) from error
        self._parts = {info.filename.lstrip("/").lower(): info for info in self._zip.infolist()}
        if sum(info.file_size for info in self._parts.values()) > MAX_TOTAL_BYTES:
            raise self.refusal(
                f"it unpacks to more than {MAX_TOTAL_BYTES // 1_000_000} MB (a ZIP bomb?); {_RESAVE}, with smaller "
                "pictures"
            )

    def refusal(self, reason: str) -> IntakeError:
        """The error that says why this file is not read; `reason` includes what to do."""
        return IntakeError(f"{self.name}: {reason}")

    def damage(self, part: str, reason: str) -> IntakeError:
        """The error for a part that cannot be read."""
        return self.refusal(f"the document is damaged ({part}: {reason}); {_RESAVE}")

    def __contains__(self, part: str) -> bool:
        return part.lower() in self._parts

    def names(self) -> frozenset[str]:
        """The parts' names, in lower case."""
        return frozenset(self._parts)

    def pieces(self, part: str) -> Iterator[bytes]:
        """A part's bytes, unpacked, in pieces. Raises IntakeError where it is damaged, locked or too large."""
        info = self._parts.get(part.lower())
        if info is None:
            raise self.damage(part, "it is missing")
        self._check(info, part)
        count = 0
        try:
            with self._zip.open(info) as file:
                while piece := file.read(_PIECE):
                    count += len(piece)
                    self._bound(info, part, count)
                    yield piece
        except _DAMAGED as error:
            raise self.damage(part, "its bytes are not those that were packed") from error

    def head(self, part: str, size: int) -> bytes:
        """The first bytes of a part, fewer where it has fewer; b"" where there is no such part."""
        return next(self.pieces(part), b"")[:size] if part in self else b""

    def _check(self, info: zipfile.ZipInfo, part: str) -> None:
        if info.flag_bits & 0x1:
            raise self.refusal("it is a ZIP archive that is locked with a password; save it without one")
        if info.compress_type not in _PACKINGS:
            raise self.damage(part, "it is packed in a way that documents are not")
        self._bound(info, part, info.file_size)

    def _bound(self, info: zipfile.ZipInfo, part: str, count: int) -> None:
        if count > MAX_PART_BYTES:
            raise self.refusal(
                f"{part} in it unpacks to more than {MAX_PART_BYTES // 1_000_000} MB, too much for an issue; "
                "divide the document, or save it as plain text"
            )
        if count > _FEW_BYTES and count > MAX_RATIO * max(info.compress_size, 1):
            raise self.refusal(f"{part} in it unpacks to more than {MAX_RATIO} times its size (a ZIP bomb?); {_RESAVE}")


def relations_of(part: str) -> str:
    """The name of the part that holds a part's relationships (OPC, 6.5.2.3)."""
    folder, file = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{file}.rels")


def target_of(part: str, target: str) -> str:
    """The name of the part that a relationship of another part points to."""
    if target.startswith("/"):
        return posixpath.normpath(target).lstrip("/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(part), target))
