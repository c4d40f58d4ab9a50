"""What a group lets its members do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiogram.exceptions import AiogramError
from aiogram.types import ChatMemberMember

if TYPE_CHECKING:
    from aiogram import Bot
    from aiogram.types import ChatMemberUpdated


async def is_hushed(bot: Bot, update: ChatMemberUpdated) -> bool:
    """Whether the bot has become a plain member where these may not write: its own standing does not say so, the
    chat's permissions do (getChat). What cannot be found out is no: then it is seen when something is sent."""
    if update.chat.type == "channel" or not isinstance(update.new_chat_member, ChatMemberMember):
        return False
    try:
        permissions = (await bot.get_chat(update.chat.id)).permissions
    except AiogramError:
        return False
    return permissions is not None and permissions.can_send_messages is False
