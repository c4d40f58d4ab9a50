"""`dispatch lanes`: which rest, and waking them."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from dispatch.delivery import lanes
from dispatch.delivery.lanes import LaneState
from tests.cli.conftest import Office


def rest(office: Office, name: str, *, hours: float = 0) -> None:
    """A lane that rests from now on: for our own five minutes, or as long as the provider asked."""
    now = office.desk.clock.now()
    state = LaneState(name, lanes.OPEN, 300_000, now + round(hours * 3_600_000 or 300_000), now, "nobody answers")
    with office.desk.db.transaction():
        office.desk.db.run(lanes.SQL["set_state"], {**asdict(state), "queue": "email"})


def states(office: Office) -> dict[str, str]:
    return {lane["name"]: lane["state"] for lane in office.json("lanes", "list")}


def test_no_lanes_are_told_so(office: Office) -> None:
    assert office("lanes", "list").stdout == "no lanes yet: nothing was sent\n"
    assert office.json("lanes", "list") == []
    assert office("lanes", "retry").stdout == "no lane rests\n"


def test_a_lane_is_listed_with_its_rest_and_why(office: Office) -> None:
    rest(office, "email:default")
    rest(office, "telegram:default", hours=3)
    told = office("lanes", "list").stdout
    assert "nobody answers" in told
    [email, telegram] = office.json("lanes", "list")
    assert (email["state"], email["asked_by_provider"], telegram["state"]) == ("resting", False, "waiting")
    assert telegram["rests_until"]


def test_resting_lanes_are_woken_and_asked_rests_left_alone_with_the_reason(office: Office) -> None:
    rest(office, "email:default")
    rest(office, "telegram:default", hours=3)
    done = office("lanes", "retry")
    assert "email:default is tried again" in done.stdout
    assert "telegram:default was left alone: the provider asked for a rest until" in done.stderr
    assert "dispatch lanes retry telegram:default --even-if-asked" in done.stderr
    assert states(office) == {"email:default": "rested", "telegram:default": "waiting"}
    office("lanes", "retry", "telegram:default", expect=1)
    found = office.json("lanes", "retry", "telegram:default", "--even-if-asked")
    assert found == {"woken": ["telegram:default"], "left_alone": []}
    assert states(office)["telegram:default"] == "rested"
    assert office("lanes", "retry", "email:default").stdout == "email:default does not rest\n"


def test_a_lane_that_is_none_is_refused(office: Office) -> None:
    rest(office, "email:default")
    done = office("lanes", "retry", "email:defualt", expect=1)
    assert "there are: email:default" in str(done.exception)


def test_a_provider_that_rests_is_listed_under_its_relay_and_woken_by_name(office: Office) -> None:
    rest(office, "email:default")
    rest(office, "email:default>gmail", hours=1)
    [relay, gmail] = office.json("lanes", "list")
    assert (gmail["name"], gmail["state"], gmail["asked_by_provider"]) == ("email:default>gmail", "waiting", True)
    assert (relay["sent"], gmail["sent"]) == (0, None)
    found = office.json("lanes", "retry", "email:default>gmail", "--even-if-asked")
    assert found == {"woken": ["email:default>gmail"], "left_alone": []}
    assert states(office) == {"email:default": "resting", "email:default>gmail": "rested"}


def test_a_relay_that_has_never_worked_is_ready(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPATCH_EMAIL__HOST", "mail.test")
    monkeypatch.setenv("DISPATCH_EMAIL__FROM_ADDRESS", "news@x.test")
    monkeypatch.setenv("DISPATCH_EMAIL__RELAYS", '[{"name": "second", "host": "other.test"}]')
    rest(office, "email:second")
    assert states(office) == {"email:default": "ready", "email:second": "resting"}
    assert "email:default" in office("lanes", "list").stdout
