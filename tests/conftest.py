"""Databases of both kinds, for all tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dispatch import archive
from subscribers.database import SCHEMA, Database
from tests.marks import MISSING
from tests.postgres import PostgresServer, name_of, postgres_server, why_not


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Which programs were missing, how many tests were skipped for that, and how they are installed."""
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple) and MISSING in report.longrepr[2]
    )
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} tests were skipped: {reason}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, one a process of the test run; it starts in half a second when it is first asked for."""
    if reason := why_not():
        pytest.skip(reason)
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    """The name of a database with the schemas of both packages: a copy of it takes a few ms."""
    url = postgres.create()
    Database.open(url, (SCHEMA, archive.SCHEMA)).close()
    return name_of(url)


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """An empty database."""
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """The kind of the database: tests that ask for it run on each."""
    return str(request.param)


@pytest.fixture
def database_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Where a database is, or can be made: without tables, once a kind."""
    if dialect == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def migrated_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database that will have, or has, the schemas of both packages, once a kind: on PostgreSQL a copy."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create(request.getfixturevalue("postgres_template"))
    yield url
    server.drop(url)


@pytest.fixture
def connect(migrated_url: str) -> Iterator[Callable[[], Database]]:
    """Opens connections to one database with the schemas of both packages; they are closed in the end."""
    made: list[Database] = []

    def connected() -> Database:
        made.append(Database.open(migrated_url, (SCHEMA, archive.SCHEMA), synchronous="normal"))
        return made[-1]

    yield connected
    for database in made:
        database.close()
