"""The groups and channels that a bot is in, and who manages which of them. `bot` is the bot's number.

The functions that write are called inside a transaction of the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dispatch.bot.scene import Place
from dispatch.delivery import moves
from subscribers.addresses import telegram_place, telegram_span
from subscribers.audit import Act
from subscribers.database import Database, queries

SQL = queries(Path(__file__).with_name("chats.sql"))
MOST_OFFERED = 20
"""Chats that a user is offered to manage."""

_LONGEST = 255  # characters of a title


@dataclass(frozen=True, slots=True)
class Known:
    """A chat as the bot was told of it last."""

    chat_id: int
    kind: str
    title: str
    may_write: bool


def save(db: Database, bot: int, chat: Known, name: str, now: int) -> None:
    """Remember a chat that the bot is in; `name` is the @name of a public one, or ""."""
    values = {"bot": bot, "chat_id": chat.chat_id, "kind": chat.kind, "title": _clean(chat.title)}
    db.run(SQL["save"], {**values, "name": name, "may_write": int(chat.may_write), "now": now})


def met(db: Database, bot: int, chat: Known, name: str, now: int) -> None:
    """Remember a chat that the bot is found in without having been told that it was added; what is known stays."""
    values = {"bot": bot, "chat_id": chat.chat_id, "kind": chat.kind, "title": _clean(chat.title)}
    db.run(SQL["met"], {**values, "name": name, "may_write": int(chat.may_write), "now": now})


def drop(db: Database, bot: int, chat_id: int) -> None:
    """Forget a chat that the bot is in no more; nobody manages it any longer."""
    db.run(SQL["drop"], {"bot": bot, "chat_id": chat_id})
    db.run(SQL["drop_managers"], {"bot": bot, "chat_id": chat_id})
    db.run(SQL["drop_managing"], {"bot": bot, **telegram_span(str(chat_id))})


def migrate(db: Database, bot: int, old: int, new: int, act: Act) -> None:
    """A group has become a supergroup: all that is known of it, and what it follows, is the new chat's."""
    moves.migrate(db, str(old), str(new), act)
    db.run(SQL["move"], {"bot": bot, "old": old, "new": new, "now": act.at})
    db.run(SQL["move_managers"], {"bot": bot, "old": old, "new": new})
    span = telegram_span(str(old))
    db.run(SQL["move_managing"], {"bot": bot, "old": span["chat"], **span, "new": str(new)})
    db.run(SQL["drop"], {"bot": bot, "chat_id": old})
    db.run(SQL["drop_managers"], {"bot": bot, "chat_id": old})


def seen_managing(db: Database, bot: int, user_id: int, chat_id: int, now: int) -> None:
    """A user was found to administer a chat just now."""
    db.run(SQL["seen_managing"], {"bot": bot, "user_id": user_id, "chat_id": chat_id, "now": now})


def managed_by(db: Database, bot: int, user_id: int) -> list[Known]:
    """The chats that a user was seen to administer, the last one first; whether they still do is to be asked."""
    rows = db.all(SQL["managed_by"], {"bot": bot, "user_id": user_id, "most": MOST_OFFERED})
    return [Known(row["chat_id"], row["kind"], row["title"], bool(row["may_write"])) for row in rows]


def managed_place(db: Database, bot: int, user_id: int) -> Place | None:
    """The chat that a user manages from the private one; None for that one itself."""
    row = db.one(SQL["managing"], {"bot": bot, "user_id": user_id})
    if row is None:
        return None
    chat, thread = telegram_place(row["address"])
    return Place(int(chat), thread, "managed", row["title"])


def manage(db: Database, bot: int, user_id: int, place: Place, now: int) -> None:
    """From now on what a user says in the private chat is about this one."""
    values = {"bot": bot, "user_id": user_id, "address": place.address, "title": _clean(place.title)}
    db.run(SQL["manage"], values)
    seen_managing(db, bot, user_id, place.chat_id, now)


def manage_none(db: Database, bot: int, user_id: int) -> bool:
    """What a user says in the private chat is about that again; whether it was about another."""
    return bool(db.run(SQL["manage_none"], {"bot": bot, "user_id": user_id}))


def _clean(title: str) -> str:
    """A title without what cannot be stored, or turns text around."""
    return "".join(letter for letter in title if letter.isprintable())[:_LONGEST]
