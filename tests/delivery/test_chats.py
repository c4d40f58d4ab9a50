"""Chats that ask for a pause or become others, while the engine sends to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from dispatch.delivery import claims, leases
from dispatch.delivery.channel import Lane
from dispatch.model import Envelope, Outcome, Retry, Sent
from subscribers.database import Database
from tests.delivery.conftest import Desk, FakeChannel

LANE = Lane("telegram:default", "telegram", beside="bot/default")
OLD, NEW = "-5", "-1005"
MOVED = Retry("the group has become a supergroup", code="400", after=0, new_address=NEW)


def made(desk: Desk, *chats: str) -> FakeChannel:
    for chat in chats:
        desk.reader(chat, "all", channel="telegram")
    desk.issue({"一": ["a"], "二": ["b"]})
    desk.plan()
    return FakeChannel("telegram", lane=LANE)


async def test_too_many_requests_put_off_all_that_waits_for_the_chat_and_nothing_else(desk: Desk) -> None:
    channel = made(desk, f"{NEW}/7", NEW, f"{NEW}/8", "-10051", "9")
    wait = Retry("too many requests", code="429", after=100, whole_address=True)
    channel.answer = lambda envelope, part: wait if envelope.address.startswith(f"{NEW}/7") else Sent()
    await desk.drain(channel, page=1)
    assert sorted(channel.addresses) == sorted([f"{NEW}/7", NEW, "-10051", "-10051", "9", "9"]), (
        "one was claimed by then"
    )
    channel.answer = lambda envelope, part: Sent()
    desk.clock.ms += 120_000
    await desk.drain(channel)
    assert set(desk.states().values()) == {"sent"}


async def test_a_robot_that_has_too_many_rests_while_others_of_its_service_go_on(desk: Desk) -> None:
    robots = [f"https://robots.example/send?key={name}" for name in "ab"]
    channel = made(desk, *robots)
    wait = Retry("too many requests", code="45009", after=100, whole_address=True)
    channel.answer = lambda envelope, part: wait if envelope.address == robots[0] else Sent()
    await desk.drain(channel, page=1)
    assert [channel.addresses.count(robot) for robot in robots] == [1, 2]
    channel.answer = lambda envelope, part: Sent()
    desk.clock.ms += 120_000
    await desk.drain(channel)
    assert set(desk.states().values()) == {"sent"}


async def test_a_robot_that_says_beforehand_that_it_has_enough_is_waited_for(desk: Desk) -> None:
    channel = made(desk, "https://robots.example/send?key=a")
    channel.lane = replace(LANE, connections=2, address_interval=0.5)
    times: list[int] = []

    def answer(envelope: Envelope, part: int) -> Outcome:
        times.append(desk.clock.ms)
        return Sent(rest=4.0)

    channel.answer = answer
    await desk.drain(channel)
    assert [later - first for first, later in pairwise(times)] == [4000]
    assert set(desk.states().values()) == {"sent"}


async def test_a_group_that_became_a_supergroup_is_followed_at_once(desk: Desk) -> None:
    channel = made(desk, OLD, f"{OLD}/7")
    channel.answer = lambda envelope, part: MOVED if envelope.address.partition("/")[0] == OLD else Sent()
    await desk.drain(channel)
    desk.clock.ms += 1_000
    await desk.drain(channel)
    assert desk.states() == {f"{chat} {column}": "sent" for chat in (NEW, f"{NEW}/7") for column in "一二"}


async def test_where_the_supergroup_is_known_it_gets_what_only_the_group_was_owed(desk: Desk) -> None:
    desk.reader(NEW, "topic:a", channel="telegram")
    channel = made(desk, OLD)
    channel.answer = lambda envelope, part: MOVED if envelope.address == OLD else Sent()
    await desk.drain(channel, page=1)
    desk.clock.ms += 1_000
    await desk.drain(channel)
    states = desk.states()
    assert (states[f"{NEW} 一"], states[f"{NEW} 二"]) == ("sent", "sent")
    assert states[f"{OLD} 一"] == "suppressed"
    keys = [row["key"] for row in desk.db.all("SELECT m.key FROM messages m WHERE m.state = 'sent' ORDER BY m.key")]
    endpoints = [row["endpoint_id"] for row in desk.db.all("SELECT endpoint_id FROM messages WHERE state = 'sent'")]
    assert {int(key.rpartition(":")[2]) for key in keys} == set(endpoints)


async def test_what_followed_a_deleted_topic_goes_to_the_chat(desk: Desk) -> None:
    channel = made(desk, f"{NEW}/7")
    deleted = Retry("the topic was deleted", code="400", after=0, new_address=NEW)

    def answer(envelope: Envelope, part: int) -> Outcome:
        return deleted if "/" in envelope.address else Sent()

    channel.answer = answer
    await desk.drain(channel)
    desk.clock.ms += 1_000
    await desk.drain(channel)
    assert desk.states() == {f"{NEW} 一": "sent", f"{NEW} 二": "sent"}


def talks(db: Database, owner: str, now: int) -> None:
    leases.register(db, owner, now)
    assert leases.hold(db, "bot/default", owner, now)


@dataclass
class Looked(FakeChannel):
    """Tells when the engine has looked for lanes so many times."""

    looks: int = 0
    enough: Callable[[], None] = lambda: None

    def lanes(self, queue: str) -> Sequence[Lane]:
        self.looks += 1
        if self.looks == 3:
            self.enough()
        return super().lanes(queue)


async def test_the_lane_is_worked_on_by_the_process_that_talks_to_the_bots_users(desk: Desk) -> None:
    made(desk, "7")
    talks(desk.db, "elsewhere/1/1/x", desk.clock.now())
    channel = Looked("telegram", lane=LANE)
    async with desk.engine(channel, poll=0.01) as engine:
        channel.enough = engine.stop
        await engine.serve()
    assert channel.sends == []
    leases.withdraw(desk.db, "elsewhere/1/1/x")
    await desk.drain(channel)
    assert channel.addresses == ["7", "7"]


async def test_a_message_that_waits_between_two_parts_holds_up_no_other(desk: Desk) -> None:
    channel = made(desk, "7", "8", "9")
    channel.parts = 3
    channel.lane = Lane("telegram:default", "telegram", connections=1, waiting=5, rate=20, address_interval=1.0)
    await desk.drain(channel)
    assert [address for address, _, _ in channel.sends][:3] == ["7", "8", "9"]
    assert [part for address, part, _ in channel.sends if address == "8"] == [0, 1, 2, 0, 1, 2]
    assert set(desk.states().values()) == {"sent"}


def test_a_claim_knows_channels_and_topics_whose_chat_has_follows(desk: Desk) -> None:
    for address in ("7", "@news", "-1001", "-1002", "-1002/3", "-1004/5"):
        desk.reader(address, "topic:a", channel="telegram")
    with desk.db.transaction():
        for id_, kind in ((-1001, "channel"), (-1002, "supergroup")):
            desk.db.run(
                "INSERT INTO bot_chats (bot, chat_id, kind, title, name, may_write, changed_at) "
                "VALUES (1, :id, :kind, 't', '', 1, 0)",
                {"id": id_, "kind": kind},
            )
    desk.issue({"一": ["a"]})
    desk.plan()
    works = claims.claim(desk.db, "telegram", 100, "me", desk.clock.now(), 300_000)
    assert {work.address for work in works if work.in_channel} == {"@news", "-1001"}
    assert {work.address for work in works if work.chat_follows} == {"-1002/3"}
