"""Which provider an address is at: by its domain, and by the hosts that take the domain's mail, asked of a real DNS
server on the loopback interface."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dispatch.channels.email.mx import MxLookup
from dispatch.channels.email.providers import Providers, merged, shipped
from dispatch.delivery.channel import GroupLimits, grouping_of
from dispatch.settings import EmailSettings, Provider
from dispatch.testing.dns import DnsServer


@asynccontextmanager
async def looking_up(server: DnsServer) -> AsyncIterator[tuple[Providers, MxLookup, list[float]]]:
    """Providers that ask this server, with a clock in the test's hands."""
    clock = [1000.0]
    lookup = MxLookup(lambda: server.resolver(lifetime=0.2), monotonic=lambda: clock[0])
    providers = Providers(shipped(), lookup)
    try:
        yield providers, lookup, clock
    finally:
        await providers.close()


@pytest.mark.parametrize(
    ("address", "provider"),
    [
        ("a@gmail.com", "gmail"),
        ("a@GoogleMail.com", "gmail"),
        ("a@hotmail.com", "outlook"),
        ("a@hotmail.co.uk", "outlook"),
        ("a@live.cn", "outlook"),
        ("a@outlook.com", "outlook"),
        ("a@yahoo.co.jp", "yahoo"),
        ("a@ymail.com", "yahoo"),
        ("12345@qq.com", "qq"),
        ("a@vip.QQ.com", "qq"),
        ("a@foxmail.com", "qq"),
        ("a@163.com", "netease"),
        ("a@vip.126.com", "netease"),
        ("a@yeah.net", "netease"),
        ("a@163.com.", "netease"),
        ('"a@gmail.com"@x.test', ""),
        ("a@notqq.com", ""),
        ("a@qq.com.evil.test", ""),
        ("a@mygmail.com", ""),
        ("读者@例子.中国", ""),
        ("a@例子..中国", ""),
        ("", ""),
        ("qq.com", "qq"),
    ],
)
def test_a_provider_is_known_by_the_domain(address: str, provider: str) -> None:
    assert Providers(shipped()).group(address) == provider


def test_every_shipped_provider_has_limits_and_rests_as_long_as_its_answers_ask() -> None:
    providers = Providers(shipped())
    limits = {provider.name: providers.limits(provider.name) for provider in shipped()}
    assert set(limits) == {"gmail", "outlook", "yahoo", "qq", "netease"}
    assert all(limit.connections and limit.rate and limit.backoff >= 600 for limit in limits.values())
    assert all(providers.messages_per_connection(name) for name in limits)


def test_an_installation_changes_a_provider_field_by_field_and_adds_others() -> None:
    own = [Provider(name="qq", rate=0.5), Provider(name="ours", domains=("*.gmail.com", "gmail.com"), connections=1)]
    providers = Providers(merged(own, shipped()))
    [qq] = [provider for provider in shipped() if provider.name == "qq"]
    assert providers.limits("qq") == GroupLimits(qq.connections, 0.5, qq.backoff)
    assert providers.group("a@qq.com") == "qq"
    assert providers.group("a@gmail.com") == "ours"
    assert providers.limits("ours") == GroupLimits(1, None, 600)
    assert providers.limits("@x.test") == GroupLimits()
    assert (providers.messages_per_connection("ours"), providers.messages_per_connection("@x.test")) == (0, 0)


def test_limits_can_be_left_to_the_relay() -> None:
    assert Providers.of(EmailSettings(provider_limits=False)) is None
    assert Providers.of(EmailSettings()) is not None


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("aspmx.l.google.com.", "gmail"),
        ("firma-cn.mail.protection.outlook.com.", "outlook"),
        ("mxbiz1.qq.com.", "qq"),
        ("qiye163mx01.mxmail.netease.com.", "netease"),
        ("MX-Biz.mail.am0.YahooDNS.net.", "yahoo"),
        ("mail.firma.cn.", ""),
    ],
)
async def test_a_companys_domain_counts_as_the_provider_that_takes_its_mail(host: str, provider: str) -> None:
    async with DnsServer() as server, looking_up(server) as (providers, lookup, _):
        server.add("firma.cn", "MX", f"10 {host}", "50 backup.firma.cn.")
        assert providers.group("a@firma.cn") == ""  # nobody waits for the answer
        await lookup.idle()
        assert providers.group("a@firma.cn") == provider
        assert providers.group("b@Firma.cn") == provider
        assert server.questions == [("firma.cn", "MX")]


async def test_the_preferred_host_decides() -> None:
    async with DnsServer() as server, looking_up(server) as (providers, lookup, _):
        server.add("firma.cn", "MX", "20 mxbiz1.qq.com.", "10 aspmx.l.google.com.")
        providers.group("a@firma.cn")
        await lookup.idle()
        assert providers.group("a@firma.cn") == "gmail"


async def test_a_domain_in_chinese_is_asked_about_in_ascii() -> None:
    async with DnsServer() as server, looking_up(server) as (providers, lookup, _):
        server.add("xn--fsqu00a.xn--fiqs8s", "MX", "10 mxbiz2.qq.com.")
        providers.group("读者@例子.中国")
        await lookup.idle()
        assert providers.group("读者@例子.中国") == "qq"


@pytest.mark.parametrize(("ttl", "asked_again_after"), [(1, 300), (7200, 7200), (10_000_000, 86_400)])
async def test_an_answer_counts_for_its_ttl_within_bounds(ttl: int, asked_again_after: int) -> None:
    async with DnsServer() as server, looking_up(server) as (providers, lookup, clock):
        server.add("firma.cn", "MX", "10 mxbiz1.qq.com.", ttl=ttl)
        providers.group("a@firma.cn")
        await lookup.idle()
        clock[0] += asked_again_after - 1
        providers.group("a@firma.cn")
        await lookup.idle()
        assert len(server.questions) == 1
        server.add("firma.cn", "MX", "10 aspmx.l.google.com.", ttl=ttl)
        clock[0] += 1
        assert providers.group("a@firma.cn") == "qq"  # until there is news
        await lookup.idle()
        assert providers.group("a@firma.cn") == "gmail"


@pytest.mark.parametrize("fault", ["NXDOMAIN", "SERVFAIL", "REFUSED", "no such record", "silence", "nobody there"])
async def test_a_domain_without_an_answer_is_nobodys_and_is_not_asked_about_each_time(fault: str) -> None:
    async with DnsServer() as server, looking_up(server) as (providers, lookup, clock):
        if fault == "silence":
            server.mute("firma.cn")
        elif fault == "no such record":
            server.add("firma.cn", "A", "127.0.0.1")
        elif fault == "nobody there":
            await server.__aexit__(None, None, None)
        elif fault != "NXDOMAIN":
            server.fail("firma.cn", fault)
        for _ in range(3):
            assert providers.group("a@firma.cn") == ""
            await lookup.idle()
        asked = len(server.questions)
        clock[0] += 3600
        providers.group("a@firma.cn")
        await lookup.idle()
        assert len(server.questions) == 2 * asked
        assert {name for name, _ in server.questions} <= {"firma.cn"}


@pytest.mark.parametrize("fault", ["SERVFAIL", "REFUSED", "silence"])
async def test_a_look_up_that_fails_is_no_news(fault: str) -> None:
    async with DnsServer() as server, looking_up(server) as (providers, lookup, clock):
        server.add("firma.cn", "MX", "10 aspmx.l.google.com.", ttl=300)
        providers.group("a@firma.cn")
        await lookup.idle()
        if fault == "silence":
            server.mute("firma.cn")
        else:
            server.fail("firma.cn", fault)
        clock[0] += 300
        providers.group("a@firma.cn")
        await lookup.idle()
        assert len(server.questions) > 1
        assert providers.group("a@firma.cn") == "gmail"


@pytest.mark.parametrize("domain", ["x.test", "news.example.com", "example.org", "host.local", "localhost", "1.2.3.4"])
async def test_names_that_nobody_answers_for_are_not_asked_about(domain: str) -> None:
    async with DnsServer() as server, looking_up(server) as (providers, lookup, _):
        assert providers.group(f"a@{domain}") == ""
        await lookup.idle()
        assert server.questions == []


async def test_known_domains_are_not_looked_up() -> None:
    async with DnsServer() as server, looking_up(server) as (providers, lookup, _):
        assert providers.group("a@qq.com") == "qq"
        await lookup.idle()
        assert server.questions == []


async def test_what_waits_for_an_answer_is_bounded_and_given_up_at_the_end() -> None:
    async with DnsServer() as server, looking_up(server) as (providers, lookup, _):
        for number in range(5000):
            server.mute(f"d{number}.cn")
            providers.group(f"a@d{number}.cn")
        assert len(lookup._tasks) == 8
        assert len(lookup._waiting) <= 1000
        await server.asked(8)
    assert not lookup._tasks


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dispatch.channels.email.mx._REMEMBERED", 10)
    async with DnsServer() as server, looking_up(server) as (providers, lookup, _):
        for number in range(30):
            server.add(f"d{number}.cn", "MX", "10 mxbiz1.qq.com.")
            providers.group(f"a@d{number}.cn")
            await lookup.idle()
        assert len(lookup._known) == 10
        assert providers.group("a@d29.cn") == "qq"


def test_a_channel_without_groups_is_not_limited() -> None:
    class Plain:
        pass

    assert grouping_of(Plain()) is None  # type: ignore[arg-type]  # what matters is what it has not
