"""What a bot does before it talks: it learns its name, says what it can be told, and how it wants its updates."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dispatch.bot.commands import introduce
from dispatch.bot.links import note_name
from subscribers.errors import DatabaseError

if TYPE_CHECKING:
    from aiogram import Bot

    from dispatch.bot.desk import Office
    from dispatch.bot.patience import Patience
    from dispatch.delivery.store import Store

log = logging.getLogger(__name__)

ALLOWED = ("message", "callback_query", "inline_query", "my_chat_member", "chat_member")
"""The updates that are asked for (Bot API, `allowed_updates`); `chat_member` tells who administers a chat no more."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a bot is set up: `webhook` is where updates are posted to ("": they are asked for), with the `secret` that
    the Bot API then sends along."""

    webhook: str = ""
    secret: str = field(default="", repr=False)


async def start(api: Bot, office: Office, wishes: Wishes, store: Store, patience: Patience) -> Office:
    """Begin to be the bot of an office; that with the bot's name."""

    async def learn() -> None:
        nonlocal office
        office = replace(office, username=(await api.get_me()).username or "")

    async def settle() -> None:
        if wishes.webhook:
            await api.set_webhook(wishes.webhook, secret_token=wishes.secret, allowed_updates=list(ALLOWED))
        else:
            await api.delete_webhook()
        await introduce(api, office)

    await patience.insist(learn)
    await patience.insist(settle)
    log.info("bot @%s talks (%s)", office.username, "webhook" if wishes.webhook else "long polling")
    try:
        await store.call(note_name, office.number, office.username)
    except DatabaseError as error:
        log.error("the name of the bot cannot be noted, so pages and mails may lack links to it: %s", error)
    return office
