"""Where reports are acted upon: whom one is about is told by a signature of ours in it, or nothing comes of it.

That is the return path, which stands in the envelope of one message alone, or the token of its List-Unsubscribe, which
whoever got the message could use to unsubscribe anyway. An address that a report names, or our Message-ID, which
anybody can guess, suppresses nobody.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from dispatch.bounces.report import Report, What
from dispatch.delivery import bounces
from dispatch.delivery.bounces import COMPLAINT, Bounce, Effect, Limits
from subscribers import consent, directory
from subscribers.audit import READER, Act, Way
from subscribers.consent import Answer
from subscribers.database import Database
from subscribers.suppression import Hasher
from subscribers.tokens import Expired, Purpose, Signer
from subscribers.verp import Origin, ReturnPaths

_OWN_ID = re.compile(r"([0-9]{1,15})\.[^@]+@")
_LONGEST = 1_000


class Done(StrEnum):
    """What came of a mail."""

    SUPPRESSED = "suppressed"
    PAUSED = "paused"
    COUNTED = "counted"
    KNOWN = "known already"
    PAST = "of a message that is no more"
    SHARED = "of a group, which its administrators change"
    UNSUBSCRIBED = "unsubscribed"
    CONFIRMED = "confirmed"
    OVER = "a wish whose time is over"
    IGNORED = "no report"  # an automatic answer, a delay
    UNSIGNED = "without a signature of ours"
    UNKNOWN = "not understood"

    @property
    def understood(self) -> bool:
        """Whether nobody else need look at the mail."""
        return self not in (Done.UNSIGNED, Done.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Result:
    """What a mail was and what came of it; the endpoint is 0 where none is known."""

    done: Done
    what: What
    kind: str = ""
    endpoint_id: int = 0
    message_id: int = 0
    status: str = ""
    diagnostic: str = ""


class Desk:
    """Acts upon reports. `paths` is None where no bounce address is set."""

    def __init__(self, signer: Signer, paths: ReturnPaths | None, limits: Limits) -> None:
        self._signer = signer
        self._paths = paths
        self._limits = limits

    def knows(self, address: str) -> bool:
        """Whether an address is a return path of ours."""
        return self._paths is not None and self._paths.is_one(address)

    def act(self, db: Database, report: Report, source: str, now: int) -> Result:
        """Do what a report says, all of it in one transaction; the same report again changes nothing. Raises
        DatabaseError: then nothing was done."""
        if report.what in (What.UNSUBSCRIBE, What.CONFIRM):
            return self._wish(db, report, now)
        if report.what in (What.DELAYED, What.AUTOMATIC):
            return Result(Done.IGNORED, report.what)
        if report.what is What.UNKNOWN:
            return Result(Done.UNKNOWN, report.what)
        kind = COMPLAINT if report.what is What.COMPLAINT else report.verdict.value
        origin = self._origin(db, report)
        if origin is None:
            return Result(Done.UNSIGNED, report.what, kind, 0, 0, report.status, report.diagnostic)
        bounce = self._bounce(report, kind, origin, source)
        done = Done.PAST
        if bounce is not None:
            with db.transaction():
                done = _DONE[bounces.take(db, bounce, self._limits, Act(now, bounces.BY, Way.MAIL))]
        return Result(done, report.what, kind, origin.endpoint_id, origin.message_id, report.status, report.diagnostic)

    def _bounce(self, report: Report, kind: str, origin: Origin, source: str) -> Bounce | None:
        key = ""
        if not origin.message_id:
            if kind != COMPLAINT:
                return None  # by the message a bounce counts once
            key = f"{kind}:{origin.endpoint_id}:{report.fingerprint}"
        return Bounce(kind, origin.message_id, origin.endpoint_id, report.status, report.diagnostic, source, key)

    def _origin(self, db: Database, report: Report) -> Origin | None:
        """Whom a report is about, by a signature; the message is 0 where it is not known."""
        if self._paths is not None and (origin := self._paths.find(report.places)) is not None:
            return origin
        for token in report.leaving:
            if leave := self._signer.read_leave(token):
                return Origin(_message_of(db, report.message_id, leave.endpoint_id), leave.endpoint_id)
        return None

    def _wish(self, db: Database, report: Report, now: int) -> Result:
        token = report.token[:_LONGEST]
        if report.what is What.CONFIRM:
            return self._confirm(db, token, now)
        wish = self._signer.read_leave(token)
        if wish is None:
            return Result(Done.UNSIGNED, report.what)
        with db.transaction():
            if not bounces.exists(db, wish.endpoint_id):
                return Result(Done.PAST, report.what, endpoint_id=wish.endpoint_id)
            if directory.endpoint(db, wish.endpoint_id).address.shared:
                return Result(Done.SHARED, report.what, endpoint_id=wish.endpoint_id)
            changed = bounces.unsubscribe(db, wish.endpoint_id, wish.tag, now)
        return Result(Done.UNSUBSCRIBED if changed else Done.KNOWN, report.what, endpoint_id=wish.endpoint_id)

    def _confirm(self, db: Database, token: str, now: int) -> Result:
        try:
            consent_id = self._signer.read(Purpose.CONFIRM, token, now)
        except Expired:
            return Result(Done.OVER, What.CONFIRM)
        if consent_id is None:
            return Result(Done.UNSIGNED, What.CONFIRM)
        with db.transaction():
            act = Act(now, READER, Way.MAIL)
            answer, endpoint_id = consent.confirm(db, Hasher.load(db), consent_id, act, "")
        done = {Answer.DONE: Done.CONFIRMED, Answer.ALREADY: Done.KNOWN, Answer.OVER: Done.OVER}[answer]
        return Result(done, What.CONFIRM, endpoint_id=endpoint_id)


_DONE = {
    Effect.SUPPRESSED: Done.SUPPRESSED,
    Effect.PAUSED: Done.PAUSED,
    Effect.COUNTED: Done.COUNTED,
    Effect.KNOWN: Done.KNOWN,
    Effect.PAST: Done.PAST,
}


def _message_of(db: Database, message_id: str, endpoint_id: int) -> int:
    """The message that a Message-ID of ours names, where it went to this endpoint; else 0."""
    found = _OWN_ID.match(message_id)
    number = int(found[1]) if found else 0
    row = db.one(bounces.SQL["message"], {"id": number}) if number else None
    return number if row is not None and row["endpoint_id"] == endpoint_id else 0


class Count:
    """How many mails came to what, for a line of the log."""

    def __init__(self) -> None:
        self._counts: Counter[Done] = Counter()

    def add(self, result: Result) -> None:
        self._counts[result.done] += 1

    @property
    def total(self) -> int:
        return self._counts.total()

    def __getitem__(self, done: Done) -> int:
        return self._counts[done]

    def __str__(self) -> str:
        return ", ".join(f"{self._counts[done]} {done}" for done in Done if self._counts[done])
