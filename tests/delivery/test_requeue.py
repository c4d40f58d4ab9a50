"""Trying again: what ended unsent is queued once more, whatever it was in, and nothing else."""

from __future__ import annotations

import pytest

from dispatch.delivery import claims, ledger, requeue, settles
from dispatch.delivery.ledger import Attempt, Work
from dispatch.delivery.requeue import Failed, Requeued
from dispatch.errors import Failure, StateError
from dispatch.model import Rejected, Retry, Sent
from subscribers import directory
from subscribers.model import EndpointState, Preferences
from tests.acts import at
from tests.delivery.conftest import EXPIRE, Desk


def claim(desk: Desk, queue: str = "email") -> list[Work]:
    return claims.claim(desk.db, queue, 100, "me", desk.clock.now(), 300_000)


def settle(desk: Desk, work: Work, reason: str = "") -> None:
    outcome = Rejected(reason, "550") if reason else Sent()
    made = Attempt(work, 0, outcome, desk.clock.now(), 1, True, "id-1", "lane")
    settles.settle(desk.db, [made], desk.clock.now())


def failed(desk: Desk, *reasons: str, channel: str = "email", total: int = 534) -> int:
    """An issue whose deliveries ended with these reasons (""): sent)."""
    for number, _ in enumerate(reasons):
        desk.reader(f"{channel}-{total}-{number}", f"topic:t{total}", channel=channel)
    issue = desk.issue({"一": [f"t{total}"]}, total)
    desk.plan()
    for work, reason in zip(claim(desk, channel), reasons, strict=True):
        settle(desk, work, reason)
    ledger.finish_issues(desk.db, desk.clock.now())
    return issue


def retry(desk: Desk, *ids: int) -> Requeued:
    return requeue.retry(desk.db, ids, expire_ms=EXPIRE, now=desk.clock.now())


def retry_failed(desk: Desk, wanted: Failed | None = None) -> Requeued:
    return requeue.retry_failed(desk.db, wanted or Failed(), expire_ms=EXPIRE, now=desk.clock.now())


def states(desk: Desk) -> list[str]:
    return [row["state"] for row in desk.db.all("SELECT state FROM deliveries ORDER BY id")]


def test_a_failed_delivery_can_be_tried_again(desk: Desk) -> None:
    issue = failed(desk, "no")
    assert desk.issue_state(issue) == "sent"
    assert retry(desk, 1) == Requeued(1, 1)
    assert states(desk) == ["planned"]
    assert desk.issue_state(issue) == "sending"
    [work] = claim(desk)
    settle(desk, work)
    assert states(desk) == ["sent"]
    outcomes = [row["outcome"] for row in desk.db.all("SELECT outcome FROM attempts ORDER BY id")]
    assert outcomes == ["rejected", "sent"]


def test_what_waits_for_a_later_time_is_due_now(desk: Desk) -> None:
    desk.reader("a", "all")
    desk.issue({"一": ["red"]})
    desk.plan()
    with desk.db.transaction():
        desk.db.run("UPDATE messages SET due_at = due_at + 3600000")
    assert claim(desk) == []
    assert retry(desk, 1) == Requeued(0, 1)
    assert len(claim(desk)) == 1


def test_a_sent_delivery_cannot_be_tried_again(desk: Desk) -> None:
    failed(desk, "", "no")
    with pytest.raises(StateError, match="delivery 1 is sent"):
        retry(desk, 2, 1)
    with pytest.raises(Failure, match="no delivery 99"):
        retry(desk, 2, 99)
    assert states(desk) == ["sent", "failed"]  # all or none


def test_what_is_being_sent_or_paused_or_cancelled_or_gone_cannot_be_tried_again(desk: Desk) -> None:
    failed(desk, "no")
    desk.reader("b", "topic:blue")
    desk.issue({"一": ["blue"]}, 535)
    desk.plan()
    [work] = claim(desk)
    with pytest.raises(StateError, match="being sent right now"):
        retry(desk, 2)
    ledger.release(desk.db, [work])
    with desk.db.transaction():
        desk.db.run("UPDATE messages SET state = 'paused' WHERE id = 2")
        desk.db.run("UPDATE deliveries SET message_id = NULL WHERE id = 1")
    with pytest.raises(StateError, match=r"is paused \(see: dispatch issues resume 535"):
        retry(desk, 2)
    with pytest.raises(StateError, match="its message is kept no longer"):
        retry(desk, 1)
    with desk.db.transaction():
        desk.db.run("UPDATE issues SET state = 'cancelled'")
    with pytest.raises(StateError, match="an issue that is cancelled"):
        retry(desk, 1)


def test_all_that_failed_are_queued_again_and_nothing_else(desk: Desk) -> None:
    issue = failed(desk, "no", "", "never", "")
    assert retry_failed(desk) == Requeued(2, 2)
    assert states(desk) == ["planned", "sent", "planned", "sent"]
    assert desk.issue_state(issue) == "sending"
    assert retry_failed(desk) == Requeued(0, 0)


def test_the_failed_are_chosen_by_reason_issue_and_channel(desk: Desk) -> None:
    first = failed(desk, "Greylisted, come back", "user unknown")
    second = failed(desk, "greylisted again", channel="telegram", total=535)
    now = desk.clock.now()
    found = [
        requeue.failed(desk.db, wanted, now=now).deliveries
        for wanted in (
            *(Failed(), Failed(reason="GREYLISTED"), Failed(first), Failed(second), Failed(channel="telegram")),
            *(Failed(first, reason="grey"), Failed(first, "telegram"), Failed(reason="100%"), Failed(reason="_")),
        )
    ]
    assert found == [3, 2, 2, 1, 1, 1, 0, 0, 0]
    assert retry_failed(desk, Failed(first, "email", "grey")) == Requeued(1, 1)
    assert states(desk) == ["planned", "failed", "failed"]
    assert desk.issue_state(second) == "sent"


def test_a_dry_run_tells_the_reasons_and_changes_nothing(desk: Desk) -> None:
    failed(desk, "550 <a@x.test> unknown", "550 <b@x.test> unknown", "too big")
    found = requeue.failed(desk.db, Failed(), now=desk.clock.now())
    assert found.deliveries == 3
    assert [(why, of) for _, why, of in found.reasons.commonest(5)] == [("550 ‹address› unknown", 2), ("too big", 1)]
    assert states(desk) == ["failed"] * 3


def test_a_bundle_goes_again_as_one_message_whichever_of_its_deliveries_is_meant(desk: Desk) -> None:
    desk.reader("a", "all", preferences=Preferences(bundled=True))
    desk.issue({"一": ["red"], "二": ["blue"]})
    desk.plan()
    [work] = claim(desk)
    settle(desk, work, "no")
    assert retry(desk, 2) == Requeued(2, 1)
    [again] = claim(desk)
    assert len(again.owed) == 2
    settle(desk, again, "no")
    desk.clock.ms += 1
    assert retry_failed(desk) == Requeued(2, 1)


def test_what_fails_again_meanwhile_is_not_taken_twice(desk: Desk) -> None:
    """A sender may be quicker than the sweep: what it has just failed to send is not queued for ever."""
    failed(desk, "no")
    before = desk.clock.now()
    desk.clock.ms += 1_000
    retry(desk, 1)
    [work] = claim(desk)
    settle(desk, work, "no again")
    done = requeue.retry_failed(desk.db, Failed(), expire_ms=EXPIRE, now=before)
    assert done == Requeued(0, 0)


def test_nothing_of_a_cancelled_issue_is_queued(desk: Desk) -> None:
    failed(desk, "no")
    with desk.db.transaction():
        desk.db.run("UPDATE issues SET state = 'cancelled'")
    assert retry_failed(desk) == Requeued(0, 0)


def test_a_sweep_is_cut_into_transactions_of_a_slice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requeue, "SLICE", 2)  # a limit of ours, not a function
    failed(desk, *["no"] * 5)
    looked: list[int] = []
    done = requeue.retry_failed(desk.db, Failed(), expire_ms=EXPIRE, now=desk.clock.now(), advance=looked.append)
    assert done == Requeued(5, 5)
    assert looked == [2, 2, 1]


def put(desk: Desk, address: str, state: EndpointState) -> None:
    with desk.db.transaction():
        _, [endpoint] = directory.find(desk.db, address)
        directory.set_state(desk.db, endpoint.id, state, "full for weeks", at(desk.clock.now()))


def test_what_goes_to_nobody_is_left_out_and_counted(desk: Desk) -> None:
    failed(desk, "no", "no", "no", "no")
    for number, state in enumerate((EndpointState.SUPPRESSED, EndpointState.GONE, EndpointState.SUPPRESSED)):
        put(desk, f"email-534-{number}", state)
    left = {"suppressed": 2, "gone": 1}
    found = requeue.failed(desk.db, Failed(), now=desk.clock.now())
    assert (found.deliveries, found.left_out) == (1, left)
    assert retry_failed(desk) == Requeued(1, 1, left)
    assert states(desk) == ["failed", "failed", "failed", "planned"]
    with pytest.raises(StateError, match=r"delivery 1 .*e1.* suppressed \(full for weeks\).*subscribers reactivate"):
        retry(desk, 1)
    put(desk, "email-534-0", EndpointState.ACTIVE)
    assert retry(desk, 1) == Requeued(1, 1)


def test_what_was_put_off_is_due_now_and_what_waits_by_plan_is_not(desk: Desk) -> None:
    for name in ("a", "b", "c"):
        desk.reader(name, "all")
    desk.issue({"一": ["red"]})
    desk.plan()
    for work, reason in zip(claim(desk), ("451 greylisted", "421 busy", ""), strict=True):
        later = Attempt(work, 0, Retry(reason), desk.clock.now(), 1, True, "id", "lane", desk.clock.now() + 600_000)
        if reason:
            settles.settle(desk.db, [later], desk.clock.now())
        else:
            ledger.release(desk.db, [work])
    with desk.db.transaction():
        desk.db.run("UPDATE messages SET due_at = due_at + 600000 WHERE attempts = 0")  # a daily slot
    put(desk, "b", EndpointState.PAUSED)
    before = desk.message("a")
    waiting = Failed(waiting=True)
    assert requeue.failed(desk.db, waiting, now=desk.clock.now()).deliveries == 1
    assert retry_failed(desk, Failed(waiting=True, reason="greylisted")) == Requeued(1, 1)
    assert retry_failed(desk, waiting) == Requeued(0, 0, {"paused": 1})
    assert [work.address for work in claim(desk)] == ["a"]
    after = desk.message("a")
    assert (after["attempts"], after["expires_at"]) == (1, before["expires_at"])
