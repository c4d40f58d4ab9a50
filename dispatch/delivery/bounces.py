"""What comes of mail that was accepted and came back, of complaints, and of what was refused for now until its end.

A report acts for the endpoint of the message that it is about, which a signature has told (`dispatch.bounces`). What
says that nobody is at the address suppresses it at once; a complaint ends it as the reader's own wish. What says that
it does not go just now counts a day: the score of an endpoint is the number of days, of the last `soft_days`, on which
something came back, since the last message that must have arrived. At `soft_limit` the endpoint is paused, and its
score begins anew.

Every function is called inside a transaction of the caller's, unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dispatch.refusals import ENHANCED, Verdict, clean, judge
from subscribers import audit, directory
from subscribers.audit import Act, Way
from subscribers.database import Database, Row, queries
from subscribers.errors import NotFound
from subscribers.model import CAME_BACK, Endpoint, EndpointState

SQL = queries(Path(__file__).with_name("bounces.sql"))
COMPLAINT = "complaint"
KINDS = (*(verdict.value for verdict in Verdict), COMPLAINT)
SMTP = "smtp"  # the source of what was refused in the session
BY = "email"  # who acts, on record
_DAY_MS = 86_400_000
_ARRIVED_MS = 6 * _DAY_MS  # mail servers try for five days (RFC 5321 4.5.4.1), and report then
_PAGE = 500
_LAST = 2**63 - 1  # of ids


@dataclass(frozen=True, slots=True)
class Limits:
    """On how many days, out of how many, mail may come back before an endpoint is paused."""

    soft_limit: int = 5
    soft_days: int = 90


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report on a message (0: not known, of a complaint) to an endpoint (0: a bare address). `key` tells apart
    reports of a complaint without a message."""

    kind: str
    message_id: int
    endpoint_id: int
    status: str
    diagnostic: str
    source: str
    key: str = ""


class Effect(StrEnum):
    """What came of a report."""

    SUPPRESSED = "suppressed"
    PAUSED = "paused"
    COUNTED = "counted"  # written down; nothing changes for the endpoint
    KNOWN = "known"  # it was here before
    PAST = "past"  # of a message or an address that is no more


def take(db: Database, bounce: Bounce, limits: Limits, act: Act) -> Effect:
    """Write a report down and do what follows from it; the same report again does nothing."""
    message = db.one(SQL["message"], {"id": bounce.message_id}) if bounce.message_id else None
    if bounce.message_id and (message is None or message["endpoint_id"] != bounce.endpoint_id):
        return Effect.PAST  # kept no longer, or of a store that was restored since
    endpoint = _endpoint(db, bounce.endpoint_id)
    if endpoint is None and bounce.endpoint_id:
        return Effect.PAST
    soft = bounce.kind in (Verdict.SOFT, Verdict.UNWELCOME)
    if not _add(db, bounce, "new" if soft and endpoint else "counted", act.at):
        return Effect.KNOWN
    if endpoint is None or (message is not None and _begun_anew(db, endpoint, message["ended_at"])):
        db.run(SQL["look_at"], {"endpoint": bounce.endpoint_id})
        return Effect.COUNTED
    if bounce.kind == COMPLAINT:
        return Effect.SUPPRESSED if directory.complained(db, endpoint.id, act) else Effect.COUNTED
    if bounce.kind == Verdict.DEAD:
        reason = f"{CAME_BACK}: {bounce.diagnostic or bounce.status or 'no such address'}"
        done = directory.provider_state(db, endpoint.id, EndpointState.SUPPRESSED, reason, act)
        return Effect.SUPPRESSED if done else Effect.COUNTED
    return Effect.PAUSED if _score(db, endpoint.id, limits, act) else Effect.COUNTED


def _endpoint(db: Database, endpoint_id: int) -> Endpoint | None:
    try:
        return directory.endpoint(db, endpoint_id) if endpoint_id else None
    except NotFound:
        return None


def _add(db: Database, bounce: Bounce, standing: str, now: int) -> bool:
    return bool(db.run(SQL["add"], _row(bounce, standing, now)))


def _row(bounce: Bounce, standing: str, now: int) -> Row:
    return {
        "key": bounce.key or f"{bounce.message_id}:{bounce.kind}",
        "message_id": bounce.message_id,
        "endpoint_id": bounce.endpoint_id,
        "kind": bounce.kind,
        "status": bounce.status,
        "diagnostic": clean(bounce.diagnostic),
        "source": bounce.source,
        "standing": standing,
        "now": now,
    }


def _begun_anew(db: Database, endpoint: Endpoint, since: int | None) -> bool:
    values = {"subject": str(endpoint.id), "since": since}
    return since is not None and db.value(SQL["begun_anew"], values) is not None


def refused(db: Database, refusals: Iterable[tuple[int, int, str, str]], now: int) -> None:
    """Write down what a server refused in the session, without a word against the address, until the message's end:
    message, endpoint, code and words of each. `score_new` counts them."""
    rows = []
    for message_id, endpoint_id, code, words in refusals:
        kind = Verdict.UNWELCOME if judge(words, code) is Verdict.UNWELCOME else Verdict.SOFT
        enhanced = ENHANCED.search(words)
        status = enhanced.group(1) if enhanced else ""
        rows.append(_row(Bounce(kind, message_id, endpoint_id, status, words, SMTP), "new", now))
    if rows:
        db.many(SQL["add"], rows)


def score_new(db: Database, limits: Limits, now: int, page: int = _PAGE) -> int:
    """Look at what came back and is in no score yet; how many endpoints were paused. Each page is a transaction."""
    paused, after = 0, 0
    while rows := db.all(SQL["unlooked"], {"after": after, "page": page}):  # as nearly always none: no lock is taken
        act = Act(now, BY, Way.PROVIDER)
        with db.transaction():
            paused += sum(_score(db, row["endpoint_id"], limits, act) for row in rows)
        after = rows[-1]["endpoint_id"]
    return paused


def _score(db: Database, endpoint_id: int, limits: Limits, act: Act) -> bool:
    """Count what is new; whether the endpoint is paused for it."""
    db.run(SQL["look_at"], {"endpoint": endpoint_id})
    since = act.at - limits.soft_days * _DAY_MS
    values = {"endpoint": endpoint_id, "since": since, "until": act.at - _ARRIVED_MS}
    arrived = db.value(SQL["arrived"], values)
    days = int(db.value(SQL["score"], {"endpoint": endpoint_id, "since": max(since, arrived or 0)}))
    if days < limits.soft_limit:
        return False
    last = db.one(SQL["last_words"], {"endpoint": endpoint_id}) or {"status": "", "diagnostic": ""}
    words = last["diagnostic"] or last["status"] or "no reason given"
    reason = f"{CAME_BACK} on {days} days out of {limits.soft_days}; last: {words}"
    if not directory.provider_pause(db, endpoint_id, reason, act):
        return False
    db.run(SQL["spend"], {"endpoint": endpoint_id})
    return True


def page_of(
    db: Database, kind: str = "", endpoint_id: int = 0, *, before: int = 2**63 - 1, page: int = _PAGE
) -> list[Row]:
    """Reports, the newest first. Reads only."""
    values = {"kind": kind, "endpoint": endpoint_id, "before": before, "page": page}
    return db.all(SQL["list"], values)


def of_messages(db: Database, ids: Sequence[int]) -> list[Row]:
    """What came back of messages, the oldest first. Reads only."""
    return db.all(SQL["of_messages"], {"ids": list(ids)})


def of_endpoints(db: Database, ids: Sequence[int]) -> list[Row]:
    """Complaints of endpoints that no message is known of. Reads only."""
    return db.all(SQL["of_endpoints"], {"ids": list(ids)})


def unsubscribe(db: Database, endpoint_id: int, tag: str, at: int) -> bool:
    """What a mail to unsubscribe asks for: no more of one follow, or nothing more at all; whether that changed
    anything."""
    act = Act(at, audit.READER, Way.MAIL)
    if tag:
        return bool(directory.unfollow(db, endpoint_id, [tag], act))
    return directory.opt_out(db, endpoint_id, act)


def exists(db: Database, endpoint_id: int) -> bool:
    """Whether an endpoint is still kept."""
    return db.value(SQL["exists"], {"id": endpoint_id}) is not None
