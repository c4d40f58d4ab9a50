"""The message that asks somebody to say yes."""

from __future__ import annotations

import json

from dispatch.delivery.ledger import SQL, URGENT
from subscribers import directory
from subscribers.consent import Asked
from subscribers.database import Database

KIND = "confirm"
EXPIRE_MS = 48 * 3_600_000  # what is not sent by then is not awaited any more


def queue(db: Database, asked: Asked, now: int) -> int:
    """Queue the message for what was asked, before everything else; its id. Called inside a transaction."""
    endpoint = directory.endpoint(db, asked.endpoint_id)
    values = {
        "key": f"{KIND}:{asked.consent_id}",
        "kind": KIND,
        "endpoint_id": endpoint.id,
        "channel": endpoint.address.channel,
        "queue": endpoint.address.queue,
        "address": "",  # the endpoint's, as it is when it is sent
        "language": "",
        "content": json.dumps({"consent": asked.consent_id}),
        "priority": URGENT,
        "due_at": now,
        "expires_at": now + EXPIRE_MS,
        "now": now,
    }
    return db.insert(SQL["add_message"], values)
