"""What psycopg raises, in words that say what to do."""

from __future__ import annotations

import re

import psycopg
from psycopg import errors

from subscribers.errors import Busy, DatabaseError, InvalidValue, SubscriberError

_LOCKED = (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure)
_CAUSES: dict[type[psycopg.Error], str] = {
    errors.DiskFull: "the disk of the database {where} is full; make room and try again",
    errors.ReadOnlySqlTransaction: "the database {where} is read-only: is it a standby? name the primary",
    errors.InsufficientPrivilege: "no right in the database {where} ({error}): make the user the database's owner",
    errors.TooManyConnections: "the database {where} takes no more connections: raise its max_connections",
    errors.IndexCorrupted: "the database {where} is damaged ({error}): restore a backup",
    errors.DataCorrupted: "the database {where} is damaged ({error}): restore a backup",
}
# PostgreSQL's codes do not come along where a connection is refused; its words do.
_REFUSALS = {
    r"password|authentication|no pg_hba\.conf entry|role .* does not exist": "look at the user and the password",
    r"database .* does not exist": "make it first: createdb NAME",
    r"too many connections|remaining connection slots": "raise the server's max_connections",
    r"starting up|shutting down|recovery mode": "try again in a moment",
    r"SSL|certificate": "look at sslmode in the URL",
}
_CANNOT_CONNECT = "is the server running, and does it listen there?"


def explained(error: psycopg.Error, where: str) -> SubscriberError | None:
    """The error to raise instead; None for a bug of ours, which stays as it is."""
    if isinstance(error, _LOCKED):
        return Busy(f"the database {where} is locked by another process; try again when that is done")
    if isinstance(error, psycopg.DataError) and (error.sqlstate or "22021") == "22021":
        return InvalidValue("a text holds a NUL character, which PostgreSQL does not store: leave it out")
    for kind, words in _CAUSES.items():
        if isinstance(error, kind):
            return DatabaseError(words.format(where=where, error=_said(error)))
    if error.sqlstate is None and not isinstance(error, psycopg.OperationalError):
        return None
    return DatabaseError(f"the database {where} cannot be used: {_said(error)}")


def refused(error: psycopg.Error, where: str, password: str) -> DatabaseError:
    """Why there is no connection."""
    said = _said(error)
    hint = next((words for pattern, words in _REFUSALS.items() if re.search(pattern, said)), _CANNOT_CONNECT)
    if password:
        said = said.replace(password, "…")
    return DatabaseError(f"cannot connect to the database {where}: {said}; {hint}")


def _said(error: psycopg.Error) -> str:
    """The server's words without its details, which hold people's data; else the driver's, on one line."""
    return error.diag.message_primary or " ".join(str(error).split()) or type(error).__name__
