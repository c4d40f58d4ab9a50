"""Offices whose chats have robots, and the program as their administrator meets it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from dispatch.testing.robots import DingTalkService, FeishuService, RobotService, WeComService
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
