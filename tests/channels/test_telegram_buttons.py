"""The buttons below a digest, and what they say when they are pressed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.assets import templates_dir
from dispatch.channels.telegram import TelegramChannel
from dispatch.channels.telegram_buttons import LONGEST, Button, Mute, Previous, Unfollow, pack, tag_hash, unpack
from dispatch.digests.render import Renderer
from dispatch.model import Notice, Outcome, Reason, Rejected, Sent
from dispatch.settings import TelegramSettings
from tests.channels.test_telegram import TOKEN, BotApi, bundle, content, envelope, failure, linked, send_all, serving

_IDS = st.integers(1, 10**18 - 1)
BUTTONS = st.one_of(
    st.builds(Unfollow, _IDS, st.text().map(tag_hash)), st.builds(Mute, _IDS), st.builds(Previous, _IDS, _IDS)
)
REASONS = tuple(Reason(f"park:{name}", name) for name in ("南京高新区", "昆山高新区", "苏州工业园", "无锡高新区"))


def channel_for(base: str, pages: bool = True) -> TelegramChannel:
    settings = TelegramSettings.model_validate({"token": TOKEN, "api_base": base, "timeout": 10})
    return TelegramChannel(settings, Renderer(templates_dir(), None, linked if pages else lambda *place: ""))


def keyboard(posted: dict[str, str]) -> list[list[dict[str, Any]]]:
    if "reply_markup" not in posted:
        return []
    found: list[list[dict[str, Any]]] = json.loads(posted["reply_markup"])["inline_keyboard"]
    return found


@given(BUTTONS)
def test_what_is_packed_is_unpacked_and_has_room(button: Button) -> None:
    assert unpack(pack(button)) == button
    assert len(pack(button).encode()) <= LONGEST


@pytest.mark.parametrize(
    "data",
    ["", "x", "1:m:", "1:m:-1", "1:m:1:2", "2:m:1", "1:u:1:", "1:u:1:short", "1:m:１", "1:m:1\n", f"1:m:{'9' * 40}"],
)
def test_data_of_nobodys_is_nothing(data: str) -> None:
    assert unpack(data) is None


@given(st.text(max_size=80))
def test_whatever_is_sent_is_a_button_or_none(data: str) -> None:
    found = unpack(data)
    assert found is None or pack(found) == data or data.lstrip("1:ump") != data


def test_the_follow_is_found_among_those_of_the_endpoint_alone() -> None:
    button = Unfollow(5, tag_hash("park:南京高新区"))
    assert button.tag(["all", "park:南京高新区"]) == "park:南京高新区"
    assert button.tag(["all"]) == ""


async def test_a_digest_has_its_buttons() -> None:
    api = BotApi()
    async with serving(api) as base:
        await send_all(channel_for(base), content("导语。"), envelope(endpoint_id=5, reasons=REASONS))
    (posted,) = api.posted
    page, *drops, last = keyboard(posted)
    assert page == [{"text": "阅读全文", "url": "https://news.example.org/huoju/534/1"}]
    assert [row[0]["text"] for row in drops] == ["取消关注“南京高新区”", "取消关注“昆山高新区”", "取消关注“苏州工业园”"]
    assert unpack(drops[1][0]["callback_data"]) == Unfollow(5, tag_hash("park:昆山高新区"))
    assert [button["text"] for button in last] == ["暂停一天", "上一期"]
    assert [unpack(button["callback_data"]) for button in last] == [Mute(5), Previous(5, 1)]


def many(count: int) -> tuple[Reason, ...]:
    return tuple(
        Reason(reason.tag, reason.label, f"https://news.example.org/drop/{n}")
        for n, reason in enumerate(REASONS[:count])
    )


@pytest.mark.parametrize(
    ("changes", "links"),
    [
        ({"endpoint_id": 5, "reasons": many(3)}, []),
        ({"endpoint_id": 5, "reasons": many(4)}, ["drop/3", "out?t=abc"]),
        ({"endpoint_id": 5, "reasons": many(1), "address": "@news"}, ["drop/0", "out?t=abc"]),
        ({"endpoint_id": 0, "reasons": many(1)}, ["drop/0", "out?t=abc"]),
    ],
)
async def test_what_a_button_does_is_no_link_besides(changes: dict[str, Any], links: list[str]) -> None:
    api = BotApi()
    async with serving(api) as base:
        await send_all(channel_for(base), content("导语。"), envelope(**changes))
    text = api.posted[0]["text"]
    assert [link for link in ("drop/0", "drop/1", "drop/2", "drop/3", "out?t=abc") if link in text] == links
    assert ("/unfollow" in text) is (not links)


async def test_where_nobody_listens_there_are_links_and_no_buttons_that_change_something() -> None:
    api = BotApi()
    async with serving(api) as base:
        settings = TelegramSettings.model_validate({"token": TOKEN, "api_base": base, "conversation": False})
        channel = TelegramChannel(settings, Renderer(templates_dir(), None, linked))
        await send_all(channel, content("导语。"), envelope(endpoint_id=5, reasons=many(1)))
    (posted,) = api.posted
    assert [button["text"] for row in keyboard(posted) for button in row] == ["阅读全文"]
    assert "drop/0" in posted["text"]
    assert "out?t=abc" in posted["text"]


async def test_the_full_text_of_a_shortened_article_is_behind_the_button_alone() -> None:
    api = BotApi()
    long = ["南京高新区计划实施重大产业项目32个。" * 60] * 90
    async with serving(api) as base:
        await send_all(channel_for(base), content(*long), envelope(endpoint_id=5))
        await send_all(channel_for(base), content(*long, articles=2), envelope(endpoint_id=5))
    texts = ["".join(posted["text"] for posted in posts) for posts in _by_keyboard(api.posted)]
    assert ["此处未刊全文" in text for text in texts] == [True, True]
    assert ["阅读全文</a>" in text for text in texts] == [False, True]


def _by_keyboard(posted: list[dict[str, str]]) -> list[list[dict[str, str]]]:
    """Messages of digests, each of which ends with its buttons."""
    found: list[list[dict[str, str]]] = [[]]
    for post in posted:
        found[-1].append(post)
        if keyboard(post):
            found.append([])
    return found[:-1]


async def test_several_articles_lead_to_the_page_of_the_issue() -> None:
    api = BotApi()
    async with serving(api) as base:
        await send_all(channel_for(base), content("导语。", articles=2), envelope(endpoint_id=5))
    assert keyboard(api.posted[0])[0][0]["url"] == "https://news.example.org/huoju/534"


async def test_the_buttons_stand_below_the_last_part_alone_and_one_failure_repeats_no_other() -> None:
    api = BotApi()
    what = content(*["南京高新区计划实施重大产业项目32个。" * 60] * 9)
    async with serving(api) as base:
        channel = channel_for(base)
        rendered = channel.render(what)
        assert rendered.parts >= 2
        (lane,) = channel.lanes("telegram")
        outcomes: list[Outcome] = []
        async with channel.open(lane) as connection:
            first = range(rendered.parts - 1)
            outcomes += [await connection.send(envelope(endpoint_id=5), rendered, part) for part in first]
            api.answers = [lambda: failure(400, "Bad Request: BUTTON_DATA_INVALID")]
            refused = await connection.send(envelope(endpoint_id=5), rendered, rendered.parts - 1)
            outcomes.append(await connection.send(envelope(endpoint_id=5), rendered, rendered.parts - 1))
        await channel.close()
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert isinstance(refused, Rejected)
    shown = [bool(keyboard(posted)) for posted in api.posted]
    assert shown == [*[False] * (rendered.parts - 1), True, True]


async def test_without_pages_there_are_buttons_and_a_command() -> None:
    api = BotApi()
    async with serving(api) as base:
        await send_all(channel_for(base, pages=False), content("导语。"), envelope(endpoint_id=5, unsubscribe_url=""))
    (posted,) = api.posted
    assert "发送 /unfollow 可取消关注。" in posted["text"]
    assert not any("url" in button for row in keyboard(posted) for button in row)
    assert len(keyboard(posted)) == 2


@pytest.mark.parametrize("chat", ["-1001234", "-1001234/7"])
async def test_a_group_is_told_that_its_administrators_may_change_what_it_follows(chat: str) -> None:
    api = BotApi()
    group = replace(envelope(endpoint_id=5, unsubscribe_url=""), address=chat, preferences_url="")
    async with serving(api) as base:
        await send_all(channel_for(base, pages=False), content("导语。"), group)
    (posted,) = api.posted
    assert "管理员可发送 /unfollow" in posted["text"]


async def test_a_public_channel_has_no_buttons_that_change_something() -> None:
    api = BotApi()
    async with serving(api) as base:
        await send_all(channel_for(base), content("导语。"), envelope(endpoint_id=5, address="@news"))
    assert [[button["text"] for button in row] for row in keyboard(api.posted[0])] == [["阅读全文"]]


async def test_english_readers_have_english_buttons() -> None:
    api = BotApi()
    what = content("导语。")
    english = type(what)(what.kind, "en", what.format, what.sections)
    async with serving(api) as base:
        await send_all(channel_for(base), english, envelope(endpoint_id=5, language="en"))
    texts = [button["text"] for row in keyboard(api.posted[0]) for button in row]
    assert texts == ["Full text", "Unfollow “南京高新区”", "Pause for a day", "Previous issue"]


async def test_what_nobody_follows_has_no_buttons() -> None:
    api = BotApi()
    what = content("导语。")
    async with serving(api) as base:
        await send_all(channel_for(base), type(what)("test", "zh", "full", what.sections), envelope())
    assert "reply_markup" not in api.posted[0]


@pytest.mark.parametrize("page", ["http://localhost:8080/x/1", "http://intranet/x/1", "ftp://a.example/x/1"])
async def test_a_page_that_telegram_refuses_is_no_button(page: str) -> None:
    api = BotApi()
    async with serving(api) as base:
        settings = TelegramSettings.model_validate({"token": TOKEN, "api_base": base})
        channel = TelegramChannel(settings, Renderer(templates_dir(), None, lambda *place: page))
        await send_all(channel, content("导语。"), envelope())
    assert "reply_markup" not in api.posted[0]


@pytest.mark.parametrize(
    ("chat_follows", "words"), [(False, "今后发到这里"), (True, "这里已有自己的关注，所以原来发到那里的内容已暂停推送")]
)
async def test_a_topic_is_written_to_and_its_chat_is_told_when_it_is_gone(*, chat_follows: bool, words: str) -> None:
    api = BotApi()
    gone = "Bad Request: message thread not found"
    async with serving(api) as base:
        await send_all(channel_for(base), content("导语。"), envelope(address="-1005/7"))
        api.answers = [lambda: failure(400, gone)]
        item = envelope(address="-1005/7", chat_follows=chat_follows)
        (outcome,) = await send_all(channel_for(base), content("导语。"), item)
    assert (api.posted[0]["chat_id"], api.posted[0]["message_thread_id"]) == ("-1005", "7")
    assert getattr(outcome, "new_address", "") == "-1005"
    told = api.posted[2]
    assert (told["chat_id"], "message_thread_id" in told) == ("-1005", False)
    assert told["text"].startswith("本群的一个话题（编号 7）已被删除")
    assert words in told["text"]


async def test_a_closed_topic_is_a_matter_of_rights() -> None:
    api = BotApi(answers=[lambda: failure(400, "Bad Request: TOPIC_CLOSED")])
    async with serving(api) as base:
        (outcome,) = await send_all(channel_for(base), content("导语。"), envelope(address="-1005/7"))
    assert outcome == Rejected("Bad Request: TOPIC_CLOSED", "400")


@pytest.mark.parametrize("paid", [False, True])
async def test_the_broadcast_is_paid_for_only_where_a_setting_says_so(*, paid: bool) -> None:
    api = BotApi()
    async with serving(api) as base:
        settings = TelegramSettings.model_validate({"token": TOKEN, "api_base": base, "paid_broadcast": paid})
        await send_all(TelegramChannel(settings, Renderer(templates_dir(), None, linked)), content("一。"), envelope())
    assert ("allow_paid_broadcast" in api.posted[0]) is paid


async def test_the_issue_before_a_bundle_is_that_of_the_column_that_is_named() -> None:
    api = BotApi()
    async with serving(api) as base:
        await send_all(channel_for(base), bundle("园区发展", "火炬在行动"), envelope(endpoint_id=5))
    assert keyboard(api.posted[-1])[-1][-1]["text"] == "上一期：园区发展"


def test_other_content_of_an_issue_is_a_revision_and_no_version() -> None:
    what = replace(content("导语。"), kind="notice", notice=Notice("huoju:534", "", proposed=2))
    text = "".join(channel_for("http://x").render(what).texts[0].pieces)
    assert "第 2 稿" in text
    assert "版本" not in text
