"""Signs of life of a bot's conversation, for whoever asks from another process (`delivery/status_reader.py`). They are
written when something changes, and with each update that is handled."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dispatch.bot.inbox import SQL
from subscribers.database import Database
from subscribers.errors import DatabaseError

if TYPE_CHECKING:
    from dispatch.delivery.store import Store

log = logging.getLogger(__name__)


class Signs:
    """Those of one bot: its number, its name in the settings, and how its updates come (`polling` or `webhook`). A
    store that cannot be written is no reason not to talk."""

    def __init__(self, store: Store, number: int, name: str, updates: str) -> None:
        self._store = store
        self._values = {"bot": number, "name": name, "updates": updates}
        self._trouble: str | None = None  # that stands in the store, as far as is known

    @property
    def troubled(self) -> bool:
        """Whether updates did not come when that was last said."""
        return bool(self._trouble)

    async def well(self, now: int) -> None:
        """Updates come."""
        await self._say("", now)

    async def trouble(self, words: str, now: int) -> None:
        """Something keeps updates from coming; `words` hold no secret."""
        await self._say(words, now)

    async def _say(self, words: str, now: int) -> None:
        if words == self._trouble:
            return
        try:
            await self._store.call(self._write, words, now)
        except DatabaseError as error:
            log.error("how the bot is cannot be noted: %s", error)
        else:
            self._trouble = words

    def _write(self, db: Database, words: str, now: int) -> None:
        with db.transaction():
            db.run(SQL["sign"], {**self._values, "trouble": words, "trouble_at": now if words else 0})
            db.run(SQL["no_other_of_name"], {"bot": self._values["bot"], "name": self._values["name"]})


def handled(db: Database, bot: int, now: int) -> None:
    """An update was handled. Called in the transaction that handles it."""
    db.run(SQL["handled_at"], {"bot": bot, "now": now})


def unknown(db: Database, bot: int) -> None:
    """Nobody knows whether a reply arrived, and it is not made again."""
    with db.transaction():
        db.run(SQL["unknown_reply"], {"bot": bot})


def left(db: Database, bot: int, update_id: int) -> None:
    """A stop has left an update whose replies were begun: the last of these may not have arrived."""
    with db.transaction():
        db.run(SQL["left_reply"], {"bot": bot, "update_id": update_id})
