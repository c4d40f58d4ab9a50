"""Telegram's flood limits, counted in sliding windows."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from dispatch.testing.telegram.calls import Refusal


@dataclass(frozen=True, slots=True)
class Limits:
    """Messages a second for the bot, seconds between two in a chat, messages a minute in a group; a sliding window
    each (Bot API FAQ, "My bot is hitting limits").

    `chat_burst` lets a chat have that many at once, as long as the pace holds over them all (1: none, which is stricter
    than Telegram). `paid_per_second` is the bot's limit for messages with `allow_paid_broadcast`. `penalty` is added to
    the wait of whoever goes over a limit, and until it is over everything of the same kind is refused.
    """

    bot_per_second: int = 30
    chat_per_second: int = 1
    group_per_minute: int = 20
    chat_burst: int = 1
    paid_per_second: int = 1000
    penalty: float = 0.0


@dataclass(frozen=True, slots=True)
class _Rule:
    key: object
    count: int
    seconds: float


class Windows:
    """What each bot and chat has sent lately, on `clock` (seconds)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sent: dict[object, deque[float]] = {}
        self._banned: dict[object, float] = {}

    def take(self, limits: Limits, bot: object, chat: int | str, *, paid: bool) -> Refusal | None:
        """Count one message of `bot` to `chat`, or the refusal of it, which counts towards no window."""
        now = self._clock()
        rules = _rules(limits, bot, chat, paid=paid)
        waits = [(self._wait(rule, now), rule) for rule in rules]
        wait, rule = max(waits, key=lambda entry: entry[0])
        if wait > 0:
            if limits.penalty and rule.key not in self._banned:
                wait += limits.penalty
                self._banned[rule.key] = now + wait
            after = math.ceil(wait)
            return Refusal(429, f"Too Many Requests: retry after {after}", {"retry_after": after})
        for rule in rules:
            self._sent[rule.key].append(now)
        return None

    def _wait(self, rule: _Rule, now: float) -> float:
        """Seconds until this window has room; 0 where it has room now."""
        banned = self._banned.get(rule.key, now)
        if banned > now:
            return banned - now
        self._banned.pop(rule.key, None)
        window = self._sent.setdefault(rule.key, deque())
        while window and window[0] <= now - rule.seconds:
            window.popleft()
        return window[0] + rule.seconds - now if len(window) >= rule.count else 0.0


def _rules(limits: Limits, bot: object, chat: int | str, *, paid: bool) -> list[_Rule]:
    whole = _Rule((bot, "paid"), limits.paid_per_second, 1.0) if paid else _Rule((bot,), limits.bot_per_second, 1.0)
    burst = limits.chat_burst
    rules = [whole, _Rule((bot, chat), limits.chat_per_second * burst, float(burst))]
    if str(chat).startswith(("-", "@")):
        rules.append(_Rule((bot, "group", chat), limits.group_per_minute, 60.0))
    return rules
