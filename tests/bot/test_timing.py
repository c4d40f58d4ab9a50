"""/digest and /quiet, by buttons and in words."""

from __future__ import annotations

import pytest

from subscribers.model import Cadence, EndpointState, Preferences, Rhythm
from tests.bot.conftest import Talk


def rhythm(talk: Talk, address: int | str) -> Rhythm:
    return preferences(talk, address).rhythm


def preferences(talk: Talk, address: int | str) -> Preferences:
    found = talk.endpoint(address)
    assert found is not None
    return found.preferences


async def test_a_rhythm_is_chosen_by_buttons(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="zh-hans")
    await ann.send("/digest")
    shown = await ann.next()
    assert "即时" in shown.text
    assert "✅ 即时" in shown.labels
    assert talk.endpoint(ann.id) is None  # looking changes nothing
    assert (await ann.press(shown, "每周")).text == "已保存"
    assert rhythm(talk, ann.id) == Rhythm(Cadence.WEEKLY, 0, 480)
    await shown.edited()
    await ann.press(shown, "📅 周几")
    await shown.edited()
    await ann.press(shown, "周五")
    await shown.edited()
    await ann.press(shown, "🕗 几点")
    await shown.edited()
    assert "✅ 08" in shown.labels
    await ann.press(shown, "21")
    await shown.edited()
    assert "每周 周五 21:00" in shown.text
    await ann.press(shown, "🌐 时区")
    await shown.edited()
    await ann.press(shown, "Europe/Berlin")
    await shown.edited()
    await ann.press(shown, "合并成一条消息")
    await shown.edited()
    await ann.press(shown, "只要标题")
    await shown.edited()
    assert preferences(talk, ann.id) == Preferences(
        Rhythm(Cadence.WEEKLY, 4, 21 * 60, "Europe/Berlin"), "zh", "titles", bundled=True
    )
    await ann.press(shown, "即时")
    await shown.edited()
    assert rhythm(talk, ann.id) == Rhythm(Cadence.NOW, -1, -1, "Europe/Berlin")
    assert not [label for label in shown.labels if "几点" in label]


async def test_who_chooses_before_following_waits_and_keeps_the_choice(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="zh")
    await ann.send("/digest daily 7:05")
    await ann.next()
    found = talk.endpoint(ann.id)
    assert found is not None
    assert found.state is EndpointState.PENDING
    await ann.send("/follow 南昌高新区")
    await ann.next()
    found = talk.endpoint(ann.id)
    assert found is not None
    assert (found.state, found.preferences.rhythm.minute) == (EndpointState.ACTIVE, 425)


@pytest.mark.parametrize(
    ("words", "then"),
    [
        ("daily 08:30 Asia/Shanghai", Rhythm(Cadence.DAILY, -1, 510)),
        ("每天 8：30", Rhythm(Cadence.DAILY, -1, 510)),
        ("weekly fri 09.00 europe/paris", Rhythm(Cadence.WEEKLY, 4, 540, "Europe/Paris")),
        ("每周 周日", Rhythm(Cadence.WEEKLY, 6, 480)),
        ("星期三 北京时间", Rhythm(Cadence.WEEKLY, 2, 480)),
        ("19:15", Rhythm(Cadence.DAILY, -1, 1155)),
        ("now", Rhythm()),
        ("UTC", Rhythm(timezone="UTC")),
    ],
)
async def test_a_rhythm_is_written(talk: Talk, words: str, then: Rhythm) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send(f"/digest {words}")
    assert "How often" in (await ann.next()).text
    assert rhythm(talk, ann.id) == then


async def test_the_form_is_written(talk: Talk) -> None:
    ann = talk.api.user("Ann")
    await ann.send("/digest bundled titles")
    await ann.next()
    assert preferences(talk, ann.id) == Preferences(format="titles", bundled=True)


@pytest.mark.parametrize(
    "words",
    [
        *(
            "25:00",
            "daily fri",
            "now 08:00",
            "<b>",
            "每天 " * 9,
            "🎉" * 1000,
            "\u202e08:30",
            "../../etc/passwd",
            "9" * 4000,
        ),
        *("\x00", "localtime", "daily 08:30 Asia/Nowhere", "٠٨:٣٠x"),
    ],
)
async def test_what_is_no_rhythm_changes_nothing(talk: Talk, words: str) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send(f"/digest {words}")
    answer = await ann.next()
    assert "/digest daily 08:30" in answer.text
    assert len(answer.text) < 1000
    assert talk.endpoint(ann.id) is None


@pytest.mark.parametrize("data", ["di:H:24", "di:H:-1", "di:Z:99", "di:b:2", "di:f:x", "di:c:", "di:?:", "di:W:7"])
async def test_forged_presses_of_digest_change_nothing(talk: Talk, data: str) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send("/digest")
    shown = await ann.next()
    assert (await ann.press(shown, data=data)).alert
    assert talk.endpoint(ann.id) is None


async def test_in_a_group_only_administrators_change_the_rhythm(talk: Talk) -> None:
    ann, bob = talk.api.user("Ann"), talk.api.user("Bob")
    group = talk.api.group("群", members={ann: "creator", bob: "member"}, forum=True)
    topic = group.topic("园区")
    await ann.send("/digest daily", chat=group, thread=topic)
    shown = await group.next()
    assert rhythm(talk, f"{group.id}/{topic.id}").cadence is Cadence.DAILY
    assert "管理员" in (await bob.press(shown, "每周")).text
    assert rhythm(talk, f"{group.id}/{topic.id}").cadence is Cadence.DAILY
    await ann.press(shown, "每周")
    assert rhythm(talk, f"{group.id}/{topic.id}").cadence is Cadence.WEEKLY
    assert talk.endpoint(group.id) is None


@pytest.mark.parametrize(
    ("words", "span"),
    [
        ("22:00-07:00", (1320, 420)),
        ("22:00 - 07:00", (1320, 420)),
        ("23–8", (1380, 480)),
        ("22：30到6：15", (1350, 375)),
        ("22-24", (1320, 0)),
    ],
)
async def test_quiet_hours_are_written(talk: Talk, words: str, span: tuple[int, int]) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send(f"/quiet {words}")
    assert "Quiet hours:" in (await ann.next()).text
    found = rhythm(talk, ann.id)
    assert (found.quiet_from, found.quiet_until) == span


async def test_quiet_hours_are_chosen_and_taken_back(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="zh")
    await ann.send("/digest weekly fri")
    await ann.next()
    await ann.send("/quiet")
    shown = await ann.next()
    assert "没有设置" in shown.text
    await ann.press(shown, "22:00-07:00")
    await shown.edited()
    assert "✅ 22:00-07:00" in shown.labels
    assert rhythm(talk, ann.id) == Rhythm(Cadence.WEEKLY, 4, 480, quiet_from=1320, quiet_until=420)
    await ann.send("/quiet off")
    assert "没有设置" in (await ann.next()).text
    assert rhythm(talk, ann.id) == Rhythm(Cadence.WEEKLY, 4, 480)


@pytest.mark.parametrize(
    "words", ["22:00", "22:00-22:00", "24:30-7", "99-1", "7:60-8", "<i>", "off off", "1" * 4000, "\x00"]
)
async def test_what_are_no_quiet_hours_change_nothing(talk: Talk, words: str) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send(f"/quiet {words}")
    assert "/quiet off" in (await ann.next()).text
    assert talk.endpoint(ann.id) is None


async def test_a_forged_press_of_quiet_changes_nothing(talk: Talk) -> None:
    ann = talk.api.user("Ann", language="en")
    await ann.send("/quiet")
    assert (await ann.press(await ann.next(), data="qu:0000-0000")).alert
    assert talk.endpoint(ann.id) is None
