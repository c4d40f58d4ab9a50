"""What the commands say of opt-outs, and that lists and files are whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dispatch.cli.main import cli
from subscribers.database import Database

Run = Callable[..., Result]
SUPPRESSED = "nothing goes there until the reader opts in again"


@pytest.fixture
def run(migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`dispatch subscribers …` with a store of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISPATCH_DATABASE__URL", migrated_url)

    def called(*words: str) -> Result:
        done = CliRunner().invoke(cli, ["subscribers", *words], catch_exceptions=False)
        assert done.exit_code == 0, done.output
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
    monkeypatch.setenv("DISPATCH_DATABASE__URL", f"sqlite:///{tmp_path / 'other.db'}")
    run("import", "out.csv", "--confirmed")
    assert run("export").stdout == first
    assert first.count("\n") == 5


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
    assert sum("@example.com" in line for line in run("list").stdout.splitlines()) == len(people)
