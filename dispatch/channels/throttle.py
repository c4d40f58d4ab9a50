"""Whose limit a bot has met: a chat's, or its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from dispatch.model import Outcome, Retry, Sent

SEVERAL = 3
"""Chats that are answered 429 with nothing accepted in between: more than one busy chat's doing."""

_TOGETHER = 60.0  # seconds


class Throttle:
    """What the last answers to one bot were. Shared by all that goes out by it."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._refused: dict[str, float] = {}

    def accepted(self) -> None:
        """A message was taken."""
        self._refused.clear()

    def refused(self, chat: str) -> bool:
        """A chat was answered 429; whether that was the bot's own limit."""
        now = self._monotonic()
        self._refused[chat] = now
        self._refused = {name: at for name, at in self._refused.items() if now - at < _TOGETHER}
        return len(self._refused) >= SEVERAL

    def judged(self, chat: str, outcome: Outcome) -> Outcome:
        """The outcome, which is the lane's where several chats were throttled together: it rests as long as the last
        one asks for, and the messages lose no attempt."""
        if isinstance(outcome, Sent):
            self.accepted()
        if not isinstance(outcome, Retry) or outcome.code != "429" or not self.refused(chat):
            return outcome
        return replace(outcome, reason=f"the bot's own limit: {outcome.reason}", outage=True)
