"""Limits over the wire: relays that share, fail and stand by; a provider that wants less; messages on one connection.
Real SMTP servers on the loopback interface, and a clock that the tests move."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dispatch.assets import templates_dir
from dispatch.channels.email import EmailChannel
from dispatch.delivery import lanes
from dispatch.delivery.engine import Summary
from dispatch.digests.render import Renderer
from dispatch.settings import EmailSettings
from dispatch.testing import SmtpSink
from dispatch.testing.smtp import SmtpStep
from tests.delivery.conftest import Desk

GMAIL = "421 4.7.28 Our system has detected an unusual rate of unsolicited mail"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "store.db")


def relay(sink: SmtpSink, **values: object) -> dict[str, object]:
    return {"host": sink.host, "port": sink.port, "security": "none", "timeout": 10, **values}


@asynccontextmanager
async def channel_to(
    first: dict[str, object], *others: dict[str, object], **values: object
) -> AsyncIterator[EmailChannel]:
    settings = {"from_address": "news@bulletin.test", "mx_lookup": False, **first, "relays": others, **values}
    channel = EmailChannel(
        EmailSettings.model_validate(settings), Renderer(templates_dir(), None, lambda bulletin, ref, position: "")
    )
    try:
        yield channel
    finally:
        await channel.close()


async def drain(desk: Desk, channel: EmailChannel, page: int = 10) -> Summary:
    return (await desk.drain(channel, page=page)).summary


def prepared(desk: Desk, **readers: int) -> None:
    """So many readers at each domain (`gmail` for gmail.com), taking turns, and an issue for them."""
    for number in range(max(readers.values())):
        for domain, count in readers.items():
            if number < count:
                desk.reader(f"r{number}@{domain}.{'test' if domain == 'x' else 'com'}", "topic:red")
    desk.issue({"一": ["red"]})
    desk.plan()


def to(domain: str) -> Callable[[SmtpStep], bool]:
    return lambda step: any(address.endswith(f"@{domain}") for address in (step.recipient, *step.recipients))


def taken(sink: SmtpSink, domain: str = "") -> list[str]:
    return [mail.recipients[0] for mail in sink.messages if mail.recipients[0].endswith(domain)]


async def test_two_relays_share_by_weight(desk: Desk) -> None:
    prepared(desk, x=400)
    async with SmtpSink() as a, SmtpSink() as b:
        async with channel_to(relay(a, name="a", weight=3), relay(b, name="b")) as channel:
            await drain(desk, channel)
        assert len(taken(a)) + len(taken(b)) == 400
        assert len(taken(a)) == pytest.approx(300, rel=0.1)


async def test_the_other_relay_takes_all_when_one_goes_away_and_the_share_when_it_is_back(desk: Desk) -> None:
    prepared(desk, x=200)
    async with SmtpSink() as a, SmtpSink() as b:
        a.answer("MAIL", "421 4.3.2 shutting down", when=lambda step: len(a.messages) >= 20)
        async with channel_to(relay(a, name="a", weight=1), relay(b, name="b", weight=1)) as channel:
            await drain(desk, channel)
            assert 20 <= len(taken(a)) < 30
            assert len(set(taken(a) + taken(b))) == len(taken(a) + taken(b)) == 200
            assert lanes.states(desk.db, ["email:a"])["email:a"].breaker != lanes.CLOSED
            a.clear()
            desk.clock.ms += 600_000
            desk.issue({"二": ["red"]}, total=535)
            desk.plan()
            before = len(taken(a))
            await drain(desk, channel)
        assert set(desk.states().values()) == {"sent"}
        assert len(taken(a)) - before > 60


async def test_a_relay_on_standby_takes_over_from_one_that_is_away(desk: Desk) -> None:
    prepared(desk, x=40)
    async with SmtpSink() as a, SmtpSink() as b:
        async with channel_to(relay(a, name="a"), relay(b, name="b", standby=True)) as channel:
            await drain(desk, channel)
            assert (len(taken(a)), b.connections) == (40, 0)
            await a.stop()
            desk.issue({"二": ["red"]}, total=535)
            desk.plan()
            await drain(desk, channel)
        assert len(taken(b)) == 40
    assert set(desk.states().values()) == {"sent"}


async def test_one_provider_wants_less_and_comes_back_one_connection_at_a_time(desk: Desk) -> None:
    prepared(desk, gmail=60, qq=30, x=30)
    async with SmtpSink() as sink, channel_to(relay(sink, connections=8)) as channel:
        sink.answer("RCPT", GMAIL, when=to("gmail.com"))
        summary = await drain(desk, channel)
        assert taken(sink, "@gmail.com") == []
        assert (len(taken(sink, "@qq.com")), len(taken(sink, "@x.test"))) == (30, 30)
        assert summary.outages.keys() == {"email:default>gmail"}
        assert "4.7.28" in summary.outages["email:default>gmail"]
        tried = int(str(desk.db.value("SELECT COUNT(*) FROM attempts WHERE code = '421'")))
        assert 1 <= tried <= 5  # the provider's connections

        sink.clear()
        until = lanes.states(desk.db, ["email:default>gmail"])["email:default>gmail"].not_before
        desk.clock.ms = until - 5_000
        await drain(desk, channel)
        assert taken(sink, "@gmail.com") == []

        together = watched(sink)
        desk.clock.ms = until
        await drain(desk, channel)
        most = [max(together[start : start + 10]) for start in (0, 10, 20, 30)]
        assert most[0] == 1
        assert max(most) >= 2
        assert all(most[place] <= place + 1 for place in (1, 2, 3))
        desk.clock.ms += 3_600_000
        await drain(desk, channel)
        assert len(taken(sink, "@gmail.com")) == 60
    assert set(desk.states().values()) == {"sent"}
    assert desk.db.value("SELECT MAX(attempts) FROM messages") == 2


def watched(sink: SmtpSink) -> list[int]:
    """At each RCPT for Gmail, how many of its transactions are open there."""
    open_now: set[int] = set()
    found: list[int] = []

    def begins(step: SmtpStep) -> bool:
        if to("gmail.com")(step):
            open_now.add(step.connection)
            found.append(len(open_now))
        return False

    def ends(step: SmtpStep) -> bool:
        open_now.discard(step.connection)
        return False

    sink.answer("RCPT", "", when=begins)
    sink.answer("DATA", "", when=ends)
    return found


async def test_qqs_frequency_is_temporary_and_kills_nobody(desk: Desk) -> None:
    prepared(desk, qq=10, x=10)
    async with SmtpSink() as sink, channel_to(relay(sink)) as channel:
        sink.answer("DATA", "550 Mail frequency limited", when=to("qq.com"), times=1)
        await drain(desk, channel)
        assert len(taken(sink, "@x.test")) == 10
        desk.clock.ms += 900_000
        await drain(desk, channel)
        assert len(set(taken(sink, "@qq.com"))) == 10
    assert set(desk.states().values()) == {"sent"}
    assert desk.db.all("SELECT DISTINCT state FROM endpoints") == [{"state": "active"}]


async def test_a_provider_gets_no_more_connections_and_no_more_messages_a_second_than_it_takes(desk: Desk) -> None:
    prepared(desk, qq=40, x=5)
    at: list[int] = []

    def arrives(step: SmtpStep) -> bool:
        at.extend([desk.clock.ms] * to("qq.com")(step))
        return False

    async with SmtpSink() as sink:
        own = {"name": "qq", "connections": 2, "rate": 4.0}
        async with channel_to(relay(sink, connections=6), providers=[own]) as channel:
            sink.answer("RCPT", "", when=arrives)
            await drain(desk, channel)
        assert len(taken(sink, "@qq.com")) == 40
        assert at[-1] - at[0] >= 39 * 250 - 10


@pytest.mark.parametrize(("domain", "connections"), [("yahoo", 3), ("x", 1)])
async def test_a_connection_carries_so_many_messages_for_a_provider(desk: Desk, domain: str, connections: int) -> None:
    prepared(desk, **{domain: 50})
    async with SmtpSink() as sink:
        async with channel_to(relay(sink, connections=1), provider_limits=True) as channel:
            await drain(desk, channel)
        per_connection = Counter(mail.connection for mail in sink.messages)
        assert len(sink.messages) == 50
        assert sink.connections >= connections  # one more where the provider's pace ends a run
        assert max(per_connection.values()) == (20 if domain == "yahoo" else 50)


async def test_a_connection_that_netease_calls_worn_is_replaced(desk: Desk) -> None:
    for number in range(6):
        desk.reader(f"r{number}@163.com", "topic:red")
    desk.issue({"一": ["red"]})
    desk.plan()
    async with SmtpSink() as sink, channel_to(relay(sink, connections=1)) as channel:
        sink.answer("RCPT", "450 MI:DMC 163 smtp3", when=lambda step: len(sink.messages) == 3, times=1)
        await drain(desk, channel)
        assert [mail.connection for mail in sink.messages] == [1, 1, 1, 2, 2]
        desk.clock.ms += 66_000
        await drain(desk, channel)
        assert len(set(taken(sink))) == 6


async def test_limits_can_be_switched_off(desk: Desk) -> None:
    prepared(desk, gmail=30)
    async with SmtpSink() as sink, channel_to(relay(sink, connections=2), provider_limits=False) as channel:
        assert channel.grouping is None
        sink.answer("RCPT", GMAIL, times=1)
        await drain(desk, channel)
        assert len(taken(sink)) == 29
        assert desk.db.value("SELECT COUNT(*) FROM lanes") == 1
