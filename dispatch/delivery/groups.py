"""What is known of the chats of many people that a page of messages goes to: few queries for all of them, and none
where the page has no such chat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dispatch.delivery.ledger import SQL
from subscribers.addresses import telegram_place
from subscribers.database import Database


@dataclass(frozen=True, slots=True)
class Groups:
    """Which chats (as their endpoints write them) are channels, and which have an endpoint of their own."""

    channels: frozenset[str]
    following: frozenset[str]

    @classmethod
    def among(cls, db: Database, addresses: Iterable[str]) -> Groups:
        """Of Telegram's addresses. A public channel is known by its @name, another one by what the bot was told."""
        places = [(address, *telegram_place(address)) for address in addresses if address.startswith(("-", "@"))]
        ids = [int(chat) for _, chat, topic in places if chat.startswith("-") and not topic]
        topics = list({chat for _, chat, topic in places if topic})
        channels = {str(id_) for (id_,) in db.rows(SQL["channels_among"], {"ids": ids})} if ids else set()
        following = {chat for (chat,) in db.rows(SQL["chats_among"], {"chats": topics})} if topics else set()
        named = {chat for _, chat, _ in places if chat.startswith("@")}
        return cls(frozenset(channels | named), frozenset(following))

    def is_channel(self, address: str) -> bool:
        return address in self.channels

    def has_own(self, address: str) -> bool:
        """Whether the chat of a topic's address is an endpoint itself."""
        chat, of_topic, _ = address.partition("/")
        return bool(of_topic) and chat in self.following
