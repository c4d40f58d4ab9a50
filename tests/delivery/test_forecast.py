"""What a dry run tells is what a plan then does."""

from __future__ import annotations

from collections import Counter

import pytest

from dispatch.delivery import claims, planner
from dispatch.delivery.forecast import Due, forecast, steps
from dispatch.reader_words import read_marked
from subscribers import directory, words
from subscribers.model import Cadence, EndpointState, Preferences, Rhythm
from tests.acts import at
from tests.cli.conftest import Office, office
from tests.delivery.conftest import START, Desk

__all__ = ["office"]
COLUMNS = {"一": ("甲 乙", "丙"), "二": ("乙 丁",)}
DAILY = Preferences(Rhythm(Cadence.DAILY, minute=480))


def populate(desk: Desk) -> None:
    desk.reader("a@x.test", "all")
    desk.reader("b@x.test", "topic:乙", preferences=DAILY)
    desk.reader("c@x.test", "topic:甲", "topic:丙")
    desk.reader("7", "topic:丁", channel="telegram")
    desk.reader("nobody@x.test", "topic:戊")
    for name, state in (("p@x.test", EndpointState.PENDING), ("q@x.test", EndpointState.PAUSED)):
        directory.set_state(desk.db, desk.reader(name, "topic:乙", "all"), state, "", at(START))


def test_a_forecast_is_what_a_plan_does(desk: Desk) -> None:
    populate(desk)
    issue = desk.issue(COLUMNS)
    found = forecast(desk.db, issue, desk.clock.now())
    assert desk.db.value("SELECT COUNT(*) FROM deliveries") == 0
    assert desk.plan() == sum(count.endpoints for count in found.counts) == 6
    planned = desk.db.rows(
        "SELECT d.digest_id, e.channel, d.variant, COUNT(*) FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id"
        " GROUP BY d.digest_id, e.channel, d.variant"
    )
    assert sorted((c.digest_id, c.channel, c.variant, c.endpoints) for c in found.counts) == sorted(planned)
    assert found.endpoints == desk.db.value("SELECT COUNT(DISTINCT endpoint_id) FROM deliveries") == 4
    due = dict(desk.db.rows("SELECT due_at, COUNT(DISTINCT endpoint_id) FROM messages GROUP BY due_at"))
    assert {item.due_at: item.endpoints for item in found.due} == due
    assert found.due[0] == Due("now", START, 3)
    assert found.due[1].cadence == "daily"
    assert found.left_out == {"pending": 1, "paused": 1}


def test_words_count_as_they_will_at_the_claim(desk: Desk) -> None:
    given = {"甲": (), "乙": ("区块链",), "丙": ("-广告",), "丁": ("没有这个词",)}
    for name, chosen in given.items():
        reader = desk.reader(f"{name}@x.test", "topic:a", preferences=DAILY if name == "丁" else Preferences())
        with desk.db.transaction():
            words.add(desk.db, reader, map(read_marked, chosen), at(START))
    issue = desk.issue({"一": ["a 区块链", "a 广告", "a"], "二": ["a"]})
    found = forecast(desk.db, issue, desk.clock.now())
    assert found.left_out == {"words": 1}
    assert (found.endpoints, found.due) == (3, (Due("now", START, 3),))
    desk.plan()
    going = Counter(
        (owed.digest_id, "email", owed.variant)
        for work in claims.claim(desk.db, "email", 100, "me", START, 300_000)
        for owed in work.owed
    )
    assert {(c.digest_id, c.channel, c.variant): c.endpoints for c in found.counts} == going
    assert len(going) == 4


def test_nobody_is_a_forecast_too(desk: Desk) -> None:
    issue = desk.issue(COLUMNS)
    assert steps(desk.db, issue) == 0
    found = forecast(desk.db, issue, START)
    assert (found.counts, found.endpoints, found.due, found.left_out) == ((), 0, (), {})


def test_slices_add_up_and_progress_comes_to_what_was_promised(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    populate(desk)
    issue = desk.issue(COLUMNS)
    whole = forecast(desk.db, issue, START)
    monkeypatch.setattr(planner, "_PREVIEWED", 2)  # a size, no function of ours
    told: list[int] = []
    assert forecast(desk.db, issue, START, told.append) == whole
    assert sum(told) == steps(desk.db, issue)
    assert len(told) > 3


def test_the_dry_run_names_the_biggest_variants_and_sums_the_rest(office: Office) -> None:
    words = [f"t{n}" for n in range(40)]
    for n, word in enumerate(words):
        office.desk.reader(f"{n}@x.test", f"topic:{word}")
    for n in range(3):
        office.desk.reader(f"all{n}@x.test", "all")
    office.desk.issue({"一": words}, approve=False)
    found = office.json("issues", "send", "534", "--dry-run")
    assert found["deliveries"] == found["endpoints"] == 43
    assert found["variants"][0] == {"column": "一", "channel": "email", "articles": words, "endpoints": 3}
    assert found["columns"] == [{"column": "一", "channel": "email", "deliveries": 43}]
    assert len(found["variants"]) == 41
    assert [(item["cadence"], item["endpoints"]) for item in found["due"]] == [("now", 43)]
    told = office("issues", "send", "534", "--dry-run").stdout
    assert "11 more variants" in told
    assert "addresses that would be written to: 43" in told
    assert "nothing was sent" in told
    assert office.desk.issue_state(1) == "held"
