"""The message with the link to all that is stored about a reader, or to its end. It goes to the reader's own mailbox
and nowhere else: whoever holds a message that was passed on, or reads it in a group, may ask and gets nothing."""

from __future__ import annotations

import json
import secrets

from dispatch.delivery.ledger import SQL, Right, add_urgent
from subscribers import directory
from subscribers.database import Database

DATA, ERASE = "data", "erase"
KINDS = (DATA, ERASE)
GOOD_MS = 3_600_000  # that a link is good for, from the asking on
MOST = 3  # of each kind that an endpoint gets in a day: others may ask too
_DAY_MS = 86_400_000


def queue(db: Database, kind: str, endpoint_id: int, now: int) -> bool:
    """Queue the message for an endpoint of email, before everything else; whether it is not one too many. Called inside
    a transaction. Raises NotFound."""
    endpoint = directory.endpoint(db, endpoint_id)
    if kind not in KINDS or endpoint.address.channel != "email":
        raise ValueError(f"no message of the kind {kind} by {endpoint.address.channel}")
    edges = {"low": f"{kind}:{endpoint_id}:", "high": f"{kind}:{endpoint_id};"}
    if db.value(SQL["keys_since"], {**edges, "since": now - _DAY_MS}) >= MOST:
        return False
    key = f"{kind}:{endpoint_id}:{now}:{secrets.token_hex(4)}"
    content = {"subscriber": endpoint.subscriber_id, "until": now + GOOD_MS}
    add_urgent(db, kind, key, endpoint, content, now + GOOD_MS, now)
    return True


def of_content(content: str) -> Right:
    """What a message of these kinds is about."""
    found = json.loads(content)
    return Right(int(found["subscriber"]), int(found["until"]))
