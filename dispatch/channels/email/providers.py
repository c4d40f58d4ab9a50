"""Which mailbox provider an address is at, and what it takes: by the address's domain, else by the hosts that take the
domain's mail."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import idna

from dispatch.assets import config_dir
from dispatch.channels.email.mx import MxLookup, may_exist
from dispatch.delivery.channel import GroupLimits
from dispatch.settings import EmailSettings, Provider

OWN = "@"
"""What the group of a domain begins with that is of no provider: `@example.org`."""

_REMEMBERED = 20_000  # domains
_Key = TypeVar("_Key", str, tuple[str, ...])


def shipped(file: Path | None = None) -> tuple[Provider, ...]:
    """The providers of `config/providers.toml`."""
    text = (file or config_dir() / "providers.toml").read_text(encoding="utf-8")
    return tuple(Provider.model_validate(table) for table in tomllib.loads(text)["providers"])


def merged(own: Sequence[Provider], ours: Sequence[Provider]) -> tuple[Provider, ...]:
    """Ours with what an installation sets of them, after those that it adds: the first that fits an address counts."""
    set_by_name = {provider.name: provider for provider in own}
    known = {provider.name for provider in ours}
    changed = (_changed(provider, set_by_name.get(provider.name)) for provider in ours)
    return (*(provider for provider in own if provider.name not in known), *changed)


def _changed(provider: Provider, own: Provider | None) -> Provider:
    if own is None:
        return provider
    return provider.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})


class Providers:
    """Groups addresses by provider. Fulfils `dispatch.delivery.channel.Grouping`.

    A domain whose mail hosts are not known yet counts as nobody's: a message that goes meanwhile waits for no look-up.
    """

    def __init__(self, providers: Sequence[Provider], lookup: MxLookup | None = None) -> None:
        self._lookup = lookup
        self._providers = {provider.name: provider for provider in providers}
        self._limits = {provider.name: _limits(provider) for provider in providers}
        self._domains = _Patterns((provider.name, provider.domains) for provider in providers)
        self._hosts = _Patterns((provider.name, provider.mx) for provider in providers)
        self._of_domain: dict[str, str] = {}  # by domain as it is written: what no look-up can change
        self._looked_up: dict[str, str] = {}  # the others, as DNS has them
        self._of_hosts: dict[tuple[str, ...], str] = {}

    @classmethod
    def of(cls, settings: EmailSettings, lookup: MxLookup | None = None) -> Providers | None:
        """As the settings say; None where nobody is limited."""
        if not settings.provider_limits:
            return None
        wanted = (lookup or MxLookup()) if settings.mx_lookup else None
        return cls(merged(settings.providers, shipped()), wanted)

    def group(self, address: str) -> str:
        """The name of the provider; "" for none, or where it is not known yet."""
        written = address[address.rfind("@") + 1 :]
        found = self._of_domain.get(written)
        return self._find(written) if found is None else found

    def own_group(self, address: str) -> str:
        """The address's domain."""
        return OWN + _plain(address.rpartition("@")[2])

    def limits(self, group: str) -> GroupLimits:
        """Those of a provider; a domain by itself has none but the rest that it asks for."""
        return self._limits.get(group) or GroupLimits()

    def messages_per_connection(self, group: str) -> int:
        """How many messages to this provider one connection may carry; 0: any number."""
        provider = self._providers.get(group)
        return provider.messages_per_connection if provider else 0

    async def close(self) -> None:
        """Give up what is being looked up."""
        if self._lookup is not None:
            await self._lookup.close()

    def _find(self, written: str) -> str:
        domain = self._looked_up.get(written)
        if domain is None:
            domain = _plain(written)
            name = self._domains.first(domain)
            if name or self._lookup is None or not may_exist(domain):
                _keep(self._of_domain, written, name)
                return name
            _keep(self._looked_up, written, domain)
        assert self._lookup is not None
        hosts = self._lookup.hosts(domain)
        return self._at(hosts) if hosts else ""

    def _at(self, hosts: tuple[str, ...]) -> str:
        name = self._of_hosts.get(hosts)
        if name is None:
            name = next(filter(None, map(self._hosts.first, hosts)), "")
            _keep(self._of_hosts, hosts, name)
        return name


class _Patterns:
    """Names by patterns in which * stands for anything: the first name that fits."""

    def __init__(self, patterns: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        self._exact: dict[str, str] = {}
        self._wild: list[tuple[str, re.Pattern[str]]] = []
        for name, texts in patterns:
            for text in texts:
                if "*" not in text:
                    self._exact.setdefault(text, name)
            if wild := [fnmatch.translate(text) for text in texts if "*" in text]:
                self._wild.append((name, re.compile("|".join(wild))))

    def first(self, text: str) -> str:
        """The name; "" where none fits."""
        return self._exact.get(text) or next((name for name, wild in self._wild if wild.match(text)), "")


def _keep(cache: dict[_Key, str], key: _Key, value: str) -> None:
    if len(cache) >= _REMEMBERED:
        cache.clear()
    cache[key] = value


def _limits(provider: Provider) -> GroupLimits:
    return GroupLimits(provider.connections or None, provider.rate or None, provider.backoff)


def _plain(domain: str) -> str:
    """A domain as DNS has it: lower case, in ASCII where it can be."""
    text = domain.rstrip(".").lower()
    if text.isascii():
        return text
    try:
        return idna.encode(text, uts46=True).decode()
    except idna.IDNAError:
        return text
