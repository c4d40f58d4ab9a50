"""/help: all that can be said, here and by this person."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiogram.filters import Command

from dispatch.app import App
from dispatch.bot.commands import GROUPS, IN_PRIVATE, Who, commands
from dispatch.bot.routers import routers
from dispatch.testing import BotApi
from tests.bot.conftest import Talk, conversing, settings

OF_APPROVERS = {command.name for command in commands({Who.APPROVERS})}
ALL = {command.name for command in commands(Who)}
PRIVATE = {command.name for command in commands(IN_PRIVATE)}


def named(text: str) -> set[str]:
    """The commands that have a line."""
    return {line[1:].split()[0] for line in text.splitlines() if line.startswith("/")}


def test_the_table_has_all_commands_that_are_answered() -> None:
    filters = (
        found.callback
        for router in routers()
        for handler in router.message.handlers
        for found in handler.filters or ()
        if isinstance(found.callback, Command)
    )
    answered = {str(name) for found in filters for name in found.commands}
    assert answered - {"start"} == ALL


@pytest.mark.parametrize(("language", "title"), [("zh-hans", "阅读"), ("en", "Read")])
async def test_in_private_there_is_a_line_for_each_command(talk: Talk, language: str, title: str) -> None:
    ann = talk.api.user("Ann", language=language)
    await ann.send("/help")
    text = (await ann.next()).text
    assert named(text) == PRIVATE
    assert title in text.splitlines()
    assert "/manage" in text.split("\n\n")[-1]
    assert f"@{talk.api.me.username}" in text
    assert {item["command"] for item in ann.menu()} == PRIVATE


async def test_a_member_of_a_group_reads_what_only_administrators_can_say(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob")
    group = talk.api.group("群", members={ann: "creator", bob: "member"})
    await bob.send("/help", chat=group)
    of_bob = (await group.next()).text
    assert named(of_bob) == {command.name for command in commands({Who.EVERYBODY})}
    last = of_bob.splitlines()[-1]
    assert "仅管理员可用" in last
    assert "/follow" in last
    await ann.send("/help", chat=group)
    of_ann = (await group.next()).text
    assert named(of_ann) == {command.name for command in commands({Who.EVERYBODY, Who.ADMINISTRATORS})}
    assert "/follow 关注高新区、主题或栏目 🔒" in of_ann
    assert "/latest 最新一期\n" in of_ann
    assert "话题" not in of_ann


async def test_an_anonymous_administrator_is_one(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    group = talk.api.group("群", members={ann: "creator"})
    group.promote(ann, anonymous=True)
    await ann.send("/help", chat=group)
    assert "follow" in named((await group.next()).text)


@pytest.mark.parametrize("thread", [False, True])
async def test_a_forum_is_told_of_its_topics(talk: Talk, thread: bool) -> None:
    ann = talk.api.user("Ann")
    forum = talk.api.group("论坛", members={ann: "creator"}, forum=True)
    await ann.send("/help", chat=forum, thread=forum.topic("话题") if thread else None)
    assert "每个话题各有自己的关注和设置" in (await forum.next()).text


async def test_who_manages_a_channel_is_told_what_is_about_it(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    channel = talk.api.channel("频道", admins=[ann])
    await ann.send(f"/manage {channel.id}")
    await ann.next()
    await ann.send("/help")
    text = (await ann.next()).text
    assert text.startswith("⚙ 频道\n")
    assert "/manage off" in text
    assert named(text) == PRIVATE


async def test_approvers_are_told_of_their_commands(tmp_path: Path, api: BotApi) -> None:
    ann, bob = api.user("Ann"), api.user("Bob")
    group = api.group("编辑部", members={bob: "member"})
    approvers = [str(chat) for chat in (ann.id, group.id)]
    app = App(settings(tmp_path, api, publish={"approvers": approvers}))
    with app.database():
        async with conversing(app):
            await ann.send("/help")
            assert named((await ann.next()).text) == ALL
            await bob.send("/help", chat=group)
            assert named((await group.next()).text) >= OF_APPROVERS
            await bob.send("/help")
            assert named((await bob.next()).text) == PRIVATE
    app.stop_reading()


def test_no_command_is_in_the_table_twice() -> None:
    names = [command.name for group in GROUPS for command in group.commands]
    assert len(names) == len(set(names))
