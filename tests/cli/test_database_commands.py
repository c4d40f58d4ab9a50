"""`dispatch database`: copies made while others write, and what comes back from them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from dispatch.delivery import integrity
from dispatch.errors import UsageError
from dispatch.model import Envelope, Outcome, Sent
from dispatch.settings import DatabaseSettings, Settings
from dispatch.upkeep import back_up, restore
from tests.acceptance.conftest import Command, Done
from tests.delivery.conftest import Desk, FakeChannel


def silent(what: str, done: int, total: int) -> None:
    """No progress shown."""


def settings_of(database: Path) -> Settings:
    return Settings.model_construct(database=DatabaseSettings(url=f"sqlite:///{database}"))


def fill(database: Path, megabytes: int) -> None:
    """Make a database larger than one step of a copy."""
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("CREATE TABLE ballast (text TEXT)")
        db.executemany("INSERT INTO ballast VALUES (?)", [("x" * 1_000_000,)] * megabytes)


def value(database: Path, sql: str) -> object:
    with closing(sqlite3.connect(database)) as db:
        return db.execute(sql).fetchone()[0]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "work.db")
    yield desk
    desk.db.close()


@pytest.fixture
def dispatch(tmp_path: Path) -> Command:
    return Command(tmp_path, {"DISPATCH_DATABASE__URL": f"sqlite:///{tmp_path / 'work.db'}"})


def sent(desk: Desk, readers: int = 3) -> None:
    for number in range(readers):
        desk.reader(f"r{number}", "topic:red")
    desk.issue({"一": ["red"]})
    desk.plan()
    asyncio.run(desk.drain(FakeChannel()))


# Moves one from one account to the other in each transaction, until it is told to stop.
WRITER = """
import select, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
db.execute("PRAGMA synchronous = FULL")
db.execute("CREATE TABLE accounts (name TEXT PRIMARY KEY, held INTEGER)")
db.execute("INSERT INTO accounts VALUES ('a', 0), ('b', 0)")
moves, longest = 0, 0.0
while not select.select([sys.stdin], [], [], 0)[0]:
    begun = time.monotonic()
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE accounts SET held = held - 1 WHERE name = 'a'")
    db.execute("UPDATE accounts SET held = held + 1 WHERE name = 'b'")
    db.execute("COMMIT")
    moves, longest = moves + 1, max(longest, time.monotonic() - begun)
    if moves == 1:
        print("writing", flush=True)
print(moves, longest)
"""


@contextmanager
def writing(database: Path) -> Iterator[subprocess.Popen[str]]:
    """A second process that writes all the time."""
    words = [sys.executable, "-c", WRITER, str(database)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline() == "writing\n"
        try:
            yield process
        finally:
            process.stdin.close()


def test_a_backup_is_whole_while_another_process_writes(dispatch: Command, desk: Desk, tmp_path: Path) -> None:
    sent(desk)
    fill(desk.path, 40)
    with writing(desk.path) as process:
        dispatch("database", "backup", "copy.db")
        assert process.stdin
        assert process.stdout
        process.stdin.write("\n")
        process.stdin.flush()
        moves, longest = process.stdout.read().split()
    copy = tmp_path / "copy.db"
    moved = value(copy, "SELECT held FROM accounts WHERE name = 'b'")
    assert isinstance(moved, int)
    assert 1 <= moved < int(moves)
    assert value(copy, "SELECT SUM(held) FROM accounts") == 0
    assert value(copy, "SELECT COUNT(*) FROM deliveries WHERE state = 'sent'") == 3
    assert value(copy, "PRAGMA integrity_check") == "ok"
    assert float(longest) < 5  # a writer waits for its own commits, not for the copy
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["copy.db", "work.db", "work.db-shm", "work.db-wal"]


def test_writes_between_its_steps_make_no_copy_begin_anew(desk: Desk, tmp_path: Path) -> None:
    desk.reader("a", "topic:red")
    fill(desk.path, 40)
    steps: list[int] = []

    def write(what: str, done: int, total: int) -> None:
        if what == "copied":
            steps.append(done)
            desk.reader(f"later{done}", "topic:red")

    back_up(settings_of(desk.path), tmp_path / "copy.db", force=False, tick=write)
    assert len(steps) >= 4
    assert steps == sorted(set(steps))
    assert value(tmp_path / "copy.db", "SELECT COUNT(*) FROM endpoints") == 1
    assert value(desk.path, "SELECT COUNT(*) FROM endpoints") == 1 + len(steps)


def test_the_copy_holds_what_is_only_in_the_wal(dispatch: Command, desk: Desk, tmp_path: Path) -> None:
    sent(desk)
    assert (tmp_path / "work.db-wal").stat().st_size
    dispatch("database", "backup", "copy.db")
    assert value(tmp_path / "copy.db", "SELECT COUNT(*) FROM attempts") == 3
    assert value(tmp_path / "copy.db", "PRAGMA journal_mode") == "delete"  # one file, which a read-only disk can hold


def test_a_backup_replaces_nothing_unless_it_is_told_to(dispatch: Command, desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("mine", encoding="utf-8")
    refused = dispatch("database", "backup", "copy.db", expect=2)
    assert "copy.db exists" in refused.err
    assert (tmp_path / "copy.db").read_text(encoding="utf-8") == "mine"
    found = dispatch("database", "backup", "copy.db", "--force", "--json").json
    assert found["size"] == (tmp_path / "copy.db").stat().st_size
    assert value(tmp_path / "copy.db", "SELECT COUNT(*) FROM issues") == 0


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("work.db", 2, "is the database itself"),
        ("link.db", 2, "is the database itself"),
        ("work.db-wal", 2, "is the database itself"),
        (".", 2, "is a folder"),
        ("nowhere/copy.db", 1, "there is no folder"),
        ("/dev/null", 2, "is no file that could be replaced"),
    ],
)
def test_a_place_that_will_not_do_is_refused(
    dispatch: Command, desk: Desk, tmp_path: Path, name: str, code: int, words: str
) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "work.db")
    before = desk.db.value("SELECT COUNT(*) FROM schema_versions")
    assert words in dispatch("database", "backup", name, "--force", expect=code).err
    assert desk.db.value("SELECT COUNT(*) FROM schema_versions") == before


def test_a_database_that_is_not_there_is_not_made(dispatch: Command, tmp_path: Path) -> None:
    assert "there is no database" in dispatch("database", "backup", "copy.db", expect=1).err
    assert list(tmp_path.iterdir()) == []


def test_of_a_damaged_database_no_backup_is_kept(dispatch: Command, desk: Desk, tmp_path: Path) -> None:
    fill(desk.path, 1)
    sent(desk)
    desk.db.close()
    size = desk.path.stat().st_size
    with desk.path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * (size // 4))
    assert "damaged" in dispatch("database", "backup", "copy.db", expect=1).err
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == []


def test_a_backup_that_fails_half_way_leaves_nothing_behind(desk: Desk, tmp_path: Path) -> None:
    def stop(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    target = tmp_path / "copy.db"
    target.write_text("mine", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        back_up(settings_of(desk.path), target, force=True, tick=stop)
    assert target.read_text(encoding="utf-8") == "mine"
    assert not list(tmp_path.glob(".copy*"))


def test_an_old_database_is_backed_up_as_it_is(dispatch: Command, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "work.db")) as db, db:
        db.execute("CREATE TABLE schema_versions (component TEXT PRIMARY KEY, version INTEGER)")
    dispatch("database", "backup", "copy.db")
    assert value(tmp_path / "copy.db", "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table'") == 1


async def test_a_backup_made_during_a_send_loses_nobody_when_it_is_restored(desk: Desk, tmp_path: Path) -> None:
    readers = 40
    for number in range(readers):
        desk.reader(f"r{number}", "topic:red")
    desk.issue({"一": ["red"]})
    desk.plan()
    settings, copy = settings_of(desk.path), tmp_path / "copy.db"
    channel = FakeChannel()

    def answer(envelope: Envelope, part: int) -> Outcome:
        if len(channel.sends) == 15:  # in the middle of a page: some are sent, some are claimed, some wait
            back_up(settings, copy, force=False, tick=silent)
        return Sent()

    channel.answer = answer
    await desk.drain(channel, page=20)
    first = list(channel.sends)
    assert len({address for address, _, _ in first}) == readers
    desk.db.close()

    made = restore(settings, copy, force=True, tick=silent, now=desk.clock.now())
    assert made.before
    assert value(made.before, "SELECT COUNT(*) FROM deliveries WHERE state = 'sent'") == readers
    desk.db = desk.connect()
    assert integrity.examine(desk.db) == []
    assert integrity.structure(desk.db) == []
    kept = desk.db.all("SELECT m.state, m.endpoint_id FROM messages m WHERE m.state = 'sent'")
    assert len(kept) == 14

    again = FakeChannel()
    await desk.drain(again)
    assert set(desk.states().values()) == {"sent"}
    assert len(again.sends) == readers - 14  # what was sent after the copy is repeated
    assert set(again.sends) <= set(first)  # under the ids of the first time


def test_new_rows_take_no_id_that_was_used_after_the_backup(desk: Desk, tmp_path: Path) -> None:
    sent(desk)
    copy, settings = tmp_path / "copy.db", settings_of(desk.path)
    back_up(settings, copy, force=False, tick=silent)
    desk.reader("later", "topic:blue")
    lost = desk.issue({"一": ["blue"]}, 535)
    desk.plan()
    used = desk.db.all("SELECT id FROM messages")
    desk.db.close()
    restore(settings, copy, force=True, tick=silent, now=desk.clock.now())
    desk.db = desk.connect()
    endpoint = desk.reader("after", "topic:blue")
    assert desk.issue({"一": ["blue"]}, 536) == lost
    desk.plan()
    new = desk.db.value("SELECT MAX(id) FROM messages")
    assert new > max(row["id"] for row in used)
    assert endpoint > 4


def test_a_restore_into_nothing_needs_no_force(dispatch: Command, desk: Desk, tmp_path: Path) -> None:
    sent(desk)
    dispatch("database", "backup", "copy.db")
    fresh = f"sqlite:///{tmp_path / 'other.db'}"
    dispatch("database", "restore", "copy.db", DISPATCH_DATABASE__URL=fresh)
    assert stat.S_IMODE((tmp_path / "other.db").stat().st_mode) == 0o600
    assert len(dispatch("deliveries", "list", "--json", DISPATCH_DATABASE__URL=fresh).json) == 3


def test_a_database_that_is_there_is_replaced_only_with_force_and_kept(
    dispatch: Command, desk: Desk, tmp_path: Path
) -> None:
    dispatch("database", "backup", "copy.db")
    sent(desk)
    desk.db.close()
    assert "would be replaced" in dispatch("database", "restore", "copy.db", expect=2).err
    said = dispatch("database", "restore", "copy.db", "--force").out
    [before] = tmp_path.glob("work.db.before-*")
    assert str(before) in said
    assert value(before, "SELECT COUNT(*) FROM deliveries") == 3
    assert dispatch("deliveries", "list", "--json").json == []


def test_a_database_in_use_is_not_replaced(dispatch: Command, desk: Desk, tmp_path: Path) -> None:
    sent(desk)
    dispatch("database", "backup", "copy.db")
    said = dispatch("database", "restore", "copy.db", "--force", expect=1).err
    if sys.platform == "linux":  # elsewhere nothing tells who has a file open
        assert f"(process {os.getpid()})" in said
    assert "is in use by" in said
    assert len(desk.states()) == 3
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("work")) == [
        "work.db",
        "work.db-shm",
        "work.db-wal",
    ]


@pytest.mark.parametrize("content", [b"", b"no database", None])
def test_what_is_no_backup_is_refused(dispatch: Command, desk: Desk, tmp_path: Path, content: bytes | None) -> None:
    sent(desk)
    desk.db.close()
    if content is not None:
        (tmp_path / "copy.db").write_bytes(content)
    said = dispatch("database", "restore", "copy.db", "--force", expect=1).err
    assert "copy.db" in said
    assert len(dispatch("deliveries", "list", "--json").json) == 3


HOSTILE = {
    "a trigger": "CREATE TRIGGER t AFTER DELETE ON leases BEGIN DELETE FROM subscribers; END",
    "a view": "CREATE VIEW v AS SELECT 1",
    "a virtual table": "CREATE VIRTUAL TABLE v USING fts5(x)",
    "a word for a version": "UPDATE schema_versions SET version = 'drop'",
    "a version below the first": "UPDATE schema_versions SET version = -1",
    "no versions": "DROP TABLE schema_versions",
}


@pytest.mark.parametrize("statement", HOSTILE.values(), ids=HOSTILE)
def test_a_file_with_what_is_not_ours_is_refused(dispatch: Command, desk: Desk, tmp_path: Path, statement: str) -> None:
    sent(desk)
    dispatch("database", "backup", "copy.db")
    desk.db.close()
    with closing(sqlite3.connect(tmp_path / "copy.db")) as db, db:
        db.execute(statement)
    said = dispatch("database", "restore", "copy.db", "--force", expect=1).err
    assert re.search("copy.db is no (backup|database) of dispatch", said)
    assert len(dispatch("deliveries", "list", "--json").json) == 3


def test_a_dump_of_the_other_kind_of_database_is_refused(dispatch: Command, desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "copy.dump").write_bytes(b"PGDMP\x01\x0e\x00")
    said = dispatch("database", "restore", "copy.dump", "--force", expect=1).err
    assert "copy.dump is a backup of a database on PostgreSQL, and [database] url names one on SQLite" in said


def test_the_file_is_looked_for_before_anything_is_asked(dispatch: Command, desk: Desk) -> None:
    assert "there is no file no.db" in dispatch("database", "restore", "no.db", expect=1).err


def test_a_database_whose_schema_has_no_number_is_told(dispatch: Command, desk: Desk) -> None:
    with desk.db.transaction():
        desk.db.run("UPDATE schema_versions SET version = 'drop'")
    assert "its schema has no number" in dispatch("issues", "list", expect=1).err


def test_the_database_is_no_backup_of_itself(desk: Desk) -> None:
    with pytest.raises(UsageError, match="the database itself"):
        restore(settings_of(desk.path), desk.path, force=True, tick=silent, now=0)


def test_a_damaged_database_can_be_replaced(dispatch: Command, desk: Desk, tmp_path: Path) -> None:
    sent(desk)
    dispatch("database", "backup", "copy.db")
    desk.db.close()
    desk.path.write_bytes(b"overwritten by something" * 500)
    dispatch("database", "restore", "copy.db", "--force")
    assert len(dispatch("deliveries", "list", "--json").json) == 3
    [before] = tmp_path.glob("work.db.before-*")
    assert before.read_bytes().startswith(b"overwritten")


LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, 20_000_000))
os.execv(sys.executable, [sys.executable, "-m", "dispatch", *sys.argv[1:]])
"""


def test_a_copy_that_finds_no_room_is_told_and_nothing_is_left(dispatch: Command, desk: Desk, tmp_path: Path) -> None:
    fill(desk.path, 40)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, "database", "backup", "copy.db"],
        cwd=tmp_path,
        env=dispatch.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.glob("*copy*"))
    assert not list(tmp_path.glob(".*"))


def test_info_tells_size_versions_and_rows(dispatch: Command, desk: Desk) -> None:
    sent(desk)
    found = dispatch("database", "info", "--json").json
    assert found["size"] == desk.path.stat().st_size
    assert found["wal_size"] > 0
    assert set(found["schemas"]) == {"dispatch", "subscribers"}
    rows = {row["table"]: row["rows"] for row in found["tables"]}
    assert (rows["deliveries"], rows["messages"], rows["attempts"], rows["issues"]) == (3, 3, 3, 1)
    assert found["oldest_attempt"].startswith("2023-11-14")
    shown = dispatch("database", "info").out
    assert "work.db" in shown
    assert "deliveries" in shown


def test_prune_counts_first_and_then_deletes(dispatch: Command, desk: Desk) -> None:
    sent(desk)  # in 2023, by the clock of the desk
    dispatch.environment["DISPATCH_RETENTION__DELIVERIES_DAYS"] = "200"
    dry = dispatch("database", "prune", "--dry-run", "--json").json
    expected = {"dry_run": True, "attempts": 3, "messages": 3, "deliveries": 3}
    assert {name: dry[name] for name in expected} == expected
    assert set(dry) == {
        *expected,
        "lane_minutes",
        "leases",
        "audit",
        "asks",
        "removed",
        "unconfirmed",
        "bounces",
        "originals",
    }
    assert "messages 3" in dispatch("database", "prune").out
    assert dispatch("database", "prune", "--json").json["messages"] == 0
    assert len(desk.states()) == 3


def findings(done: Done) -> list[str]:
    return [item["detail"] for item in json.loads(done.out) if item["what"] == "ledger"]


def test_doctor_finds_what_repair_puts_right(dispatch: Command, desk: Desk) -> None:
    sent(desk)
    assert findings(dispatch("doctor", "--json")) == ["what is owed, what is sent and what was tried agree"]
    with desk.db.transaction():
        desk.db.run("UPDATE deliveries SET state = 'planned', ended_at = NULL, message_id = NULL WHERE id = 2")
    [issue, delivery] = findings(dispatch("doctor", "--json", expect=1))
    assert issue.startswith("1 issues are called sent and have planned deliveries (the first: issue 1)")
    assert "(the first: delivery 2); do: dispatch database repair" in delivery
    # The message it had is there still, and says what became of it.
    done = dispatch("database", "repair", "--json").json
    assert done == {"ended": 1, "planned": 0, "gone": 0, "issues": 0}
    dispatch("doctor", "--json")
