"""Copies of a PostgreSQL database, by PostgreSQL's own programs: pg_dump in its custom format, and pg_restore.

They are told the password by the environment (PGPASSWORD), never on the command line, where others could read it;
without one in the URL they look into ~/.pgpass as always.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dispatch.errors import Failure, UsageError
from dispatch.upkeep.sqlite import Tick

if TYPE_CHECKING:
    import psycopg

_POLL_SECONDS = 0.2
_SERVER_SECONDS = "10"


@dataclass(frozen=True, slots=True)
class Server:
    """Where a database is and which programs work on it. `programs` is their folder; None: those on the PATH."""

    url: str = field(repr=False)
    programs: Path | None = None

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection that migrates nothing. Raises Failure."""
        try:
            import psycopg
        except ImportError as error:
            raise Failure(
                f"PostgreSQL needs a library that is not here ({error});"
                " install it with: pip install 'huoju-dispatch[postgresql]'"
            ) from error
        options = {"connect_timeout": _SERVER_SECONDS, **self._options()}
        try:
            return psycopg.connect(**options, autocommit=True)  # type: ignore[arg-type]  # options come as text
        except psycopg.Error as error:
            words = " ".join(str(error).split()).replace(str(options.get("password") or "\0"), "…")
            raise Failure(f"the database cannot be reached: {words}") from error

    def _options(self) -> dict[str, str]:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        try:
            found = conninfo_to_dict(self.url)
        except psycopg.Error:  # its words hold parts of the URL
            raise UsageError("the URL of the database cannot be read; it is postgresql://USER@HOST:PORT/NAME") from None
        return {name: str(value) for name, value in found.items() if value is not None}

    def dump(self, target: Path, tick: Tick) -> None:
        """Write the database of one moment into `target` and read it through. Raises Failure."""
        self._check_version("pg_dump")
        self._run("pg_dump", ["--format=custom", f"--file={target}", *self._target()], tick, "written", target)
        self.read_through(target, tick)

    def read_through(self, file: Path, tick: Tick) -> None:
        """Raises Failure for a file that pg_restore cannot read to its end, or that holds no ledger."""
        if not file.is_file():
            raise Failure(f"there is no file {file}")
        contents = self._output("pg_restore", ["--list", str(file)])
        if not re.search(r" TABLE DATA \S+ schema_versions ", contents):
            raise Failure(f"{file} is no backup of dispatch")
        self._run("pg_restore", [f"--file={os.devnull}", str(file)], tick, "checked")

    def versions(self, file: Path) -> dict[str, int]:
        """The versions of the schemas in a dump. Raises Failure where they cannot be read."""
        text = self._output("pg_restore", ["--data-only", "--table=schema_versions", "--file=-", str(file)])
        return {name: int(version) for name, version in re.findall(r"^(\w+)\t(\d{1,9})\t", text, re.MULTILINE)}

    def load(self, file: Path, tick: Tick) -> None:
        """Replace what is in the database by what is in `file`, all of it or nothing. Raises Failure."""
        self._check_version("pg_restore")
        options = ["--clean", "--if-exists", "--single-transaction", "--no-owner", "--no-privileges"]
        self._run("pg_restore", [*options, *self._target(), str(file)], tick, "restored")

    def check_programs(self) -> None:
        """Raises Failure where a backup or a restore would: a program is missing, or older than the server."""
        for name in ("pg_dump", "pg_restore"):
            self._check_version(name)

    def _check_version(self, name: str) -> None:
        """An older program cannot read a newer server."""
        words = self._output(name, ["--version"])
        found = re.search(r"\) (\d+)", words)
        with self.connect() as connection:
            server = connection.info.server_version // 10_000
        if not found or int(found[1]) < server:
            raise Failure(
                f"{self._program(name)} is of version {found[1] if found else words.strip()}, the server of {server}:"
                f" install the client programs of version {server} and name their folder in [backup] postgresql_bin"
            )

    def _program(self, name: str) -> str:
        found = shutil.which(name, path=str(self.programs) if self.programs else None)
        if found is None:
            where = f"in {self.programs}" if self.programs else "on the PATH"
            raise Failure(
                f"there is no {name} {where}: install PostgreSQL's client programs,"
                " or name their folder in [backup] postgresql_bin"
            )
        return found

    def _output(self, name: str, options: Sequence[str]) -> str:
        """What a program that needs no server says. Its words need not be text in our encoding."""
        done = subprocess.run(  # noqa: S603 - the program is the administrator's choice, and no shell reads the words
            [self._program(name), *options], capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode:
            raise Failure(_refusal(name, done.stderr))
        return done.stdout

    def _run(self, name: str, options: Sequence[str], tick: Tick, what: str, growing: Path | None = None) -> None:
        """Run a program to its end, saying how far the file has grown."""
        words = [self._program(name), *options]
        with (
            tempfile.TemporaryFile() as errors,
            subprocess.Popen(  # noqa: S603 - the program is the administrator's choice, and no shell reads the words
                words, env=self._environment(), stdin=subprocess.DEVNULL, stderr=errors
            ) as process,
        ):
            try:
                while _runs(process):
                    tick(what, growing.stat().st_size if growing else 0, 0)
            except BaseException:
                process.terminate()
                raise
            errors.seek(0)
            said = errors.read().decode(errors="replace")
        if process.returncode:
            raise Failure(_refusal(name, said))

    def _target(self) -> list[str]:
        """Which database, without the password."""
        from psycopg.conninfo import make_conninfo

        options = {"connect_timeout": _SERVER_SECONDS, **self._options()}
        if "sslpassword" in options:
            raise Failure("pg_dump and pg_restore cannot be told sslpassword safely: use a key that needs none")
        options.pop("password", None)
        return ["--no-password", f"--dbname={make_conninfo('', **options)}"]

    def _environment(self) -> dict[str, str]:
        password = self._options().get("password")
        return {**os.environ, **({"PGPASSWORD": password} if password else {})}


def _runs(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def _refusal(name: str, said: str) -> str:
    lines = [
        line.strip().removeprefix(f"{name}: ").removeprefix("error: ") for line in said.splitlines() if line.strip()
    ]
    return f"{name} failed: {lines[0] if lines else 'it says nothing'}"
