"""Commands where there is no database: those that would only look leave none behind."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from dispatch.cli.main import cli
from subscribers.errors import NoDatabase

READING = [
    ("status",),
    ("issues", "list"),
    ("issues", "show", "534"),
    ("issues", "approve", "534"),
    ("subscribers", "list"),
    ("subscribers", "export"),
    ("deliveries", "list"),
    ("deliveries", "summary"),
    ("report", "534"),
    ("database", "info"),
    ("database", "prune"),
    ("database", "repair"),
]


@pytest.fixture
def place(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISPATCH_DATABASE__URL", database_url)
    return database_url


def call(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


def is_begun(url: str) -> bool:
    if url.startswith("sqlite:///"):
        return Path(url.removeprefix("sqlite:///")).exists()
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT to_regclass('schema_versions')").fetchone() != (None,)


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_who_looks_is_told_that_there_is_none(place: str, words: tuple[str, ...]) -> None:
    done = call(*words)
    assert isinstance(done.exception, NoDatabase)
    assert done.exception.exit_code == 1
    assert "[database] url" in str(done.exception)
    assert "--config" in str(done.exception)
    assert "dispatch init" in str(done.exception)
    assert not is_begun(place)


def test_doctor_finds_that_there_is_none(place: str) -> None:
    done = call("doctor", "--json")
    assert done.exit_code == 1
    [found] = [item for item in json.loads(done.stdout) if item["what"] == "database"]
    assert found["state"] == "bad"
    assert "[database] url" in found["detail"]
    assert not is_begun(place)


@pytest.mark.parametrize(
    "words", [("subscribers", "add", "--email", "a@x.test", "--follow", "all"), ("run", "--once")], ids=" ".join
)
def test_who_writes_begins_one(place: str, words: tuple[str, ...]) -> None:
    assert call(*words).exit_code == 0
    assert is_begun(place)
    assert call("subscribers", "list").exit_code == 0


def test_an_empty_file_is_none_and_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "dispatch.db"
    file.touch()
    assert isinstance(call("status").exception, NoDatabase)
    assert file.read_bytes() == b""
    assert [path.name for path in tmp_path.iterdir()] == ["dispatch.db"]
