"""What the bot can be told: the one table from which /help and Telegram's own lists are made, a list a scope and a
language (Bot API, setMyCommands)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
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


class Who(StrEnum):
    """Who can use a command. In a private chat that is also whoever administers it: its user."""

    EVERYBODY = "everybody"
    ADMINISTRATORS = "administrators"  # of the group or channel that it is about
    PERSON = "person"  # in the private chat only
    APPROVERS = "approvers"  # in the chats of those who may approve issues


@dataclass(frozen=True, slots=True)
class Command:
    """`words` say what it does, in a line without a full stop."""

    name: str
    words: str
    who: Who


@dataclass(frozen=True, slots=True)
class Group:
    """Commands that belong together."""

    title: str
    commands: tuple[Command, ...]


GROUPS = (
    Group(
        text("选择内容"),
        (
            Command("follow", text("关注高新区、主题或栏目"), Who.ADMINISTRATORS),
            Command("unfollow", text("取消关注"), Who.ADMINISTRATORS),
            Command("following", text("查看和管理关注"), Who.EVERYBODY),
            Command("browse", text("按省份和类别浏览"), Who.ADMINISTRATORS),
            Command("words", text("关键词过滤：只看或不看含有某些词的文章"), Who.ADMINISTRATORS),
        ),
    ),
    Group(
        text("阅读"),
        (
            Command("latest", text("最新一期"), Who.EVERYBODY),
            Command("issue", text("查看某一期，如 /issue 534"), Who.EVERYBODY),
            Command("column", text("查看栏目的最新文章"), Who.EVERYBODY),
            Command("search", text("搜索文章，如 /search 区块链"), Who.EVERYBODY),
        ),
    ),
    Group(
        text("推送时间"),
        (
            Command("digest", text("推送设置：即时、每日或每周，时间和形式"), Who.ADMINISTRATORS),
            Command("quiet", text("免打扰时段"), Who.ADMINISTRATORS),
            Command("pause", text("暂停或恢复推送"), Who.ADMINISTRATORS),
        ),
    ),
    Group(
        text("其他"),
        (
            Command("language", text("语言 / Language"), Who.ADMINISTRATORS),
            Command("manage", text("在私聊里管理群组和频道"), Who.PERSON),
            Command("mydata", text("导出我的数据"), Who.PERSON),
            Command("forget", text("删除我的数据"), Who.PERSON),
            Command("help", text("全部命令和用法"), Who.EVERYBODY),
        ),
    ),
    Group(
        text("审批"),
        (
            Command("pending", text("待审批的期刊"), Who.APPROVERS),
            Command("status", text("运行状况"), Who.APPROVERS),
        ),
    ),
)

IN_PRIVATE = frozenset({Who.EVERYBODY, Who.ADMINISTRATORS, Who.PERSON})
OF_MEMBERS = frozenset({Who.EVERYBODY})
OF_ADMINISTRATORS = frozenset({Who.EVERYBODY, Who.ADMINISTRATORS})


def commands(who: Iterable[Who]) -> list[Command]:
    """The commands of those, in the order of the table."""
    known = frozenset(who)
    return [command for group in GROUPS for command in group.commands if command.who in known]


def listed(say: Voice, found: Iterable[Command]) -> list[BotCommand]:
    return [BotCommand(command=command.name, description=say.plain(command.words)[:256]) for command in found]


async def introduce(api: Bot, office: Office) -> None:
    """Say what can be told to the bot, and where. Raises AiogramError."""
    scopes: list[tuple[BotCommandScopeUnion, frozenset[Who]]] = [
        (BotCommandScopeAllPrivateChats(), IN_PRIVATE),
        (BotCommandScopeAllGroupChats(), OF_MEMBERS),
        (BotCommandScopeAllChatAdministrators(), OF_ADMINISTRATORS),
    ]
    for address in office.admins:
        chat, _ = telegram_place(address)
        there = OF_ADMINISTRATORS if is_group(chat) else IN_PRIVATE
        scopes.append((BotCommandScopeChat(chat_id=telegram_id(chat)), there | {Who.APPROVERS}))
    for scope, who in scopes:
        for code, language in (("", "zh"), ("en", "en")):
            try:
                found = listed(voice(language), commands(who))
                await api.set_my_commands(found, scope=scope, language_code=code or None)
            except TelegramBadRequest:
                if not isinstance(scope, BotCommandScopeChat):
                    raise
                # An administrator who has not written to the bot yet.
