"""What lanes remember: rests, breakers, counts; in the store, so that it outlives the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from dispatch.delivery import claims, lanes, settles
from dispatch.delivery.channel import Lane
from dispatch.delivery.lanes import LaneState
from dispatch.delivery.ledger import Attempt, Work
from dispatch.errors import Failure
from dispatch.model import Envelope, Outcome, Rejected, Retry, Sent
from subscribers.database import Database
from tests.delivery.conftest import START, Desk, FakeChannel

LANE = "email:default"
OUTAGE = Retry("nobody answers", "connect", outage=True)
HOURS = Retry("too many requests", "429", after=3 * 3600, outage=True)


def prepared(desk: Desk, readers: int = 1) -> None:
    for number in range(readers):
        desk.reader(f"r{number}", "topic:red")
    desk.issue({"一": ["red"]})
    desk.plan()


def claim(desk: Desk, page: int = 10) -> list[Work]:
    return claims.claim(desk.db, "email", page, "me", desk.clock.now(), 300_000)


def settle(desk: Desk, work: Work, outcome: Outcome, *, stops: bool = False, started: int | None = None) -> None:
    began = desk.clock.now() if started is None else started
    attempt = Attempt(work, 0, outcome, began, 7, True, "id", LANE, desk.clock.now() + 60_000, stops)
    assert settles.settle(desk.db, [attempt], desk.clock.now()) == [True]


def state(desk: Desk) -> LaneState:
    return lanes.states(desk.db, [LANE])[LANE]


def test_a_lane_that_was_never_used_is_closed(desk: Desk) -> None:
    assert state(desk) == LaneState(LANE)
    assert state(desk).wait(desk.clock.now()) == 0


def test_each_outage_in_a_row_doubles_the_rest_up_to_ten_minutes() -> None:
    found, now, rests = LaneState(LANE), START, []
    for _ in range(9):
        found = found.rested("down", None, now)
        rests.append(found.wait(now) // 1000)
        now += found.wait(now)
    assert rests == [5, 10, 20, 40, 80, 160, 320, 600, 600]


def test_an_outage_while_resting_shortens_and_doubles_nothing() -> None:
    first = LaneState(LANE).rested("down", None, START)
    assert first.rested("down too", None, START + 1000) == first
    longer = first.rested("asked", 3600, START + 1000)
    assert longer.wait(START + 1000) == 3_600_000
    assert longer.rested("down", None, START + 2000) == longer


def test_a_rest_is_no_longer_for_a_clock_that_was_set_back() -> None:
    found = LaneState(LANE).rested("down", 60, START)
    assert found.wait(START - 86_400_000) == 60_000
    assert found.wait(START + 59_000) == 1_000
    assert found.wait(START + 86_400_000) == 0


def test_an_outage_opens_the_breaker_and_what_goes_out_after_the_rest_closes_it(desk: Desk) -> None:
    prepared(desk, 2)
    first, second = claim(desk)
    settle(desk, first, OUTAGE, stops=True)
    assert (state(desk).breaker, state(desk).reason) == (lanes.OPEN, "nobody answers")
    settle(desk, second, Sent())  # it was on its way already
    assert state(desk).breaker == lanes.OPEN
    desk.clock.ms += 5_000
    assert lanes.try_again(desk.db, state(desk))
    assert state(desk).breaker == lanes.HALF_OPEN
    [again] = claim(desk)
    settle(desk, again, Sent())
    assert (state(desk).breaker, state(desk).rest_ms) == (lanes.CLOSED, 0)


def test_a_rest_that_came_meanwhile_is_not_cut_short_by_a_try(desk: Desk) -> None:
    lanes.rest(desk.db, LANE, "email", "down", desk.clock.now())
    seen = state(desk)
    desk.clock.ms += 5_000
    lanes.rest(desk.db, LANE, "email", "down again", desk.clock.now())  # as another process writes it
    assert not lanes.try_again(desk.db, seen)
    assert state(desk).breaker == lanes.OPEN


def test_a_refusal_shows_that_somebody_is_there(desk: Desk) -> None:
    prepared(desk, 2)
    first, second = claim(desk)
    settle(desk, first, OUTAGE, stops=True)
    desk.clock.ms += 5_000
    settle(desk, second, Rejected("no such user", "550"))
    assert state(desk).breaker == lanes.CLOSED


def test_counts_are_kept_by_lane_and_minute(desk: Desk) -> None:
    prepared(desk, 4)
    works = claim(desk)
    outcomes: list[Outcome] = [Sent(), Sent(), Retry("later"), Rejected("no")]
    for work, outcome in zip(works, outcomes, strict=True):
        settle(desk, work, outcome)
        desk.clock.ms += 20_000
    total = desk.db.one("SELECT queue, sent, retried, failed, busy_ms FROM lanes")
    assert total == {"queue": "email", "sent": 2, "retried": 1, "failed": 1, "busy_ms": 28}
    minutes = desk.db.all("SELECT sent, retried, failed FROM lane_minutes ORDER BY minute")
    assert sum(row["sent"] for row in minutes) == 2
    assert len(minutes) == 2


async def test_the_hours_that_a_provider_asks_for_outlive_a_restart(desk: Desk) -> None:
    prepared(desk, 3)
    channel = FakeChannel(answer=lambda envelope, part: HOURS)
    first = await desk.drain(channel)
    assert len(channel.sends) == 1
    assert first.summary.outages == {LANE: "too many requests"}
    channel.answer = lambda envelope, part: Sent()
    desk.clock.ms += 2 * 3_600_000
    second = await desk.drain(channel)
    assert len(channel.sends) == 1
    assert second.summary.outages == {LANE: "rests for another 3600 seconds: too many requests"}
    desk.clock.ms += 3_600_000
    await desk.drain(channel)
    assert len(channel.sends) == 4
    assert set(desk.states().values()) == {"sent"}


async def test_a_person_who_sends_now_does_not_wait_for_a_rest_of_our_own(desk: Desk) -> None:
    prepared(desk)
    channel = FakeChannel(answer=lambda envelope, part: OUTAGE)
    await desk.drain(channel)
    channel.answer = lambda envelope, part: Sent()
    await desk.drain(channel)
    assert desk.states() == {"r0 一": "sent"}


async def test_one_message_tries_a_lane_that_was_down(desk: Desk) -> None:
    prepared(desk, 30)
    channel = FakeChannel(lane=Lane(LANE, "email", connections=8), answer=lambda envelope, part: OUTAGE)
    await desk.drain(channel)
    before = len(channel.sends)
    assert before <= 8
    await desk.drain(channel)
    assert len(channel.sends) == before + 1
    channel.answer = lambda envelope, part: Sent()
    await desk.drain(channel)
    assert set(desk.states().values()) == {"sent"}


async def test_many_suspect_answers_in_a_row_are_an_outage(desk: Desk) -> None:
    prepared(desk, 100)
    channel = FakeChannel(answer=lambda envelope, part: Retry("an error of the server's", "500", suspect=True))
    engine = await desk.drain(channel)
    assert len(channel.sends) == 20
    assert state(desk).breaker == lanes.OPEN
    await desk.drain(channel)
    assert len(channel.sends) == 20 + 1  # one tries, and shows that it goes on
    assert engine.summary.outages == {LANE: "an error of the server's"}
    assert desk.db.value("SELECT COUNT(*) FROM attempts") == len(channel.sends)  # they count against the messages


async def test_suspect_answers_between_others_stop_nothing(desk: Desk) -> None:
    prepared(desk, 100)
    odd = Retry("no answer in time", "timeout", suspect=True)
    channel = FakeChannel()
    channel.answer = lambda envelope, part: odd if len(channel.sends) % 2 else Sent()
    engine = await desk.drain(channel)
    assert len(channel.sends) == 100
    assert engine.summary.outages == {}


@pytest.mark.parametrize(("connections", "slots", "shares"), [(8, 2, [4, 4]), (5, 3, [1, 2, 2]), (2, 8, [1, 1])])
def test_the_shares_of_a_lane_are_the_lane(connections: int, slots: int, shares: list[int]) -> None:
    lane = Lane(LANE, "email", connections=connections, rate=12, divisible=True)
    count = lane.slots(slots)
    found = [lane.share(slot, count) for slot in range(count)]
    assert [share.connections for share in found] == shares
    assert sum(share.rate or 0 for share in found) == pytest.approx(12)


def test_a_lane_that_cannot_be_divided_is_one_process_alone() -> None:
    lane = Lane("telegram:default", "telegram", connections=8, rate=25)
    assert lane.slots(4) == 1
    assert lane.share(0, 1) == replace(lane)


def test_a_person_ends_a_rest_but_not_one_that_was_asked_for(desk: Desk) -> None:
    prepared(desk, 2)
    lanes.rest(desk.db, "email:other", "email", "down", desk.clock.now())
    settle(desk, claim(desk)[0], HOURS, stops=True)
    done = lanes.wake(desk.db, desk.clock.now())
    assert ([lane.name for lane in done.woken], [lane.name for lane in done.left]) == (["email:other"], [LANE])
    assert state(desk).wait(desk.clock.now()) == 3 * 3_600_000
    assert lanes.wake(desk.db, desk.clock.now(), name=LANE).woken == ()
    done = lanes.wake(desk.db, desk.clock.now(), name=LANE, even_if_asked=True)
    assert [lane.name for lane in done.woken] == [LANE]
    assert (state(desk).wait(desk.clock.now()), state(desk).breaker) == (0, lanes.OPEN)
    assert lanes.wake(desk.db, desk.clock.now()) == lanes.Woken((), ())
    with pytest.raises(Failure, match="no lane fax; there are: email:default, email:other"):
        lanes.wake(desk.db, desk.clock.now(), name="fax")


async def test_a_running_engine_takes_up_a_lane_that_was_woken(desk: Desk) -> None:
    prepared(desk)
    channel, asked, again = FakeChannel(), asyncio.Event(), asyncio.Event()

    def answer(envelope: Envelope, part: int) -> Outcome:
        (again if asked.is_set() else asked).set()
        return Sent() if again.is_set() else OUTAGE

    channel.answer = answer
    async with desk.engine(channel, poll=0.05) as engine, asyncio.TaskGroup() as group:
        group.create_task(engine.serve())
        await asked.wait()
        while not (await asyncio.to_thread(_woken, desk)):  # the outcome of the first is being written down
            pass
        await again.wait()
        engine.stop()
    assert desk.states() == {"r0 一": "sent"}  # the clock stood still: no rest was over by itself


def _woken(desk: Desk) -> bool:
    db = desk.connect()
    try:
        return bool(lanes.wake(db, desk.clock.now()).woken)
    finally:
        db.close()


WAITING = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted"


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)  # on SQLite one transaction follows the other
def test_a_rest_that_one_process_writes_is_not_lost_to_an_acceptance_of_another(
    connect: Callable[[], Database],
) -> None:
    one, other = connect(), connect()
    work = Work(1, 1, "digest", "email", "email", 1, "a", "", "zh", "full", (), 0, 0, START * 2)

    def write(db: Database, outcome: Outcome, *, stops: bool = False) -> None:
        tally = lanes.Tally()
        tally.add(Attempt(work, 0, outcome, START, 7, True, "id", LANE, 0, stops))
        tally.write(db, START)

    def accepted() -> None:
        with other.transaction(shared=True):
            write(other, Sent())

    lanes.rest(one, LANE, "email", "down", START - 60_000)
    assert lanes.try_again(one, lanes.states(one, [LANE])[LANE])
    with ThreadPoolExecutor(1) as threads:
        with one.transaction(shared=True):
            write(one, HOURS, stops=True)
            second = threads.submit(accepted)
            while not one.value(WAITING):
                assert not second.done()
        second.result()
    assert lanes.states(one, [LANE])[LANE].wait(START) == 3 * 3_600_000
