"""What the log says of attempts: each that was not taken, and once a minute what a lane did.

No word of a receiver's stands in it, for a stranger's answer may hold an address or a secret: the ids lead to the
whole story (`dispatch deliveries show ID`). At level debug each message that was sent has a line of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from dispatch.delivery.ledger import Attempt
from dispatch.logs import fields
from dispatch.model import Rejected, Retry, Sent

log = logging.getLogger(__name__)
_MINUTE_MS = 60_000


@dataclass(slots=True)
class _Tally:
    """What a lane did since it was last told."""

    channel: str
    since: int
    sent: int = 0
    retried: int = 0
    failed: int = 0
    busy_ms: int = 0


class AttemptLog:
    """Call it with each settled attempt, and `close` it at the end. `issue_of` names the issue of a digest, "" where
    that is not known."""

    def __init__(self, issue_of: Callable[[int], str] = lambda digest_id: "") -> None:
        self._issue_of = issue_of
        self._tallies: dict[str, _Tally] = {}

    def __call__(self, attempt: Attempt) -> None:
        level, event, outcome = _said(attempt)
        if log.isEnabledFor(level):
            log.log(level, event, extra=self._fields(attempt, outcome))
        if attempt.counts:
            self._count(attempt)

    def close(self) -> None:
        """Tell what was not told yet."""
        for lane in list(self._tallies):
            self._tell(lane)

    def tell_old(self, now: int) -> None:
        """Tell what was not told for a minute, of lanes that have nothing to do now."""
        for lane, tally in list(self._tallies.items()):
            if now - tally.since >= _MINUTE_MS:
                self._tell(lane)

    def _fields(self, attempt: Attempt, outcome: str) -> dict[str, dict[str, object]]:
        work = attempt.work
        issues = dict.fromkeys(self._issue_of(owed.digest_id) for owed in work.owed)
        return fields(
            delivery=[owed.delivery_id for owed in work.owed if owed.delivery_id],
            message=work.message_id,
            issue=[name for name in issues if name],
            lane=attempt.lane,
            channel=work.channel,
            outcome=outcome,
            code=attempt.outcome.code,
            duration_ms=attempt.duration_ms,
            attempt=work.attempts + 1,
            part=attempt.part + 1,
        )

    def _count(self, attempt: Attempt) -> None:
        now = attempt.started_at + attempt.duration_ms
        tally = self._tallies.setdefault(attempt.lane, _Tally(attempt.work.channel, attempt.started_at))
        tally.sent += isinstance(attempt.outcome, Sent) and attempt.final
        tally.retried += isinstance(attempt.outcome, Retry)
        tally.failed += isinstance(attempt.outcome, Rejected)
        tally.busy_ms += attempt.duration_ms
        if now - tally.since >= _MINUTE_MS:
            self._tell(attempt.lane)

    def _tell(self, lane: str) -> None:
        tally = self._tallies.pop(lane)
        counts = {"sent": tally.sent, "retried": tally.retried, "failed": tally.failed, "busy_ms": tally.busy_ms}
        log.info("lane %s did", lane, extra=fields(lane=lane, channel=tally.channel, **counts))


def _said(attempt: Attempt) -> tuple[int, str, str]:
    """The level, the words and the outcome's name."""
    outcome = attempt.outcome
    if isinstance(outcome, Sent):
        return logging.DEBUG, "sent" if attempt.final else "part sent", "sent"
    if isinstance(outcome, Rejected):
        return logging.WARNING, "refused", "rejected"
    if not attempt.counts:
        return logging.INFO, "not tried: the lane is at fault", "outage"
    if attempt.retry_at >= attempt.work.expires_at:
        return logging.WARNING, "expired: not sent in time", "expired"
    return logging.INFO, "to be tried again", "retry"
