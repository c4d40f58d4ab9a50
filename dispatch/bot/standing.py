"""Who administers a chat, and whether the bot may write there."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from aiogram.exceptions import AiogramError
from aiogram.types import ChatMemberAdministrator, ChatMemberMember, ChatMemberOwner, ChatMemberRestricted

if TYPE_CHECKING:
    from aiogram import Bot
    from aiogram.types import ChatMemberUnion

    from dispatch.delivery.clock import Clock

KEPT = 60.0
"""Seconds for which an answer of the API is believed."""

_MOST = 10_000  # answers


def may_write(member: ChatMemberUnion, kind: str) -> bool:
    """Whether a member of a chat, such as the bot, may write there; `kind` is the chat's type."""
    if isinstance(member, ChatMemberRestricted):
        return member.is_member and member.can_send_messages
    if kind != "channel":
        return isinstance(member, ChatMemberOwner | ChatMemberAdministrator | ChatMemberMember)
    return isinstance(member, ChatMemberAdministrator) and member.can_post_messages is not False


class Administrators:
    """Asks the Bot API (getChatMember) and remembers for a minute. What cannot be found out is no."""

    def __init__(self, api: Bot, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._known: OrderedDict[tuple[int, int], tuple[float, bool]] = OrderedDict()

    async def has(self, chat_id: int, user_id: int) -> bool:
        """Whether somebody administers a chat."""
        now = self._clock.monotonic()
        asked, answer = self._known.get((chat_id, user_id), (-KEPT, False))
        if now - asked < KEPT:
            return answer
        try:
            member = await self._api.get_chat_member(chat_id, user_id)
        except AiogramError:
            return False
        answer = isinstance(member, ChatMemberOwner | ChatMemberAdministrator)
        self._known[chat_id, user_id] = (now, answer)
        self._known.move_to_end((chat_id, user_id))
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return answer

    def forget(self, chat_id: int, user_id: int | None = None) -> None:
        """Somebody's standing in a chat has changed, or everybody's."""
        for key in [key for key in self._known if key[0] == chat_id and user_id in (None, key[1])]:
            del self._known[key]
