"""Signed words for links: who may act on an endpoint, without an address or a log-in in the link.

The keys live in the store, so that they move with it and a restored backup still knows its links. The newest key
signs, all of them verify; nothing expires.

A token is `WORDS.SIGNATURE`, both in base64url without padding. The words are `7` (the endpoint) or `7:park:…` (the
endpoint and a follow) in UTF-8. The signature is HMAC-SHA256 of WORDS, as they stand in the token; its key is
HMAC-SHA256 of the purpose (`leave`), made with a key of the store.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import itsdangerous

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
        """`keys` from the oldest to the newest, which signs."""
        self._leave = itsdangerous.Signer(list(keys), salt="leave", key_derivation="hmac", digest_method=hashlib.sha256)

    @classmethod
    def load(cls, db: Database, now: int) -> Signer:
        """The signer of a store; its first key is made on first use."""
        keys = _keys(db)
        if not keys:
            with db.transaction():
                keys = _keys(db) or [_add_key(db, now)]
        return cls(keys)

    def leave(self, endpoint_id: int, tag: str = "") -> str:
        words = _encode((f"{endpoint_id}:{tag}" if tag else str(endpoint_id)).encode())
        return self._leave.sign(words).decode()

    def read_leave(self, token: str) -> Leave | None:
        """What a token says; None where it is not one of ours."""
        if not token.isascii() or len(token) > _MOST:
            return None
        try:
            words = self._leave.unsign(token)
        except itsdangerous.BadSignature:
            return None
        endpoint_id, _, tag = _decode(words).decode().partition(":")
        return Leave(int(endpoint_id), tag)


def _encode(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _decode(words: bytes) -> bytes:
    return urlsafe_b64decode(words + b"=" * (-len(words) % 4))


def _keys(db: Database) -> list[str]:
    return [row["secret"] for row in db.all(SQL["keys"])]


def _add_key(db: Database, now: int) -> str:
    secret = secrets.token_urlsafe(32)
    db.insert(SQL["add_key"], {"secret": secret, "now": now})
    return secret
