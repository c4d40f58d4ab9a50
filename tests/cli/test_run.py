"""`dispatch run` and channels without settings."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Office


def test_a_channel_that_is_off_is_told_where_somebody_waits_for_it(office: Office) -> None:
    assert "is off" not in office("run", "--once").stderr
    office.desk.reader("77", "all", channel="telegram")
    said = office("run", "--once").stderr
    assert ("telegram is off: set [telegram] token" in said, "email is off" in said) == (True, False)


def test_a_channel_of_which_half_is_set_is_told_at_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_EMAIL__HOST", "mail.test")
    assert "email is off: set [email] host and from_address" in office("run", "--once").stderr
