"""Claim, render once, send, settle."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from dispatch.delivery.channel import Connection, Lane
from dispatch.delivery.ledger import Work
from dispatch.model import Envelope, Outcome, Rejected, Retry, Sent
from subscribers import directory
from subscribers.model import EndpointState, Preferences
from tests.acts import at
from tests.delivery.conftest import Desk, FakeChannel, envelope

COLUMNS = {"一": ["red", "green"], "二": ["blue"]}


async def test_everybody_gets_what_they_follow_and_nothing_else(desk: Desk) -> None:
    desk.reader("a", "topic:red")
    desk.reader("b", "topic:blue", "topic:green")
    desk.reader("c", "topic:violet")
    issue = desk.issue(COLUMNS)
    desk.plan()
    channel = FakeChannel()
    await desk.drain(channel)
    assert sorted(channel.addresses) == ["a", "b", "b"]
    assert desk.states() == {"a 一": "sent", "b 一": "sent", "b 二": "sent"}
    assert desk.issue_state(issue) == "sent"


async def test_a_variant_is_rendered_once_however_many_read_it(desk: Desk) -> None:
    for number in range(40):
        desk.reader(f"r{number}", "topic:red" if number % 2 else "column:huoju/一")
    desk.issue(COLUMNS)
    desk.plan()
    channel = FakeChannel()
    await desk.drain(channel, page=7)
    assert len(channel.sends) == 40
    assert len(channel.renders) == 2


async def test_planning_and_running_again_sends_nothing(desk: Desk) -> None:
    desk.reader("a", "all")
    desk.issue(COLUMNS)
    channel = FakeChannel()
    for _ in range(3):
        desk.plan()
        await desk.drain(channel)
    assert channel.addresses == ["a", "a"]


async def test_an_issue_that_nobody_follows_is_sent_at_once(desk: Desk) -> None:
    issue = desk.issue(COLUMNS)
    desk.plan()
    await desk.drain(FakeChannel())
    assert desk.issue_state(issue) == "sent"


async def test_a_connection_sends_again_only_after_its_last_acceptance_is_committed(desk: Desk) -> None:
    for number in range(25):
        desk.reader(f"r{number:02d}", "topic:red")
    desk.issue(COLUMNS)
    desk.plan()
    accepted: list[int] = []
    unrecorded: list[int] = []
    other = desk.connect()

    def answer(envelope: Envelope, part: int) -> Outcome:
        if accepted:
            sent = other.value("SELECT COUNT(*) FROM messages WHERE state = 'sent'")
            unrecorded.append(len(accepted) - sent)
        accepted.append(envelope.message_id)
        return Sent()

    await desk.drain(FakeChannel(answer=answer, lane=Lane("email:default", "email", connections=4)))
    other.close()
    assert len(accepted) == 25
    # At any send, at most one acceptance of each other connection is without a record.
    assert max(unrecorded) <= 3


async def test_a_refusal_is_tried_again_later_and_ends_sent(desk: Desk) -> None:
    desk.reader("a", "topic:red")
    desk.issue(COLUMNS)
    desk.plan()
    answers = iter([Retry("busy", "451"), Retry("busy", "451")])
    channel = FakeChannel(answer=lambda envelope, part: next(answers, Sent()))
    await desk.drain(channel)
    assert desk.states() == {"a 一": "planned"}
    assert desk.message("a")["reason"] == "busy"
    desk.clock.ms += 59_000
    await desk.drain(channel)
    assert len(channel.sends) == 1  # not before its time
    desk.clock.ms += 8_000  # 60 s and up to a tenth of jitter
    await desk.drain(channel)
    desk.clock.ms += 661_000
    await desk.drain(channel)
    assert desk.states() == {"a 一": "sent"}
    assert len({provider_id for _, _, provider_id in channel.sends}) == 1
    attempts = desk.db.all("SELECT number, outcome, code FROM attempts ORDER BY id")
    assert [(row["number"], row["outcome"]) for row in attempts] == [(1, "retry"), (2, "retry"), (3, "sent")]


async def test_one_address_gets_its_messages_in_order_and_their_parts_together(desk: Desk) -> None:
    for address in ("a", "b", "c"):
        desk.reader(address, "all")
    desk.issue({"一": ["red"], "二": ["blue"], "三": ["green"], "四": ["white"]})
    desk.plan()
    channel = FakeChannel(parts=2, lane=Lane("email:default", "email", connections=8, address_interval=1))
    await desk.drain(channel)
    for address in ("a", "b", "c"):
        seen = [
            (page.content.sections[0].digest.column, part)
            for page, (to, part, _) in zip(channel.pages, channel.sends, strict=True)
            if to == address
        ]
        assert seen == [(column, part) for column in "一二三四" for part in (0, 1)]


async def test_the_providers_wait_outlives_a_restart(desk: Desk) -> None:
    desk.reader("a", "topic:red")
    desk.issue(COLUMNS)
    desk.plan()
    answers = iter([Retry("too many requests", "429", after=3 * 3600)])
    channel = FakeChannel(answer=lambda envelope, part: next(answers, Sent()))
    await desk.drain(channel)
    desk.clock.ms += 3 * 3_600_000 - 1000
    await desk.drain(channel)
    assert len(channel.sends) == 1
    desk.clock.ms += 2000
    await desk.drain(channel)
    assert desk.states() == {"a 一": "sent"}


async def test_a_message_that_is_never_accepted_expires_with_the_last_reason(desk: Desk) -> None:
    desk.reader("a", "topic:red")
    issue = desk.issue(COLUMNS)
    desk.plan()
    channel = FakeChannel(answer=lambda envelope, part: Retry("busy", "451"))
    for _ in range(500):
        await desk.drain(channel)
        if desk.states() != {"a 一": "planned"}:
            break
        desk.clock.ms += 661_000  # past the longest delay and its jitter
    assert desk.states() == {"a 一": "expired"}
    [row] = desk.db.all("SELECT reason FROM deliveries")
    assert row["reason"] == "not sent in time; last: busy"
    assert desk.issue_state(issue) == "sent"
    assert 255 < len(channel.sends) < 265  # 48 hours, one every 661 seconds


async def test_a_refusal_for_good_fails_with_the_words_and_ends_the_endpoint(desk: Desk) -> None:
    endpoint = desk.reader("a", "all")
    desk.issue({"一": ["red"]}, 534)
    desk.plan()
    channel = FakeChannel(answer=lambda envelope, part: Rejected("no such user", "550", "suppressed"))
    await desk.drain(channel)
    desk.issue({"二": ["blue"]}, 535)
    desk.plan()
    await desk.drain(channel)
    assert desk.states() == {"a 一": "failed"}
    assert len(channel.sends) == 1
    _, [found] = directory.find(desk.db, f"e{endpoint}")
    assert (found.state, found.reason) == (EndpointState.SUPPRESSED, "no such user")


async def test_an_outage_costs_no_attempt_and_loses_nobody(desk: Desk) -> None:
    for number in range(5):
        desk.reader(f"r{number}", "topic:red")
    desk.issue(COLUMNS)
    desk.plan()
    down = FakeChannel(answer=lambda envelope, part: Retry("nobody answers", outage=True))
    engine = await desk.drain(down)
    assert engine.summary.outages == {"email:default": "nobody answers"}
    assert len(down.sends) == 1  # the lane stops; it does not run through the list
    assert desk.db.value("SELECT COUNT(*) FROM attempts") == 0
    up = FakeChannel()
    await desk.drain(up)
    assert sorted(up.addresses) == [f"r{number}" for number in range(5)]


async def test_a_lane_that_stops_goes_on_while_each_try_gets_something_out(desk: Desk) -> None:
    for number in range(9):
        desk.reader(f"r{number}", "topic:red")
    desk.issue(COLUMNS)
    desk.plan()
    count = iter(range(1000))
    # A server that hangs up after every third message.
    channel = FakeChannel(
        answer=lambda envelope, part: Retry("421 enough", outage=True) if next(count) % 4 == 3 else Sent()
    )
    engine = await desk.drain(channel)
    assert set(desk.states().values()) == {"sent"}
    assert engine.summary.outages == {}


async def test_a_bug_of_a_channels_hurts_one_message_alone(desk: Desk) -> None:
    for name in ("a", "b", "c"):
        desk.reader(name, "topic:red")
    desk.issue(COLUMNS)
    desk.plan()

    def answer(envelope: Envelope, part: int) -> Outcome:
        if envelope.address == "b":
            raise ValueError("secret words")
        return Sent()

    await desk.drain(FakeChannel(answer=answer))
    assert desk.states() == {"a 一": "sent", "b 一": "planned", "c 一": "sent"}
    assert desk.message("b")["reason"] == "internal error: ValueError"


async def test_a_message_that_cannot_be_addressed_hurts_itself_alone(desk: Desk) -> None:
    for number in range(12):
        desk.reader(f"r{number}", "topic:red")
    desk.issue(COLUMNS)
    desk.plan()
    channel = FakeChannel(lane=Lane("email:default", "email", connections=4))

    def broken(work: Work) -> Envelope:
        if work.address == "r5":
            raise LookupError("no such word")
        return envelope(work)

    await desk.drain(channel, envelope=broken)
    assert sorted(channel.addresses) == sorted(f"r{n}" for n in range(12) if n != 5)
    assert desk.message("r5")["reason"] == "internal error: LookupError"


async def test_a_message_that_makes_the_receiver_hang_up_stops_no_other(desk: Desk) -> None:
    for number in range(12):
        desk.reader(f"r{number:02d}", "topic:red")
    desk.issue(COLUMNS)
    desk.plan()

    def answer(envelope: Envelope, part: int) -> Outcome:
        poison = envelope.address == "r00"
        return Retry("421 not this one", outage=True, counted=True) if poison else Sent()

    channel = FakeChannel(answer=answer)
    await desk.drain(channel)
    assert Counter(desk.states().values()) == {"sent": 11, "planned": 1}
    assert desk.message("r00")["reason"] == "421 not this one"
    assert channel.addresses.count("r00") == 1


async def test_a_lane_that_breaks_gives_back_what_it_claimed_and_leaves_the_others_alone(desk: Desk) -> None:
    for number in range(12):
        desk.reader(f"r{number}", "topic:red")
    desk.issue(COLUMNS)
    desk.plan()

    @dataclass
    class Broken(FakeChannel):
        @asynccontextmanager
        async def open(self, lane: Lane) -> AsyncIterator[Connection]:
            if self.opened > 2:
                raise OSError("no more sockets")
            async with super().open(lane) as connection:
                yield connection

    broken = Broken(lane=Lane("email:default", "email", connections=4))
    engine = await desk.drain(broken, page=3)
    assert "no more sockets" in engine.summary.outages["email:default"]
    assert desk.db.value("SELECT COUNT(*) FROM messages WHERE state = 'sending'") == 0
    channel = FakeChannel()
    await desk.drain(channel)
    assert len(broken.sends) + len(channel.sends) <= 12 + 3  # at most one a connection is repeated
    assert set(desk.states().values()) == {"sent"}


async def test_a_locked_ledger_costs_no_acceptance(desk: Desk) -> None:
    desk.reader("a", "topic:red")
    desk.issue(COLUMNS)
    desk.plan()
    other, lock = desk.connect(), ExitStack()
    channel = FakeChannel()

    def answer(envelope: Envelope, part: int) -> Outcome:
        lock.enter_context(other.transaction())  # another process takes the lock while this one sends
        other.run("UPDATE messages SET reason = reason")
        return Sent()

    async def let_go(seconds: float) -> None:
        lock.close()

    channel.answer = answer
    desk.clock.on_sleep = let_go
    await desk.drain(channel)
    other.close()
    assert desk.states() == {"a 一": "sent"}
    assert len(channel.sends) == 1


async def test_a_template_that_fails_for_one_variant_fails_that_one_alone(desk: Desk) -> None:
    desk.reader("a", "topic:red")
    desk.reader("b", "topic:green")
    desk.issue(COLUMNS)
    desk.plan()
    await desk.drain(FakeChannel(broken_variant=2))
    assert desk.states() == {"a 一": "sent", "b 一": "failed"}


async def test_a_part_that_was_accepted_is_not_sent_again(desk: Desk) -> None:
    desk.reader("a", "topic:red")
    desk.issue(COLUMNS)
    desk.plan()
    refusals = iter([True])
    channel = FakeChannel(
        parts=3, answer=lambda envelope, part: Retry("later") if part == 1 and next(refusals, False) else Sent()
    )
    await desk.drain(channel)
    desk.clock.ms += 70_000
    await desk.drain(channel)
    assert [part for _, part, _ in channel.sends] == [0, 1, 1, 2]
    assert desk.states() == {"a 一": "sent"}


@pytest.mark.parametrize("state", ["suppressed", "paused", "gone"])
async def test_an_endpoint_that_left_after_planning_gets_nothing(desk: Desk, state: str) -> None:
    endpoint = desk.reader("a", "all")
    desk.issue(COLUMNS)
    desk.plan()
    with desk.db.transaction():
        directory.set_state(desk.db, endpoint, EndpointState(state), "by the test", at(desk.clock.now()))
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.sends == []
    assert desk.states() == {"a 一": "suppressed", "a 二": "suppressed"}
    assert desk.db.value("SELECT DISTINCT reason FROM deliveries") == f"endpoint {state}: by the test"


async def test_the_variant_is_that_of_the_follows_at_the_moment_of_sending(desk: Desk) -> None:
    endpoint = desk.reader("a", "topic:red", "topic:green")
    desk.issue(COLUMNS)
    desk.plan()
    with desk.db.transaction():
        directory.unfollow(desk.db, endpoint, ["topic:red"], at(desk.clock.now()))
    channel = FakeChannel()
    await desk.drain(channel)
    [page] = channel.pages
    assert [entry.article.title for entry in page.content.sections[0].matching] == ["green"]
    [row] = desk.db.all("SELECT variant, reason FROM deliveries")
    assert (row["variant"], row["reason"]) == (2, "topic:green")


async def test_a_bundle_holds_all_digests_of_its_time(desk: Desk) -> None:
    desk.reader("a", "all", preferences=Preferences(bundled=True))
    desk.reader("b", "all")
    desk.issue(COLUMNS)
    desk.plan()
    channel = FakeChannel()
    await desk.drain(channel)
    assert sorted(channel.addresses) == ["a", "b", "b"]
    assert {len(page.content.sections) for page in channel.pages} == {1, 2}
    assert set(desk.states().values()) == {"sent"}


async def test_what_comes_after_a_bundle_went_out_gets_a_message_of_its_own(desk: Desk) -> None:
    desk.reader("a", "all", preferences=Preferences(bundled=True))
    desk.issue({"一": ["red"]}, 534)
    desk.plan()
    channel = FakeChannel()
    await desk.drain(channel)
    desk.issue({"一": ["green"]}, 535)
    desk.plan()  # at the same millisecond: the same bundle's key
    await desk.drain(channel)
    assert len(channel.sends) == 2
    assert set(desk.states().values()) == {"sent"}


async def test_a_changed_address_is_used_from_then_on(desk: Desk) -> None:
    desk.reader("old", "topic:red")
    desk.issue(COLUMNS)
    desk.plan()
    answers = iter([Retry("moved", "400", after=0, new_address="new")])
    channel = FakeChannel(answer=lambda envelope, part: next(answers, Sent()))
    await desk.drain(channel)
    desk.clock.ms += 1500
    await desk.drain(channel)
    assert channel.addresses == ["old", "new"]


async def test_messages_of_a_channel_without_settings_wait(desk: Desk) -> None:
    desk.reader("4711", "all", channel="telegram")
    desk.issue(COLUMNS)
    desk.plan()
    engine = await desk.drain(FakeChannel())
    assert engine.summary.off == ["telegram"]
    assert set(desk.states().values()) == {"planned"}


async def test_stopping_gives_the_rest_back_at_once(desk: Desk) -> None:
    for number in range(10):
        desk.reader(f"r{number}", "topic:red")
    desk.issue(COLUMNS)
    desk.plan()
    channel = FakeChannel()
    async with desk.engine(channel) as engine:

        def answer(envelope: Envelope, part: int) -> Outcome:
            engine.stop()
            return Sent()

        channel.answer = answer
        await engine.drain()
    assert len(channel.sends) == 1
    counts = desk.db.all("SELECT state, COUNT(*) AS n FROM messages GROUP BY state ORDER BY state")
    assert {row["state"]: row["n"] for row in counts} == {"queued": 9, "sent": 1}


async def test_serving_sends_what_becomes_due_and_stops_when_told(desk: Desk) -> None:
    desk.reader("a", "topic:red")
    channel = FakeChannel()
    async with desk.engine(channel, poll=30) as engine:

        def answer(envelope: Envelope, part: int) -> Outcome:
            engine.stop()
            return Sent()

        channel.answer = answer
        async with asyncio.timeout(20):
            serving = asyncio.create_task(engine.serve())
            await asyncio.sleep(0)
            desk.issue(COLUMNS)
            desk.plan()
            engine.wake()
            await serving
    assert channel.addresses == ["a"]
    assert desk.states() == {"a 一": "sent"}
