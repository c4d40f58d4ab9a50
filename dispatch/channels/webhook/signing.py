"""Signatures by Standard Webhooks (v1, symmetric), with the reference library."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import secrets

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

PREFIX = "whsec_"
BOTH = dt.timedelta(hours=24)
"""How long the old secret signs beside the new one."""

_UNTIL = ":"


class BadSecret(Exception):
    """The endpoint's secret is none; the message does not contain it."""


def new_secret() -> str:
    """A fresh secret for an endpoint: `whsec_` and the base64 of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def rotated(secret: str, now: dt.datetime) -> str:
    """A new secret before those that sign now, which go on doing so for BOTH: `whsec_NEW whsec_OLD:UNTIL`, in ms."""
    until = _ms(now + BOTH)
    going = [word if _UNTIL in word else f"{word}{_UNTIL}{until}" for word in settled(secret, now).split()]
    return " ".join([new_secret(), *going])


def settled(secret: str, now: dt.datetime) -> str:
    """The secret without what has had its time."""
    return " ".join(word for word in secret.split() if _good(word, now))


def checked(secret: str) -> str:
    """A secret that somebody else made. Raises BadSecret, which does not repeat it."""
    text = secret.strip()
    try:
        size = len(base64.b64decode(text.removeprefix(PREFIX), validate=True)) if text.startswith(PREFIX) else 0
    except binascii.Error:
        size = 0
    if not 24 <= size <= 64:
        raise BadSecret("the secret of a webhook is whsec_ and the base64 of 24 to 64 bytes")
    return text


def _good(word: str, now: dt.datetime) -> bool:
    _, _, until = word.partition(_UNTIL)
    return not until or (until.isdecimal() and _ms(now) < int(until))


def _ms(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1000)


def signed_headers(secret: str, message_id: str, now: dt.datetime, body: bytes) -> dict[str, str]:
    """The three headers for one attempt. `secret` may be several, separated by blanks, while one is being replaced,
    each with the time (ms) until which it signs: the receiver accepts any. Raises BadSecret."""
    # The library reads the clock face of an aware time without regard to its zone.
    moment = now.astimezone(dt.UTC)
    text = body.decode("utf-8")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(_webhook(one).sign(message_id, moment, text) for one in _each(secret, moment)),
    }


def _each(secret: str, now: dt.datetime) -> list[str]:
    found = [word.partition(_UNTIL)[0] for word in settled(secret, now).split()]
    if not found:
        raise BadSecret("the endpoint has no signing secret")
    return found


def _webhook(secret: str) -> Webhook:
    try:
        return Webhook(secret)
    except (binascii.Error, ValueError, EmptyWebhookSecretError):
        raise BadSecret("the endpoint's signing secret is not whsec_ and base64") from None
