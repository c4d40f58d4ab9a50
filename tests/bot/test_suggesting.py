"""What is written to the bot without a command, and the greeting."""

from __future__ import annotations

import pytest

from dispatch.bot.codes import start_payload
from tests.bot.conftest import Talk

NANCHANG = "park:南昌高新区"


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "南昌高新区：点按即可关注"), ("en", "Nanchang High-tech Zone: tap to follow")]
)
async def test_a_name_alone_is_offered_and_not_followed(talk: Talk, language: str, words: str) -> None:
    ann = talk.api.user("Ann", language=language)
    await ann.send("南昌高新区")
    answer = await ann.next()
    assert words in answer.text
    assert talk.endpoint(ann.id) is None
    await ann.press(answer, "Nanchang High-tech Zone" if language == "en" else "南昌高新区")
    assert talk.follows(ann.id) == {NANCHANG}


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh", "“nanchang”是不是指南昌高新区？"), ("en", "Did you mean Nanchang High-tech Zone by “nanchang”?")],
)
async def test_the_one_thing_that_a_word_may_mean_is_named(talk: Talk, language: str, words: str) -> None:
    ann = talk.api.user("Ann", language=language)
    await ann.send("nanchang")
    answer = await ann.next()
    assert words in answer.text
    await ann.press(answer, "Nanchang High-tech Zone" if language == "en" else "南昌高新区")
    assert talk.follows(ann.id) == {NANCHANG}


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("Nanchang High-tech Zone", NANCHANG),
        ("nanchang hi-tech", NANCHANG),
        ("Suzhou Industrial Park", "park:苏州工业园区"),
        ("Suzhou High-tech Zone", "park:苏州高新区"),
        ("Zhongguancun", "park:中关村"),
    ],
)
async def test_a_park_is_found_by_its_english_name(talk: Talk, written: str, tag: str) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send(written)
    assert tag == "park:" + str(talk.app.catalog.park_in_english((await ann.next()).labels[0]).name)  # type: ignore[union-attr]  # the test fails where it is none
    await ann.send(f"/follow {written}")
    await ann.next()
    assert talk.follows(ann.id) == {tag}


async def test_the_one_thing_that_is_meant_may_be_followed_already(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="zh")
    await ann.send("/follow 南昌高新区")
    await ann.next()
    await ann.send("nanchang")
    answer = await ann.next()
    assert "是不是指南昌高新区？已经在关注" in answer.text
    await ann.press(answer, "✅ 南昌高新区")
    assert talk.follows(ann.id) == set()


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "“高新”是指哪一个"), ("en", "Which one did you mean by “高新”")]
)
async def test_of_several_that_a_word_may_mean_one_is_asked_for(talk: Talk, language: str, words: str) -> None:
    ann = talk.api.user("Ann", language=language)
    await ann.send("高新")
    answer = await ann.next()
    assert words in answer.text
    assert len(answer.labels) > 1


async def test_in_a_group_only_commands_are_answered(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    group = talk.api.group("群", members={ann: "creator"})
    group.promote(talk.api.me)  # so that it sees all that is written
    await ann.send("南昌", chat=group)
    await ann.send("/nonsense", chat=group)
    await ann.send("/following", chat=group)
    assert "还没有关注" in (await group.next()).text
    assert len(group.texts) == 1


@pytest.mark.parametrize(("language", "words"), [("zh", "没有这个命令"), ("en", "no such command")])
async def test_an_unknown_command_is_told(talk: Talk, language: str, words: str) -> None:
    ann = talk.api.user("Ann", language=language)
    await ann.send("/nonsense 南昌")
    assert words in (await ann.next()).text


async def test_the_greeting_leads_to_all_there_is(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await ann.start()
    greeting = await ann.next()
    words = " ".join(greeting.labels)
    assert "省份" in words
    assert "产业" in words
    assert "栏目" in words
    assert "全部内容" in words
    await ann.press(greeting, "产业")
    await greeting.edited()
    assert "主题：产业" in greeting.text


async def test_what_a_link_has_followed_can_be_dropped_below_it(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await ann.start(start_payload([NANCHANG, "topic:blockchain"]))
    answer = await ann.next()
    assert answer.labels == ["✅ 南昌高新区", "✅ 区块链"]
    await ann.press(answer, "区块链")
    await answer.edited()
    assert answer.labels == ["✅ 南昌高新区", "区块链"]
    assert talk.follows(ann.id) == {NANCHANG}


async def test_everybody_in_a_group_is_greeted(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob")
    group = talk.api.group("群", members={ann: "creator", bob: "member"})
    await bob.start(chat=group)
    assert "大家好" in (await group.next()).text
