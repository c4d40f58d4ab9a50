"""Limits of those who stand behind the addresses: connections, rate, a rest that is asked for and the way back from it;
and that nobody else waits for them."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from dispatch.delivery import lanes
from dispatch.delivery.channel import GroupLimits, Lane
from dispatch.delivery.gate import Gate, Gates, Verdict
from dispatch.delivery.gated import GatedTodo
from dispatch.delivery.ledger import GroupChange, Work
from dispatch.model import Outcome, Rejected, Retry, Sent
from tests.delivery.conftest import START, Desk, FakeClock
from tests.delivery.grouped import DEFAULT, Domains, GroupedChannel, prepared

GMAIL = "gmail.test"
ROW = "email:default>gmail.test"
SLOW = Retry("421 4.7.28 unusual rate", "421", group_rest=0.0)


def gate(clock: FakeClock, slots: int = 1, **limits: GroupLimits) -> Gate:
    known = {f"{name}.test": limit for name, limit in limits.items()}
    channel = GroupedChannel(clock, known)
    found = Gates(clock).gate("lease", DEFAULT, slots, channel)
    assert found is not None
    return found


def work(number: int, address: str, kind: str = "digest") -> Work:
    return Work(number, 1, kind, "email", "email", 1, address, "", "zh", "full", (), 0, 0, START + 172_800_000)


def refused(gate: Gate, address: str, asked: float = 0.0) -> Verdict:
    verdict = gate.judge(address, replace(SLOW, group_rest=asked))
    assert verdict is not None
    return verdict


def test_a_group_has_so_many_sends_at_a_time_and_so_many_a_second() -> None:
    clock = FakeClock()
    both = gate(clock, gmail=GroupLimits(connections=2, rate=4))
    found = []
    for _ in range(2):
        found.append(both.wait(GMAIL))
        both.begin(GMAIL)
    assert found == [0.0, pytest.approx(0.25)]
    clock.ms += 10_000
    assert math.isinf(both.wait(GMAIL))
    assert both.wait(GMAIL, behind=True) == 0
    both.end(GMAIL, 0.1)
    assert both.wait(GMAIL) == 0


def test_several_processes_keep_a_limit_together_with_a_connection_each() -> None:
    clock = FakeClock()
    share = gate(clock, slots=2, gmail=GroupLimits(connections=4, rate=4))
    share.begin(GMAIL)
    assert share.wait(GMAIL) == pytest.approx(0.5)
    clock.ms += 500
    share.begin(GMAIL)
    clock.ms += 500
    assert math.isinf(share.wait(GMAIL))
    assert GroupLimits(connections=1).share(8).connections == 1


def test_a_receiver_that_wants_less_rests_and_comes_back_one_by_one() -> None:
    clock = FakeClock()
    both = gate(clock, gmail=GroupLimits(connections=3, backoff=600))
    verdict = refused(both, "a@gmail.test")
    assert (verdict.group, verdict.rest) == (GMAIL, 600)
    assert verdict.change is not None
    assert (verdict.change.name, verdict.change.rest) == (ROW, 600)
    assert both.judge("b@gmail.test", Sent()) is None  # it was on its way already
    clock.ms += 599_000
    assert both.rest(GMAIL) == pytest.approx(1)
    clock.ms += 1_000
    allowed, changes = [], []
    for _ in range(40):
        begun = 0
        while not both.wait(GMAIL):
            both.begin(GMAIL)
            begun += 1
        allowed.append(begun)
        for _ in range(begun):
            both.end(GMAIL, 0.1)
        changes.append(both.judge("a@gmail.test", Sent()))
    assert allowed == [1] * 10 + [2] * 10 + [3] * 20
    [recovered] = [verdict for verdict in changes if verdict]
    assert recovered.change == GroupChange(ROW)
    assert changes[19] is recovered


@pytest.mark.parametrize(("asked", "rest"), [(0, 600), (900, 900), (60, 600)])
def test_a_rest_is_as_long_as_asked_and_as_set_at_least(asked: float, rest: float) -> None:
    both = gate(FakeClock(), gmail=GroupLimits(backoff=600))
    assert refused(both, "a@gmail.test", asked).rest == rest


def test_a_rest_doubles_where_the_first_message_after_it_is_refused_and_not_for_what_was_on_its_way() -> None:
    clock = FakeClock()
    both = gate(clock, gmail=GroupLimits(backoff=600))
    rests = []
    for _ in range(6):
        rests.append(refused(both, "a@gmail.test").rest)
        assert refused(both, "b@gmail.test").rest == rests[-1]
        clock.ms += round(rests[-1] * 1000)
    assert rests == [600, 1200, 2400, 4800, 4800, 4800]
    both.judge("a@gmail.test", Rejected("550 no such user", "550"))  # somebody talks to us again
    assert refused(both, "a@gmail.test").rest == 600


def test_a_domain_of_no_provider_rests_by_itself_and_is_forgotten_when_it_has_recovered() -> None:
    clock = FakeClock()
    both = gate(clock, gmail=GroupLimits())
    assert both.group("a@x.test") == ""
    verdict = refused(both, "a@x.test")
    assert (verdict.group, verdict.rest, verdict.change) == ("@x.test", 600, None)
    assert both.group("b@x.test") == "@x.test"
    assert both.group("b@y.test") == ""
    clock.ms += 600_000
    for _ in range(10 * 7 + 1):
        both.judge("a@x.test", Sent())
    assert both.group("b@x.test") == ""


def test_domains_that_rest_are_bounded() -> None:
    both = gate(FakeClock(), gmail=GroupLimits())
    for number in range(1500):
        both.judge(f"a@d{number}.test", SLOW)
    assert sum(bool(both.group(f"a@d{number}.test")) for number in range(1500)) == 1000


def test_a_plain_retry_says_nothing_about_the_provider() -> None:
    both = gate(FakeClock(), gmail=GroupLimits())
    assert both.judge("a@gmail.test", Retry("450 greylisted", "450")) is None
    assert not both.rests("a@gmail.test")


def test_what_has_no_room_soon_is_put_off_in_step_with_the_rate() -> None:
    clock = FakeClock()
    both = gate(clock, gmail=GroupLimits(rate=2))
    both.usable = True
    works = [work(number, f"{number}@gmail.test") for number in range(100)]
    others = [work(1000 + number, f"{number}@x.test") for number in range(100)]
    go, waiting = both.sort([*works, *others], {})
    assert [item.message_id for item in go] == [*range(6), *range(1000, 1100)]
    off = [both.put_off(item) for item in waiting]
    dues = [due_at - clock.ms for _, due_at, _ in off]
    assert dues == [3000 + 500 * place for place in range(1, 95)]
    assert {reason for _, _, reason in off} == {None}
    assert both.sort([work(5000, "late@gmail.test", kind="confirm")], {GMAIL: 50})[1] == []  # somebody waits for it
    go, [late] = both.sort([work(5001, "late@gmail.test")], {GMAIL: 50})
    assert (go, both.put_off(late).due_at - clock.ms) == ([], 3000 + 500 * 95)


def test_what_is_put_off_is_looked_at_again_before_long_and_never_after_it_is_of_use() -> None:
    clock = FakeClock()
    both = gate(clock, gmail=GroupLimits(rate=0.1))
    both.usable = True
    off = [both.put_off(work(number, f"{number}@gmail.test")) for number in range(5000)]
    assert max(due_at for _, due_at, _ in off) == clock.ms + 120_000
    short = work(1, "a@gmail.test")
    short.expires_at = clock.ms + 1000
    assert both.put_off(short).due_at == clock.ms + 1000


async def test_who_waits_for_an_address_does_not_watch_the_clock() -> None:
    """Two messages to one address: the second has its turn by the end of the first, not by time."""
    clock = FakeClock()
    todo = GatedTodo(10, gate(clock, gmail=GroupLimits(connections=5)), clock)
    todo.put([work(1, "a@gmail.test"), work(2, "a@gmail.test")])
    first = todo.take()
    assert first is not None
    second = asyncio.create_task(todo.get())
    for _ in range(50):
        await asyncio.sleep(0)
    assert clock.slept == []
    todo.done(first)
    found = await second
    assert found is not None
    assert found.message_id == 2


async def test_others_go_at_once_and_a_slow_providers_messages_at_its_pace(desk: Desk) -> None:
    prepared(desk, gmail=60, x=60)
    channel = GroupedChannel(desk.clock, {GMAIL: GroupLimits(connections=2, rate=2)})
    engine = await desk.drain(channel, page=20)
    assert set(desk.states().values()) == {"sent"}
    assert (engine.summary.sent, engine.summary.retried, engine.summary.outages) == (120, 0, {})
    times = [send.at for send in channel.to(GMAIL)]
    assert all(later - sooner >= 499 for sooner, later in pairwise(times))
    assert times[-1] - times[0] <= 45_000
    assert max(send.together for send in channel.to(GMAIL)) <= 2
    last = max(place for place, send in enumerate(channel.made) if send.address.endswith("@x.test"))
    assert last - 59 <= 40  # sent to the others by then
    assert desk.db.value("SELECT MAX(attempts) FROM messages") == 1
    assert (
        int(str(desk.db.value("SELECT MAX(epoch) FROM messages"))) <= 4
    )  # each is claimed a few times, and not for ever


async def test_a_page_full_of_one_provider_lets_the_others_behind_it_pass(desk: Desk) -> None:
    for domain in (GMAIL, "x.test"):
        for number in range(50):
            desk.reader(f"r{number}@{domain}", "topic:red")
    desk.issue({"一": ["red"]})
    desk.plan()
    channel = GroupedChannel(desk.clock, {GMAIL: GroupLimits(connections=1, rate=0.5)})
    await desk.drain(channel, page=10)
    assert set(desk.states().values()) == {"sent"}
    # The clock runs ahead of the store here; what counts is who has gone by then: a message or two a claim.
    last = max(place for place, send in enumerate(channel.made) if send.address.endswith("@x.test"))
    assert last - 49 <= 25


async def test_one_provider_rests_over_a_restart_and_then_begins_with_one_connection(desk: Desk) -> None:
    prepared(desk, gmail=60, x=30)
    channel = GroupedChannel(desk.clock, {GMAIL: GroupLimits(connections=4, backoff=600)})
    channel.reply = lambda lane, address: SLOW if address.endswith(GMAIL) else Sent()
    engine = await desk.drain(channel, page=20)
    refused = len(channel.to(GMAIL))
    assert 1 <= refused <= 4  # what was on its way when the first was refused
    assert len(channel.to("x.test")) == 30
    assert engine.summary.outages == {ROW: SLOW.reason}
    attempts = Counter(row["attempts"] for row in desk.db.all("SELECT attempts FROM messages WHERE state = 'queued'"))
    assert attempts == {1: refused, 0: 60 - refused}
    [row] = [row for row in lanes.known(desk.db) if row["name"] == ROW]
    assert lanes.state_of(row).wait(desk.clock.now()) == 600_000
    assert lanes.state_of(row).asked
    [default] = [row for row in lanes.known(desk.db) if row["name"] == "email:default"]
    assert default["breaker"] == lanes.CLOSED

    channel.reply = lambda lane, address: Sent()
    desk.clock.ms += 590_000
    await desk.drain(channel, page=20)
    assert len(channel.to(GMAIL)) == refused

    desk.clock.ms += 11_000
    await desk.drain(channel, page=20)
    again = channel.to(GMAIL)[refused:]
    assert len(again) >= 60 - refused
    most = [max(send.together for send in again[start : start + 10]) for start in (0, 10, 20)]
    assert most[0] == 1
    assert max(most) >= 2
    assert all(most[place] <= place + 1 for place in (1, 2))
    desk.clock.ms += 600_000
    await desk.drain(channel, page=20)
    assert set(desk.states().values()) == {"sent"}
    assert lanes.states(desk.db, [ROW])[ROW].breaker == lanes.CLOSED


async def test_what_was_put_off_while_a_provider_rests_goes_when_a_person_wakes_it(desk: Desk) -> None:
    prepared(desk, gmail=10)
    channel = GroupedChannel(desk.clock, {GMAIL: GroupLimits(connections=1)})
    channel.reply = lambda lane, address: SLOW
    await desk.drain(channel)
    assert len(channel.made) == 1
    channel.reply = lambda lane, address: Sent()
    assert [state.name for state in lanes.wake(desk.db, desk.clock.now()).left] == [ROW]
    engine = await desk.drain(channel)
    assert (len(channel.made), engine.summary.sent) == (1, 0)
    lanes.wake(desk.db, desk.clock.now(), name=ROW, even_if_asked=True)
    await desk.drain(channel)
    assert len(channel.made) == 10  # the one that was refused waits by the schedule
    assert Counter(desk.states().values()) == {"sent": 9, "planned": 1}


async def test_another_relay_takes_what_a_provider_refuses_on_one(desk: Desk) -> None:
    prepared(desk, gmail=40)
    two = [Lane(f"email:{name}", "email", connections=2, divisible=True) for name in ("default", "second")]
    channel = GroupedChannel(desk.clock, {GMAIL: GroupLimits(connections=2)}, two)
    channel.reply = lambda lane, address: SLOW if lane == "email:default" else Sent()
    await desk.drain(channel, page=10)
    desk.clock.ms += 120_000  # those that were tried, by their schedule
    refused = {send.address for send in channel.by("email:default")}
    assert len(refused) <= 4
    sent = {send.address for send in channel.by("email:second")}
    assert len(sent | refused) == 40
    assert len(sent - refused) == 40 - len(refused)


def test_a_lane_that_could_send_what_another_may_not_is_asked_for_and_waits_while_that_one_claims() -> None:
    """Or the one that may not send would have its messages again and again before anybody else sees them due."""
    clock = FakeClock()
    channel = GroupedChannel(clock, {GMAIL: GroupLimits()})
    gates = Gates(clock)
    [first, second] = [gates.gate(name, Lane(f"email:{name}", "email", connections=2), 1, channel) for name in "ab"]
    assert first is not None
    assert second is not None
    first.usable = second.usable = True
    with first.claims():
        assert not second.is_awaited
    refused(first, "a@gmail.test")
    with first.claims():
        assert (first.is_awaited, second.is_awaited) == (False, True)
    assert not second.is_awaited
    later = first.put_off(work(1, "b@gmail.test"))
    assert later.reason is None
    assert later.due_at < clock.ms + 600_000
    assert gates.take_wanted() == {"email"}
    assert gates.take_wanted() == set()
    second.taker = lambda work, since: False
    first.put_off(work(2, "c@gmail.test"))
    assert gates.take_wanted() == set()


async def test_a_trial_whose_message_has_to_wait_tries_another(desk: Desk) -> None:
    prepared(desk, gmail=5, x=5)
    channel = GroupedChannel(desk.clock, {GMAIL: GroupLimits()})
    channel.reply = lambda lane, address: SLOW if address.endswith(GMAIL) else Retry("down", "connect", outage=True)
    await desk.drain(channel)
    channel.reply = lambda lane, address: Sent()
    desk.clock.ms += 60_000
    await desk.drain(channel)
    assert len({send.address for send in channel.to("x.test")}) == 5
    assert Counter(desk.states().values())["sent"] == 5


async def test_a_channel_without_groups_has_no_gate(desk: Desk) -> None:
    channel = GroupedChannel(desk.clock)
    assert Gates(desk.clock).gate("lease", DEFAULT, 1, channel) is None
    prepared(desk, x=3)
    channel.reply = lambda lane, address: Retry("421", "421", group_rest=0.0)
    await desk.drain(channel)
    assert len(channel.made) == 3


@pytest.mark.parametrize("outcome", [Sent(), Rejected("550 no", "550")])
async def test_a_group_that_rests_is_written_down_with_what_happened(desk: Desk, outcome: Outcome) -> None:
    """The rest and the attempt are one transaction: a crash between them cannot forget the rest."""
    prepared(desk, gmail=1)
    channel = GroupedChannel(desk.clock, {GMAIL: GroupLimits()})
    channel.reply = lambda lane, address: SLOW
    await desk.drain(channel)
    attempts = desk.db.value("SELECT COUNT(*) FROM attempts")
    assert (attempts, lanes.states(desk.db, [ROW])[ROW].reason) == (1, SLOW.reason)
    channel.reply = lambda lane, address: outcome
    desk.clock.ms += 700_000
    await desk.drain(channel)
    assert len(channel.made) == 2


def test_groups_of_a_test_double_fulfil_the_protocol() -> None:
    domains = Domains({"x.test": GroupLimits(rate=1)})
    assert (domains.group("a@x.test"), domains.own_group("a@y.test")) == ("x.test", "@y.test")
