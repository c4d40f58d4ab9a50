"""Signed words for links: who may act on an endpoint, without an address or a log-in in the link.

The keys live in the store, so that they move with it and a restored backup still knows its links. The newest key
signs, all of them verify; nothing expires.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from itsdangerous import BadData, URLSafeSerializer

from subscribers.database import Database, queries

SQL = queries(Path(__file__).with_name("sql") / "directory.sql")
_MOST = 1000  # characters of a token that are looked at


@dataclass(frozen=True, slots=True)
class Leave:
    """What an unsubscribe token says: the endpoint, and the follow that is dropped ("" for all of it)."""

    endpoint_id: int
    tag: str = ""


class Signer:
    """Makes and checks tokens. One purpose's token is no good for another."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._leave = URLSafeSerializer(list(keys), salt="leave")

    @classmethod
    def load(cls, db: Database, now: int) -> Signer:
        """The signer of a store; its first key is made on first use."""
        keys = _keys(db)
        if not keys:
            with db.transaction():
                keys = _keys(db) or [_add_key(db, now)]
        return cls(keys)

    def leave(self, endpoint_id: int, tag: str = "") -> str:
        return self._leave.dumps([endpoint_id, tag] if tag else endpoint_id)

    def read_leave(self, token: str) -> Leave | None:
        """What a token says; None where it is not one of ours."""
        if not token.isascii():
            return None
        try:
            value = self._leave.loads(token[:_MOST])
        except BadData:
            return None
        return Leave(*value) if isinstance(value, list) else Leave(value)


def _keys(db: Database) -> list[str]:
    return [row["secret"] for row in db.all(SQL["keys"])]


def _add_key(db: Database, now: int) -> str:
    secret = secrets.token_urlsafe(32)
    db.insert(SQL["add_key"], {"secret": secret, "now": now})
    return secret
