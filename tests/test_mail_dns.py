"""What doctor tells of the sender's DNS, asked of a real server on loopback."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import dns.asyncresolver
import pytest

from dispatch import doctor, mail_dns
from dispatch.app import App
from dispatch.channels.email import dkim_keys
from dispatch.channels.email.dkim import SigningKey
from dispatch.channels.email.dkim_keys import strings
from dispatch.findings import Finding
from dispatch.settings import EmailSettings, load_settings
from dispatch.testing.dns import DnsServer

HOME = "bulletin.example"
RELAY = "8.8.4.4"  # an address of the public internet; nobody connects to it here


GOOD = {
    (".", "NS"): ["a.root-servers.example."],
    (HOME, "TXT"): ['"v=spf1 mx include:relay.example -all"', '"another=1"'],
    ("relay.example", "TXT"): ['"v=spf1 ip4:8.8.4.4 -all"'],
    (f"_dmarc.{HOME}", "TXT"): ['"v=DMARC1; p=reject; rua=mailto:d@bulletin.example"'],
    (HOME, "MX"): ["10 mx.bulletin.example.", "5 first.bulletin.example."],
    ("smtp.relay.example", "A"): [RELAY],
    ("4.4.8.8.in-addr.arpa", "PTR"): ["smtp.relay.example."],
}
"""What a sender whose DNS is in order has, but for DKIM."""


def fill(server: DnsServer, without: tuple[str, str] | None = None) -> None:
    server.clear()
    for (name, kind), values in GOOD.items():
        if (name, kind) != without:
            server.add(name, kind, *values)


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    async with DnsServer() as made:
        fill(made)
        yield made


def settings(**more: Any) -> EmailSettings:
    given = {"host": "smtp.relay.example", "from_address": f"news@{HOME}", **more}
    return EmailSettings.model_validate(given)


async def found(server: DnsServer, what: str, own: str | None = None, bounces: str = "", **more: Any) -> Finding:
    """The one finding about `what`."""
    address = ipaddress.ip_address(own) if own else None
    look = mail_dns.look(settings(**more), server.resolver(), bounce_domain=bounces, own_address=lambda: address)
    [one] = [finding for finding in await look if finding.what == what]
    return one


async def test_a_sender_whose_dns_is_in_order(server: DnsServer, tmp_path: Path) -> None:
    more: dict[str, Any] = {}
    for kind, prefix in (("rsa", "dkim"), ("ed25519", "dkim_ed25519")):
        file = tmp_path / f"{kind}.pem"
        private = dkim_keys.made(kind)  # type: ignore[arg-type] # these are the two kinds
        dkim_keys.write_key(private, file, force=False)
        key = SigningKey(HOME, kind, private)
        server.add(key.record_name, "TXT", " ".join(f'"{part}"' for part in strings(key.record)))
        more |= {f"{prefix}_key": file, f"{prefix}_selector": kind}
    told = await mail_dns.look(settings(**more), server.resolver())
    assert {finding.what: finding.state for finding in told} == {
        f"spf {HOME}": "ok",
        "dkim rsa": "ok",
        "dkim ed25519": "ok",
        "dmarc": "ok",
        f"mx {HOME}": "ok",
        "ptr smtp.relay.example": "ok",
    }
    details = {finding.what: finding.detail for finding in told}
    assert details["dmarc"] == "policy reject; DKIM and SPF are aligned"
    assert "first.bulletin.example, mx.bulletin.example" in details[f"mx {HOME}"]
    assert "2 of 10" in details[f"spf {HOME}"]


@pytest.mark.parametrize(
    ("records", "state", "words"),
    [
        ([], "note", "no SPF record"),
        (['"v=spf1 -all"', '"v=spf1 ~all"'], "bad", "2 SPF records"),
        (['"v=spf1 +all"'], "bad", "lets everybody send"),
        (['"v=spf1 a"'], "note", "no all"),
        (['"v=spf1 a ?all"'], "note", "says nothing"),
        (['"v=spf1 include:none.example -all"'], "bad", "includes none.example, which has 0 SPF records"),
        (['"v=spf1 include:bulletin.example -all"'], "bad", "look-ups; receivers stop at 10"),
        (['"v=spf1 ' + " ".join(f"a:h{n}.example" for n in range(11)) + ' -all"'], "bad", "takes 11 look-ups"),
        (['"v=spf1 redirect=relay.example"'], "ok", "1 of 10"),
        (['"v=spf1 include:%{i}.x.example -all"'], "ok", "1 of 10"),
        (['"v=sp" "f1 -all"'], "ok", "0 of 10"),
        (['"V=SPF1 -ALL"'], "ok", "0 of 10"),
        (['"v=spf10 -all"'], "note", "no SPF record"),
    ],
)
async def test_spf(server: DnsServer, records: list[str], state: str, words: str) -> None:
    server.add(HOME, "TXT", '"other"', *records)
    one = await found(server, f"spf {HOME}")
    assert (one.state, words in one.detail) == (state, True), one.detail


async def test_spf_counts_for_the_domain_of_bounces_too(server: DnsServer) -> None:
    assert (await found(server, "spf bounce.example", bounces="bounce.example")).state == "note"
    server.add("bounce.example", "TXT", '"v=spf1 -all"')
    assert (await found(server, "spf bounce.example", bounces="bounce.example")).state == "ok"


KEY = dkim_keys.made("ed25519")
RECORD = SigningKey(HOME, "d1", KEY).record
OTHER = SigningKey(HOME, "d1", dkim_keys.made("ed25519")).record


@pytest.mark.parametrize(
    ("records", "state", "words"),
    [
        ([RECORD], "ok", "ed25519-sha256"),
        ([], "bad", f"no record at d1._domainkey.{HOME}; publish TXT: {RECORD}"),
        ([RECORD, RECORD + ";"], "bad", "2 TXT records"),
        ([OTHER], "bad", "another key than ours"),
        (["v=DKIM1; k=ed25519; p="], "bad", "counts as withdrawn"),
        (["v=DKIM1; k=ed25519"], "bad", "no p="),
        (["v=DKIM2; p=AAAA"], "bad", "is no record of DKIM1"),
        (["v=DKIM1; p=AAAA"], "bad", "of kind rsa"),
        (["v=DKIM1; k=ed25519; p=%%%"], "bad", "no base64"),
        ([RECORD + "; h=sha1"], "bad", "no sha256"),
        ([RECORD + "; h=sha1:sha256; s=email"], "ok", ""),
        ([RECORD + "; s=other"], "bad", "not for email"),
        ([RECORD + "; t=y"], "note", "t=y"),
        ([RECORD.replace("v=DKIM1; ", "")], "ok", ""),
    ],
)
async def test_dkim(server: DnsServer, tmp_path: Path, records: list[str], state: str, words: str) -> None:
    dkim_keys.write_key(KEY, tmp_path / "own.pem", force=False)
    if records:
        server.add(f"d1._domainkey.{HOME}", "TXT", *(f'"{record}"' for record in records))
    one = await found(server, "dkim d1", dkim_ed25519_selector="d1", dkim_ed25519_key=tmp_path / "own.pem")
    assert (one.state, words in one.detail) == (state, True), one.detail


async def test_keys_that_are_missing_or_open_to_others_are_told(server: DnsServer, tmp_path: Path) -> None:
    assert (await found(server, "dkim")).state == "off"
    file = tmp_path / "own.pem"
    given: dict[str, Any] = {"dkim_ed25519_selector": "d1", "dkim_ed25519_key": file}
    assert (await found(server, "dkim", **given)).state == "bad"
    dkim_keys.write_key(KEY, file, force=False)
    file.chmod(0o644)
    one = await found(server, "dkim", **given)
    assert (one.state, f"chmod 600 {file}" in one.detail) == ("note", True)


@pytest.mark.parametrize(
    ("record", "state", "words"),
    [
        ("v=DMARC1; p=none; rua=mailto:d@x.example", "ok", "policy none; SPF is aligned"),
        ("v=DMARC1; sp=none", "bad", "no policy"),
        ("v=DMARC1; p=all", "bad", "no policy"),
        ("v=DMARC2; p=none", "note", "no DMARC record"),
    ],
)
async def test_dmarc(server: DnsServer, record: str, state: str, words: str) -> None:
    server.add(f"_dmarc.{HOME}", "TXT", f'"{record}"')
    one = await found(server, "dmarc")
    assert (one.state, words in one.detail) == (state, True), one.detail


async def test_two_policies_count_as_none_and_reports_are_missed(server: DnsServer) -> None:
    server.add(f"_dmarc.{HOME}", "TXT", '"v=DMARC1; p=none"')
    assert (await found(server, "dmarc reports")).state == "note"
    server.add(f"_dmarc.{HOME}", "TXT", '"v=DMARC1; p=none"', '"v=DMARC1; p=reject"')
    assert (await found(server, "dmarc")).state == "bad"


async def test_the_policy_of_the_domain_above_counts_below(server: DnsServer) -> None:
    server.add(f"_dmarc.{HOME}", "TXT", '"v=DMARC1; p=reject; sp=quarantine; rua=mailto:d@x.example"')
    one = await found(server, "dmarc", from_address=f"news@mail.{HOME}")
    assert one.detail.startswith("policy quarantine; ")


async def test_what_is_not_aligned_is_told(server: DnsServer, tmp_path: Path) -> None:
    one = await found(server, "dmarc", bounces="elsewhere.example")
    assert (one.state, "SPF of elsewhere.example does not count" in one.detail) == ("note", True)
    assert (await found(server, "dmarc", bounces=f"b.{HOME}")).state == "ok"
    server.add(f"_dmarc.{HOME}", "TXT", '"v=DMARC1; p=reject; adkim=s; aspf=s; rua=mailto:d@x.example"')
    assert (await found(server, "dmarc", bounces=f"b.{HOME}")).state == "note"
    dkim_keys.write_key(KEY, tmp_path / "own.pem", force=False)
    given: dict[str, Any] = {
        "dkim_ed25519_selector": "d1",
        "dkim_ed25519_key": tmp_path / "own.pem",
        "dkim_domain": f"m.{HOME}",
    }
    one = await found(server, "dmarc", **given)
    assert (one.state, "adkim=s" in one.detail) == ("bad", True)
    del given["dkim_domain"]
    assert (await found(server, "dmarc", bounces=f"b.{HOME}", **given)).state == "ok"


async def test_where_answers_arrive(server: DnsServer) -> None:
    what = f"mx {HOME}"
    fill(server, without=(HOME, "MX"))
    assert (await found(server, what)).state == "bad"
    server.add(HOME, "A", RELAY)
    assert (await found(server, what)).state == "note"
    server.add(HOME, "MX", "0 .")
    one = await found(server, what)
    assert (one.state, "RFC 7505" in one.detail) == ("bad", True)
    assert (await found(server, "mx other.example", reply_to="a@other.example")).state == "bad"


async def test_the_names_of_the_relay(server: DnsServer) -> None:
    what = "ptr smtp.relay.example"
    fill(server, without=("smtp.relay.example", "A"))
    assert (await found(server, what)).detail == "DNS knows no address of smtp.relay.example"
    server.add("smtp.relay.example", "A", "8.8.8.8")
    one = await found(server, what)
    assert (one.state, "8.8.8.8 has no PTR" in one.detail) == ("note", True)
    server.add("8.8.8.8.in-addr.arpa", "PTR", "nobody.example.")
    one = await found(server, what)
    assert (one.state, "does not lead back" in one.detail) == ("note", True)


async def test_mail_from_a_relay_of_ones_own_leaves_from_the_own_address(server: DnsServer) -> None:
    assert (await found(server, "ptr localhost", host="localhost")).state == "off"
    assert (await found(server, "ptr 127.0.0.1", host="127.0.0.1", own="10.0.0.1")).state == "off"
    assert (await found(server, "ptr 127.0.0.1", host="127.0.0.1", own=RELAY)).state == "ok"


async def test_dns_that_does_not_answer_is_told_once(server: DnsServer) -> None:
    for name in (".", HOME):
        server.fail(name, "SERVFAIL")
    told = await mail_dns.look(settings(), server.resolver())
    assert [(finding.what, finding.state) for finding in told] == [("dkim", "off"), ("dns", "off")]
    assert server.questions


async def test_keys_are_told_where_nothing_can_be_looked_up(server: DnsServer, tmp_path: Path) -> None:
    for name in (".", HOME):
        server.fail(name, "SERVFAIL")
    dkim_keys.write_key(KEY, tmp_path / "own.pem", force=False)
    one = await found(server, "dkim d1", dkim_ed25519_selector="d1", dkim_ed25519_key=tmp_path / "own.pem")
    assert one.state == "ok"
    assert one.detail == f"signs for {HOME} (Ed25519); its record at d1._domainkey.{HOME} is not looked up"


async def test_dns_that_is_silent_keeps_nobody_waiting(server: DnsServer) -> None:
    for name in (".", HOME):
        server.mute(name)
    async with asyncio.timeout(30):
        told = await mail_dns.look(settings(), server.resolver())
    assert [(finding.what, finding.state) for finding in told] == [("dkim", "off"), ("dns", "off")]


async def test_dns_that_knows_no_name_at_all_is_no_dns(server: DnsServer) -> None:
    async with DnsServer() as empty:
        told = await mail_dns.look(settings(), empty.resolver())
        assert [(finding.what, finding.state) for finding in told] == [("dkim", "off"), ("dns", "off")]
        empty.add(".", "NS", "a.root-servers.example.")
        states = {finding.what: finding.state for finding in await mail_dns.look(settings(), empty.resolver())}
        assert states[f"mx {HOME}"] == "bad"


async def test_one_question_without_an_answer_is_noted(server: DnsServer) -> None:
    server.mute(f"_dmarc.{HOME}")
    one = await found(server, "dmarc")
    assert (one.state, "DNS does not answer" in one.detail) == ("note", True)


async def test_names_for_tests_are_not_asked_of_public_dns() -> None:
    told = await mail_dns.look(settings())
    assert [finding.state for finding in told] == ["off", "off"]
    assert "public DNS does not know" in told[1].detail


async def test_doctor_tells_it(server: DnsServer, tmp_path: Path) -> None:
    file = tmp_path / "dispatch.toml"
    file.write_text(f'[email]\nhost = "127.0.0.1"\nport = 1\nfrom_address = "news@{HOME}"\n', encoding="utf-8")
    resolver: dns.asyncresolver.Resolver = server.resolver()
    told = await asyncio.to_thread(doctor.examine, App(load_settings(file)), file, resolver=resolver)
    states = {finding.what: finding.state for finding in told}
    assert (states[f"spf {HOME}"], states["dmarc"], states[f"mx {HOME}"]) == ("ok", "ok", "ok")
    file.write_text("", encoding="utf-8")
    told = await asyncio.to_thread(doctor.examine, App(load_settings(file)), file, resolver=resolver)
    assert not [finding for finding in told if finding.what in ("dkim", "dmarc", "dns")]
