"""When messages go: at once, at the reader's hour, not in quiet hours, once after a stop."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from dispatch.model import Retry, Sent
from subscribers.model import Cadence, Preferences, Rhythm
from tests.delivery.conftest import Desk, FakeChannel

CHINA = ZoneInfo("Asia/Shanghai")
QUIET = Rhythm(quiet_from=22 * 60, quiet_until=7 * 60)
DAILY = Rhythm(cadence=Cadence.DAILY, minute=8 * 60)
COLUMNS = {"一": ["red"], "二": ["blue"]}


def at(hour: int, minute: int = 0, day: int = 1, zone: ZoneInfo = CHINA) -> int:
    return int(dt.datetime(2026, 3, day, hour, minute, tzinfo=zone).timestamp() * 1000)


def shown(ms: object) -> str:
    assert isinstance(ms, int)
    return dt.datetime.fromtimestamp(ms / 1000, CHINA).strftime("%d %H:%M")


def prefers(rhythm: Rhythm, *, bundled: bool = False) -> Preferences:
    return Preferences(rhythm=rhythm, bundled=bundled)


async def test_what_is_tried_again_leaves_the_readers_quiet_hours_alone(desk: Desk) -> None:
    desk.clock.ms = at(21, 50)
    desk.reader("a", "topic:red", preferences=prefers(QUIET))
    desk.issue(COLUMNS)
    desk.plan()
    channel = FakeChannel(answer=lambda envelope, part: Retry("busy", "450"), retry_delays=(900.0,))
    await desk.drain(channel)
    channel.answer = lambda envelope, part: Sent()
    desk.clock.ms = at(22, 10)
    await desk.drain(channel)
    assert len(channel.sends) == 1
    assert shown(desk.message("a")["due_at"]) == "02 07:00"
    assert desk.message("a")["attempts"] == 1
    desk.clock.ms = at(7, day=2)
    await desk.drain(channel)
    assert desk.states() == {"a 一": "sent"}


async def test_what_a_stop_made_late_waits_for_the_end_of_quiet_hours(desk: Desk) -> None:
    desk.clock.ms = at(12)
    desk.reader("quiet", "all", preferences=prefers(QUIET))
    desk.reader("any", "all")
    desk.issue(COLUMNS)
    desk.plan()
    desk.clock.ms = at(23)  # nothing ran in between
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.addresses == ["any", "any"]
    desk.clock.ms = at(7, day=2)
    await desk.drain(channel)
    assert channel.addresses == ["any", "any", "quiet", "quiet"]


async def test_after_a_stop_of_a_day_what_is_due_goes_once(desk: Desk) -> None:
    desk.clock.ms = at(6)
    desk.reader("a", "all", preferences=prefers(DAILY))
    desk.issue(COLUMNS)
    desk.plan()
    desk.clock.ms = at(9, day=2)
    channel = FakeChannel()
    for _ in range(3):
        await desk.drain(channel)
        desk.plan()
    assert channel.addresses == ["a", "a"]


async def test_a_days_digests_of_several_issues_are_one_bundle_at_the_readers_hour(desk: Desk) -> None:
    desk.clock.ms = at(9)
    desk.reader("a", "all", preferences=prefers(DAILY, bundled=True))
    desk.issue(COLUMNS)
    desk.plan()
    desk.clock.ms = at(20)
    desk.issue(COLUMNS, total=535)
    desk.plan()
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.sends == []
    desk.clock.ms = at(8, day=2)
    await desk.drain(channel)
    assert [len(page.content.sections) for page in channel.pages] == [4]


async def test_nothing_is_sent_where_there_is_nothing_to_send(desk: Desk) -> None:
    desk.clock.ms = at(6)
    desk.reader("a", "topic:green", preferences=prefers(DAILY, bundled=True))
    desk.reader("b", "topic:red", preferences=prefers(DAILY, bundled=True))
    desk.issue(COLUMNS)
    desk.plan()
    with desk.db.transaction():
        desk.db.run("DELETE FROM follows")  # both have dropped what they followed before their hour came
    desk.clock.ms = at(8)
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.sends == []
    assert desk.states() == {"b 一": "cancelled"}


@pytest.mark.parametrize(
    ("day", "utc"),
    [(28, "07:00"), (29, "06:00")],  # the clocks of Berlin go forward on 29 March 2026
)
async def test_the_readers_hour_stays_over_a_change_of_clocks(desk: Desk, day: int, utc: str) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    desk.clock.ms = at(1, day=day, zone=berlin)
    daily = Rhythm(cadence=Cadence.DAILY, minute=8 * 60, timezone="Europe/Berlin")
    desk.reader("a", "topic:red", preferences=prefers(daily))
    desk.issue(COLUMNS)
    desk.plan()
    due = desk.message("a")["due_at"]
    assert isinstance(due, int)
    assert dt.datetime.fromtimestamp(due / 1000, dt.UTC).strftime("%H:%M") == utc
