"""Signatures by Standard Webhooks (v1, symmetric), and the secrets that make them.

An endpoint's secret is `whsec_` and the base64 of 24 to 64 bytes. While one replaces another, both sign, so that the
receiver changes over when it suits: then it is `whsec_NEW whsec_OLD:UNTIL`, with the time in ms since 1970 from which
the old one signs no more.
"""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import secrets
from collections.abc import Iterator
from typing import NamedTuple

PREFIX = "whsec_"
OVERLAP_MS = 24 * 3_600_000
"""How long the secret that was replaced goes on to sign."""

_BYTES = range(24, 65)  # of a secret (Standard Webhooks, "Signature scheme")


class BadSecret(Exception):
    """The endpoint's secret is none; the message does not contain it."""


class _Part(NamedTuple):
    """One secret, and from when (ms) it signs no more; None: for good."""

    secret: str
    until: int | None

    def signs(self, now: int) -> bool:
        return self.until is None or now < self.until

    def __str__(self) -> str:
        return self.secret if self.until is None else f"{self.secret}:{self.until}"


def new_secret() -> str:
    """A fresh secret for an endpoint: `whsec_` and the base64 of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def rotated(secret: str, now: int) -> str:
    """A new secret in place of this one, which goes on to sign beside it for 24 hours from `now` (ms). What was
    replaced before keeps its own time."""
    former = (_Part(part.secret, now + OVERLAP_MS) if part.until is None else part for part in _usable(secret, now))
    return " ".join([new_secret(), *map(str, former)])


def settled(secret: str, now: int) -> str:
    """The secret without those whose time is over at `now` (ms); what is no secret at all stays as it is."""
    return " ".join(word for word in secret.split() if _signs(word, now))


def current(secret: str) -> str:
    """The one that a receiver is to have, without those that it replaced; "" where there is none."""
    return next((part.secret for part in map(_part, secret.split()) if part.until is None), "")


def signed_headers(secret: str, message_id: str, now: dt.datetime, body: bytes) -> dict[str, str]:
    """The three headers for one attempt at `now`, aware, with a signature by each secret that signs then: the receiver
    accepts any. Raises BadSecret."""
    second = str(int(now.timestamp()))
    signed = b"%b.%b.%b" % (message_id.encode(), second.encode(), body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": second,
        "webhook-signature": " ".join(_signature(key, signed) for key in _keys(secret, int(now.timestamp() * 1000))),
    }


def _keys(secret: str, now: int) -> list[bytes]:
    found = [_key(part.secret) for part in map(_part, secret.split()) if part.signs(now)]
    if not found:
        raise BadSecret("the endpoint has no signing secret")
    return found


def _part(word: str) -> _Part:
    secret, colon, until = word.partition(":")
    if not colon:
        return _Part(secret, None)
    if not (until.isascii() and until.isdigit() and len(until) <= 15):
        raise BadSecret("the endpoint's signing secret has an end that is no time")
    return _Part(secret, int(until))


def _usable(secret: str, now: int) -> Iterator[_Part]:
    """The parts that still sign; one that is no secret has never signed anything."""
    for word in secret.split():
        try:
            part = _part(word)
            _key(part.secret)
        except BadSecret:
            continue
        if part.signs(now):
            yield part


def _signs(word: str, now: int) -> bool:
    try:
        return _part(word).signs(now)
    except BadSecret:
        return True


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if len(key) not in _BYTES:
        raise BadSecret("the endpoint's signing secret is not whsec_ and the base64 of 24 to 64 bytes") from None
    return key


def _signature(key: bytes, signed: bytes) -> str:
    """The reference library's would take the body as text, and twice the time."""
    return f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode('ascii')}"
