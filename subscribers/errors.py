"""What can go wrong here.

SubscriberError            a clear sentence for a person
├── InvalidValue           a value that cannot be taken: an address, a time zone, text that cannot be kept (exit code 2)
├── NotFound               no such subscriber or endpoint (exit code 1)
├── Conflict               the address belongs to somebody already (exit code 1)
├── BadFile                lines of a file that cannot be taken (exit code 1)
└── DatabaseError          the database cannot be used: not there, damaged, read-only, full, newer (exit code 1)
    ├── NoDatabase         there is none at that place, and none was to be made (exit code 1)
    └── Busy               another process kept the database locked: worth another try (exit code 1)
"""

from __future__ import annotations


class SubscriberError(Exception):
    """Base of the errors of this package. The message says what is wrong, where, and what to do."""

    exit_code = 1


class InvalidValue(SubscriberError):
    """A value that cannot be taken."""

    exit_code = 2


class NotFound(SubscriberError):
    """There is no such subscriber or endpoint."""


class Conflict(SubscriberError):
    """An address belongs to somebody already."""


class BadFile(SubscriberError):
    """A file has lines that cannot be taken; nothing of it was."""


class DatabaseError(SubscriberError):
    """The database cannot be used. What its driver said is the cause."""


class NoDatabase(DatabaseError):
    """There is no database at that place, and none was to be made."""


class Busy(DatabaseError):
    """Another process kept the database locked for longer than a statement waits."""
