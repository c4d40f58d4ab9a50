"""Which changes of an issue's state are allowed: the one place that says so. All others are refused.

A message changes in one query each of `delivery/*.sql`, which names the state it must be in.
"""

from __future__ import annotations

from dispatch.errors import StateError
from dispatch.model import IssueState

ISSUE: dict[IssueState, frozenset[IssueState]] = {
    IssueState.HELD: frozenset({IssueState.APPROVED, IssueState.CANCELLED}),
    IssueState.APPROVED: frozenset({IssueState.HELD, IssueState.SENDING, IssueState.CANCELLED}),
    IssueState.SENDING: frozenset({IssueState.PAUSED, IssueState.SENT, IssueState.CANCELLED}),
    IssueState.PAUSED: frozenset({IssueState.SENDING, IssueState.CANCELLED}),
    IssueState.SENT: frozenset({IssueState.SENDING}),
    IssueState.CANCELLED: frozenset(),
}


def check_issue(name: str, now: IssueState, to: IssueState) -> None:
    """Raises StateError where an issue may not change so."""
    if to not in ISSUE[now]:
        raise StateError(f"issue {name} is {now}: it cannot become {to}")
