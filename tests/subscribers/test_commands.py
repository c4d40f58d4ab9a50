"""What the commands say of opt-outs, and that lists and files are whole."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dispatch import archive
from dispatch.cli.main import cli
from subscribers import directory
from subscribers.database import SCHEMA, Database
from subscribers.errors import SubscriberError
from tests.acts import at

Run = Callable[..., Result]
SUPPRESSED = "nothing goes there until the reader opts in again"


@pytest.fixture
def run(migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`dispatch subscribers …` with a store of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISPATCH_DATABASE__URL", migrated_url)

    def called(*words: str, refused: str = "") -> Result:
        done = CliRunner().invoke(cli, ["subscribers", *words])
        if refused:
            assert isinstance(done.exception, SubscriberError), done.output
            assert refused in str(done.exception)
        else:
            assert done.exit_code == 0, done.output or done.exception
        return done

    return called


def left(run: Run, tmp_path: Path, address: str) -> None:
    """Someone who unsubscribed and was removed."""
    file = tmp_path / "left.csv"
    file.write_text(f"email,state\n{address},suppressed\n")
    run("import", str(file))
    run("remove", "1")


def states(run: Run) -> dict[str, str]:
    found = json.loads(run("list", "--json").stdout)
    return {item["address"]: item["state"] for person in found for item in person["endpoints"]}


def test_adding_a_suppressed_address_again_warns_and_leaves_it_so(run: Run, tmp_path: Path) -> None:
    left(run, tmp_path, "li@example.com")
    done = run("add", "--email", "Li@example.com", "--email", "wang@example.com", "--confirmed")
    assert "1 suppressed" in done.stderr
    assert SUPPRESSED in done.stderr
    assert states(run) == {"Li@example.com": "suppressed", "wang@example.com": "active"}


def test_importing_a_suppressed_address_again_warns_and_leaves_it_so(run: Run, tmp_path: Path) -> None:
    left(run, tmp_path, "li@example.com")
    (tmp_path / "people.csv").write_text("email,state\nLI@example.com,active\nwang@example.com,active\n")
    for _ in range(2):
        done = run("import", "people.csv", "--confirmed")
        assert "1 suppressed" in done.stderr
        assert SUPPRESSED in done.stderr
    assert states(run) == {"LI@example.com": "suppressed", "wang@example.com": "active"}


def test_a_file_that_says_suppressed_suppresses_a_known_address(run: Run, tmp_path: Path) -> None:
    run("add", "--email", "li@example.com", "--email", "wang@example.com", "--confirmed")
    (tmp_path / "left.csv").write_text("email,state\nli@example.com,suppressed\n")
    run("import", "left.csv", "--confirmed")
    assert states(run) == {"li@example.com": "suppressed", "wang@example.com": "active"}


@pytest.mark.parametrize("state", ["pending", "paused", "suppressed", "gone"])
def test_what_a_file_says_of_a_state_is_no_way_to_a_known_active_address_back(
    run: Run, tmp_path: Path, state: str
) -> None:
    (tmp_path / "first.csv").write_text(f"email,state\nli@example.com,{state}\n")
    (tmp_path / "second.csv").write_text("email,state\nli@example.com,active\n")
    run("import", "first.csv", "--confirmed")
    run("import", "second.csv", "--confirmed")
    assert states(run) == {"li@example.com": state}


def test_an_export_is_imported_exactly(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"r{n},r{n}@example.com,all,{state}" for n, state in enumerate(("active", "paused", "suppressed", "gone"))]
    (tmp_path / "people.csv").write_text("\n".join(["name,email,follows,state", *lines, ""]))
    run("import", "people.csv", "--confirmed")
    run("export", "out.csv")
    first = run("export").stdout
    assert run("export", "-").stdout == first
    assert not (tmp_path / "-").exists()
    monkeypatch.setenv("DISPATCH_DATABASE__URL", f"sqlite:///{tmp_path / 'other.db'}")
    run("import", "out.csv", "--confirmed")
    assert run("export").stdout == first
    assert first.count("\n") == 5


def reasons(run: Run) -> dict[str, str]:
    found = json.loads(run("list", "--json").stdout)
    return {item["address"]: item["reason"] for person in found for item in person["endpoints"]}


def unsubscribed(migrated_url: str, endpoint_id: int) -> None:
    db = Database.open(migrated_url, (SCHEMA, archive.SCHEMA))
    with db.transaction():
        directory.opt_out(db, endpoint_id, at(1))
    db.close()


def test_an_endpoint_is_suppressed_by_hand_and_made_active_again(run: Run) -> None:
    run("add", "--email", "li@example.com", "--email", "wang@example.com", "--confirmed")
    done = run("suppress", "li@example.com", "--reason", "a letter of 3 March")
    assert "suppressed (a letter of 3 March (suppressed by " in done.stdout
    assert states(run) == {"li@example.com": "suppressed", "wang@example.com": "active"}
    done = run("reactivate", "1")
    assert "e2 is active: it stays so" in done.stderr
    assert states(run) == {"li@example.com": "active", "wang@example.com": "active"}
    assert reasons(run)["li@example.com"].startswith("reactivated by ")
    run("suppress", "li@example.com", "--reason", " ", refused="say why")
    run("suppress", "nobody@example.com", "--reason", "x", refused="no subscriber or endpoint")


def test_who_unsubscribed_stays_so_until_they_opt_in_again(run: Run, migrated_url: str) -> None:
    run("add", "--email", "li@example.com", "--confirmed")
    unsubscribed(migrated_url, 1)
    done = run("suppress", "e1", "--reason", "a way around it")
    assert "was unsubscribed by the reader already" in done.stderr
    run("reactivate", "e1", refused="it stays so until they opt in again")
    assert (states(run), reasons(run)) == (
        {"li@example.com": "suppressed"},
        {"li@example.com": "unsubscribed by the reader"},
    )
    done = run("reactivate", "e1", "--consent", "asked for it by mail on 3 March")
    assert "consent: asked for it by mail on 3 March (recorded by " in done.stdout
    assert states(run) == {"li@example.com": "active"}


def test_what_nobody_agreed_to_is_pending_when_it_is_suppressed_no_longer(run: Run, tmp_path: Path) -> None:
    (tmp_path / "left.csv").write_text("email,state\nli@example.com,suppressed\n")
    run("import", "left.csv")
    assert "it gets nothing until: dispatch subscribers confirm e1" in run("reactivate", "e1").stdout
    assert states(run) == {"li@example.com": "pending"}


def to_a_terminal(tmp_path: Path, *words: str) -> str:
    """What a terminal is sent, by a process of its own."""
    ours, theirs = pty.openpty()
    try:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1"}
        command = [sys.executable, "-m", "dispatch", "subscribers", *words]
        subprocess.run(command, stdout=theirs, cwd=tmp_path, env=environment, check=True)
        return os.read(ours, 65_536).decode()
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_name_steers_no_terminal(run: Run, tmp_path: Path) -> None:
    hostile = "Li\x1b[2J\u202e"
    run("add", "--name", hostile, "--email", "li@example.com", "--confirmed")
    for words in (("export",), ("export", "-"), ("list",), ("list", "--json"), ("show", "1")):
        told = to_a_terminal(tmp_path, *words)
        assert "Li" in told
        assert not {"\x1b", "\u202e"} & set(told.replace("\x1b[0m", "").replace("\x1b[1m", "")), words
    assert "Li[2J\u202e" in run("export").stdout  # what is no control character is kept


def test_an_empty_list_is_an_empty_array(run: Run, connect: Callable[[], Database]) -> None:
    connect()
    assert run("list", "--json").stdout == "[]\n"


def test_a_list_in_json_is_one_array_and_in_words_has_every_line(run: Run, tmp_path: Path) -> None:
    people = [f"r{n}@example.com" for n in range(1500)]
    (tmp_path / "people.csv").write_text("\n".join(["email", *people, ""]))
    run("import", "people.csv")
    text = run("list", "--json").stdout
    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=2) + "\n"
    assert list(states(run)) == people
    lines = run("list", "--per-page", "0").stdout.splitlines()
    assert sum("@example.com" in line for line in lines) == len(people)
    assert sum("@example.com" in line for line in run("list").stdout.splitlines()) == 1000


def test_words_are_shown_added_and_removed(run: Run) -> None:
    run("add", "--email", "li@example.com", "--telegram", "7", "--follow", "all", "--confirmed")
    assert "no words" in run("words", "1").stdout
    run("words", "1", "--only", "区块链", "--never", "广告")
    assert "only with 区块链; never with 广告" in run("words", "e1").stdout
    done = run("words", "li@example.com", "--remove", "區塊鏈", "--remove", "没有", "--json")
    assert json.loads(done.stdout) == [{"id": "e1", "only": [], "never": ["广告"]}]
    assert "没有 was none of the words" in done.stderr
    found = json.loads(run("show", "1", "--json").stdout)
    words = [endpoint["words"] for endpoint in found["endpoints"]]
    assert words == [{"only": [], "never": ["广告"]}, {"only": ["区块链"], "never": ["广告"]}]
    assert "never with 广告" in run("show", "1").stdout


def test_words_that_cannot_be_are_refused(run: Run) -> None:
    run("add", "--email", "li@example.com", "--follow", "all", "--confirmed")
    run("words", "1", "--only", "x", refused="2 to 40 characters")
    many = [f"--only=word{number}" for number in range(21)]
    run("words", "1", *many, refused="at most 20")
    assert "no words" in run("words", "1").stdout


def test_a_chat_is_shown_with_the_bot_that_it_is_with(run: Run, migrated_url: str) -> None:
    run("add", "--telegram", "5", "--telegram", "6", "--email", "a@x.test")
    db = Database.open(migrated_url, (SCHEMA, archive.SCHEMA))
    try:
        told = json.loads(run("show", "1", "--json").stdout)["endpoints"]
        [number] = [item["id"] for item in told if item["address"] == "6"]
        with db.transaction():
            directory.set_queue(db, int(number.removeprefix("e")), "telegram:second", at(1))
    finally:
        db.close()
    shown = run("show", "1").stdout
    assert "written to by the bot of the queue telegram:second" in shown
    assert shown.count("written to by the bot of the queue") == 2
    found = {item["address"]: item["queue"] for item in json.loads(run("show", "1", "--json").stdout)["endpoints"]}
    assert found == {"5": "telegram", "6": "telegram:second", "a@x.test": "email"}
    [listed] = json.loads(run("list", "--json").stdout)
    assert {item["address"]: item["queue"] for item in listed["endpoints"]} == found
    assert "telegram:second" in run("list").stdout
    assert ",telegram:second" in run("list", "--csv").stdout
