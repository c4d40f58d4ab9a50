"""Whether an address of this machine can be listened at, as `dispatch doctor` asks before `dispatch run` does it."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

from dispatch.app import App
from dispatch.delivery import leases
from dispatch.delivery.status_reader import Reader
from subscribers.errors import SubscriberError


@dataclass(frozen=True, slots=True)
class Fault:
    """Why nobody can listen there; `taken` where somebody does already."""

    words: str
    taken: bool


def cannot_listen(listen: str) -> Fault | None:
    """Why nobody can listen at `HOST:PORT` now."""
    host, _, port = listen.rpartition(":")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
            tried.bind(address)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "another program listens there" if taken else f"this machine cannot ({error.strerror or error})"
        return Fault(f"{listen}: {why}", taken)
    return None


def is_held(app: App, part: str) -> bool:
    """Whether a living process of ours has the lease on a part of the work, such as `web`."""
    try:
        with app.database() as db:
            owner = db.value(leases.SQL["holder"], {"name": part})
            processes = Reader().read(db, app.clock.now()).processes
    except SubscriberError:
        return False
    return any(process.alive and process.owner == owner for process in processes)
