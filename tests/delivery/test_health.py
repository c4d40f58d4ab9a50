"""Receivers that have only failed for days: paused, and their owners and administrators told."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from dispatch.assets import templates_dir
from dispatch.delivery import alarms, claims, health, settles
from dispatch.delivery.health import pause_failing
from dispatch.delivery.ledger import Attempt
from dispatch.digests.render import Renderer
from dispatch.links import Links
from dispatch.model import Content, Outcome, Rejected, Retry, Sent
from subscribers import directory
from subscribers.model import ONLY_FAILED, Address, EndpointState, Preferences
from subscribers.tokens import Signer
from tests.acts import at
from tests.delivery.conftest import START, Desk, FakeChannel
from tests.delivery.test_alarms import APPROVERS

DAY = 86_400_000
URL = "https://hooks.x.test/in?key=0123456789abcdef"
BROKEN = Retry("the receiver answered 500: out of paper", "500")
AWAY = Retry("nobody listens at the receiver's address", "refused", outage=True)


def owner(desk: Desk, *others: Address, url: str = URL, channel: str = "webhook", language: str = "zh") -> int:
    """Somebody with a receiver and other endpoints; the receiver's endpoint."""
    with desk.db.transaction():
        added = directory.add(
            desk.db,
            name="li",
            addresses=[Address(channel, url, channel), *others],
            follows=["all"],
            preferences=Preferences(language=language),
            consent="test",
            act=at(desk.clock.now()),
        )
    return next(e.id for e in directory.get(desk.db, added).endpoints if e.address.address == url)


def attempt(desk: Desk, endpoint_id: int, outcome: Outcome, channel: str = "webhook") -> None:
    """A message to the receiver, with what came of it."""
    now = desk.clock.now()
    count = desk.db.value("SELECT COUNT(*) FROM messages")
    desk.db.run(
        "INSERT INTO messages (key, kind, endpoint_id, channel, queue, content, priority, state, due_at, expires_at,"
        " created_at) VALUES (:key, 'paused', :endpoint, :channel, :queue, :content, 1, 'queued', :now, :end, :now)",
        {
            "key": f"test:{count}",
            "endpoint": endpoint_id,
            "channel": channel,
            "queue": f"{channel}:{count}",
            "content": json.dumps({"alarm": ["yours", "", "", 0, 0]}),
            "now": now,
            "end": now + DAY,
        },
    )
    (work,) = claims.claim(desk.db, f"{channel}:{count}", 1, "me", now, 1000)
    settles.settle(desk.db, [Attempt(work, 0, outcome, now, 1, True, "id", f"{channel}:x", now + 10 * DAY)], now)


def days(desk: Desk, endpoint_id: int, *outcomes: Outcome, channel: str = "webhook") -> None:
    """One attempt a day."""
    for outcome in outcomes:
        attempt(desk, endpoint_id, outcome, channel)
        desk.clock.ms += DAY


def look(desk: Desk, page_of: Callable[[int], str] = lambda endpoint_id: "") -> int:
    return pause_failing(desk.db, 5, desk.clock.now(), page_of)


def state(desk: Desk, endpoint_id: int) -> str:
    return directory.endpoint(desk.db, endpoint_id).state.value


def told(desk: Desk) -> list[tuple[str, list[object]]]:
    rows = desk.db.all("SELECT endpoint_id, channel, content FROM messages WHERE key LIKE 'paused:%' ORDER BY id")
    return [(row["channel"], json.loads(row["content"])["alarm"]) for row in rows]


def test_one_that_has_only_failed_for_five_days_is_paused_once(desk: Desk) -> None:
    one = owner(desk, Address("email", "li@x.test", "email"))
    days(desk, one, *[BROKEN] * 4)
    assert look(desk) == 0
    days(desk, one, BROKEN)
    assert [look(desk) for _ in range(3)] == [1, 0, 0]
    found = directory.endpoint(desk.db, one)
    assert (found.state, found.resumable) == (EndpointState.PAUSED, True)
    assert found.reason == f"{ONLY_FAILED} for 5 days; last: {BROKEN.reason}"
    assert told(desk) == [("email", ["yours", "https://hooks.x.test/in?key=…cdef", BROKEN.reason, START, 0, ""])]
    record = desk.db.all("SELECT actor, detail FROM audit WHERE action = 'state' AND subject = 'endpoint'")
    assert [row["actor"] for row in record] == ["dispatch"]


@pytest.mark.parametrize(
    "outcomes",
    [
        [BROKEN, BROKEN, BROKEN, Sent(), BROKEN, BROKEN, BROKEN],
        [BROKEN, Sent()],
        [Sent()] * 6,
    ],
)
def test_one_success_begins_anew(desk: Desk, outcomes: list[Outcome]) -> None:
    one = owner(desk)
    days(desk, one, *outcomes)
    assert look(desk) == 0
    assert state(desk, one) == "active"


def test_two_failures_are_too_few_however_long_ago(desk: Desk) -> None:
    one = owner(desk)
    days(desk, one, BROKEN, BROKEN)
    desk.clock.ms += 30 * DAY
    assert look(desk) == 0
    days(desk, one, BROKEN)
    assert look(desk) == 1


def test_a_message_that_was_refused_says_nothing_of_the_receiver(desk: Desk) -> None:
    """Its content may be what is wrong, or a rule of ours."""
    one = owner(desk)
    days(
        desk, one, *[Rejected("the message is too long", "413")] * 8, *[Rejected("refused by the guard", "address")] * 8
    )
    assert look(desk) == 0


def test_where_nobody_at_all_is_reached_it_is_our_network(desk: Desk) -> None:
    one, other = owner(desk), owner(desk, url="https://other.x.test/in")
    days(desk, one, *[AWAY] * 6)
    assert look(desk) == 0
    attempt(desk, other, Sent())
    assert look(desk) == 1
    assert [state(desk, endpoint) for endpoint in (one, other)] == ["paused", "active"]


def test_a_row_begins_anew_when_a_person_resumes_it(desk: Desk) -> None:
    one = owner(desk)
    days(desk, one, *[BROKEN] * 6)
    assert look(desk) == 1
    with desk.db.transaction():
        directory.resume(desk.db, directory.endpoint(desk.db, one), at(desk.clock.now()))
    days(desk, one, *[BROKEN] * 4)
    assert look(desk) == 0
    days(desk, one, BROKEN, BROKEN)
    assert look(desk) == 1


def test_robots_too_and_mailboxes_not(desk: Desk) -> None:
    robot = owner(desk, url="https://oapi.dingtalk.com/robot/send?access_token=0123456789", channel="dingtalk")
    mailbox = desk.reader("a@x.test", "all")
    days(desk, robot, *[Retry("busy", "-1")] * 3, channel="dingtalk")
    days(desk, mailbox, *[Retry("later", "450")] * 6, channel="email")
    attempt(desk, owner(desk, url="https://other.x.test/in"), Sent())
    assert look(desk) == 1
    assert [state(desk, endpoint) for endpoint in (robot, mailbox)] == ["paused", "active"]


@pytest.mark.parametrize(
    ("others", "by"),
    [
        ([Address("telegram", "-5", "telegram"), Address("telegram", "7", "telegram")], ["telegram"]),
        ([Address("telegram", "7", "telegram"), Address("email", "li@x.test", "email")], ["email"]),
        ([Address("webhook", "https://other.x.test/", "webhook")], []),
        ([], []),
    ],
)
def test_the_owner_is_told_by_the_endpoint_that_is_most_their_own(
    desk: Desk, others: list[Address], by: list[str]
) -> None:
    one = owner(desk, *others)
    days(desk, one, *[BROKEN] * 6)
    assert look(desk, lambda endpoint_id: f"https://pages.x.test/p/{endpoint_id}") == 1
    assert [channel for channel, _ in told(desk)] == by
    assert all(alarm[5] == f"https://pages.x.test/p/{one}" for _, alarm in told(desk))


def test_who_reads_in_a_group_gets_no_link(desk: Desk) -> None:
    one = owner(desk, Address("telegram", "-5", "telegram"))
    days(desk, one, *[BROKEN] * 6)
    look(desk, lambda endpoint_id: "https://pages.x.test/p/secret")
    assert [alarm[5] for _, alarm in told(desk)] == [""]


@pytest.mark.parametrize(("language", "words"), [("zh", "您的接收地址"), ("en", "Nothing has arrived")])
async def test_the_message_goes_by_the_engine_in_the_owners_language(desk: Desk, language: str, words: str) -> None:
    one = owner(desk, Address("email", "li@x.test", "email"), language=language)
    days(desk, one, *[BROKEN] * 6)
    links = Links("https://pages.x.test", "", Signer.load(desk.db, desk.clock.now()))
    look(desk, links.preferences)
    channel = FakeChannel()
    await desk.drain(channel)
    (content,) = channel.renders
    assert (content.kind, content.language, channel.addresses) == (
        "alarm",
        language,
        ["li@x.test"],
    )
    text = Renderer(templates_dir(), None, lambda *_: "").text("email/alarm.txt.j2", content, postal_address="")
    assert words in text
    assert "…cdef" in text
    assert "out of paper" in text
    assert links.preferences(one) in text
    assert desk.db.rows("SELECT state, content FROM messages WHERE key LIKE 'paused:%'") == [("sent", "")]


def test_administrators_are_told_once_without_the_key(desk: Desk) -> None:
    one = owner(desk)
    days(desk, one, *[BROKEN] * 6)
    look(desk)
    now = desk.clock.now()
    assert [alarms.watch(desk.db, APPROVERS, now + minute * 60_000) for minute in range(3)] == [2, 0, 0]
    rows = desk.db.all("SELECT content FROM messages WHERE kind = 'alarm' AND channel = 'email'")
    (alarm,) = [json.loads(row["content"])["alarm"] for row in rows]
    assert alarm[:3] == ["endpoint", f"e{one} https://hooks.x.test/in?key=…cdef", BROKEN.reason]
    found = alarms.of_content({"alarm": alarm})
    assert found is not None
    renderer = Renderer(templates_dir(), None, lambda *_: "")
    for language in ("zh", "en"):
        content = Content("alarm", language, "full", (), alarm=found)
        assert "dispatch webhooks test" in renderer.text("email/alarm.txt.j2", content, postal_address="")
    assert alarms.watch(desk.db, APPROVERS, now + 2 * DAY) == 0  # its end is no news


def test_an_erased_person_leaves_nothing_and_stops_no_settling(desk: Desk) -> None:
    one = owner(desk)
    attempt(desk, one, BROKEN)
    assert [row["failures"] for row in health.of_endpoints(desk.db, [one])] == [1]
    desk.db.run("DELETE FROM follows")
    desk.db.run("DELETE FROM consents")
    desk.db.run("DELETE FROM endpoints WHERE id = :id", {"id": one})
    assert health.of_endpoints(desk.db, [one]) == []
    with desk.db.transaction():
        desk.db.many(health.SQL["failed"], [{"endpoint": one, "now": START, "reached": 1, "answer": "no"}])
    assert desk.db.value("SELECT COUNT(*) FROM endpoint_health") == 0
