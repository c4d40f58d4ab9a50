"""Those who may approve: notices with buttons, /pending, /status."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dispatch import archive
from dispatch.app import App
from dispatch.assets import config_dir
from dispatch.bot.approving import is_office
from dispatch.bot.desk import Office
from dispatch.bot.scene import Place
from dispatch.catalog import load_catalog
from dispatch.model import IssueState
from dispatch.service import run_once
from dispatch.testing import BotApi
from dispatch.testing.bot_api import Message
from subscribers import audit
from subscribers.audit import PROGRAM, Act, Way
from tests.bot.conftest import Talk, answered, conversing, sample, settings

GROUP, ANN = -1_000_000_700_001, 900_001


@pytest.fixture
async def office(tmp_path: Path, api: BotApi) -> AsyncIterator[Talk]:
    """A group and a person may approve."""
    publish = {"approvers": [str(GROUP), str(ANN)]}
    app = App(settings(tmp_path, api, web={"base_url": "https://bulletin.test"}, publish=publish))
    with app.database() as db:
        async with conversing(app):
            yield Talk(api, app, db)
    app.stop_reading()


def state(talk: Talk, issue: int) -> tuple[IssueState, str]:
    stored = archive.load(talk.db, issue)
    return stored.state, stored.approved_by


async def notice(talk: Talk) -> tuple[int, Message]:
    """A held issue, and the notice of it in the group."""
    ann = talk.api.user("Ann", id=ANN, started=True)
    group = talk.api.group("审批", id=GROUP, members={ann: "creator", talk.api.user("Bob"): "member"})
    issue = sample(talk.app, talk.db)
    again = App(talk.app.settings)
    await run_once(again, take_in=False)
    again.stop_reading()
    for _ in range(20):
        message = await group.next()
        if message.buttons:
            return issue, message
    raise AssertionError("no notice with buttons")


async def test_a_notice_is_approved_by_an_administrator_alone(office: Talk) -> None:
    issue, message = await notice(office)
    assert message.labels == ["预览", "批准", "取消"]
    assert str(message.buttons[0][0].url).startswith("https://bulletin.test/preview/")
    ann, bob = office.api.world.users[ANN], next(u for u in office.api.world.users.values() if u.name == "Bob")
    stranger = office.api.user("Mallory")
    for other in (bob, stranger):
        refused = await other.press(message, "批准")
        assert (refused.alert, "审批" in refused.text) == (True, True)
    assert state(office, issue)[0] is IssueState.HELD
    assert "已批准" in (await ann.press(message, "批准")).text
    await answered(office)
    assert state(office, issue) == (IssueState.APPROVED, f"telegram:{ANN} (Ann)")
    assert message.buttons == []
    assert message.text.startswith("✅ 火炬动态 2022年第5期（总第534期） 已批准（Ann）。")
    assert "待审批" not in message.text
    assert (str(ANN) in message.text, "Asia/Shanghai" in message.text) == (False, True)
    [done] = audit.found(office.db, audit.Wanted(action="approved"))
    assert (done["actor"], done["way"], done["subject_id"]) == (f"telegram:{ANN} (Ann)", "bot", "huoju:534")


async def test_a_notice_with_buttons_says_each_thing_once_and_in_one_language(office: Talk) -> None:
    _, message = await notice(office)
    assert "等待审批" in message.text
    assert "dispatch issues" not in message.text
    assert "preview" not in message.html  # the button leads there
    assert "有 3 处存疑，见预览。" in message.text
    assert "Line " not in message.text


async def test_the_notices_in_other_chats_say_it_too(office: Talk) -> None:
    _, message = await notice(office)
    ann = office.api.world.users[ANN]
    others = [one for one in ann.chat.messages if one.labels == ["预览", "批准", "取消"]]
    assert len(others) == 1
    await ann.press(message, "批准")
    await answered(office)
    assert others[0].text == message.text
    assert others[0].buttons == []
    late = await ann.press(others[0], data="ap:c:1:1")
    assert (late.alert, "已批准（Ann）" in late.text) == (True, True)


async def test_a_cancel_is_asked_about_first(office: Talk) -> None:
    issue, message = await notice(office)
    ann = office.api.world.users[ANN]
    await ann.press(message, "取消")
    await message.edited()
    assert message.labels == ["确定取消", "返回"]
    await ann.press(message, "返回")
    await message.edited()
    assert message.labels == ["预览", "批准", "取消"]
    assert state(office, issue)[0] is IssueState.HELD
    await ann.press(message, "取消")
    await message.edited()
    await ann.press(message, "确定取消")
    await message.edited()
    assert (state(office, issue)[0], message.buttons) == (IssueState.CANCELLED, [])
    assert "已取消（Ann）" in message.text
    assert "待审批" not in message.text


async def test_of_two_who_press_at_once_one_wins(office: Talk) -> None:
    issue, message = await notice(office)
    ann = office.api.world.users[ANN]
    bob = next(user for user in office.api.world.users.values() if user.name == "Bob")
    office.api.chat(GROUP).promote(bob)  # type: ignore[attr-defined]  # it is a group
    first, second = await asyncio.gather(ann.press(message, "批准"), bob.press(message, "批准"))
    assert first.text == second.text
    assert sorted([first.alert, second.alert]) == [False, True]
    assert len(audit.found(office.db, audit.Wanted(action="approved"))) == 1
    assert state(office, issue)[0] is IssueState.APPROVED


async def test_what_was_not_shown_is_not_approved(office: Talk, tmp_path: Path) -> None:
    issue, message = await notice(office)
    ann = office.api.world.users[ANN]
    path = tmp_path / "again.md"
    text = (config_dir() / "samples" / "huoju-2022-05.md").read_text(encoding="utf-8")
    path.write_text(text.replace("644.24", "644.42"), encoding="utf-8")
    reading = office.app.pickup.read(path, path.name)
    office.app.pickup.take_in(office.db, reading, Act(office.app.clock.now(), PROGRAM, Way.FILE))
    told = await ann.press(message, "批准")
    assert (told.alert, "第 2 稿" in told.text) == (True, True)
    assert state(office, issue)[0] is IssueState.HELD
    await answered(office)
    assert message.buttons == []
    await ann.send("/pending")
    pending = await ann.next()
    while "待审批的期刊" not in pending.text:  # the notices to the person come before
        pending = await ann.next()
    assert "第 2 稿" in pending.text
    await ann.press(pending, "批准 534")
    await answered(office)
    assert state(office, issue)[0] is IssueState.APPROVED
    assert "没有待审批的期刊" in pending.text


@pytest.mark.parametrize(
    ("language", "words", "status"), [("zh-hans", "没有待审批", "运行状况"), ("en", "No issue", "Status")]
)
async def test_pending_and_status_are_for_those_who_approve(
    office: Talk, language: str, words: str, status: str
) -> None:
    ann = office.api.user("Ann", id=ANN, language=language)
    bob = office.api.user("Bob", language=language)
    await ann.send("/pending")
    assert words in (await ann.next()).text
    await ann.send("/status")
    assert status in (await ann.next()).text
    await bob.send("/pending")
    await bob.send("/status")
    await bob.send("/help")
    while "/follow" not in (await bob.next()).text:
        pass
    assert not any(words in text or status in text for text in bob.chat.texts)
    assert "pending" in ann.commands()
    assert "pending" not in bob.commands()


@pytest.mark.parametrize(
    "data",
    ["ap:", "ap:a", "ap:a:1", "ap:a:99:1", "ap:x:1:1", "ap:a:" + "9" * 30 + ":1", "ap:a:1:1:x", "ap:n:1:7", "ap:y:1:2"],
)
async def test_forged_data_decides_nothing(office: Talk, data: str) -> None:
    ann = office.api.user("Ann", id=ANN)
    issue = sample(office.app, office.db)
    assert issue == 1
    await ann.send("/pending")
    await ann.press(await ann.next(), data=data)
    await answered(office)
    assert state(office, issue)[0] is IssueState.HELD


async def test_a_button_in_another_chat_is_nobodys(office: Talk) -> None:
    """Whoever sends the data from a chat of their own gets nothing by it."""
    mallory = office.api.user("Mallory")
    issue = sample(office.app, office.db)
    await mallory.send("/help")
    message = await mallory.next()
    for data in (f"ap:a:{issue}:1", f"ap:y:{issue}:1", f"ap:n:{issue}:1:0"):
        told = await mallory.press(message, data=data)
        assert "审批" in told.text
    await answered(office)
    assert state(office, issue)[0] is IssueState.HELD
    assert len(mallory.chat.messages) == 1


@pytest.mark.parametrize(
    ("here", "username", "found"),
    [
        (Place(-5, 0, "supergroup"), None, True),
        (Place(-5, 7, "supergroup"), None, True),
        (Place(-6, 0, "supergroup"), None, False),
        (Place(-6, 45, "supergroup"), None, True),
        (Place(-7, 0, "channel"), "Our_Office", True),
        (Place(7), "our_office", False),
        (Place(8), None, True),
        (Place(9), "none", False),
    ],
)
def test_which_chats_may_approve(here: Place, username: str | None, found: bool) -> None:
    office = Office(42, "", "telegram", load_catalog(), admins=("-5", "-6/45", "@our_office", "8", "@none"))
    assert is_office(office, here, username) is found


async def test_a_name_is_hostile_too(office: Talk) -> None:
    issue, message = await notice(office)
    ann = office.api.world.users[ANN]
    ann.name = "<b>\u202e" + "x" * 300
    await ann.press(message, "批准")
    await answered(office)
    _, by = state(office, issue)
    assert by.startswith(f"telegram:{ANN} (<b> x")
    assert len(by) < 100
    assert "<b> x" in message.text
