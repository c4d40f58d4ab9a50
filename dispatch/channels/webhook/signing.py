"""Signatures by Standard Webhooks (v1, symmetric), with the reference library."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import secrets

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

PREFIX = "whsec_"


class BadSecret(Exception):
    """The endpoint's secret is none; the message does not contain it."""


def new_secret() -> str:
    """A fresh secret for an endpoint: `whsec_` and the base64 of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def signed_headers(secret: str, message_id: str, now: dt.datetime, body: bytes) -> dict[str, str]:
    """The three headers for one attempt. `secret` may be several, separated by blanks, while one is being replaced:
    the receiver accepts any. Raises BadSecret."""
    # The library reads the clock face of an aware time without regard to its zone.
    moment = now.astimezone(dt.UTC)
    text = body.decode("utf-8")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(_webhook(one).sign(message_id, moment, text) for one in _each(secret)),
    }


def _each(secret: str) -> list[str]:
    found = secret.split()
    if not found:
        raise BadSecret("the endpoint has no signing secret")
    return found


def _webhook(secret: str) -> Webhook:
    try:
        return Webhook(secret)
    except (binascii.Error, ValueError, EmptyWebhookSecretError):
        raise BadSecret("the endpoint's signing secret is not whsec_ and base64") from None
