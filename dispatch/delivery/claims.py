"""Claiming: leases on what is due, checked in the same transaction.

What a claim hands out may go: an opt-out, a dropped follow, a suppression or a cancelled issue counts up to that
moment, and the variant is that of the follows as they stand. What a person has paused is put aside, and what is due in
a reader's quiet hours (after a stop, or as another try) waits for their end.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from dispatch.delivery import alarms, confirmations, corrections, health, ledger, replay, rights
from dispatch.delivery.chosen import Chosen
from dispatch.delivery.groups import Groups
from dispatch.delivery.ledger import NORMAL, SQL, URGENT, Owed, Work
from dispatch.model import DeliveryState, IssueState, MessageState
from dispatch.states import WAITS
from subscribers import consent, directory
from subscribers.consent import Request
from subscribers.database import Database
from subscribers.model import EndpointState
from subscribers.proof import Step

NO_WORD = "no article of it passes the reader's words"
ALREADY = "already confirmed"  # the reason of a confirmation that nobody needs any more
_ALL = ""  # in the place of a channel
_ACTIVE, _PLANNED, _CANCELLED = EndpointState.ACTIVE.value, DeliveryState.PLANNED.value, IssueState.CANCELLED.value


def due_queues(db: Database, now: int, only: Sequence[int] | None = None) -> list[str]:
    """The queues that have something due, or one of the messages `only` due. Reads only."""
    if only is not None:
        return [row["queue"] for row in db.all(SQL["queues_of"], {"now": now, "ids": list(only)})]
    return [row["queue"] for row in db.all(SQL["due_queues"], {"now": now})]


def claim(
    db: Database,
    queue: str,
    page: int,
    owner: str,
    now: int,
    lease_ms: int,
    only: Sequence[int] | None = None,
    *,
    resend_unknown: bool = True,
) -> list[Work]:
    """Lease up to `page` due messages of a queue, urgent ones first; those that may not go any more are ended.

    With `only`, no messages but these. One that was begun by a sender who left no outcome may have arrived: that is
    recorded, and it is sent again, or ends where it is not to `resend_unknown`. An empty list means that nothing was
    due.
    """
    while True:
        with db.transaction(shared=True):
            leased = _lease(db, queue, page, owner, now, lease_ms, only)
            work = _Check(db, leased, now, resend_unknown=resend_unknown).run() if leased else []
        if work or not leased:
            return work


class _Leased(NamedTuple):
    """A message as the lease gives it."""

    id: int
    epoch: int
    kind: str
    endpoint_id: int | None
    expires_at: int
    attempts: int
    parts_done: int
    reason: str
    content: str
    begun: int


class _Endpoint(NamedTuple):
    id: int
    channel: str
    queue: str
    address: str
    secret: str
    state: str
    reason: str
    language: str
    format: str
    rhythm_id: int
    name: str | None


class _Delivery(NamedTuple):
    message_id: int
    id: int
    digest_id: int
    variant: int
    state: str


@dataclass(frozen=True, slots=True)
class _Digest:
    """A digest in a claim: where it stands, which revision its issue has, which bits each tag has, in which channels it
    waits, and in which it was cancelled."""

    order: tuple[int, int, int]
    state: str
    revision: int
    bits: dict[str, int]
    paused: frozenset[str]
    cancelled: frozenset[str]

    def waits(self, channel: str) -> bool:
        return channel in self.paused or _ALL in self.paused

    def cancel_reason(self, channel: str) -> str:
        """Why nothing of it is sent any more; "" where it may be."""
        if self.state == _CANCELLED:
            return ledger.CANCELLED
        return ledger.PART_CANCELLED if {channel, _ALL} & self.cancelled else ""


def _lease(
    db: Database, queue: str, page: int, owner: str, now: int, lease_ms: int, only: Sequence[int] | None
) -> list[_Leased]:
    lease = {"queue": queue, "owner": owner, "now": now, "lease_until": now + lease_ms}
    if only is not None:
        return _messages(db, "claim_only", {**lease, "page": page, "ids": list(only)})
    found: list[_Leased] = []
    for priority in (URGENT, NORMAL):
        if len(found) < page:
            found += _messages(db, "claim", {**lease, "priority": priority, "page": page - len(found)})
    return found


def _messages(db: Database, query: str, values: dict[str, Any]) -> list[_Leased]:
    return sorted(map(_Leased._make, db.rows(SQL[query], values)))


class _Check:
    """Looks a page of leased messages over. Few queries serve the whole page, whatever its size."""

    def __init__(self, db: Database, leased: Sequence[_Leased], now: int, *, resend_unknown: bool) -> None:
        self._db = db
        self._leased = leased
        self._now = now
        self._resend_unknown = resend_unknown

    def run(self) -> list[Work]:
        """What may be sent, in order; the rest is ended or put aside."""
        if any(message.begun for message in self._leased):
            self._leased = [message for message in map(self._recorded, self._leased) if message is not None]
        self._load()
        found = [work for message in self._leased if (work := self._look(message)) is not None]
        chats = [work for work in found if work.channel == "telegram"]
        groups = Groups.among(self._db, {work.address for work in chats})
        for work in chats:
            work.in_channel, work.chat_follows = groups.is_channel(work.address), groups.has_own(work.address)
        return found

    def _recorded(self, message: _Leased) -> _Leased | None:
        """A message whose last send has its record; None where it ends with that."""
        if not message.begun:
            return message
        reason = f"{ledger.UNKNOWN}: the process that was sending it ended before it had an answer"
        self._db.run(SQL["count_unknown"], {"id": message.id, "epoch": message.epoch, "reason": reason})
        attempt = {
            "message_id": message.id,
            "number": message.attempts + 1,
            "part": message.begun - 1,
            "lane": "",
            "started_at": self._now,
            "duration_ms": 0,
            "outcome": "retry" if self._resend_unknown else "rejected",
            "code": "unknown",
            "detail": reason,
        }
        self._db.run(SQL["add_attempt"], attempt)
        if self._resend_unknown:
            return message._replace(attempts=message.attempts + 1, reason=reason, begun=0)
        self._end(message, MessageState.FAILED, reason)
        return None

    def _load(self) -> None:
        db = self._db
        people = list({message.endpoint_id for message in self._leased if message.endpoint_id is not None})
        found = map(_Endpoint._make, db.page(SQL["claimed_endpoints"], {"ids": people}))
        self._endpoints = {endpoint.id: endpoint for endpoint in found if endpoint.name is not None}
        rhythms = {endpoint.rhythm_id for endpoint in self._endpoints.values()}
        self._quiet = directory.quiet_until(db, rhythms, self._now)
        self._deliveries: defaultdict[int, list[_Delivery]] = defaultdict(list)
        ids = {"ids": [message.id for message in self._leased]}
        for delivery in map(_Delivery._make, db.page(SQL["claimed_deliveries"], ids)):
            if delivery.state == _PLANNED:
                self._deliveries[delivery.message_id].append(delivery)
        self._follows: defaultdict[int, list[str]] = defaultdict(list)
        for endpoint_id, tag in db.page(SQL["claimed_follows"], {"ids": people}):
            self._follows[endpoint_id].append(tag)
        self._chosen = Chosen.load(db, people)
        asked = [confirmations.consent_of(m.content) for m in self._leased if m.kind == confirmations.KIND]
        self._requests = consent.requests(db, asked) if asked else {}
        owed = {delivery.digest_id for deliveries in self._deliveries.values() for delivery in deliveries}
        self._told = {m.id: corrections.of_content(m.content) for m in self._leased if m.kind == corrections.KIND}
        if self._told:
            self._corrections = corrections.Corrections(db, set(self._told.values()), people)
            owed |= self._corrections.digests
        for message in self._leased:
            if message.kind == replay.KIND:
                owed |= replay.digests_of(message.content)
        self._digests = _digests(db, owed)
        self._chosen.read(db, owed)

    def _look(self, message: _Leased) -> Work | None:
        endpoint = self._endpoints.get(message.endpoint_id or 0)
        if message.kind == confirmations.KIND:
            return self._confirmation(message, endpoint)
        if message.kind in rights.KINDS:
            return self._right(message, endpoint)
        refusal = self._refusal(message, endpoint)
        if refusal is not None:
            self._end(message, *refusal)
            return None
        if endpoint is None:
            return self._addressed(message)
        if endpoint.rhythm_id in self._quiet:
            due = {"due_at": self._quiet[endpoint.rhythm_id]}
            self._db.run(SQL["put_off"], {"id": message.id, "epoch": message.epoch, **due})
            return None
        if message.kind == corrections.KIND:
            return self._correction(message, endpoint)
        if message.kind == replay.KIND:
            return self._again(message, endpoint)
        if message.kind == health.KIND:
            return replace(self._work(message, endpoint, ()), alarm=alarms.of_content(json.loads(message.content)))
        if message.parts_done and message.content:
            return self._rest(message, endpoint)
        owed, waiting = self._owed(message, endpoint)
        if owed:
            for delivery in waiting:
                self._split_off(delivery)
            return self._work(message, endpoint, tuple(owed))
        if not waiting:
            self._end(message, MessageState.CANCELLED, "nothing of it is owed any more")
        elif self._resumes_as_one(waiting):
            self._pause(message, waiting[0].digest_id)
        else:
            for delivery in waiting:
                self._split_off(delivery)
            self._end(message, MessageState.CANCELLED, "its parts are paused one by one: each has a message of its own")
        return None

    def _confirmation(self, message: _Leased, endpoint: _Endpoint | None) -> Work | None:
        """The message that asks for a yes. It is the way back for whoever is not written to otherwise, so the
        endpoint's state does not stop it; nor do quiet hours, for somebody waits for it."""
        request = self._requests.get(confirmations.consent_of(message.content))
        if endpoint is None or request is None:
            self._end(message, MessageState.CANCELLED, "the endpoint is gone")
        elif why := self._answered(request):
            self._end(message, MessageState.CANCELLED, why)
        elif message.expires_at <= self._now:
            self._end(message, MessageState.EXPIRED, ledger.too_late(message.reason))
        else:
            wish = request.wish
            follows = wish.follows or tuple(sorted(self._follows[endpoint.id]))
            language = wish.preferences.language if wish.preferences else endpoint.language
            work = self._work(message, endpoint._replace(language=language), ())
            work.request = replace(request, wish=replace(wish, follows=follows))
            return work
        return None

    def _right(self, message: _Leased, endpoint: _Endpoint | None) -> Work | None:
        """The message by which a reader gets at their data: who left may have it too, and somebody waits for it."""
        if endpoint is None or endpoint.state == EndpointState.GONE:
            self._end(message, MessageState.CANCELLED, "the endpoint is gone")
        elif message.expires_at <= self._now:
            self._end(message, MessageState.EXPIRED, ledger.too_late(message.reason))
        else:
            work = self._work(message, endpoint, ())
            work.right = rights.of_content(message.content)
            return work
        return None

    def _answered(self, request: Request) -> str:
        """Why nobody need be asked any more; "" where they must be."""
        if request.answer is Step.GIVEN:
            return ALREADY
        if request.answer is Step.WITHDRAWN:
            return "taken back since"
        return ""

    def _resumes_as_one(self, waiting: Sequence[_Delivery]) -> bool:
        """Whether all that waits of a message waits for the same word of a person."""
        digests = [self._digests[delivery.digest_id] for delivery in waiting]
        return len(digests) == 1 or (digests[0].state in WAITS and len({digest.order[0] for digest in digests}) == 1)

    def _rest(self, message: _Leased, endpoint: _Endpoint) -> Work | None:
        """The rest of a message of which parts have gone: made of what it was made of then, or nothing."""
        deliveries = self._deliveries[message.id]
        digests = [self._digests[delivery.digest_id] for delivery in deliveries]
        waiting = [
            delivery for delivery, digest in zip(deliveries, digests, strict=True) if digest.waits(endpoint.channel)
        ]
        wanted = any(self._variant(endpoint, delivery.digest_id) for delivery in deliveries)
        if not wanted or all(digest.cancel_reason(endpoint.channel) for digest in digests):
            self._end(message, MessageState.CANCELLED, f"nothing more of it is owed; parts sent: {message.parts_done}")
        elif waiting:
            self._pause(message, waiting[0].digest_id)
        else:
            return self._begun(message, endpoint)
        return None

    def _variant(self, endpoint: _Endpoint, digest: int) -> int:
        """The articles of a digest that a reader follows and whose words they want, as they stand now."""
        bits = self._digests[digest].bits
        followed = reduce(or_, (bits.get(tag, 0) for tag in self._follows[endpoint.id]), 0)
        return self._chosen.of(endpoint.id, digest, followed)

    def _begun(self, message: _Leased, endpoint: _Endpoint) -> Work:
        """A message of which parts have gone, as it was then; one that was begun before revisions were counted has the
        text of today."""
        made = json.loads(message.content)
        follows = self._follows[endpoint.id]
        owed = tuple(
            Owed(delivery, digest, variant, tuple(sorted(tag for tag in follows if tag in self._bits(digest))), *of)
            for delivery, digest, variant, *of in made["owed"]
        )
        return self._work(message, endpoint._replace(language=made["language"], format=made["format"]), owed)

    def _correction(self, message: _Leased, endpoint: _Endpoint) -> Work | None:
        """What a reader had, follows and is told of. All of it waits where a person has paused a part of it."""
        try:
            work = self._told_of(message, endpoint)
        except corrections.Unknown:
            due = {"due_at": self._now + corrections.WAIT_MS}
            self._db.run(SQL["put_off"], {"id": message.id, "epoch": message.epoch, **due})
            return None
        wanted = work.owed if self._follows[endpoint.id] else ()
        kept = self._bearable(wanted, endpoint)
        going = [part for part in kept if not self._digests[part.digest_id].cancel_reason(endpoint.channel)]
        waiting = [part for part in going if self._digests[part.digest_id].waits(endpoint.channel)]
        if not going:
            why = "nothing of it is theirs or followed any more, or it is cancelled, or a later correction tells of it"
            self._end(message, MessageState.CANCELLED, why)
        elif waiting:
            self._pause(message, waiting[0].digest_id)
        else:
            return work if message.parts_done else replace(work, owed=tuple(going))
        return None

    def _again(self, message: _Leased, endpoint: _Endpoint) -> Work | None:
        """What a person has sent once more: as it was then, under the same id. A pause holds it back, too."""
        digests = [self._digests[digest] for digest in replay.digests_of(message.content)]
        if why := next(filter(None, (digest.cancel_reason(endpoint.channel) for digest in digests)), ""):
            self._end(message, MessageState.CANCELLED, why)
        elif any(digest.waits(endpoint.channel) for digest in digests):
            due = {"due_at": self._now + replay.WAIT_MS}
            self._db.run(SQL["put_off"], {"id": message.id, "epoch": message.epoch, **due})
        else:
            work = self._begun(message, endpoint)
            owed = tuple(self._hiding(part, endpoint) for part in work.owed)
            return replace(work, owed=owed, again=replay.id_of(message.content))
        return None

    def _hiding(self, part: Owed, endpoint: _Endpoint) -> Owed:
        """Without the titles that the reader's words exclude today: which they excluded then is not kept."""
        hidden = self._chosen.excluded_beside(endpoint.id, part.digest_id, part.variant)
        return part._replace(left_out=part.left_out or hidden)

    def _bearable(self, wanted: Sequence[Owed], endpoint: _Endpoint) -> list[Owed]:
        """Of what a correction tells of, the articles without a word that the reader wants none with. The words that an
        article must have are not asked for: the reader has had the old text, and must learn that it was wrong, even
        where the correction takes just those words out."""
        left = [(part, self._chosen.without_excluded(endpoint.id, part.digest_id, part.variant)) for part in wanted]
        return [part._replace(variant=variant) for part, variant in left if variant]

    def _told_of(self, message: _Leased, endpoint: _Endpoint) -> Work:
        """A correction with all that it tells of, in the order of the issue's columns."""
        about = self._told[message.id]
        if message.parts_done and "owed" in message.content:
            return replace(self._begun(message, endpoint), correction=about)
        found = self._corrections.owed(about, endpoint.id, self._follows[endpoint.id])
        there = sorted(found, key=lambda part: self._digests[part.digest_id].order)
        owed = tuple([part._replace(revision=self._digests[part.digest_id].revision) for part in there])
        return replace(self._work(message, endpoint, owed), correction=about)

    def _bits(self, digest: int) -> dict[str, int]:
        found = self._digests.get(digest)
        return found.bits if found else {}

    def _refusal(self, message: _Leased, endpoint: _Endpoint | None) -> tuple[MessageState, str] | None:
        """Why a message may not go to its endpoint any more; None where it may."""
        if endpoint is not None and endpoint.state != _ACTIVE:
            return MessageState.SUPPRESSED, f"endpoint {endpoint.state}: {endpoint.reason}".rstrip(": ")
        if endpoint is None and message.endpoint_id is not None:
            return MessageState.CANCELLED, "the endpoint is gone"
        if message.expires_at <= self._now:
            return MessageState.EXPIRED, ledger.too_late(message.reason)
        return None

    def _owed(self, message: _Leased, endpoint: _Endpoint) -> tuple[list[Owed], list[_Delivery]]:
        """What the reader is owed of it now, and what waits because a person paused it."""
        owed, waiting = [], []
        deliveries = self._deliveries[message.id]
        if len(deliveries) > 1:
            deliveries.sort(key=lambda delivery: self._digests[delivery.digest_id].order)
        for delivery in deliveries:
            digest = self._digests[delivery.digest_id]
            if why := digest.cancel_reason(endpoint.channel):
                self._end_delivery(delivery, why)
                continue
            if digest.waits(endpoint.channel):
                waiting.append(delivery)
                continue
            bits = digest.bits
            tags = sorted([tag for tag in self._follows[endpoint.id] if tag in bits])
            variant = 0
            for tag in tags:
                variant |= bits[tag]
            left = self._chosen.of(endpoint.id, delivery.digest_id, variant)
            if left != variant:  # the reasons are those of what is left
                tags = [tag for tag in tags if bits[tag] & left]
            if left:
                hidden = self._chosen.excluded_beside(endpoint.id, delivery.digest_id, left)
                owed.append(Owed(delivery.id, delivery.digest_id, left, tuple(tags), digest.revision, hidden))
            else:
                self._end_delivery(delivery, NO_WORD if variant else "no longer follows anything in it")
        return owed, waiting

    def _pause(self, message: _Leased, digest: int) -> None:
        values = {"id": message.id, "epoch": message.epoch, "digest": digest, "now": self._now}
        self._db.run(SQL["pause_claimed"], values)

    def _end(self, message: _Leased, state: MessageState, reason: str) -> None:
        ledger.end(self._db, message.id, message.epoch, message.parts_done, state, reason, self._now)

    def _end_delivery(self, delivery: _Delivery, reason: str) -> None:
        values = {"id": delivery.id, "variant": delivery.variant, "revision": 0, "reason": reason, "now": self._now}
        self._db.run(SQL["settle_delivery"], {**values, "state": DeliveryState.CANCELLED})

    def _split_off(self, delivery: _Delivery) -> None:
        message_id = self._db.value(SQL["split_off"], {"id": delivery.id, "now": self._now})
        if message_id is not None:
            self._db.run(SQL["move_delivery"], {"id": delivery.id, "message_id": message_id})

    def _work(self, message: _Leased, endpoint: _Endpoint, owed: tuple[Owed, ...]) -> Work:
        _, channel, queue, address, secret, _, _, language, format_, _, name = endpoint
        id_, epoch, kind, endpoint_id, expires_at, attempts, parts_done, _, _, _ = message
        assert endpoint_id is not None
        return Work(
            id_, epoch, kind, channel, queue, endpoint_id, address, name or "", language, format_, owed, attempts,
            parts_done, expires_at, secret,
        )  # fmt: skip

    def _addressed(self, message: _Leased) -> Work:
        """A message to a bare address, whose content names the digests itself."""
        row = self._db.one(SQL["addressed"], {"id": message.id})
        assert row is not None
        content = json.loads(row["content"])
        digests = _digests(self._db, [digest for digest, _ in content["digests"]])
        return Work(
            message_id=message.id,
            epoch=message.epoch,
            kind=message.kind,
            endpoint_id=0,
            name="",
            format="full",
            owed=tuple(
                Owed(0, digest, variant, (), digests[digest].revision if digest in digests else 0)
                for digest, variant in content["digests"]
            ),
            attempts=message.attempts,
            parts_done=message.parts_done,
            expires_at=message.expires_at,
            secret=content["secret"] or row["secret"] or "",
            alarm=alarms.of_content(content),
            **{name: row[name] for name in ("channel", "queue", "address", "language")},
        )


def _digests(db: Database, ids: Iterable[int]) -> dict[int, _Digest]:
    wanted = {"ids": list(ids)}
    bits: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for digest_id, tag, bit in db.rows(SQL["digests_tags"], wanted):
        bits[digest_id][tag] = bits[digest_id].get(tag, 0) | bit
    holds, cancels = db.rows(SQL["holds"]), db.rows(SQL["cancels"], wanted)
    found = {}
    for digest_id, column, part, issue_id, state, revision in db.rows(SQL["claimed_digests"], wanted):
        paused, cancelled = (_channels_of(parts, issue_id, column) for parts in (holds, cancels))
        if state in WAITS:
            paused |= {_ALL}
        found[digest_id] = _Digest((issue_id, column, part), state, revision, bits[digest_id], paused, cancelled)
    return found


def _channels_of(parts: Iterable[tuple[Any, ...]], issue_id: int, column: int) -> frozenset[str]:
    """The channels in which parts of an issue cover a column."""
    return frozenset(channel for issue, position, channel in parts if issue == issue_id and position in (-1, column))
