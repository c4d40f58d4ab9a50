"""What can go wrong, as one tree.

    DispatchError                 a clear sentence for a person; never a traceback
    ├── UsageError                exit code 2: the call or a setting is wrong
    │   └── SettingsError         a setting: its name, its value, what is allowed
    └── Failure                   exit code 1: the call was right, the work failed
        ├── IntakeError           a file or address that gives no issue: which, why, what to do
        ├── NoReader              a file was not read, for a cause that is not in it: it may be tried again
        ├── CatalogError          a line of a catalog file: file, line, reason
        ├── RenderError           a template that fails for one digest
        └── StateError            a change of state that is not allowed

`subscribers.errors` has its own small tree (SubscriberError, DatabaseError); the command line prints both
the same way.
"""

from __future__ import annotations


class DispatchError(Exception):
    """Base of all errors that are told to a person. The message says what is wrong, where, and what to do."""

    exit_code = 1


class UsageError(DispatchError):
    """The call or its values are wrong."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is wrong."""


class Failure(DispatchError):
    """The call was right and the work could not be done."""


class IntakeError(Failure):
    """A file or an address gives no issue."""


class NoReader(Failure):
    """A file was not read, or what it gave not kept, for a cause that is not in it: it stays, and is tried again."""


class CatalogError(Failure):
    """A catalog file has a wrong line: which file, which line (0: the file as a whole), why, and what to do ("" where
    the reason says it)."""

    def __init__(self, file: str, reason: str, line: int = 0, remedy: str = "") -> None:
        where = f"{file}, line {line}" if line else file
        super().__init__(f"{where}: {reason}" + (f"; {remedy}" if remedy else ""))
        self.file, self.line, self.reason, self.remedy = file, line, reason, remedy


class RenderError(Failure):
    """A digest cannot be rendered."""


class StateError(Failure):
    """A change of state is not allowed."""


class SigningError(Failure):
    """A message was not signed. Another attempt may succeed, unless `lasting`: then the message is at fault."""

    def __init__(self, reason: str, *, lasting: bool = False) -> None:
        super().__init__(reason)
        self.lasting = lasting
