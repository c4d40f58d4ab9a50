"""WeCom's robots: what is posted, and what comes of each answer."""

from __future__ import annotations

import pytest

from dispatch.channels.robots.wecom import MAX_MARKDOWN
from dispatch.model import Content, Rejected, Retry, Sent
from dispatch.testing.robots import WeComService

from .conftest import channel_of, envelope_to, open_channel


async def test_a_digest_is_markdown_with_links_and_the_follows_of_the_group() -> None:
    async with WeComService() as wecom, open_channel(channel_of("wecom")) as send:
        assert [type(outcome) for outcome in await send(envelope_to("wecom", wecom.url()))] == [Sent]
        [post] = wecom.posts
    text = post.body["markdown"]["content"]
    assert post.body["msgtype"] == "markdown"
    assert text.startswith("## 火炬动态 · ")
    assert "](https://bulletin.example/" in text
    assert "本群关注：南昌高新区" in text
    assert "/u/" not in text


@pytest.mark.parametrize("form", ["markdown", "markdown_v2", "news"])
async def test_each_form_is_taken(form: str) -> None:
    async with WeComService() as wecom, open_channel(channel_of("wecom", wecom_format=form)) as send:
        assert all(isinstance(outcome, Sent) for outcome in await send(envelope_to("wecom", wecom.url())))
        assert {post.body["msgtype"] for post in wecom.posts} == {form}


async def test_without_pages_there_is_the_text_instead_of_links_and_news_become_markdown() -> None:
    async with WeComService() as wecom:
        for form in ("markdown", "news"):
            async with open_channel(channel_of("wecom", pages=False, wecom_format=form)) as send:
                await send(envelope_to("wecom", wecom.url()))
    for post in wecom.posts:
        assert "](" not in post.body["markdown"]["content"]
        assert "完善服务体系" in post.body["markdown"]["content"]


async def test_a_long_digest_takes_several_messages_within_the_bytes(long_content: Content) -> None:
    async with WeComService() as wecom, open_channel(channel_of("wecom", messages=10)) as send:
        outcomes = await send(envelope_to("wecom", wecom.url()), long_content)
    assert len(outcomes) > 1
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert max(len(post.body["markdown"]["content"].encode()) for post in wecom.posts) <= MAX_MARKDOWN


@pytest.mark.parametrize(
    ("code", "kind", "state"),
    [
        (93000, Rejected, "gone"),
        (40058, Rejected, ""),
        (93004, Rejected, "paused"),
        (-1, Retry, ""),
        (77777, Retry, ""),
    ],
)
async def test_an_error_inside_of_200_is_no_delivery(code: int, kind: type[Rejected | Retry], state: str) -> None:
    async with WeComService() as wecom, open_channel(channel_of("wecom")) as send:
        wecom.refuse(code)
        [outcome] = await send(envelope_to("wecom", wecom.url()))
    assert isinstance(outcome, kind)
    assert (outcome.code, getattr(outcome, "endpoint_state", "")) == (str(code), state)
    assert wecom.key not in outcome.reason


async def test_what_is_too_frequent_rests_for_that_robot_alone() -> None:
    async with WeComService() as wecom, open_channel(channel_of("wecom")) as send:
        for _ in range(wecom.limit):
            assert isinstance((await send(envelope_to("wecom", wecom.url())))[-1], Sent)
        [outcome] = await send(envelope_to("wecom", wecom.url()))
        other = await send(envelope_to("wecom", wecom.add("11111111-2222-3333-4444-555555555555")))
    assert isinstance(outcome, Retry)
    assert (outcome.code, outcome.after, outcome.whole_address, outcome.outage) == ("45009", 60, True, False)
    assert isinstance(other[-1], Sent)


async def test_a_removed_robot_is_gone() -> None:
    async with WeComService() as wecom, open_channel(channel_of("wecom")) as send:
        wecom.remove(wecom.key)
        [outcome] = await send(envelope_to("wecom", wecom.url()))
    assert isinstance(outcome, Rejected)
    assert outcome.endpoint_state == "gone"
