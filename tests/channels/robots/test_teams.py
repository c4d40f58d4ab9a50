"""Workflows of Teams: cards that Teams surely posts, and what comes of each answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dispatch.channels.registry import address
from dispatch.channels.robots.teams import ACCEPTED
from dispatch.errors import UsageError
from dispatch.model import Content, Rejected, Retry, Sent
from dispatch.settings import Settings
from dispatch.testing.robots import TeamsService
from dispatch.testing.robots.service import Post
from dispatch.testing.samples import sample_article, sample_content

from .conftest import channel_of, envelope_to, open_channel, ticking


def card_of(post: Post) -> dict[str, Any]:
    """The card of a message."""
    [attachment] = post.body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    found: dict[str, Any] = attachment["content"]
    return found


async def test_a_digest_is_a_card_and_accepted_is_not_called_delivered() -> None:
    async with TeamsService() as teams, open_channel(channel_of("teams")) as send:
        [outcome] = await send(envelope_to("teams", teams.url()))
        [post] = teams.shown
    assert outcome == Sent("08584000000000000001CU01", "202", ACCEPTED)
    card = card_of(post)
    assert (card["type"], card["version"], card["msteams"]) == ("AdaptiveCard", "1.4", {"width": "Full"})
    texts = [element["text"] for element in card["body"]]
    assert texts[0].startswith("火炬动态 · ")
    assert texts[-1] == "本群关注：南昌高新区"
    assert any("](https://bulletin.example/" in text for text in texts)
    assert card["actions"][0]["url"].startswith("https://bulletin.example/")


@pytest.mark.parametrize("pages", [True, False])
async def test_a_long_digest_takes_several_cards_and_teams_loses_none(long_content: Content, pages: bool) -> None:
    channel = channel_of("teams", messages=10, pages=pages)
    async with TeamsService(clock=ticking()) as teams, open_channel(channel) as send:
        outcomes = await send(envelope_to("teams", teams.url()), long_content)
    assert len(outcomes) > 1
    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert not teams.lost
    assert len(teams.shown) == len(outcomes)
    cards = [card_of(post) for post in teams.shown]
    assert [card["body"][0]["text"][-3:] for card in cards][1:] == [f"（{n}）" for n in range(2, len(cards) + 1)]
    assert all(card["body"][-1].get("weight") != "Bolder" for card in cards)  # no title stands alone at an end
    assert sum("本群关注" in element["text"] for card in cards for element in card["body"]) == 1
    assert ["actions" in card for card in cards].count(True) == pages


async def test_a_long_article_and_many_titles_are_cut_into_cards() -> None:
    content = sample_content()
    entry = content.sections[0].matching[0]
    long = replace(entry, article=sample_article("长文", text='一句"话"说完了。' * 1500))
    others = tuple(replace(entry, position=n, article=sample_article(f"第{n}篇：{'高新区' * 20}")) for n in range(61))
    content = replace(content, sections=(replace(content.sections[0], matching=(long,), others=others),))
    channel = channel_of("teams", messages=10, pages=False)
    async with TeamsService(clock=ticking()) as teams, open_channel(channel) as send:
        await send(envelope_to("teams", teams.url()), content)
    assert not teams.lost
    texts = [element["text"] for post in teams.shown for element in card_of(post)["body"]]
    assert sum(text.count("说完了。") for text in texts) == 1500
    assert sum(text.count("- 第") for text in texts) == 61


async def test_the_service_loses_what_is_too_large_without_a_word() -> None:
    """What the limits of the channel are for."""
    channel = channel_of("teams", pages=False)
    channel._robot.fits = lambda body: True  # type: ignore[method-assign]  # a robot that does not know its limits
    content = sample_content()
    entry = content.sections[0].matching[0]
    long = replace(entry, article=sample_article("长文", text="一句话说完了。" * 1500))
    content = replace(content, sections=(replace(content.sections[0], matching=(long,)),))
    async with TeamsService() as teams, open_channel(channel) as send:
        [outcome] = await send(envelope_to("teams", teams.url()), content)
    assert isinstance(outcome, Sent)
    assert list(teams.lost) == ["MessageSizeExceeded"]


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [(400, "WorkflowTriggerIsNotEnabled", "paused"), (400, "TriggerInputSchemaMismatch", "paused"),
     (401, "DirectApiAuthorizationRequired", "paused"), (404, "WorkflowNotFound", "gone"), (400, "NewCode", ""),
     (401, "NewCode", "paused"), (403, "NewCode", "paused"), (413, "NewCode", "")],
)  # fmt: skip
async def test_a_refusal_has_the_workflows_words(status: int, code: str, state: str) -> None:
    async with TeamsService() as teams, open_channel(channel_of("teams")) as send:
        teams.refuse(status, code)
        [outcome] = await send(envelope_to("teams", teams.url()))
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.endpoint_state) == (str(status), state)
    assert f"{code} The request is refused." in outcome.reason


async def test_a_workflow_that_is_off_is_paused_and_a_deleted_one_is_gone() -> None:
    async with TeamsService() as teams, open_channel(channel_of("teams")) as send:
        teams.switch_off(teams.key)
        [off] = await send(envelope_to("teams", teams.url()))
        teams.delete()
        [deleted] = await send(envelope_to("teams", teams.url()))
    assert isinstance(off, Rejected)
    assert isinstance(deleted, Rejected)
    assert (off.endpoint_state, deleted.endpoint_state) == ("paused", "gone")


async def test_a_signature_that_does_not_hold_any_more_pauses_the_endpoint_and_is_not_repeated() -> None:
    async with TeamsService() as teams, open_channel(channel_of("teams")) as send:
        [outcome] = await send(envelope_to("teams", teams.url().replace("sig=0f1e", "sig=secret-")))
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.endpoint_state) == ("401", "paused")
    assert "secret-" not in outcome.reason


async def test_too_many_rest_for_that_workflow_alone() -> None:
    async with TeamsService(clock=lambda: 0.0) as teams, open_channel(channel_of("teams")) as send:
        for _ in range(teams.limit):
            assert isinstance((await send(envelope_to("teams", teams.url())))[-1], Sent)
        [outcome] = await send(envelope_to("teams", teams.url()))
        other = await send(envelope_to("teams", teams.add("ffffffffffffffffffffffffffffffff")))
    assert isinstance(outcome, Retry)
    assert (outcome.code, outcome.after, outcome.whole_address, outcome.outage) == ("429", 1, True, False)
    assert isinstance(other[-1], Sent)


async def test_an_answer_of_old_that_says_no_inside_of_200_is_no_delivery() -> None:
    async with TeamsService() as teams, open_channel(channel_of("teams")) as send:
        teams.answer(
            200, b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429"
        )
        [outcome] = await send(envelope_to("teams", teams.url()))
    assert isinstance(outcome, Retry)
    assert outcome.whole_address


@pytest.mark.parametrize("url", ["https://prod-96.westeurope.logic.azure.com:443/workflows/abc/triggers/manual/paths/invoke?sig=x",
                                 "https://x.powerautomate.com/workflows/abc?sig=x"])  # fmt: skip
def test_each_host_of_power_automate_is_known(url: str) -> None:
    assert address("webhook", url, Settings()).channel == "teams"


@pytest.mark.parametrize("url", ["https://acme.webhook.office.com/webhookb2/a@b/IncomingWebhook/c/d",
                                 "https://outlook.office.com/webhook/a@b/IncomingWebhook/c/d"])  # fmt: skip
def test_a_connector_of_old_is_refused_with_what_to_do(url: str) -> None:
    with pytest.raises(UsageError, match="retired"):
        address("webhook", url, Settings())


def test_an_address_for_people_who_log_in_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageError, match="Anyone"):
        address(
            "webhook",
            "https://prod-96.westeurope.logic.azure.com/workflows/abc/triggers/manual/paths/invoke",
            Settings(),
        )
