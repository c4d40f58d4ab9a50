"""What holds for every kind of robot."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dispatch.channels.registry import CHANNELS, address
from dispatch.channels.robots import KINDS, RobotChannel
from dispatch.channels.robots.base import REASONS_BYTES
from dispatch.errors import UsageError
from dispatch.model import Alarm, Content, Notice, Reason, Rejected, Retry, Sent
from dispatch.settings import Settings
from dispatch.testing.robots import (
    DingTalkService,
    DiscordService,
    FeishuService,
    RobotService,
    SlackService,
    TeamsService,
    WeComService,
)
from dispatch.testing.samples import sample_article, sample_content, sample_digest
from subscribers.model import ROBOTS

from .conftest import LOOPBACK, channel_of, envelope_to, open_channel, ticking

SERVICES: dict[str, Callable[[], RobotService]] = {
    "wecom": WeComService,
    "dingtalk": DingTalkService,
    "feishu": FeishuService,
    "slack": lambda: SlackService(clock=ticking()),
    "discord": lambda: DiscordService(clock=ticking()),
    "teams": lambda: TeamsService(clock=ticking()),
}
KIND = pytest.mark.parametrize("kind", list(SERVICES))
HOSTILE = '<@all> [x](https://evil.example) **b** `c` <font color="warning">\\ | @everyone <!here> \u2028 "}],{'


def test_every_kind_is_a_channel_and_has_its_service_to_test_with() -> None:
    assert set(ROBOTS) == set(KINDS) == set(SERVICES)
    assert set(ROBOTS) < set(CHANNELS)


@KIND
def test_a_kind_is_known_by_its_address(kind: str) -> None:
    found = address("webhook", KINDS[kind].example, Settings())
    assert (found.channel, found.queue.partition(":")[0], found.shared) == (kind, kind, True)


@KIND
def test_a_gateway_of_ones_own_says_its_kind(kind: str) -> None:
    example = KINDS[kind].example
    host = example.split("/")[2]
    found = address("webhook", f"{kind}+{example.replace(host, 'gateway.example')}", Settings())
    assert (found.channel, found.queue) == (kind, f"{kind}:gateway.example")


@KIND
def test_a_receiver_of_ones_own_at_a_service_of_robots_can_have_signed_json(kind: str) -> None:
    found = address("webhook", f"webhook+{KINDS[kind].example}", Settings())
    assert (found.channel, found.shared, found.secret[:6]) == ("webhook", False, "whsec_")


@KIND
def test_an_address_without_its_key_is_refused(kind: str) -> None:
    example = KINDS[kind].example
    with pytest.raises(UsageError, match="as in"):
        address("webhook", "/".join(example.split("/")[:3]) + "/", Settings())


@KIND
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("form", ["full", "titles"])
async def test_each_content_is_taken(kind: str, language: str, form: str) -> None:
    digest = sample_content(language=language, form=form)
    notice = Notice(
        "huoju-2022-05", "https://bulletin.example/preview/x", ("第 3 页：表格不全",), revision=1, nobodys=("甲",)
    )
    titles = replace(digest.sections[0], matching=(), others=digest.sections[0].matching)
    contents = [
        digest,
        replace(digest, kind="test"),
        replace(digest, kind="correction"),
        replace(digest, kind="notice", format="titles", notice=notice, sections=(titles,)),
        Content("alarm", language, "full", (), alarm=Alarm("source", "folder", "不可读", 1_650_000_000_000)),
    ]
    async with SERVICES[kind]() as service, open_channel(channel_of(kind)) as send:
        for content in contents:
            outcomes = await send(envelope_to(kind, service.url()), content)
            assert all(isinstance(outcome, Sent) for outcome in outcomes), (content.kind, outcomes)


@KIND
@pytest.mark.parametrize("pages", [True, False])
async def test_a_bundle_is_taken_and_says_of_which_issue_a_column_is(kind: str, pages: bool) -> None:
    content = sample_content("bundle")
    older = replace(sample_digest(), issue_ref="533", total=533, column="政策")
    content = replace(content, sections=(*content.sections, replace(content.sections[0], digest=older)))
    async with SERVICES[kind]() as service, open_channel(channel_of(kind, pages=pages)) as send:
        outcomes = await send(envelope_to(kind, service.url()), content)
        assert all(isinstance(outcome, Sent) for outcome in outcomes)
        said = json.dumps([post.body for post in service.posts], ensure_ascii=False)
    assert "政策" in said
    assert "总第533期" in said


@KIND
async def test_nothing_of_an_article_is_markup_or_calls_anybody(kind: str) -> None:
    content = sample_content()
    entry = content.sections[0].matching[0]
    hostile = replace(entry, article=sample_article(HOSTILE, text=HOSTILE))
    content = replace(content, sections=(replace(content.sections[0], matching=(hostile,)),))
    reason = Reason("topic:x", HOSTILE)
    async with SERVICES[kind]() as service, open_channel(channel_of(kind)) as send:
        [outcome] = await send(envelope_to(kind, service.url(), reasons=(reason,)), content)
        assert isinstance(outcome, Sent)
        said = json.dumps(service.posts[0].body, ensure_ascii=False)
    for live in ("<@", "](https://evil.example)", "**b**", "`c`", '<font color=\\"warning\\">', "<!here>"):
        assert live not in said


@KIND
@pytest.mark.parametrize("pages", [True, False])
async def test_a_message_that_no_follow_brought_is_taken_too(kind: str, pages: bool) -> None:
    async with SERVICES[kind]() as service, open_channel(channel_of(kind, pages=pages)) as send:
        [outcome] = await send(envelope_to(kind, service.url(), reasons=()))
    assert isinstance(outcome, Sent)


@KIND
async def test_many_long_follows_stay_within_their_room(kind: str) -> None:
    reasons = tuple(Reason(f"park:{n}", "高新技术产业开发区" * 5) for n in range(40))
    channel = channel_of(kind)
    rendered = channel.render(sample_content())
    some, none = (
        rendered.fill(rendered.parts - 1, envelope_to(kind, KINDS[kind].example, reasons=given))
        for given in (reasons, ())
    )
    assert 0 < len(some) - len(none) <= REASONS_BYTES
    await channel.close()


@KIND
async def test_a_lost_answer_leaves_it_open_whether_the_message_arrived(kind: str) -> None:
    async with SERVICES[kind]() as service, open_channel(channel_of(kind)) as send:
        service.reset(times=1)
        [outcome] = await send(envelope_to(kind, service.url()))
    assert isinstance(outcome, Retry)
    assert outcome.unknown


@KIND
@pytest.mark.parametrize("status", [301, 302, 307])
async def test_a_redirect_is_a_failure_and_not_followed(kind: str, status: int) -> None:
    async with SERVICES[kind]() as service, SERVICES[kind]() as other, open_channel(channel_of(kind)) as send:
        service.answer(status, headers={"Location": other.url()})
        [outcome] = await send(envelope_to(kind, service.url()))
    assert isinstance(outcome, Retry)
    assert not other.posts


@KIND
async def test_a_busy_service_rests_as_long_as_it_asks_for(kind: str) -> None:
    async with SERVICES[kind]() as service, open_channel(channel_of(kind)) as send:
        service.answer(503, headers={"Retry-After": "77"})
        [outcome] = await send(envelope_to(kind, service.url()))
    assert isinstance(outcome, Retry)
    assert outcome.after == 77


@KIND
async def test_an_address_that_the_guard_refuses_is_told_with_the_rule(kind: str) -> None:
    async with SERVICES[kind]() as service:
        channel = channel_of(kind)
        channel._networks = LOOPBACK.model_copy(update={"allow_networks": ()})
        async with open_channel(channel) as send:
            [outcome] = await send(envelope_to(kind, service.url()))
    assert isinstance(outcome, Rejected)
    assert "allow_networks" in outcome.reason
    assert not service.posts


@KIND
def test_a_preview_is_what_would_be_posted(kind: str) -> None:
    channel = channel_of(kind)
    shown: list[Any] = json.loads(channel.preview(sample_content(), envelope_to(kind, KINDS[kind].example))[".json"])
    rendered = channel.render(sample_content())
    envelope = envelope_to(kind, KINDS[kind].example)
    assert shown == [json.loads(rendered.fill(part, envelope)) for part in range(rendered.parts)]
    assert isinstance(channel, RobotChannel)


@KIND
@pytest.mark.parametrize("status", [404])
async def test_a_status_without_a_word_of_the_service_ends_nobody(kind: str, status: int) -> None:
    """It may be a gateway's in between."""
    async with SERVICES[kind]() as service, open_channel(channel_of(kind)) as send:
        service.answer(status, b"<html>nginx</html>")
        [outcome] = await send(envelope_to(kind, service.url()))
    assert not isinstance(outcome, Sent)
    assert getattr(outcome, "endpoint_state", "") != "gone"
