"""What goes wrong at home: a locked or full database, a clock that is set, a template or a delivery that is broken."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatch.delivery.ledger import Work
from dispatch.model import Envelope
from subscribers.database import Database
from subscribers.errors import Busy, DatabaseError
from tests.faults.office import HOUR, LONGEST_REST, Office, heard, lined_up

DAY = 24 * HOUR
READERS = [f"r{number:02d}@x.test" for number in range(12)]

_LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
for line in sys.stdin:
    connection.execute(line)
    print(flush=True)
"""


class Locker:
    """Another process that takes the database's lock and gives it back when it is told."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LOCKER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.locked = False

    def lock(self) -> None:
        self._tell("BEGIN IMMEDIATE")
        self.locked = True

    def free(self) -> None:
        if self.locked:
            self._tell("ROLLBACK")
        self.locked = False

    def end(self) -> None:
        self._process.communicate()

    def _tell(self, statement: str) -> None:
        assert self._process.stdin
        assert self._process.stdout
        print(statement, file=self._process.stdin, flush=True)
        self._process.stdout.readline()


@pytest.fixture
def locker(office: Office) -> Iterator[Locker]:
    usual = office.connect
    office.connect = lambda: impatient(usual())
    made = Locker(office.desk.path)
    yield made
    made.end()


def impatient(db: Database) -> Database:
    """A connection that does not wait for the lock: the wait of 5 seconds is SQLite's and needs no test."""
    db.run("PRAGMA busy_timeout = 0")
    return db


def everybody_got_it_once(office: Office, addresses: tuple[str, ...]) -> None:
    assert {office.story(address).delivery for address in addresses} == {"sent"}
    assert {address: len(office.arrived(address)) for address in addresses} == dict.fromkeys(addresses, 1)
    for address in addresses:
        assert [outcome for outcome, _, _ in office.story(address).attempts] == ["sent"]


def told(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    return any(words in record.getMessage() and record.levelno >= logging.ERROR for record in caplog.records)


# The database


async def test_a_lock_while_outcomes_are_written_costs_no_acceptance(
    office: Office, locker: Locker, caplog: pytest.LogCaptureFixture
) -> None:
    """The relay has accepted; what it said is written down when the other process lets go."""
    readers = lined_up(office, "email", READERS)
    office.publish()
    locks = iter([locker.lock])

    async def let_go(seconds: float) -> None:
        locker.free()

    office.at_each_mail(lambda: next(locks, lambda: None)())
    office.clock.on_sleep = let_go
    await office.drain()
    assert told(caplog, "is locked by another process")
    everybody_got_it_once(office, readers)


async def test_a_lock_at_the_beginning_is_told_and_loses_nobody(office: Office, locker: Locker) -> None:
    readers = lined_up(office, "email", READERS)
    office.publish()
    locker.lock()
    with pytest.raises(Busy, match="locked by another process"):
        await office.drain()
    locker.free()
    await office.drain()
    everybody_got_it_once(office, readers)


async def test_a_service_outlives_a_lock_at_its_start(office: Office, locker: Locker) -> None:
    readers = lined_up(office, "email", READERS)
    office.publish()
    async with office.engine() as engine, asyncio.timeout(30), asyncio.TaskGroup() as group:
        locker.lock()
        with heard("is locked by another process") as told_of_it:
            serving = group.create_task(engine.serve())
            await told_of_it.wait()
        assert not serving.done()
        locker.free()
        await office.smtp.messages.reached(len(readers))
        engine.stop()
    everybody_got_it_once(office, readers)


async def test_a_service_outlives_a_lock_that_comes_later(office: Office, locker: Locker) -> None:
    """Somebody else works on the database while there is nothing to send, and an issue comes when that is over."""
    readers = lined_up(office, "email", READERS)
    async with office.engine() as engine, asyncio.timeout(30), asyncio.TaskGroup() as group:
        office.publish("before")
        serving = group.create_task(engine.serve())
        await office.smtp.messages.reached(len(readers))
        with heard("is locked by another process") as told_of_it:
            locker.lock()
            await told_of_it.wait()
        assert not serving.done()
        locker.free()
        office.publish("after", total=535)
        await office.smtp.messages.reached(2 * len(readers))
        engine.stop()
    assert {address: len(office.arrived(address)) for address in readers} == dict.fromkeys(readers, 2)


# What keeps the ledger from taking back what a lane had
_REFUSED = {
    "its messages": "BEFORE UPDATE ON messages WHEN old.state = 'sending' AND new.state = 'queued'"
    " AND new.attempts = old.attempts",
    "its lease": "BEFORE DELETE ON leases WHEN old.name LIKE 'lane/%'",
}


@pytest.mark.parametrize("what", _REFUSED)
async def test_a_lane_that_cannot_give_back_what_it_has_goes_on_when_the_ledger_can_be_written_again(
    office: Office, what: str
) -> None:
    """The relay closes in the middle of a page, just when the ledger takes nothing."""
    readers = lined_up(office, "email", READERS)
    office.publish()
    office.smtp.answer("RCPT", "421 4.3.2 closing", times=1, when=lambda step: len(office.smtp.messages) == 3)
    office.desk.db.run(f"CREATE TRIGGER refused {_REFUSED[what]} BEGIN SELECT RAISE(FAIL, 'not now'); END")
    async with office.engine() as engine, asyncio.timeout(30), asyncio.TaskGroup() as group:
        with heard("not now") as told_of_it:
            serving = group.create_task(engine.serve())
            await told_of_it.wait()
        office.desk.db.run("DROP TRIGGER refused")
        office.clock.ms += LONGEST_REST
        await office.smtp.messages.reached(len(readers))
        assert not serving.done()
        engine.stop()
    assert {address: len(office.arrived(address)) for address in readers} == dict.fromkeys(readers, 1)


async def test_a_claim_that_fails_cuts_no_send_off(office: Office) -> None:
    """The connections have messages in hand when the ledger gives no more."""
    readers = lined_up(office, "email", READERS)
    office.publish()
    office.page, office.connections = 2, 2
    office.desk.db.run("CREATE TABLE closed (yes)")
    office.desk.db.run(
        "CREATE TRIGGER refused BEFORE UPDATE ON messages WHEN new.state = 'sending' AND EXISTS (SELECT 1 FROM closed)"
        " BEGIN SELECT RAISE(FAIL, 'not now'); END"
    )

    def close() -> None:
        office.desk.db.run("INSERT INTO closed VALUES (1)")

    office.at_each_mail(close)
    summary = await office.drain()
    assert "not now" in summary.outages["email:default"]
    arrived = len(office.smtp.messages)
    assert 2 <= arrived < len(readers)
    sent = "SELECT COUNT(*) FROM deliveries WHERE state = 'sent'"
    assert office.desk.db.value(sent) == arrived
    office.desk.db.run("DROP TRIGGER refused")
    office.smtp.clear()
    office.clock.ms += LONGEST_REST
    await office.drain()
    everybody_got_it_once(office, readers)


async def test_a_stop_beside_a_locked_ledger_writes_down_what_was_accepted(office: Office, locker: Locker) -> None:
    readers = lined_up(office, "email", READERS)
    office.publish()
    async with office.engine() as engine:

        def stop() -> None:
            engine.stop()
            locker.lock()

        office.at_each_mail(stop)
        waits = iter([lambda: None, lambda: None, locker.free])

        async def wait(seconds: float) -> None:
            next(waits)()

        office.clock.on_sleep = wait
        await engine.drain()
    assert len(office.smtp.messages) == 1
    assert office.story(readers[0]).attempts[0][0] == "sent"
    office.smtp.clear()
    await office.drain()
    everybody_got_it_once(office, readers)


async def test_a_full_disk_costs_no_acceptance(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """The relay has accepted, and there is no room to write it down until somebody makes some."""
    readers = lined_up(office, "email", READERS)
    office.smtp.answer("DATA", "250 " + "long words " * 30)
    office.publish()
    usual = office.connect
    office.connect = lambda: full(usual())

    async def make_room(seconds: float) -> None:
        await office.store.call(lambda db: db.run("PRAGMA max_page_count = 100000"))

    office.clock.on_sleep = make_room
    await office.drain()
    assert told(caplog, "the disk is full")
    everybody_got_it_once(office, readers)


async def test_a_disk_that_is_full_while_an_issue_is_planned_leaves_nobody_out(office: Office) -> None:
    readers = lined_up(office, "email", [f"r{number}@x.test" for number in range(60)])
    full(office.desk.db)
    with pytest.raises(DatabaseError, match="the disk is full"):
        office.publish("a title " * 2000)
    office.desk.db.run("PRAGMA max_page_count = 100000")
    office.publish()
    await office.drain()
    everybody_got_it_once(office, readers)


def full(db: Database) -> Database:
    """A database file that cannot grow."""
    db.run(f"PRAGMA max_page_count = {db.value('PRAGMA page_count')}")
    return db


# The clock


@pytest.mark.parametrize("jump", [-DAY, -HOUR, HOUR, DAY], ids=["a day back", "an hour back", "an hour on", "a day on"])
async def test_a_clock_that_is_set_while_a_message_is_sent_loses_and_repeats_nothing(office: Office, jump: int) -> None:
    readers = lined_up(office, "email", READERS)
    office.publish()
    _set_the_clock_at_the_third(office, jump)
    await office.drain()
    office.clock.ms += max(-jump, 0) + LONGEST_REST
    await office.drain()
    everybody_got_it_once(office, readers)
    assert office.desk.db.value("SELECT COUNT(*) FROM attempts WHERE duration_ms < 0") == 0


async def test_a_clock_set_past_the_end_expires_what_was_not_sent_and_says_so(office: Office) -> None:
    readers = lined_up(office, "email", READERS)
    office.publish()
    _set_the_clock_at_the_third(office, 3 * DAY)
    office.page = 2
    await office.drain()
    stories = [office.story(address) for address in readers]
    sent = [story for story in stories if story.delivery == "sent"]
    expired = [story for story in stories if story.delivery == "expired"]
    assert stories == sent + expired
    assert 3 <= len(sent) <= 3 + 2 * office.page, "what was claimed already may go"
    assert all("not sent in time" in story.reason for story in expired)
    assert len(office.smtp.messages) == len(sent)


def _set_the_clock_at_the_third(office: Office, jump: int) -> None:
    """The third message arrives, and when its answer comes the clock shows another time."""
    jumps = iter([0, 0, jump])
    office.at_each_mail(lambda: office.clock.set(next(jumps, 0)))


@pytest.mark.parametrize("jump", [-DAY, -HOUR, HOUR], ids=["a day back", "an hour back", "an hour on"])
async def test_a_clock_that_is_set_while_a_message_waits_sends_it_once(office: Office, jump: int) -> None:
    [reader] = lined_up(office, "email", READERS[:1])
    office.publish()
    office.smtp.answer("RCPT", "451 4.7.1 later", times=1)
    await office.drain()
    office.clock.set(jump)
    await office.drain()
    office.clock.ms += max(-jump, 0) + HOUR
    await office.drain()
    await office.drain()
    assert office.story(reader).delivery == "sent"
    assert len(office.arrived(reader)) == 1


# What is broken in itself

_BROKEN = """
{% for section in content.sections %}{% for entry in section.matching %}
{{ 1 // 0 if entry.article.title == "green" else entry.article.title }}
{% endfor %}{% endfor %}
"""


async def test_a_template_that_fails_for_one_variant_fails_loudly_and_for_its_readers_alone(
    office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    office.templates = tmp_path / "own"
    (office.templates / "email").mkdir(parents=True)
    (office.templates / "email" / "digest.txt.j2").write_text(_BROKEN, encoding="utf-8")
    red = office.reader("email", "red@x.test", "topic:red")
    green = [office.reader("email", f"green{n}@x.test", "topic:green") for n in range(2)]
    by_telegram = office.reader("telegram", "7", "topic:green")
    office.publish("red", "green")
    await office.drain()
    everybody_got_it_once(office, (red, by_telegram))
    for address in green:
        story = office.story(address)
        assert (story.delivery, story.endpoint) == ("failed", "active")
        [(outcome, _, words)] = story.attempts
        assert outcome == "rejected"
        assert "cannot be rendered" in words
        assert "email/digest.txt.j2" in words
        assert story.reason == words
    assert told(caplog, "email/digest.txt.j2"), "nobody hears of it before they look at the deliveries"


async def test_a_delivery_that_makes_the_program_fail_fails_alone_and_expires_in_the_end(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    first, poisoned, last = lined_up(office, "email", ["first@x.test", "poisoned@x.test", "last@x.test"])
    chat = office.reader("telegram", "1")
    office.publish()

    def broken(work: Work) -> Envelope:
        raise LookupError("no such word")

    office.envelope = lambda usual: lambda work: (broken if work.address == poisoned else usual)(work)
    await office.drain()
    everybody_got_it_once(office, (first, last, chat))
    story = office.story(poisoned)
    assert (story.delivery, story.message, story.endpoint) == ("planned", "queued", "active")
    assert [(outcome, words) for outcome, _, words in story.attempts] == [("retry", "internal error: LookupError")]
    assert story.due_at >= story.tried_at + 60_000
    assert told(caplog, "LookupError")
    for _ in range(20):
        office.clock.ms = max(office.clock.ms, office.story(poisoned).due_at)
        await office.drain()
        if office.story(poisoned).delivery != "planned":
            break
    story = office.story(poisoned)
    assert (story.delivery, story.endpoint) == ("expired", "active")
    assert "internal error: LookupError" in story.reason
    assert len(story.attempts) >= 8
    everybody_got_it_once(office, (first, last, chat))


@pytest.mark.parametrize(
    ("channel", "address", "column", "broken", "code", "endpoint"),
    [
        ("email", "victim@x.test", "address", "no address at all", "address", "suppressed"),
        ("telegram", "5", "address", "7; DROP", "address", "gone"),
        ("webhook", "/victim", "secret", "whsec_###", "secret", "active"),
    ],
)
async def test_an_endpoint_that_is_broken_in_the_database_fails_alone(
    office: Office, channel: str, address: str, column: str, broken: str, code: str, endpoint: str
) -> None:
    url = office.hooks.base_url if channel == "webhook" else ""
    victim = office.reader(channel, url + address)
    neighbours = {"email": "next@x.test", "telegram": "6", "webhook": f"{office.hooks.base_url}/next"}
    others = tuple(office.reader(name, item) for name, item in neighbours.items())
    office.publish()
    with office.desk.db.transaction():
        sql = f"UPDATE endpoints SET {column} = :broken WHERE address = :address"
        office.desk.db.run(sql, {"broken": broken, "address": victim})
    await office.drain()
    everybody_got_it_once(office, others)
    story = office.story(broken if column == "address" else victim)
    assert (story.delivery, story.endpoint) == ("failed", endpoint)
    assert [(outcome, found) for outcome, found, _ in story.attempts] == [("rejected", code)]


async def test_a_relay_that_stays_away_costs_its_readers_the_issue_and_says_why(office: Office) -> None:
    readers = lined_up(office, "email", READERS[:3])
    chat = office.reader("telegram", "1")
    office.publish()
    await office.smtp.stop()
    for _ in range(4):
        await office.drain()
        assert {office.story(address).delivery for address in readers} == {"planned"}
        office.clock.ms += 12 * HOUR
    await office.drain()
    stories = [office.story(address) for address in readers]
    assert {(story.delivery, story.endpoint) for story in stories} == {("expired", "active")}
    assert all("not sent in time" in story.reason for story in stories)
    assert any("connection refused" in story.reason for story in stories)
    everybody_got_it_once(office, (chat,))
