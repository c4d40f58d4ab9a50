"""/follow, /unfollow and /following, in private and in groups, by words and by buttons."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dispatch.bot import chats
from dispatch.bot.codes import code
from dispatch.bot.desk import MOST_FOLLOWS, Desk, Office
from dispatch.bot.following import follow, unfollow
from dispatch.bot.scene import Place, Scene
from dispatch.catalog import load_catalog
from dispatch.testing import BotApi
from subscribers import directory
from subscribers.audit import READER, Act, Way
from subscribers.database import Database
from subscribers.model import OPTED_OUT, PAUSED_BY_ADMINISTRATOR, PAUSED_BY_READER, EndpointState
from subscribers.presence import MUTED
from tests.bot.conftest import Talk

NANCHANG = "park:南昌高新区"
LANGUAGES = ["zh-hans", "en"]


async def told(talk: Talk, who: object, words: str) -> str:
    await who.send(words)  # type: ignore[attr-defined]
    return (await who.next()).text  # type: ignore[attr-defined, no-any-return]


# ----------------------------------------------------------------------------------------------- /follow


@pytest.mark.parametrize(("language", "words"), [("zh-hans", "已关注"), ("en", "Followed")])
async def test_a_name_is_followed_at_once(talk: Talk, language: str, words: str) -> None:
    ann = talk.api.user("Ann", language=language)
    assert words in await told(talk, ann, "/follow 南昌高新区")
    assert talk.follows(ann.id) == {NANCHANG}


@pytest.mark.parametrize(
    "line",
    [
        "南昌高新区、区块链",
        "南昌高新区, topic:blockchain",
        "park:南昌国家高新区 topic:区块链",
        "区块链\n南昌高新区；南昌高新区",
    ],
)
async def test_several_names_are_followed_at_once(talk: Talk, line: str) -> None:
    ann = talk.api.user("Ann")
    await told(talk, ann, f"/follow {line}")
    assert talk.follows(ann.id) == {NANCHANG, "topic:blockchain"}


async def test_a_park_with_its_mentions_takes_the_place_of_the_park_alone(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await told(talk, ann, "/follow 南昌高新区")
    assert "含提及" in await told(talk, ann, "/follow park:南昌高新区+mentions")
    assert talk.follows(ann.id) == {NANCHANG + "+mentions"}
    assert "已经在关注" in await told(talk, ann, "/follow 南昌高新区")
    assert talk.follows(ann.id) == {NANCHANG + "+mentions"}


@pytest.mark.parametrize(
    ("word", "name"),
    [("南昌", "南昌高新区"), ("nanchang", "南昌高新区"), ("ncgx", "南昌高新区"), ("nanchamg", "南昌高新区")],
)
async def test_a_part_of_a_name_is_answered_with_buttons_that_follow(talk: Talk, word: str, name: str) -> None:
    ann = talk.api.user("Ann")
    await ann.send(f"/follow {word}")
    question = await ann.next()
    assert word in question.text
    assert talk.follows(ann.id) == set()
    answer = await ann.press(question, name)
    assert answer.text == "已关注：南昌高新区"
    await question.edited()
    assert f"✅ {name}" in question.labels
    assert talk.follows(ann.id) == {NANCHANG}
    assert (await ann.press(question, name)).text == "已取消关注：南昌高新区"
    await question.edited()
    assert name in question.labels
    assert talk.follows(ann.id) == set()


async def test_a_button_pressed_twice_does_no_more_than_once(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await ann.send("/follow 南昌")
    question = await ann.next()
    data = question.button("南昌高新区").data
    for _ in range(2):
        await ann.press(question, data=data)
    assert talk.follows(ann.id) == {NANCHANG}


async def test_what_is_certain_is_followed_and_the_rest_is_asked(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send("/follow 区块链、南昌、qqqqqqq")
    answer = await ann.next()
    assert "Followed" in answer.text
    assert "Nothing was found for “qqqqqqq”" in answer.text
    assert "✅ Blockchain" in answer.labels
    assert "Nanchang High-tech Zone" in answer.labels
    assert talk.follows(ann.id) == {"topic:blockchain"}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_without_a_name_there_is_a_choice(talk: Talk, language: str) -> None:
    ann = talk.api.user("Ann", language=language)
    await ann.send("/follow")
    answer = await ann.next()
    assert "/follow" in answer.text
    assert any(words in answer.labels for words in ("🏙 高新区（按省份）", "🏙 Parks by province"))


async def test_nothing_near_is_told_with_a_choice(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await ann.send("/follow zzzzzz")
    answer = await ann.next()
    assert "没有找到“zzzzzz”" in answer.text
    assert "🏙 高新区（按省份）" in answer.labels


async def test_more_than_may_be_followed_is_refused_and_changes_nothing(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await told(talk, ann, "/follow 南昌高新区")
    found = talk.endpoint(ann.id)
    assert found is not None
    act = Act(talk.app.clock.now(), READER, Way.BOT)
    with talk.db.transaction():
        directory.follow(talk.db, found.id, [f"topic:t{n}" for n in range(MOST_FOLLOWS - 1)], act)
    assert f"最多可以关注 {MOST_FOLLOWS}" in await told(talk, ann, "/follow 区块链")
    assert "topic:blockchain" not in talk.follows(ann.id)
    await ann.send("/follow 区块")
    answer = await ann.press(await ann.next(), "区块链")
    assert answer.alert
    assert str(MOST_FOLLOWS) in answer.text
    # What takes the place of another one is not one more.
    assert "已关注" in await told(talk, ann, "/follow park:南昌高新区+mentions")
    assert len(talk.follows(ann.id)) == MOST_FOLLOWS


# --------------------------------------------------------------------------------------------- /unfollow


@pytest.mark.parametrize(("language", "words"), [("zh-hans", "已取消关注"), ("en", "Unfollowed")])
async def test_a_name_is_dropped_at_once(talk: Talk, language: str, words: str) -> None:
    ann = talk.api.user("Ann", language=language)
    await told(talk, ann, "/follow 南昌高新区+mentions、区块链")
    assert words in await told(talk, ann, "/unfollow 南昌高新区")
    assert talk.follows(ann.id) == {"topic:blockchain"}


async def test_a_part_of_a_name_is_answered_with_what_is_followed(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await told(talk, ann, "/follow 南昌高新区+mentions、区块链、苏州工业园区")
    await ann.send("/unfollow 南昌")
    question = await ann.next()
    assert question.labels == ["❌ 南昌高新区"]
    await ann.press(question, "南昌高新区")
    await question.edited()
    assert NANCHANG + "+mentions" not in talk.follows(ann.id)
    assert "正在关注" in question.text


async def test_what_is_not_followed_cannot_be_dropped(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    assert "没有关注“南昌高新区”" in await told(talk, ann, "/unfollow 南昌高新区")
    assert talk.endpoint(ann.id) is None
    await told(talk, ann, "/follow 区块链")
    await ann.send("/unfollow 南昌")
    answer = await ann.next()
    assert "没有关注“南昌”" in answer.text
    assert "❌ 区块链" in answer.labels


async def test_without_a_word_all_that_is_followed_can_be_dropped(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await told(talk, ann, "/follow 区块链")
    await ann.send("/unfollow")
    assert "❌ 区块链" in (await ann.next()).labels


# -------------------------------------------------------------------------------------------- /following


@pytest.mark.parametrize(
    ("language", "nothing", "title"),
    [("zh-hans", "还没有关注", "正在关注 2 项"), ("en", "Nothing is followed", "Followed: 2")],
)
async def test_the_list_tells_what_is_followed(talk: Talk, language: str, nothing: str, title: str) -> None:
    ann = talk.api.user("Ann", language=language)
    assert nothing in await told(talk, ann, "/following")
    await told(talk, ann, "/follow 南昌高新区、区块链")
    text = await told(talk, ann, "/following")
    assert title in text
    assert ("Nanchang High-tech Zone" if language == "en" else "南昌高新区") in text


async def test_the_list_is_paged_and_edited(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    names = [topic.name for topic in talk.app.catalog.topics[:20]]
    await told(talk, ann, "/follow " + "、".join(names[:10]))
    await told(talk, ann, "/follow " + "、".join(names[10:]))
    await ann.send("/following")
    listing = await ann.next()
    seen = {words for words in listing.labels if words.startswith("❌")}
    await ann.press(listing, "2/3 ›")
    await listing.edited()
    seen |= {words for words in listing.labels if words.startswith("❌")}
    await ann.press(listing, "3/3 ›")
    await listing.edited()
    seen |= {words for words in listing.labels if words.startswith("❌")}
    assert len(seen) == 20
    for _ in range(4):  # the last page has four: the one before is shown when it is empty
        await ann.press(listing, "❌")
        await listing.edited()
    assert "1/2" in " ".join(listing.labels)
    assert len(talk.follows(ann.id)) == 16
    assert len(ann.chat.texts) == 3


async def test_mentions_are_switched_in_the_list(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await told(talk, ann, "/follow 南昌高新区")
    await ann.send("/following")
    listing = await ann.next()
    assert "提及" in (await ann.press(listing, "☐ 含提及")).text
    await listing.edited()
    assert talk.follows(ann.id) == {NANCHANG + "+mentions"}
    assert "只推送" in (await ann.press(listing, "✅ 含提及")).text
    await listing.edited()
    assert talk.follows(ann.id) == {NANCHANG}


@pytest.mark.parametrize(("ask", "no", "yes"), [("全部退订", "返回", "确定"), ("Unsubscribe", "Back", "Yes")])
async def test_all_is_dropped_after_a_question(talk: Talk, ask: str, no: str, yes: str) -> None:
    ann = talk.api.user("Ann", language="en" if yes == "Yes" else "zh")
    await told(talk, ann, "/follow 南昌高新区、区块链")
    await ann.send("/following")
    listing = await ann.next()
    await ann.press(listing, ask)
    await listing.edited()
    await ann.press(listing, no)
    await listing.edited()
    assert len(talk.follows(ann.id)) == 2
    await ann.press(listing, ask)
    await listing.edited()
    await ann.press(listing, yes)
    await listing.edited()
    assert talk.follows(ann.id) == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("state", "reason", "words", "labels"),
    [
        (EndpointState.PAUSED, PAUSED_BY_READER, ("发送 /pause 可以恢复", "Send /pause to resume"), None),
        (EndpointState.PAUSED, PAUSED_BY_ADMINISTRATOR, ("只有本服务的管理员", "those who run this service"), None),
        (EndpointState.PAUSED, MUTED, ("暂时不能发言", "may not write here"), None),
        (EndpointState.SUPPRESSED, OPTED_OUT, ("已退订", "Unsubscribed"), ("▶️ 恢复这些关注", "▶️ Follow these again")),
        (
            EndpointState.SUPPRESSED,
            "x",
            ("管理员停止了推送", "have stopped"),
            ("▶️ 恢复这些关注", "▶️ Follow these again"),
        ),
        (EndpointState.GONE, "x", ("发不到这里", "not be delivered"), ("▶️ 恢复这些关注", "▶️ Follow these again")),
        (EndpointState.PENDING, "", ("等待确认", "Waiting for your"), ("✅ 确认关注", "✅ Confirm")),
    ],
)
async def test_the_list_says_first_why_nothing_is_sent(
    talk: Talk,
    language: str,
    state: EndpointState,
    reason: str,
    words: tuple[str, str],
    labels: tuple[str, str] | None,
) -> None:
    english = language == "en"
    ann = talk.api.user("Ann", language=language)
    await told(talk, ann, "/follow 南昌高新区")
    halt(talk, ann.id, state, reason)
    await ann.send("/following")
    listing = await ann.next()
    assert words[english] in listing.text.splitlines()[0]
    named = "Nanchang High-tech Zone" if english else "南昌高新区"
    assert named in listing.text
    if labels is None:
        assert f"❌ {named}" in listing.labels
        assert words[english] in await told(talk, ann, "/follow 区块链")
        return
    assert listing.labels == [labels[english]]
    await ann.press(listing, labels[english])
    await listing.edited()
    assert f"❌ {named}" in listing.labels
    found = talk.endpoint(ann.id)
    assert found is not None
    assert (found.state, found.follows) == (EndpointState.ACTIVE, (NANCHANG,))
    assert (await ann.press(listing, data="un:a:0:")).text == ""


def halt(talk: Talk, address: int, state: EndpointState, reason: str, until: int | None = None) -> None:
    found = talk.endpoint(address)
    assert found is not None
    act = Act(talk.app.clock.now(), "telegram", Way.PROVIDER)
    with talk.db.transaction():
        directory.set_state(talk.db, found.id, state, reason, act, until=until)


async def test_in_a_group_only_administrators_begin_again(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob")
    group = talk.api.group("群", members={ann: "creator", bob: "member"})
    await ann.send("/follow 南昌高新区", chat=group)
    await group.next()
    halt(talk, group.id, EndpointState.GONE, "chat not found")
    await bob.send("/following", chat=group)
    listing = await group.next()
    assert (await bob.press(listing, "恢复这些关注")).alert
    assert talk.endpoint(group.id).state is EndpointState.GONE  # type: ignore[union-attr]
    await ann.press(listing, "恢复这些关注")
    assert talk.follows(group.id) == {NANCHANG}


async def test_who_unsubscribed_and_follows_nothing_is_told_so_with_a_choice(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await told(talk, ann, "/follow 区块链")
    await told(talk, ann, "/unfollow 区块链")
    halt(talk, ann.id, EndpointState.SUPPRESSED, OPTED_OUT)
    await ann.send("/following")
    listing = await ann.next()
    assert listing.text.startswith("🚫 已退订")
    assert "🏙 高新区（按省份）" in listing.labels


async def test_the_last_one_that_is_unfollowed_says_that_nothing_is_sent(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await told(talk, ann, "/follow 区块链、南昌高新区")
    assert "仍在关注 1 项" in await told(talk, ann, "/unfollow 区块链")
    assert "不会再推送" in await told(talk, ann, "/unfollow 南昌高新区")


async def test_of_one_that_may_be_meant_it_is_asked_whether_it_is(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob", language="en")
    await told(talk, ann, "/follow 南昌高新区、苏州工业园区")
    assert "“南昌”是不是指南昌高新区？" in await told(talk, ann, "/unfollow 南昌")
    await told(talk, bob, "/follow 南昌高新区、南京高新区")
    assert "Did you mean Nanchang High-tech Zone by “nanchang”?" in await told(talk, bob, "/unfollow nanchang")
    assert "Did you mean Suzhou Industrial Park by “suzhougongye”?" in await told(talk, bob, "/follow suzhougongye")


async def test_what_the_catalog_has_lost_can_be_dropped(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await told(talk, ann, "/follow 区块链")
    found = talk.endpoint(ann.id)
    assert found is not None
    with talk.db.transaction():
        directory.follow(talk.db, found.id, ["topic:gone"], Act(talk.app.clock.now(), READER, Way.BOT))
    await ann.send("/following")
    listing = await ann.next()
    await ann.press(listing, "❌ gone")
    await listing.edited()
    assert talk.follows(ann.id) == {"topic:blockchain"}


# ---------------------------------------------------------------------------------------- groups, strangers


async def test_a_group_follows_what_its_administrators_say(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob")
    group = talk.api.group("群", members={ann: "creator", bob: "member"})
    await bob.send("/follow 南昌高新区", chat=group)
    assert "管理员" in (await group.next()).text
    await ann.send("/follow 南昌", chat=group)
    question = await group.next()
    refused = await bob.press(question, "南昌高新区")
    assert refused.alert
    assert "管理员" in refused.text
    assert talk.follows(group.id) == set()
    await ann.press(question, "南昌高新区")
    assert talk.follows(group.id) == {NANCHANG}
    assert talk.follows(ann.id) == set()
    await bob.send("/following", chat=group)
    listing = await group.next()
    assert "南昌高新区" in listing.text
    assert (await bob.press(listing, "❌ 南昌高新区")).alert
    assert talk.follows(group.id) == {NANCHANG}
    await ann.press(listing, "❌ 南昌高新区")
    assert talk.follows(group.id) == set()


async def test_a_topic_of_a_forum_follows_for_itself(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    forum = talk.api.group("论坛", members={ann: "creator"}, forum=True)
    topic = forum.topic("区块链")
    await ann.send("/follow 南昌", chat=forum, thread=topic)
    question = await forum.next()
    assert question.thread == topic.id
    await ann.press(question, "南昌高新区")
    assert talk.follows(f"{forum.id}/{topic.id}") == {NANCHANG}
    assert talk.follows(forum.id) == set()


async def test_a_button_of_somebody_else_changes_only_what_is_ones_own(talk: Talk) -> None:
    ann, eve = talk.api.user("Ann"), talk.api.user("Eve")
    await told(talk, ann, "/follow 区块链")
    await ann.send("/following")
    listing = await ann.next()
    assert "管理员" in (await eve.press(listing, "❌ 区块链")).text
    assert talk.follows(ann.id) == {"topic:blockchain"}
    assert talk.follows(eve.id) == set()


FORGED = [
    "fo:1:", "fo:1:AAAAAAAAA", "fo:maybe:x", "fo", "un:z", "un:d:0:AAAAAAAAA", "un:x:0:", "un:p:-7:", "un:q:0:",
    "un:p:" + "9" * 50 + ":", "un:q:" + "9" * 50 + ":", "un:p:1.5:", "fo:1:😀\u202e",
    f"un:m:0:{code('topic:blockchain')}",
    f"un:s:0:{code('topic:blockchain')}", "un::::::", "br:r:::", "br:v:::", "br:x::0::0", "br:g:AAAAAAAAA:0::0",
    "br:p::" + "9" * 50 + "::0", "br:v:AAAAAAAAA:0:AAAAAAAAA:1", f"br:c:{code('province:江西省')}:0::0", "br:p::-1::0",
]  # fmt: skip


async def test_forged_presses_are_answered_and_change_nothing(talk: Talk) -> None:
    for data in FORGED:
        user = talk.api.user("U")
        await user.send("/follow 区块链")
        await user.press(await user.next(), data=data)
        assert talk.follows(user.id) == {"topic:blockchain"}, data
    assert list(talk.api.refused) == []


async def test_a_message_too_old_to_edit_is_answered_anew(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await told(talk, ann, "/follow 南昌高新区")
    await ann.send("/following")
    listing = await ann.next()
    await ann.press(listing, "☐ 含提及", inaccessible=True)
    assert "含提及" in (await ann.next()).text
    assert talk.follows(ann.id) == {NANCHANG + "+mentions"}


HOSTILE = [
    "😀" * 300, "\u202e" + "abc" * 40, "<b>&lt;<script>", "a" * 4000, "\0\0", "g x q " * 600, "\\u0000", "{word} {0}",
    "、" * 4000, "：" * 4000, "park:" * 800, "+mentions", "park:+mentions", "是" * 4000, "\ufeff\u200b",
]  # fmt: skip


@pytest.mark.parametrize("command", ["", "/follow ", "/unfollow ", "/following ", "/browse ", "/start "])
async def test_nothing_that_is_written_breaks_the_answer(talk: Talk, command: str) -> None:
    for number, words in enumerate(HOSTILE):
        user = talk.api.user(f"U{number}", language="en")
        await user.send(command + words)
        assert "went wrong" not in (await user.next()).text
    assert list(talk.api.refused) == []


async def test_the_first_words_of_somebody_who_blocked_the_bot_are_followed_again(talk: Talk, api: BotApi) -> None:
    ann = api.user("Ann")
    await told(talk, ann, "/follow 区块链")
    found = talk.endpoint(ann.id)
    assert found is not None
    with talk.db.transaction():
        directory.opt_out(talk.db, found.id, Act(talk.app.clock.now(), READER, Way.BOT))
    assert "已退订" in await told(talk, ann, "/following")
    await told(talk, ann, "/follow 南昌高新区")
    assert talk.follows(ann.id) == {NANCHANG}


async def test_a_channel_follows_what_its_administrator_says_in_private(talk: Talk) -> None:
    ann, eve = talk.api.user("Ann"), talk.api.user("Eve")
    channel = talk.api.channel("频道 <b>", admins=[ann])
    with talk.db.transaction():
        for user in (ann, eve):
            values = {"bot": 42, "user_id": user.id, "address": str(channel.id), "title": "频道 <b>"}
            talk.db.run(chats.SQL["manage"], values)
    await ann.send("/follow 南昌")
    question = await ann.next()
    await ann.press(question, "南昌高新区")
    await question.edited()
    assert talk.follows(channel.id) == {NANCHANG}
    assert talk.follows(ann.id) == set()
    answer = await told(talk, ann, "/follow 区块链")
    assert answer.startswith("⚙ 频道 <b>\n\n已关注：区块链")
    assert answer.count("频道") == 1
    await ann.send("/following")
    listing = await ann.next()
    assert listing.text.startswith("⚙ 频道 <b>\n\n正在关注 2 项\n")
    await eve.send("/unfollow 区块链")
    assert "管理员" in (await eve.next()).text
    await ann.press(listing, "❌ 区块链")
    assert talk.follows(channel.id) == {NANCHANG}


@pytest.mark.parametrize(("name", "kept"), [("A\0\u202eB", "AB"), ("张三 😀", "张三 😀"), ("x" * 5000, "x" * 100)])
def test_whatever_somebody_is_called_they_can_follow(connect: Callable[[], Database], name: str, kept: str) -> None:
    db = connect()
    here = Place(7)
    office = Office(number=42, username="bot", queue="telegram", catalog=load_catalog())
    desk = Desk(db, office, Scene(here, here, user_id=7, user_name=name), 1)
    with db.transaction():
        assert follow(desk, [NANCHANG, NANCHANG + "+mentions"]) == [NANCHANG + "+mentions"]
        assert follow(desk, [NANCHANG]) == []
    subscriber, (endpoint,) = directory.find(db, "7")
    assert (subscriber.name, endpoint.follows) == (kept, (NANCHANG + "+mentions",))
    with db.transaction():
        assert unfollow(desk, [NANCHANG]) == [NANCHANG + "+mentions"]
