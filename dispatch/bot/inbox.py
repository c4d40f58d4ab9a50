"""What a bot was sent, at rest until it is answered. `bot` is the bot's number, the first part of its token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subscribers.database import Database, queries

SQL = queries(Path(__file__).with_name("bot.sql"))
_DAY_MS = 86_400_000
KEPT_MS = 8 * _DAY_MS
"""How long it is known that an update was handled. The Bot API keeps one for a day."""

_RESTART_MS = 6 * _DAY_MS  # after a week without any, the Bot API numbers its updates anew


@dataclass(frozen=True, slots=True)
class Received:
    """An update as it came: its number, who acts in it (a user, else a chat), and all of it as JSON."""

    update_id: int
    actor: int
    body: str


@dataclass(frozen=True, slots=True)
class Open:
    """An update that is not handled (`body`), or whose replies were not all begun (the first `begun` were)."""

    update_id: int
    actor: int
    body: str
    replies: str = ""
    begun: int = 0


def take_in(db: Database, bot: int, updates: Sequence[Received], now: int) -> list[Received]:
    """Write updates down; those that were new."""
    with db.transaction():
        return [
            update
            for update in updates
            if db.run(
                SQL["take_in"],
                {"bot": bot, "update_id": update.update_id, "actor": update.actor, "body": update.body, "now": now},
            )
        ]


def waiting(db: Database, bot: int, page: int = 1000) -> list[Open]:
    """What is open, in the order in which it came."""
    return [Open(**row) for row in db.all(SQL["open"], {"bot": bot, "page": page})]


def offset(db: Database, bot: int, now: int) -> int:
    """The number from which on updates are asked for; all before are confirmed. 0: from the oldest there is."""
    row = db.one(SQL["newest"], {"bot": bot})
    return int(row["update_id"]) + 1 if row is not None and now - row["added_at"] < _RESTART_MS else 0


def is_open(db: Database, bot: int, update_id: int) -> bool:
    """Whether an update is still to be handled."""
    return db.value(SQL["is_open"], {"bot": bot, "update_id": update_id}) is not None


def handled(db: Database, bot: int, update_id: int, replies: str) -> None:
    """Note that an update was handled, with what is to be said. Called in the transaction that handles it."""
    db.run(SQL["handled"], {"bot": bot, "update_id": update_id, "replies": replies})


def begun(db: Database, bot: int, update_id: int, count: int) -> None:
    """Note that so many replies are under way or said."""
    db.run(SQL["begun"], {"bot": bot, "update_id": update_id, "begun": count})


def ended(db: Database, bot: int, update_id: int) -> None:
    """All is said: nothing of what was written stays."""
    db.run(SQL["ended"], {"bot": bot, "update_id": update_id})


def prune(db: Database, bot: int, now: int) -> int:
    """Forget the numbers of updates that cannot come again; how many."""
    return db.run(SQL["prune"], {"bot": bot, "before": now - KEPT_MS})


def parsed(body: str) -> Received:
    """An update as a webhook is sent it. Raises ValueError for what is none."""
    try:
        found = json.loads(body)
    except RecursionError:
        raise ValueError("no update") from None
    if not isinstance(found, dict):
        raise ValueError("no update")
    return received(found)


def received(update: dict[str, Any]) -> Received:
    """An update as it is written down. Raises ValueError for what is none."""
    number = update.get("update_id")
    if not isinstance(number, int) or not 0 <= number < 1 << 62:
        raise ValueError("no update")
    return Received(number, _actor(update), json.dumps(update, ensure_ascii=True))


def _actor(update: dict[str, Any]) -> int:
    """The user who acts in an update, else the chat, else nobody."""
    for content in update.values():
        if isinstance(content, dict):
            for key in ("from", "sender_chat", "chat"):
                who = content.get(key)
                if isinstance(who, dict) and isinstance(who.get("id"), int) and abs(who["id"]) < 1 << 62:
                    return int(who["id"])
    return 0
