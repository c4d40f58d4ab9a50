"""/language."""

from __future__ import annotations

import pytest

from tests.bot.conftest import Talk


async def test_the_bot_speaks_another_language_at_once(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="zh-hans")
    await ann.send("/language")
    shown = await ann.next()
    assert shown.labels == ["✅ 中文", "English"]
    await ann.press(shown, "English")
    await shown.edited()
    assert "The articles are in Chinese" in shown.text
    await ann.send("/help")
    assert "The newest issue" in (await ann.next()).text
    found = talk.endpoint(ann.id)
    assert found is not None
    assert found.preferences.language == "en"
    assert ann.menu()[0]["description"] == "关注高新区、主题或栏目"  # that is Telegram's own language


@pytest.mark.parametrize(("word", "language"), [("en", "en"), ("English", "en"), ("中文", "zh"), ("ＺＨ", "zh")])
async def test_a_language_is_written(talk: Talk, word: str, language: str) -> None:
    ann = talk.api.user("Ann", language="en" if language == "zh" else "zh")
    await ann.send(f"/language {word}")
    assert "✅ " + {"zh": "中文", "en": "English"}[language] in (await ann.next()).labels
    found = talk.endpoint(ann.id)
    assert found is not None
    assert found.preferences.language == language


@pytest.mark.parametrize("word", ["fr", "<b>", "\u202een", "🇬🇧", "x" * 4000])
async def test_what_is_no_language_of_ours_changes_nothing(talk: Talk, word: str) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send(f"/language {word}")
    shown = await ann.next()
    assert shown.labels == ["中文", "✅ English"]
    assert (await ann.press(shown, data="la:fr")).alert
    assert talk.endpoint(ann.id) is None


async def test_a_group_has_a_language_of_its_own(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann", language="zh"), talk.api.user("Bob", language="zh")
    group = talk.api.group("群", members={ann: "creator", bob: "member"})
    await ann.send("/language en", chat=group)
    await group.next()
    await bob.send("/help", chat=group)
    assert "The newest issue" in (await group.next()).text
    await bob.send("/language zh", chat=group)
    assert "administrators" in (await group.next()).text
    assert talk.endpoint(ann.id) is None


async def test_a_group_speaks_chinese_whoever_writes_first(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="en")
    group = talk.api.group("群", members={ann: "creator"})
    await ann.send("/follow 南昌", chat=group)
    question = await group.next()
    assert "是不是指" in question.text
    assert (await ann.press(question, "南昌高新区")).text == "已关注：南昌高新区"
    found = talk.endpoint(group.id)
    assert found is not None
    assert found.preferences.language == "zh"


async def test_an_administrator_whose_telegram_is_in_english_is_offered_that(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann", language="en"), talk.api.user("Bob", language="en")
    eve = talk.api.user("Eve", language="zh-hans")
    group = talk.api.group("群", members={ann: "creator", bob: "member", eve: "administrator"})
    for user in (bob, eve):
        await user.start(chat=group)
        assert "🌐 English" not in (await group.next()).labels
    await ann.start(chat=group)
    greeting = await group.next()
    assert "大家好" in greeting.text
    assert (await bob.press(greeting, "🌐 English")).alert
    await ann.press(greeting, "🌐 English")
    await greeting.edited()
    assert greeting.text.startswith("语言 / Language: English")
    await bob.start(chat=group)
    greeting = await group.next()
    assert greeting.text.startswith("Hello, everybody!")
    assert "🌐 English" not in greeting.labels


async def test_a_topic_speaks_as_its_group_until_it_has_a_language_of_its_own(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    forum = talk.api.group("论坛", members={ann: "creator"}, forum=True)
    topic = forum.topic("话题")
    await ann.send("/language en", chat=forum)
    await forum.next()
    await ann.send("/follow 南昌高新区", chat=forum, thread=topic)
    assert (await forum.next()).text.startswith("Followed")
    found = talk.endpoint(f"{forum.id}/{topic.id}")
    assert found is not None
    assert found.preferences.language == "en"


async def test_a_channel_that_is_managed_in_english_gets_chinese_and_its_manager_english(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="en")
    channel = talk.api.channel("频道", admins=[ann])
    await ann.send(f"/manage {channel.id}")
    await ann.next()
    for words in ("/follow 南昌高新区", "/following"):
        await ann.send(words)
        assert "ollowed: " in (await ann.next()).text
    found = talk.endpoint(channel.id)
    assert found is not None
    assert found.preferences.language == "zh"


async def test_a_language_that_is_not_spoken_is_not_passed_over(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="zh")
    await ann.send("/language fr")
    assert (await ann.next()).text.startswith("看不懂“fr”")
