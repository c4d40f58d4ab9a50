"""The message that asks for a yes: to whom it goes, when, what of, and what becomes of it."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from dispatch.delivery import claims, confirmations, integrity, leases, retention, tally
from dispatch.delivery.ledger import Work
from dispatch.delivery.status_reader import Reader
from dispatch.delivery.store import Store
from dispatch.errors import UsageError
from dispatch.links import Addressing, Links, harmless
from dispatch.model import Content, Envelope, MessageState, Rejected, Retry, Sent
from dispatch.settings import RetentionSettings, Settings
from subscribers import consent, directory
from subscribers.audit import READER, Act, Way
from subscribers.consent import Answer, Asked, Limits, Wish
from subscribers.model import Address, EndpointState, Preferences, Rhythm
from subscribers.suppression import Hasher
from subscribers.tokens import Expired, Purpose, Signer
from tests.acts import at
from tests.delivery.conftest import Desk, FakeChannel

DAY = 86_400_000
TEXT = "I want to get it."


def asks(desk: Desk, address: str, *follows: str, origin: str = "203.0.113.77", **wish: object) -> Asked:
    """Somebody asks on the page; the message is queued."""
    db = desk.db
    wished = replace(Wish(follows=follows), **wish)  # type: ignore[arg-type]  # names of fields
    act = Act(desk.clock.now(), READER, Way.PAGE)
    with db.transaction():
        to = Address("email", address, "email")
        asked = consent.ask(db, Hasher.load(db), to, wished, TEXT, act, origin, Limits(1000, 1000))
        assert asked is not None
        confirmations.queue(db, asked, desk.clock.now())
    return asked


def confirmed(desk: Desk, asked: Asked) -> Answer:
    with desk.db.transaction():
        hasher = Hasher.load(desk.db)
        return consent.confirm(desk.db, hasher, asked.consent_id, Act(desk.clock.now(), READER, Way.PAGE), "")[0]


def ended(desk: Desk) -> list[tuple[str, str]]:
    rows = desk.db.all("SELECT state, reason FROM messages WHERE kind = 'confirm' ORDER BY id")
    return [(row["state"], row["reason"]) for row in rows]


def claim(desk: Desk) -> list[Work]:
    return claims.claim(desk.db, "email", 10, leases.new_owner(), desk.clock.now(), 300_000)


async def test_somebody_new_is_asked_and_gets_nothing_else_before_their_yes(desk: Desk) -> None:
    desk.reader("old", "topic:red")
    desk.issue({"一": ["red"]})
    asked = asks(desk, "new@example.com", "topic:red")
    desk.plan()
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.addresses == ["new@example.com", "old"]  # what a person waits for goes first
    assert channel.pages[0].content == Content("confirm", "zh", "full", ())
    assert ended(desk) == [("sent", "")]
    assert confirmed(desk, asked) is Answer.DONE
    desk.issue({"一": ["red"]}, 535)
    desk.plan()
    await desk.drain(channel)
    assert sorted(channel.addresses[2:]) == ["new@example.com", "old"]
    assert list(integrity.examine(desk.db)) == []


@pytest.mark.parametrize("state", [EndpointState.SUPPRESSED, EndpointState.GONE, EndpointState.PAUSED])
async def test_it_is_the_way_back_for_who_is_not_written_to(desk: Desk, state: EndpointState) -> None:
    endpoint_id = desk.reader("a@example.com", "topic:red")
    with desk.db.transaction():
        directory.set_state(desk.db, endpoint_id, state, "test", at(desk.clock.now()))
    asked = asks(desk, "a@example.com", "topic:blue")
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.addresses == ["a@example.com"]
    assert directory.endpoint(desk.db, endpoint_id).state is state
    assert confirmed(desk, asked) is Answer.DONE
    found = directory.endpoint(desk.db, endpoint_id)
    before = {"topic:red"} if state is EndpointState.PAUSED else set()  # the others follow just what they say yes to
    assert (found.state, set(found.follows)) == (EndpointState.ACTIVE, {"topic:blue"} | before)


async def test_who_is_active_is_asked_too(desk: Desk) -> None:
    """They would wait for a message that never comes, and other readers' forms would show who is one."""
    desk.reader("a@example.com", "topic:red")
    asks(desk, "a@example.com", "topic:red")
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.addresses == ["a@example.com"]


async def test_each_of_two_questions_has_its_own_yes(desk: Desk) -> None:
    one, two = asks(desk, "a@example.com", "topic:red"), asks(desk, "a@example.com", "topic:blue")
    assert [confirmed(desk, asked) for asked in (two, two, one)] == [Answer.DONE, Answer.ALREADY, Answer.DONE]
    assert set(directory.endpoint(desk.db, one.endpoint_id).follows) == {"topic:red", "topic:blue"}


async def test_an_answer_in_the_meantime_ends_it(desk: Desk) -> None:
    yes, no = asks(desk, "yes@example.com", "topic:red"), asks(desk, "no@example.com", "topic:red")
    assert confirmed(desk, yes) is Answer.DONE
    with desk.db.transaction():
        directory.opt_out(desk.db, no.endpoint_id, Act(desk.clock.now(), READER, Way.MAIL))
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.sends == []
    assert ended(desk) == [("cancelled", "already confirmed"), ("cancelled", "taken back since")]


async def test_quiet_hours_do_not_hold_it_back(desk: Desk) -> None:
    night = dt.datetime(2026, 3, 1, 23, tzinfo=ZoneInfo("Asia/Shanghai"))
    desk.clock.ms = int(night.timestamp() * 1000)
    quiet = Preferences(Rhythm(quiet_from=22 * 60, quiet_until=7 * 60))
    asks(desk, "a@example.com", "topic:red", preferences=quiet)
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.addresses == ["a@example.com"]


async def test_it_is_tried_again_and_expires_like_others(desk: Desk) -> None:
    asks(desk, "a@example.com")
    channel = FakeChannel(answer=lambda envelope, part: Retry("451 later", "451"))
    await desk.drain(channel)
    desk.clock.ms += confirmations.EXPIRE_MS
    await desk.drain(channel)
    assert len(channel.sends) == 1
    assert ended(desk) == [("expired", "not sent in time; last: 451 later")]


async def test_an_address_that_is_none_is_told_by_its_endpoint(desk: Desk) -> None:
    asked = asks(desk, "a@example.com")
    channel = FakeChannel(answer=lambda envelope, part: Rejected("550 no such user", "550", "suppressed"))
    await desk.drain(channel)
    assert ended(desk) == [("failed", "550 no such user")]
    assert directory.endpoint(desk.db, asked.endpoint_id).state is EndpointState.SUPPRESSED


async def test_what_is_on_record_no_more_is_not_asked(desk: Desk) -> None:
    asks(desk, "a@example.com")
    with desk.db.transaction():
        desk.db.run("DELETE FROM consents")
    channel = FakeChannel()
    await desk.drain(channel)
    assert channel.sends == []
    assert ended(desk) == [("cancelled", "the endpoint is gone")]


async def test_one_rendering_serves_all_of_a_language(desk: Desk) -> None:
    for number in range(5):
        asks(desk, f"r{number}@example.com", f"topic:{number}")
    asks(desk, "e@example.com", preferences=Preferences(language="en"))
    channel = FakeChannel()
    await desk.drain(channel)
    assert len(channel.sends) == 6
    assert [content.language for content in channel.renders] == ["zh", "en"]


def test_the_wish_of_who_comes_back_says_the_language(desk: Desk) -> None:
    desk.reader("a@example.com", "topic:red")
    asks(desk, "a@example.com", "topic:blue", preferences=Preferences(language="en"))
    (work,) = claim(desk)
    assert work.language == "en"
    assert work.owed == ()


def test_without_a_wish_the_follows_that_are_there_are_told(desk: Desk) -> None:
    with desk.db.transaction():
        directory.add(
            desk.db,
            name="",
            addresses=[Address("email", "a@example.com", "email")],
            follows=["topic:red"],
            preferences=Preferences(),
            consent="",
            act=at(1),
        )
    asks(desk, "a@example.com")
    (work,) = claim(desk)
    assert work.request is not None
    assert work.request.wish.follows == ("topic:red",)


def envelope_of(desk: Desk, base: str = "", **settings: object) -> Envelope:
    """Of the one message that is due."""
    (work,) = claim(desk)
    made = Settings(
        email={"from_address": "news@bulletin.test"},
        web={"base_url": base},
        subscribers=settings,
    )
    links = Links(base, "leave@bulletin.test", Signer.load(desk.db, 0))
    return Addressing(made, links, lambda tag, language: tag.partition(":")[2], "x").envelope(work)


def test_the_envelope_tells_the_network_and_never_the_address_of_who_asked(desk: Desk) -> None:
    asked = asks(desk, "a@example.com", "topic:red", "park:X", origin="203.0.113.77")
    made = envelope_of(desk, "https://b.test")
    assert made.confirmation is not None
    assert (made.confirmation.way, made.confirmation.network) == ("page", "203.0.113.0/24")
    assert "203.0.113.77" not in repr(made)
    assert [reason.label for reason in made.reasons] == ["X", "red"]
    assert (made.unsubscribe_url, made.unsubscribe_mailto, made.preferences_url) == ("", "", "")
    place, _, token = made.confirmation.url.rpartition("/")
    assert place == "https://b.test/c"
    assert Signer.load(desk.db, 0).read(Purpose.CONFIRM, token, desk.clock.now()) == asked.consent_id


def test_where_no_network_is_known_none_is_told(desk: Desk) -> None:
    asks(desk, "a@example.com", origin="people of li.csv")
    made = envelope_of(desk)
    assert made.confirmation is not None
    assert made.confirmation.network == ""
    assert "li.csv" not in repr(made)


def test_the_link_is_good_for_the_days_of_the_setting_from_the_asking(desk: Desk) -> None:
    asks(desk, "a@example.com")
    asked_at = desk.clock.ms
    desk.clock.ms += 2 * 3_600_000
    made = envelope_of(desk, "https://b.test", confirm_days=3)
    assert made.confirmation is not None
    token = made.confirmation.url.rpartition("/")[2]
    signer = Signer.load(desk.db, 0)
    assert signer.read(Purpose.CONFIRM, token, asked_at + 3 * DAY - 1000)
    with pytest.raises(Expired):
        signer.read(Purpose.CONFIRM, token, asked_at + 3 * DAY + 1000)


def test_without_pages_the_link_is_a_mail_that_says_it(desk: Desk) -> None:
    asks(desk, "a@example.com")
    made = envelope_of(desk)
    assert made.confirmation is not None
    assert made.confirmation.url.startswith("mailto:leave@bulletin.test?subject=confirm%20")


@pytest.mark.parametrize("name", ["张三", "Dr. Li", "José O’Neill", "李 (财务)"])
def test_names_are_told(name: str) -> None:
    assert harmless(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "见 www.evil.example",
        "win at evil.example",
        "https://evil",
        "加微信 88886666",
        "a@b",
        "x" * 41,
        "evil。com",
        "<b>",
    ],
)
def test_a_strangers_words_are_no_name(name: str) -> None:
    assert harmless(name) == ""


@pytest.mark.parametrize("channel", ["telegram", "webhook:x"])
def test_nobody_is_asked_by_a_chat_or_a_webhook(desk: Desk, channel: str) -> None:
    with desk.db.transaction():
        to = Address(channel, "1", channel)
        asked = consent.ask(desk.db, Hasher.load(desk.db), to, Wish(), TEXT, at(1), "", Limits())
    assert asked is not None
    with pytest.raises(UsageError, match="by email only"), desk.db.transaction():
        confirmations.queue(desk.db, asked, 1)
    assert ended(desk) == []


async def test_reports_and_status_count_it_as_a_message_and_no_delivery(desk: Desk) -> None:
    desk.reader("old", "topic:red")
    issue = desk.issue({"一": ["red"]})
    asks(desk, "a@example.com")
    desk.plan()
    (queue,) = Reader().read(desk.db, desk.clock.now()).queues
    assert queue.due == 2
    await desk.drain(FakeChannel())
    found = tally.summary(desk.db, issue)
    assert found.total == 1
    assert list(integrity.examine(desk.db)) == []


async def test_it_is_kept_as_long_as_other_messages(desk: Desk) -> None:
    asks(desk, "a@example.com")
    await desk.drain(FakeChannel())
    settings = RetentionSettings(attempts_days=1, deliveries_days=2)
    async with Store(desk.connect) as store:
        for days, messages, attempts in ((1, 1, 1), (2, 1, 0), (3, 0, 0)):
            now = desk.clock.now() + days * DAY
            await retention.prune(store, settings, now, asyncio.Event())
            assert desk.db.value("SELECT COUNT(*) FROM messages") == messages
            assert desk.db.value("SELECT COUNT(*) FROM attempts") == attempts


async def test_what_a_dead_process_was_sending_goes_again_under_the_same_id(desk: Desk) -> None:
    asks(desk, "a@example.com")
    (work,) = claim(desk)
    desk.clock.ms += 300_001
    with desk.db.transaction():
        assert desk.db.value("SELECT state FROM messages") == MessageState.SENDING
    channel = FakeChannel(answer=lambda envelope, part: Sent())
    await desk.drain(channel)
    assert channel.sends == [("a@example.com", 0, f"id-{work.message_id}")]
    assert ended(desk) == [("sent", "")]
