"""/manage: a group or channel is set up from the private chat."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aiogram.types import CallbackQuery, TelegramObject

from dispatch.bot.codes import start_payload
from dispatch.bot.desk import Desk, Office, Step
from dispatch.bot.scene import Place, Scene, mark
from dispatch.bot.staging import Staged, Staging
from dispatch.bot.standing import Administrators
from dispatch.delivery.store import Store
from dispatch.testing.bot_api import User
from dispatch.testing.telegram_html import parse_html
from tests.bot.conftest import Talk, answered

NANCHANG = start_payload(["park:南昌高新区"])
FOLLOWED = {"park:南昌高新区"}


@pytest.mark.parametrize(("language", "words"), [("zh-hans", "现在管理"), ("en", "You manage")])
@pytest.mark.parametrize("way", ["name", "number", "shared", "forwarded"])
async def test_a_channel_is_managed_from_the_private_chat(talk: Talk, language: str, words: str, way: str) -> None:
    ann = talk.api.user("Ann", language=language)
    channel = talk.api.channel("频道", username="our_channel", admins=[ann])
    if way == "shared":
        await ann.send("/manage")
        await ann.next()
        keyboard = await ann.next()
        await ann.share_chat(keyboard, keyboard.labels[1], channel)
    elif way == "forwarded":
        await ann.forward(channel.post("/start"))
    else:
        await ann.send(f"/manage {'@our_channel' if way == 'name' else channel.id}")
    answer = await ann.next()
    assert words in answer.text
    assert "频道" in answer.text
    await ann.start(NANCHANG)
    answer = await ann.next()
    assert answer.text.startswith("⚙ 频道\n")
    assert (talk.follows(channel.id), talk.follows(ann.id)) == (FOLLOWED, set())
    await ann.send("/manage off")
    await ann.next()
    await ann.start(start_payload(["topic:blockchain"]))
    assert not (await ann.next()).text.startswith("⚙")
    assert (talk.follows(channel.id), talk.follows(ann.id)) == (FOLLOWED, {"topic:blockchain"})


async def test_what_a_user_manages_is_offered_as_long_as_they_may(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    channel = talk.api.channel("频道", admins=[ann])
    group = talk.api.group("群 <b>&", members={ann: "creator"}, bot="left")
    group.add_bot(by=ann, status="administrator")
    await group.next()
    await ann.send(f"/manage {channel.id}")
    await ann.next()
    await ann.send("/manage")
    offer = await ann.next()
    assert "频道" in offer.text
    assert offer.labels == ["频道", "群 <b>&", "回到本聊天"]
    await ann.press(offer, "群")
    await ann.next()  # the keyboard
    assert "群 <b>&" in (await ann.next()).text
    await ann.start(NANCHANG)
    await ann.next()
    assert talk.follows(group.id) == FOLLOWED
    group.demote(ann)
    await answered(talk)
    await ann.send("/manage")
    assert (await ann.next()).labels == ["频道", "回到本聊天"]


@pytest.mark.parametrize("command", ["/follow 南昌高新区", "/digest daily", "/pause", "/language en"])
async def test_a_group_where_somebody_gave_a_command_as_administrator_is_offered(talk: Talk, command: str) -> None:
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob")
    group = talk.api.group("早就在的群", members={ann: "creator", bob: "member"})
    for user in (ann, bob):
        await user.send(command.replace(" ", f"@{talk.api.me.username} ", 1), chat=group)
        await group.next()
    await answered(talk)
    await ann.send("/manage")
    offer = await ann.next()
    assert offer.labels == ["早就在的群"]
    await ann.press(offer, offer.labels[0])
    await ann.next()
    assert "早就在的群" in (await ann.next()).text
    await bob.send("/manage")
    assert (await bob.next()).labels == []
    group.demote(ann)
    await answered(talk)
    await ann.send("/manage off")
    await ann.next()
    assert "不是那里的管理员" in (await ann.press(offer, offer.labels[0])).text


async def test_who_stays_anonymous_is_offered_nothing(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    group = talk.api.group("群", members={ann: "creator"})
    group.send_as_anonymous(ann, "/follow 南昌高新区")
    await group.next()
    await answered(talk)
    assert talk.follows(group.id) == FOLLOWED
    assert talk.db.value("SELECT COUNT(*) FROM bot_managers") == 0


async def test_the_right_is_asked_for_at_each_change(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob")
    group = talk.api.group("群", members={ann: "creator", bob: "administrator"}, bot="administrator")
    await bob.send(f"/manage {group.id}")
    await bob.next()
    group.demote(bob)
    await answered(talk)
    await bob.start(NANCHANG)
    assert "/manage off" in (await bob.next()).text
    assert (talk.follows(group.id), talk.follows(bob.id)) == (set(), set())


@pytest.mark.parametrize("wish", ["@nobodys_channel", "-1009", "@their_channel", "@ours_without_bot"])
async def test_what_is_not_theirs_is_refused_without_a_hint(talk: Talk, wish: str) -> None:
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob")
    talk.api.channel("别人的", username="their_channel", admins=[bob])
    talk.api.channel("没有我", username="ours_without_bot", admins=[ann], bot="left")
    await ann.send(f"/manage {wish}")
    assert "我不在那里，或您不是那里的管理员" in (await ann.next()).text
    await ann.start(NANCHANG)
    await ann.next()
    assert talk.follows(ann.id) == FOLLOWED


async def test_where_the_bot_may_not_post_nothing_is_managed(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    channel = talk.api.channel("频道", admins=[ann])
    member = channel.member(talk.api.me)
    member.denied = frozenset({"can_post_messages"})
    await ann.send(f"/manage {channel.id}")
    assert "没有发言或发布消息的权限" in (await ann.next()).text


@pytest.mark.parametrize(
    "wish", ["x", "@", "-0", "-" + "9" * 40, "@a b", "🙂", "<b>", "@" + "x" * 4000, "42", "-100/", "\u202e@x\x00"]
)
async def test_what_is_no_chat_is_told_so(talk: Talk, wish: str) -> None:
    ann = talk.api.user("Ann")
    await ann.send(f"/manage {wish}")
    assert "/manage" in (await ann.next()).text


async def test_a_topic_is_managed_by_its_number_which_the_group_tells(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    group = talk.api.group("群", members={ann: "creator"}, forum=True)
    topic = group.topic("话题")
    await ann.send(f"/manage@{talk.api.me.username}", chat=group, thread=topic)
    said = await group.next()
    address = f"{group.id}/{topic.id}"
    assert f"/manage {address}" in said.text
    await ann.send(f"/manage {address}")
    await ann.next()
    await ann.start(NANCHANG)
    await ann.next()
    assert talk.follows(address) == FOLLOWED


@pytest.mark.parametrize("data", ["mg:x", "mg:", "mg:@their_channel", "mg:-1009", "mg:" + "9" * 60])
async def test_forged_buttons_do_nothing(talk: Talk, data: str) -> None:
    ann = talk.api.user("Ann")
    talk.api.channel("别人的", id=-1009, username="their_channel", admins=[talk.api.user("Bob")])
    await ann.send("/manage")
    message = await ann.next()
    assert (await ann.press(message, data=data)).text
    await ann.start(NANCHANG)
    await answered(talk)
    assert talk.follows(ann.id) == FOLLOWED


async def placed(talk: Talk, user: User, message: Any) -> Scene:
    """The scene of a press under a message, as handlers are given it."""
    bot = talk.app.bots.get("default").api
    callback = CallbackQuery.model_validate(
        {"id": "1", "from": user.json(), "chat_instance": "1", "message": message, "data": "x:1"}, context={"bot": bot}
    )

    async def handler(event: TelegramObject, data: dict[str, Any]) -> Step:
        return lambda desk: []

    async with Store(talk.app.connect) as store:
        staged = await Staging(42, store, Administrators(bot, talk.app.clock))(handler, callback, {})
        assert isinstance(staged, Staged)
        replies = await store.call(
            lambda db: list(staged.step(Desk(db, Office(42, "", "telegram", talk.app.catalog), staged.scene, 1)))
        )
    return replace(staged.scene, place=Place(0)) if replies else staged.scene


async def test_a_button_is_about_the_chat_that_its_message_is_about(talk: Talk) -> None:
    """Whatever was chosen since: an old list must not change another chat."""
    ann = talk.api.user("Ann")
    one, two = (talk.api.channel(name, admins=[ann]) for name in ("一", "二"))
    await ann.send("/help")
    about_ann = await ann.next()
    await ann.send(f"/manage {one.id}")
    await ann.next()
    await ann.start(NANCHANG)
    about_one = await ann.next()
    await answered(talk)
    refused = Place(0)
    old = {"chat": ann.chat.json(), "message_id": 1, "date": 0}
    assert (await placed(talk, ann, about_one.json())).place.chat_id == one.id
    assert (await placed(talk, ann, about_ann.json())).place.chat_id == ann.id
    assert (await placed(talk, ann, old)).place == refused
    await ann.send(f"/manage {two.id}")
    await ann.next()
    await answered(talk)
    assert (await placed(talk, ann, about_one.json())).place == refused
    assert (await placed(talk, ann, about_ann.json())).place.chat_id == ann.id
    await ann.send("/manage off")
    await ann.next()
    await answered(talk)
    assert (await placed(talk, ann, about_one.json())).place == refused
    assert (await placed(talk, ann, old)).place.chat_id == ann.id


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (Place(-1001, title="频道"), "⚙ 频道"),
        (Place(-1001, 7, title="论坛"), "⚙ 论坛 #7"),
        (Place(-1001, title="a\nb  c<"), "⚙ a b c<"),
        (Place(-1001, title="x" * 200), "⚙ " + "x" * 64),
        (Place(-1001), "⚙ "),
    ],
)
def test_a_message_says_which_chat_it_is_about(place: Place, line: str) -> None:
    assert parse_html(mark(place)).text == line


@pytest.mark.parametrize("topics", [False, True])
async def test_a_list_of_one_chat_changes_no_other_of_the_same_title(talk: Talk, topics: bool) -> None:
    ann = talk.api.user("Ann")
    if topics:
        forum = talk.api.group("论坛", members={ann: "creator"}, bot="administrator", forum=True)
        first, second = [f"{forum.id}/{forum.topic(name).id}" for name in ("一", "二")]
    else:
        first, second = [str(talk.api.channel("频道", admins=[ann]).id) for _ in range(2)]
    lists = []
    for address in (first, second):
        await ann.send(f"/manage {address}")
        await ann.next()
        await ann.send("/follow 南昌高新区")
        await ann.next()
        await ann.send("/following")
        lists.append(await ann.next())
    await ann.press(lists[0], lists[0].labels[0])
    await answered(talk)
    assert talk.follows(first) == talk.follows(second) == {"park:南昌高新区"}
    await ann.press(lists[1], lists[1].labels[0])
    await answered(talk)
    assert (talk.follows(first), talk.follows(second)) == ({"park:南昌高新区"}, set())
