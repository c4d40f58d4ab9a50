"""`dispatch issues pause`, `resume` and `cancel`: what is asked, told and kept."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections import Counter

import pytest

from dispatch.cli.context import user
from tests.cli.conftest import Office


def planned(office: Office) -> None:
    """Two readers by mail and one by Telegram, of an issue of two columns."""
    for name in ("a@x.test", "b@x.test"):
        office.desk.reader(name, "all")
    office.desk.reader("77", "all", channel="telegram")
    office.desk.issue({"一": ["red"], "二": ["blue"]})
    office.desk.plan()


def states(office: Office) -> Counter[str]:
    return Counter(row["state"] for row in office.json("deliveries", "list"))


def at_a_terminal(office: Office, answer: bytes, *words: str) -> subprocess.CompletedProcess[str]:
    """Call it in a process of its own, with a terminal for its input."""
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    try:
        return subprocess.run(
            [sys.executable, "-m", "dispatch", *words],
            stdin=theirs,
            capture_output=True,
            text=True,
            check=False,
            cwd=office.folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_cancel_is_counted_first(office: Office) -> None:
    planned(office)
    told = office("issues", "cancel", "534", "--dry-run").stdout
    assert "534: 6 deliveries would be cancelled; nothing was changed" in told
    found = office.json("issues", "cancel", "534", "--column", "一", "--dry-run")
    assert found == {"issue": "534", "column": "一", "channel": "", "deliveries": {"email": 2, "telegram": 1}}
    assert states(office) == {"planned": 6}
    assert office.json("issues", "show", "534")["cancelled"] == []


def test_a_cancel_at_a_terminal_asks_first(office: Office) -> None:
    planned(office)
    done = at_a_terminal(office, b"n\n", "issues", "cancel", "534", "--channel", "telegram")
    assert "534 telegram: deliveries that would never be sent: telegram 2. Cancel it for good?" in done.stderr
    assert (done.returncode, states(office)) == (1, {"planned": 6})
    done = at_a_terminal(office, b"y\n", "issues", "cancel", "534", "--channel", "telegram")
    assert (done.returncode, states(office)) == (0, {"planned": 4, "cancelled": 2})
    done = at_a_terminal(office, b"", "issues", "cancel", "534", "--yes")
    assert (done.returncode, states(office)) == (0, {"cancelled": 6})
    assert "Cancel it" not in done.stderr


def test_a_cancel_of_a_part_leaves_the_rest_and_is_shown(office: Office) -> None:
    planned(office)
    told = office("issues", "cancel", "534", "--column", "一", "--channel", "email").stdout
    assert told == "534 column 一 email is cancelled; deliveries moved: 2\n"
    assert office("issues", "cancel", "534", "--column", "一", "--channel", "email").stdout.endswith("moved: 0\n")
    assert states(office) == {"planned": 4, "cancelled": 2}
    [part] = office.json("issues", "show", "534")["cancelled"]
    assert (part["column"], part["channel"], part["by"]) == ("一", "email", user())
    assert f"by {user()}" in office("issues", "show", "534").stdout
    story = office.json("deliveries", "list", "--state", "cancelled")[0]
    assert story["reason"] == "this part of the issue was cancelled"


def test_a_pause_of_the_whole_issue_tells_who_and_when(office: Office) -> None:
    planned(office)
    office("issues", "pause", "534")
    [part] = office.json("issues", "show", "534")["paused"]
    assert (part["column"], part["channel"], part["by"]) == ("", "", user())
    assert part["since"]
    told = office("issues", "show", "534").stdout
    assert "paused: the whole issue, since " in told
    office("issues", "resume", "534")
    assert office.json("issues", "show", "534")["paused"] == []


@pytest.mark.parametrize(("words", "code"), [(("--column", "三"), 2), (("--channel", "fax"), 2)])
def test_a_part_that_is_none_is_refused(office: Office, words: tuple[str, ...], code: int) -> None:
    planned(office)
    office("issues", "cancel", "534", *words, expect=code)


def test_what_was_sent_cannot_be_cancelled(office: Office) -> None:
    office.desk.reader("a@x.test", "all")
    office.desk.issue({"一": ["red"]})
    office.desk.plan()
    office.settle()
    with office.desk.db.transaction():
        office.desk.db.run("UPDATE issues SET state = 'sent'")
    for words in ((), ("--column", "一"), ("--dry-run",)):
        office("issues", "cancel", "534", *words, expect=1)


def test_a_list_of_issues_tells_what_waits_and_what_is_paused(office: Office) -> None:
    planned(office)
    office.desk.issue({"三": ["green"]}, 535, approve=False)

    def counts() -> dict[str, tuple[int, int]]:
        return {item["id"]: (item["waiting"], item["paused"]) for item in office.json("issues", "list")}

    assert counts() == {"534": (6, 0), "535": (0, 0)}
    office("issues", "pause", "534", "--column", "一")
    assert counts()["534"] == (3, 3)
    lines = [line.split() for line in office("issues", "list").stdout.splitlines()]
    assert "waiting" in lines[0]
    assert any(line[0] == "534" and line[6:8] == ["3", "3"] for line in lines)
    office("issues", "pause", "534")
    assert counts()["534"] == (0, 6)
