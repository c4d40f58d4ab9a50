"""What DNS says of the sender, as `dispatch doctor` tells it: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489), MX
(RFC 5321, 7505), and the names of the address that mail leaves from.

Every question has seconds, and all of them together: where no DNS answers, that is what is found.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
import dns.reversename

from dispatch.channels.email.dkim import SigningKey
from dispatch.channels.email.dkim_keys import described, is_private, signing_keys
from dispatch.errors import SettingsError
from dispatch.findings import Finding
from dispatch.settings import EmailSettings, are_aligned, dns_domain

Resolver = dns.asyncresolver.Resolver
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_QUESTION_SECONDS, _ALL_SECONDS = 3.0, 8.0
_LOOK_UPS = 10  # of one SPF record and all that it includes (RFC 7208, 4.6.4)
_DEEPEST = 10
# RFC 2606 and RFC 6761: names for examples, tests and one's own machine; public DNS knows nothing of them.
_SPECIAL = re.compile(r"(?:.*\.)?(?:test|example|invalid|localhost|local|example\.(?:com|net|org))\Z")


class Unanswered(Exception):
    """DNS did not answer: nothing is known."""


@dataclass(frozen=True, slots=True)
class Sender:
    """What the questions are about. `relays` are the hosts that mail is handed to."""

    from_domain: str
    signing_domain: str
    bounce_domain: str
    reply_domains: tuple[str, ...]
    relays: tuple[str, ...]

    @classmethod
    def of(cls, settings: EmailSettings, bounce_domain: str = "") -> Sender:
        replies = [settings.from_address, settings.reply_to, settings.unsubscribe_address]
        return cls(
            from_domain=settings.from_domain,
            signing_domain=settings.signing_domain,
            bounce_domain=bounce_domain,
            reply_domains=tuple(dict.fromkeys(dns_domain(address) for address in replies if address)),
            relays=tuple(dict.fromkeys(relay.host for relay in settings.all_relays if relay.host)),
        )


def examine(settings: EmailSettings, resolver: Resolver | None = None, bounce_domain: str = "") -> list[Finding]:
    """All findings, in a loop of its own. `resolver` is the machine's unless another is given; names for tests are
    asked of a given one only."""
    return asyncio.run(look(settings, resolver, bounce_domain=bounce_domain))


async def look(
    settings: EmailSettings,
    resolver: Resolver | None = None,
    *,
    bounce_domain: str = "",
    own_address: Callable[[], Address | None] | None = None,
) -> list[Finding]:
    """The findings about a sender; the files of the keys first, which need no DNS."""
    keys, findings = _keys(settings)
    sender = Sender.of(settings, bounce_domain)
    if resolver is None and _SPECIAL.match(sender.from_domain):
        detail = f"{sender.from_domain} is a name for examples and tests, which public DNS does not know"
        return [*findings, *_signs(keys), Finding("dns", "off", detail)]
    try:
        names = Names(resolver or _of_this_machine())
    except dns.resolver.NoResolverConfiguration:
        return [
            *findings,
            *_signs(keys),
            Finding("dns", "off", "this machine has no DNS server set: nothing was looked up"),
        ]
    if not await names.know(sender.from_domain):
        detail = "no public DNS answers here: nothing was looked up of the sender"
        return [*findings, *_signs(keys), Finding("dns", "off", detail)]
    return [*findings, *await _ask(sender, keys, names, own_address or _own_address)]


async def _ask(
    sender: Sender, keys: Sequence[SigningKey], names: Names, own_address: Callable[[], Address | None]
) -> list[Finding]:
    """All questions side by side."""
    questions: list[tuple[str, Awaitable[list[Finding]]]] = [
        *(
            (f"spf {name}", _spf(name, names))
            for name in dict.fromkeys((sender.from_domain, sender.bounce_domain))
            if name
        ),
        *((f"dkim {key.selector}", _dkim(key, names)) for key in keys),
        ("dmarc", _dmarc(sender, bool(keys), names)),
        *((f"mx {name}", _mx(name, names)) for name in sender.reply_domains),
        *((f"ptr {host}", _ptr(host, names, own_address)) for host in sender.relays),
    ]
    answers = await asyncio.gather(*(_in_time(question) for _, question in questions))
    silent = "DNS does not answer this: not looked up"
    return [
        finding
        for (what, _), answer in zip(questions, answers, strict=True)
        for finding in ([Finding(what, "note", silent)] if answer is None else answer)
    ]


async def _in_time(question: Awaitable[list[Finding]]) -> list[Finding] | None:
    try:
        async with asyncio.timeout(_ALL_SECONDS):
            return await question
    except (Unanswered, TimeoutError):
        return None


class Names:
    """Questions to DNS. A name that is not there, or has no such record, has an empty answer; raises Unanswered where
    nobody answers, or with an error."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def know(self, domain: str) -> bool:
        """Whether there is any use in asking: DNS answers, and knows the domain or at least the servers of the root.
        Networks that are shut off say of every name that there is none."""
        questions = (self._ask(domain, "TXT"), self._ask(domain, "MX"), self._ask(dns.name.root, "NS"))
        answers = await asyncio.gather(*questions, return_exceptions=True)
        return any(answer for answer in answers if not isinstance(answer, BaseException))

    async def txt(self, name: str) -> list[str]:
        """Each record with its strings put together (RFC 7208, 3.3; RFC 6376, 3.6.2.2)."""
        found = await self._ask(name, "TXT")
        return [b"".join(record.strings).decode("utf-8", "replace") for record in found]

    async def mx(self, name: str) -> list[str]:
        """The hosts, the preferred first; "." for one that takes no mail (RFC 7505)."""
        found = sorted(await self._ask(name, "MX"), key=lambda record: int(record.preference))
        return [record.exchange.to_text(omit_final_dot=record.exchange != dns.name.root) for record in found]

    async def addresses(self, name: str) -> list[Address]:
        """Of both families."""
        both = await asyncio.gather(self._ask(name, "A"), self._ask(name, "AAAA"))
        return [ipaddress.ip_address(record.address) for found in both for record in found]

    async def ptr(self, address: Address) -> list[str]:
        found = await self._ask(dns.reversename.from_address(str(address)), "PTR")
        return [record.target.to_text(omit_final_dot=True) for record in found]

    async def _ask(self, name: str | dns.name.Name, kind: str) -> list[Any]:
        try:
            answer = await self._resolver.resolve(
                name, kind, search=False, lifetime=_QUESTION_SECONDS, raise_on_no_answer=False
            )
        except (dns.resolver.NXDOMAIN, dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise Unanswered from error
        return list(answer.rrset or ())


def _of_this_machine() -> Resolver:
    found = Resolver()
    found.use_edns(0, 0, 1232)  # records of DKIM are longer than the 512 bytes of plain DNS
    return found


# The keys


def _keys(settings: EmailSettings) -> tuple[Sequence[SigningKey], list[Finding]]:
    """The keys that sign, and what is wrong with their files."""
    try:
        keys = signing_keys(settings)
    except SettingsError as error:
        return (), [Finding("dkim", "bad", str(error))]
    if not keys:
        detail = "messages are not signed here: the relay does it, or set dkim_key (make one: dispatch email dkim-key)"
        return (), [Finding("dkim", "off", detail)]
    files = [file for file in (settings.dkim_key, settings.dkim_ed25519_key) if file and not is_private(file)]
    return keys, [Finding("dkim", "note", f"others may read the key; do: chmod 600 {file}") for file in files]


def _signs(keys: Sequence[SigningKey]) -> list[Finding]:
    """What is known of the keys without DNS."""
    return [
        Finding(
            f"dkim {key.selector}",
            "ok",
            f"signs for {key.domain} ({described(key.private)}); its record at {key.record_name} is not looked up",
        )
        for key in keys
    ]


async def _dkim(key: SigningKey, names: Names) -> list[Finding]:
    """Whether the record in DNS is that of our key; without it every signature fails."""
    what, at = f"dkim {key.selector}", key.record_name
    found = await names.txt(at)
    if not found:
        return [Finding(what, "bad", f"no record at {at}; publish TXT: {key.record}")]
    if len(found) > 1:  # RFC 6376, 3.6.2.2: undefined
        return [Finding(what, "bad", f"{len(found)} TXT records at {at}; only one may be there")]
    fault = _record_fault(tags(found[0]), key)
    if fault:
        return [Finding(what, "bad", f"the record at {at} {fault}; publish TXT: {key.record}")]
    if "y" in tags(found[0]).get("t", "").split(":"):
        return [Finding(what, "note", f"the record at {at} says t=y, a test: take that out once all works")]
    return [Finding(what, "ok", f"{at} has the key ({key.algorithm})")]


def _record_fault(said: dict[str, str], key: SigningKey) -> str:
    """What is wrong with a key's record (RFC 6376, 3.6.1), or ""."""
    if said.get("v", "DKIM1") != "DKIM1":
        return "is no record of DKIM1"
    if not said.get("p"):
        return "has no key: p= is empty, so the key counts as withdrawn" if "p" in said else "has no p="
    if said.get("k", "rsa") != key.kind:
        return f"is of a key of kind {said.get('k', 'rsa')}, and ours is of kind {key.kind}"
    try:
        same = b64decode("".join(said["p"].split()), validate=True) == key.public
    except NotBase64:
        return "has a p= that is no base64"
    if not same:
        return "has another key than ours"
    if "h" in said and "sha256" not in (name.strip() for name in said["h"].split(":")):
        return "allows no sha256 (h=)"
    if "s" in said and not {"*", "email"} & {name.strip() for name in said["s"].split(":")}:
        return "is not for email (s=)"
    return ""


def tags(record: str) -> dict[str, str]:
    """`tag=value; tag=value` (RFC 6376, 3.2; RFC 7489, 6.4). What is none is left out."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip() for name, sign, value in pairs if sign}


# SPF


async def _spf(domain: str, names: Names) -> list[Finding]:
    what = f"spf {domain}"
    found = await _spf_records(domain, names)
    if not found:
        detail = (
            f'no SPF record at {domain}; publish TXT: "v=spf1 … -all" with the addresses that your mail leaves from'
        )
        return [Finding(what, "note", detail)]
    if len(found) > 1:
        return [Finding(what, "bad", f"{len(found)} SPF records at {domain}; more than one counts as none")]
    terms = found[0].lower().split()[1:]
    count, fault = await _look_ups(terms, names, 0)
    if fault:
        return [Finding(what, "bad", fault)]
    if count > _LOOK_UPS:
        detail = f"the SPF record of {domain} takes {count} look-ups; receivers stop at {_LOOK_UPS} and see an error"
        return [Finding(what, "bad", detail)]
    if {"all", "+all"} & set(terms):
        return [Finding(what, "bad", f"the SPF record of {domain} lets everybody send (+all)")]
    if not any(term.endswith("all") or term.startswith("redirect=") for term in terms):
        return [Finding(what, "note", f"the SPF record of {domain} has no all at its end; add -all")]
    if "?all" in terms:
        return [Finding(what, "note", f"the SPF record of {domain} ends in ?all and says nothing; use ~all or -all")]
    return [Finding(what, "ok", f"{found[0]} ({count} of {_LOOK_UPS} look-ups)")]


async def _spf_records(domain: str, names: Names) -> list[str]:
    """RFC 7208, 4.5: those whose first word is v=spf1."""
    return [text for text in await names.txt(domain) if text.lower().split(" ")[0] == "v=spf1"]


async def _look_ups(terms: Sequence[str], names: Names, depth: int) -> tuple[int, str]:
    """How many questions the terms cost a receiver (RFC 7208, 4.6.4), and what is wrong with what they include."""
    count = 0
    for term in terms:
        mechanism = term.lstrip("+-~?")
        name = re.split("[:/=]", mechanism, maxsplit=1)[0]
        if name in ("a", "mx", "ptr", "exists"):
            count += 1
        elif name in ("include", "redirect"):
            more, fault = await _included(mechanism.partition(":" if name == "include" else "=")[2], names, depth)
            count += 1 + more
            if fault or count > _LOOK_UPS:
                return count, fault
    return count, ""


async def _included(domain: str, names: Names, depth: int) -> tuple[int, str]:
    if "%" in domain:  # a macro, which depends on the message
        return 0, ""
    if depth >= _DEEPEST:
        return _LOOK_UPS + 1, ""
    found = await _spf_records(domain, names)
    if len(found) != 1:
        return 0, f"the SPF record includes {domain}, which has {len(found)} SPF records instead of one"
    return await _look_ups(found[0].lower().split()[1:], names, depth + 1)


# DMARC


async def _dmarc(sender: Sender, signs: bool, names: Names) -> list[Finding]:
    """The policy, and whether what we send is aligned with From under it (RFC 7489, 3.1)."""
    at, found = await _dmarc_records(sender.from_domain, names)
    if not found:
        detail = f'no DMARC record; publish TXT at _dmarc.{sender.from_domain}: "v=DMARC1; p=none; rua=mailto:…"'
        return [Finding("dmarc", "note", detail)]
    if len(found) > 1:
        return [Finding("dmarc", "bad", f"{len(found)} DMARC records at _dmarc.{at}; more than one counts as none")]
    said = tags(found[0])
    policy = said.get("p", "") if at == sender.from_domain else said.get("sp", said.get("p", ""))
    if policy not in ("none", "quarantine", "reject"):
        return [
            Finding("dmarc", "bad", f"the DMARC record at _dmarc.{at} has no policy: p= none, quarantine or reject")
        ]
    return [_alignment(sender, signs, said, policy), *_reports(said, at)]


def _alignment(sender: Sender, signs: bool, said: dict[str, str], policy: str) -> Finding:
    strict_dkim, strict_spf = said.get("adkim") == "s", said.get("aspf") == "s"
    bounces = sender.bounce_domain or sender.from_domain
    if signs and strict_dkim and sender.signing_domain != sender.from_domain:
        detail = (
            f"adkim=s: signatures of {sender.signing_domain} do not count for {sender.from_domain}; set dkim_domain"
        )
        return Finding("dmarc", "bad", detail)
    aligned = bounces == sender.from_domain if strict_spf else are_aligned(bounces, sender.from_domain)
    if not aligned:
        why = "aspf=s" if strict_spf else "another organisation"
        detail = f"policy {policy}; SPF of {bounces} does not count for {sender.from_domain} ({why}): DKIM must"
        return Finding("dmarc", "ok" if signs else "note", detail)
    return Finding("dmarc", "ok", f"policy {policy}; {'DKIM and SPF are' if signs else 'SPF is'} aligned")


def _reports(said: dict[str, str], at: str) -> list[Finding]:
    if "rua" in said:
        return []
    return [Finding("dmarc reports", "note", f"_dmarc.{at} asks for no reports (rua=): nobody tells you what fails")]


async def _dmarc_records(domain: str, names: Names) -> tuple[str, list[str]]:
    """The records of the domain, else of the nearest above it that has some; the last label is no sender's."""
    labels = domain.split(".")
    for place in range(max(1, len(labels) - 1)):
        at = ".".join(labels[place:])
        found = [text for text in await names.txt(f"_dmarc.{at}") if tags(text).get("v") == "DMARC1"]
        if found:
            return at, found
    return domain, []


# Where answers arrive, and where mail leaves from


async def _mx(domain: str, names: Names) -> list[Finding]:
    what = f"mx {domain}"
    hosts = await names.mx(domain)
    if hosts == ["."]:
        return [Finding(what, "bad", f"{domain} takes no mail (RFC 7505): answers and unsubscribing mails are lost")]
    if hosts:
        return [Finding(what, "ok", f"answers go to {', '.join(hosts[:3])}")]
    if await names.addresses(domain):
        return [Finding(what, "note", f"{domain} has no MX; answers go to its own address, if a server listens there")]
    return [
        Finding(what, "bad", f"{domain} has no MX and no address: answers are lost, and receivers refuse the sender")
    ]


async def _ptr(host: str, names: Names, own_address: Callable[[], Address | None]) -> list[Finding]:
    """A relay of one's own must have a name that leads back to its address; what a provider sends from is not known."""
    what = f"ptr {host}"
    at = [_literal(host)] if _literal(host) else await names.addresses(host)
    public = [address for address in at if address and address.is_global]
    if at and not public and (own := own_address()) is not None and own.is_global:
        public = [own]
    if not at:
        return [Finding(what, "note", f"DNS knows no address of {host}")]
    if not public:
        detail = "it has an address of a private network: look at the PTR of the address that its mail leaves from"
        return [Finding(what, "off", detail)]
    return [await _leads_back(what, address, names) for address in public]


async def _leads_back(what: str, address: Address, names: Names) -> Finding:
    found = await names.ptr(address)
    if not found:
        return Finding(what, "note", f"{address} has no PTR; where mail leaves from it, large mailboxes refuse that")
    for name in found[:5]:
        if address in await names.addresses(name):
            return Finding(what, "ok", f"{address} is {name}")
    return Finding(what, "note", f"{address} is called {found[0]}, which does not lead back to it")


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return ipaddress.ip_address("127.0.0.1") if host == "localhost" else None


def _own_address() -> Address | None:
    """The address that this machine would send from; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
        try:
            tried.connect(("192.0.2.1", 25))  # of no machine (RFC 5737)
            return ipaddress.ip_address(tried.getsockname()[0])
        except OSError:
            return None
