"""`dispatch sources`, and sources in `status` and `doctor`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dispatch.assets import config_dir
from tests.cli.conftest import Office

SAMPLE = config_dir() / "samples" / "huoju-2022-05.md"


@pytest.fixture
def drive(office: Office, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is a source; it is not there yet."""
    path = office.folder / "drive"
    sources = [{"kind": "folder", "name": "drive", "path": str(path), "settle": 0.05}]
    monkeypatch.setenv("DISPATCH_SOURCES", json.dumps(sources))
    return path


def test_sources_are_listed_with_how_they_stand(office: Office, drive: Path) -> None:
    found = office.json("sources", "list")
    assert [(row["name"], row["kind"], row["state"]) for row in found] == [
        ("inbox", "folder", "not looked at yet"),
        ("drive", "folder", "not looked at yet"),
    ]
    office("run", "--once", expect=1)
    row = office.json("sources", "list")[1]
    assert (row["state"], row["failures"]) == ("failing", 1)
    assert "no such folder" in row["error"]
    assert "no such folder" in office("sources", "list").stdout
    [failing] = office.json("status")["failing_sources"]
    assert failing["name"] == "drive"
    assert "source drive fails since" in office("status").stdout
    doctor = {row["what"]: row["state"] for row in office_doctor(office)}
    assert doctor["source drive"] == "bad"
    drive.mkdir()
    shutil.copy(SAMPLE, drive / "a.md")
    office("run", "--once")
    row = office.json("sources", "list")[1]
    assert (row["state"], row["last_taken"]) == ("ok", "huoju:534")
    assert office.json("status")["failing_sources"] == []


def office_doctor(office: Office) -> list[dict[str, str]]:
    from typer.testing import CliRunner

    from dispatch.cli.main import cli

    found = json.loads(CliRunner().invoke(cli, ["doctor", "--json"]).stdout)
    return list(found["findings"] if isinstance(found, dict) else found)


def test_a_check_says_what_would_be_taken_and_takes_nothing(office: Office, drive: Path) -> None:
    drive.mkdir()
    shutil.copy(SAMPLE, drive / "a.md")
    [found] = office.json("sources", "check", "drive")
    assert found["ok"]
    assert found["would_take"][0]["issue"].startswith("huoju:534 ")
    assert "would be taken in: huoju:534" in office("sources", "check").stdout
    assert (drive / "a.md").exists()
    assert office.json("issues", "list") == []
    assert office.json("sources", "list")[1]["state"] == "not looked at yet"


def test_a_check_that_fails_says_why(office: Office, drive: Path) -> None:
    assert "no such folder" in office("sources", "check", "drive", expect=1).stderr
    office("sources", "check", "inbox")
    drive.mkdir()
    (drive / "b.md").write_text("no issue", encoding="utf-8")
    [found] = json.loads(office("sources", "check", "drive", "--json", expect=1).stdout)
    assert found["refused"][0]["document"] == str(drive / "b.md")


def test_a_source_that_there_is_none_of_is_a_wrong_call(office: Office, drive: Path) -> None:
    office("sources", "check", "drvie", expect=2)
