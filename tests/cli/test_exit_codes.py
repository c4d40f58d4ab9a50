"""Exit codes: 1 where the work failed, 2 where the call or a setting is wrong. docs/operations.md has the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.conftest import Command


@pytest.fixture
def dispatch(tmp_path: Path) -> Command:
    command = Command(tmp_path, {"DISPATCH_DATABASE__URL": f"sqlite:///{tmp_path / 'work.db'}"})
    command("init")
    return command


FAILED = [
    ("ingest", "no-such-file.md"),
    ("tag", "no-such-file.md"),
    ("issues", "show", "999"),
    ("issues", "approve", "999"),
    ("subscribers", "show", "999"),
    ("subscribers", "import", "no-such-file.csv"),
    ("deliveries", "show", "999"),
    ("report", "999"),
    ("database", "restore", "no-such-file.db", "--force"),
    ("database", "backup", "no-such-folder/copy.db"),
]
WRONG = [
    ("no-such-command",),
    ("issues", "list", "--no-such-option"),
    ("issues", "list", "--state", "none"),
    ("issues", "preview", "534", "--language", "fr"),
    ("subscribers", "add", "--email", "no address", "--follow", "all"),
    ("subscribers", "add", "--email", "a@x.test", "--follow", "nothing"),
    ("deliveries", "list", "--channel", "none"),
    ("deliveries", "list", "--state", "none"),
    ("deliveries", "retry"),
    ("deliveries", "show", "x"),
    ("report", "534", "--language", "fr"),
    ("database", "backup", "work.db"),
    ("status", "--config", "no-such-file.toml"),
]


@pytest.mark.parametrize("words", FAILED, ids=" ".join)
def test_what_fails_ends_with_1(dispatch: Command, words: tuple[str, ...]) -> None:
    assert dispatch(*words, expect=1).err.startswith("error: ")


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_a_wrong_call_ends_with_2(dispatch: Command, words: tuple[str, ...]) -> None:
    assert "rror: " in dispatch(*words, expect=2).err


@pytest.mark.parametrize("words", [("status",), ("doctor",), ("run", "--once"), ("database", "info")], ids=" ".join)
def test_a_wrong_setting_ends_with_2(dispatch: Command, words: tuple[str, ...]) -> None:
    assert dispatch(*words, expect=2, DISPATCH_EMAIL__PORT="many").err.startswith("error: wrong setting: ")
