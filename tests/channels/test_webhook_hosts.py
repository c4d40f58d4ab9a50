"""Whose limit a refusal tells of: an endpoint's, or the host's."""

from __future__ import annotations

import pytest

from dispatch.channels.webhook.hosts import Hosts
from dispatch.model import Outcome, Rejected, Retry, Sent

BUSY = Retry("busy", "429", after=30)


def judged(hosts: Hosts, *answers: tuple[str, Outcome]) -> list[Outcome]:
    return [hosts.judged(f"https://{where}", outcome) for where, outcome in answers]


def spared(outcomes: list[Outcome]) -> list[float | None]:
    return [outcome.group_rest if isinstance(outcome, Retry) else None for outcome in outcomes]


@pytest.mark.parametrize("code", ["429", "502", "503", "504"])
def test_several_endpoints_in_a_row_are_the_host(code: str) -> None:
    """Which rests for as long as the last one asks, or as we choose (0)."""
    first = Retry("busy", code, after=30)
    answers = [
        ("a.example/1", first),
        ("a.example/2", first),
        ("a.example/3", first),
        ("a.example/4", Retry("b", code)),
    ]
    assert spared(judged(Hosts(), *answers)) == [None, None, 30, 0]


def test_one_endpoint_of_many_waits_alone() -> None:
    """Nothing else goes to it before it may."""
    outcomes = judged(Hosts(), *[("a.example/1", BUSY)] * 5)
    assert spared(outcomes) == [None] * 5
    assert all(isinstance(outcome, Retry) and outcome.whole_address for outcome in outcomes)


def test_an_acceptance_in_between_shows_that_the_host_takes_something() -> None:
    answers: list[tuple[str, Outcome]] = [
        ("a.example/1", BUSY), ("a.example/2", BUSY), ("a.example/9", Sent()), ("a.example/3", BUSY),
        ("a.example/4", BUSY),
    ]  # fmt: skip
    assert spared(judged(Hosts(), *answers)) == [None] * 5


def test_hosts_are_judged_one_by_one() -> None:
    """Ports too: another port is another server."""
    wheres = ["a.example/1", "a.example/2", "b.example/1", "a.example:8443/3"]
    assert spared(judged(Hosts(), *[(where, BUSY) for where in wheres])) == [None] * 4


def test_other_refusals_say_nothing() -> None:
    answers: list[tuple[str, Outcome]] = [
        (f"a.example/{number}", outcome)
        for number in range(5)
        for outcome in (Rejected("no", "410"), Retry("x", "500"))
    ]
    assert judged(Hosts(), *answers) == [outcome for _, outcome in answers]
