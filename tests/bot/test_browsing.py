"""/browse: menus in one message that is edited."""

from __future__ import annotations

import pytest

from dispatch.bot.desk import Desk, Office
from dispatch.bot.menu import Browse, menu, root
from dispatch.bot.scene import Place, Scene
from dispatch.testing.telegram.keyboards import check_markup
from dispatch.testing.telegram_html import parse_html
from tests.bot.conftest import Talk

NANCHANG = "park:南昌高新区"


async def test_a_park_is_found_by_its_province(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await ann.send("/browse")
    menu = await ann.next()
    await ann.press(menu, "高新区（按省份）")
    await menu.edited()
    while not any(words.startswith("江西") for words in menu.labels):
        await ann.press(menu, " ›")
        await menu.edited()
    place = menu.labels[-3:-1]
    await ann.press(menu, "江西")
    await menu.edited()
    assert "9 家" in menu.text
    answer = await ann.press(menu, "南昌高新区")
    assert answer.text == "已关注：南昌高新区"
    await menu.edited()
    assert "✅ 南昌高新区" in menu.labels
    assert talk.follows(ann.id) == {NANCHANG}
    await ann.press(menu, "‹ 返回省份")
    await menu.edited()
    assert "江西 (1)" in menu.labels
    assert menu.labels[-3:-1] == place
    await ann.press(menu, "« 首页")
    await menu.edited()
    assert "🏙 高新区（按省份）" in menu.labels
    assert len(ann.chat.texts) == 1


async def test_a_whole_province_is_followed_and_its_parks_are_marked(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await ann.send("/browse")
    menu = await ann.next()
    await ann.press(menu, "高新区（按省份）")
    await menu.edited()
    await ann.press(menu, "北京")
    await menu.edited()
    await ann.press(menu, "北京市全部高新区")
    await menu.edited()
    assert talk.follows(ann.id) == {"province:北京市"}
    assert menu.labels[0].startswith("✅")
    assert menu.labels[1].startswith("☑️")
    await ann.press(menu, "北京市全部高新区")
    await menu.edited()
    assert talk.follows(ann.id) == set()


@pytest.mark.parametrize(
    ("language", "group", "topic"),
    [("zh", "产业", "区块链"), ("en", "Industries", "Blockchain")],
)
async def test_a_topic_is_found_by_its_group(talk: Talk, language: str, group: str, topic: str) -> None:
    ann = talk.api.user("Ann", language=language)
    await ann.send("/browse")
    menu = await ann.next()
    await ann.press(menu, group)
    await menu.edited()
    while topic not in menu.labels:
        await ann.press(menu, " ›")
        await menu.edited()
    page = [words for words in menu.labels if "/" in words]
    await ann.press(menu, topic)
    await menu.edited()
    assert f"✅ {topic}" in menu.labels
    assert [words for words in menu.labels if "/" in words] == page
    assert talk.follows(ann.id) == {"topic:blockchain"}


@pytest.mark.parametrize(
    ("language", "column", "whole"), [("zh", "栏目", "火炬动态 全部"), ("en", "Columns", "everything")]
)
async def test_columns_and_the_whole_bulletin_are_followed(talk: Talk, language: str, column: str, whole: str) -> None:
    ann = talk.api.user("Ann", language=language)
    await ann.send("/browse")
    menu = await ann.next()
    await ann.press(menu, column)
    await menu.edited()
    await ann.press(menu, menu.labels[1])
    await menu.edited()
    key = talk.app.catalog.offered[0].columns[0].key
    assert talk.follows(ann.id) == {f"column:huoju/{key}"}
    await ann.press(menu, whole)
    await menu.edited()
    assert talk.follows(ann.id) == {f"column:huoju/{key}", "bulletin:huoju"}
    assert menu.labels[2].startswith("☑️")


@pytest.mark.parametrize(("language", "words"), [("zh", "全部内容"), ("en", "everything")])
async def test_a_newcomer_can_follow_everything_from_the_greeting(talk: Talk, language: str, words: str) -> None:
    ann = talk.api.user("Ann", language=language)
    await ann.start()
    greeting = await ann.next()
    await ann.press(greeting, words)
    await greeting.edited()
    assert talk.follows(ann.id) == {"all"}
    assert f"✅ {words}" in greeting.labels


async def test_everybody_in_a_group_may_look_and_administrators_tick(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob")
    group = talk.api.group("群", members={ann: "creator", bob: "member"})
    await bob.send("/browse", chat=group)
    menu = await group.next()
    await bob.press(menu, "栏目")
    await menu.edited()
    assert (await bob.press(menu, menu.labels[1])).alert
    assert talk.follows(group.id) == set()
    await ann.press(menu, menu.labels[1])
    await menu.edited()
    assert len(talk.follows(group.id)) == 1


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_every_menu_is_what_telegram_takes(talk: Talk, language: str) -> None:
    """All menus that buttons lead to, beginning with the first."""
    here = Place(7)
    office = Office(number=42, username="bot", queue="telegram", catalog=talk.app.catalog)
    desk = Desk(talk.db, office, Scene(here, here, user_id=7, language=language), talk.app.clock.now())
    todo, seen = [root(desk)], set[str]()
    while todo:
        words, markup = todo.pop()
        assert parse_html(words).text
        check_markup(markup.model_dump(mode="json", exclude_none=True))
        assert len(markup.inline_keyboard) <= 13
        for data in (found.callback_data or "" for row in markup.inline_keyboard for found in row):
            asked = Browse.unpack(data)
            if not asked.tag and data not in seen:
                seen.add(data)
                found = menu(desk, asked)
                assert found is not None
                todo.append(found)
    assert len(seen) > 40
