"""/words."""

from __future__ import annotations

import pytest

from subscribers.words import MOST, written
from tests.bot.conftest import Talk
from tests.marks import both_databases

pytestmark = both_databases


def words(talk: Talk, address: int | str) -> list[str]:
    found = talk.endpoint(address)
    return [] if found is None else [written(word) for word in found.words]


async def test_words_are_added_and_removed(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="zh")
    await ann.send("/words")
    assert "没有设置" in (await ann.next()).text
    await ann.send("/words +区块链 －广告 +artificial intelligence")
    shown = await ann.next()
    assert set(words(talk, ann.id)) == {"区块链", "-广告", "artificial intelligence"}
    assert shown.labels[-1] == "❌ -广告"
    assert (await ann.press(shown, "❌ -广告")).text == "已删除：广告"
    await shown.edited()
    assert "广告" not in "".join(shown.labels)
    assert set(words(talk, ann.id)) == {"区块链", "artificial intelligence"}
    await ann.send("/words -區塊鏈")  # the same word, and now of the other kind
    await ann.next()
    assert set(words(talk, ann.id)) == {"-區塊鏈", "artificial intelligence"}


@pytest.mark.parametrize(("language", "answer"), [("zh", "要怎样用“区块链”"), ("en", "keyword “区块链”")])
async def test_a_word_without_a_sign_is_explained(talk: Talk, language: str, answer: str) -> None:
    ann = talk.api.user("Ann", language=language)
    await ann.send("/words 区块链")
    shown = await ann.next()
    assert answer in shown.text
    assert "/words +区块链" in shown.text
    assert talk.endpoint(ann.id) is None


@pytest.mark.parametrize(
    "word", ["+a", "+" + "长" * 41, "+", "-", "+a;b", "+🎉🎉", "-\u202eabc", "+\x00\x00\x00", "-" + "x" * 4000, "+ --"]
)
async def test_what_is_no_word_is_not_kept(talk: Talk, word: str) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send(f"/words {word}")
    assert "cannot be a keyword" in (await ann.next()).text
    assert words(talk, ann.id) == []


@pytest.mark.parametrize(
    ("written", "only", "never"),
    [
        ("-广告，芯片", set(), {"广告", "芯片"}),
        ("－广告、＋芯片", {"芯片"}, {"广告"}),
        ("+区块链 芯片", {"区块链", "芯片"}, set()),
        ("+machine learning", {"machine learning"}, set()),
        ("+区块链; -招聘,培训", {"区块链"}, {"招聘", "培训"}),
        ("+区块链、", {"区块链"}, set()),
    ],
)
async def test_several_words_may_be_written_as_people_list_them(
    talk: Talk, written: str, only: set[str], never: set[str]
) -> None:
    ann = talk.api.user("Ann")
    await ann.send(f"/words {written}")
    await ann.next()
    found = talk.endpoint(ann.id)
    assert found is not None
    assert {word.text for word in found.words if not word.excluded} == only
    assert {word.text for word in found.words if word.excluded} == never


@pytest.mark.parametrize("written", ["off", "清空", "CLEAR"])
async def test_all_words_go_when_that_is_confirmed(talk: Talk, written: str) -> None:
    ann = talk.api.user("Ann", language="zh")
    await ann.send("/words +区块链 -广告")
    await ann.next()
    await ann.send(f"/words {written}")
    asked = await ann.next()
    assert "共 2 个" in asked.text
    found = talk.endpoint(ann.id)
    assert found is not None
    assert len(found.words) == 2
    assert (await ann.press(asked, "🗑 清空全部关键词")).text == "已清空关键词。"
    cleared = talk.endpoint(ann.id)
    assert cleared is not None
    assert cleared.words == ()


async def test_markup_is_text(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send("/words +<b>A&B")
    shown = await ann.next()
    assert words(talk, ann.id) == ["<b>A&B"]
    assert "<b>A&B" in shown.text


async def test_words_are_no_more_than_twenty_and_shown_in_pages(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send("/words " + " ".join(f"+word{number}" for number in range(MOST)))
    shown = await ann.next()
    assert len(words(talk, ann.id)) == MOST
    assert len(shown.labels) == 9
    await ann.press(shown, "2/3")
    await shown.edited()
    await ann.press(shown, "3/3")
    await shown.edited()
    assert len(shown.labels) == 5
    await ann.send("/words -another")
    assert "20 keywords at most" in (await ann.next()).text
    assert len(words(talk, ann.id)) == MOST


async def test_an_old_button_removes_nothing(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send("/words +one")
    shown = await ann.next()
    answer = await ann.press(shown, data="wo:x:0:AAAAAAAAA")
    assert answer.text == ""
    assert words(talk, ann.id) == ["one"]


async def test_words_of_a_topic_are_its_administrators(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob")
    group = talk.api.group("群", members={ann: "creator", bob: "member"}, forum=True)
    topic = group.topic("园区")
    await ann.send("/words -广告", chat=group, thread=topic)
    shown = await group.next()
    assert words(talk, f"{group.id}/{topic.id}") == ["-广告"]
    assert (await bob.press(shown, "❌ -广告")).alert
    await bob.send("/words +区块链", chat=group, thread=topic)
    assert "管理员" in (await group.next()).text
    assert words(talk, f"{group.id}/{topic.id}") == ["-广告"]


async def test_words_chosen_before_following_count(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="zh")
    await ann.send("/words -广告")
    await ann.next()
    await ann.send("/follow 南昌高新区")
    await ann.next()
    assert words(talk, ann.id) == ["-广告"]
