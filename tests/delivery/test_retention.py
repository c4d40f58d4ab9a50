"""What is kept for how long, and what stays for ever."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from dispatch.delivery import claims, confirmations, leases, ledger, personal
from dispatch.delivery.retention import Pruned, Sweep, patiently, prune
from dispatch.delivery.store import Store
from dispatch.model import Sent
from dispatch.settings import RetentionSettings
from subscribers import consent, directory
from subscribers.audit import READER, Act, Way
from subscribers.consent import Limits, Wish
from subscribers.errors import Conflict
from subscribers.model import Address, Preferences
from subscribers.suppression import Hasher
from tests.acts import at
from tests.delivery.conftest import START, Desk, FakeChannel

DAY = 86_400_000
KEEP = RetentionSettings(attempts_days=10, deliveries_days=100, audit_days=0)


def sweep(desk: Desk, settings: RetentionSettings = KEEP, *, dry: bool = False, rows: int = 2000) -> Pruned:
    found = Sweep(settings, desk.clock.now(), dry=dry, rows=rows)
    while found.slice(desk.db):
        pass
    return found.pruned


async def sent(desk: Desk, readers: int = 3, total: int = 534) -> int:
    """An issue that every reader has got."""
    for number in range(readers):
        desk.reader(f"{total}r{number}", f"topic:t{total}")
    issue = desk.issue({"一": [f"t{total}"]}, total)
    desk.plan()
    await desk.drain(FakeChannel())
    with desk.db.transaction():  # they have tests of their own
        desk.db.run("DELETE FROM lane_minutes")
        desk.db.run("DELETE FROM leases")
    return issue


def count(desk: Desk, table: str) -> int:
    return int(desk.db.value(f"SELECT COUNT(*) FROM {table}"))


async def test_attempts_go_first_then_messages_and_details(desk: Desk) -> None:
    await sent(desk)
    ended = desk.clock.now()
    desk.clock.ms = ended + 10 * DAY
    assert sweep(desk) == Pruned()
    desk.clock.ms += 1
    assert sweep(desk) == Pruned(attempts=3)
    assert (count(desk, "attempts"), count(desk, "messages")) == (0, 3)
    desk.clock.ms = ended + 100 * DAY + 1
    assert sweep(desk) == Pruned(messages=3, deliveries=3)
    rows = desk.db.all("SELECT state, reason, variant, message_id, ended_at FROM deliveries")
    assert rows == [{"state": "sent", "reason": "", "variant": 0, "message_id": None, "ended_at": ended}] * 3
    assert sweep(desk) == Pruned()


async def test_nothing_is_sent_again_when_the_issue_is_planned_again_after_years(desk: Desk) -> None:
    issue = await sent(desk)
    desk.clock.ms += 200 * DAY
    sweep(desk)
    with desk.db.transaction():
        desk.db.run("UPDATE issues SET state = 'sending', planned_at = NULL, ended_at = NULL")
    assert desk.plan() == 0
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.sends == []
    assert count(desk, "messages") == 0
    assert desk.issue_state(issue) == "sent"


async def test_what_is_too_old_is_counted_without_being_touched(desk: Desk) -> None:
    await sent(desk)
    desk.clock.ms += 200 * DAY
    expected = Pruned(attempts=3, messages=3, deliveries=3)
    assert sweep(desk, dry=True) == expected
    assert sweep(desk, dry=True) == expected
    assert sweep(desk) == expected


@pytest.mark.parametrize("state", ["queued", "paused", "sending"])
async def test_what_has_not_ended_is_never_touched(desk: Desk, state: str) -> None:
    desk.reader("a", "topic:red")
    desk.issue({"一": ["red"]})
    desk.plan()
    with desk.db.transaction():
        desk.db.run("UPDATE messages SET state = :state, owner = 'x'", {"state": state})
        desk.db.run(
            "INSERT INTO attempts (message_id, number, part, lane, started_at, duration_ms, outcome, code, detail)"
            " SELECT id, 1, 0, 'l', 0, 1, 'retry', '', '' FROM messages"
        )
    desk.clock.ms += 5000 * DAY
    assert sweep(desk) == Pruned()


@pytest.mark.parametrize("state", ["sending", "paused"])
async def test_an_issue_that_may_still_send_keeps_its_story(desk: Desk, state: str) -> None:
    await sent(desk)
    with desk.db.transaction():
        desk.db.run("UPDATE issues SET state = :state", {"state": state})
    desk.clock.ms += 5000 * DAY
    assert sweep(desk) == Pruned()


async def test_a_bundle_waits_for_the_last_of_its_issues(desk: Desk) -> None:
    desk.reader("a", "topic:red", preferences=Preferences(bundled=True))
    first = desk.issue({"一": ["red"]})
    desk.issue({"一": ["red"]}, 535)
    desk.plan()
    await desk.drain(FakeChannel())
    assert count(desk, "messages") == 1
    with desk.db.transaction():
        desk.db.run("UPDATE issues SET state = 'sending' WHERE id = :id", {"id": first})
    desk.clock.ms += 200 * DAY
    assert sweep(desk).messages == 0
    with desk.db.transaction():
        desk.db.run("UPDATE issues SET state = 'sent'")
    found = sweep(desk)
    assert (found.attempts, found.messages, found.deliveries) == (1, 1, 2)


async def test_nothing_goes_where_everything_is_kept(desk: Desk) -> None:
    await sent(desk)
    desk.clock.ms += 5000 * DAY
    assert sweep(desk, RetentionSettings(attempts_days=0, deliveries_days=0, audit_days=0)) == Pruned()


async def test_attempts_are_kept_no_longer_than_their_message(desk: Desk) -> None:
    await sent(desk)
    desk.clock.ms += 101 * DAY
    kept = RetentionSettings(attempts_days=0, deliveries_days=100)
    assert sweep(desk, kept, dry=True) == sweep(desk, kept) == Pruned(attempts=3, messages=3, deliveries=3)


async def test_young_rows_end_the_walk_and_many_old_ones_are_many_slices(desk: Desk) -> None:
    await sent(desk, readers=5)
    desk.clock.ms += 200 * DAY
    await sent(desk, readers=5, total=535)
    found = Sweep(KEEP, desk.clock.now(), rows=2)
    slices = 0
    while found.slice(desk.db):
        slices += 1
    assert slices == 6  # three of attempts, three of messages: none is spent on what is young
    assert found.pruned == Pruned(attempts=5, messages=5, deliveries=5)
    assert count(desk, "messages") == 5


async def test_rows_of_a_clock_that_stood_in_the_future_hide_no_older_ones(desk: Desk) -> None:
    desk.clock.ms += 50_000 * DAY
    await sent(desk, readers=2)
    desk.clock.ms = START
    await sent(desk, readers=2, total=535)
    desk.clock.ms += 200 * DAY
    assert sweep(desk, rows=2) == Pruned(attempts=2, messages=2, deliveries=2)


async def test_the_running_program_stops_between_two_slices(desk: Desk) -> None:
    await sent(desk)
    desk.clock.ms += 200 * DAY
    stopping = asyncio.Event()
    async with Store(desk.connect) as store:
        run = asyncio.create_task(prune(store, KEEP, desk.clock.now(), stopping, rows=1))
        while not await store.call(lambda db: db.value("SELECT COUNT(*) FROM attempts") < 3):
            pass  # the store serves others between two slices
        stopping.set()
        first = await run
        stopping.clear()
        rest = await prune(store, KEEP, desk.clock.now(), stopping)
    assert 0 < first.attempts + first.messages < 6
    assert first.attempts + rest.attempts == 3
    assert first.messages + rest.messages == 3


def test_minutes_of_lanes_are_kept_for_two_days(desk: Desk) -> None:
    minute = desk.clock.now() // 60_000
    with desk.db.transaction():
        for age in (0, 2880, 2881, 9000):
            desk.db.run("INSERT INTO lane_minutes VALUES (:minute, 'l', 1, 0, 0, 5)", {"minute": minute - age})
    assert sweep(desk, dry=True) == sweep(desk) == Pruned(lane_minutes=2)
    assert count(desk, "lane_minutes") == 2


def test_leases_of_the_dead_go_and_those_of_the_living_stay(desk: Desk) -> None:
    code = "from dispatch.delivery.leases import new_owner; print(new_owner())"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    now = desk.clock.now()
    rows = [
        ("dead", dead, now - 1),
        ("dead, runs still", dead, now + 1),
        ("mine", leases.new_owner(), now - 1),
        ("elsewhere", "elsewhere/1/2/3", now - 1),
    ]
    with desk.db.transaction():
        for name, owner, until in rows:
            values = {"name": name, "owner": owner, "until": until}
            desk.db.run("INSERT INTO leases (name, owner, since, until) VALUES (:name, :owner, 0, :until)", values)
    assert sweep(desk, dry=True) == sweep(desk) == Pruned(leases=1)
    left = {row["name"] for row in desk.db.all("SELECT name FROM leases")}
    assert left == {"dead, runs still", "mine", "elsewhere"}


async def test_a_test_message_goes_with_the_secret_in_it(desk: Desk) -> None:
    issue = await sent(desk, readers=1)
    assert issue
    with desk.db.transaction():
        ledger.add_test(desk.db, ledger.Test("t", "email", "email", "e@x.test", ((1, 1),), "s"), desk.clock.now())
    await desk.drain(FakeChannel(answer=lambda envelope, part: Sent()))
    desk.clock.ms += 101 * DAY
    assert sweep(desk).messages == 2


async def test_a_step_that_finds_the_store_locked_comes_again(desk: Desk) -> None:
    await sent(desk)
    desk.clock.ms += 5000 * DAY
    found = Sweep(KEEP, desk.clock.now())
    other = desk.connect()
    desk.db.wait_for_locks(0.05)
    try:
        with other.transaction():
            assert patiently(found.slice, desk.db)  # it is not the end
            assert found.pruned.total == 0
        while patiently(found.slice, desk.db):
            pass
    finally:
        other.close()
    assert found.pruned.messages == 3


def test_people_who_were_removed_are_erased_after_their_time(desk: Desk) -> None:
    kept = RetentionSettings(removed_days=30)
    gone, stays = desk.reader("gone@example.com", "all"), desk.reader("stays@example.com", "all")
    with desk.db.transaction():
        directory.remove(desk.db, directory.get(desk.db, 1), at(desk.clock.now()))
    desk.clock.ms += 30 * DAY
    assert sweep(desk, kept).removed == 0
    desk.clock.ms += 1
    assert sweep(desk, kept, dry=True).removed == 1
    assert sweep(desk, kept).removed == 1
    assert [row["id"] for row in desk.db.all("SELECT id FROM endpoints")] == [stays]
    erased = desk.db.one("SELECT actor, way FROM audit WHERE action = 'erased' AND subject_id = '1'")
    assert erased == {"actor": "dispatch", "way": "schedule"}
    assert gone
    assert sweep(desk, kept) == Pruned()
    assert desk.reader("gone@example.com", "all")  # nobody has said that nothing may go there


def test_who_unsubscribed_before_they_were_removed_stays_so_when_their_data_goes(desk: Desk) -> None:
    left = desk.reader("left@example.com", "all")
    with desk.db.transaction():
        directory.opt_out(desk.db, left, at(desk.clock.now()))
    with desk.db.transaction():
        directory.remove(desk.db, directory.get(desk.db, 1), at(desk.clock.now()))
    desk.clock.ms += 31 * DAY
    assert sweep(desk, RetentionSettings(removed_days=30)).removed == 1
    with pytest.raises(Conflict, match="unsubscribed by the reader"):
        desk.reader("left@example.com", "all")


def test_nobody_who_was_removed_is_erased_where_they_are_kept_but_what_was_begun_is_ended(desk: Desk) -> None:
    kept = RetentionSettings(removed_days=0)
    desk.reader("a@example.com", "topic:t")
    desk.reader("b@example.com", "topic:t")
    desk.issue({"一": ["t"]})
    desk.plan()
    with desk.db.transaction():
        directory.remove(desk.db, directory.get(desk.db, 2), at(desk.clock.now()))
    claims.claim(desk.db, "email", 10, "me", desk.clock.now(), 300_000)
    assert not personal.erase(desk.db, 1, at(desk.clock.now())).done
    assert sweep(desk, kept).removed == 0  # a sender has it
    desk.clock.ms += 400 * DAY
    assert sweep(desk, kept).removed == 1
    assert [row["id"] for row in desk.db.all("SELECT id FROM subscribers")] == [2]


def test_addresses_that_nobody_confirmed_go_and_may_ask_again(desk: Desk) -> None:
    kept = RetentionSettings(pending_days=30)
    hasher = Hasher.load(desk.db)
    address = Address("email", "pending@example.com", "email")

    def ask() -> None:
        with desk.db.transaction():
            act = Act(desk.clock.now(), READER, Way.PAGE)
            asked = consent.ask(desk.db, hasher, address, Wish("P", ("all",)), "yes", act, "198.51.100.7", Limits())
            assert asked
            confirmations.queue(desk.db, asked, desk.clock.now())

    ask()
    active = desk.reader("active@example.com", "all")
    desk.clock.ms += 29 * DAY
    ask()
    desk.clock.ms += 2 * DAY
    assert sweep(desk, kept).unconfirmed == 0  # asked for again two days ago
    desk.clock.ms += 29 * DAY
    assert sweep(desk, kept, dry=True).unconfirmed == 1
    done = sweep(desk, kept)
    assert (done.unconfirmed, done.asks) == (1, 0)
    assert [row["id"] for row in desk.db.all("SELECT id FROM endpoints")] == [active]
    assert count(desk, "subscribers") == 1
    assert count(desk, "suppressions") == 0
    assert count(desk, "consents") == 1
    ask()
    assert count(desk, "endpoints") == 2


def test_one_unconfirmed_address_goes_without_its_person(desk: Desk) -> None:
    with desk.db.transaction():
        directory.add(
            desk.db, name="N", addresses=[Address("email", "n@example.com", "email"), Address("telegram", "77", "t")],
            follows=["all"], preferences=Preferences(), consent="", act=at(desk.clock.now()),
        )  # fmt: skip
        directory.confirm(desk.db, 1, "by letter", at(desk.clock.now()))
    desk.clock.ms += 31 * DAY
    assert sweep(desk).unconfirmed == 1
    assert [e.address.address for e in directory.get(desk.db, 1).endpoints] == ["n@example.com"]


def test_the_record_goes_after_its_time_unless_it_is_kept(desk: Desk) -> None:
    desk.reader("a@example.com", "all")
    desk.clock.ms += 1096 * DAY
    desk.reader("b@example.com", "all")
    assert sweep(desk, RetentionSettings(audit_days=0)).audit == 0
    assert sweep(desk, RetentionSettings(), dry=True).audit == 1
    assert sweep(desk, RetentionSettings(), rows=1).audit == 1
    assert [row["subject_id"] for row in desk.db.all("SELECT subject_id FROM audit")] == ["2"]


def test_what_strangers_asked_for_is_counted_for_a_day(desk: Desk) -> None:
    with desk.db.transaction():
        desk.db.run("INSERT INTO asks (who, at) VALUES ('x', :now)", {"now": desk.clock.now()})
    desk.clock.ms += DAY
    assert sweep(desk).asks == 0
    desk.clock.ms += 1
    assert sweep(desk).asks == 1
    assert count(desk, "asks") == 0
