"""Lists, one delivery's story, counts: what is told of the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.delivery import claims, ledger, reports, settles, slices, tally
from dispatch.delivery.ledger import Attempt, Work
from dispatch.delivery.reports import Story, Wanted
from dispatch.errors import Failure
from dispatch.model import Outcome, Rejected, Retry, Sent
from subscribers import directory
from subscribers.model import EndpointState, Preferences
from tests.acts import at
from tests.delivery.conftest import EXPIRE, Desk

LEASE = 300_000


def claim(desk: Desk, page: int = 100) -> list[Work]:
    return claims.claim(desk.db, "email", page, "me", desk.clock.now(), LEASE)


def settle(desk: Desk, work: Work, outcome: Outcome | None = None, retry_at: int = 0) -> None:
    made = Attempt(
        work,
        0,
        outcome or Sent(code="250"),
        desk.clock.now(),
        12,
        True,
        f"id-{work.message_id}",
        "email:default",
        retry_at,
    )
    settles.settle(desk.db, [made], desk.clock.now())


def planned(desk: Desk, *names: str, bundled: bool = False) -> int:
    """An issue of two columns, planned for readers who follow its red article."""
    for name in names:
        desk.reader(name, "topic:red", preferences=Preferences(bundled=bundled))
    issue = desk.issue({"一": ["red"], "二": ["blue", "red green"]})
    desk.plan()
    return issue


def story(desk: Desk, number: int = 1) -> Story:
    return reports.story(desk.db, number, desk.clock.now())


def change(desk: Desk, sql: str, **values: object) -> None:
    with desk.db.transaction():
        desk.db.run(sql, values)


@pytest.mark.parametrize("names", [("id",), ("digest",), ("endpoints",), ("digest", "state"), ("endpoints", "issue")])
def test_a_list_reads_no_more_than_it_shows(tmp_path: Path, names: tuple[str, ...]) -> None:
    desk = Desk(tmp_path / "ledger.db")  # SQLite's own words for what it reads
    conditions = " AND ".join(reports.SQL[f"filter_{name}"] for name in names)
    sql = reports.SQL["deliveries"].replace("{filter}", conditions)
    known = {"id": 1, "digest": 1, "low": 0, "high": 9, "endpoints": [1], "issue": 1, "state": "sent"}
    values = {name: value for name, value in known.items() if f":{name}" in conditions}
    steps = [row["detail"] for row in desk.db.all(f"EXPLAIN QUERY PLAN {sql}", values)]
    desk.db.close()
    assert not [step for step in steps if step.startswith("SCAN") and "json_each" not in step]


def test_filters_are_joined(desk: Desk) -> None:
    desk.reader("a", "all")
    desk.reader("b", "topic:red")
    issue = desk.issue({"一": ["red"], "二": ["blue"]})
    desk.plan()

    def count(wanted: Wanted | None = None) -> int:
        return len(list(reports.deliveries(desk.db, wanted)))

    assert count() == 3
    assert count(Wanted(issue, "planned", "email", reports.endpoints(desk.db, "a"))) == 2
    assert count(Wanted(endpoints=(2,))) == 1
    assert count(Wanted(issue + 1, endpoints=(2,))) == 0
    assert count(Wanted(state="sent")) == count(Wanted(channel="telegram")) == count(Wanted(endpoints=())) == 0


def test_a_list_goes_through_slices_and_misses_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    planned(desk, *(f"r{n}" for n in range(7)))
    monkeypatch.setattr(reports, "_SLICE", 3)  # a limit of ours, not a function
    rows = list(reports.deliveries(desk.db))
    assert [(row["column"], row["address"]) for row in rows] == [(c, f"r{n}") for c in "一二" for n in range(7)]
    assert [part.size for part in slices.slices(desk.db, size=3)] == [3, 3, 1, 3, 3, 1]
    assert slices.count(desk.db) == 14
    assert [row["articles"] for row in rows][::7] == [["red"], ["red green"]]


def test_endpoints_are_named_by_subscriber_label_and_address_and_outlive_their_subscriber(desk: Desk) -> None:
    endpoint = desk.reader("Li@x.test", "all")
    with desk.db.transaction():
        directory.remove(desk.db, directory.get(desk.db, 1), at(desk.clock.now()))
    for word in ("1", f"e{endpoint}", "Li@x.test", "li@X.test"):
        assert reports.endpoints(desk.db, word) == (endpoint,)
    with pytest.raises(Failure, match="no subscriber or endpoint nobody"):
        reports.endpoints(desk.db, "nobody")
    with pytest.raises(Failure, match="no subscriber or endpoint e99"):
        reports.endpoints(desk.db, "e99")


def test_a_story_tells_why_it_was_planned_and_when_it_is_due(desk: Desk) -> None:
    planned(desk, "a")
    told = story(desk)
    assert [item["tag"] for item in told.follows] == ["topic:red"]
    assert told.row["articles"] == ["red"]
    assert told.message is not None
    assert told.message["due_at"] == desk.clock.now()
    assert told.next.words.startswith("first attempt as soon as a lane of email takes it")


def test_a_story_tells_the_next_attempt_after_one_that_was_put_off(desk: Desk) -> None:
    planned(desk, "a")
    [work, _] = claim(desk)
    later = desk.clock.now() + 60_000
    settle(desk, work, Retry("451 busy", "451"), later)
    told = story(desk)
    assert (told.next.words, told.next.at) == ("next attempt", later)
    assert told.row["reason"] == "451 busy"
    [attempt] = told.attempts
    assert (attempt["outcome"], attempt["code"], attempt["detail"], attempt["duration_ms"]) == (
        "retry", "451", "451 busy", 12,
    )  # fmt: skip


def test_a_story_tells_what_is_being_sent(desk: Desk) -> None:
    planned(desk, "a")
    claim(desk)
    told = story(desk)
    assert "is being sent" in told.next.words
    assert told.next.at == desk.clock.now() + LEASE


def test_a_story_of_what_was_sent_has_the_follows_and_the_message_id(desk: Desk) -> None:
    planned(desk, "a")
    for work in claim(desk):
        settle(desk, work)
    told = story(desk)
    assert told.message is not None
    assert (told.row["reason"], told.message["provider_id"]) == ("topic:red", "id-1")
    assert told.next.words == "nothing: it has ended"


def test_a_story_of_a_failure_says_how_to_try_again(desk: Desk) -> None:
    planned(desk, "a")
    settle(desk, claim(desk)[0], Rejected("550 no", "550"))
    assert "dispatch deliveries retry 1" in story(desk).next.words


@pytest.mark.parametrize("how", ["message", "issue", "part"])
def test_a_story_says_what_is_paused(desk: Desk, how: str) -> None:
    issue = planned(desk, "a")
    if how == "message":
        change(desk, "UPDATE messages SET state = 'paused', paused_at = 5, paused_for = 1")
    elif how == "issue":
        change(desk, "UPDATE issues SET state = 'paused'")
    else:
        change(desk, "INSERT INTO holds VALUES (:issue, 0, 'email', 5, 'test')", issue=issue)
    assert story(desk).next.words == "paused: it goes on after: dispatch issues resume 534"
    assert ("paused" in story(desk, 2).next.words) == (how != "part")
    assert story(desk).row["standing"] == ("paused" if how == "message" else "planned")
    assert len(list(reports.deliveries(desk.db, Wanted(state="paused")))) == (2 if how == "message" else 0)


def test_a_story_says_that_the_endpoint_gets_nothing_now(desk: Desk) -> None:
    planned(desk, "a")
    with desk.db.transaction():
        directory.set_state(desk.db, 1, EndpointState.PAUSED, "on leave", at(desk.clock.now()))
    assert "the endpoint is paused: on leave" in story(desk).next.words


def test_a_story_says_when_every_lane_rests(desk: Desk) -> None:
    planned(desk, "a")
    until = desk.clock.now() + 30_000
    change(
        desk,
        "INSERT INTO lanes (name, queue, breaker, not_before, reason)"
        " VALUES ('email:one', 'email', 'open', :at, 'out')",
        at=until,
    )
    assert story(desk).next == reports.Next("first attempt when email:one is back (out)", until)
    change(desk, "INSERT INTO lanes (name, queue) VALUES ('email:two', 'email')")
    assert "as soon as a lane" in story(desk).next.words


def forget(desk: Desk) -> None:
    """What retention leaves of a delivery."""
    change(desk, "UPDATE deliveries SET message_id = NULL, variant = 0, reason = ''")
    change(desk, "DELETE FROM attempts")
    change(desk, "DELETE FROM messages")


def test_a_story_whose_message_is_gone_tells_the_rest(desk: Desk) -> None:
    issue = planned(desk, "a")
    works = claim(desk)
    settle(desk, works[0])
    settle(desk, works[1], Rejected("550 no", "550"))
    forget(desk)
    told = story(desk)
    assert (told.message, told.attempts, told.row["state"], told.row["channel"]) == (None, [], "sent", "email")
    assert "is kept no longer" in story(desk, 2).next.words
    assert len(list(reports.deliveries(desk.db))) == 2
    assert tally.count_issue(desk.db, issue, EXPIRE).by_channel() == {"email": {"sent": 1, "failed": 1}}


@pytest.mark.parametrize("number", [0, -1, 99, 2**63, 10**30])
def test_a_story_of_nothing_is_refused(desk: Desk, number: int) -> None:
    with pytest.raises(Failure, match=f"no delivery {number}"):
        story(desk, number)


def test_a_summary_counts_by_channel_and_state(desk: Desk) -> None:
    issue = planned(desk, "a", "b", "c")
    works = claim(desk)
    settle(desk, works[0])
    settle(desk, works[1], Rejected("550 5.1.1 <b@x.test> unknown", "550"))
    settle(desk, works[2], Rejected("550 5.1.1 <c@x.test> unknown", "550"))
    ledger.release(desk.db, works[3:])
    change(desk, "UPDATE messages SET state = 'paused' WHERE id = :id", id=works[3].message_id)
    found = tally.summary(desk.db, issue)
    assert found.by_channel() == {"email": {"sent": 1, "failed": 2, "paused": 1, "waiting": 2}}
    assert found.by_digest() == {1: {"sent": 1, "failed": 2}, 2: {"paused": 1, "waiting": 2}}
    assert found.reasons.commonest(5) == [("failed", "550 5.1.1 ‹address› unknown", 2)]
    assert found.total == tally.summary(desk.db, None).total == 6


def test_reasons_that_all_differ_fill_no_memory() -> None:
    reasons = tally.Reasons()
    for number in range(5_000):
        reasons.add("failed", "x" + "ab"[number % 2] * (number % 250) + "cdefghij"[number // 700], 1)
    for number in range(5_000):
        reasons.add("expired", "y" * (number % 100) + chr(0x4E00 + number), 1)
    assert sum(count for *_, count in reasons.commonest(10_000)) == 10_000
    assert len(reasons.commonest(10_000)) <= 2_002


def test_a_reasons_address_and_numbers_are_left_out_and_long_ones_cost_no_time() -> None:
    assert tally.folded("550 5.1.1 <li.si@x.test>: q1w2e3r4-55 unknown") == "550 5.1.1 ‹address›: … unknown"
    assert len(tally.folded("a-" * 1000)) <= 300


def test_times_far_apart_are_counted_in_few_bins() -> None:
    line = tally.Timeline()
    for second in range(0, 200_000, 3):
        line.add(second, "email", 2)
    points = line.points()
    assert len(points) <= 4_096
    assert sum(count for *_, count in points) == 2 * len(range(0, 200_000, 3))
    assert points[0][0] == 0
    assert points[-1][0] <= 199_998 < points[-1][0] + line.seconds


@pytest.mark.parametrize("ms", [0, 7, 999, 1_000, 12_345, 999_999, 1_234_567, 99_999_999, 123_456_789, 9_876_543_210])
def test_latencies_are_cut_to_three_digits_alike_in_both_places(desk: Desk, ms: int) -> None:
    planned(desk, "a")
    works = claim(desk)
    for work, attempts in zip(works, (1, 2), strict=True):
        settle(desk, work)
        due = desk.clock.now() - ms
        change(
            desk,
            "UPDATE messages SET due_at = :due, attempts = :attempts, expires_at = :due + :worth WHERE id = :id",
            due=due, attempts=attempts, worth=EXPIRE["email"], id=work.message_id,
        )  # fmt: skip
        change(desk, "UPDATE deliveries SET planned_at = :due WHERE id = :id", due=due, id=work.message_id)
    [(value, count)] = tally.count_issue(desk.db, 1, EXPIRE).latencies["email"].items()
    assert count == 2
    assert value <= ms <= value * 1.01


def test_latency_counts_from_when_it_was_due_at_first(desk: Desk) -> None:
    planned(desk, "a")
    first, second = claim(desk)
    settle(desk, first, Retry("later"), desk.clock.now() + 60_000)
    settle(desk, second)
    desk.clock.ms += 60_000
    [again] = claim(desk)
    settle(desk, again)
    found = tally.count_issue(desk.db, 1, EXPIRE)
    assert dict(found.latencies["email"]) == {0: 1, 60_000: 1}
    assert dict(found.tries) == {("email", 1): 1, ("email", 2): 1}
    assert dict(found.attempts) == {("email", "retry", ""): 1, ("email", "sent", "250"): 2}
    moved = tally.count_issue(desk.db, 1, {"email": 1})  # the setting is another one by now
    assert dict(moved.latencies["email"]) == {0: 2}


def test_a_bundles_attempt_counts_once_in_an_issue(desk: Desk) -> None:
    issue = planned(desk, "a", bundled=True)
    [work] = claim(desk)
    settle(desk, work)
    found = tally.count_issue(desk.db, issue, EXPIRE)
    assert found.by_digest() == {1: {"sent": 1}, 2: {"sent": 1}}
    assert sum(found.attempts.values()) == 1


def test_quantiles() -> None:
    counts = {10: 50, 20: 40, 30: 9, 99: 1}
    assert [tally.quantile(counts, share) for share in (0, 0.5, 0.9, 0.99, 1)] == [10, 10, 20, 30, 99]
    assert tally.quantile({}, 0.5) is None
