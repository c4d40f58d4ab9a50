"""Telegram's chats that become others: a group that is a supergroup from now on, a topic that is deleted.

The functions are called inside a transaction of the caller's, and put on record what they do.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from subscribers import directory
from subscribers.addresses import telegram_place, telegram_span
from subscribers.audit import Act
from subscribers.database import Database, queries
from subscribers.model import Address, EndpointState

SQL = queries(Path(__file__).with_name("sql") / "chats.sql")
_CHANNEL = "telegram"


class Joined(NamedTuple):
    """An endpoint that ended, because another one has its new address already, and that one."""

    ended: int
    into: int


def endpoints_of(db: Database, chat: str) -> dict[int, str]:
    """The endpoints of a chat and of its topics, with their addresses."""
    rows = db.rows(SQL["endpoints_of"], telegram_span(chat))
    return dict(rows)


def migrate(db: Database, old: str, new: str, act: Act) -> list[Joined]:
    """The chat `old` is `new` from now on, with its topics. Where an endpoint is there already, it gets the follows."""
    joined = []
    for endpoint, address in endpoints_of(db, old).items():
        there = new + address[len(old) :]
        into = _move(db, endpoint, there, act)
        if into:
            joined.append(Joined(endpoint, into))
    return joined


def topic_deleted(db: Database, endpoint_id: int, address: str, act: Act) -> bool:
    """An endpoint's topic is gone: what it follows goes to the chat itself, or, where that is an endpoint of its own,
    nowhere until somebody resumes it; whether it was moved, now or by an earlier answer that said the same."""
    chat, _ = telegram_place(address)
    if (_CHANNEL, address) not in db.rows(directory.SQL["address_of"], {"id": endpoint_id}):
        return True
    if directory.holder_of(db, Address(_CHANNEL, chat, queue="")) is None:
        directory.change_address(db, endpoint_id, chat, act)
        return True
    directory.provider_pause(db, endpoint_id, f"its topic was deleted, and {chat} has follows of its own", act)
    return False


def _move(db: Database, endpoint: int, there: str, act: Act) -> int:
    """Give an endpoint its new address; the endpoint that has it already and takes over, 0 for none."""
    holder = directory.holder_of(db, Address(_CHANNEL, there, queue=""))
    if holder is None:
        directory.change_address(db, endpoint, there, act)
        return 0
    if holder.endpoint_id == endpoint:
        return 0
    into = 0
    if not holder.removed and holder.state is not EndpointState.SUPPRESSED:
        into = holder.endpoint_id
        tags = [tag for (tag,) in db.rows(SQL["follows_of"], {"id": endpoint})]
        directory.follow(db, into, tags, act)
        if holder.state is EndpointState.GONE:
            directory.provider_state(db, into, EndpointState.ACTIVE, "", act)
    directory.clear_follows(db, endpoint)
    reason = f"moved to {there}, which is endpoint e{holder.endpoint_id}"
    directory.provider_state(db, endpoint, EndpointState.GONE, reason, act)
    return into
