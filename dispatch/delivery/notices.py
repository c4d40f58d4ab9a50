"""Those who may approve are told of an issue that waits for it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from dispatch import archive
from dispatch.delivery.ledger import SQL, URGENT
from subscribers.database import Database
from subscribers.model import Address

KIND = "notice"
EXPIRE_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class Approvers:
    """Whom to tell, in which language; `secret` signs what goes to webhooks."""

    addresses: tuple[Address, ...] = ()
    language: str = "zh"
    secret: str = field(default="", repr=False)


def queue(db: Database, approvers: Approvers, issue_id: int, revision: int, now: int) -> int:
    """Queue a message to each of them, once a revision of an issue; how many. What waits of an older one goes to
    nobody. Called inside a transaction."""
    db.run(SQL["drop_notices"], {**span(issue_id), "now": now})
    digests = [(digest_id, 0) for digest_id in archive.digest_ids(db, issue_id)]
    return sum(
        db.run(SQL["add_notice"], _values(approvers, address, issue_id, revision, digests, now))
        for address in different(approvers.addresses)
    )


def span(issue_id: int) -> dict[str, str]:
    """Between which keys the notices of an issue lie, whatever its revision: from `low`, below `high`."""
    prefix = f"{KIND}:held:{issue_id}"
    return {"low": f"{prefix}:", "high": f"{prefix};"}


def different(addresses: Iterable[Address]) -> Iterable[Address]:
    """Each address once."""
    return {(address.channel, address.address): address for address in addresses}.values()


def _values(
    approvers: Approvers, to: Address, issue_id: int, revision: int, digests: list[tuple[int, int]], now: int
) -> dict[str, object]:
    secret = approvers.secret if to.channel == "webhook" else ""
    return {
        "key": f"{KIND}:held:{issue_id}:{revision}:{to.channel}:{to.address}",
        "kind": KIND,
        "channel": to.channel,
        "queue": to.queue,
        "address": to.address,
        "language": approvers.language,
        "content": json.dumps({"digests": digests, "secret": secret}),
        "priority": URGENT,
        "due_at": now,
        "expires_at": now + EXPIRE_MS,
        "now": now,
    }
