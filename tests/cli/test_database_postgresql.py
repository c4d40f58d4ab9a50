"""Backups of a PostgreSQL server by its own programs."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from dispatch.delivery import integrity
from dispatch.errors import DispatchError, Failure, UsageError
from dispatch.model import Envelope, Outcome, Sent
from dispatch.settings import BackupSettings, DatabaseSettings, Settings
from dispatch.upkeep import back_up, restore
from dispatch.upkeep.info import describe
from tests.delivery.conftest import Desk, FakeChannel

READERS = 20


@pytest.fixture
def desk(postgres_url: str) -> Iterator[Desk]:
    desk = Desk(postgres_url)
    yield desk
    desk.db.close()


@pytest.fixture
def programs(postgres_url: str) -> Path:
    """The folder of the server's own programs."""
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT setting FROM pg_config WHERE name = 'BINDIR'").fetchone()
    assert row
    return Path(row[0])


def silent(what: str, done: int, total: int) -> None:
    """No progress shown."""


def settings_of(url: str, programs: Path | None) -> Settings:
    return Settings.model_construct(
        database=DatabaseSettings.model_construct(url=url), backup=BackupSettings(postgresql_bin=programs)
    )


def owed(desk: Desk) -> None:
    for number in range(READERS):
        desk.reader(f"r{number}", "topic:red")
    desk.issue({"一": ["red"]})
    desk.plan()


async def test_a_dump_made_during_a_send_loses_nobody_when_it_is_restored(
    desk: Desk, programs: Path, tmp_path: Path
) -> None:
    owed(desk)
    settings, copy = settings_of(desk.url, programs), tmp_path / "copy.dump"
    channel = FakeChannel()

    def answer(envelope: Envelope, part: int) -> Outcome:
        if len(channel.sends) == 8:
            back_up(settings, copy, force=False, tick=silent)
        return Sent()

    channel.answer = answer
    await desk.drain(channel, page=10)
    first = list(channel.sends)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    desk.db.close()

    restore(settings, copy, force=True, tick=silent, now=0)
    desk.db = desk.connect()
    assert integrity.examine(desk.db) == []
    assert desk.db.value("SELECT COUNT(*) FROM messages WHERE state = 'sent'") == 7
    again = FakeChannel()
    await desk.drain(again)
    assert set(desk.states().values()) == {"sent"}
    assert len(again.sends) == READERS - 7
    assert set(again.sends) <= set(first)
    assert desk.reader("new", "topic:red") > READERS + 100_000  # no id that was used after the backup


def test_what_is_there_is_replaced_only_with_force_and_when_nobody_works_on_it(
    desk: Desk, programs: Path, tmp_path: Path
) -> None:
    settings, copy = settings_of(desk.url, programs), tmp_path / "copy.dump"
    back_up(settings, copy, force=False, tick=silent)
    owed(desk)
    with pytest.raises(UsageError, match="--force"):
        restore(settings, copy, force=False, tick=silent, now=0)
    with (
        psycopg.connect(desk.url, application_name="a look"),
        pytest.raises(Failure, match=r"connected to the database: dispatch \(process \d+, user postgres\), a look \("),
    ):
        restore(settings, copy, force=True, tick=silent, now=0)
    assert len(desk.states()) == READERS
    with pytest.raises(UsageError, match="exists"):
        back_up(settings, copy, force=False, tick=silent)


@pytest.mark.parametrize("content", [b"", b"no dump of anything"])
def test_what_is_no_dump_is_refused(desk: Desk, programs: Path, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "copy.dump"
    file.write_bytes(content)
    desk.db.close()
    with pytest.raises(Failure, match="pg_restore failed"):
        restore(settings_of(desk.url, programs), file, force=True, tick=silent, now=0)


def test_a_dump_of_a_newer_program_is_refused_before_anything_is_replaced(
    desk: Desk, programs: Path, tmp_path: Path
) -> None:
    settings, copy = settings_of(desk.url, programs), tmp_path / "copy.dump"
    desk.db.run("UPDATE schema_versions SET version = 999 WHERE component = 'subscribers'")
    back_up(settings, copy, force=False, tick=silent)
    desk.db.run("UPDATE schema_versions SET version = 1 WHERE component = 'subscribers'")
    owed(desk)
    with pytest.raises(Failure, match=r"is from a newer version of this program \(subscribers schema 999"):
        restore(settings, copy, force=True, tick=silent, now=0)
    assert len(desk.states()) == READERS


def test_what_is_no_dump_of_postgresql_is_told_by_kind(desk: Desk, programs: Path, tmp_path: Path) -> None:
    settings, copy = settings_of(desk.url, programs), tmp_path / "copy.db"
    copy.write_bytes(b"SQLite format 3\0")
    with pytest.raises(Failure, match=r"on SQLite, and \[database\] url names one on PostgreSQL"):
        restore(settings, copy, force=True, tick=silent, now=0)
    with pytest.raises(Failure, match="there is no file"):
        restore(settings, tmp_path / "no.dump", force=False, tick=silent, now=0)


def script(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o700)


def test_the_password_is_told_by_the_environment_alone(desk: Desk, programs: Path, tmp_path: Path) -> None:
    for name in ("pg_dump", "pg_restore"):
        script(tmp_path, name, f'echo "$PGPASSWORD|$*" >> "{tmp_path}/calls"\nexec "{programs}/{name}" "$@"')
    url = desk.url.replace("postgres@", "postgres:hunter2@")
    back_up(settings_of(url, tmp_path), tmp_path / "copy.dump", force=False, tick=silent)
    calls = [line.split("|", 1) for line in (tmp_path / "calls").read_text(encoding="utf-8").splitlines()]
    [dump] = [(password, words) for password, words in calls if "--format=custom" in words]
    assert dump[0] == "hunter2"
    assert "--no-password" in dump[1]
    assert not any("hunter2" in words for _, words in calls)


def older(folder: Path) -> None:
    script(folder, "pg_dump", "echo 'pg_dump (PostgreSQL) 9.6.24'")


def broken(folder: Path) -> None:
    script(
        folder, "pg_dump", '[ "$1" = --version ] && echo "pg_dump (PostgreSQL) 99.1" && exit\necho no room >&2; exit 1'
    )


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda folder: None, "there is no pg_dump in .*postgresql_bin"),
        (older, r"is of version 9, the server of \d+: install"),
        (broken, "pg_dump failed: no room"),
    ],
)
def test_a_program_that_will_not_do_is_told(
    desk: Desk, tmp_path: Path, prepare: Callable[[Path], None], words: str
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    prepare(folder)
    with pytest.raises(Failure, match=words):
        back_up(settings_of(desk.url, folder), tmp_path / "copy.dump", force=False, tick=silent)
    assert os.listdir(tmp_path) == ["bin"]  # noqa: PTH208 - the names are what is compared


def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path: Path, programs: Path) -> None:
    settings = settings_of("postgresql://u:hunter2@127.0.0.1:1/nothing", programs)
    with pytest.raises(DispatchError, match="the database cannot be reached") as told:
        back_up(settings, tmp_path / "copy.dump", force=False, tick=silent)
    assert "hunter2" not in str(told.value)


def test_info_counts_small_tables_and_estimates_large_ones(desk: Desk) -> None:
    owed(desk)
    big = "INSERT INTO lane_minutes (minute, lane, sent, retried, failed, busy_ms)"
    desk.db.run(f"{big} SELECT n, repeat('x', 900), 0, 0, 0, 0 FROM generate_series(1, 40000) n")
    found = describe(desk.db)
    assert found["server"].startswith("PostgreSQL ")
    assert found["size"] > 1_000_000
    rows = {row["table"]: (row["rows"], row["exact"]) for row in found["tables"]}
    assert rows["deliveries"] == (READERS, True)
    assert rows["issues"] == (1, True)  # never analysed
    assert rows["lane_minutes"] == (None, False)
    desk.db.run("ANALYZE lane_minutes")
    [(estimate, exact)] = [
        (row["rows"], row["exact"]) for row in describe(desk.db)["tables"] if row["table"] == "lane_minutes"
    ]
    assert not exact
    assert estimate == pytest.approx(40_000, rel=0.1)
