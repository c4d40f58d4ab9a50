"""What a bot was sent, at rest until it is answered. `bot` is the bot's number, the first part of its token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatch.bot.scene import GROUP_ANONYMOUS_BOT
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


def begun(db: Database, bot: int, update_id: int, was: int, count: int) -> bool:
    """Note that so many replies are under way or said, where `was` so many were; whether that was so."""
    return bool(db.run(SQL["begun"], {"bot": bot, "update_id": update_id, "was": was, "begun": count}))


def one(db: Database, bot: int, update_id: int) -> Open | None:
    """An update that is open."""
    row = db.one(SQL["one"], {"bot": bot, "update_id": update_id})
    return None if row is None else Open(**row)


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
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 1 << 62:
        raise ValueError("no update")
    return Received(number, _actor(update), json.dumps(update, ensure_ascii=True))


# Users that stand for others: administrators who stay anonymous, who writes as a channel, posts of a linked channel.
_NOBODY = frozenset({GROUP_ANONYMOUS_BOT, 136817688, 777000})


def _actor(update: dict[str, Any]) -> int:
    """The user who acts in an update, else the chat in whose name it is, or in which; 0 for nobody."""
    for content in update.values():
        if isinstance(content, dict):
            found = [_id(content.get(key)) for key in ("sender_chat", "from", "chat")]
            return next((who for who in found if who and who not in _NOBODY), 0)
    return 0


def _id(who: object) -> int:
    number = who.get("id") if isinstance(who, dict) else None
    return number if isinstance(number, int) and abs(number) < 1 << 62 else 0
