"""Offices whose chats have robots, and the program as their administrator meets it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from dispatch.testing.robots import (
    DingTalkService,
    DiscordService,
    FeishuService,
    RobotService,
    SlackService,
    TeamsService,
    WeComService,
)
from tests.acceptance.conftest import SAMPLE, Command

KINDS: dict[str, type[RobotService]] = {"wecom": WeComService, "dingtalk": DingTalkService, "feishu": FeishuService}


def said(service: RobotService) -> str:
    return "\n".join(json.dumps(post.body, ensure_ascii=False) for post in service.posts)


async def run(dispatch: Command, *words: str, expect: int = 0) -> Any:
    return await asyncio.to_thread(dispatch, *words, expect=expect)


async def added(dispatch: Command, kind: str, service: RobotService, *follows: str) -> None:
    options = [word for follow in follows for word in ("--follow", follow)]
    await run(dispatch, "subscribers", "add", "--webhook", f"{kind}+{service.url()}", *options, "--confirmed")


async def test_each_office_gets_its_part_in_its_chat(dispatch: Command) -> None:
    async with WeComService() as wecom, DingTalkService() as dingtalk, FeishuService() as feishu:
        await added(dispatch, "wecom", wecom, "park:南昌高新区")
        await added(dispatch, "dingtalk", dingtalk, "topic:区块链")
        await added(dispatch, "feishu", feishu, "column:园区发展")
        before = [len(service.posts) for service in (wecom, dingtalk, feishu)]
        await run(dispatch, "ingest", str(SAMPLE))
        await run(dispatch, "issues", "send", "534")
        assert [len(service.posts) > count for service, count in zip((wecom, dingtalk, feishu), before, strict=True)]
        assert "南昌高新区" in said(wecom)
        assert "区块链" in said(dingtalk)
        assert "园区发展" in said(feishu)
    rows = (await run(dispatch, "deliveries", "list", "--json")).json
    assert {(row["channel"], row["state"]) for row in rows} == {(kind, "sent") for kind in KINDS}


async def test_an_error_inside_of_200_is_no_delivery_and_the_robot_that_is_gone_is_told(dispatch: Command) -> None:
    async with WeComService() as wecom:
        await added(dispatch, "wecom", wecom, "park:南昌高新区")
        await run(dispatch, "ingest", str(SAMPLE))
        wecom.remove(wecom.key)
        taken = len(wecom.posts)
        await run(dispatch, "issues", "send", "534", expect=1)
        assert len(wecom.posts) == taken
    rows = (await run(dispatch, "deliveries", "list", "--json")).json
    assert {row["state"] for row in rows} == {"failed"}
    [endpoint] = (await run(dispatch, "subscribers", "list", "--json")).json
    assert "gone" in json.dumps(endpoint)


async def test_offices_elsewhere_get_theirs_in_slack_discord_and_teams(dispatch: Command) -> None:
    async with SlackService() as slack, DiscordService() as discord, TeamsService() as teams:
        services: dict[str, RobotService] = {"slack": slack, "discord": discord, "teams": teams}
        for kind, service in services.items():
            await added(dispatch, kind, service, "park:南昌高新区")
        await run(dispatch, "ingest", str(SAMPLE))
        await run(dispatch, "issues", "send", "534")
        assert all("南昌高新区" in said(service) for service in services.values())
        assert not teams.lost
        assert "throttled" not in [*slack.refusals, *discord.refusals, *teams.refusals]
    rows = (await run(dispatch, "deliveries", "list", "--json")).json
    assert {(row["channel"], row["state"]) for row in rows} == {(kind, "sent") for kind in services}
    told = {row["channel"]: json.dumps(row, ensure_ascii=False) for row in rows}
    assert "202" in told["teams"]


async def test_an_archived_channel_pauses_its_endpoint_in_slacks_own_words(dispatch: Command) -> None:
    async with SlackService() as slack:
        await added(dispatch, "slack", slack, "park:南昌高新区")
        await run(dispatch, "ingest", str(SAMPLE))
        slack.refuse_with("channel_is_archived")
        await run(dispatch, "issues", "send", "534", expect=1)
    rows = (await run(dispatch, "deliveries", "list", "--json")).json
    assert "channel_is_archived" in json.dumps(rows)
    [endpoint] = (await run(dispatch, "subscribers", "list", "--json")).json
    assert "paused" in json.dumps(endpoint)
