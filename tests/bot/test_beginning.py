"""/start and /help."""

from __future__ import annotations

import pytest

from dispatch.bot.codes import start_payload
from subscribers.model import EndpointState
from tests.bot.conftest import Talk


@pytest.mark.parametrize(
    ("language", "words"), [("zh-hans", "按您的关注推送"), ("en", "what you follow"), ("", "按您的")]
)
async def test_who_starts_the_bot_is_greeted_in_their_language(talk: Talk, language: str, words: str) -> None:
    ann = talk.api.user("Ann", language=language)
    await ann.send("/start")
    assert words in (await ann.next()).text
    assert talk.endpoint(ann.id) is None


async def test_a_link_follows_what_it_names(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="zh-hans")
    await ann.start(start_payload(["park:南昌高新区", "topic:blockchain"]))
    answer = await ann.next()
    assert "南昌高新区" in answer.text
    assert "区块链" in answer.text
    assert talk.follows(ann.id) == {"park:南昌高新区", "topic:blockchain"}
    found = talk.endpoint(ann.id)
    assert found is not None
    assert (found.state, found.address.queue) == (EndpointState.ACTIVE, "telegram")
    assert "chat" in found.consent


@pytest.mark.parametrize("payload", ["f", "fAAAAAAAAA", "x", "f" + "A" * 63, "-1"])
async def test_a_link_that_says_nothing_is_a_start(talk: Talk, payload: str) -> None:
    ann = talk.api.user("Ann")
    await ann.start(payload)
    text = (await ann.next()).text
    assert "已经找不到了" in text
    assert "按您的关注推送" in text
    assert talk.endpoint(ann.id) is None


async def test_only_administrators_start_something_in_a_group(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob")
    group = talk.api.group("群", members={ann: "creator", bob: "member"})
    await bob.start(start_payload(["park:南昌高新区"]), chat=group)
    assert "管理员" in (await group.next()).text
    assert talk.follows(group.id) == set()
    await ann.start(start_payload(["park:南昌高新区"]), chat=group)
    assert "已关注" in (await group.next()).text
    assert talk.follows(group.id) == {"park:南昌高新区"}


async def test_the_button_above_inline_answers_is_a_plain_start(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="zh")
    await ann.start("inline")
    text = (await ann.next()).text
    assert "按您的关注推送" in text
    assert "找不到" not in text


@pytest.mark.parametrize("command", ["/Start", "/HELP", "/Follow 南昌高新区", "/LATEST", "/Pause"])
async def test_commands_are_known_whatever_their_case(talk: Talk, command: str) -> None:
    ann = talk.api.user("Ann", language="zh")
    word, _, rest = command.partition(" ")
    await ann.send(f"{word.lower()} {rest}".strip())
    expected = (await ann.next()).text
    bob = talk.api.user("Bob", language="zh")
    await bob.send(command)
    assert (await bob.next()).text == expected
