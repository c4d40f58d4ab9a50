"""/search, and the bot's name typed in any chat."""

from __future__ import annotations

import pytest

from dispatch import search
from dispatch.bot.leafing import SearchButton
from dispatch.bot.routers.searching import written
from dispatch.testing.telegram_html import utf16_length
from tests.bot.conftest import Talk
from tests.bot.issues import shelve, the_sample, three


@pytest.mark.parametrize(("language", "words"), [("zh-hans", "共 2 篇"), ("en", "2 found")])
async def test_articles_are_found_by_their_words(talk: Talk, language: str, words: str) -> None:
    three(talk)
    ann = talk.api.user("Ann", language=language)
    await ann.send("/search 区块链 赋能")
    answer = await ann.next()
    assert words in answer.text
    assert "<code>区块链 赋能</code>" in answer.html
    assert "<b>区块链</b>" in answer.html
    assert '<a href="https://bulletin.test/issues/huoju/534/11">' in answer.html
    assert "秘" not in answer.text
    await ann.press(answer, "1")
    assert "以科技创新推进区块链赋能经济社会高质量发展" in (await ann.next()).text


async def test_the_pages_of_a_search_are_turned_in_one_message(talk: Talk) -> None:
    three(talk)
    ann = talk.api.user("Ann")
    await ann.send("/search 高新区")
    message = await ann.next()
    first = message.text
    assert message.labels[:5] == ["1", "2", "3", "4", "5"]
    await ann.press(message, "›")
    await message.edited()
    assert message.text != first
    assert message.labels[:5] == ["6", "7", "8", "9", "10"]
    await ann.press(message, "‹")
    await message.edited()
    assert message.text == first


async def test_words_too_long_for_a_button_are_read_from_the_message(talk: Talk) -> None:
    three(talk)
    ann = talk.api.user("Ann")
    words = '高新区 发展 创新 企业 科技 "产业" -不出现的词'
    await ann.send(f"/search {words}")
    message = await ann.next()
    data = message.button("›").data
    assert data == SearchButton(page=1).pack()
    assert "发展" not in data
    first = message.text
    await ann.press(message, "›")
    await message.edited()
    assert message.text.splitlines()[0] == first.splitlines()[0]
    assert message.text != first
    await ann.press(message, data=data, inaccessible=True)
    assert "请写出要搜索的词" in (await ann.next()).text


async def test_a_search_can_be_kept_to_what_is_followed(talk: Talk) -> None:
    three(talk)
    ann = talk.api.user("Ann")
    await ann.send("/search 高新区")
    assert not any("只看我关注的" in label for label in (await ann.next()).labels)
    await ann.start("f" + start_code("park:南昌高新区"))
    await ann.next()
    await ann.send("/search 高新区")
    message = await ann.next()
    await ann.press(message, "☐ 只看我关注的")
    await message.edited()
    assert "共 2 篇" in message.text
    assert "南昌高新区" in message.text
    await ann.press(message, "☑ 只看我关注的")
    await message.edited()
    assert "共 2 篇" not in message.text


def start_code(tag: str) -> str:
    from dispatch.bot.codes import code

    return code(tag)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "  ",
        "。。。",
        "%_",
        '""',
        "-区块链",
        "🐸",
        "x" * 4000,
        " ".join(f"词{n}" for n in range(17)),
        "词" * 101,
        "\u202e",
    ],
)
async def test_what_is_no_search_is_told_how_to_search(talk: Talk, words: str) -> None:
    ann = talk.api.user("Ann")
    await ann.send(f"/search {words}".strip())
    assert "请写出要搜索的词" in (await ann.next()).text


@pytest.mark.parametrize(
    "words",
    [
        "<b>区块链</b>",
        "&lt;",
        "a:b:c",
        "' OR 1=1 --",
        "%_a",
        "a\x00b",
        "\u202e链块区",
        "{words}",
        "word " * 16,
        "е" * 100,
    ],
)
async def test_odd_words_are_looked_for_as_they_stand(talk: Talk, words: str) -> None:
    three(talk)
    ann = talk.api.user("Ann")
    await ann.send(f"/search {words}")
    answer = await ann.next()
    assert "🔍" in answer.text
    assert utf16_length(answer.text) <= 4096


async def test_an_issue_that_is_new_is_found_at_once(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await ann.send("/search 区块链")
    assert "没有找到" in (await ann.next()).text
    shelve(talk, the_sample(talk))
    await ann.send("/search 区块链")
    assert "以科技创新推进区块链" in (await ann.next()).text


async def test_a_search_is_written_down_nowhere(talk: Talk) -> None:
    three(talk)
    ann = talk.api.user("Ann")
    await ann.send("/search 孵化器")
    await ann.next()
    await ann.send("/help")
    await ann.next()  # one after the other: the search is over
    for table in ("audit", "bot_updates"):
        assert "孵化器" not in str(talk.db.all(f"SELECT * FROM {table}"))
    assert talk.endpoint(ann.id) is None


@pytest.mark.parametrize("words", ["区块链", '"a b" c', "-x 区块链", '"-a" --b', "ＡＩ 算力", "“两 个 word”"])
def test_a_query_that_is_written_is_read_as_the_same(words: str) -> None:
    query = search.parse(words)
    assert search.parse(written(query)) == query


# ----------------------------------------------------------------------------------------------------- inline


async def test_articles_are_shared_in_any_chat(talk: Talk) -> None:
    _, sample, _ = three(talk)
    ann, bob = talk.api.user("Ann", language="en"), talk.api.user("Bob")
    group = talk.api.group("群", members={ann: "member", bob: "creator"})
    answer = await ann.inline("区块链 赋能")
    assert len(answer.results) == 2
    assert not answer.personal
    assert answer.cache_time == 300
    found = next(result for result in answer.results if result["id"] == f"{sample}-11")
    assert found["title"] == "以科技创新推进区块链赋能经济社会高质量发展"
    message = await ann.share(found, chat=group)
    assert "https://bulletin.test/issues/huoju/534/11" in message.html
    assert "2022年第5期" in message.text  # the same for all, whoever asked first
    url = message.buttons[0][0].url
    assert url is not None
    await bob.open(url)
    assert "以科技创新推进区块链" in (await bob.next()).text


async def test_without_words_the_newest_issue_is_offered(talk: Talk) -> None:
    _, sample, _ = three(talk)
    answer = await talk.api.user("Ann").inline("")
    assert [result["id"] for result in answer.results] == [f"{sample}-{place}" for place in range(1, 12)]
    assert answer.next_offset == ""
    assert answer.button is not None
    assert answer.button["start_parameter"] == "inline"


async def test_a_park_is_found_inline_by_its_english_name(talk: Talk) -> None:
    talk.publish()
    ann = talk.api.user("Ann", language="en")
    chinese, english = await ann.inline("南京高新区"), await ann.inline("Nanjing hi-tech")
    assert len(english.results) > 0
    assert [found["id"] for found in english.results] == [found["id"] for found in chinese.results]


async def test_an_inline_answer_goes_on_where_it_ended(talk: Talk) -> None:
    three(talk)
    ann = talk.api.user("Ann")
    first = await ann.inline("展")
    assert len(first.results) == 20
    second = await ann.inline("展", offset=first.next_offset)
    assert len(second.results) == 2 == 22 - len(first.results)
    assert second.next_offset == ""
    assert not {result["id"] for result in first.results} & {result["id"] for result in second.results}


@pytest.mark.parametrize("words", ["。", "x" * 256, "没有这样的词语", "<b>", "🐸", "535"])
async def test_what_finds_nothing_inline_is_answered_with_nothing(talk: Talk, words: str) -> None:
    three(talk)
    answer = await talk.api.user("Ann").inline(words)
    assert answer.results == ()


@pytest.mark.parametrize("offset", ["-1", "x", "99999999", "٣", "99999"])
async def test_odd_offsets_are_answered(talk: Talk, offset: str) -> None:
    three(talk)
    await talk.api.user("Ann").inline("区块链", offset=offset)
    await talk.api.settled()


async def test_before_anything_is_out_nothing_is_shared(talk: Talk) -> None:
    assert (await talk.api.user("Ann").inline("")).results == ()
