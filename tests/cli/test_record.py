"""Whoever changes something by a command is on record; and what the record tells."""

from __future__ import annotations

import csv
import getpass
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.main

from dispatch.assets import config_dir
from dispatch.cli.context import user
from dispatch.cli.main import cli
from dispatch.delivery import lanes
from dispatch.model import Rejected
from subscribers.tokens import Signer
from tests.cli.conftest import Office

# Commands that change nothing that anybody would ask about, or nothing of the store.
CHANGES_NOTHING = {
    *("issues diff", "issues original"),
    *("issues list", "issues show", "issues preview", "subscribers list", "subscribers show", "subscribers export"),
    *("subscribers data", "deliveries list", "deliveries show", "deliveries summary", "deliveries export"),
    *("subscribers history", "subscribers stats", "catalog check", "catalog search"),
    *(
        "bounces list",
        "subscribers suppressions list",
        "lanes list",
        "report",
        "catalog parks",
        "catalog topics",
        "catalog columns",
        "database info",
        "keys list",
    ),
    *("audit", "status", "doctor", "search", "sources list", "sources check"),
    *("webhooks list", "webhooks attempts"),
    "email dkim-key",  # makes a file that counts when the settings name it
    "init",  # makes files, and an empty database
    "run",  # sends what others have let go; what it takes in is on record (tests/acceptance)
    "demo",  # works on a database of its own
}
ISSUE = {"一": ["a"], "二": ["a"]}


def void(*_: object) -> None:
    """Nothing comes before."""


def reader(office: Office, address: str = "a@example.com", state: str = "active") -> None:
    office.desk.reader(address, "topic:a")
    if state == "suppressed":
        office("subscribers", "suppress", address, "--reason", "a wish on the telephone")


def two_readers(office: Office) -> None:
    reader(office)
    reader(office, "b@example.com")


def changed(office: Office) -> None:
    held(office)
    text = office("issues", "edit", "534", "--print").stdout
    Path("changed.txt").write_text(text.replace("credit:", "credit: 某人"), encoding="utf-8")


def planned(office: Office) -> None:
    reader(office)
    office.desk.issue(ISSUE)
    office.desk.plan()


def refused(office: Office) -> None:
    planned(office)
    office.settle(lambda address: Rejected("no"))


def receiver(office: Office) -> None:
    office.desk.reader("https://hooks.example.com/in", "topic:a", channel="webhook")


def replayable(office: Office) -> None:
    receiver(office)
    office.desk.issue(ISSUE)
    office.desk.plan()
    office.settle(channel="webhook")


def paused(office: Office) -> None:
    planned(office)
    office("issues", "pause", "534")


def pending(office: Office) -> None:
    office("subscribers", "add", "--email", "a@example.com", "--follow", "all")


def subscriber_paused(office: Office) -> None:
    reader(office)
    office("subscribers", "pause", "1")


def rested(office: Office) -> None:
    reader(office)
    lanes.rest(office.desk.db, "email:one", "email", "nobody answers", office.desk.clock.now())


def people(office: Office) -> None:
    Path("people.csv").write_text("email,follows\nb@example.com,all\n", encoding="utf-8")


def backup(office: Office) -> None:
    office("database", "backup", "copy.db")


def leaving(office: Office) -> None:
    reader(office)
    Path("token").write_text(Signer.load(office.desk.db, 1).leave(1), encoding="utf-8")


def leaving_by_mail(office: Office) -> None:
    leaving(office)
    words = f"From: a@example.com\nSubject: unsubscribe {Path('token').read_text(encoding='utf-8')}\n\n"
    Path("wish.eml").write_text(words, encoding="utf-8")


def nobodys(office: Office) -> None:
    office("subscribers", "suppressions", "add", "b@example.com", "--reason", "they asked")


def sample(office: Office) -> None:
    Path("issue.md").write_text(
        (config_dir() / "samples" / "huoju-2022-05.md").read_text(encoding="utf-8"), encoding="utf-8"
    )


def held(office: Office) -> None:
    reader(office)
    office.desk.issue(ISSUE, approve=False)


def otherwise(office: Office) -> None:
    """An issue that is not tagged as the catalog says."""
    office.desk.issue({"园区发展": ["南昌高新区新增企业"]}, approve=False)


def proposed(office: Office) -> None:
    """Other content of an issue that is out."""
    planned(office)
    office.desk.issue({"一": ["a b"], "二": ["a"]}, approve=False)


Begin = Callable[[Office], None]
# The command, what comes before it, and the actions that it leaves on record.
CHANGES: list[tuple[str, Begin, str, set[str]]] = [
    ("ingest issue.md", sample, "ingest", {"taken in"}),
    ("issues approve 534", held, "issues approve", {"approved"}),
    ("issues edit 534 --from changed.txt", changed, "issues edit", {"edited"}),
    ("issues hold 534", lambda office: void(office.desk.issue(ISSUE)), "issues hold", {"held"}),
    ("issues send 534", held, "issues send", {"approved", "sent"}),
    ("issues send 534 --corrections", proposed, "issues send", {"corrected"}),
    ("issues dismiss 534", proposed, "issues dismiss", {"dismissed"}),
    ("tag --again 534", otherwise, "tag", {"tagged again"}),
    ("issues pause 534 --column 一", planned, "issues pause", {"paused"}),
    ("issues resume 534", paused, "issues resume", {"resumed"}),
    ("issues cancel 534 --yes", planned, "issues cancel", {"cancelled"}),
    ("subscribers add --email b@example.com --follow all", void, "subscribers add", {"added"}),
    ("subscribers follow 1 column:园区发展", reader, "subscribers follow", {"followed"}),
    ("subscribers unfollow 1 topic:a", reader, "subscribers unfollow", {"unfollowed"}),
    ("subscribers pause 1", reader, "subscribers pause", {"state"}),
    ("subscribers resume 1", subscriber_paused, "subscribers resume", {"state"}),
    ("subscribers confirm 1", pending, "subscribers confirm", {"state"}),
    ("subscribers suppress 1 --reason wish", reader, "subscribers suppress", {"state"}),
    (
        "subscribers reactivate 1",
        lambda office: reader(office, state="suppressed"),
        "subscribers reactivate",
        {"state"},
    ),
    ("subscribers unsubscribe @token", leaving, "subscribers unsubscribe", {"state"}),
    ("subscribers suppressions add b@example.com --reason wish", void, "subscribers suppressions add", {"suppressed"}),
    ("subscribers suppressions remove b@example.com", nobodys, "subscribers suppressions remove", {"lifted"}),
    ("bounces read wish.eml", leaving_by_mail, "bounces read", {"state"}),
    ("subscribers remove 1", reader, "subscribers remove", {"removed", "state"}),
    ("subscribers words 1 --only 区块链 --never 广告", reader, "subscribers words", {"words"}),
    ("subscribers set 1 --language en", reader, "subscribers set", {"preferences"}),
    ("subscribers add-endpoint 1 --telegram 7 --confirmed", reader, "subscribers add-endpoint", {"added"}),
    ("subscribers merge 1 2", two_readers, "subscribers merge", {"merged"}),
    ("subscribers move e1 --to-subscriber 2", two_readers, "subscribers move", {"handed over"}),
    ("subscribers bulk follow all --all --yes", reader, "subscribers bulk follow", {"followed"}),
    ("subscribers bulk unfollow topic:a --all --yes", reader, "subscribers bulk unfollow", {"unfollowed"}),
    ("subscribers bulk pause --all --yes", reader, "subscribers bulk pause", {"state"}),
    ("subscribers bulk resume --all --yes", subscriber_paused, "subscribers bulk resume", {"state"}),
    ("subscribers bulk confirm --basis list --all --yes", pending, "subscribers bulk confirm", {"state"}),
    ("subscribers bulk set language=en --all --yes", reader, "subscribers bulk set", {"preferences"}),
    ("subscribers import people.csv --confirmed", people, "subscribers import", {"added"}),
    ("subscribers erase 1 --yes", reader, "subscribers erase", {"erased"}),
    ("deliveries retry --failed", refused, "deliveries retry", {"retried"}),
    ("webhooks rotate e1", receiver, "webhooks rotate", {"secret"}),
    ("webhooks replay 1", replayable, "webhooks replay", {"replayed"}),
    ("lanes retry", rested, "lanes retry", {"woken"}),
    ("database prune", void, "database prune", {"pruned"}),
    ("database backup other.db", void, "database backup", {"backed up"}),
    ("database repair", void, "database repair", {"repaired"}),
    ("keys rotate", void, "keys rotate", {"key made"}),
]
# A restore needs the database for itself, a mail or a test event a server: they have tests of their own.
ELSEWHERE = {"database restore", "email test", "webhooks test"}


def commands(command: Any = None, name: str = "") -> set[str]:
    command = command or typer.main.get_command(cli)
    found = getattr(command, "commands", None)
    if found is None:
        return {name}
    return {path for word, sub in found.items() for path in commands(sub, f"{name} {word}".strip())}


def rows(office: Office) -> list[dict[str, Any]]:
    return office.desk.db.all("SELECT * FROM audit ORDER BY id")


def test_it_is_decided_of_each_command_whether_it_changes_something() -> None:
    assert commands() == CHANGES_NOTHING | ELSEWHERE | {name for _, _, name, _ in CHANGES}


@pytest.mark.parametrize(("line", "begin", "name", "actions"), CHANGES, ids=[case[2] for case in CHANGES])
def test_who_changes_something_is_on_record(
    office: Office, monkeypatch: pytest.MonkeyPatch, line: str, begin: Begin, name: str, actions: set[str]
) -> None:
    monkeypatch.setenv("DISPATCH_ENGINE__POLL", "0.1")
    begin(office)
    before = len(rows(office))
    words = [Path(word[1:]).read_text(encoding="utf-8") if word[0] == "@" else word for word in line.split()]
    office(*words)
    new = rows(office)[before:]
    assert {row["action"] for row in new} >= actions
    own = "reader" if name in ("subscribers unsubscribe", "bounces read") else user()
    assert {row["actor"] for row in new if row["action"] in actions} == {own}


def test_a_restore_is_on_record_in_what_was_restored(office: Office) -> None:
    office("database", "backup", "copy.db")
    office.desk.db.close()
    office("database", "restore", "copy.db", "--force")
    assert [row["action"] for row in office.json("audit")][:1] == ["restored"]


@pytest.mark.parametrize(
    "words",
    [
        ("issues", "cancel", "534", "--dry-run"),
        ("issues", "send", "534", "--dry-run"),
        ("deliveries", "retry", "--failed", "--dry-run"),
        ("database", "prune", "--dry-run"),
        ("subscribers", "erase", "1", "--dry-run"),
        ("ingest", "issue.md", "--dry-run"),
        ("tag", "--again", "--dry-run"),
    ],
    ids=" ".join,
)
def test_a_dry_run_leaves_nothing(office: Office, words: tuple[str, ...]) -> None:
    planned(office)
    sample(office)
    before = rows(office)
    office(*words)
    assert rows(office) == before


def test_the_record_is_told_newest_first_by_pages_and_filters(office: Office) -> None:
    planned(office)
    office("issues", "pause", "534", "--column", "一")
    office("issues", "resume", "534", "--column", "一")
    office("subscribers", "pause", "1")
    found = office.json("audit")
    assert [row["id"] for row in found] == sorted((row["id"] for row in found), reverse=True)
    assert [row["action"] for row in found][:3] == ["state", "resumed", "paused"]
    assert found[2]["detail"] == {"issue": "534", "column": "一", "channel": ""}
    assert [row["action"] for row in office.json("audit", "--subject", "issue:huoju:534")] == ["resumed", "paused"]
    assert {row["subject"] for row in office.json("audit", "--subject", "e1")} == {"endpoint"}
    assert [row["action"] for row in office.json("audit", "--subject", "1")] == ["added"]
    assert {row["actor"] for row in office.json("audit", "--actor", user())} == {user()}
    assert office.json("audit", "--actor", "nobody") == []
    assert [row["action"] for row in office.json("audit", "--action", "paused")] == ["paused"]
    assert office.json("audit", "--until", "2001-01-01") == []
    assert len(office.json("audit", "--since", "2001-01-01")) == len(found)
    first, rest = office.json("audit", "--limit", "1"), office.json("audit", "--before", str(found[0]["id"]))
    assert first + rest == found
    text = office("audit", "--limit", "2").stdout
    assert f"--before {found[1]['id']}" in text
    assert getpass.getuser() in text
    table = list(csv.reader(io.StringIO(office("audit", "--csv").stdout)))
    assert table[0][0] == "id"
    assert len(table) == len(found) + 1


@pytest.mark.parametrize(
    "words", [("--since", "tomorrow"), ("--until", "99999-01-01"), ("--json", "--csv")], ids=" ".join
)
def test_a_wrong_question_is_refused(office: Office, words: tuple[str, ...]) -> None:
    office("audit", *words, expect=2)


def test_the_ring_of_keys(office: Office) -> None:
    assert office.json("keys", "list") == []
    old = Signer.load(office.desk.db, 1).leave(7)
    assert [key["signs"] for key in office.json("keys", "list")] == [True]
    done = office.json("keys", "rotate")
    assert [key["signs"] for key in office.json("keys", "list")] == [False, True]
    assert done["signs"] == done["verify"][-1]
    now = Signer.load(office.desk.db, 1)
    assert now.read_leave(old) is not None
    assert now.leave(7) != old
    for row in office.desk.db.all("SELECT secret FROM signing_keys"):
        assert row["secret"] not in office("keys", "list").stdout + office("audit").stdout
