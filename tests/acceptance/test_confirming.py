"""From an asking to the first digest, over the wire: mails as a reader gets them, and nobody lost to a kill."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote

import pytest

from dispatch import archive
from subscribers import directory
from subscribers.database import SCHEMA, Database
from tests.acceptance.conftest import SAMPLE, Command, Mailbox
from tests.acts import at
from tests.marks import both_databases

PARK = "park:南昌高新区"


@pytest.fixture
def inbox(dispatch: Command) -> Path:
    folder = dispatch.folder / "inbox"
    folder.mkdir()
    return folder


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def token_of(mail: EmailMessage) -> str:
    """What the reader's mail program would put into the subject of the answer."""
    found = re.search(r"mailto:[^?\s]+\?subject=(\S+)", text_of(mail))
    assert found, text_of(mail)
    word, _, token = unquote(found[1]).partition(" ")
    assert word == "confirm"
    return token


def state_of(dispatch: Command, address: str) -> str:
    (endpoint,) = dispatch("subscribers", "show", address, "--json").json["endpoints"]
    return str(endpoint["state"])


@both_databases
def test_asked_confirmed_and_served(dispatch: Command, mailbox: Mailbox, inbox: Path) -> None:
    said = dispatch("subscribers", "add", "--name", "张三", "--email", "li@example.com", "--follow", PARK, "--ask")
    assert "a confirmation to li@example.com is queued" in said.out
    (inbox / "534.md").write_bytes(SAMPLE.read_bytes())
    dispatch("run", "--once")
    (mail,) = mailbox.mails
    assert str(mail["Subject"]) == "请确认订阅：火炬动态"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert not [name for name in mail.keys() if name.startswith("List-") or name == "Precedence"]  # noqa: SIM118
    assert "张三，您好" in text_of(mail)
    assert "申请关注：南昌高新区" in text_of(mail)
    dispatch("issues", "send", "534")
    assert len(mailbox.mails) == 1  # nobody is active
    assert state_of(dispatch, "li@example.com") == "pending"
    assert "confirmed" in dispatch("subscribers", "confirm", "--token", token_of(mail)).out
    assert state_of(dispatch, "li@example.com") == "active"
    assert "was confirmed already" in dispatch("subscribers", "confirm", "--token", token_of(mail)).out
    dispatch("issues", "send", "534")
    assert [str(found["To"]) for found in mailbox.mails[1:]] == ["张三 <li@example.com>"]
    assert "南昌" in text_of(mailbox.mails[1])


@both_databases
def test_the_first_digest_comes_with_the_yes_where_it_is_wished(
    dispatch: Command, mailbox: Mailbox, inbox: Path
) -> None:
    (inbox / "534.md").write_bytes(SAMPLE.read_bytes())
    dispatch("subscribers", "add", "--email", "old@example.com", "--follow", "all", "--confirmed", "--bundle")
    dispatch("run", "--once")
    dispatch("issues", "send", "534")
    dispatch("subscribers", "add", "--email", "new@example.com", "--follow", PARK, "--ask", "--first")
    dispatch("run", "--once")
    (mail,) = mailbox.to("new@example.com")
    dispatch("subscribers", "confirm", "--token", token_of(mail))
    dispatch("run", "--once")
    _, digest = mailbox.to("new@example.com")
    assert "【火炬动态】" in str(digest["Subject"])
    assert len(mailbox.to("old@example.com")) == 1
    dispatch("run", "--once")
    assert len(mailbox.mails) == 3
    assert [row["state"] for row in dispatch("issues", "list", "--json").json] == ["sent"]


@both_databases
def test_the_setting_says_whether_new_follows_bring_a_first_digest(
    dispatch: Command, mailbox: Mailbox, inbox: Path
) -> None:
    (inbox / "534.md").write_bytes(SAMPLE.read_bytes())
    dispatch("subscribers", "add", "--email", "old@example.com", "--follow", "all", "--confirmed", "--bundle")
    dispatch("run", "--once")
    dispatch("issues", "send", "534")
    on = "true"
    dispatch(
        "subscribers",
        "add",
        "--email",
        "a@example.com",
        "--follow",
        PARK,
        "--confirmed",
        DISPATCH_SUBSCRIBERS__FIRST_DIGEST=on,
    )
    dispatch("subscribers", "add", "--email", "b@example.com", "--follow", PARK, "--confirmed")
    dispatch("subscribers", "add", "--email", "c@example.com", "--confirmed")
    dispatch("subscribers", "add", "--email", "d@example.com", "--confirmed")
    dispatch("subscribers", "follow", "c@example.com", PARK, "--no-first", DISPATCH_SUBSCRIBERS__FIRST_DIGEST=on)
    dispatch("subscribers", "follow", "d@example.com", PARK, "--first")
    dispatch("run", "--once")
    assert sorted(str(mail["To"]) for mail in mailbox.mails[1:]) == ["a@example.com", "d@example.com"]


def test_who_left_comes_back_by_their_own_yes_alone(dispatch: Command, mailbox: Mailbox) -> None:
    dispatch("subscribers", "add", "--email", "li@example.com", "--follow", PARK, "--confirmed")
    dispatch("subscribers", "suppress", "li@example.com", "--reason", "asked by telephone")
    dispatch("subscribers", "confirm", "li@example.com", "--send")
    dispatch("run", "--once")
    assert state_of(dispatch, "li@example.com") == "suppressed"
    (mail,) = mailbox.mails
    dispatch("subscribers", "confirm", "--token", token_of(mail))
    assert state_of(dispatch, "li@example.com") == "active"


def test_what_cannot_be_asked_is_refused_and_nothing_is_written(dispatch: Command, bare: Command) -> None:
    def refused(words: str, *of: str, by: Command = dispatch, expect: int = 2, **environment: str) -> None:
        assert words in by("subscribers", *of, expect=expect, **environment).err

    refused("confirmations go by email only", "add", "--telegram", "12345", "--ask")
    refused("confirmations go by email only", "add", "--webhook", "http://127.0.0.1:9/x", "--ask")
    refused("leave out --confirmed", "add", "--email", "a@example.com", "--ask", "--confirmed")
    refused("leave out --confirmed", "add", "--email", "a@example.com", "--ask", "--basis", "a form on paper")
    refused("one address at a time", "add", "--email", "a@example.com", "--email", "b@example.com", "--ask")
    refused("email is off", "add", "--email", "a@example.com", "--ask", by=bare, DISPATCH_EMAIL__HOST="")
    refused("say whom to confirm", "confirm")
    refused("say whom to confirm", "confirm", "1", "--token", "x")
    refused("say whom to confirm", "confirm", "1", "--send", "--basis", "x")
    refused("not a token of ours", "confirm", "--token", "MQ.x")
    refused("no subscriber or endpoint", "confirm", "nobody@example.com", "--send", expect=1)
    assert dispatch("subscribers", "list", "--json").json == []


def test_the_basis_of_consent_is_kept(dispatch: Command) -> None:
    dispatch("subscribers", "add", "--email", "a@example.com", "--basis", "a form on paper, 3 May")
    dispatch("subscribers", "add", "--email", "b@example.com")
    dispatch("subscribers", "confirm", "b@example.com", "--basis", "by telephone")
    found = [endpoint for person in dispatch("subscribers", "list", "--json").json for endpoint in person["endpoints"]]
    assert [endpoint["state"] for endpoint in found] == ["active", "active"]
    assert found[0]["consent"].startswith("a form on paper, 3 May (recorded by ")
    assert found[1]["consent"].startswith("by telephone (recorded by ")


def test_a_process_that_is_killed_between_asking_and_sending_loses_nobody(dispatch: Command, mailbox: Mailbox) -> None:
    addresses = [f"r{number}@example.com" for number in range(4)]
    for address in addresses:
        dispatch("subscribers", "add", "--email", address, "--follow", PARK, "--ask")
    running = subprocess.Popen(
        [sys.executable, "-m", "dispatch", "run", "--once"],
        cwd=dispatch.folder,
        env={**dispatch.environment, "DISPATCH_EMAIL__CONNECTIONS": "1"},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )

    def killing(address: str) -> str:
        if len(mailbox.mails) == 2:
            running.kill()
        return "250 OK"

    mailbox.reply = killing
    assert running.wait(60) == -signal.SIGKILL
    mailbox.reply = lambda address: "250 OK"
    dispatch("run", "--once")
    # One that was under way at the kill may come twice, with the same Message-ID.
    assert len({str(mail["Message-ID"]) for mail in mailbox.mails}) == 4
    assert {str(mail["To"]) for mail in mailbox.mails} == set(addresses)
    assert len(mailbox.mails) <= 5


@both_databases
def test_who_is_paused_until_a_date_is_active_again_when_it_has_come(dispatch: Command) -> None:
    for name in ("past", "future"):
        dispatch("subscribers", "add", "--email", f"{name}@example.com", "--follow", PARK, "--confirmed")
    with closing(Database.open(dispatch.environment["DISPATCH_DATABASE__URL"], (SCHEMA, archive.SCHEMA))) as db:
        for name, until in (("past", 1), ("future", 4_102_444_800_000)):
            _, (endpoint,) = directory.find(db, f"{name}@example.com")
            with db.transaction():
                assert directory.pause(db, endpoint, at(1), until)
    dispatch("run", "--once")
    assert state_of(dispatch, "past@example.com") == "active"
    assert state_of(dispatch, "future@example.com") == "paused"


def test_nobody_is_asked_twice_in_a_day_unless_an_administrator_insists(dispatch: Command, mailbox: Mailbox) -> None:
    ask = ("subscribers", "add", "--email", "li@example.com", "--follow", PARK, "--ask")
    dispatch(*ask)
    refused = dispatch(*ask, expect=1)
    assert "was asked within a day and has not answered: --again asks once more" in refused.err
    told = dispatch("subscribers", "confirm", "li@example.com", "--send")
    assert "--again" in told.err
    dispatch("run", "--once")
    assert len(mailbox.mails) == 1
    dispatch(*ask, "--again")
    dispatch("run", "--once")
    assert len(mailbox.mails) == 2
