"""Pausing, resuming, cancelling: what is under way, whole or in part."""

from __future__ import annotations

import pytest

from dispatch import archive
from dispatch.delivery import claims, control, ledger, requeue, settles
from dispatch.delivery.control import Part
from dispatch.delivery.ledger import Attempt
from dispatch.errors import Failure, StateError
from dispatch.model import Envelope, Outcome, Rejected, Sent
from subscribers.model import Preferences
from tests.delivery.conftest import EXPIRE, Desk, FakeChannel

COLUMNS = {"一": ["red"], "二": ["blue"]}
HOUR = 3_600_000


def stored(desk: Desk, issue: int) -> archive.StoredIssue:
    return archive.load(desk.db, issue)


def pause(desk: Desk, issue: int, part: Part | None = None, *, sweep: bool = True) -> int:
    """Pause as the command does; how many messages it put aside."""
    part = part or Part()
    with desk.db.transaction():
        control.pause(desk.db, stored(desk, issue), part, "me", desk.clock.now())
    return sum(control.put_aside(desk.db, issue, part, desk.clock.now())) if sweep else 0


def resume(desk: Desk, issue: int, part: Part | None = None) -> int:
    with desk.db.transaction():
        control.resume(desk.db, stored(desk, issue), part or Part())
    return carry_out(desk)


def cancel(desk: Desk, issue: int, part: Part | None = None, *, sweep: bool = True) -> int:
    """Cancel as the command does; without the sweep it dies right after its word."""
    with desk.db.transaction():
        control.cancel(desk.db, stored(desk, issue), part or Part(), "me", desk.clock.now())
    return carry_out(desk) if sweep else 0


def carry_out(desk: Desk) -> int:
    total = 0
    while moved := control.carry_out(desk.db, desk.clock.now()):
        total += moved
    return total


def planned(desk: Desk, *readers: str, bundled: bool = False) -> int:
    """An issue that is being sent to these readers, who get all of it."""
    for reader in readers:
        desk.reader(reader, "all", preferences=Preferences(bundled=bundled))
    issue = desk.issue(COLUMNS)
    desk.plan()
    return issue


@pytest.mark.parametrize("sweep", [True, False])
async def test_a_paused_issue_goes_to_nobody_until_it_is_resumed(desk: Desk, sweep: bool) -> None:
    issue = planned(desk, "a", "b")
    pause(desk, issue, sweep=sweep)
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.sends == []
    assert desk.issue_state(issue) == "paused"
    assert resume(desk, issue) == 4
    await desk.drain(channel)
    assert sorted(channel.addresses) == ["a", "a", "b", "b"]
    assert desk.issue_state(issue) == "sent"


async def test_a_paused_column_waits_and_the_others_go(desk: Desk) -> None:
    issue = planned(desk, "a", "b")
    assert pause(desk, issue, Part(0)) == 2
    await desk.drain(FakeChannel())
    assert desk.states() == {"a 一": "planned", "a 二": "sent", "b 一": "planned", "b 二": "sent"}
    assert desk.issue_state(issue) == "sending"
    resume(desk, issue, Part(0))
    await desk.drain(FakeChannel())
    assert set(desk.states().values()) == {"sent"}


async def test_a_paused_channel_waits_and_the_others_go(desk: Desk) -> None:
    desk.reader("1", "all", channel="telegram")
    issue = planned(desk, "a")
    assert pause(desk, issue, Part(None, "email")) == 2
    email, telegram = FakeChannel(), FakeChannel("telegram")
    telegram.lane = type(telegram.lane)("telegram:default", "telegram")
    await desk.drain(email)
    await desk.drain(telegram)
    assert (email.addresses, telegram.addresses) == ([], ["1", "1"])


async def test_a_bundle_goes_without_the_part_that_is_paused(desk: Desk) -> None:
    issue = planned(desk, "a", bundled=True)
    pause(desk, issue, Part(1))
    channel = FakeChannel()
    await desk.drain(channel)
    assert [len(page.content.sections) for page in channel.pages] == [1]
    assert desk.states() == {"a 一": "sent", "a 二": "planned"}
    resume(desk, issue, Part(1))
    await desk.drain(channel)
    assert len(channel.pages) == 2
    assert set(desk.states().values()) == {"sent"}


async def test_a_bundle_that_is_paused_as_a_whole_stays_one(desk: Desk) -> None:
    issue = planned(desk, "a", bundled=True)
    pause(desk, issue)
    await desk.drain(FakeChannel())
    resume(desk, issue)
    channel = FakeChannel()
    await desk.drain(channel)
    assert [len(page.content.sections) for page in channel.pages] == [2]


async def test_two_pauses_need_two_resumes(desk: Desk) -> None:
    issue = planned(desk, "a")
    pause(desk, issue, Part(0))
    pause(desk, issue, Part(None, "email"))
    assert resume(desk, issue, Part(0)) == 0
    assert resume(desk, issue, Part(None, "email")) == 2


async def test_the_time_of_a_pause_does_not_count_against_a_message(desk: Desk) -> None:
    issue = planned(desk, "a")
    pause(desk, issue)
    desk.clock.ms += 100 * HOUR
    resume(desk, issue)
    await desk.drain(FakeChannel())
    assert set(desk.states().values()) == {"sent"}


async def test_a_clock_that_was_set_back_shortens_no_time(desk: Desk) -> None:
    issue = planned(desk, "a")
    before = desk.message("a")["expires_at"]
    pause(desk, issue)
    desk.clock.ms -= HOUR
    resume(desk, issue)
    assert desk.message("a")["expires_at"] == before


async def test_a_pause_while_sending_stops_the_rest(desk: Desk) -> None:
    issue = planned(desk, *(f"r{number}" for number in range(50)))
    channel = FakeChannel()

    def answer(envelope: Envelope, part: int) -> Outcome:
        if len(channel.sends) == 5:
            pause(desk, issue)
        return Sent()

    channel.answer = answer
    await desk.drain(channel, page=10)
    assert 5 <= len(channel.sends) <= 20  # what was claimed already is finished
    assert resume(desk, issue) == 100 - len(channel.sends)
    await desk.drain(channel)
    assert len(channel.sends) == len(set(channel.sends)) == 100


async def test_a_cancelled_issue_says_so_of_everything_that_was_not_sent(desk: Desk) -> None:
    desk.reader("late", "all", preferences=Preferences(bundled=True))
    issue = planned(desk, "a", "b")
    [work] = claims.claim(desk.db, "email", 1, "me", desk.clock.now(), 300_000)
    assert cancel(desk, issue) == 6 - len(work.owed)
    assert sorted(desk.states().values()) == ["cancelled"] * (6 - len(work.owed)) + ["planned"] * len(work.owed)
    ledger.release(desk.db, [work])  # the sender gives it back
    assert carry_out(desk) == len(work.owed)
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.sends == []
    assert desk.db.value("SELECT COUNT(*) FROM messages WHERE state NOT IN ('cancelled')") == 0
    assert desk.issue_state(issue) == "cancelled"


async def test_a_paused_issue_can_be_cancelled(desk: Desk) -> None:
    issue = planned(desk, "a", bundled=True)
    pause(desk, issue)
    await desk.drain(FakeChannel())
    cancel(desk, issue)
    assert set(desk.states().values()) == {"cancelled"}
    assert desk.message("a")["state"] == "cancelled"


async def test_cancelling_one_issue_leaves_the_rest_of_a_bundle(desk: Desk) -> None:
    desk.reader("a", "all", preferences=Preferences(bundled=True))
    first, second = desk.issue({"一": ["red"]}), desk.issue({"二": ["blue"]}, total=535)
    desk.plan()
    cancel(desk, first)
    channel = FakeChannel()
    await desk.drain(channel)
    assert desk.states() == {"a 一": "cancelled", "a 二": "sent"}
    assert [len(page.content.sections) for page in channel.pages] == [1]
    assert desk.issue_state(second) == "sent"


@pytest.mark.parametrize("sweep", [True, False])
async def test_a_cancelled_column_ends_and_the_others_go(desk: Desk, sweep: bool) -> None:
    issue = planned(desk, "a", "b")
    assert cancel(desk, issue, Part(0), sweep=sweep) == (2 if sweep else 0)
    channel = FakeChannel()
    await desk.drain(channel)
    assert desk.states() == {"a 一": "cancelled", "a 二": "sent", "b 一": "cancelled", "b 二": "sent"}
    assert desk.issue_state(issue) == "sent"
    reasons = {row["reason"] for row in desk.db.all("SELECT reason FROM deliveries WHERE state = 'cancelled'")}
    assert reasons == {"this part of the issue was cancelled"}
    assert len(channel.sends) == 2
    assert carry_out(desk) == 0


@pytest.mark.parametrize("sweep", [True, False])
async def test_a_cancelled_channel_ends_and_the_others_go(
    desk: Desk, sweep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "PAGE", 2)  # a limit of ours: each page holds both channels
    for number in range(3):
        desk.reader(str(number), "all", channel="telegram")
    issue = planned(desk, "a", "b")
    assert control.owed(desk.db, issue, Part(None, "telegram")) == {"telegram": 6}
    assert control.owed(desk.db, issue, Part()) == {"email": 4, "telegram": 6}
    assert cancel(desk, issue, Part(None, "telegram"), sweep=sweep) == (6 if sweep else 0)
    email, telegram = FakeChannel(), FakeChannel("telegram")
    telegram.lane = type(telegram.lane)("telegram:default", "telegram")
    await desk.drain(telegram)
    await desk.drain(email)
    assert (len(email.sends), telegram.sends) == (4, [])
    assert desk.issue_state(issue) == "sent"


async def test_a_bundle_goes_without_the_part_that_is_cancelled(desk: Desk) -> None:
    issue = planned(desk, "a", bundled=True)
    assert cancel(desk, issue, Part(1)) == 1
    channel = FakeChannel()
    await desk.drain(channel)
    assert [len(page.content.sections) for page in channel.pages] == [1]
    assert desk.states() == {"a 一": "sent", "a 二": "cancelled"}


def test_a_cancel_of_a_part_whose_command_died_is_finished_by_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "PAGE", 3)  # a limit of ours
    issue = planned(desk, *(f"r{number}" for number in range(10)))
    cancel(desk, issue, Part(0), sweep=False)
    assert control.carry_out(desk.db, desk.clock.now()) == 3  # as far as it came
    other = Desk(desk.url)
    assert carry_out(other) == 7
    other.db.close()
    assert cancel(desk, issue, Part(0)) == 0  # and it can be said again
    assert sorted(desk.states().values()) == ["cancelled"] * 10 + ["planned"] * 10


async def test_what_is_being_sent_of_a_cancelled_part_ends_when_it_comes_back(desk: Desk) -> None:
    issue = planned(desk, "a")
    works = claims.claim(desk.db, "email", 10, "me", desk.clock.now(), 300_000)
    assert control.owed(desk.db, issue, Part(0)) == {}
    assert cancel(desk, issue, Part(0)) == 0
    ledger.release(desk.db, works)  # the sender gives it back
    await desk.drain(FakeChannel())
    assert desk.states() == {"a 一": "cancelled", "a 二": "sent"}


async def test_a_part_can_be_cancelled_before_the_issue_is_planned(desk: Desk) -> None:
    desk.reader("a", "all")
    issue = desk.issue(COLUMNS)
    assert cancel(desk, issue, Part(0)) == 0
    desk.plan()
    assert carry_out(desk) == 1
    await desk.drain(FakeChannel())
    assert desk.states() == {"a 一": "cancelled", "a 二": "sent"}


async def test_a_paused_part_can_be_cancelled(desk: Desk) -> None:
    issue = planned(desk, "a")
    pause(desk, issue, Part(0, "email"))
    assert cancel(desk, issue, Part(0)) == 1
    assert control.paused_parts(desk.db, issue) == []
    await desk.drain(FakeChannel())
    assert desk.states() == {"a 一": "cancelled", "a 二": "sent"}


def test_who_paused_or_cancelled_and_when_is_kept(desk: Desk) -> None:
    issue = planned(desk, "a")
    pause(desk, issue)
    pause(desk, issue)
    [row] = control.paused_parts(desk.db, issue)
    assert (row["column_position"], row["channel"], row["held_by"], row["held_at"]) == (-1, "", "me", desk.clock.now())
    resume(desk, issue)
    assert control.paused_parts(desk.db, issue) == []
    cancel(desk, issue)
    [row] = control.cancelled_parts(desk.db, issue)
    assert (row["column_position"], row["cancelled_by"], row["cancelled_at"]) == (-1, "me", desk.clock.now())
    cancel(desk, issue)
    cancel(desk, issue, Part(0))  # it is, already


def test_cancelling_a_part_needs_an_issue_that_is_under_way(desk: Desk) -> None:
    held = desk.issue(COLUMNS, approve=False)
    with pytest.raises(StateError, match="is held: there is nothing to cancel"):
        cancel(desk, held, Part(0))
    cancel(desk, held)
    assert desk.issue_state(held) == "cancelled"


def test_nothing_of_a_cancelled_part_is_tried_again(desk: Desk) -> None:
    issue = planned(desk, "a")
    works = claims.claim(desk.db, "email", 10, "me", desk.clock.now(), 300_000)
    refused = [Attempt(work, 0, Rejected("no", "550"), desk.clock.now(), 1, True, "id", "lane") for work in works]
    settles.settle(desk.db, refused, desk.clock.now())
    cancel(desk, issue, Part(0))
    done = requeue.retry_failed(desk.db, requeue.Failed(), expire_ms=EXPIRE, now=desk.clock.now())
    assert done.deliveries == 1
    with pytest.raises(StateError, match="a part of issue 534 that is cancelled"):
        requeue.retry(desk.db, [1], expire_ms=EXPIRE, now=desk.clock.now())


def test_pausing_needs_an_issue_that_is_under_way(desk: Desk) -> None:
    held = desk.issue(COLUMNS, approve=False)
    for part in (Part(), Part(0)):
        with pytest.raises(StateError, match="is held"):
            pause(desk, held, part)


def test_resuming_names_what_is_paused(desk: Desk) -> None:
    issue = planned(desk, "a")
    pause(desk, issue, Part(0, "email"))
    with pytest.raises(Failure, match="paused are: --column 一 --channel email"):
        resume(desk, issue, Part(1))
    with pytest.raises(StateError, match="not paused"):
        resume(desk, issue)


async def test_a_part_can_be_paused_before_the_issue_is_planned(desk: Desk) -> None:
    desk.reader("a", "all")
    issue = desk.issue(COLUMNS)
    pause(desk, issue, Part(0))
    desk.plan()
    await desk.drain(FakeChannel())
    assert desk.states() == {"a 一": "planned", "a 二": "sent"}


def test_sweeps_go_page_by_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "PAGE", 3)
    issue = planned(desk, *(f"r{number}" for number in range(10)))
    assert pause(desk, issue) == 20
    assert resume(desk, issue) == 20
    assert cancel(desk, issue) == 20
