"""Methods by which a bot gets its updates."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from dispatch.testing.telegram.calls import Call, Json, refuse
from dispatch.testing.telegram.updates import MAX_TIMEOUT
from dispatch.testing.telegram.webhooks import Webhook

_SECRET = re.compile(r"[A-Za-z0-9_-]{0,256}")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


async def get_updates(call: Call, ending: Callable[[], bool]) -> list[Json]:
    """getUpdates; `ending` tells that the server stops."""
    if call.bot.webhook is not None:
        raise refuse(
            "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first", 409
        )
    _remember_allowed(call)
    call.world.polled()
    limit = min(max(call.integer("limit", 100), 1), 100)
    seconds = min(max(call.integer("timeout"), 0), MAX_TIMEOUT)
    return await call.bot.updates.poll(call.integer("offset"), limit, float(seconds), ending)


def set_webhook(call: Call) -> bool:
    url = call.text("url").strip()
    if not url:
        return delete_webhook(call)
    parts = urlsplit(url)
    # Telegram wants HTTPS; a loopback test may go without.
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise refuse("bad webhook: An HTTPS URL must be provided for webhook")
    secret = call.text("secret_token")
    if not _SECRET.fullmatch(secret):
        raise refuse("secret token contains unallowed characters")
    _remember_allowed(call)
    if call.flag("drop_pending_updates"):
        call.bot.updates.drop()
    call.bot.updates.conflict()
    call.bot.webhook = Webhook(url, secret, call.integer("max_connections", 40))
    call.world.on_webhook(call.bot)
    return True


def delete_webhook(call: Call) -> bool:
    if call.flag("drop_pending_updates"):
        call.bot.updates.drop()
    call.bot.webhook = None
    call.world.on_webhook(call.bot)
    return True


def get_webhook_info(call: Call) -> Json:
    return (call.bot.webhook or Webhook("")).info(call.bot)


def _remember_allowed(call: Call) -> None:
    """An omitted list leaves what was said before."""
    if call.params.get("allowed_updates") is not None:
        call.bot.updates.allow(str(kind) for kind in call.list_of("allowed_updates"))
