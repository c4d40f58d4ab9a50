"""What robots.txt says (RFC 9309), kept for a day."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from dispatch.delivery.clock import Clock
from dispatch.errors import IntakeError
from dispatch.sources.parsing import parse

_DAY, _AGAIN = 86_400.0, 600.0
_MOST_ORIGINS = 200
_LONGEST_DELAY = 120.0  # seconds; who asks for more has few of our requests anyway


@dataclass(slots=True)
class _Rules:
    text: bytes
    fault: str
    until: float
    delay: float = 0.0


class Robots:
    """The rules of each server. One that cannot tell them is asked for nothing, and for its rules again after ten
    minutes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rules: dict[str, _Rules] = {}

    def delay(self, url: str) -> float:
        """Seconds between two requests that this address's server wishes for, as far as is known; at most 120."""
        found = self._rules.get(_origin(url))
        return found.delay if found else 0.0

    async def verdicts(self, urls: Sequence[str], fetch: Callable[[str], Awaitable[bytes]]) -> Mapping[str, str]:
        """What speaks against each address, or "". `fetch` gets a robots.txt, and raises IntakeError where the server
        does not say whether there is one."""
        verdicts: dict[str, str] = {}
        for origin in dict.fromkeys(map(_origin, urls)):
            own = [url for url in urls if _origin(url) == origin]
            verdicts |= await self._judged(await self._of(origin, fetch), own)
        return verdicts

    async def _of(self, origin: str, fetch: Callable[[str], Awaitable[bytes]]) -> _Rules:
        now = self._clock.monotonic()
        found = self._rules.get(origin)
        if found is not None and found.until > now:
            return found
        if len(self._rules) >= _MOST_ORIGINS:
            self._rules.clear()
        try:
            made = _Rules(await fetch(f"{origin}/robots.txt"), "", now + _DAY)
        except IntakeError as error:
            made = _Rules(b"", f"its robots.txt cannot be had, so nothing is asked for ({error})", now + _AGAIN)
        self._rules[origin] = made
        return made

    async def _judged(self, rules: _Rules, urls: Sequence[str]) -> Mapping[str, str]:
        if rules.fault or not rules.text.strip():
            return dict.fromkeys(urls, rules.fault)
        try:
            found = json.loads(await parse("robots", rules.text, {"urls": list(urls)}))
            rules.delay = min(_LONGEST_DELAY, max(0.0, float(found["delay"])))
            allowed = [bool(word) for word in found["allowed"]]
            return {url: "" if may else "its robots.txt asks us not to" for url, may in zip(urls, allowed, strict=True)}
        except (IntakeError, ValueError, LookupError, TypeError):
            return dict.fromkeys(urls, "its robots.txt cannot be read, so nothing is asked for")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, "", "", ""))
