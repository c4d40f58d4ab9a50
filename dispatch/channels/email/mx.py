"""Which hosts take the mail of a domain (RFC 5321 section 5.1), looked up beside the sending and remembered."""

from __future__ import annotations

import asyncio
import importlib
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

log = logging.getLogger(__name__)

_SECONDS = 5.0  # that a look-up may take
_SHORTEST, _LONGEST = 300.0, 86_400.0  # seconds for which an answer counts, whatever its TTL says
_NO_ANSWER = 900.0  # seconds until a domain is asked about again whose servers did not answer
_AT_ONCE = 8  # look-ups side by side
_WAITING = 1000  # domains that wait for one; what is beyond is asked about when it is seen again
_REMEMBERED = 20_000  # domains
_HOSTS = 10  # of a domain

# RFC 2606, 6761, 6762 and 7686: names that nobody on the internet answers for.
_NOBODYS = frozenset({"test", "example", "invalid", "localhost", "local", "internal", "onion", "arpa"})
_EXAMPLES = ("example.com", "example.net", "example.org")


class MxLookup:
    """The hosts that take a domain's mail, the preferred ones first. `hosts` answers at once with what is known, and
    has the rest looked up; nothing is asked where DNS does not answer but every quarter of an hour."""

    def __init__(
        self,
        resolver: Callable[[], Resolver] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = resolver or _system_resolver
        self._monotonic = monotonic
        self._resolver: Resolver | None = None
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._waiting: deque[str] = deque()
        self._asked: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def hosts(self, domain: str) -> tuple[str, ...] | None:
        """The hosts, () where there are none; None where that is not known yet."""
        found = self._known.get(domain)
        if found is None or found[0] <= self._monotonic():
            self._ask(domain)
        return found[1] if found else None  # what was true goes on counting until there is news

    def _ask(self, domain: str) -> None:
        if domain in self._asked or len(self._waiting) >= _WAITING:
            return
        self._asked.add(domain)
        self._waiting.append(domain)
        if len(self._tasks) < _AT_ONCE:
            task = asyncio.get_running_loop().create_task(self._work(), name="look-up of mail hosts")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def idle(self) -> None:
        """Returns when nothing is being looked up."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Give up what is being looked up."""
        self._waiting.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._asked.clear()

    async def _work(self) -> None:
        while self._waiting:
            domain = self._waiting.popleft()
            try:
                seconds, hosts = await self._look_up(domain)
            except Exception as error:
                # Nothing about mail hosts is worth a failure of the sending.
                log.debug("the mail hosts of a domain could not be looked up: %s", type(error).__name__)
                seconds, hosts = _NO_ANSWER, self._last(domain)
            self._remember(domain, seconds, hosts)
            self._asked.discard(domain)

    async def _look_up(self, domain: str) -> tuple[float, tuple[str, ...]]:
        """For how many seconds it counts, and the hosts."""
        resolver = await self._ready()
        exception = importlib.import_module("dns.exception")
        names = importlib.import_module("dns.resolver")
        try:
            answer = await resolver.resolve(domain, "MX", search=False)
        except (names.NXDOMAIN, names.NoAnswer):
            return _NO_ANSWER * 4, ()
        except (exception.DNSException, OSError, UnicodeError):
            return _NO_ANSWER, self._last(domain)
        records = sorted((record.preference, str(record.exchange).rstrip(".").lower()) for record in answer)
        ttl = float(answer.rrset.ttl) if answer.rrset is not None else _SHORTEST
        return min(max(ttl, _SHORTEST), _LONGEST), tuple(host for _, host in records[:_HOSTS])

    def _last(self, domain: str) -> tuple[str, ...]:
        """What was known last: that nobody answers is no news about the domain."""
        return self._known.get(domain, (0.0, ()))[1]

    async def _ready(self) -> Resolver:
        await asyncio.to_thread(
            importlib.import_module, "dns.asyncresolver"
        )  # the first time takes a tenth of a second
        if self._resolver is None:
            self._resolver = self._make()
        return self._resolver

    def _remember(self, domain: str, seconds: float, hosts: tuple[str, ...]) -> None:
        self._known.pop(domain, None)
        self._known[domain] = (self._monotonic() + seconds, hosts)
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]


def may_exist(domain: str) -> bool:
    """Whether somebody on the internet could answer for a domain."""
    last = domain.rpartition(".")[2]
    if "." not in domain or last in _NOBODYS or last.isdigit() or len(domain) > 253:
        return False
    return not any(domain == name or domain.endswith(f".{name}") for name in _EXAMPLES)


def _system_resolver() -> Resolver:
    from dns.asyncresolver import Resolver

    resolver = Resolver()
    resolver.lifetime = _SECONDS
    return resolver
