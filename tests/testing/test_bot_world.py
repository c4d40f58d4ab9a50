"""BotApi's people, groups and channels, driving a small aiogram bot over long polling."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from dispatch.testing.bot_api import BotApi, Message, User
from tests.testing.bots import polling, post, refusal


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server, polling(server):
        yield server


async def test_a_person_talks_presses_and_gets_answers(api: BotApi) -> None:
    ann = api.user("Ann", language="en", username="ann")
    await ann.start("park-36")
    assert (await ann.next()).text == "welcome park-36"
    await ann.send("/follow 南昌")
    question = await ann.next()
    assert (question.text, question.html, question.labels) == ("which?", "<b>which?</b>", ["南昌高新区", "page"])
    assert [(entity.type, entity.length) for entity in question.entities] == [("bold", 6)]
    answer = await ann.press(question, "南昌")
    assert (answer.text, answer.alert) == ("ok follow:nc", False)
    await question.edited()
    assert (question.text, question.labels) == ("following follow:nc", [])
    await api.settled()
    assert ann.chat.texts == ["welcome park-36", "following follow:nc"]


async def test_forged_data_and_other_peoples_buttons_reach_the_bot(api: BotApi) -> None:
    ann, bob = api.user("Ann"), api.user("Bob")
    await ann.send("/follow")
    question = await ann.next()
    assert (await bob.press(question, data="alert")).alert
    assert api.me.updates.seen[-1]["callback_query"]["from"]["id"] == bob.id
    assert (await ann.press(question, data="x", inaccessible=True)).text == "ok x"
    with pytest.raises(ValueError, match="the bot hears nothing"):
        await ann.press(await _asked(ann), "page")


async def _asked(user: User) -> Message:
    await user.send("/follow")
    return await user.next()


async def test_a_blocked_bot_hears_of_it_and_is_refused(api: BotApi) -> None:
    ann = api.user("Ann", started=True)
    ann.block()
    assert await refusal(api, chat_id=ann.id, text="x") == "Forbidden: bot was blocked by the user"
    with pytest.raises(ValueError, match="blocked"):
        await ann.send("x")
    ann.unblock()
    assert await refusal(api, chat_id=ann.id, text="x") == ""
    states = [update["my_chat_member"]["new_chat_member"]["status"] for update in api.me.updates.seen]
    assert states == ["kicked", "member"]


async def test_inline_queries_are_answered_cached_and_shared(api: BotApi) -> None:
    ann = api.user("Ann")
    first = await ann.inline("区块链")
    assert (first.results[0]["title"], first.cached) == ("区块链", False)
    assert (await ann.inline("区块链")).cached
    api.forget_inline()
    assert not (await ann.inline("区块链")).cached
    shared = await ann.share(first.results[0], chat=api.group("g", members={ann: "member"}))
    assert (shared.text, shared.json()["via_bot"]["id"]) == ("区块链", 42)


async def test_groups_with_topics_anonymous_admins_and_privacy(api: BotApi) -> None:
    ann, bob = api.user("Ann"), api.user("Bob")
    group = api.group("火炬", members={ann: "creator", bob: "member"}, forum=True)
    topic = group.topic("园区")
    await bob.send("only among us", chat=group)
    await bob.send("/follow 南昌", chat=group, thread=topic)
    question = await group.next()
    assert question.thread == topic.id
    seen = api.me.updates.seen[-1]["message"]
    assert (seen["message_thread_id"], seen["is_topic_message"]) == (topic.id, True)
    assert "forum_topic_created" in seen["reply_to_message"]
    group.send_as_anonymous(ann, "/start@bulletin_test_bot", topic=topic)
    assert (await group.next()).text == "welcome"
    seen = api.me.updates.seen[-1]["message"]
    assert (seen["from"]["id"], seen["sender_chat"]["id"]) == (1087968824, group.id)
    await bob.send("/follow@another_bot", chat=group)
    await bob.send("and you?", chat=group, reply_to=question)
    assert (await group.next()).text == "and you?"
    group.promote(api.me)
    assert (await group.next()).text == "thanks"
    await bob.send("now it hears all", chat=group)
    assert (await group.next()).text == "now it hears all"
    with pytest.raises(ValueError, match="no administrator"):
        group.send_as_anonymous(bob, "x")
    assert await refusal(api, "getChatMember", chat_id=group.id, user_id=bob.id) == ""


async def test_what_a_bot_may_write_where(api: BotApi) -> None:
    ann = api.user("Ann")
    group = api.group("g", members={ann: "creator"}, forum=True)
    topic = group.topic("t")
    channel = api.channel("c", username="torch_news", admins=[ann])

    async def said(chat: int | str, thread: int | None = None) -> str:
        return await refusal(api, chat_id=chat, text="x", message_thread_id=thread)

    assert await said(ann.id) == "Forbidden: bot can't initiate conversation with a user"
    assert await said(group.id, topic.id) == await said("@torch_news") == ""
    group.close_topic(topic)
    assert await said(group.id, topic.id) == "Bad Request: TOPIC_CLOSED"
    group.delete_topic(topic)
    assert await said(group.id, topic.id) == "Bad Request: message thread not found"
    group.restrict_bot()
    assert await said(group.id) == "Bad Request: not enough rights to send text messages to the chat"
    group.kick_bot()
    assert await said(group.id) == "Forbidden: bot was kicked from the supergroup chat"
    group.readd(by=ann)
    assert await said(group.id) == ""
    channel.promote(api.me, without=("can_post_messages",))
    assert await said(channel.id) == "Bad Request: need administrator rights in the channel chat"
    ann.delete_account()
    assert await said(ann.id) == "Forbidden: user is deactivated"


async def test_a_group_becomes_a_supergroup(api: BotApi) -> None:
    ann = api.user("Ann")
    old = api.group("g", members={ann: "creator"}, supergroup=False)
    new = old.migrate()
    status, answer = await post(api, chat_id=old.id, text="x")
    assert (status, answer["parameters"]) == (400, {"migrate_to_chat_id": new.id})
    assert await refusal(api, chat_id=new.id, text="x") == ""
    told = [update["message"] for update in api.me.updates.seen]
    assert [(m["chat"]["id"], m.get("migrate_to_chat_id"), m.get("migrate_from_chat_id")) for m in told] == [
        (old.id, new.id, None),
        (new.id, None, old.id),
    ]


async def test_no_topic_has_the_number_of_general(api: BotApi) -> None:
    group = api.group("g", members={api.user("Ann"): "creator"}, forum=True)
    assert group.topic("the first").id > 1
