"""Feishu's and Lark's robots: cards, signature, keyword, and what comes of each answer."""

from __future__ import annotations

import pytest

from dispatch.channels.registry import address
from dispatch.channels.robots.feishu import Feishu, signature
from dispatch.errors import UsageError
from dispatch.model import Content, Rejected, Retry, Sent
from dispatch.settings import Settings
from dispatch.testing.robots import FeishuService

from .conftest import NOW, channel_of, envelope_to, open_channel

SECRET = "abc"


def service(secret: str = "", keyword: str = "") -> FeishuService:
    return FeishuService(wall=NOW.timestamp, secret=secret, keyword=keyword)


def test_the_signature_is_feishus_own() -> None:
    assert signature(SECRET, "1700000000") == "VIS10b0EBvzzSdFnuk4tznEmK5wHaruvf/WnViv2yR4="


@pytest.mark.parametrize("text", ["https://open.larksuite.com/open-apis/bot/v2/hook/0a1b2c3d-4e5f",
                                  "lark+https://gw.example/open-apis/bot/v2/hook/0a1b2c3d-4e5f"])  # fmt: skip
def test_lark_is_the_same(text: str) -> None:
    assert address("webhook", text, Settings()).channel == "feishu"


async def test_a_digest_is_a_card() -> None:
    async with service() as feishu, open_channel(channel_of("feishu")) as send:
        assert [type(outcome) for outcome in await send(envelope_to("feishu", feishu.url()))] == [Sent]
        [post] = feishu.posts
    card = post.body["card"]
    assert card["header"]["title"]["content"].startswith("火炬动态 · ")
    assert card["header"]["template"] == "blue"
    assert [element["tag"] for element in card["elements"]] == [
        "markdown",
        "hr",
        "markdown",
        "markdown",
        "action",
        "note",
    ]
    assert card["elements"][-1]["elements"][0]["content"] == "本群关注：南昌高新区"
    assert card["elements"][-2]["actions"][0]["url"].startswith("https://bulletin.example/")


@pytest.mark.parametrize(("secret", "taken"), [(SECRET, True), ("other", False), ("", False)])
async def test_a_robot_that_asks_for_a_signature(secret: str, taken: bool) -> None:
    async with service(secret=SECRET) as feishu, open_channel(channel_of("feishu")) as send:
        [outcome] = await send(envelope_to("feishu", feishu.url(), secret=secret))
    assert isinstance(outcome, Sent) is taken
    if isinstance(outcome, Rejected):
        assert (outcome.code, outcome.endpoint_state) == ("19021", "paused")


@pytest.mark.parametrize(
    ("secret", "taken"), [("keyword:每日通知", True), (f"{SECRET} keyword:每日通知", True), ("", False)]
)
async def test_a_robot_that_asks_for_a_word(secret: str, taken: bool) -> None:
    async with service(keyword="每日通知") as feishu, open_channel(channel_of("feishu")) as send:
        outcomes = await send(envelope_to("feishu", feishu.url(), secret=secret))
    assert isinstance(outcomes[-1], Sent) is taken


async def test_the_answer_of_the_old_form_counts() -> None:
    async with FeishuService(legacy=True) as feishu, open_channel(channel_of("feishu")) as send:
        assert isinstance((await send(envelope_to("feishu", feishu.url())))[-1], Sent)


async def test_what_is_too_frequent_rests_for_that_robot() -> None:
    async with service() as feishu, open_channel(channel_of("feishu")) as send:
        feishu.refuse(11232, "frequency limited", times=1)
        [outcome] = await send(envelope_to("feishu", feishu.url()))
    assert isinstance(outcome, Retry)
    assert (outcome.code, outcome.after, outcome.whole_address) == ("11232", 60, True)


@pytest.mark.parametrize(
    ("code", "kind", "state"),
    [(19001, Rejected, "gone"), (19007, Rejected, "paused"), (19022, Rejected, "paused"), (9499, Rejected, ""),
     (11246, Rejected, ""), (987654, Retry, "")],
)  # fmt: skip
async def test_an_error_is_no_delivery(code: int, kind: type[Rejected | Retry], state: str) -> None:
    async with service() as feishu, open_channel(channel_of("feishu")) as send:
        feishu.refuse(code)
        [outcome] = await send(envelope_to("feishu", feishu.url()))
    assert isinstance(outcome, kind)
    assert (outcome.code, getattr(outcome, "endpoint_state", "")) == (str(code), state)


async def test_a_long_digest_takes_several_cards_within_the_bytes(long_content: Content) -> None:
    async with service() as feishu, open_channel(channel_of("feishu", messages=10)) as send:
        outcomes = await send(envelope_to("feishu", feishu.url(), secret=SECRET), long_content)
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert len(outcomes) == len(feishu.posts)


@pytest.mark.parametrize("secret", ["SEC/abc", "a b", "keyword:" + "长" * 41])
def test_what_is_no_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(UsageError) as error:
        Feishu.check_secret(secret)
    assert secret not in str(error.value)


@pytest.mark.parametrize("word", ["card", "tag", "markdown"])
async def test_a_word_is_looked_for_where_people_see_it(word: str) -> None:
    async with service() as feishu, open_channel(channel_of("feishu")) as send:
        await send(envelope_to("feishu", feishu.url(), secret=f"keyword:{word}"))
        [post] = feishu.posts
    assert post.body["card"]["elements"][-1] == {"tag": "markdown", "content": word}


async def test_an_answer_is_a_success_where_both_of_its_numbers_say_so() -> None:
    async with service() as feishu, open_channel(channel_of("feishu")) as send:
        feishu.answer(200, b'{"code": 0, "StatusCode": 11232, "msg": "x"}')
        [outcome] = await send(envelope_to("feishu", feishu.url()))
    assert isinstance(outcome, Retry)
    assert outcome.code == "11232"
