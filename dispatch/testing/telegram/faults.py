"""Answers that a test injects instead of the server's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dispatch.testing.telegram.calls import Call, Refusal

# What a fault meets that names no method: whatever puts a message into a chat or changes one there.
MESSAGE_METHODS = frozenset({"sendmessage", "editmessagetext", "editmessagereplymarkup", "deletemessage"})


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
