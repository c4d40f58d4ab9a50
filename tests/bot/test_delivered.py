"""The buttons below a delivered digest."""

from __future__ import annotations

import re

import pytest
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from dispatch.bot.codes import start_payload
from dispatch.channels.telegram_buttons import Button, Mute, Previous, Unfollow, pack, tag_hash
from dispatch.testing import BotApi
from dispatch.testing.telegram.chats import Chat
from dispatch.testing.telegram.messages import Message
from dispatch.testing.telegram.users import User
from subscribers import directory
from subscribers.audit import Act, Way
from subscribers.model import EndpointState
from tests.bot.conftest import Talk
from tests.bot.issues import three

NANCHANG, TORCH = "park:南昌高新区", "column:huoju/torch"
_DAY = 86_400_000


async def follower(talk: Talk, *tags: str, language: str = "zh-hans") -> tuple[User, int]:
    """Somebody who follows these in the private chat, and the endpoint."""
    ann = talk.api.user("Ann", language=language)
    await ann.start(start_payload(list(tags)))
    await ann.next()
    return ann, endpoint_id(talk, ann.id)


def endpoint_id(talk: Talk, address: int | str) -> int:
    found = talk.endpoint(address)
    assert found is not None
    return found.id


async def delivered(talk: Talk, chat: Chat, *buttons: Button) -> Message:
    """A message of the bot's with these buttons, as below a digest."""
    rows = [[InlineKeyboardButton(text=type(one).__name__, callback_data=pack(one))] for one in buttons]
    line = talk.app.bots.get("default")
    await line.api.send_message(chat.id, "期刊", reply_markup=InlineKeyboardMarkup(inline_keyboard=rows))
    return await chat.next()


def digest_of(talk: Talk, issue_id: int, column: int) -> int:
    """The digest of a column, counted from 0."""
    sql = "SELECT id FROM digests WHERE issue_id = :issue AND column_position = :column"
    return int(talk.db.value(sql, {"issue": issue_id, "column": column}))


def state(talk: Talk, address: int | str) -> tuple[EndpointState, int | None]:
    found = talk.endpoint(address)
    assert found is not None
    return found.state, found.paused_until


# -------------------------------------------------------------------------------------------------- one follow


@pytest.mark.parametrize(
    ("language", "dropped", "undo", "again"),
    [
        ("zh-hans", "已取消关注：南昌高新区", "恢复关注", "已恢复关注"),
        ("en", "Unfollowed", "Follow again", "Followed again"),
    ],
)
async def test_a_follow_is_dropped_and_taken_back(
    talk: Talk, language: str, dropped: str, undo: str, again: str
) -> None:
    ann, endpoint = await follower(talk, NANCHANG, TORCH, language=language)
    message = await delivered(talk, ann.chat, Unfollow(endpoint, tag_hash(NANCHANG)))
    await ann.press(message, "Unfollow")
    answer = await ann.next()
    assert dropped in answer.text
    assert talk.follows(ann.id) == {TORCH}
    await ann.press(answer, undo)
    await answer.edited()
    assert again in answer.text
    assert answer.labels == []
    assert talk.follows(ann.id) == {NANCHANG, TORCH}


async def test_a_follow_that_is_gone_is_told_so(talk: Talk) -> None:
    ann, endpoint = await follower(talk, TORCH)
    message = await delivered(talk, ann.chat, Unfollow(endpoint, tag_hash(NANCHANG)))
    assert "已经取消关注" in (await ann.press(message, "Unfollow")).text
    assert talk.follows(ann.id) == {TORCH}


# --------------------------------------------------------------------------------------------------- a quiet day


async def test_a_quiet_day_begins_and_is_ended(talk: Talk) -> None:
    ann, endpoint = await follower(talk, TORCH)
    message = await delivered(talk, ann.chat, Mute(endpoint))
    now = talk.app.clock.now()
    await ann.press(message, "Mute")
    answer = await ann.next()
    assert "不会补发" in answer.text
    assert re.match(r"(今天|明天) \d\d:\d\d（Asia/Shanghai）之前不再推送", answer.text) is not None
    paused, until = state(talk, ann.id)
    assert paused is EndpointState.PAUSED
    assert until is not None
    assert now + _DAY <= until <= talk.app.clock.now() + _DAY
    await ann.press(answer, "立即恢复")
    await answer.edited()
    assert "推送已恢复" in answer.text
    assert state(talk, ann.id) == (EndpointState.ACTIVE, None)
    assert "没有暂停" in (await ann.press(answer, data="rdm")).text


async def test_a_longer_pause_is_not_made_shorter(talk: Talk) -> None:
    ann, endpoint = await follower(talk, TORCH)
    found = talk.endpoint(ann.id)
    assert found is not None
    with talk.db.transaction():
        directory.pause(talk.db, found, Act(talk.app.clock.now(), "reader", Way.BOT))
    message = await delivered(talk, ann.chat, Mute(endpoint))
    assert "已经暂停" in (await ann.press(message, "Mute")).text
    assert state(talk, ann.id) == (EndpointState.PAUSED, None)


# -------------------------------------------------------------------------------------------- the issue before


async def test_the_issue_before_shows_what_is_followed_of_the_column(talk: Talk) -> None:
    _, sample, _ = three(talk)
    ann, endpoint = await follower(talk, NANCHANG)
    message = await delivered(talk, ann.chat, Previous(endpoint, digest_of(talk, sample, 1)))
    await ann.press(message, "Previous")
    answer = await ann.next()
    assert "总第533期" in answer.text
    assert "1. 旧南昌高新区" in answer.text
    assert "潍坊" not in answer.text
    await ann.press(answer, "1")
    assert (await ann.next()).text.startswith("旧南昌高新区")
    await ann.press(answer, "本栏目全部文章")
    await answer.edited()
    assert "旧潍坊高新区" in answer.text


async def test_of_the_oldest_issue_there_is_none_before(talk: Talk) -> None:
    older, sample, held = three(talk)
    ann, endpoint = await follower(talk, NANCHANG)
    for digest in (digest_of(talk, older, 1), 10**15):
        message = await delivered(talk, ann.chat, Previous(endpoint, digest))
        assert "没有更早" in (await ann.press(message, "Previous")).text
    message = await delivered(talk, ann.chat, Previous(endpoint, digest_of(talk, sample, 0)))
    await ann.press(message, "Previous")
    assert "没有您关注的文章" in (await ann.next()).text
    assert not any("秘" in text for text in ann.chat.texts)
    assert held


# ------------------------------------------------------------------------------------------------ whose they are


@pytest.mark.parametrize("make", [lambda e: Unfollow(e, tag_hash(TORCH)), Mute, lambda e: Previous(e, 1)])
async def test_a_button_of_another_subscription_does_nothing(talk: Talk, make) -> None:  # type: ignore[no-untyped-def]
    ann, endpoint = await follower(talk, TORCH)
    bob = talk.api.user("Bob", language="zh-hans")
    await bob.send("/help")
    await bob.next()
    of_ann = await delivered(talk, bob.chat, make(endpoint))
    answer = await bob.press(of_ann, type(make(endpoint)).__name__)
    assert answer.alert
    assert "失效" in answer.text
    old = await delivered(talk, ann.chat, make(endpoint + 1))
    assert "失效" in (await ann.press(old, type(make(endpoint)).__name__)).text
    assert talk.follows(ann.id) == {TORCH}
    assert state(talk, ann.id) == (EndpointState.ACTIVE, None)


async def test_in_groups_administrators_alone_change_something(talk: Talk, api: BotApi) -> None:
    ann, bob = api.user("Ann"), api.user("Bob")
    group = api.group("群", members={ann: "creator", bob: "member"})
    await ann.start(start_payload([TORCH]), chat=group)
    await group.next()
    endpoint = endpoint_id(talk, group.id)
    message = await delivered(talk, group, Unfollow(endpoint, tag_hash(TORCH)), Mute(endpoint))
    for words in ("Unfollow", "Mute"):
        answer = await bob.press(message, words)
        assert answer.alert
        assert "管理员" in answer.text
    assert talk.follows(group.id) == {TORCH}
    await ann.press(message, "Unfollow")
    answered = await group.next()
    assert talk.follows(group.id) == set()
    assert "管理员" in (await bob.press(answered, "恢复关注")).text
    assert talk.follows(group.id) == set()
