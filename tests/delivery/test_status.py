"""What goes on, as the database tells it."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch import archive
from dispatch.cli.status_view import lane_rows, queue_state
from dispatch.delivery import leases
from dispatch.delivery.status import MINUTES, LaneStatus, QueueStatus, Status, rate
from dispatch.delivery.status_reader import Reader
from subscribers.database import SCHEMA, Database
from tests.delivery.conftest import START, Desk
from tests.marks import sqlite_only

COLUMNS = {"一": ["red", "green"], "二": ["blue"]}
MINUTE = START // 60_000
ELSEWHERE = "mars-0a1b2c3d/77/12345/abcd"


def lane(desk: Desk, name: str, queue: str, **values: object) -> None:
    row = {"name": name, "queue": queue, **values}
    desk.db.run(
        f"INSERT INTO lanes ({', '.join(row)}) VALUES ({', '.join(f':{key}' for key in row)})"
        " ON CONFLICT (name) DO UPDATE SET sent = excluded.sent",
        row,
    )


def minute(desk: Desk, name: str, ago: int, sent: int, retried: int = 0, failed: int = 0) -> None:
    desk.db.run(
        "INSERT INTO lane_minutes (minute, lane, sent, retried, failed, busy_ms) VALUES (:m, :n, :s, :r, :f, 0)",
        {"m": MINUTE - ago, "n": name, "s": sent, "r": retried, "f": failed},
    )


def lease(desk: Desk, name: str, owner: str, seconds: int = 60) -> None:
    desk.db.run(
        "INSERT INTO leases (name, owner, since, until) VALUES (:n, :o, :s, :u)",
        {"n": name, "o": owner, "s": START - 5_000, "u": START + seconds * 1000},
    )


def read(desk: Desk, reader: Reader | None = None) -> Status:
    return (reader or Reader()).read(desk.db, desk.clock.now())


def queue(status: Status, name: str) -> QueueStatus:
    return next(queue for queue in status.queues if queue.name == name)


def only_lane(status: Status, name: str) -> LaneStatus:
    [found] = queue(status, name).lanes
    return found


def test_an_empty_database_has_nothing_to_tell(desk: Desk) -> None:
    status = read(desk)
    assert (status.processes, status.issues, status.queues) == ((), (), ())
    assert status.holder("scheduler") is None


def test_a_queue_shows_before_any_lane_took_from_it(desk: Desk) -> None:
    desk.reader("a", "all")
    desk.reader("b", "topic:red")
    desk.issue(COLUMNS)
    desk.plan()
    found = queue(read(desk), "email")
    assert (found.due, found.later, found.lanes, found.oldest_at) == (3, 0, (), START)
    assert not found.off
    assert not found.quiet


def test_a_queue_without_settings_is_off_unless_a_lane_runs(desk: Desk) -> None:
    desk.reader("a", "all")
    desk.issue(COLUMNS)
    desk.plan()
    assert queue(read(desk, Reader(lambda name: name == "email")), "email").off
    lane(desk, "email:default", "email")
    lease(desk, "lane/email:default/0", ELSEWHERE)
    assert not queue(read(desk, Reader(lambda name: True)), "email").off


def test_what_is_due_is_told_from_what_has_a_time_of_its_own(desk: Desk) -> None:
    for number in range(4):
        desk.reader(f"r{number}", "topic:red")
    desk.issue(COLUMNS)
    desk.plan()
    desk.db.run("UPDATE messages SET due_at = :at WHERE id = 1", {"at": START + 90_000})
    desk.db.run("UPDATE messages SET state = 'sending' WHERE id = 2")
    desk.db.run("UPDATE messages SET state = 'paused', paused_for = digest_id WHERE id = 3")
    status = read(desk)
    found = queue(status, "email")
    assert (found.due, found.later, found.sending, found.next_at) == (1, 1, 1, START + 90_000)
    assert status.paused == {"email": 1}


def test_an_issue_under_way_tells_how_much_is_left_and_what_is_paused(desk: Desk) -> None:
    for number in range(4):
        desk.reader(f"r{number}", "topic:red")
    issue = desk.issue(COLUMNS)
    desk.plan()
    desk.db.run("UPDATE deliveries SET state = 'sent' WHERE id = 1")
    desk.db.run(
        "INSERT INTO holds (issue_id, column_position, channel, held_at, held_by) VALUES (:id, 1, 'email', :at, 'ann')",
        {"id": issue, "at": START},
    )
    desk.issue(COLUMNS, total=535, approve=False)
    status = read(desk)
    [found] = status.issues
    assert (found.name, found.state, found.deliveries, found.ended, found.owed) == ("534", "sending", 4, 1, 3)
    [hold] = found.holds
    assert (hold.column, hold.channel, hold.held_by) == ("二", "email", "ann")
    assert status.issue_states == {"held": 1, "sending": 1}


def test_processes_are_those_with_a_lease_and_tell_what_they_do(desk: Desk) -> None:
    here = leases.new_owner()
    for name in (f"process/{here}", "scheduler", "lane/email:default/0", "lane/webhook:h:8080/0"):
        lease(desk, name, here)
    lease(desk, f"process/{ELSEWHERE}", ELSEWHERE)
    lease(desk, "web", ELSEWHERE)
    lease(desk, "process/old", "old", seconds=-1)
    status = read(desk)
    assert {(process.owner, process.roles, process.lanes, process.alive) for process in status.processes} == {
        (here, ("scheduler",), 2, True),
        (ELSEWHERE, ("web",), 0, True),
    }
    assert next(process for process in status.processes if process.owner == ELSEWHERE).host == "mars"


def test_a_process_of_this_machine_that_died_is_known_before_its_lease_ends(desk: Desk) -> None:
    host, pid, _, rest = leases.new_owner().split("/")
    owner = f"{host}/{pid}/1/{rest}"  # the same number, begun at another time
    lease(desk, f"process/{owner}", owner)
    assert [process.alive for process in read(desk).processes] == [False]


@pytest.mark.parametrize(
    ("values", "runs", "state"),
    [
        ({}, 0, "idle"),
        ({}, 1, "running"),
        ({"breaker": "open", "rest_ms": 9_001, "not_before": START + 9_000, "changed_at": START - 1}, 1, "resting"),
        ({"breaker": "open", "not_before": START - 1, "changed_at": START - 9}, 0, "rested"),
        ({"breaker": "half-open", "not_before": START - 1, "changed_at": START - 9}, 1, "trying"),
        ({"breaker": "half-open", "not_before": START - 1, "changed_at": START - 9}, 0, "rested"),
        ({"breaker": "open", "rest_ms": 5_000, "not_before": START + 9_000, "changed_at": START - 1}, 0, "waiting"),
    ],
)
def test_the_state_of_a_lane(desk: Desk, values: dict[str, object], runs: int, state: str) -> None:
    lane(desk, "webhook:h:8080", "webhook:h:8080", **values)
    for number in range(runs):
        lease(desk, f"lane/webhook:h:8080/{number}", ELSEWHERE)
    found = only_lane(read(desk), "webhook:h:8080")
    assert (found.state, found.runs) == (state, runs)


def test_several_lanes_share_the_backlog_of_their_queue(desk: Desk) -> None:
    for number in range(6):
        desk.reader(f"r{number}", "topic:red")
    desk.issue(COLUMNS)
    desk.plan()
    for name, sent in (("email:default", 120), ("email:second", 60)):
        lane(desk, name, "email")
        lease(desk, f"lane/{name}/0", ELSEWHERE, seconds=30)
        for ago in range(6):
            minute(desk, name, ago, sent)
    desk.clock.ms = (MINUTE + 1) * 60_000
    found = queue(read(desk), "email")
    assert (found.due, len(found.lanes), round(found.rate or 0, 2)) == (6, 2, 3.0)
    assert found.seconds_left is None  # their leases have run out
    desk.clock.ms = START
    assert queue(read(desk), "email").seconds_left is not None


def test_counts_of_the_last_hour_and_of_single_minutes(desk: Desk) -> None:
    lane(desk, "email:default", "email")
    for ago, sent in ((0, 5), (1, 4), (30, 7), (59, 1), (60, 99)):
        minute(desk, "email:default", ago, sent, retried=1, failed=2)
    found = only_lane(read(desk), "email")
    assert found.hour == (17, 4, 8)
    assert (len(found.minutes), found.minutes[-2:], sum(found.minutes)) == (MINUTES, (4, 5), 9)


def test_a_rate_is_that_of_the_last_minutes() -> None:
    end = (MINUTE + 1) * 60_000  # the whole minute is over
    assert rate({}, end) == 0
    assert rate({MINUTE - ago: 60 for ago in range(20)}, end) == 1
    assert rate({MINUTE - 9: 6000}, end) == 0
    assert rate({MINUTE: 60}, end) == 1


def test_a_rate_leaves_out_the_minute_in_which_the_lane_began() -> None:
    end = (MINUTE + 1) * 60_000
    assert rate({MINUTE - 2: 1, MINUTE - 1: 120, MINUTE: 120}, end) == 2
    assert rate({MINUTE - 1: 60, MINUTE: 1}, MINUTE * 60_000 + 1_000) == 1  # a second is too short to tell


def test_a_rate_is_measured_from_the_start_of_the_lane() -> None:
    start = MINUTE * 60_000 + 40_000
    assert rate({MINUTE: 20}, start + 5_000, start) is None  # too short to tell
    assert rate({MINUTE: 40}, start + 19_000, start) == pytest.approx(40 / 19)
    assert rate({MINUTE: 40, MINUTE + 1: 80}, start + 60_000, start) == 2
    # After a pause of some minutes only what came after it counts.
    assert rate({MINUTE - 3: 600, MINUTE: 40}, start + 20_000, start) == 2
    # What was at work all the time is measured over all of it.
    assert rate({MINUTE - ago: 60 for ago in range(20)}, MINUTE * 60_000 + 60_000, 5) == 1


def test_a_queue_tells_no_time_left_before_a_pace_is_known(desk: Desk) -> None:
    now = desk.clock.now()
    with desk.db.transaction():
        desk.db.run(
            "INSERT INTO lanes (name, queue, breaker, rest_ms, not_before, changed_at, reason, sent, retried, failed,"
            " busy_ms) VALUES ('email:one', 'email', 'closed', 0, 0, 0, '', 5, 0, 0, 0)"
        )
        desk.db.run(
            "INSERT INTO lane_minutes (minute, lane, sent, retried, failed, busy_ms)"
            " VALUES (:minute, 'email:one', 5, 0, 0, 0)",
            {"minute": now // 60_000},
        )
        desk.db.run(
            "INSERT INTO leases (name, owner, since, until) VALUES ('lane/email:one/0', 'elsewhere', :since, :until)",
            {"since": now - 5_000, "until": now + 60_000},
        )
        desk.db.run(
            "INSERT INTO messages (key, kind, channel, queue, priority, state, due_at, expires_at, created_at)"
            " VALUES ('k', 'digest', 'email', 'email', 1, 'queued', 0, 0, 0)"
        )
    [found] = read(desk).queues
    assert (found.due, found.rate, found.seconds_left) == (1, None, None)
    [row] = lane_rows(found, now)
    assert row[2] == "…"


def test_a_queue_with_messages_in_hand_is_starting() -> None:
    found = QueueStatus("email", due=3, later=0, sending=2, oldest_at=None, next_at=None, off=False, lanes=())
    assert queue_state(found) == "starting"


def test_what_is_watched_gets_the_rate_that_was_seen(desk: Desk) -> None:
    reader = Reader()
    lane(desk, "email:default", "email", sent=1_000)
    assert only_lane(read(desk, reader), "email").rate == 0
    desk.clock.ms += 20_000
    lane(desk, "email:default", "email", sent=1_500)
    assert only_lane(read(desk, reader), "email").rate == 25


class Stopwatch:
    """A clock on which each look costs a second: counting takes that long by it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1
        return self.seconds


def test_what_is_linear_is_counted_less_often_the_longer_it_takes(desk: Desk) -> None:
    desk.reader("a", "all")
    desk.issue(COLUMNS)
    desk.plan()
    watch = Stopwatch()
    reader = Reader(monotonic=watch)
    first = read(desk, reader)
    desk.clock.ms += 1_000
    assert read(desk, reader).counted_at == first.counted_at
    watch.seconds += 20
    assert read(desk, reader).counted_at == desk.clock.now()


def test_a_new_issue_is_counted_at_once(desk: Desk) -> None:
    desk.reader("a", "all")
    reader = Reader(monotonic=Stopwatch())
    assert read(desk, reader).issues == ()
    desk.issue(COLUMNS)
    desk.plan()
    [found] = read(desk, reader).issues
    assert (found.deliveries, found.owed) == (2, 2)


def plan_of(desk: Desk, sql: str, params: dict[str, Any]) -> str:
    return " / ".join(str(row["detail"]) for row in desk.db.all(f"EXPLAIN QUERY PLAN {sql}", params))


@sqlite_only
@pytest.mark.parametrize(
    ("name", "params", "index"),
    [
        ("queued", {"now": START}, "messages_due"),
        ("sending", {}, "messages_leased"),
        ("paused", {}, "messages_paused"),
        ("owed", {"ids": [1]}, "deliveries_planned"),
        ("deliveries", {"ids": [1]}, "COVERING INDEX"),
    ],
)
def test_counts_read_an_index_and_not_the_table(desk: Desk, name: str, params: dict[str, Any], index: str) -> None:
    from dispatch.delivery.status_reader import SQL

    assert index in plan_of(desk, SQL[name], params)


def test_every_database_tells_the_same(migrated_url: str) -> None:
    db = Database.open(migrated_url, (SCHEMA, archive.SCHEMA))
    try:
        with db.transaction():
            _fill(db)
        status = Reader(lambda name: name == "telegram").read(db, START)
    finally:
        db.close()
    assert [(issue.name, issue.deliveries, issue.owed, len(issue.holds)) for issue in status.issues] == [
        ("534", 2, 1, 1)
    ]
    email, telegram = status.queues
    assert (email.due, email.later, email.sending, email.oldest_at) == (1, 1, 1, START - 9)
    assert (telegram.off, telegram.due, status.paused) == (True, 1, {"email": 1})
    assert email.lanes[0].hour == (60, 2, 1)
    assert [process.roles for process in status.processes] == [("scheduler",)]


def _fill(db: Database) -> None:
    issue = db.insert(
        "INSERT INTO issues (bulletin, ref, title, publisher, year, number, total, state, fingerprint, source,"
        " warnings, added_at, planned_at)"
        " VALUES ('huoju', '534', '', '', 2022, 5, 534, 'sending', '', '', '[]', 0, 0) RETURNING id",
        {},
    )
    digest = db.insert(
        "INSERT INTO digests (issue_id, column_position, part, parts) VALUES (:issue, 0, 1, 1) RETURNING id",
        {"issue": issue},
    )
    for endpoint, state in enumerate(("planned", "sent")):
        db.run(
            "INSERT INTO deliveries (digest_id, endpoint_id, variant, state, planned_at)"
            " VALUES (:digest, :endpoint, 1, :state, 0)",
            {"digest": digest, "endpoint": endpoint, "state": state},
        )
    places = [("email", "queued", -9), ("email", "queued", 9), ("email", "sending", 0), ("email", "paused", 0)]
    for number, (queue, state, after) in enumerate([*places, ("telegram", "queued", 0)]):
        db.run(
            "INSERT INTO messages (key, kind, digest_id, channel, queue, priority, state, due_at, expires_at,"
            " created_at, paused_for)"
            " VALUES (:key, 'digest', :digest, :queue, :queue, 1, :state, :due_at, 0, 0, :digest)",
            {"key": str(number), "digest": digest, "queue": queue, "state": state, "due_at": START + after},
        )
    db.run("INSERT INTO lanes (name, queue) VALUES ('email:default', 'email')")
    db.run(
        "INSERT INTO lane_minutes (minute, lane, sent, retried, failed, busy_ms)"
        " VALUES (:minute, 'email:default', 60, 2, 1, 9)",
        {"minute": MINUTE},
    )
    db.run(
        "INSERT INTO holds (issue_id, column_position, channel, held_at, held_by) VALUES (:id, -1, 'email', 0, 'ann')",
        {"id": issue},
    )
    for name in (f"process/{ELSEWHERE}", "scheduler"):
        db.run(
            "INSERT INTO leases (name, owner, since, until) VALUES (:name, :owner, 0, :until)",
            {"name": name, "owner": ELSEWHERE, "until": START + 1},
        )


def test_reading_takes_no_lock(desk: Desk) -> None:
    other = desk.connect()
    try:
        with other.transaction():
            assert read(desk).queues == ()
    finally:
        other.close()


def bot_update(desk: Desk, number: int, actor: int, *, body: str = "{}", replies: str = "", begun: int = 0) -> None:
    desk.db.run(
        "INSERT INTO bot_updates (bot, update_id, actor, body, replies, begun, added_at)"
        " VALUES (42, :number, :actor, :body, :replies, :begun, :now)",
        {"number": number, "actor": actor, "body": body, "replies": replies, "begun": begun, "now": START},
    )


def test_a_bot_is_told_with_what_waits_and_whom_it_keeps_waiting(desk: Desk) -> None:
    with desk.db.transaction():
        desk.db.run(
            "INSERT INTO bots (bot, username, name, updates, handled_at, replies_unknown)"
            " VALUES (42, 'a_bot', 'default', 'polling', :now, 3), (7, 'former', '', 'polling', NULL, 9)",
            {"now": START - 9},
        )
        for number, actor in enumerate((1, 1, 1, 2, 3, 3, 0, 0)):
            bot_update(desk, number, actor)
        bot_update(desk, 20, 2, body="", replies="[]", begun=1)
        bot_update(desk, 21, 0, body="")
    [bot] = read(desk).bots
    assert (bot.name, bot.username, bot.state, bot.updates, bot.handled_at) == (
        "default", "a_bot", "silent", "polling", START - 9,
    )  # fmt: skip
    assert (bot.waiting, bot.unsent, bot.unknown, bot.slowed, bot.quiet) == (8, 1, 3, 2, False)
    with desk.db.transaction():
        lease(desk, "bot/default", ELSEWHERE)
    assert read(desk).bots[0].state == "talking"
    with desk.db.transaction():
        desk.db.run("UPDATE bots SET trouble = 'no', trouble_at = :now WHERE bot = 42", {"now": START})
    [bot] = read(desk).bots
    assert (bot.state, bot.trouble, bot.trouble_at) == ("in trouble", "no", START)


def test_a_bot_for_which_a_dead_process_talked_is_silent(desk: Desk) -> None:
    host, pid, started, rest = leases.new_owner().split("/")
    with desk.db.transaction():
        desk.db.run("INSERT INTO bots (bot, username, name) VALUES (42, 'a_bot', 'default')")
        lease(desk, "bot/default", f"{host}/{pid}/{started}0/{rest}")
    [bot] = read(desk).bots
    assert (bot.state, bot.quiet) == ("silent", True)
