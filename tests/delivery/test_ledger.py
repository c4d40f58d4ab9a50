"""Leases, epochs, planning."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dispatch import archive
from dispatch.delivery import claims, leases, ledger, planner, settles
from dispatch.delivery.ledger import Attempt, Work
from dispatch.errors import StateError
from dispatch.model import IssueState, Rejected, Retry, Sent
from subscribers import directory
from subscribers.database import Database
from tests.acts import at
from tests.delivery.conftest import EXPIRE, Desk
from tests.marks import sqlite_only

LEASE = 300_000
TEST = ledger.Test("test:1", "email", "email", "editor@x.test", ((1, 1),))


def claim(desk: Desk, owner: str = "me", page: int = 10) -> list[Work]:
    return claims.claim(desk.db, "email", page, owner, desk.clock.now(), LEASE)


def attempt(work: Work, outcome: Sent | Retry | Rejected | None = None) -> Attempt:
    return Attempt(work, 0, outcome or Sent(), 0, 1, True, "id-1", "email:default")


def prepared(desk: Desk, readers: int = 1) -> None:
    for number in range(readers):
        desk.reader(f"r{number}", "topic:red")
    desk.issue({"一": ["red"]})
    desk.plan()


def test_a_claimed_message_is_nobody_elses(desk: Desk) -> None:
    prepared(desk, readers=3)
    first, second = claim(desk, "one", page=2), claim(desk, "two")
    assert len(first) == 2
    assert len(second) == 1
    assert {work.message_id for work in first}.isdisjoint(work.message_id for work in second)
    assert claim(desk, "three") == []


def test_only_the_holder_of_the_epoch_settles(desk: Desk) -> None:
    prepared(desk)
    [frozen] = claim(desk, "frozen")
    desk.clock.ms += LEASE + 1
    leases.take_over(desk.db, desk.clock.now(), "me", {})
    [taken] = claim(desk, "other")
    assert taken.epoch == frozen.epoch + 1
    assert settles.settle(desk.db, [attempt(frozen, Rejected("late"))], desk.clock.now()) == [False]
    assert desk.states() == {"r0 一": "planned"}
    assert desk.db.value("SELECT COUNT(*) FROM attempts") == 0
    assert settles.settle(desk.db, [attempt(taken)], desk.clock.now()) == [True]
    assert desk.states() == {"r0 一": "sent"}


def test_settling_twice_counts_once(desk: Desk) -> None:
    prepared(desk)
    [work] = claim(desk)
    assert settles.settle(desk.db, [attempt(work), attempt(work)], desk.clock.now()) == [True, False]
    assert desk.db.value("SELECT COUNT(*) FROM attempts") == 1


def test_a_lease_that_runs_is_not_taken_over(desk: Desk) -> None:
    prepared(desk)
    claim(desk, leases.new_owner())
    assert leases.take_over(desk.db, desk.clock.now() + LEASE - 1, "me", {}) == 0
    assert leases.take_over(desk.db, desk.clock.now() + LEASE, "me", {}) == 1


def test_the_lease_of_a_dead_process_is_taken_over_at_once(desk: Desk) -> None:
    prepared(desk)
    code = "from dispatch.delivery.leases import new_owner; print(new_owner())"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    claim(desk, dead)
    assert leases.is_dead(dead)
    assert leases.take_over(desk.db, desk.clock.now(), "me", {dead: None}) == 1
    assert len(claim(desk)) == 1


def test_a_process_that_has_the_number_of_a_dead_one_is_another(desk: Desk) -> None:
    host, pid, _, rest = leases.new_owner().split("/")
    assert int(pid) == os.getpid()
    assert leases.is_dead(f"{host}/{pid}/1/{rest}")


@pytest.mark.parametrize("owner", ["elsewhere/1/2/3", "", "x", "a/b", "///"])
def test_an_owner_of_another_machine_is_never_called_dead(owner: str) -> None:
    assert not leases.is_dead(owner)


def test_planning_twice_adds_nothing(desk: Desk) -> None:
    prepared(desk, readers=5)
    with desk.db.transaction():
        desk.db.run("UPDATE issues SET planned_at = NULL")
    assert desk.plan() == 0
    assert desk.db.value("SELECT COUNT(*) FROM messages") == 5


def test_a_plan_cut_short_is_taken_up_again(desk: Desk) -> None:
    for number in range(5):
        desk.reader(f"r{number}", "topic:red")
    issue = desk.issue({"一": ["red"]})
    with desk.db.transaction():  # as a process leaves it that dies between two slices
        desk.db.run("UPDATE issues SET state = 'sending' WHERE id = :id", {"id": issue})
        desk.db.run(
            "INSERT INTO deliveries (digest_id, endpoint_id, variant, state, planned_at)"
            " SELECT (SELECT id FROM digests), id, 1, 'planned', 0 FROM endpoints LIMIT 2"
        )
    ledger.finish_issues(desk.db, desk.clock.now())
    assert desk.issue_state(issue) == "sending"
    desk.plan()
    assert len(desk.states()) == 5
    assert desk.db.value("SELECT COUNT(*) FROM deliveries WHERE message_id IS NULL") == 0


def test_an_issue_held_in_the_meantime_is_not_planned(desk: Desk) -> None:
    desk.reader("a", "topic:red")
    issue = desk.issue({"一": ["red"]})
    [row] = planner.to_plan(desk.db, desk.clock.now())
    with desk.db.transaction():
        archive.change_state(desk.db, archive.load(desk.db, issue), IssueState.HELD)
    assert planner.begin(desk.db, row) is None
    assert desk.issue_state(issue) == "held"


def test_an_issue_cancelled_between_two_slices_is_planned_no_further(desk: Desk) -> None:
    desk.reader("a", "topic:red")
    issue = desk.issue({"一": ["red"]})
    [row] = planner.to_plan(desk.db, desk.clock.now())
    plan = planner.begin(desk.db, row)
    assert plan is not None
    with desk.db.transaction():
        archive.change_state(desk.db, archive.load(desk.db, issue), IssueState.CANCELLED)
    assert planner.plan_slice(desk.db, plan, *plan.slices[0], EXPIRE, desk.clock.now()) is None
    assert desk.states() == {}


def test_setting_the_clock_takes_nothing_from_a_process_that_is_there(desk: Desk) -> None:
    prepared(desk)
    owner = leases.new_owner()
    leases.register(desk.db, owner, desk.clock.now())
    claim(desk, owner)
    assert leases.take_over(desk.db, desk.clock.now() + 10 * LEASE, "another", {}) == 0
    leases.withdraw(desk.db, owner)
    assert len(claim(desk, "another")) == 1


def test_an_opt_out_outlives_what_the_provider_says(desk: Desk) -> None:
    endpoint = desk.reader("a", "topic:red")
    desk.issue({"一": ["red"]})
    desk.plan()
    [work] = claim(desk)
    with desk.db.transaction():
        directory.opt_out(desk.db, endpoint, at(desk.clock.now()))
    settles.settle(desk.db, [attempt(work, Rejected("no", "403", "gone"))], desk.clock.now())
    _, [found] = directory.find(desk.db, f"e{endpoint}")
    assert (found.state, found.reason) == ("suppressed", "unsubscribed by the reader")


def test_words_that_no_database_takes_are_written_down_all_the_same(desk: Desk) -> None:
    prepared(desk)
    [work] = claim(desk)
    assert settles.settle(desk.db, [attempt(work, Rejected("half a \ud83d, a \0"))], desk.clock.now()) == [True]
    [row] = desk.db.all("SELECT reason FROM deliveries")
    assert row["reason"] == "half a ?, a \ufffd"


def test_messages_that_no_lane_takes_end_in_time(desk: Desk) -> None:
    desk.reader("1", "topic:red", channel="telegram")
    desk.issue({"一": ["red"]})
    desk.plan()
    assert ledger.expire(desk.db, "telegram", 10, desk.clock.now() + EXPIRE["telegram"] - 1) == 0
    assert ledger.expire(desk.db, "telegram", 10, desk.clock.now() + EXPIRE["telegram"]) == 1
    assert desk.states() == {"1 一": "expired"}


def test_a_test_that_could_not_be_sent_does_not_go_later(desk: Desk) -> None:
    with desk.db.transaction():
        test = ledger.add_test(desk.db, TEST, desk.clock.now())
    assert ledger.cancel(desk.db, [test], "not sent", desk.clock.now()) == 1
    assert claim(desk) == []


def test_a_test_expires_like_everything_else(desk: Desk) -> None:
    with desk.db.transaction():
        ledger.add_test(desk.db, TEST, desk.clock.now())
    desk.clock.ms += 3_600_000
    assert claim(desk) == []
    assert desk.db.value("SELECT state FROM messages") == "expired"


def test_a_replaced_issue_has_digests_of_its_own(desk: Desk) -> None:
    first = desk.issue({"一": ["red"]}, approve=False)
    before = archive.digest_ids(desk.db, first)
    second = desk.issue({"一": ["green"]}, approve=False)
    assert set(before).isdisjoint(archive.digest_ids(desk.db, second))  # nothing remembered of the old one is shown


def test_every_planned_delivery_has_a_message_of_its_channel(desk: Desk) -> None:
    desk.reader("a", "all")
    desk.reader("1", "all", channel="telegram")
    desk.issue({"一": ["red"], "二": ["blue"]})
    desk.plan()
    rows = desk.db.all(
        "SELECT m.channel, m.queue, e.channel AS wanted FROM deliveries d JOIN messages m ON m.id = d.message_id"
        " JOIN endpoints e ON e.id = d.endpoint_id"
    )
    assert len(rows) == 4
    assert all(row["channel"] == row["wanted"] == row["queue"] for row in rows)


def test_due_queues_names_each_queue_with_something_due(desk: Desk) -> None:
    desk.reader("a", "all")
    desk.reader("1", "all", channel="telegram")
    desk.issue({"一": ["red"]})
    desk.plan()
    assert claims.due_queues(desk.db, desk.clock.now()) == ["email", "telegram"]
    assert claims.due_queues(desk.db, desk.clock.now() - 1) == []


def test_an_urgent_message_goes_before_the_digests(desk: Desk) -> None:
    prepared(desk, readers=3)
    with desk.db.transaction():
        now = desk.clock.now()
        test = ledger.add_test(desk.db, TEST, now)
    assert [work.message_id for work in claim(desk, page=1)] == [test]


def test_only_the_named_messages_are_claimed(desk: Desk) -> None:
    prepared(desk, readers=3)
    found = claims.claim(desk.db, "email", 10, "me", desk.clock.now(), LEASE, only=[2])
    assert [work.message_id for work in found] == [2]
    assert claims.claim(desk.db, "email", 10, "me", desk.clock.now(), LEASE, only=[2]) == []


@pytest.mark.parametrize(("before", "to"), [("held", "sending"), ("sent", "held"), ("cancelled", "approved")])
def test_a_change_of_state_that_is_not_allowed_is_refused(desk: Desk, before: str, to: str) -> None:
    issue = desk.issue({"一": ["red"]}, approve=False)
    with desk.db.transaction():
        desk.db.run("UPDATE issues SET state = :state WHERE id = :id", {"state": before, "id": issue})
    with pytest.raises(StateError, match=f"is {before}"), desk.db.transaction():
        archive.change_state(desk.db, archive.load(desk.db, issue), IssueState(to))


@sqlite_only
def test_the_claim_reads_no_more_of_the_queue_than_it_takes(desk: Desk) -> None:
    plan = _plan(desk.db, ledger.SQL["claim"])
    assert "messages_due" in plan
    assert "SCAN messages" not in plan
    assert "TEMP B-TREE" not in plan


def _plan(db: Database, sql: str) -> str:
    names = ("owner", "lease_until", "queue", "priority", "now", "page")
    return "\n".join(row["detail"] for row in db.all("EXPLAIN QUERY PLAN " + sql, dict.fromkeys(names, 1)))
