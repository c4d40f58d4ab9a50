"""What was begun is finished as it was begun, whatever happens in between."""

from __future__ import annotations

import threading

import pytest

from dispatch import archive
from dispatch.delivery import control, lanes, planner
from dispatch.delivery.control import Part
from dispatch.model import Retry, Sent
from subscribers import directory
from subscribers.model import Preferences
from tests.acts import at
from tests.delivery.conftest import EXPIRE, Desk, FakeChannel

COLUMNS = {"一": ["red"], "二": ["blue"], "三": ["green"]}


def bundle(desk: Desk) -> tuple[int, int]:
    """An issue of three columns for one reader, who gets them as one message; the issue and the endpoint."""
    reader = desk.reader("r", "topic:red", "topic:blue", "topic:green", preferences=Preferences(bundled=True))
    issue = desk.issue(COLUMNS)
    desk.plan()
    return issue, reader


async def two_of_three(desk: Desk) -> FakeChannel:
    """The message goes in three parts, of which the third is refused for now."""
    channel = FakeChannel(parts=3)
    channel.answer = lambda envelope, part: Retry("busy", "450") if part == 2 else Sent()
    await desk.drain(channel)
    channel.answer = lambda envelope, part: Sent()
    desk.clock.ms += 3_600_000
    return channel


def composed(channel: FakeChannel) -> set[tuple[str, ...]]:
    return {tuple(section.digest.column for section in page.content.sections) for page in channel.pages}


async def test_a_dropped_follow_changes_nothing_of_a_message_that_is_under_way(desk: Desk) -> None:
    _, reader = bundle(desk)
    channel = await two_of_three(desk)
    with desk.db.transaction():
        directory.unfollow(desk.db, reader, ["topic:red"], at(desk.clock.now()))
        desk.db.run("UPDATE endpoints SET language = 'en'")
    await desk.drain(channel)
    assert [part for _, part, _ in channel.sends] == [0, 1, 2, 2]
    assert composed(channel) == {("一", "二", "三")}
    assert {page.content.language for page in channel.pages} == {"zh"}
    assert set(desk.states().values()) == {"sent"}


async def test_a_paused_part_holds_up_a_message_that_is_under_way(desk: Desk) -> None:
    issue, _ = bundle(desk)
    channel = await two_of_three(desk)
    with desk.db.transaction():
        control.pause(desk.db, archive.load(desk.db, issue), Part(0), "me", desk.clock.now())
    await desk.drain(channel)
    assert len(channel.sends) == 3
    with desk.db.transaction():
        control.resume(desk.db, archive.load(desk.db, issue), Part(0))
    while control.carry_out(desk.db, desk.clock.now()):
        pass
    await desk.drain(channel)
    assert [part for _, part, _ in channel.sends] == [0, 1, 2, 2]
    assert composed(channel) == {("一", "二", "三")}


async def test_who_follows_nothing_of_it_any_more_gets_no_further_part(desk: Desk) -> None:
    bundle(desk)
    channel = await two_of_three(desk)
    with desk.db.transaction():
        desk.db.run("DELETE FROM follows")
    await desk.drain(channel)
    assert len(channel.sends) == 3
    assert desk.message("r")["state"] == "cancelled"
    assert desk.message("r")["reason"] == "nothing more of it is owed; parts sent: 2"


async def test_a_bundle_paused_for_two_parts_goes_part_by_part(desk: Desk) -> None:
    issue, _ = bundle(desk)
    with desk.db.transaction():
        for column in range(3):
            control.pause(desk.db, archive.load(desk.db, issue), Part(column), "me", desk.clock.now())
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.sends == []
    with desk.db.transaction():
        control.resume(desk.db, archive.load(desk.db, issue), Part(1))
    while control.carry_out(desk.db, desk.clock.now()):
        pass
    await desk.drain(channel)
    assert desk.states() == {"r 一": "planned", "r 二": "sent", "r 三": "planned"}


def test_a_clock_that_is_set_right_again_ends_a_rest_in_its_time(desk: Desk) -> None:
    lanes.rest(desk.db, "email:default", "email", "down", desk.clock.now() + 30 * 86_400_000)
    state = lanes.states(desk.db, ["email:default"])["email:default"]
    assert state.wait(desk.clock.now()) == 5_000
    lanes.rebase(desk.db, state, "email", desk.clock.now())
    state = lanes.states(desk.db, ["email:default"])["email:default"]
    assert (state.breaker, state.wait(desk.clock.now()), state.wait(desk.clock.now() + 5_000)) == ("open", 5_000, 0)


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)  # on SQLite one transaction follows the other
def test_nothing_joins_a_bundle_that_is_being_claimed(desk: Desk) -> None:
    """A claim holds the bundle while a later issue is planned: what is planned waits, and gets a message of its own."""
    bundle(desk)
    desk.issue({"四": ["red"]}, total=535)
    [row] = planner.to_plan(desk.db, desk.clock.now())
    plan = planner.begin(desk.db, row)
    assert plan is not None
    other = desk.connect()
    thread = threading.Thread(
        target=lambda: planner.plan_slice(other, plan, *plan.slices[0], EXPIRE, desk.clock.now()), name="planner"
    )
    with desk.db.transaction(shared=True):
        desk.db.run("UPDATE messages SET state = 'sending', epoch = epoch + 1")  # as a claim does
        thread.start()
        while not desk.db.value("SELECT COUNT(*) FROM pg_locks WHERE NOT granted"):
            pass
    thread.join()
    other.close()
    messages = desk.db.rows("SELECT message_id, COUNT(*) FROM deliveries GROUP BY message_id ORDER BY message_id")
    assert [count for _, count in messages] == [3, 1]
