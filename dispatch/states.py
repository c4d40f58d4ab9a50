"""Which changes of state are allowed: the one place that says so. All others are refused."""

from __future__ import annotations

from dispatch.errors import StateError
from dispatch.model import IssueState, MessageState

ISSUE: dict[IssueState, frozenset[IssueState]] = {
    IssueState.HELD: frozenset({IssueState.APPROVED, IssueState.CANCELLED}),
    IssueState.APPROVED: frozenset({IssueState.HELD, IssueState.SENDING, IssueState.CANCELLED}),
    IssueState.SENDING: frozenset({IssueState.PAUSED, IssueState.SENT, IssueState.CANCELLED}),
    IssueState.PAUSED: frozenset({IssueState.SENDING, IssueState.CANCELLED}),
    IssueState.SENT: frozenset({IssueState.SENDING}),
    IssueState.CANCELLED: frozenset(),
}

MESSAGE: dict[MessageState, frozenset[MessageState]] = {
    MessageState.QUEUED: frozenset({MessageState.SENDING}),
    MessageState.SENDING: frozenset(MessageState) - {MessageState.SENDING},
    MessageState.SENT: frozenset(),
    MessageState.FAILED: frozenset({MessageState.QUEUED}),
    MessageState.SUPPRESSED: frozenset(),
    MessageState.CANCELLED: frozenset(),
    MessageState.EXPIRED: frozenset({MessageState.QUEUED}),
}


def check_issue(name: str, now: IssueState, to: IssueState) -> None:
    """Raises StateError where an issue may not change so."""
    if to not in ISSUE[now]:
        allowed = ", ".join(sorted(ISSUE[now])) or "nothing"
        raise StateError(f"issue {name} is {now}: it cannot become {to} (allowed from here: {allowed})")
