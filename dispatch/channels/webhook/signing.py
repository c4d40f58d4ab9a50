"""Signatures by Standard Webhooks (v1, symmetric)."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import secrets

PREFIX = "whsec_"


class BadSecret(Exception):
    """The endpoint's secret is none; the message does not contain it."""


def new_secret() -> str:
    """A fresh secret for an endpoint: `whsec_` and the base64 of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def signed_headers(secret: str, message_id: str, now: dt.datetime, body: bytes) -> dict[str, str]:
    """The three headers for one attempt. `secret` may be several, separated by blanks, while one is being replaced:
    the receiver accepts any. Raises BadSecret."""
    second = str(int(now.timestamp()))
    signed = b"%b.%b.%b" % (message_id.encode(), second.encode(), body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": second,
        "webhook-signature": " ".join(_signature(one, signed) for one in _each(secret)),
    }


def _each(secret: str) -> list[str]:
    found = secret.split()
    if not found:
        raise BadSecret("the endpoint has no signing secret")
    return found


def _signature(secret: str, signed: bytes) -> str:
    """Of what is signed, by one secret. The reference library's would take the body as text, and twice the time."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX))
    except ValueError:
        key = b""
    if not key:
        raise BadSecret("the endpoint's signing secret is not whsec_ and base64") from None
    return f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode('ascii')}"
