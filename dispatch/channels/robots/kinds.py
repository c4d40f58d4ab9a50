"""The kinds of robots there are."""

from __future__ import annotations

from urllib.parse import urlsplit

from dispatch.channels.robots.base import Robot
from dispatch.channels.robots.dingtalk import DingTalk
from dispatch.channels.robots.discord import Discord
from dispatch.channels.robots.feishu import Feishu
from dispatch.channels.robots.slack import Slack
from dispatch.channels.robots.teams import Teams
from dispatch.channels.robots.wecom import WeCom

KINDS: dict[str, type[Robot]] = {kind.name: kind for kind in (WeCom, DingTalk, Feishu, Slack, Discord, Teams)}


def kind_of(url: str) -> str:
    """The kind of robot whose service a (checked) address is of; "" for none."""
    host = urlsplit(url).hostname or ""
    return next((name for name, kind in KINDS.items() if kind.is_at(host)), "")
