"""/pause, which resumes too."""

from __future__ import annotations

import pytest

from subscribers import directory
from subscribers.model import Endpoint, EndpointState
from tests.acts import at
from tests.bot.conftest import Talk

DAY = 86_400_000


def found(talk: Talk, address: int | str) -> Endpoint:
    endpoint = talk.endpoint(address)
    assert endpoint is not None
    return endpoint


@pytest.mark.parametrize(("label", "days"), [("一天", 1), ("一周", 7), ("直到我恢复", None)])
async def test_a_pause_and_its_end(talk: Talk, label: str, days: int | None) -> None:
    ann = talk.api.user("Ann", language="zh")
    await ann.send("/follow 南昌高新区")
    await ann.next()
    await ann.send("/pause")
    shown = await ann.next()
    before = talk.app.clock.now()
    assert (await ann.press(shown, label)).text == "已暂停推送"
    await shown.edited()
    assert "不会补发" in shown.text
    paused = found(talk, ann.id)
    assert paused.state is EndpointState.PAUSED
    if days is None:
        assert paused.paused_until is None
    else:
        assert paused.paused_until is not None
        assert before + days * DAY <= paused.paused_until <= talk.app.clock.now() + days * DAY
    await ann.send("/pause")
    again = await ann.next()
    assert (await ann.press(again, "恢复")).text == "已恢复推送"
    assert found(talk, ann.id).state is EndpointState.ACTIVE
    assert talk.follows(ann.id) == {"park:南昌高新区"}


@pytest.mark.parametrize(("word", "state"), [("week", "paused"), ("一天", "paused"), ("off", "active")])
async def test_a_pause_is_written(talk: Talk, word: str, state: str) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send("/follow 南昌高新区")
    await ann.next()
    await ann.send(f"/pause {word}")
    assert ("Digests are paused" if state == "paused" else "Digests are on") in (await ann.next()).text
    assert found(talk, ann.id).state == state


@pytest.mark.parametrize(("language", "words"), [("zh", "没有推送可以暂停"), ("en", "nothing to pause")])
async def test_there_is_nothing_to_pause_before_something_is_followed(talk: Talk, language: str, words: str) -> None:
    ann = talk.api.user("Ann", language=language)
    await ann.send("/pause day")
    assert words in (await ann.next()).text
    assert talk.endpoint(ann.id) is None


async def test_what_an_administrator_paused_is_theirs_to_resume(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="zh")
    await ann.send("/follow 南昌高新区")
    await ann.next()
    with talk.db.transaction():
        directory.pause(talk.db, found(talk, ann.id), at(talk.app.clock.now()))
    await ann.send("/pause")
    shown = await ann.next()
    assert "只有本服务的管理员可以恢复" in shown.text
    assert shown.labels == []
    assert "管理员" in (await ann.press(shown, data="pa:r")).text
    await ann.send("/pause off")
    assert "管理员" in (await ann.next()).text
    assert found(talk, ann.id).state is EndpointState.PAUSED


async def test_members_of_a_group_do_not_pause_it(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob")
    group = talk.api.group("群", members={ann: "creator", bob: "member"})
    await ann.send("/follow 南昌高新区", chat=group)
    await group.next()
    await ann.send("/pause", chat=group)
    shown = await group.next()
    assert (await bob.press(shown, "一周")).alert
    assert found(talk, group.id).state is EndpointState.ACTIVE
    assert (await ann.press(shown, data="pa:z")).alert
    await ann.press(shown, "一周")
    assert found(talk, group.id).state is EndpointState.PAUSED


@pytest.mark.parametrize(("language", "words"), [("zh", "已恢复推送"), ("en", "Digests are resumed")])
async def test_what_resumes_says_so_where_something_changed(talk: Talk, language: str, words: str) -> None:
    ann = talk.api.user("Ann", language=language)
    for command in ("/follow 南昌高新区", "/pause week"):
        await ann.send(command)
        await ann.next()
    await ann.send("/pause off")
    assert (await ann.next()).text.startswith(words)
    await ann.send("/pause off")
    assert words not in (await ann.next()).text


async def test_a_word_that_says_no_time_is_not_passed_over(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="zh")
    await ann.send("/follow 南昌高新区")
    await ann.next()
    await ann.send("/pause month")
    assert (await ann.next()).text.startswith("看不懂“month”")
    assert found(talk, ann.id).state is EndpointState.ACTIVE
