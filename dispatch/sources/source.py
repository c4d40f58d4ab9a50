"""What a source of issues is, and what a look at one finds."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from dispatch.errors import IntakeError

_LONGEST_MATCHED = 2_000


class Trouble(IntakeError):
    """A source cannot be looked at for now: nobody answers, no log-in, no folder. It is looked at again later, not
    before `retry_after` seconds where a server has asked for that."""

    def __init__(self, message: str, retry_after: float = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of a document. `digest` is the SHA-256 of its content in hex, `etag` and `modified` are what a
    server is asked with next time (RFC 9110, section 8.8), `mark` what the listing says of its version. Times are in
    milliseconds since 1970."""

    outcome: str = ""
    digest: str = ""
    etag: str = field(default="", repr=False)
    modified: str = ""
    mark: str = ""
    tries: int = 0
    added_at: int = 0
    asked_at: int = 0


@dataclass(slots=True)
class Memory:
    """What a source remembers: a few words of its own, and each document by its key."""

    state: dict[str, str] = field(default_factory=dict)
    items: dict[str, Known] = field(default_factory=dict)

    def has(self, digest: str) -> bool:
        """Whether this content was met before, under whatever key."""
        return any(known.digest == digest for known in self.items.values())


@dataclass(frozen=True, slots=True)
class Document:
    """A file that may be an issue. `name` is for people, without anything secret; who takes the document deletes
    `path`. `known` is what to remember of it (the outcome is still open), or None."""

    key: str = field(repr=False)
    name: str
    path: Path
    known: Known | None


@dataclass(frozen=True, slots=True)
class Seen:
    """Nothing to take in, something to remember."""

    key: str = field(repr=False)
    known: Known


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that cannot be had; `known` is what to remember of that, or None."""

    key: str = field(repr=False)
    name: str
    error: IntakeError
    known: Known | None


Found = Document | Seen | Refusal


class Source(Protocol):
    """A source of issues. Nothing of it is shared with another one: one that hangs delays no other."""

    name: str
    kind: str
    place: str
    """Where it is, for people: without a query or a password."""
    every: float
    """Seconds between two looks."""
    backs_off: bool
    """Whether failing makes the looks rarer: for servers of others."""

    def look(self, memory: Memory, *, now: int, patient: bool) -> AsyncGenerator[Found, None]:
        """One look. What it yields is taken in and remembered before it goes on. With `patient` there is no other look
        soon: what is still being written is waited for. Raises IntakeError; Trouble where a later look may do better.
        """

    async def finish(self, document: Document, error: str) -> None:
        """A document was taken in, or refused with this `error`."""


def matches(patterns: Sequence[str], *texts: str) -> bool:
    """Whether a pattern fits one of the texts, whatever the case. No patterns fit anything."""
    shortened = [text[:_LONGEST_MATCHED].lower() for text in texts]
    return not patterns or any(fnmatchcase(text, pattern.lower()) for pattern in patterns for text in shortened)


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def with_outcome(known: Known, outcome: str) -> Known:
    return replace(known, outcome=outcome)


def as_file(data: bytes, suffix: str) -> Path:
    """A document as a temporary file, which whoever takes it deletes. Raises Trouble."""
    try:
        with tempfile.NamedTemporaryFile(prefix="dispatch-", suffix=suffix, delete=False) as file:
            file.write(data)
    except OSError as error:
        raise Trouble(f"a fetched document cannot be kept in {tempfile.gettempdir()}: {error.strerror}") from None
    return Path(file.name)
