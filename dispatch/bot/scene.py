"""Where something was said, by whom, and what that person may change there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiogram.types import Message

PRIVATE = "private"
GROUP_ANONYMOUS_BOT = 1087968824
"""The user in whose name administrators write who stay anonymous (Bot API, Message.sender_chat)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A chat, or a topic of a forum, that can follow something. `address` is that of its endpoint."""

    chat_id: int
    thread: int = 0
    kind: str = PRIVATE
    title: str = ""

    @property
    def address(self) -> str:
        return f"{self.chat_id}/{self.thread}" if self.thread else str(self.chat_id)

    @property
    def is_private(self) -> bool:
        return self.kind == PRIVATE


@dataclass(frozen=True, slots=True)
class Scene:
    """One update: `here` is where replies go, `place` what is talked about (another chat, where the user manages one
    from the private chat). `may_change` says whether the user may change what the place follows; `user_id` is 0 where
    nobody is told (a channel's post)."""

    here: Place
    place: Place
    user_id: int = 0
    user_name: str = field(default="", repr=False)
    language: str = "zh"
    may_change: bool = True
    message_id: int = 0  # of the message that was sent, or whose button was pressed
    callback_id: str = ""  # of the press, which wants an answer
    is_old: bool = False  # the message with the button can be edited no more
    query_id: str = ""  # of what was typed behind the bot's name in some chat (inline mode)

    @property
    def is_managed(self) -> bool:
        """Whether a chat is managed from another one."""
        return self.here != self.place


MARK = "⚙"
"""What the bot's messages about another chat begin with."""

_LONGEST_MARK = 64  # characters of a title


def mark(title: str) -> str:
    """The line with which a message begins that is about the chat of this title."""
    return f"{MARK} {' '.join(title.split())[:_LONGEST_MARK]}".rstrip()


def marked(text: str | None) -> str:
    """The line that says about which chat a message of the bot's is; "" where it is about the one that it stands in."""
    first = (text or "").partition("\n")[0].rstrip()
    return first if first.startswith(MARK) else ""


def place_of(message: Message) -> Place:
    """Where a message stands."""
    chat = message.chat
    thread = message.message_thread_id if message.is_topic_message else None
    return Place(chat.id, thread or 0, chat.type, chat.title or "")
