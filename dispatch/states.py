"""Which changes of state are allowed: the one place that says so. All others are refused.

An issue's change is asked for by a person and checked here. Messages and deliveries change by the thousand, each kind
of change in a query of its own that names the states it starts from; the tests try every query on every state and hold
it to the tables below.
"""

from __future__ import annotations

from dispatch.errors import StateError
from dispatch.model import DeliveryState, IssueState, MessageState

# Issues in these states have nothing to send: what is owed of them waits until they are sending (again).
WAITS = frozenset({IssueState.HELD, IssueState.APPROVED, IssueState.PAUSED})

ISSUE: dict[IssueState, frozenset[IssueState]] = {
    IssueState.HELD: frozenset({IssueState.APPROVED, IssueState.CANCELLED}),
    IssueState.APPROVED: frozenset({IssueState.HELD, IssueState.SENDING, IssueState.CANCELLED}),
    IssueState.SENDING: frozenset({IssueState.PAUSED, IssueState.SENT, IssueState.CANCELLED}),
    IssueState.PAUSED: frozenset({IssueState.SENDING, IssueState.CANCELLED}),
    IssueState.SENT: frozenset({IssueState.SENDING}),
    IssueState.CANCELLED: frozenset(),
}

MESSAGE: dict[MessageState, frozenset[MessageState]] = {
    # What waits is suppressed without a claim when the person whom it is for is erased.
    MessageState.QUEUED: frozenset(
        {MessageState.SENDING, MessageState.PAUSED, MessageState.CANCELLED, MessageState.SUPPRESSED}
    ),
    MessageState.PAUSED: frozenset({MessageState.QUEUED, MessageState.CANCELLED, MessageState.SUPPRESSED}),
    MessageState.SENDING: frozenset(MessageState) - {MessageState.SENDING},
    MessageState.SENT: frozenset(),
    MessageState.FAILED: frozenset({MessageState.QUEUED}),
    MessageState.SUPPRESSED: frozenset(),
    MessageState.CANCELLED: frozenset(),
    MessageState.EXPIRED: frozenset({MessageState.QUEUED}),
}

DELIVERY: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.PLANNED: frozenset(DeliveryState) - {DeliveryState.PLANNED},
    DeliveryState.SENT: frozenset(),
    DeliveryState.FAILED: frozenset({DeliveryState.PLANNED}),
    DeliveryState.SUPPRESSED: frozenset(),
    DeliveryState.CANCELLED: frozenset(),
    DeliveryState.EXPIRED: frozenset({DeliveryState.PLANNED}),
}


def check_issue(name: str, now: IssueState, to: IssueState) -> None:
    """Raises StateError where an issue may not change so."""
    if to not in ISSUE[now]:
        raise StateError(f"issue {name} is {now}: it cannot become {to}")
