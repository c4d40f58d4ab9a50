"""Addresses to which nothing goes, also when no endpoint has them any more.

An endpoint that has an address says by its state that nothing goes there. When the endpoint is erased, or moves away
from the address, the keyed hash of the address is what is left: enough to know it again, and no more.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from subscribers.database import Database, Row, queries
from subscribers.model import Address

SQL = queries(Path(__file__).with_name("sql") / "suppression.sql")
_SLICE = 5_000


class Hasher:
    """Hashes addresses with the store's own key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    @classmethod
    def load(cls, db: Database) -> Hasher:
        """The hasher of a store; its key is made on first use, inside a transaction of the caller's or outside."""
        key = db.value(SQL["key"])
        if key is None:
            db.run(SQL["add_key"], {"secret": secrets.token_urlsafe(32)})
            key = db.value(SQL["key"])
        return cls(str(key))

    def address(self, address: Address) -> str:
        """The same for all spellings of one address."""
        return self.words(*address.identity)

    def words(self, *words: str) -> str:
        return hmac.new(self._key, "\0".join(words).encode(), hashlib.sha256).hexdigest()


def suppress(db: Database, hasher: Hasher, address: Address, reason: str, now: int) -> None:
    """Nothing goes to an address that no endpoint has from now on. Called inside a transaction."""
    db.run(SQL["suppress"], {"address_hash": hasher.address(address), "reason": reason, "now": now})


def lift(db: Database, hasher: Hasher, address: Address) -> bool:
    """The person wants to be written to again; whether the address was suppressed."""
    return bool(db.run(SQL["lift"], {"address_hash": hasher.address(address)}))


def reasons(db: Database, hasher: Hasher, addresses: Iterable[Address]) -> dict[tuple[str, str], str]:
    """Why nothing goes to those of the addresses that are suppressed, by their `identity`. Reads only."""
    if db.value(SQL["any"]) is None:  # as in most stores: nothing need be hashed
        return {}
    by_hash = {hasher.address(address): address.identity for address in addresses}
    found: dict[tuple[str, str], str] = {}
    for hashes in _slices(list(by_hash)):
        rows = db.rows(SQL["reasons"], {"hashes": hashes})
        found |= {by_hash[address_hash]: reason for address_hash, reason in rows}
    return found


def _slices(items: Sequence[str]) -> Iterable[list[str]]:
    return (list(items[start : start + _SLICE]) for start in range(0, len(items), _SLICE))


def endpoints(db: Database, channel: str = "", page: int = _SLICE) -> Iterator[Row]:
    """The endpoints to which nothing goes: `id`, `channel`, `address`, `reason`, `since` (ms), and by whose act and
    way, as far as that is on record. Few are in memory. Reads only."""
    after = 0
    while rows := db.all(SQL["endpoints"], {"channel": channel, "after": after, "page": page}):
        yield from rows
        after = rows[-1]["id"]


def hashes(db: Database, page: int = _SLICE) -> Iterator[Row]:
    """The addresses that no endpoint has: `address_hash`, `reason`, `since` (ms). Reads only."""
    after = ""
    while rows := db.all(SQL["hashes"], {"after": after, "page": page}):
        yield from rows
        after = rows[-1]["address_hash"]


def by_reason(db: Database) -> list[Row]:
    """How many addresses that no endpoint has are suppressed for which `reason`, and the `latest` time (ms)."""
    return db.all(SQL["by_reason"])
