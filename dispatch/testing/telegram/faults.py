"""Answers that a test injects instead of the server's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dispatch.testing.recording import Prepared
from dispatch.testing.telegram.calls import Call, Refusal

# What a fault meets that names no method: whatever puts a message into a chat or changes one there.
MESSAGE_METHODS = frozenset({
    "sendmessage", "senddocument", "editmessagetext", "editmessagereplymarkup", "deletemessage",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer of the Bot API: the connection is reset, or stays open without a word. `keep`: the call was carried
    out all the same."""

    stall: bool = False
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """An answer that is none of the Bot API's, as a proxy before it gives."""

    status: int
    body: str
    content_type: str


Fault = Refusal | Silence | Page


def meets(chat: int | str | None, method: str | None) -> Callable[[Call], bool]:
    """Whether a call is one to `chat` (None: any) by `method` (None: a message's, "*": any)."""

    def met(call: Call) -> bool:
        asked = call.method.lower()
        named = asked in MESSAGE_METHODS if method is None else method in ("*", call.method) or asked == method.lower()
        return named and (chat is None or call.chat_id == chat)

    return met


class InjectedFaults:
    """What a test makes the server do instead of answering.

    `chat` is whom the call is to (None: anybody), `times` how often it happens (None: until `clear`), `method` the one
    that it happens to (None: those that send or change messages, "*": each).
    """

    def __init__(self) -> None:
        self._faults: Prepared[Call, Fault] = Prepared()

    def answer(
        self,
        chat: int | str | None,
        status: int,
        description: str,
        *,
        retry_after: int | None = None,
        migrate_to: int | None = None,
        times: int | None = None,
        method: str | None = None,
    ) -> None:
        """Refuse with this status and description."""
        parameters = {"retry_after": retry_after, "migrate_to_chat_id": migrate_to}
        given = {name: value for name, value in parameters.items() if value is not None}
        self._faults.add(Refusal(status, description, given), meets(chat, method), times)

    def block(self, chat: int | str) -> None:
        """From now on the user has blocked the bot."""
        self.answer(chat, 403, "Forbidden: bot was blocked by the user")

    def forget(self, chat: int | str) -> None:
        """From now on there is no such chat."""
        self.answer(chat, 400, "Bad Request: chat not found")

    def migrate(self, chat: int | str, to: int) -> None:
        """From now on the group is a supergroup with another id."""
        description = "Bad Request: group chat was upgraded to a supergroup chat"
        self.answer(chat, 400, description, migrate_to=to)

    def throttle(
        self, chat: int | str | None, retry_after: int, times: int | None = 1, *, method: str | None = None
    ) -> None:
        """Answer 429 with this `retry_after`."""
        description = f"Too Many Requests: retry after {retry_after}"
        self.answer(chat, 429, description, retry_after=retry_after, times=times, method=method)

    def fail(
        self,
        chat: int | str | None = None,
        status: int = 502,
        times: int | None = 1,
        *,
        method: str | None = None,
    ) -> None:
        """Answer with an error of the server's own."""
        words = "Bad Gateway" if status == 502 else "Internal Server Error"
        self.answer(chat, status, words, times=times, method=method)

    def close_connection(
        self,
        chat: int | str | None = None,
        times: int | None = 1,
        *,
        keep: bool = False,
        method: str | None = None,
    ) -> None:
        """Reset the connection instead of an answer; with `keep`, the call was carried out before."""
        self._faults.add(Silence(keep=keep), meets(chat, method), times)

    def stall(
        self,
        chat: int | str | None = None,
        times: int | None = 1,
        *,
        keep: bool = False,
        method: str | None = None,
    ) -> None:
        """Never answer; with `keep`, the call was carried out before."""
        self._faults.add(Silence(stall=True, keep=keep), meets(chat, method), times)

    def babble(
        self,
        chat: int | str | None = None,
        body: str = "<html><h1>Bad Gateway</h1></html>",
        *,
        status: int = 502,
        content_type: str = "text/html",
        times: int | None = 1,
        method: str | None = None,
    ) -> None:
        """Answer with a body that is no answer of the Bot API's."""
        self._faults.add(Page(status, body, content_type), meets(chat, method), times)

    def clear(self) -> None:
        """Forget every fault; what was received stays."""
        self._faults.clear()
