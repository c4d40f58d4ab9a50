"""`--apprise`: an address from standard input, and nowhere whole again but in an export."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dispatch.cli.main import cli
from tests.cli.conftest import Office

pytestmark = pytest.mark.skipif(not find_spec("apprise"), reason="Apprise is missing: pip install '.[apprise]'")

ADDRESS = "gotifys://push.example.com/AbCdEf123456789"
SHOWN = "gotifys://push.example.com/***"


@pytest.fixture(autouse=True)
def switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_APPRISE__ENABLED", "true")


def test_lists_show_no_secret_and_an_export_has_it(office: Office, tmp_path: Path) -> None:
    words = ["subscribers", "add", "--name", "值班室", "--apprise", "-", "--follow", "all"]
    added = CliRunner().invoke(cli, words, input=f"{ADDRESS}\n")
    assert (added.exit_code, SHOWN in added.output) == (0, True)
    shown = office.json("subscribers", "show", "1")
    assert (shown["endpoints"][0]["address"], shown["endpoints"][0]["queue"]) == (
        SHOWN,
        "apprise:gotifys:push.example.com",
    )
    for said in (added.output, json.dumps(shown), office("subscribers", "list").output, office("audit").output):
        assert "AbCdEf123456789" not in said
    office("subscribers", "add", "--apprise", ADDRESS, expect=1)  # it is there, which is told without it
    file = tmp_path / "all.csv"
    office("subscribers", "export", str(file))
    assert ADDRESS in file.read_text("utf-8")
    again = office("subscribers", "import", str(file), "--dry-run")
    assert "AbCdEf123456789" not in again.output


def test_a_wrong_address_is_a_usage_error_that_does_not_repeat_it(office: Office) -> None:
    done = office("subscribers", "add", "--apprise", "gotifys://10.0.0.1/AbCdEf123456789", expect=2)
    assert "RFC 1918" in str(done.exception)
    assert "AbCdEf123456789" not in str(done.exception) + done.output
