"""/latest, /issue, /column, and articles in the chat."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatch.bot.codes import code
from dispatch.bot.leafing import ArticleButton, FollowButton, IssueButton
from dispatch.model import Block, BlockKind, IssueState
from dispatch.testing.telegram_html import utf16_length
from tests.bot.conftest import Talk
from tests.bot.issues import shelve, the_sample, three

ZONES = "高质量发展看高新区"


async def test_the_newest_issue_that_is_out_is_shown_with_its_columns(talk: Talk) -> None:
    three(talk)
    ann = talk.api.user("Ann", language="zh-hans")
    await ann.send("/latest")
    answer = await ann.next()
    assert "火炬动态" in answer.text
    assert "2022年第5期（总第534期）" in answer.text
    assert "2022-03-15" in answer.text
    assert "共 11 篇" in answer.text
    assert f"{ZONES}：3 篇" in answer.text
    assert f"{ZONES} (3)" in answer.labels
    assert '<a href="https://bulletin.test/issues/huoju/534">' in answer.html


async def test_english_readers_have_an_english_frame(talk: Talk) -> None:
    three(talk)
    ann = talk.api.user("Ann", language="en")
    await ann.send("/latest")
    answer = await ann.next()
    assert "Torch Bulletin" in answer.text
    assert "No. 5, 2022 (issue 534)" in answer.text
    assert "Research Reports (1)" in answer.labels


async def test_before_anything_is_out_the_bot_says_so(talk: Talk) -> None:
    shelve(talk, the_sample(talk), IssueState.HELD)
    ann = talk.api.user("Ann")
    for command in ("/latest", "/issue"):
        await ann.send(command)
        assert "还没有发布" in (await ann.next()).text


async def test_a_column_is_opened_in_the_same_message_and_an_article_in_another(talk: Talk) -> None:
    three(talk)
    ann = talk.api.user("Ann", language="zh-hans")
    await ann.send("/latest")
    message = await ann.next()
    await ann.press(message, f"{ZONES} (3)")
    await message.edited()
    assert "1. 南昌高新区:打造区域创新生态增长极" in message.text
    assert message.labels[:3] == ["1", "2", "3"]
    await ann.press(message, "2")
    article = await ann.next()
    assert article.text.startswith("潍坊高新区")
    assert "<blockquote expandable>" in article.html
    assert any("潍坊高新区" in label for label in article.labels)
    await ann.press(article, "下一篇 ›")
    assert (await ann.next()).text.startswith("苏州高新区")
    await ann.press(message, "« 本期目录")
    await message.edited()
    assert "【研究报告】" in message.text


async def test_an_older_issue_is_a_button_away_and_a_held_one_is_not(talk: Talk) -> None:
    three(talk)
    ann = talk.api.user("Ann")
    await ann.send("/latest")
    message = await ann.next()
    assert "下一期 ›" not in message.labels
    await ann.press(message, "‹ 上一期")
    await message.edited()
    assert "总第533期" in message.text
    assert "‹ 上一期" not in message.labels
    assert "下一期 ›" in message.labels


@pytest.mark.parametrize(
    "words",
    ["534", "huoju:534", "HUOJU：534", "2022-05", "2022年第5期", "总第534期", "huoju:2022-5", "第534期", "0534"],
)
async def test_an_issue_is_found_by_what_people_call_it(talk: Talk, words: str) -> None:
    three(talk)
    ann = talk.api.user("Ann")
    await ann.send(f"/issue {words}")
    answer = await ann.next()
    assert "总第534期" in answer.text
    assert "【园区发展】" in answer.text
    assert "• 昆山高新区7家孵化器拟获省级资助" in answer.text


@pytest.mark.parametrize(
    "words",
    [
        "535",
        "2022-06",
        "536",
        "nobody:534",
        "9" * 40,
        "2022-99999",
        "<b>534",
        "' OR 1=1",
        "५३४",
        "🐸",
        "\u202e435",
        "x" * 4000,
    ],
)
async def test_what_is_not_out_is_not_found(talk: Talk, words: str) -> None:
    three(talk)
    ann = talk.api.user("Ann")
    await ann.send(f"/issue {words}")
    assert "没有找到这一期" in (await ann.next()).text


async def test_issues_are_listed_and_of_two_bulletins_with_one_number_one_is_chosen(talk: Talk) -> None:
    _, sample, _ = three(talk)
    other = shelve(talk, replace(the_sample(talk), bulletin="haiyue", title="海月通讯", date=None))
    ann = talk.api.user("Ann")
    await ann.send("/issue")
    answer = await ann.next()
    assert [button.data for row in answer.buttons for button in row][:2] == [
        IssueButton(issue=sample).pack(),
        IssueButton(issue=sample - 1).pack(),
    ]
    await ann.send("/issue 534")
    choice = await ann.next()
    assert {button.data for row in choice.buttons for button in row} == {
        IssueButton(issue=sample).pack(),
        IssueButton(issue=other).pack(),
    }
    await ann.press(choice, "海月通讯")
    await choice.edited()
    assert "海月通讯" in choice.text


async def test_the_list_of_issues_has_pages(talk: Talk) -> None:
    issue = the_sample(talk)
    for total in range(500, 512):
        shelve(talk, replace(issue, total=total, number=total - 499, year=2020))
    ann = talk.api.user("Ann")
    await ann.send("/issue")
    message = await ann.next()
    assert len(message.buttons) == 9
    await ann.press(message, "›")
    await message.edited()
    assert len(message.buttons) == 5
    assert "‹" in message.labels
    assert "›" not in message.labels


@pytest.mark.parametrize("language", ["zh-hans", "en"])
async def test_columns_are_offered_and_lead_to_their_newest_articles(talk: Talk, language: str) -> None:
    three(talk)
    ann = talk.api.user("Ann", language=language)
    await ann.send("/column 创业孵化")
    answer = await ann.next()
    assert "总第534期" in answer.text or "issue 534" in answer.text
    assert "昆山高新区7家孵化器拟获省级资助" in answer.text
    before = answer.buttons[-1][1]
    await ann.press(answer, before.text)
    await answer.edited()
    assert "旧昆山高新区7家孵化器拟获省级资助" in answer.text


async def test_a_column_that_nobody_knows_is_answered_with_those_there_are(talk: Talk) -> None:
    three(talk)
    ann = talk.api.user("Ann")
    await ann.send("/column ' OR 1=1 <script>")
    assert "没有叫这个名字的栏目" in (await ann.next()).text


async def test_what_an_article_is_about_can_be_followed_below_it(talk: Talk) -> None:
    _, sample, _ = three(talk)
    ann = talk.api.user("Ann", language="zh-hans")
    await ann.send("/latest")
    message = await ann.next()
    await ann.press(message, data=ArticleButton(issue=sample, position=4).pack())
    article = await ann.next()
    assert "➕ 南昌高新区" in article.labels
    answer = await ann.press(article, "➕ 南昌高新区")
    assert "已关注：南昌高新区" in answer.text
    await article.edited()
    assert "✅ 南昌高新区" in article.labels
    assert talk.follows(ann.id) == {"park:南昌高新区"}
    await ann.press(article, "✅ 南昌高新区")
    await article.edited()
    assert "➕ 南昌高新区" in article.labels
    assert talk.follows(ann.id) == set()


async def test_in_a_group_all_read_and_administrators_follow(talk: Talk) -> None:
    _, sample, _ = three(talk)
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob")
    group = talk.api.group("群", members={ann: "creator", bob: "member"}, forum=True)
    topic = group.topic("南昌")
    await bob.send("/latest@" + talk.api.world.bots[0].username, chat=group, thread=topic)
    message = await group.next()
    assert message.thread == topic.id
    await bob.press(message, data=ArticleButton(issue=sample, position=4).pack())
    article = await group.next()
    assert article.thread == topic.id
    refused = await bob.press(article, "➕ 南昌高新区")
    assert refused.alert
    assert "管理员" in refused.text
    await ann.press(article, "➕ 南昌高新区")
    await article.edited()
    assert talk.follows(f"{group.id}/{topic.id}") == {"park:南昌高新区"}


async def test_a_long_article_comes_in_a_few_messages_with_the_buttons_below_the_last(talk: Talk) -> None:
    issue = the_sample(talk)
    long = tuple(Block(BlockKind.PARAGRAPH, f"第{n}段。" + "数字经济与区块链<融合>&发展🐸。" * 40) for n in range(60))
    first = issue.columns[0]
    column = replace(first, articles=(replace(first.articles[0], title="长文<b>&", blocks=long), *first.articles[1:]))
    number = shelve(talk, replace(issue, columns=(column, *issue.columns[1:])))
    ann = talk.api.user("Ann")
    await ann.send("/latest")
    message = await ann.next()
    await ann.press(message, data=ArticleButton(issue=number, position=1).pack())
    parts = [await ann.next()]
    while not parts[-1].buttons:
        parts.append(await ann.next())
    assert 2 <= len(parts) <= 4
    assert all(utf16_length(part.text) <= 4096 for part in parts)
    assert "长文<b>&" in parts[0].text
    assert "篇幅所限" in parts[-1].text
    assert [bool(part.buttons) for part in parts] == [False] * (len(parts) - 1) + [True]


async def test_a_link_leads_to_an_article(talk: Talk) -> None:
    _, sample, held = three(talk)
    ann = talk.api.user("Ann")
    await ann.start(f"r{sample}_5")
    assert (await ann.next()).text.startswith("潍坊高新区")
    await ann.start(f"r{held}_5")
    assert "没有内容" in (await ann.next()).text


@pytest.mark.parametrize(
    "data",
    ["is:{held}:0:0", "is:{held}:1:0", "is:{sample}:99:0", "is:{sample}:1:999", "is:99999999999999999999:0:0",
     "is:-1:0:0", "is", "is:", "isl:9999", "isl:x", "isc:AAAAAAAAA", "isc:<b>", "isk:9999", "rd:{held}:1",
     "rd:{sample}:0", "rd:{sample}:9007199254740991", "rd:x:y", "rdf:AAAAAAAAA", "rdf:", "se:9999:1:", "se:x:y:z",
     "rdm", "rdu:AAAAAAAAA", "1:x:1", "2:m:1"],
)  # fmt: skip
async def test_forged_and_old_buttons_are_answered_and_show_nothing_that_is_held(talk: Talk, data: str) -> None:
    _, sample, held = three(talk)
    ann = talk.api.user("Ann")
    await ann.send("/latest")
    message = await ann.next()
    await ann.press(message, data=data.format(sample=sample, held=held))
    await talk.api.settled()
    assert not any("秘" in text for text in ann.chat.texts)
    assert talk.endpoint(ann.id) is None


async def test_a_button_under_a_message_that_is_too_old_is_answered_by_a_new_one(talk: Talk) -> None:
    _, sample, _ = three(talk)
    ann = talk.api.user("Ann")
    await ann.send("/latest")
    message = await ann.next()
    await ann.press(message, data=IssueButton(issue=sample, column=2).pack(), inaccessible=True)
    assert "1. 南昌高新区" in (await ann.next()).text
    await ann.press(message, data=FollowButton(tag=code("park:南昌高新区")).pack(), inaccessible=True)
    assert talk.follows(ann.id) == {"park:南昌高新区"}


async def test_reading_is_ones_own_while_another_chat_is_managed(talk: Talk) -> None:
    _, sample, _ = three(talk)
    ann = talk.api.user("Ann")
    channel = talk.api.channel("频道", admins=[ann])
    await ann.send(f"/manage {channel.id}")
    await ann.next()
    for command in ("/latest", "/issue", "/column", "/search 区块链", "/nonsense"):
        await ann.send(command)
        assert "⚙" not in (await ann.next()).text
    await ann.start(f"r{sample}_1")
    article = await ann.next()
    assert "⚙" not in article.text
    answer = await ann.press(article, "➕")
    assert "您自己的关注，不是“频道”的" in answer.text
    assert len(talk.follows(ann.id)) == 1
    assert talk.follows(channel.id) == set()
    await ann.send("/manage off")
    await ann.next()
    assert "频道" not in (await ann.press(article, "✅")).text
