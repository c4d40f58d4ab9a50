"""What is stored about a person, and their end, by the command line; and that nothing of them is left in the files."""

from __future__ import annotations

import json
import random
import sqlite3
import stat
from pathlib import Path

import pytest

from dispatch.delivery import claims
from dispatch.model import Rejected, Retry
from subscribers import directory
from subscribers.database import Database
from subscribers.model import Address, Preferences
from tests.acts import at
from tests.cli.conftest import Office

PEOPLE = 3000
HEAD = ("张三丰", "zhang.san-feng+torch")


def crowd(office: Office) -> list[str]:
    """A store that was in use: thousands came, changed what they get and how it is with them, moved, and left."""
    lot = random.Random(4)
    db = office.desk.db
    names = [f"{'abcdefghijklmnopqrstuvwxyz'[: lot.randint(2, 26)]}-{n}-q@lian{n}dan.example" for n in range(PEOPLE)]
    lot.shuffle(names)
    for start in range(0, PEOPLE, 500):
        with db.transaction():
            for n, name in enumerate(names[start : start + 500], start=start):
                add(db, f"N{n}号人", name, office.desk.clock.now())
    with db.transaction():
        for _ in range(PEOPLE):
            who = lot.randint(1, PEOPLE)
            reason = "r" * lot.randint(0, 300)
            db.run("UPDATE endpoints SET reason = :reason WHERE id = :id", {"reason": reason, "id": who})
            db.run(
                "UPDATE audit SET detail = :reason WHERE subject = 'subscriber' AND subject_id = :id",
                {"reason": json.dumps({"a": reason}), "id": str(who)},
            )
        for who in lot.sample(range(1, PEOPLE + 1), PEOPLE // 3):
            db.run("DELETE FROM endpoints WHERE id = :id", {"id": who})
            db.run("DELETE FROM subscribers WHERE id = :id", {"id": who})
    rows = db.all("SELECT address FROM endpoints ORDER BY id")
    return [row["address"] for row in rows]


def add(db: Database, name: str, address: str, now: int, *more: Address) -> int:
    return directory.add(
        db,
        name=name,
        addresses=[Address("email", address, "email"), *more],
        follows=("topic:a",),
        preferences=Preferences(),
        consent=f"signed by {address}",
        act=at(now),
    )


def left(folder: Path, words: list[str]) -> list[str]:
    """Those of the words whose bytes stand in a file of the database."""
    files = [folder / f"ledger.db{end}" for end in ("", "-wal", "-shm")]
    content = b"".join(file.read_bytes() for file in files if file.exists())
    return [word for word in words if word.encode() in content]


def test_no_byte_of_an_erased_person_is_left_in_the_files(office: Office) -> None:
    addresses = crowd(office)
    db, now = office.desk.db, office.desk.clock.now()
    with db.transaction():
        who = add(db, HEAD[0], f"{HEAD[1]}@xuanwu.example", now, Address("telegram", "7700123456", "telegram"))
    office.desk.issue({"一": ["a"], "二": ["a b"]})
    office.desk.plan()
    office.settle(lambda address: Retry(f"later, {address}"))
    office.settle(lambda address: Rejected(f"no {address}"), channel="telegram")
    victims = random.Random(1).sample(addresses, 40)
    words = [HEAD[0], HEAD[1], "xuanwu", "7700123456"]
    parts = [part for victim in victims for part in (victim, victim.partition("@")[2].partition(".")[0])]
    with db.transaction():
        owners = {
            victim: db.value("SELECT subscriber_id FROM endpoints WHERE address = :a", {"a": victim})
            for victim in victims
        }
        names = [
            str(db.value("SELECT name FROM subscribers WHERE id = :id", {"id": owner})) for owner in owners.values()
        ]
    assert set(left(office.folder, [*words, *victims, *names])) == {*words, *victims, *names}

    done = office.json("subscribers", "erase", f"{HEAD[1]}@xuanwu.example", "--yes")
    assert (done["subscriber"], done["done"], done["left"]) == (who, True, "")
    assert left(office.folder, words) == []
    for victim in victims:
        office("subscribers", "erase", victim, "--yes")
    assert left(office.folder, [*victims, *parts, *names]) == []
    hashes = [row["address_hash"] for row in db.all("SELECT address_hash FROM suppressions")]
    assert len(hashes) == len(victims) + 2
    others = set(addresses) - set(victims)
    assert len(left(office.folder, sorted(others))) == len(others)


def test_copies_in_free_room_are_found_and_go(office: Office) -> None:
    """What `secure_delete` did not see: as left by a program that deleted without it."""
    crowd(office)
    address = "left.behind@xuanwu.example"
    with sqlite3.connect(office.folder / "ledger.db") as raw:
        raw.execute("PRAGMA secure_delete = OFF")
        raw.execute("INSERT INTO sources (name, state, checked_at) VALUES ('x', ?, 1)", (address * 50,))
        raw.commit()
        raw.execute("DELETE FROM sources")
    raw.close()
    with office.desk.db.transaction():
        add(office.desk.db, "", address, 1)
    assert left(office.folder, [address]) == [address]
    office("subscribers", "erase", address, "--yes")
    assert left(office.folder, [address]) == []


def test_a_reader_that_holds_the_old_state_is_named_as_what_is_in_the_way(office: Office) -> None:
    reader = office.desk.reader("held@xuanwu.example", "all")
    other = sqlite3.connect(office.folder / "ledger.db", isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT * FROM endpoints").fetchall()
    done = json.loads(office("subscribers", "erase", f"e{reader}", "--yes", "--json", expect=1).stdout)
    assert done["done"]
    assert "reads the database" in done["left"]
    other.close()


def test_what_a_sender_has_in_hand_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dispatch.cli.rights.PATIENCE", 0)
    office.desk.reader("a@example.com", "topic:a")
    office.desk.issue({"一": ["a"]})
    office.desk.plan()
    claims.claim(office.desk.db, "email", 10, "me", office.desk.clock.now(), 300_000)
    told = office("subscribers", "erase", "1", "--yes", expect=1)
    assert "a sender has 1 messages" in told.stderr
    office.settle()


def test_what_would_go_is_told_first(office: Office) -> None:
    office.desk.reader("a@example.com", "topic:a")
    office.desk.issue({"一": ["a"]})
    office.desk.plan()
    found = office.json("subscribers", "erase", "1", "--dry-run")
    assert (found["deliveries"], found["messages"], found["waiting"], found["dry_run"]) == (1, 1, 1, True)
    assert "nothing was changed" in office("subscribers", "erase", "a@example.com", "--dry-run").stdout
    assert office.json("subscribers", "show", "1")["endpoints"][0]["follows"] == ["topic:a"]
    assert "is erased" in office("subscribers", "erase", "A@example.com", "--yes").stdout
    office("subscribers", "erase", "1", "--yes", expect=1)
    office("subscribers", "data", "a@example.com", expect=1)
    assert [row["endpoint"] for row in office.json("deliveries", "list")] == ["e1"]
    office("report", "534")


def test_the_data_of_a_removed_person_is_told_until_it_is_erased(office: Office) -> None:
    office.desk.reader("a@example.com", "topic:a")
    office("subscribers", "remove", "1")
    assert office.json("subscribers", "data", "1")["subscriber"]["removed_at"]
    assert json.loads(office("subscribers", "data", "a@example.com").stdout)["endpoints"][0]["address"]
    office("subscribers", "data", "e1", "person.json")
    file = office.folder / "person.json"
    assert json.loads(file.read_text(encoding="utf-8"))["subscriber"]["id"] == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    office("subscribers", "data", "1", "no-folder/person.json", expect=1)
    for nobody in ("2", "e9", "b@example.com", "9" * 30):
        office("subscribers", "data", nobody, expect=1)
        office("subscribers", "erase", nobody, "--yes", expect=1)
    office("subscribers", "erase", "1", "--yes")
