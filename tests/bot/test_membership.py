"""The bot is blocked, added, silenced, removed and moved; and who may change what in groups."""

from __future__ import annotations

import pytest

from dispatch.bot import chats
from dispatch.bot.codes import start_payload
from dispatch.testing.bot_api import Chat, Group
from dispatch.testing.telegram.entities import find_entities
from subscribers import directory
from subscribers.audit import READER, Act, Way
from subscribers.model import EndpointState
from tests.bot.conftest import Talk, answered

NANCHANG = start_payload(["park:南昌高新区"])
FOLLOWED = {"park:南昌高新区"}


def state(talk: Talk, address: int | str) -> EndpointState:
    found = talk.endpoint(address)
    assert found is not None
    return found.state


def act(talk: Talk) -> Act:
    return Act(talk.app.clock.now(), READER, Way.PAGE)


# --------------------------------------------------------------------------------------------- private chats


async def test_who_blocks_the_bot_is_gone_and_comes_back(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await ann.start(NANCHANG)
    await ann.next()
    ann.block()
    await answered(talk)
    assert state(talk, ann.id) is EndpointState.GONE
    ann.unblock()
    await answered(talk)
    assert (state(talk, ann.id), talk.follows(ann.id)) == (EndpointState.ACTIVE, FOLLOWED)


async def test_a_pause_outlives_a_block(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await ann.start(NANCHANG)
    await ann.next()
    found = talk.endpoint(ann.id)
    assert found is not None
    until = talk.app.clock.now() + 86_400_000
    with talk.db.transaction():
        directory.pause(talk.db, found, act(talk), until)
    ann.block()
    await answered(talk)
    ann.unblock()
    await answered(talk)
    again = talk.endpoint(ann.id)
    assert again is not None
    assert (again.state, again.paused_until, again.resumable) == (EndpointState.PAUSED, until, True)


async def test_who_unsubscribed_stays_so_whatever_they_do_with_the_bot(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await ann.start(NANCHANG)
    await ann.next()
    found = talk.endpoint(ann.id)
    assert found is not None
    with talk.db.transaction():
        directory.opt_out(talk.db, found.id, act(talk))
    ann.block()
    ann.unblock()
    await answered(talk)
    assert state(talk, ann.id) is EndpointState.SUPPRESSED


async def test_a_chat_that_is_with_another_bot_is_left_alone(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await ann.start(NANCHANG)
    await ann.next()
    found = talk.endpoint(ann.id)
    assert found is not None
    with talk.db.transaction():
        directory.set_queue(talk.db, found.id, "telegram:other", act(talk))
    ann.block()
    await answered(talk)
    assert state(talk, ann.id) is EndpointState.ACTIVE


async def test_a_stranger_who_blocks_and_unblocks_becomes_nobody(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    ann.block()
    ann.unblock()
    await answered(talk)
    assert talk.endpoint(ann.id) is None
    assert ann.chat.texts == []


# ---------------------------------------------------------------------------------------- groups and channels


@pytest.mark.parametrize(("language", "labels"), [("zh-hans", []), ("en", ["🌐 English"])])
async def test_a_group_is_greeted_once_and_in_chinese(talk: Talk, language: str, labels: list[str]) -> None:
    ann = talk.api.user("Ann", language=language)
    group = talk.api.group("群", members={ann: "creator"}, bot="left")
    group.add_bot(by=ann)
    greeting = await group.next()
    assert "群管理员可以设置" in greeting.text
    assert greeting.labels == labels
    await answered(talk)
    assert len(group.messages) == 1
    assert [known.title for known in chats.managed_by(talk.db, 42, ann.id)] == ["群"]


async def test_a_channel_is_not_greeted(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    channel = talk.api.channel("频道", admins=[ann], bot="left")
    channel.add_bot(by=ann, status="administrator")
    await answered(talk)
    assert channel.texts == []
    assert [known.kind for known in chats.managed_by(talk.db, 42, ann.id)] == ["channel"]


async def test_a_removed_bot_is_gone_from_the_chat_and_its_topics(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    group = talk.api.group("群", members={ann: "creator"}, forum=True)
    topic = group.topic("话题")
    await ann.start(NANCHANG, chat=group)
    await group.next()
    await ann.send(f"/start@{talk.api.me.username} {NANCHANG}", chat=group, thread=topic)
    await group.next()
    addresses = (group.id, f"{group.id}/{topic.id}")
    assert [talk.follows(address) for address in addresses] == [FOLLOWED] * 2
    group.kick_bot()
    await answered(talk)
    assert [state(talk, address) for address in addresses] == [EndpointState.GONE] * 2
    assert talk.db.value("SELECT COUNT(*) FROM bot_chats") == 0
    group.add_bot(by=ann)
    assert "1" in (await group.next()).text
    assert [state(talk, address) for address in addresses] == [EndpointState.ACTIVE] * 2


async def test_only_an_administrator_brings_back_what_administrators_have_ended(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob")
    group = talk.api.group("群", members={ann: "creator", bob: "member"})
    await ann.start(NANCHANG, chat=group)
    await group.next()
    group.kick_bot()
    await answered(talk)
    group.add_bot(by=bob)
    await group.next()
    assert state(talk, group.id) is EndpointState.GONE


async def test_a_bot_that_may_say_nothing_leaves_and_tells_who_did_it(talk: Talk) -> None:
    ann = talk.api.user("Ann", started=True)
    group = talk.api.group("群 <b>", members={ann: "creator"})
    await ann.start(NANCHANG, chat=group)
    await group.next()
    group.restrict_bot()
    assert "群 <b>" in (await ann.next()).text
    await answered(talk)
    assert group.member(talk.api.me).status == "left"
    assert state(talk, group.id) is EndpointState.GONE
    group.add_bot(by=ann)
    await group.next()
    assert state(talk, group.id) is EndpointState.ACTIVE


@pytest.mark.parametrize(("language", "words"), [("zh-hans", "加为管理员"), ("en", "administrator")])
async def test_a_plain_member_where_none_may_write_leaves_and_says_what_to_do(
    talk: Talk, language: str, words: str
) -> None:
    ann = talk.api.user("Ann", started=True, language=language)
    group = talk.api.group("群", members={ann: "creator"}, bot="left")
    group.members_may_write = False
    group.add_bot(by=ann)
    assert words in (await ann.next()).text
    await answered(talk)
    assert (group.member(talk.api.me).status, group.texts) == ("left", [])
    group.add_bot(by=ann, status="administrator")  # as they were told
    await group.next()
    assert group.member(talk.api.me).status == "administrator"
    group.demote(talk.api.me)
    assert words in (await ann.next()).text


async def test_a_bot_without_the_right_to_post_leaves_a_channel(talk: Talk) -> None:
    ann = talk.api.user("Ann", started=True, language="en")
    channel = talk.api.channel("频道", admins=[ann])
    channel.set_member(talk.api.me, "administrator", by=ann, denied=frozenset({"can_post_messages"}))
    assert "post" in (await ann.next()).text
    await answered(talk)
    assert channel.member(talk.api.me).status == "left"
    assert talk.db.value("SELECT COUNT(*) FROM bot_chats") == 0


async def test_who_never_wrote_to_the_bot_is_told_nothing_and_it_leaves_all_the_same(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    group = talk.api.group("群", members={ann: "creator"})
    group.restrict_bot()
    await answered(talk)
    assert (group.member(talk.api.me).status, ann.chat.texts) == ("left", [])


async def test_for_a_while_it_is_silent_and_stays(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    group = talk.api.group("群", members={ann: "creator"})
    await ann.start(NANCHANG, chat=group)
    await group.next()
    restricted(talk, group, until=talk.api.world.now() + 3600)
    await answered(talk)
    assert (state(talk, group.id), group.member(talk.api.me).status) == (EndpointState.PAUSED, "restricted")
    group.restrict_bot(can_send=True)
    await answered(talk)
    assert state(talk, group.id) is EndpointState.ACTIVE
    assert len(group.messages) == 1


def restricted(talk: Talk, group: Group, until: int) -> None:
    """Silence the bot until a time, as a group's administrators can."""
    group.restrict_bot()
    update = talk.api.me.updates.pending[-1]
    update["my_chat_member"]["new_chat_member"]["until_date"] = until


async def test_a_group_that_becomes_a_supergroup_keeps_all(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    group = talk.api.group("群", members={ann: "creator"}, supergroup=False)
    await ann.start(NANCHANG, chat=group)
    await group.next()
    await ann.send(f"/manage {group.id}")
    await ann.next()
    new = group.migrate()
    await answered(talk)
    assert (talk.follows(new.id), talk.endpoint(group.id)) == (FOLLOWED, None)
    place = chats.managed_place(talk.db, 42, ann.id)
    assert place is not None
    assert place.chat_id == new.id
    assert [known.chat_id for known in chats.managed_by(talk.db, 42, ann.id)] == [new.id]
    await ann.start(start_payload(["topic:blockchain"]), chat=new)
    await new.next()
    assert talk.follows(new.id) == FOLLOWED | {"topic:blockchain"}


# --------------------------------------------------------------------------------------------------- rights


async def test_who_is_demoted_may_change_nothing_from_then_on(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob")
    group = talk.api.group("群", members={ann: "creator", bob: "administrator"}, bot="administrator")
    await bob.start(NANCHANG, chat=group)
    assert "已关注" in (await group.next()).text
    group.demote(bob)
    await answered(talk)
    await bob.start(start_payload(["topic:blockchain"]), chat=group)
    assert "管理员" in (await group.next()).text
    assert talk.follows(group.id) == FOLLOWED


async def test_an_anonymous_administrator_may(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    group = talk.api.group("群", members={ann: "creator"})
    group.send_as_anonymous(ann, f"/start@{talk.api.me.username} {NANCHANG}")
    assert "已关注" in (await group.next()).text
    assert talk.follows(group.id) == FOLLOWED


@pytest.mark.parametrize("sender", ["linked channel", "another channel", "another group's administrator", "bot"])
async def test_who_writes_in_another_name_may_not(talk: Talk, sender: str) -> None:
    ann, machine = talk.api.user("Ann"), talk.api.user("Machine")
    machine.is_bot = True
    group = talk.api.group("群", members={ann: "creator", machine: "administrator"})
    channel = talk.api.channel("频道", admins=[ann])
    other = talk.api.group("别的群", members={ann: "creator"})
    telegram, channel_bot = talk.api.user("Telegram", id=777000), talk.api.user("Channel", id=136817688)
    channel_bot.is_bot = True
    words = f"/start@{talk.api.me.username} {NANCHANG}"
    who, chat = {
        "linked channel": (telegram, channel),
        "another channel": (channel_bot, channel),
        "another group's administrator": (talk.api.world.anonymous_admin, other),
        "bot": (machine, None),
    }[sender]
    written(group, who, chat, words)
    assert "管理员" in (await group.next()).text
    assert talk.follows(group.id) == set()


def written(group: Group, sender: object, chat: Chat | None, words: str) -> None:
    """A command in a group, in the name of a chat."""
    group.make(sender, sender_chat=chat, text=words, html=words, entities=find_entities(words))  # type: ignore[arg-type]  # a user or bot


async def test_a_command_for_another_bot_and_plain_words_are_not_ours(talk: Talk) -> None:
    talk.api.me.privacy = False
    ann = talk.api.user("Ann")
    group = talk.api.group("群", members={ann: "creator"})
    await ann.send(f"/start@other_bot {NANCHANG}", chat=group)
    await ann.send("/manage@other_bot", chat=group)
    await ann.send("南昌", chat=group)
    await ann.send("/help", chat=group)
    assert "/follow" in (await group.next()).text
    await answered(talk)
    assert (len(group.messages), talk.follows(group.id)) == (1, set())


async def test_a_topic_follows_for_itself_and_general_is_the_chat(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    group = talk.api.group("群", members={ann: "creator"}, forum=True)
    topic = group.topic("话题")
    await ann.send(f"/start@{talk.api.me.username} {NANCHANG}", chat=group, thread=topic)
    said = await group.next()
    assert said.thread == topic.id
    await ann.start(start_payload(["topic:blockchain"]), chat=group)
    said = await group.next()
    assert said.thread is None
    assert talk.follows(f"{group.id}/{topic.id}") == FOLLOWED
    assert talk.follows(group.id) == {"topic:blockchain"}
    group.close_topic(topic)
    group.reopen_topic(topic)
    await answered(talk)
    assert len(group.messages) == 2
