"""What the loopback servers share: a list that can be waited for, and answers prepared beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Step = TypeVar("Step")
Answer = TypeVar("Answer")


class Inbox(list[Item]):
    """What a server received, in order. A plain list, with `reached` to wait for its growth without polling."""

    def __init__(self) -> None:
        super().__init__()
        self._grown = asyncio.Event()

    def put(self, item: Item) -> None:
        """Append, and wake who waits."""
        self.append(item)
        self._grown.set()
        self._grown = asyncio.Event()

    async def reached(self, count: int, within: float = 10.0) -> list[Item]:
        """The items once there are `count` of them. Raises TimeoutError after `within` seconds."""
        async with asyncio.timeout(within):
            while len(self) < count:
                await self._grown.wait()
        return list(self)


@dataclass(slots=True)
class _Prepared(Generic[Step, Answer]):
    answer: Answer
    when: Callable[[Step], bool]
    left: int | None


class Prepared(Generic[Step, Answer]):
    """Answers that a server gives instead of its own: the first whose `when` accepts the step, while it lasts."""

    def __init__(self) -> None:
        self._entries: list[_Prepared[Step, Answer]] = []

    def add(self, answer: Answer, when: Callable[[Step], bool], times: int | None) -> None:
        """Give `answer` to the next `times` steps that `when` accepts; None: to all of them."""
        self._entries.append(_Prepared(answer, when, times))

    def take(self, step: Step) -> Answer | None:
        """The answer for this step, which counts as given; None where the server answers for itself."""
        for entry in self._entries:
            if entry.left != 0 and entry.when(step):
                if entry.left is not None:
                    entry.left -= 1
                return entry.answer
        return None

    def clear(self) -> None:
        """Forget every prepared answer."""
        self._entries.clear()
