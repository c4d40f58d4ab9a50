"""`dispatch run` without an end, in one process or several, and what the ledger says of them."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

from dispatch import archive
from subscribers.database import SCHEMA, Database
from tests.acceptance.killing import PATIENCE, Life, Office, office
from tests.acceptance.receivers import Receivers

_WORKER = re.compile(r"worker (\d+) is process (\d+)")
_LOOK_AGAIN = 0.02  # seconds between two looks at what tells nobody that it changes


class Running(Life):
    """A `dispatch run`, with the processes it starts: none of them outlives the `with`, however the test ends."""

    def __init__(self, at: Office) -> None:
        super().__init__(at.dispatch, at.journal)

    def __enter__(self) -> Running:
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if kind is not None:  # a worker that did not notice would keep standard error open
            for pid in filter(runs, self.workers):
                os.kill(pid, signal.SIGKILL)
        super().__exit__(kind, error, trace)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def workers(self) -> list[int]:
        """The processes that it has started, those that ended too."""
        return [int(found[2]) for line in list(self.lines) if (found := _WORKER.search(line))]

    def ready(self) -> Running:
        assert self.until(lambda: self.says("watching")), self.told
        return self

    def becomes(self, reached: Callable[[], bool]) -> None:
        """Wait for what tells nobody that it changes: it is looked at again and again."""
        assert self._seen(lambda: self.over or reached()), self.told
        assert reached(), self.told

    def _seen(self, reached: Callable[[], bool]) -> bool:
        looks = round(PATIENCE / _LOOK_AGAIN)
        return any(reached() or self._journal.until(lambda: False, _LOOK_AGAIN) for _ in range(looks))

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        """Its exit code, when it has ended and all that it has started."""
        assert self.until(lambda: self.over), f"it does not end\n{self.told}"
        # Standard error is closed a moment before a process is gone, and the orphans are not ours to wait for.
        assert self._seen(lambda: not any(runs(pid) for pid in self.workers)), self.told
        assert not self.says("Traceback"), self.told
        return self.process.wait()

    def stop(self) -> None:
        self.signal(signal.SIGTERM)
        assert self.ended() == 0, self.told

    @property
    def told(self) -> str:
        return "".join(self.lines)


def runs(pid: int) -> bool:
    """Whether a process works: one that waits to be buried does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def quick(folder: Path, url: str, to: Receivers, readers: int, **more: str) -> Office:
    """An installation that looks at everything often, claims little at once and is patient with receivers that wait."""
    often = {"DISPATCH_INTAKE__EVERY": "0.2", "DISPATCH_INTAKE__SETTLE": "0.2", "DISPATCH_ENGINE__POLL": "0.2"}
    often |= {"DISPATCH_ENGINE__PAGE": "4", "DISPATCH_WEBHOOK__TIMEOUT": "60", "DISPATCH_TELEGRAM__TIMEOUT": "60"}
    return office(folder, url, to, readers, **(often | more))


def rows(at: Office, sql: str, **values: object) -> list[tuple[Any, ...]]:
    with closing(Database.open(at.url, (SCHEMA, archive.SCHEMA))) as db:
        return [tuple(row) for row in db.rows(sql, values)]


def states(at: Office, what: str = "messages") -> dict[str, int]:
    """How many messages, or deliveries, there are in each state."""
    found = rows(at, f"SELECT state, COUNT(*) FROM {what} GROUP BY state")
    return {str(state): int(count) for state, count in found}


def leases(at: Office) -> list[str]:
    return [name for (name,) in rows(at, "SELECT name FROM leases")]


def sends_now(at: Office, pid: int) -> bool:
    """Whether a process has messages in hand."""
    return any(
        owner.split("/")[1] == str(pid) for (owner,) in rows(at, "SELECT owner FROM messages WHERE state = 'sending'")
    )


def holder(at: Office, role: str) -> int:
    """The process that alone does something, as `dispatch status` tells it; 0 where none does."""
    found = [entry for entry in at.dispatch("status", "--json").json["processes"] if role in entry["roles"]]
    assert len(found) <= 1, found
    return int(found[0]["pid"]) if found else 0


def all_out(at: Office) -> bool:
    """Whether everybody has everything of all issues."""
    least = len(at.issues) * sum(len(reader.owed(0)) * len(reader.addresses) for reader in at.readers)
    if len(at.journal) < least:
        return False
    verdict = at.verdict()
    return not (verdict.missing or verdict.wrong)
