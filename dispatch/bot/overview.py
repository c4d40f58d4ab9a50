"""What goes on, in a message: the part of `dispatch status` that one wants to know on the way."""

from __future__ import annotations

from collections.abc import Iterator

from dispatch.bot.voice import Voice, text
from dispatch.delivery.status import IssueStatus, QueueStatus, Status
from dispatch.digests.words import clip

_MOST = 8  # of each
_LONGEST = 120  # characters of what strangers wrote

_ISSUE_STATES = {
    "approved": text("已批准"),
    "sending": text("发送中"),
    "paused": text("已暂停"),
}
_LANE_STATES = {
    "running": text("运行"),
    "idle": text("空闲"),
    "resting": text("出错，暂停尝试"),
    "rested": text("出错，等待重试"),
    "trying": text("出错，正在重试"),
    "waiting": text("对方要求等待"),
}


def overview(say: Voice, status: Status) -> str:
    """At most some 4,000 characters, HTML."""
    lines = [say("<b>运行状况</b>：{count} 个进程", count=len(status.processes))]
    lines += _cut(say, [_issue(say, issue) for issue in status.issues])
    held = status.issue_states.get("held", 0)
    lines += [say("待审批：{count} 期，见 /pending", count=held)] if held else []
    lines += _cut(say, [line for queue in status.queues for line in _queue(say, queue)])
    lines += _cut(
        say,
        [
            say(
                "⚠️ 来源 {name} 连续失败 {count} 次：{error}",
                name=clip(source.name, _LONGEST),
                count=source.failures,
                error=clip(source.error, _LONGEST),
            )
            for source in status.failing_sources
        ],
    )
    if len(lines) == 1:
        lines.append(say("现在没有正在发送的内容。"))
    return "\n".join(lines)


def _issue(say: Voice, issue: IssueStatus) -> str:
    state = _ISSUE_STATES.get(issue.state, issue.state)
    return say(
        "• {issue} {title}：{state}，{ended}/{all}",
        issue=issue.name,
        title=clip(issue.title, _LONGEST),
        state=say.plain(state),
        ended=issue.ended,
        all=issue.deliveries,
    )


def _queue(say: Voice, queue: QueueStatus) -> Iterator[str]:
    if queue.quiet:
        return
    yield say("• {queue}：待发 {due}，稍后 {later}", queue=clip(queue.name, _LONGEST), due=queue.due, later=queue.later)
    for lane in queue.lanes:
        if lane.breaker == "closed" and lane.state in ("idle", "running"):
            continue
        state = say.plain(_LANE_STATES.get(lane.state, lane.state))
        reason = clip(lane.reason, _LONGEST)
        yield say("⚠️ {lane}：{state}。{reason}", lane=clip(lane.name, _LONGEST), state=state, reason=reason)


def _cut(say: Voice, lines: list[str]) -> list[str]:
    over = len(lines) - _MOST
    return lines[:_MOST] + ([say("……另有 {count} 项", count=over)] if over > 0 else [])
