"""`dispatch subscribers`: lists by filters, the same change to many, merging and moving, history and numbers."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dispatch import archive
from dispatch.cli.context import user
from dispatch.cli.history import words
from dispatch.cli.main import cli
from dispatch.errors import DispatchError
from subscribers import directory
from subscribers.database import SCHEMA, Database
from subscribers.errors import SubscriberError
from tests.acts import at

Run = Callable[..., Result]


@pytest.fixture
def run(migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`dispatch subscribers …` with a store of its own; `refused` is what it is to say, `code` with which exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISPATCH_DATABASE__URL", migrated_url)

    def called(*given: str, refused: str = "", code: int = 2) -> Result:
        done = CliRunner().invoke(cli, ["subscribers", *given])
        if refused:
            assert isinstance(done.exception, SubscriberError | DispatchError), done.output
            assert refused in str(done.exception)
            assert done.exception.exit_code == code
        else:
            assert done.exit_code == 0, done.output or done.exception
        return done

    return called


@pytest.fixture
def people(run: Run) -> Run:
    """e1 and e2 are Li's, e3 is Wang's."""
    follow = ("--follow", "park:南昌高新区")
    run("add", "--name", "Li", "--email", "li@example.com", "--telegram", "77", *follow, "--confirmed")
    run("add", "--name", "=Wang", "--email", "wang@qq.com", "--follow", "province:江西", "--language", "en")
    return run


def listed(run: Run, *given: str) -> list[str]:
    found = json.loads(run("list", "--json", *given).stdout)
    return [endpoint["id"] for person in found for endpoint in person["endpoints"]]


# ---- list


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), ["e1", "e2", "e3"]),
        (("--follow", "park:南昌高新区"), ["e1", "e2"]),
        (("--follow", "province:江西省"), ["e3"]),
        (("--follow", "province:江西", "--within"), ["e1", "e2", "e3"]),
        (("--follow", "topic:区块链"), []),
        (("--channel", "email", "--channel", "telegram", "--state", "pending"), ["e3"]),
        (("--domain", "@QQ.com"), ["e3"]),
        (("--since", "2020-01-01", "--until", "2999-01-01"), ["e1", "e2", "e3"]),
        (("--until", "2020-01-01"), []),
        (("--changed-since", "2020-01-01T08:00+08:00"), ["e1", "e2", "e3"]),
        (("--name", "LI", "--address", "7"), ["e2"]),
        (("--language", "en", "--cadence", "now", "--consent", "none"), ["e3"]),
        (("--sort", "address", "--reverse"), ["e3", "e1", "e2"]),
        (("--sort", "address", "--per-page", "2", "--page", "2"), ["e3"]),
    ],
)
def test_a_list_is_chosen_sorted_and_cut(people: Run, given: tuple[str, ...], expected: list[str]) -> None:
    assert listed(people, *given) == expected


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        (("--channel", "fax"), "allowed are email, telegram, webhook"),
        (("--state", "asleep"), "allowed are pending, active"),
        (("--domain", "not a domain"), "write it as example.com"),
        (("--since", "yesterday"), "--since 'yesterday': write a day as"),
        (("--until", "9999-12-31"), "--until '9999-12-31'"),
        (("--follow", "park:nowhere"), "There is no park"),
        (("--within",), "--within is about a province"),
        (("--language", "fr"), "allowed are zh, en"),
        (("--cadence", "hourly"), "allowed are now, daily, weekly"),
        (("--consent", "maybe"), "allowed are none, given"),
        (("--sort", "age"), "allowed are id, added"),
        (("--page", "2", "--per-page", "0"), "--per-page above 0"),
        (("--json", "--csv"), "not both"),
    ],
)
def test_a_wrong_word_is_refused_with_what_is_allowed(people: Run, given: tuple[str, ...], refused: str) -> None:
    people("list", *given, refused=refused)


def test_a_page_says_where_it_is_and_how_many_there_are(people: Run) -> None:
    told = people("list", "--per-page", "2").stdout
    assert told.splitlines()[-1] == "endpoints 1 to 2 of 3; page 1 of 2; the next: --page 2"
    assert people("list", "--per-page", "2", "--page", "2").stdout.splitlines()[-1] == (
        "endpoints 3 to 3 of 3; page 2 of 2"
    )
    assert "there is no page 9: 3 endpoints are 2 pages" in people("list", "--per-page", "2", "--page", "9").stdout
    assert people("list").stdout.splitlines()[-1] == "3 endpoints"
    assert people("list", "--state", "gone").stdout == "nothing is so chosen\n"
    assert people("list", "--count").stdout == "3\n"
    assert json.loads(people("list", "--count", "--json", "--channel", "email").stdout) == {"endpoints": 2}


def test_csv_is_safe_in_a_spreadsheet_and_has_every_column_filled_rightly(people: Run) -> None:
    people("pause", "e1", "--until", "2999-06-01")
    rows = list(csv.DictReader(io.StringIO(people("list", "--csv").stdout)))
    assert [row["name"] for row in rows] == ["Li", "Li", "'=Wang"]
    assert (rows[0]["id"], rows[0]["endpoint"], rows[0]["state"]) == ("1", "e1", "paused")
    assert rows[0]["paused_until"] == "2999-05-31T16:00:00+00:00"
    assert rows[2]["follows"] == "province:江西省"
    assert {row["bundle"] for row in rows} == {"no"}


def test_a_follow_that_left_the_catalog_can_still_be_chosen_and_dropped(people: Run, migrated_url: str) -> None:
    tag = "park:a park <b>of</b> before"
    people("list", "--follow", tag, refused="There is no park")
    db = Database.open(migrated_url, (SCHEMA, archive.SCHEMA))
    with db.transaction():
        directory.follow(db, 3, [tag], at(1))
    db.close()
    assert listed(people, "--follow", tag) == ["e3"]
    people("bulk", "unfollow", tag, "--all")
    people("list", "--follow", tag, refused="There is no park")


# ---- the same change to many


def test_many_follow_after_a_dry_run_and_it_is_on_record(people: Run) -> None:
    plan = json.loads(people("bulk", "follow", "all", "--channel", "email", "--dry-run", "--json").stdout)
    assert (plan["endpoints"], plan["channels"]) == (2, {"email": 2})
    assert [person["id"] for person in plan["first"]] == [1, 2]
    assert listed(people, "--follow", "all") == []
    assert people("bulk", "follow", "all", "--channel", "email").stdout == (
        "2 endpoints were chosen, 2 of them changed\n"
    )
    assert listed(people, "--follow", "all") == ["e1", "e3"]
    newest = json.loads(people("history", "e3", "--json").stdout)[0]
    assert (newest["about"], newest["action"], newest["by"], newest["way"]) == ("e3", "followed", user(), "command")
    again = json.loads(people("bulk", "follow", "all", "--channel", "email", "--json").stdout)
    assert again == {"endpoints": 2, "changed": 0}
    people("bulk", "unfollow", "all", "--domain", "qq.com")
    assert listed(people, "--follow", "all") == ["e1"]


def test_many_are_paused_until_a_day_resumed_and_set(people: Run) -> None:
    people("confirm", "e3")
    people("set", "e3", "--timezone", "Europe/Berlin")
    people("bulk", "pause", "--channel", "email", "--resume-on", "2999-06-01")
    found = {e["id"]: e for p in json.loads(people("list", "--json").stdout) for e in p["endpoints"]}
    assert {id_: e["paused_until"] for id_, e in found.items()} == {
        "e1": "2999-05-31T16:00:00+00:00",
        "e2": None,
        "e3": "2999-05-31T22:00:00+00:00",
    }
    people("bulk", "resume", "--all")
    assert listed(people, "--state", "active") == ["e1", "e2", "e3"]
    people("bulk", "set", "cadence=daily", "at=09:30", "bundle=yes", "--all")
    assert "daily 09:30 Europe/Berlin, bundled, en, full" in people("show", "e3").stdout


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        (("follow", "all"), "say which endpoints"),
        (("follow", "all", "--all", "--channel", "email"), "say which endpoints"),
        (("follow", "nothing", "--all"), "nothing to follow"),
        (("pause", "--all", "--resume-on", "2020-01-01"), "is over already (in Asia/Shanghai)"),
        (("pause", "--all", "--resume-on", "soon"), "the end of the pause 'soon'"),
        (("set", "at=09:00", "--all"), "some that were chosen have the cadence now"),
        (("set", "colour=red", "--all"), "write KEY=VALUE, with one of cadence"),
        (("set", "language=en", "language=zh", "--all"), "language is said twice"),
        (("set", "bundle=perhaps", "--all"), "allowed are yes and no"),
        (("set", "format=short", "--all"), "format 'short': allowed are full, titles"),
    ],
)
def test_a_wrong_call_changes_none_of_many(people: Run, given: tuple[str, ...], refused: str) -> None:
    before = people("list", "--json").stdout
    people("bulk", *given, refused=refused)
    assert people("list", "--json").stdout == before


def asked(folder: Path, answer: str, *given: str) -> int:
    """The exit code of a call at a terminal, where this is typed."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer.encode())
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", "dispatch", "subscribers", *given]
        done = subprocess.run(command, stdin=theirs, capture_output=True, cwd=folder, env=environment, check=False)
        assert b"3 endpoints (email 2, telegram 1) would follow all. Do it?" in done.stderr
        return done.returncode
    finally:
        os.close(ours)
        os.close(theirs)


def test_at_a_terminal_many_are_changed_after_a_yes(people: Run, tmp_path: Path) -> None:
    assert asked(tmp_path, "n\n", "bulk", "follow", "all", "--all") == 1
    assert listed(people, "--follow", "all") == []
    assert asked(tmp_path, "y\n", "bulk", "follow", "all", "--all") == 0
    assert listed(people, "--follow", "all") == ["e1", "e2", "e3"]


# ---- one by one


def test_preferences_and_the_name_change_in_what_is_said(people: Run) -> None:
    told = people("set", "1", "--cadence", "weekly", "--weekday", "fri", "--quiet", "22:00-07:00", "--bundle").stdout
    assert told.count("weekly fri 08:00 Asia/Shanghai, quiet 22:00-07:00, bundled, zh, full") == 2
    told = people("set", "e2", "--quiet", "none", "--separate", "--language", "en", "--name", "Li Na").stdout
    assert "weekly fri 08:00 Asia/Shanghai, separate, en, full" in told
    assert "weekly fri 08:00 Asia/Shanghai, quiet 22:00-07:00, bundled, zh, full" in told
    assert told.startswith("subscriber 1 Li Na\n")
    assert "nothing was changed" in people("set", "e2", "--language", "en").stderr
    people("set", "1", refused="say what is to change")
    people("set", "e3", "--at", "09:00", refused="needs --cadence daily or weekly")
    people("set", "e9", "--language", "en", refused="no endpoint e9", code=1)


def test_a_pause_until_a_day_is_shown_and_a_day_that_is_over_refused(people: Run) -> None:
    assert "paused (paused by an administrator, until 2999-" in people("pause", "e1", "--until", "2999-06-01").stdout
    people("pause", "1", "--until", "2020-01-01", refused="is over already")
    assert "e1 email li@example.com: active" in people("resume", "e1").stdout


def test_another_endpoint_follows_what_the_first_one_does(people: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_WEBHOOK__ENABLED", "false")  # no test event goes out
    people("set", "e1", "--cadence", "daily")
    told = people("add-endpoint", "1", "--webhook", "https://hooks.example.com/x", "--language", "en").stdout
    assert "e4 webhook https://hooks.example.com/x: pending" in told
    assert "follows park:南昌高新区; daily 08:00 Asia/Shanghai, separate, en, full" in told
    assert "signing secret" in told
    told = people("add-endpoint", "e3", "--email", "w2@qq.com", "--follow", "all", "--confirmed").stdout
    assert "e5 email w2@qq.com: active" in told
    people("add-endpoint", "1", refused="needs an address")
    people("add-endpoint", "1", "--email", "wang@qq.com", refused="belongs to subscriber 2 already", code=1)
    people("add-endpoint", "1", "--email", "no address", refused="email address")


def test_merge_then_move_then_remove(people: Run) -> None:
    assert "subscriber 2 is part of subscriber 1" in people("merge", "2", "1").stdout
    assert listed(people, "--name", "Li") == ["e1", "e2", "e3"]
    people("add", "--email", "new@example.com", "--confirmed")
    people("move", "e3", "--to-subscriber", "3")
    assert listed(people, "--sort", "id") == ["e1", "e2", "e3", "e4"]
    removed = "subscriber 3 had no other endpoint and is removed"
    assert removed not in people("move", "e3", "--to-subscriber", "1").stdout
    assert removed in people("move", "e4", "--to-subscriber", "1").stdout
    assert "e4 of subscriber 1 is removed" in people("remove", "e4").stdout
    assert "subscriber 1 is removed" in people("remove", "1").stdout
    assert listed(people) == []
    people("merge", "1", "1", refused="no subscriber", code=1)


def test_another_address_waits_for_consent_unless_it_is_said(people: Run) -> None:
    assert "e1 email li@new.example.com: pending" in people("move", "e1", "--address", "li@new.example.com").stdout
    told = people("move", "e1", "--address", "li@other.example.com", "--consent", "a letter").stdout
    assert "e1 email li@other.example.com: active" in told
    assert f"consent: a letter (recorded by {user()})" in told
    people("move", "e1", "--address", "wang@qq.com", refused="merge 2 1", code=1)
    people("move", "e2", "--address", "no chat", refused="Telegram chat")
    people("move", "1", "--address", "x@example.com", refused="e1, e2: name one")
    people("move", "e1", refused="say where to")
    people("move", "e1", "--to-subscriber", "2", "--consent", "x", refused="about a new address")


# ---- history


def test_a_history_is_told_in_words_newest_first_and_page_by_page(people: Run) -> None:
    people("follow", "e1", "all")
    people("set", "e1", "--language", "en")
    people("suppress", "e1", "--reason", "a letter")
    told = people("history", "1", "--per-page", "2").stdout.splitlines()
    assert f"active → suppressed: a letter (suppressed by {user()})" in told[1]
    assert "wants now Asia/Shanghai, separate, en, full" in told[2]
    assert told[-1] == "there are older ones: --page 2"
    told = people("history", "1", "--per-page", "2", "--page", "2").stdout.splitlines()
    assert "follows all from now on" in told[1]
    whole = json.loads(people("history", "1", "--json").stdout)
    assert [item["action"] for item in whole[:3]] == ["state", "preferences", "followed"]
    assert {item["action"] for item in whole[3:]} == {"added", "consent given"}
    assert "no more" in people("history", "1", "--page", "5").stdout
    people("history", "9", refused="no subscriber or endpoint 9", code=1)


def test_who_was_removed_still_has_a_history(people: Run) -> None:
    people("remove", "2")
    found = json.loads(people("history", "2", "--json").stdout)
    assert found[0]["words"] == "removed"
    assert json.loads(people("history", "wang@qq.com", "--json").stdout) == found


def test_an_act_that_has_no_words_is_told_as_it_is_on_record() -> None:
    assert words("teleported", {"to": "月球"}) == 'teleported {"to": "月球"}'
    assert words("state", {"unknown": 1}) == 'state {"unknown": 1}'
    assert words("preferences", {"rhythm": {"cadence": "hourly"}}) == 'preferences {"rhythm": {"cadence": "hourly"}}'


# ---- numbers


def test_the_numbers_are_the_same_in_words_and_json(people: Run) -> None:
    found = json.loads(people("stats", "--json").stdout)
    assert (found["subscribers"], found["endpoints"]) == (2, 3)
    assert found["channels"] == {"email": {"active": 1, "pending": 1}, "telegram": {"active": 1}}
    assert found["follows"] == {"park:南昌高新区": 2, "province:江西省": 1}
    assert sum(item["added"] for item in found["growth"]) == 3
    told = people("stats", "--by", "month").stdout
    assert told.startswith("subscribers: 2; endpoints: 3\n")
    assert "park:南昌高新区 (南昌高新区)  2" in told
    assert "qq.com" in told
    people("stats", "--by", "year", refused="allowed are day, week, month")
    people("stats", "--language", "fr", refused="allowed are zh, en")


class Page(HTMLParser):
    """Notes what a page would load or run, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [tag] if tag in ("script", "link", "img", "iframe", "object") else []
        self.loads += [name for name, _ in attrs if name in ("src", "href", "onload", "onclick")]

    def handle_data(self, data: str) -> None:
        self.text += data


def page(run: Run, folder: Path, *given: str) -> tuple[str, Page]:
    run("stats", "--html", "out.html", *given)
    text = (folder / "out.html").read_text(encoding="utf-8")
    found = Page()
    found.feed(text)
    return text, found


def test_the_page_draws_the_numbers_and_loads_nothing(people: Run, tmp_path: Path) -> None:
    text, found = page(people, tmp_path, "--language", "en")
    assert found.loads == []
    assert "url(" not in text
    for word in (
        "Subscribers",
        "Nanchang High-tech Zone",
        "all high-tech zones in Jiangxi",
        "qq.com",
        "not confirmed",
        "Growth",
    ):
        assert word in found.text
    assert re.search(r'<rect [^>]*class="g-added"><title>\d\d-\d\d added: 3</title>', text)
    _, chinese = page(people, tmp_path)
    for word in ("订阅者统计", "待确认", "江西省全部高新区"):
        assert word in chinese.text


def test_a_page_of_nobody_says_so(run: Run, tmp_path: Path, connect: Callable[[], Any]) -> None:
    connect()
    assert "Nobody subscribes yet" in page(run, tmp_path, "--language", "en")[1].text
    assert "nobody came or left in the last 30 days" in run("stats").stdout


def test_a_page_that_cannot_be_written_is_refused(people: Run) -> None:
    people("stats", "--html", "no/such/folder/out.html", refused="no/such/folder/out.html", code=1)
