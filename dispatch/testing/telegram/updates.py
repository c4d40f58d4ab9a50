"""What waits for a bot (Bot API, "Getting updates")."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from dispatch.testing.telegram.calls import Json, refuse
from dispatch.testing.telegram.signal import Signal

MAX_TIMEOUT = 50
"""Seconds that one call of getUpdates waits at most."""

# Given only to who asks for them (Bot API, `allowed_updates`).
_UNASKED = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


class UpdateQueue:
    """A bot's updates, kept until they are confirmed; `seen` is every one that there ever was."""

    def __init__(self, signal: Signal, first_id: int = 100_001) -> None:
        self._signal = signal
        self._next_id = first_id
        self._waiting: deque[Json] = deque()
        self._again: list[Json] = []
        self._given_again = 0
        self._confirmed: list[Json] = []
        self._poller = 0
        self.seen: list[Json] = []
        self.allowed: frozenset[str] = frozenset()

    @property
    def pending(self) -> list[Json]:
        """Those that are not confirmed."""
        return [*self._again, *self._waiting]

    def put(self, kind: str, payload: Json) -> None:
        """Queue an update, if the bot wants its kind."""
        if (self.allowed and kind not in self.allowed) or (not self.allowed and kind in _UNASKED):
            return
        update = {"update_id": self._next_id, kind: payload}
        self._next_id += 1
        self._waiting.append(update)
        self.seen.append(update)
        self._signal.notify()

    def allow(self, kinds: Iterable[str]) -> None:
        """What the bot wants from now on; nothing: all but those that must be asked for."""
        self.allowed = frozenset(kinds)

    def drop(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._again.clear()
        self._signal.notify()

    def redeliver(self, count: int = 1) -> None:
        """Give the last `count` confirmed updates once more, under the ids they had."""
        if len(self._confirmed) < count:
            raise ValueError(f"{len(self._confirmed)} updates were confirmed, not {count}")
        self._again += self._confirmed[-count:]
        self._signal.notify()

    def head(self) -> Json | None:
        """What is to be given next, by a webhook."""
        return next(iter(self.pending), None)

    def done(self, update: Json) -> None:
        """A webhook took it."""
        if update in self._again:
            self._again.remove(update)
        elif update in self._waiting:
            self._waiting.remove(update)
            self._confirmed.append(update)
        self._signal.notify()

    def conflict(self) -> None:
        """End a call of getUpdates that is waiting, with 409."""
        self._poller += 1
        self._signal.notify()

    async def poll(self, offset: int, limit: int, seconds: float, ending: Callable[[], bool]) -> list[Json]:
        """Confirm what is below `offset`, and give what is left, once there is something or the time is over.

        Raises Refused when another call comes meanwhile: the later one wins.
        """
        self.conflict()
        mine = self._poller
        self._confirm(offset)
        await self._signal.until(lambda: bool(self.pending) or self._poller != mine or ending(), seconds)
        if self._poller != mine:
            raise refuse("terminated by other getUpdates request; make sure that only one bot instance is running", 409)
        self._given_again = min(limit, len(self._again))
        return self.pending[:limit]

    def _confirm(self, offset: int) -> None:
        del self._again[: self._given_again]
        self._given_again = 0
        if offset < 0:
            first = len(self._waiting) + offset
            offset = self._waiting[max(first, 0)]["update_id"] if self._waiting else 0
        while self._waiting and self._waiting[0]["update_id"] < offset:
            self._confirmed.append(self._waiting.popleft())
        self._signal.notify()
