"""Who holds leases, and taking over those of the dead.

An owner is written `host/pid/start/random`; a process of this machine that is gone, or whose number belongs to
another process by now, holds nothing any more, and its leases need not be waited for.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

from dispatch.delivery.ledger import SQL
from subscribers.database import Database


def new_owner() -> str:
    """A name for this process as a holder of leases."""
    pid = os.getpid()
    return f"{_host()}/{pid}/{_started(pid)}/{secrets.token_hex(4)}"


def take_over(db: Database, now: int, self_: str) -> int:
    """Put messages back into the queue whose lease has run out or whose holder is dead; how many. `self_` is the
    caller as a holder, who takes nothing from itself."""
    with db.transaction():
        count = db.run(SQL["expired_leases"], {"now": now, "self": self_})
        for row in db.all(SQL["owners"]):
            if is_dead(row["owner"]):
                count += db.run(SQL["release_owner"], {"owner": row["owner"]})
    return count


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
    """When a process began, in the kernel's ticks; "" where the system does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name in parentheses may hold anything; the fields after it are counted from its end.
    return stat.rpartition(")")[2].split()[19]


def _host() -> str:
    """This boot of this machine: after a restart the old numbers mean nothing."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    try:
        return f"{socket.gethostname()}-{boot.read_text(encoding='ascii').strip()[:8]}"
    except OSError:
        return socket.gethostname()
