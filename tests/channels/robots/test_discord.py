"""Discord's webhooks: embeds, the room that is left, and what comes of each answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatch.channels.registry import address
from dispatch.errors import UsageError
from dispatch.model import Content, Rejected, Retry, Sent
from dispatch.settings import Settings
from dispatch.testing.robots import DiscordService
from dispatch.testing.samples import sample_article, sample_content

from .conftest import channel_of, envelope_to, open_channel, ticking


async def test_a_digest_is_embeds_and_discord_names_the_message() -> None:
    async with DiscordService() as discord, open_channel(channel_of("discord")) as send:
        [outcome] = await send(envelope_to("discord", discord.url()))
        [post] = discord.posts
    assert isinstance(outcome, Sent)
    assert (outcome.provider_id, outcome.rest) == ("1000000000000000001", 0)
    assert post.query["wait"] == "true"
    head, article = post.body["embeds"][:2]
    assert head["title"].startswith("火炬动态 · ")
    assert article["url"].startswith("https://bulletin.example/")
    assert post.body["embeds"][-1]["footer"]["text"].endswith("本群关注：南昌高新区")
    assert post.body["allowed_mentions"] == {"parse": []}
    assert "flags" not in post.body


async def test_what_stands_in_an_article_is_text() -> None:
    content = sample_content()
    entry = content.sections[0].matching[0]
    said = "- A&B <@123> @everyone *粗* [x](https://evil.example) (A类) 12:30:45"
    hostile = replace(entry, article=sample_article(said, text=said))
    content = replace(content, sections=(replace(content.sections[0], matching=(hostile,)),))
    async with DiscordService() as discord, open_channel(channel_of("discord")) as send:
        await send(envelope_to("discord", discord.url()), content)
        [post] = discord.posts
    expected = r"\- A&B \<\@123\> \@everyone \*粗\* \[x\]\(https://evil.example) (A类) 12\:30:45"
    assert post.body["embeds"][1]["title"] == expected
    assert post.body["embeds"][1]["description"].splitlines()[0] == expected


async def test_a_long_digest_is_cut_between_articles_and_rings_once(long_content: Content) -> None:
    async with DiscordService(clock=ticking()) as discord, open_channel(channel_of("discord", messages=10)) as send:
        outcomes = await send(envelope_to("discord", discord.url()), long_content)
    assert len(outcomes) > 1
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    bodies = [post.body for post in discord.posts]
    assert [body.get("flags") for body in bodies] == [None] + [4096] * (len(bodies) - 1)
    assert [body["embeds"][0].get("author", {}).get("name", "")[-3:] for body in bodies[:3]] == ["", "（2）", "（3）"]
    titles = [embed["title"] for body in bodies for embed in body["embeds"] if embed.get("title", "").startswith("第")]
    assert titles == [f"第{number}篇：{'高新区' * 12}" for number in range(40)]
    assert ["footer" in embed for body in bodies for embed in body["embeds"]].count(True) == 1


async def test_an_article_that_has_no_page_takes_several_embeds() -> None:
    content = sample_content()
    entry = content.sections[0].matching[0]
    long = replace(entry, article=sample_article("长文", text="一句话说完了。" * 1000))
    content = replace(content, sections=(replace(content.sections[0], matching=(long,)),))
    async with DiscordService() as discord, open_channel(channel_of("discord", pages=False)) as send:
        outcomes = await send(envelope_to("discord", discord.url()), content)
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    texts = [embed.get("description", "") for post in discord.posts for embed in post.body["embeds"]]
    assert sum(text.count("一句话说完了。") for text in texts) == 1000


async def test_the_webhook_rests_when_its_room_is_used_up() -> None:
    async with DiscordService(clock=lambda: 0.0) as discord, open_channel(channel_of("discord")) as send:
        rests = []
        for _ in range(discord.limit):
            [outcome] = await send(envelope_to("discord", discord.url()))
            assert isinstance(outcome, Sent)
            rests.append(outcome.rest)
        [outcome] = await send(envelope_to("discord", discord.url()))
        other = await send(envelope_to("discord", discord.add("223704706495545345/another-webhook-token")))
    assert rests == [0, 0, 0, 0, 2]
    assert isinstance(outcome, Retry)
    assert (outcome.code, outcome.after, outcome.whole_address, outcome.outage) == ("429", 2, True, False)
    assert isinstance(other[-1], Sent)


async def test_seconds_have_fractions() -> None:
    async with DiscordService() as discord, open_channel(channel_of("discord")) as send:
        discord.throttle(64.57)
        [outcome] = await send(envelope_to("discord", discord.url()))
    assert isinstance(outcome, Retry)
    assert (outcome.after, outcome.whole_address) == (64.57, True)


@pytest.mark.parametrize("body", [b'{"retry_after": "NaN", "global": false}', b'{"retry_after": null}', b'{"a": 1}'])
async def test_a_time_that_is_none_is_a_minute(body: bytes) -> None:
    async with DiscordService() as discord, open_channel(channel_of("discord")) as send:
        discord.answer(429, body)
        [outcome] = await send(envelope_to("discord", discord.url()))
    assert isinstance(outcome, Retry)
    assert outcome.after == 60


async def test_a_limit_of_everything_rests_the_lane() -> None:
    async with DiscordService() as discord, open_channel(channel_of("discord")) as send:
        discord.throttle(5.5, everything=True, times=1)
        [ours] = await send(envelope_to("discord", discord.url()))
        discord.answer(429, b"error code: 1015", {"Retry-After": "300"})  # in front of Discord, without its form
        [banned] = await send(envelope_to("discord", discord.url()))
    assert isinstance(ours, Retry)
    assert isinstance(banned, Retry)
    assert [(one.after, one.outage, one.whole_address) for one in (ours, banned)] == [
        (5.5, True, False),
        (300, True, False),
    ]


@pytest.mark.parametrize(
    ("code", "kind", "state"),
    [(10015, Rejected, "gone"), (50027, Rejected, "gone"), (10003, Rejected, "gone"), (50013, Rejected, "paused"),
     (160005, Rejected, "paused"), (220001, Rejected, "paused"), (50035, Rejected, ""), (200000, Rejected, ""),
     (987654, Rejected, "")],
)  # fmt: skip
async def test_a_refusal_has_discords_words(code: int, kind: type[Rejected | Retry], state: str) -> None:
    async with DiscordService() as discord, open_channel(channel_of("discord")) as send:
        discord.refuse(code, "in its own words")
        [outcome] = await send(envelope_to("discord", discord.url()))
    assert isinstance(outcome, kind)
    assert (outcome.code, getattr(outcome, "endpoint_state", "")) == (str(code), state)
    assert "in its own words" in outcome.reason
    assert discord.key not in outcome.reason


async def test_which_part_of_a_message_is_wrong_is_told() -> None:
    async with DiscordService() as discord, open_channel(channel_of("discord")) as send:
        wrong = (
            b'{"code": 50035, "message": "Invalid Form Body", "errors": {"embeds": {"0": {"title": {"_errors":'
            b' [{"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 256 or fewer in length."}]}}}}}'
        )
        discord.answer(400, wrong)
        [outcome] = await send(envelope_to("discord", discord.url()))
    assert isinstance(outcome, Rejected)
    assert "embeds.0.title Must be 256 or fewer in length." in outcome.reason


@pytest.mark.parametrize(("status", "body"), [(200, b"{}"), (403, b"error code: 1010"), (404, b"<html>")])
async def test_what_is_not_discords_own_answer_is_tried_again(status: int, body: bytes) -> None:
    async with DiscordService() as discord, open_channel(channel_of("discord")) as send:
        discord.answer(status, body)
        [outcome] = await send(envelope_to("discord", discord.url()))
    assert isinstance(outcome, Retry)


async def test_a_forum_takes_messages_into_a_thread() -> None:
    async with (
        DiscordService(forum=True, threads=("1234567890",)) as discord,
        open_channel(channel_of("discord")) as send,
    ):
        [alone] = await send(envelope_to("discord", discord.url()))
        [outcome] = await send(envelope_to("discord", f"{discord.url()}?wait=false&thread_id=1234567890"))
        [post] = discord.posts
        [lost] = await send(envelope_to("discord", f"{discord.url()}?thread_id=42"))
    assert isinstance(alone, Rejected)
    assert (alone.endpoint_state, "thread_id" in alone.reason) == ("paused", True)
    assert isinstance(outcome, Sent)
    assert post.query == {"thread_id": "1234567890", "wait": "true"}
    assert isinstance(lost, Rejected)
    assert lost.endpoint_state == "gone"


@pytest.mark.parametrize("before", ["https://discordapp.com/api", "https://discord.com/api/v10"])
def test_each_form_of_the_address_is_discords(before: str) -> None:
    assert address("webhook", f"{before}/webhooks/{DiscordService.key}", Settings()).channel == "discord"


def test_a_thread_is_a_number() -> None:
    with pytest.raises(UsageError, match="thread_id"):
        address("webhook", f"https://discord.com/api/webhooks/{DiscordService.key}?thread_id=x", Settings())
