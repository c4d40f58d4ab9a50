"""Why a place gets nothing although it follows something, and what can be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatch.bot.moments import until
from subscribers.model import PAUSED_BY_ADMINISTRATOR, EndpointState
from subscribers.presence import MUTED

if TYPE_CHECKING:
    from dispatch.bot.desk import Desk
    from subscribers.model import Endpoint


def halted(desk: Desk) -> str:
    """A line (HTML) about the place that is talked about; "" where it is sent what it follows, or is not known."""
    found = desk.endpoint
    if found is None or found.state is EndpointState.ACTIVE:
        return ""
    if found.state is EndpointState.PAUSED:
        return _paused(desk, found)
    if found.state is EndpointState.SUPPRESSED:
        if found.opted_out:
            return desk.say("🚫 <b>已退订</b>：现在不推送任何内容。")
        return desk.say("🚫 <b>推送已停止</b>：本服务的管理员停止了推送。")
    if found.state is EndpointState.GONE:
        return desk.say("⚠️ <b>推送已停止</b>：之前的消息发不到这里。")
    return desk.say("⏳ <b>等待确认</b>：确认之前不会推送。") if found.follows else ""


def _paused(desk: Desk, found: Endpoint) -> str:
    if found.reason == MUTED:
        return desk.say("⏸ <b>推送已暂停</b>：我在这里暂时不能发言，限制解除后自动恢复。")
    if found.resumable:
        return desk.say("⏸ <b>推送已暂停</b>，{until}。发送 /pause 可以恢复。", until=until(desk, found))
    if found.reason == PAUSED_BY_ADMINISTRATOR and found.paused_until is not None:
        return desk.say(
            "⏸ <b>推送已暂停</b>，{until}：由本服务的管理员暂停，只有他们可以恢复。", until=until(desk, found)
        )
    return desk.say("⏸ <b>推送已暂停</b>：只有本服务的管理员可以恢复。")
