"""Hosts that want less: whose limit a refusal tells of, an endpoint's or the whole host's, and how the host is spared.

One endpoint of many that is refused waits alone. Several of them, with nothing accepted in between, are the host's own
limit: nothing goes there for a while; then one request at a time, and more as they go well (`dispatch.delivery.gate`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

from dispatch.channels.throttle import Throttle
from dispatch.delivery.channel import GroupLimits
from dispatch.model import Outcome, Retry, Sent

SLOWS = frozenset({"429", "502", "503", "504"})
"""Answers by which a receiver says that it has too much to do."""

_HOSTS = 1000  # that are remembered
_LONGEST_REST = 300.0  # seconds that a host rests at once: its other endpoints are others'
_REST = 5.0  # seconds, where the host asks for less; twice as long each time


class Hosts:
    """What the hosts of a channel answered last. Fulfils `dispatch.delivery.channel.Grouping`: a host is a group of its
    own only while it rests or recovers, and has no limits besides."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._throttles: OrderedDict[str, Throttle] = OrderedDict()

    def group(self, address: str) -> str:
        return ""

    def own_group(self, address: str) -> str:
        """The host, with its port where that is not the usual one."""
        return urlsplit(address).netloc

    def limits(self, group: str) -> GroupLimits:
        return GroupLimits(backoff=_REST)

    def judged(self, address: str, outcome: Outcome) -> Outcome:
        """The outcome, with what it means for other messages: to the same address, or to the whole host."""
        slows = isinstance(outcome, Retry) and outcome.code in SLOWS
        if isinstance(outcome, Sent) and self._throttles:
            throttle = self._throttles.pop(self.own_group(address), None)
            if throttle is not None:
                throttle.accepted()
        if not (slows and isinstance(outcome, Retry)):
            return outcome
        if self._throttle(address).refused(address):
            return replace(
                outcome, group_rest=min(outcome.after or 0.0, _LONGEST_REST), whole_address=True, suspect=False
            )
        return replace(outcome, whole_address=True)

    def _throttle(self, address: str) -> Throttle:
        host = self.own_group(address)
        found = self._throttles.setdefault(host, Throttle(self._monotonic))
        self._throttles.move_to_end(host)
        if len(self._throttles) > _HOSTS:
            self._throttles.popitem(last=False)
        return found
