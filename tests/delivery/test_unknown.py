"""Receivers that cannot tell a repeat from another message: what was begun and has no outcome may have arrived."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatch.delivery import claims, leases, settles
from dispatch.delivery.channel import Lane
from dispatch.delivery.ledger import Begun, Work
from dispatch.model import Outcome, Retry, Sent
from tests.delivery.conftest import Desk, FakeChannel

LANE = Lane("telegram:default", "telegram", marked=True)
ENDED = "unknown whether it arrived: the process that was sending it ended before it had an answer"


def told(desk: Desk) -> list[tuple[str, str, int, str]]:
    rows = desk.db.all("SELECT outcome, code, part, detail FROM attempts ORDER BY id")
    return [(row["outcome"], row["code"], row["part"], row["detail"]) for row in rows]


def due(desk: Desk, *chats: str) -> None:
    for chat in chats:
        desk.reader(chat, "all", channel="telegram")
    desk.issue({"一": ["a"]})
    desk.plan()


def killed(desk: Desk, *, begun: bool) -> Work:
    """A process claims a message, perhaps begins to send it, and is gone."""
    (work,) = claims.claim(desk.db, "telegram", 10, "h-gone/1/1/x", desk.clock.now(), 60_000)
    if begun:
        assert settles.settle(desk.db, [Begun(work, 0)], desk.clock.now()) == [True]
    desk.clock.ms += 60_001
    assert leases.take_over(desk.db, desk.clock.now(), "me", {}) == 1
    return work


async def test_what_a_crash_left_unknown_is_recorded_and_sent_again(desk: Desk) -> None:
    due(desk, "7")
    killed(desk, begun=True)
    channel = FakeChannel("telegram", lane=LANE)
    await desk.drain(channel)
    assert channel.addresses == ["7"]
    assert told(desk) == [("retry", "unknown", 0, ENDED), ("sent", "", 0, "")]
    assert desk.states() == {"7 一": "sent"}
    assert desk.message("7")["begun"] == 0


async def test_what_a_crash_left_unknown_ends_where_nothing_may_come_twice(desk: Desk) -> None:
    due(desk, "7")
    killed(desk, begun=True)
    channel = FakeChannel("telegram", lane=replace(LANE, resend_unknown=False))
    await desk.drain(channel)
    assert channel.sends == []
    assert told(desk) == [("rejected", "unknown", 0, ENDED)]
    assert desk.states() == {"7 一": "failed"}
    assert desk.message("7")["reason"] == ENDED


async def test_what_was_claimed_and_not_begun_is_sent_without_a_word(desk: Desk) -> None:
    due(desk, "7")
    killed(desk, begun=False)
    await desk.drain(FakeChannel("telegram", lane=replace(LANE, resend_unknown=False)))
    assert told(desk) == [("sent", "", 0, "")]


def test_who_lost_the_lease_begins_nothing(desk: Desk) -> None:
    due(desk, "7")
    work = killed(desk, begun=True)
    claims.claim(desk.db, "telegram", 10, "me", desk.clock.now(), 60_000)
    assert settles.settle(desk.db, [Begun(work, 0)], desk.clock.now()) == [False]


async def test_each_part_is_marked_before_it_is_sent(desk: Desk) -> None:
    due(desk, "7")
    channel = FakeChannel("telegram", lane=LANE, parts=3)
    seen = []

    def answer(envelope: object, part: int) -> Outcome:
        other = desk.connect()
        seen.append((part, other.value("SELECT begun FROM messages")))
        other.close()
        return Sent()

    channel.answer = answer
    await desk.drain(channel)
    assert seen == [(0, 1), (1, 2), (2, 3)]
    assert desk.message("7")["begun"] == 0


@pytest.mark.parametrize("resend", [True, False])
async def test_a_lost_answer_is_unknown(desk: Desk, *, resend: bool) -> None:
    due(desk, "7")
    lost = Retry("the connection was lost", "lost", suspect=True, unknown=True)
    answers: list[Outcome] = [lost, Sent()]
    channel = FakeChannel("telegram", lane=replace(LANE, resend_unknown=resend))
    channel.answer = lambda envelope, part: answers.pop(0)
    await desk.drain(channel)
    desk.clock.ms += 3_600_000
    await desk.drain(channel)
    assert told(desk)[0] == (
        "retry" if resend else "rejected",
        "lost",
        0,
        "unknown whether it arrived: the connection was lost",
    )
    assert desk.states() == {"7 一": "sent" if resend else "failed"}
    assert len(channel.sends) == 1 + resend


async def test_lost_answers_one_after_the_other_stop_the_lane_all_the_same(desk: Desk) -> None:
    due(desk, *(str(number) for number in range(1, 31)))
    channel = FakeChannel("telegram", lane=replace(LANE, resend_unknown=False))
    channel.answer = lambda envelope, part: Retry("lost", "lost", suspect=True, unknown=True)
    engine = await desk.drain(channel)
    assert len(channel.sends) == 20 + 1, "and one that tries whether the lane works again"
    assert "telegram:default" in engine.summary.outages
    assert desk.db.value("SELECT breaker FROM lanes WHERE name = 'telegram:default'") == "open"
