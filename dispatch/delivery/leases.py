"""Who holds what, and taking it over from the dead.

An owner is written `host/pid/start/random`. A process of this machine that is gone, or whose number belongs to another
process by now, holds nothing any more. Every process that works on the store also says every few seconds that it is
there (`process/OWNER`): one that has not said so for `SILENT` seconds of the observer's own clock is taken for dead,
wherever it ran. Nobody compares the clocks of two machines, and setting a clock takes nothing from anybody.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from subscribers.database import Database, queries

SQL = queries(Path(__file__).with_name("leases.sql"))
LEASE_MS = 60_000
SILENT = 45.0  # seconds


def new_owner() -> str:
    """A name for this process as a holder of leases."""
    pid = os.getpid()
    return f"{_host()}/{pid}/{_started(pid)}/{secrets.token_hex(4)}"


def presence(owner: str) -> str:
    """The lease by which a process says that it is there."""
    return f"process/{owner}"


def register(db: Database, owner: str, now: int) -> None:
    """Say that a process is there."""
    with db.transaction():
        db.run(SQL["acquire"], {"name": presence(owner), "owner": owner, "now": now, "until": now + LEASE_MS})


def renew(db: Database, owner: str, now: int) -> set[str]:
    """Say that the owner is still there; the names of what it holds. Without its presence among them it was taken for
    dead meanwhile."""
    with db.transaction(shared=True):
        db.run(SQL["renew"], {"owner": owner, "until": now + LEASE_MS})
        return {row[0] for row in db.rows(SQL["names_of"], {"owner": owner})}


def withdraw(db: Database, owner: str) -> None:
    """Give back all that an owner holds; its messages too."""
    with db.transaction():
        _bury(db, owner)


def acquire(db: Database, wanted: Mapping[str, Sequence[str]], owner: str, now: int) -> dict[str, str]:
    """For each thing wanted, the first of its names that nobody holds; what is taken all over is left out."""
    held = {}
    with db.transaction(shared=True):
        for thing, names in wanted.items():
            for name in names:
                values = {"name": name, "owner": owner, "now": now, "until": now + LEASE_MS}
                # One's own may be left from a moment at which it could not be given back.
                if db.run(SQL["acquire"], values) or db.value(SQL["holder"], {"name": name}) == owner:
                    held[thing] = name
                    break
    return held


def hold(db: Database, name: str, owner: str, now: int) -> bool:
    """Whether the owner has what only one may have, now or already."""
    found = db.value(SQL["holder"], {"name": name})
    return found == owner or (found is None and bool(acquire(db, {name: [name]}, owner, now)))


def holders(db: Database, names: Collection[str]) -> dict[str, str]:
    """Who holds these, by name; those that nobody holds are left out. Reads only."""
    return dict(db.rows(SQL["holders"], {"names": list(names)}))


def drop(db: Database, name: str, owner: str) -> None:
    with db.transaction(shared=True):
        db.run(SQL["drop"], {"name": name, "owner": owner})


def free_orphans(db: Database, owner: str, queue: str) -> int:
    """Give back the messages of a queue that an owner holds and has lost track of; how many."""
    with db.transaction(shared=True):
        return db.run(SQL["release_orphans"], {"owner": owner, "queue": queue})


def owners(db: Database) -> dict[str, int]:
    """Everybody who holds something, with what they last said of how long they are there. Reads only."""
    return dict(db.rows(SQL["owners"]))


def take_over(db: Database, now: int, self_: str, dead: Mapping[str, int | None]) -> int:
    """Put messages back into the queue whose holders are dead, or whose lease has run out with nobody there to ask;
    how many. `dead` has what each last said of how long it is there: who has said something else since is alive (None:
    it is dead whatever it said). `self_` is the caller as a holder, who takes nothing from itself."""
    if not dead and db.value(SQL["abandoned"], {"now": now, "self": self_}) is None:
        return 0
    with db.transaction():
        db.run(SQL["drop_abandoned"], {"now": now})
        count = db.run(SQL["release_abandoned"], {"now": now, "self": self_})
        said = owners(db)
        return count + sum(_bury(db, owner) for owner, last in dead.items() if last is None or last == said.get(owner))


def _bury(db: Database, owner: str) -> int:
    db.run(SQL["drop_owner"], {"owner": owner})
    return db.run(SQL["release_owner"], {"owner": owner})


def is_dead(owner: str) -> bool:
    """Whether an owner is a process of this machine that is gone. Another machine's cannot be known: False."""
    host, pid, started, _ = [*owner.split("/"), "", "", "", ""][:4]
    if host != _host() or not pid.isdigit():
        return False
    return not _alive(int(pid)) or _started(int(pid)) != started


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OSError):
        return True
    return True


def _started(pid: int) -> str:
    """When a process began, in the kernel's ticks; "" where the system does not tell, and of one that has ended and
    was not waited for yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name in parentheses may hold anything; the fields after it are counted from its end.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def _host() -> str:
    """This boot of this machine: after a restart the old numbers mean nothing."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    try:
        return f"{socket.gethostname()}-{boot.read_text(encoding='ascii').strip()[:8]}"
    except OSError:
        return socket.gethostname()
