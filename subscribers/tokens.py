"""Signed words for links: who may do what, without an address or a log-in in the link.

The keys live in the store, so that they move with it and a restored backup still knows its links. The newest key
signs; all of them verify, so that a new key makes no link of an old mail useless.

A token is `WORDS.SIGNATURE`, both in base64url without padding. The words are UTF-8: for leaving `7` (the endpoint) or
`7:park:…` (the endpoint and a follow), for the others `7` or `7@1700000000`, with the second after which the token is
no good; where a token is not about one thing of ours, other words stand for the 7. The signature is HMAC-SHA256 of
WORDS, as they stand in the token; its key is HMAC-SHA256 of the purpose, made with a key of the store.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import itsdangerous

from subscribers.database import Database, queries

SQL = queries(Path(__file__).with_name("sql") / "tokens.sql")
_URLSAFE = bytes.maketrans(b"+/", b"-_")  # RFC 4648 5
MOST = 2000
"""Characters of a token that are looked at; a longer one is none."""


class Purpose(StrEnum):
    """What a token is good for, and for nothing else."""

    LEAVE = "leave"  # an endpoint, or a follow of it
    CONFIRM = "confirm"  # what was asked (`consents`)
    PREFERENCES = "preferences"  # of an endpoint
    DATA = "data"  # all that is stored about a subscriber
    ERASE = "erase"  # a subscriber
    PREVIEW = "preview"  # an issue that is not public yet
    WHOLE = "whole"  # what a message to a webhook had to cut, by words that say which digests
    FORM = "form"  # a form of ours, by the second when it was shown


@dataclass(frozen=True, slots=True)
class Leave:
    """What an unsubscribe token says: the endpoint, and the follow that is dropped ("" for all of it)."""

    endpoint_id: int
    tag: str = ""


class Expired(Exception):
    """The token is one of ours, and its time is over."""


class Mac:
    """HMAC-SHA256 (RFC 2104) with a key that is taken in once. For short texts that is a third of the time, and the
    interpreter's lock is not given away for each."""

    def __init__(self, key: bytes) -> None:
        padded = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def digest(self, data: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(data)
        outer.update(inner.digest())
        return outer.digest()


class Signer:
    """Makes and checks tokens. One purpose's token is no good for another. Whoever shares one learns of a new key with
    the others: see `reload`."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys` from the oldest to the newest, which signs."""
        self._take(keys)

    def _take(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)
        self._signers = {
            purpose: itsdangerous.Signer(
                list(keys), salt=purpose.value, key_derivation="hmac", digest_method=hashlib.sha256
            )
            for purpose in Purpose
        }
        # Several tokens stand in each message, so the work on the key is done once.
        self._macs = {purpose: Mac(signer.derive_key()) for purpose, signer in self._signers.items()}

    @classmethod
    def load(cls, db: Database, now: int) -> Signer:
        """The signer of a store; its first key is made on first use."""
        keys = secrets_of(db)
        if not keys:
            with db.transaction():
                keys = secrets_of(db) or (_add_key(db, now),)
        return cls(keys)

    def reload(self, db: Database) -> bool:
        """Learn which keys the store has now; whether there are others than before. A program that runs does so at
        times, for what it signs, and where a token is none of its keys', for what it verifies."""
        keys = secrets_of(db)
        if not keys or keys == self._keys:
            return False
        self._take(keys)
        return True

    def leave(self, endpoint_id: int, tag: str = "") -> str:
        """Leaving, for ever: whoever finds the link in an old mail may use it."""
        return self._sign(Purpose.LEAVE, f"{endpoint_id}:{tag}" if tag else str(endpoint_id))

    def read_leave(self, token: str) -> Leave | None:
        """What a token says; None where it is not one of ours."""
        words = self._read(Purpose.LEAVE, token)
        if words is None:
            return None
        endpoint_id, _, tag = words.partition(":")
        return Leave(int(endpoint_id), tag)

    def token(self, purpose: Purpose, id_: int, expires_at: int | None = None) -> str:
        """A token about one thing, good for ever or until a time (ms)."""
        return self.token_of(purpose, str(id_), expires_at)

    def token_of(self, purpose: Purpose, words: str, expires_at: int | None = None) -> str:
        """A token about what these words say; there is no @ in them."""
        return self._sign(purpose, words if expires_at is None else f"{words}@{expires_at // 1000}")

    def read(self, purpose: Purpose, token: str, now: int) -> int | None:
        """What a token is about; None where it is not one of ours. Raises Expired."""
        words = self.read_words(purpose, token, now)
        return None if words is None else int(words)

    def read_words(self, purpose: Purpose, token: str, now: int) -> str | None:
        """The words that a token is about; None where it is not one of ours. Raises Expired."""
        signed = self._read(purpose, token)
        if signed is None:
            return None
        words, _, until = signed.partition("@")
        if until and now > int(until) * 1000:
            raise Expired
        return words

    def _sign(self, purpose: Purpose, words: str) -> str:
        signed = _encode(words.encode())
        return (b"%b.%b" % (signed, _encode(self._macs[purpose].digest(signed)))).decode()

    def _read(self, purpose: Purpose, token: str) -> str | None:
        if not token.isascii() or len(token) > MOST:
            return None
        try:
            return _decode(self._signers[purpose].unsign(token)).decode()
        except itsdangerous.BadSignature:
            return None


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the ring, by what may be told of it."""

    id: int
    created_at: int
    signs: bool


def ring(db: Database) -> list[Key]:
    """The keys, from the oldest to the newest, which signs."""
    rows = db.all(SQL["keys"])
    return [Key(row["id"], row["created_at"], n == len(rows)) for n, row in enumerate(rows, start=1)]


def rotate(db: Database, now: int) -> None:
    """A new key signs from now on; the others still verify. Called inside a transaction. A program that runs goes on
    with the keys it knows until it reloads them: what it signs stays good."""
    _add_key(db, now)


def _encode(data: bytes) -> bytes:
    return b2a_base64(data, newline=False).translate(_URLSAFE, b"=")


def _decode(words: bytes) -> bytes:
    return urlsafe_b64decode(words + b"=" * (-len(words) % 4))


def secrets_of(db: Database) -> tuple[str, ...]:
    """The keys of a store, from the oldest to the newest, which signs. They are for signers alone."""
    return tuple(row["secret"] for row in db.all(SQL["keys"]))


def _add_key(db: Database, now: int) -> str:
    secret = secrets.token_urlsafe(32)
    db.insert(SQL["add_key"], {"secret": secret, "now": now})
    return secret
