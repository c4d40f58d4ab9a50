"""DingTalk's robots: signature, keyword, and what comes of each answer."""

from __future__ import annotations

import pytest

from dispatch.channels.robots.dingtalk import DingTalk, signature
from dispatch.errors import UsageError
from dispatch.model import Content, Rejected, Retry, Sent
from dispatch.testing.robots import DingTalkService

from .conftest import NOW, channel_of, envelope_to, open_channel

SECRET = "SECabc"


def service(secret: str = "", keyword: str = "") -> DingTalkService:
    return DingTalkService(wall=NOW.timestamp, secret=secret, keyword=keyword)


def test_the_signature_is_dingtalks_own() -> None:
    assert signature(SECRET, "1700000000000") == "jcUpW0QmtKduN03n4JqQ0PBosVjqnM8gU7fIIvsDmCM%3D"


async def test_a_digest_is_markdown_with_a_title() -> None:
    async with service() as dingtalk, open_channel(channel_of("dingtalk")) as send:
        assert [type(outcome) for outcome in await send(envelope_to("dingtalk", dingtalk.url()))] == [Sent]
        [post] = dingtalk.posts
    content = post.body["markdown"]
    assert content["title"].startswith("火炬动态 · ")
    assert "](https://bulletin.example/" in content["text"]
    assert "本群关注：南昌高新区" in content["text"]


@pytest.mark.parametrize(("secret", "taken"), [(SECRET, True), ("SECother", False), ("", False)])
async def test_a_robot_that_asks_for_a_signature(secret: str, taken: bool) -> None:
    async with service(secret=SECRET) as dingtalk, open_channel(channel_of("dingtalk")) as send:
        [outcome] = await send(envelope_to("dingtalk", dingtalk.url(), secret=secret))
    assert isinstance(outcome, Sent) is taken
    if isinstance(outcome, Rejected):
        assert (outcome.code, outcome.endpoint_state) == ("310000", "paused")
        assert "sign not match" in outcome.reason or "invalid timestamp" in outcome.reason


@pytest.mark.parametrize(
    ("secret", "taken"), [("keyword:每日通知", True), (f"{SECRET} keyword:每日通知", True), ("", False)]
)
async def test_a_robot_that_asks_for_a_word(secret: str, taken: bool) -> None:
    async with service(keyword="每日通知") as dingtalk, open_channel(channel_of("dingtalk")) as send:
        outcomes = await send(envelope_to("dingtalk", dingtalk.url(), secret=secret))
    assert isinstance(outcomes[-1], Sent) is taken


async def test_a_word_that_is_there_is_not_added() -> None:
    async with service(keyword="火炬动态") as dingtalk, open_channel(channel_of("dingtalk")) as send:
        await send(envelope_to("dingtalk", dingtalk.url(), secret="keyword:火炬动态"))
        [post] = dingtalk.posts
    assert not post.body["markdown"]["text"].endswith("火炬动态")


async def test_too_many_are_blocked_for_ten_minutes_and_the_robot_rests_as_long() -> None:
    async with service() as dingtalk, open_channel(channel_of("dingtalk")) as send:
        for _ in range(dingtalk.limit):
            assert isinstance((await send(envelope_to("dingtalk", dingtalk.url())))[-1], Sent)
        [outcome] = await send(envelope_to("dingtalk", dingtalk.url()))
    assert isinstance(outcome, Retry)
    assert (outcome.code, outcome.after, outcome.whole_address, outcome.outage) == ("130101", 600, True, False)


@pytest.mark.parametrize(
    ("code", "kind", "state"),
    [(300001, Rejected, "gone"), (400013, Rejected, "gone"), (400102, Rejected, "paused"), (430102, Rejected, ""),
     (460101, Rejected, ""), (-1, Retry, ""), (987654, Retry, "")],
)  # fmt: skip
async def test_an_error_inside_of_200_is_no_delivery(code: int, kind: type[Rejected | Retry], state: str) -> None:
    async with service() as dingtalk, open_channel(channel_of("dingtalk")) as send:
        dingtalk.refuse(code)
        [outcome] = await send(envelope_to("dingtalk", dingtalk.url()))
    assert isinstance(outcome, kind)
    assert (outcome.code, getattr(outcome, "endpoint_state", "")) == (str(code), state)
    assert dingtalk.key not in outcome.reason


async def test_a_long_digest_is_cut_within_the_bytes(long_content: Content) -> None:
    async with service() as dingtalk, open_channel(channel_of("dingtalk", messages=10)) as send:
        outcomes = await send(envelope_to("dingtalk", dingtalk.url()), long_content)
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert max(post.size for post in dingtalk.posts) <= 20_000


@pytest.mark.parametrize("secret", ["abc", "whsec_abc", "SEC-", "keyword:" + "长" * 41])
def test_what_is_no_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(UsageError) as error:
        DingTalk.check_secret(secret)
    assert secret not in str(error.value)


async def test_a_wrong_secret_that_was_stored_is_told() -> None:
    async with service() as dingtalk, open_channel(channel_of("dingtalk")) as send:
        [outcome] = await send(envelope_to("dingtalk", dingtalk.url(), secret="whsec_abc"))
    assert isinstance(outcome, Rejected)
    assert (outcome.code, "whsec" in outcome.reason) == ("secret", False)


@pytest.mark.parametrize("word", ["text", "markdown", "title", "msgtype"])
async def test_a_word_is_looked_for_where_people_see_it(word: str) -> None:
    async with service() as dingtalk, open_channel(channel_of("dingtalk")) as send:
        await send(envelope_to("dingtalk", dingtalk.url(), secret=f"keyword:{word}"))
        [post] = dingtalk.posts
    assert post.body["markdown"]["text"].endswith(word)


async def test_a_truth_is_no_number() -> None:
    async with service() as dingtalk, open_channel(channel_of("dingtalk")) as send:
        dingtalk.answer(200, b'{"errcode": false, "errmsg": "ok"}')
        [outcome] = await send(envelope_to("dingtalk", dingtalk.url()))
    assert isinstance(outcome, Retry)
