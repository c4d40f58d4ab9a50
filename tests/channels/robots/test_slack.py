"""Slack's webhooks: blocks, and what comes of each answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from dispatch.channels.registry import address
from dispatch.errors import UsageError
from dispatch.model import Content, Rejected, Retry, Sent
from dispatch.settings import Settings
from dispatch.testing.robots import SlackService
from dispatch.testing.samples import sample_article, sample_content

from .conftest import channel_of, envelope_to, open_channel, ticking


def texts(body: Mapping[str, Any]) -> list[str]:
    """The texts of a message's blocks."""
    elements = [element for block in body["blocks"] for element in (block.get("text"), *block.get("elements", ()))]
    return [element["text"] for element in elements if element]


async def test_a_digest_is_blocks_with_a_text_for_notifications() -> None:
    async with SlackService() as slack, open_channel(channel_of("slack")) as send:
        assert await send(envelope_to("slack", slack.url())) == [Sent(code="200", detail="ok")]
        [post] = slack.posts
    kinds = [block["type"] for block in post.body["blocks"]]
    assert kinds == ["header", "context", "divider", "section", "section", "context"]
    assert post.body["text"].startswith("火炬动态 · ")
    assert texts(post.body)[0].startswith("火炬动态 · ")
    assert texts(post.body)[2].startswith("*<https://bulletin.example/")
    assert texts(post.body)[-1].endswith("本群关注：南昌高新区")
    assert (post.body["unfurl_links"], post.body["unfurl_media"]) == (False, False)


async def test_what_stands_in_an_article_is_text() -> None:
    content = sample_content()
    entry = content.sections[0].matching[0]
    said = "> A&B <!here> <@U024BE7LH> *粗* 比例1:100:2，见 :fire: 和 12:30:45"
    hostile = replace(entry, article=sample_article(said, text=said))
    content = replace(content, sections=(replace(content.sections[0], matching=(hostile,)),))
    async with SlackService() as slack, open_channel(channel_of("slack")) as send:
        await send(envelope_to("slack", slack.url()), content)
        [post] = slack.posts
    expected = "＞ A&amp;B &lt;!here&gt; &lt;@U024BE7LH&gt; ＊粗＊ 比例1：100:2，见 ：fire: 和 12:30:45"
    assert expected in texts(post.body)[2].splitlines()


async def test_a_long_digest_is_cut_between_articles(long_content: Content) -> None:
    async with SlackService(clock=ticking()) as slack, open_channel(channel_of("slack", messages=10)) as send:
        section = long_content.sections[0]
        twice = replace(long_content, sections=(replace(section, matching=section.matching * 2),))
        outcomes = await send(envelope_to("slack", slack.url()), twice)
    assert len(outcomes) > 1
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    titles = [texts(post.body)[0] for post in slack.posts]
    assert titles[1:] == [f"{titles[0]}（{number}）" for number in range(2, len(titles) + 1)]
    for post in slack.posts:
        assert all(text.startswith(("*<", "火炬", "2022", "<https")) for text in texts(post.body))
    assert sum("本群关注" in text for post in slack.posts for text in texts(post.body)) == 1


async def test_an_article_that_has_no_page_takes_several_sections() -> None:
    content = sample_content()
    entry = content.sections[0].matching[0]
    long = replace(entry, article=sample_article("长文", text="一句话说完了。" * 900))
    content = replace(content, sections=(replace(content.sections[0], matching=(long,)),))
    async with SlackService() as slack, open_channel(channel_of("slack", pages=False)) as send:
        outcomes = await send(envelope_to("slack", slack.url()), content)
        [post] = slack.posts
    assert isinstance(outcomes[0], Sent)
    sections = [block["text"]["text"] for block in post.body["blocks"] if block["type"] == "section"]
    assert [text.endswith("。") for text in sections[:2]] == [True, True]
    assert sum(text.count("一句话说完了。") for text in sections) == 900


@pytest.mark.parametrize(
    ("word", "status", "kind", "state"),
    [("no_service", 404, Rejected, "gone"), ("channel_not_found", 404, Rejected, "gone"),
     ("channel_is_archived", 410, Rejected, "paused"), ("action_prohibited", 403, Rejected, "paused"),
     ("invalid_token", 403, Rejected, "gone"), ("team_disabled", 403, Rejected, "paused"),
     ("invalid_payload", 400, Rejected, ""), ("invalid_blocks", 400, Rejected, ""), ("rollup_error", 500, Retry, "")],
)  # fmt: skip
async def test_a_refusal_has_slacks_word(word: str, status: int, kind: type[Rejected | Retry], state: str) -> None:
    async with SlackService() as slack, open_channel(channel_of("slack")) as send:
        slack.refuse_with(word)
        [outcome] = await send(envelope_to("slack", slack.url()))
    assert isinstance(outcome, kind)
    assert (outcome.code, getattr(outcome, "endpoint_state", "")) == (str(status), state)
    assert word in outcome.reason
    assert slack.key not in outcome.reason


@pytest.mark.parametrize(("status", "state"), [(400, ""), (403, "paused"), (410, "paused")])
async def test_a_word_that_nobody_knows_counts_by_its_status(status: int, state: str) -> None:
    async with SlackService() as slack, open_channel(channel_of("slack")) as send:
        slack.answer(status, b"brand_new_word")
        [outcome] = await send(envelope_to("slack", slack.url()))
    assert isinstance(outcome, Rejected)
    assert (outcome.endpoint_state, "brand_new_word" in outcome.reason) == (state, True)


async def test_two_hundred_without_ok_is_no_delivery() -> None:
    async with SlackService() as slack, open_channel(channel_of("slack")) as send:
        slack.answer(200, b"<html>Sign in</html>")
        [outcome] = await send(envelope_to("slack", slack.url()))
    assert isinstance(outcome, Retry)
    assert outcome.unknown


async def test_too_many_rest_for_that_webhook_alone_as_long_as_slack_asks_for() -> None:
    async with SlackService(clock=lambda: 0.0) as slack, open_channel(channel_of("slack")) as send:
        for _ in range(slack.limit):
            assert isinstance((await send(envelope_to("slack", slack.url())))[-1], Sent)
        [outcome] = await send(envelope_to("slack", slack.url()))
        other = await send(envelope_to("slack", slack.add("T00000000/B11111111/YYYYYYYYYYYYYYYYYYYYYYYY")))
    assert isinstance(outcome, Retry)
    assert (outcome.code, outcome.after, outcome.whole_address, outcome.outage) == ("429", 10, True, False)
    assert isinstance(other[-1], Sent)


async def test_a_removed_webhook_is_gone() -> None:
    async with SlackService() as slack, open_channel(channel_of("slack")) as send:
        slack.remove(slack.key)
        [outcome] = await send(envelope_to("slack", slack.url()))
    assert isinstance(outcome, Rejected)
    assert outcome.endpoint_state == "gone"


@pytest.mark.parametrize("path", ["workflows/T0/A0/1/abcdefghij", "triggers/T0/123/abcdefghij"])
def test_a_workflow_is_refused_with_what_to_do(path: str) -> None:
    with pytest.raises(UsageError, match="incoming webhook"):
        address("webhook", f"https://hooks.slack.com/{path}", Settings())


def test_the_cloud_of_governments_is_slack() -> None:
    found = address("webhook", f"https://hooks.slack-gov.com/services/{SlackService.key}", Settings())
    assert found.channel == "slack"
