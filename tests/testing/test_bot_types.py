"""What BotApi says has all the fields of the Bot API's types: aiogram's models take it."""

from __future__ import annotations

import pytest
from aiogram.types import ChatMemberAdministrator, ChatMemberRestricted, Update

from dispatch.testing.bot_api import BotApi, Group, User
from tests.testing.bots import bot_for, post


@pytest.fixture
def kinds() -> list[str]:
    """What a bot is given by default, and what it must ask for."""
    return [
        "message",
        "edited_message",
        "channel_post",
        "callback_query",
        "inline_query",
        "my_chat_member",
        "chat_member",
    ]


async def lively(api: BotApi) -> tuple[User, Group]:
    """A world in which something of each kind has happened."""
    ann, bob = api.user("Ann", language="zh-hans", username="ann"), api.user("Bob")
    forum = api.group(
        "火炬", members={ann: "creator", bob: "member"}, forum=True, bot="administrator", username="torch"
    )
    topic = forum.topic("园区", by=ann)
    asked = await bob.send("/follow 南昌 https://example.org/", chat=forum, thread=topic)
    await ann.send("yes", chat=forum, reply_to=asked)
    forum.send_as_anonymous(ann, "as the group", topic=topic)
    for change in (forum.close_topic, forum.reopen_topic):
        change(topic)
        change()
    forum.promote(bob, anonymous=True)
    forum.demote(bob)
    forum.restrict_bot()
    forum.kick_bot()
    forum.add_bot(by=ann, status="administrator")
    api.group("small", members={ann: "creator"}, supergroup=False).migrate()
    channel = api.channel("频道", username="channel", admins=[ann])
    await ann.forward(channel.post("news"))
    await ann.forward(asked)
    await ann.edit(await ann.send("/start"), "/start now")
    ann.block()
    ann.unblock()
    return ann, forum


async def test_every_update_is_one_of_the_bot_apis(api: BotApi, kinds: list[str]) -> None:
    api.me.updates.allow(kinds)
    ann, _ = await lively(api)
    await post(api, chat_id=ann.id, text="x")
    message = await ann.next()
    for asking in (ann.press(message, data="d", within=0), ann.inline("q", within=0)):
        with pytest.raises(AssertionError, match="did not answer"):
            await asking
    seen = [Update.model_validate(update) for update in api.me.updates.seen]
    assert {update.event_type for update in seen} == set(kinds)
    assert [update.update_id for update in seen] == sorted({update.update_id for update in seen})


async def test_chats_and_members_are_those_of_the_bot_api(api: BotApi) -> None:
    ann, forum = await lively(api)
    channel = api.channel("c", admins=[ann])
    async with bot_for(api) as bot:
        for chat in (ann.chat, forum, channel):
            assert (await bot.get_chat(chat.id)).type == chat.type
        me = await bot.get_chat_member(channel.id, bot.id)
        assert isinstance(me, ChatMemberAdministrator)
        assert me.can_post_messages
        forum.restrict_bot(can_send=True)
        me_there = await bot.get_chat_member(forum.id, bot.id)
        assert isinstance(me_there, ChatMemberRestricted)
        assert me_there.can_send_messages
        assert [member.user.id for member in await bot.get_chat_administrators(forum.id)] == [ann.id]
        assert (await bot.me()).supports_inline_queries
        sent = await bot.send_message(channel.id, "x")
        assert (sent.from_user, sent.sender_chat and sent.sender_chat.id) == (None, channel.id)
        info = await bot.get_webhook_info()
        assert (info.url, info.pending_update_count) == ("", len(api.me.updates.pending))


async def test_a_group_that_has_moved_takes_nothing_from_anybody(api: BotApi) -> None:
    ann = api.user("Ann")
    old = api.group("g", members={ann: "creator"}, supergroup=False)
    new = old.migrate()
    with pytest.raises(ValueError, match="has become"):
        await ann.send("x", chat=old)
    await ann.send("x", chat=new)
    with pytest.raises(ValueError, match="is a supergroup"):
        new.migrate()
