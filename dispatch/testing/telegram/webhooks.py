"""Updates by HTTP POST to the bot (Bot API, "setWebhook" and "Making requests when getting updates")."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp

from dispatch.testing.telegram.calls import Json, Params

if TYPE_CHECKING:
    from dispatch.testing.telegram.bots import BotAccount
    from dispatch.testing.telegram.world import World

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
PATIENCE = aiohttp.ClientTimeout(total=60)


@dataclass(eq=False, slots=True)
class Webhook:
    """Where a bot wants its updates, and how that went; `answered` are the methods that it called by its answers."""

    url: str
    secret: str = ""
    max_connections: int = 40
    failures: int = 0
    retries_asked: int = 0
    last_error_date: int = 0
    last_error: str = ""
    answered: list[Json] = field(default_factory=list)

    def info(self, bot: BotAccount) -> Json:
        """The Bot API's `WebhookInfo`."""
        body: Json = {
            "url": self.url,
            "has_custom_certificate": False,
            "pending_update_count": len(bot.updates.pending),
            "max_connections": self.max_connections,
        }
        if bot.updates.allowed:
            body["allowed_updates"] = sorted(bot.updates.allowed)
        if self.last_error:
            body |= {"last_error_date": self.last_error_date, "last_error_message": self.last_error}
        return body


Run = Callable[["BotAccount", str, Params], Awaitable[object]]


async def push(world: World, bot: BotAccount, webhook: Webhook, run: Run) -> None:
    """Post the bot's updates in their order, one at a time, each until it is taken; for as long as this is its webhook.

    An update that was not taken is posted again after `world.webhook_delay` seconds, or when a test says
    `retry_webhooks`. A method in the body of the answer is carried out by `run`.
    """
    async with aiohttp.ClientSession(timeout=PATIENCE) as session:
        while True:
            await world.signal.until(lambda: bot.updates.head() is not None, None)
            update = bot.updates.head()
            assert update is not None
            asked = webhook.retries_asked
            with world.under_way():
                taken, called = await _post(session, webhook, update)
                if taken:
                    bot.updates.done(update)
                if called:
                    webhook.answered.append(called)
                    await run(bot, str(called["method"]), called)
            if not taken:
                world.signal.notify()
                await _rest(world, webhook, asked)


async def _rest(world: World, webhook: Webhook, asked: int) -> None:
    """Wait out the delay, or until somebody has asked for more retries than those before."""
    await world.signal.until(lambda: webhook.retries_asked > asked, world.webhook_delay)


async def _post(session: aiohttp.ClientSession, webhook: Webhook, update: Json) -> tuple[bool, Json | None]:
    headers = {SECRET_HEADER: webhook.secret} if webhook.secret else {}
    try:
        async with session.post(webhook.url, json=update, headers=headers, allow_redirects=False) as answer:
            if 200 <= answer.status < 300:
                return True, await _method_in(answer)
            _failed(webhook, f"Wrong response from the webhook: {answer.status} {answer.reason}")
    except TimeoutError:
        _failed(webhook, "Read timeout expired")
    except aiohttp.ClientConnectorError:
        _failed(webhook, "Connection refused")
    except aiohttp.ClientError as error:
        _failed(webhook, f"Connection closed unexpectedly: {type(error).__name__}")
    return False, None


def _failed(webhook: Webhook, words: str) -> None:
    webhook.failures += 1
    webhook.last_error, webhook.last_error_date = words, int(time.time())


async def _method_in(answer: aiohttp.ClientResponse) -> Json | None:
    """The call that an answer contains, None where it contains none."""
    params: Json = {}
    if answer.content_type == "application/json":
        try:
            body = json.loads(await answer.text())
        except ValueError:
            return None
        params = body if isinstance(body, dict) else {}
    elif answer.content_type == "multipart/form-data":
        async for part in aiohttp.MultipartReader.from_response(answer):
            if isinstance(part, aiohttp.BodyPartReader) and part.name:
                params[part.name] = await part.text()
    return params if params.get("method") else None
