"""The message that asks somebody to say yes."""

from __future__ import annotations

import json

from dispatch.delivery.ledger import add_urgent
from dispatch.errors import UsageError
from subscribers import directory
from subscribers.consent import Asked
from subscribers.database import Database

KIND = "confirm"
EXPIRE_MS = 48 * 3_600_000  # what is not sent by then is not awaited any more


def queue(db: Database, asked: Asked, now: int) -> int:
    """Queue the message for what was asked, before everything else; its id. Called inside a transaction. Raises
    UsageError for a channel without confirmations."""
    endpoint = directory.endpoint(db, asked.endpoint_id)
    check_channel(endpoint.address.channel)
    content = {"consent": asked.consent_id}
    return add_urgent(db, KIND, f"{KIND}:{asked.consent_id}", endpoint, content, now + EXPIRE_MS, now)


def check_channel(channel: str) -> None:
    """Raises UsageError where nobody can be asked by a message: a chat or a program has not agreed to one either."""
    if channel != "email":
        raise UsageError(
            f"nobody is asked by {channel}: confirmations go by email only; where they have agreed, say how:"
            " --confirmed --basis TEXT"
        )


def consent_of(content: str) -> int:
    """The step of consent that a message of this kind is about."""
    return int(json.loads(content)["consent"])
