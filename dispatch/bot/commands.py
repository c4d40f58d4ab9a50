"""What the bot can be told, as Telegram shows it: one list a scope and a language (Bot API, setMyCommands)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
)

from dispatch.bot.voice import Voice, text, voice
from dispatch.delivery.pace import is_group
from subscribers.addresses import telegram_id, telegram_place

if TYPE_CHECKING:
    from aiogram import Bot
    from aiogram.types import BotCommandScopeUnion

    from dispatch.bot.desk import Office

EVERYWHERE = (
    ("follow", text("关注高新区、主题或栏目")),
    ("unfollow", text("取消关注")),
    ("following", text("查看和管理关注")),
    ("browse", text("按省份和类别浏览")),
    ("latest", text("最新一期")),
    ("issue", text("查看某一期，如 /issue 534")),
    ("column", text("查看最新的栏目")),
    ("search", text("搜索文章")),
    ("words", text("关键词过滤")),
    ("digest", text("推送时间：即时、每日、每周")),
    ("quiet", text("免打扰时段")),
    ("language", text("语言 / Language")),
    ("pause", text("暂停或恢复推送")),
    ("help", text("使用说明")),
)
PRIVATE_ONLY = (
    ("manage", text("管理群组和频道")),
    ("mydata", text("导出我的数据")),
    ("forget", text("删除我的数据")),
)
FOR_READING = ("latest", "issue", "column", "search", "following", "help")
"""What everybody in a group is offered; the rest is for its administrators."""

FOR_ADMINS = (("pending", text("待审核的期刊")), ("status", text("运行状况")))
"""In the chats of those who may approve issues."""


def listed(say: Voice, commands: Sequence[tuple[str, str]]) -> list[BotCommand]:
    return [BotCommand(command=name, description=say.plain(words)[:256]) for name, words in commands]


async def introduce(api: Bot, office: Office) -> None:
    """Say what can be told to the bot, and where. Raises AiogramError."""
    reading = [item for item in EVERYWHERE if item[0] in FOR_READING]
    scopes: list[tuple[BotCommandScopeUnion, Sequence[tuple[str, str]]]] = [
        (BotCommandScopeAllPrivateChats(), (*EVERYWHERE, *PRIVATE_ONLY)),
        (BotCommandScopeAllGroupChats(), reading),
        (BotCommandScopeAllChatAdministrators(), EVERYWHERE),
    ]
    for address in office.admins:
        chat, _ = telegram_place(address)
        private = () if is_group(chat) else PRIVATE_ONLY
        scopes.append((BotCommandScopeChat(chat_id=telegram_id(chat)), (*EVERYWHERE, *private, *FOR_ADMINS)))
    for scope, commands in scopes:
        for code, language in (("", "zh"), ("en", "en")):
            try:
                await api.set_my_commands(listed(voice(language), commands), scope=scope, language_code=code or None)
            except TelegramBadRequest:
                if not isinstance(scope, BotCommandScopeChat):
                    raise
                # An administrator who has not written to the bot yet.
