"""What the commands tell of mail that came back."""

from __future__ import annotations

import pytest

from dispatch.model import Rejected
from tests.cli.conftest import Office


def refused(office: Office) -> None:
    office.desk.reader("li@example.com", "topic:a")
    office.desk.issue({"一": ["a"]})
    office.desk.plan()
    office.settle(lambda address: Rejected("554 5.7.1 blocked for spam", code="554"))


def test_a_refusal_of_ours_is_listed_and_told_by_the_doctor(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(office)
    [item] = office.json("bounces", "list", "--kind", "block", "--endpoint", "li@example.com")
    assert (item["endpoint"], item["status"], item["source"]) == ("e1", "5.7.1", "smtp")
    assert "blocked for spam" in office("bounces", "list").stdout
    assert office.json("bounces", "list", "--kind", "hard") == []
    monkeypatch.setenv("DISPATCH_EMAIL__HOST", "127.0.0.1")
    monkeypatch.setenv("DISPATCH_EMAIL__PORT", "1")
    monkeypatch.setenv("DISPATCH_EMAIL__FROM_ADDRESS", "news@bulletin.test")
    told = office("doctor", expect=1).stdout  # nobody listens there
    assert "1 refusals of us in a week, last: 554 5.7.1 blocked for spam" in told
    assert "nobody learns what came back" in told


def test_a_bounce_address_that_leaves_no_room_is_refused(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("b" * 20 + "@x.test", "boun ces@x.test", "b+c@x.test", "bounces"):
        monkeypatch.setenv("DISPATCH_EMAIL__BOUNCE_ADDRESS", address)
        office("bounces", "list", expect=2)
    monkeypatch.setenv("DISPATCH_EMAIL__BOUNCE_ADDRESS", "bounces@x.test")
    monkeypatch.setenv("DISPATCH_BOUNCES__IMAP_HOST", "imap.example.com")
    monkeypatch.setenv("DISPATCH_BOUNCES__IMAP_SECURITY", "none")
    office("bounces", "list", expect=2)
