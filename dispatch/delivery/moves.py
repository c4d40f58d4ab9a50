"""Chats that become others, with what waits to be sent to them."""

from __future__ import annotations

from dispatch.delivery.ledger import SQL
from subscribers import chats
from subscribers.addresses import receiver_of, telegram_span
from subscribers.audit import Act
from subscribers.database import Database


def migrate(db: Database, old: str, new: str, act: Act) -> None:
    """A group has become a supergroup: its endpoint and those of its topics are the new chat's. Where one is there
    already, it gets what was owed to the other and not to itself. Called inside a transaction."""
    for ended, into in chats.migrate(db, old, new, act):
        values = {"ended": ended, "into": into}
        db.run(SQL["move_deliveries"], values)
        db.run(SQL["move_messages"], values)


def put_off(db: Database, channel: str, address: str, due_at: int) -> None:
    """What waits for an address, or for any topic of the same chat, is due no sooner. Called inside a transaction."""
    db.run(SQL["put_off_chat"], {"channel": channel, **telegram_span(receiver_of(address)), "due_at": due_at})
