"""/language."""

from __future__ import annotations

import pytest

from tests.bot.conftest import Talk


async def test_the_bot_speaks_another_language_at_once(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="zh-hans")
    await ann.send("/language")
    shown = await ann.next()
    assert shown.labels == ["✅ 中文", "English"]
    await ann.press(shown, "English")
    await shown.edited()
    assert "The articles are in Chinese" in shown.text
    await ann.send("/help")
    assert "what you follow" in (await ann.next()).text
    found = talk.endpoint(ann.id)
    assert found is not None
    assert found.preferences.language == "en"
    assert ann.menu()[0]["description"] == "关注高新区、主题或栏目"  # that is Telegram's own language


@pytest.mark.parametrize(("word", "language"), [("en", "en"), ("English", "en"), ("中文", "zh"), ("ＺＨ", "zh")])
async def test_a_language_is_written(talk: Talk, word: str, language: str) -> None:
    ann = talk.api.user("Ann", language="en" if language == "zh" else "zh")
    await ann.send(f"/language {word}")
    assert "✅ " + {"zh": "中文", "en": "English"}[language] in (await ann.next()).labels
    found = talk.endpoint(ann.id)
    assert found is not None
    assert found.preferences.language == language


@pytest.mark.parametrize("word", ["fr", "<b>", "\u202een", "🇬🇧", "x" * 4000])
async def test_what_is_no_language_of_ours_changes_nothing(talk: Talk, word: str) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send(f"/language {word}")
    shown = await ann.next()
    assert shown.labels == ["中文", "✅ English"]
    assert (await ann.press(shown, data="la:fr")).alert
    assert talk.endpoint(ann.id) is None


async def test_a_group_has_a_language_of_its_own(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann", language="zh"), talk.api.user("Bob", language="zh")
    group = talk.api.group("群", members={ann: "creator", bob: "member"})
    await ann.send("/language en", chat=group)
    await group.next()
    await bob.send("/help", chat=group)
    assert "what you follow" in (await group.next()).text
    await bob.send("/language zh", chat=group)
    assert "administrators" in (await group.next()).text
    assert talk.endpoint(ann.id) is None
