"""The texts of /start and /help. /help has a line for each command that the chat and the person can use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dispatch.bot.commands import GROUPS, IN_PRIVATE, OF_ADMINISTRATORS, OF_MEMBERS, Command, Who, commands

if TYPE_CHECKING:
    from dispatch.bot.desk import Desk
    from dispatch.bot.voice import Voice

_LOCK = "🔒"


def welcome(desk: Desk) -> str:
    """What the bot does, and how to begin: for a private chat."""
    return desk.say(
        "<b>您好！</b>我按您的关注推送期刊文章：只推送与您关注的高新区、主题或栏目有关的内容。\n\n"
        "• 发送名称，如 <code>/follow 南昌</code>，或点下面的按钮选择\n"
        "• /latest 看最新一期，/search 搜索文章\n"
        "• /digest 设置推送时间，/help 列出全部命令\n"
        "• /language 语言（English: /language en）"
    )


def greeting(desk: Desk) -> str:
    """What a group is told that the bot has come to: who may do what."""
    words = desk.say(
        "大家好！我按本群的关注推送期刊文章。\n\n"
        "• 群管理员可以设置：/follow 关注高新区、主题或栏目，/digest 推送时间，/pause 暂停\n"
        "• 在话题里发送命令，就推送到那个话题\n"
        "• 所有人都可以使用 /latest 和 /search，/help 列出全部命令\n"
        "• 管理员也可以在私聊里用 /manage 设置本群，或用 /language en 换成英文（English）"
    )
    if desk.follows:
        words += "\n\n" + desk.say("这里已有 {count} 项关注，见 /following。", count=len(desk.follows))
    return words


def help_text(desk: Desk, *, forum: bool, approves: bool) -> str:
    """What can be said here, in groups, and what to know about the place. `forum`: the chat has topics; `approves`: it
    is one of those where issues are approved."""
    scene, say = desk.scene, desk.say
    if scene.here.is_private:
        who, lock = IN_PRIVATE, False
        lines = list(_in_private(desk))
    else:
        who, lock = (OF_ADMINISTRATORS, True) if scene.may_change else (OF_MEMBERS, False)
        lines = list(_in_group(say, forum=forum, may_change=scene.may_change))
    listed = _groups(say, who | ({Who.APPROVERS} if approves else frozenset()), lock=lock)
    return "\n".join([say("<b>使用说明</b>"), *listed, "", *lines])


def _groups(say: Voice, who: frozenset[Who], *, lock: bool) -> Iterator[str]:
    for group in GROUPS:
        found = [command for command in group.commands if command.who in who]
        if found:
            yield say("\n<b>{title}</b>", title=say(group.title))
            yield from (_line(say, command, lock=lock) for command in found)


def _line(say: Voice, command: Command, *, lock: bool) -> str:
    mark = f" {_LOCK}" if lock and command.who is Who.ADMINISTRATORS else ""
    return f"/{command.name} {say(command.words)}{mark}"


def _in_private(desk: Desk) -> Iterator[str]:
    say = desk.say
    if desk.scene.is_managed:
        yield say("现在的设置都是关于上面的群组或频道的，阅读和“我的数据”除外。/manage off 回到本聊天。")
    else:
        yield say("发送高新区、主题或栏目的名称，就可以查找和关注。")
        yield say("频道里不能发送命令：请管理员在这里用 /manage 选择频道，再发送命令。群组也可以这样设置。")
    if desk.office.username:
        yield say("在任何聊天里输入 @{name} 和要找的词，可以分享文章。", name=desk.office.username)


def _in_group(say: Voice, *, forum: bool, may_change: bool) -> Iterator[str]:
    if may_change:
        yield say("🔒 仅管理员可用。管理员也可以在私聊里用 /manage 设置本群。")
    else:
        names = " ".join(f"/{command.name}" for command in commands({Who.ADMINISTRATORS}))
        yield say("🔒 仅管理员可用：{commands}", commands=names)
    if forum:
        yield say("每个话题各有自己的关注和设置：在话题里发送命令，就只管那个话题；“常规”话题即本群。")
