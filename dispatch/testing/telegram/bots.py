"""A token's bot, as the server knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatch.testing.telegram.calls import Json
from dispatch.testing.telegram.updates import UpdateQueue
from dispatch.testing.telegram.webhooks import Webhook

if TYPE_CHECKING:
    from dispatch.testing.telegram.world import World

CommandKey = tuple[str, int | str, int, str]
"""Scope's type, chat, user, language."""


class BotAccount:
    """What @BotFather knows of a bot: change the attributes as you would there.

    `privacy` is the mode in which a bot that is no administrator sees of a group only what is meant for it; `inline`
    says whether it answers inline queries, `joins_groups` whether it can be added to groups. `commands`, `texts` and
    `menus` are what it has set by setMyCommands, setMyName and its like, and setChatMenuButton.
    """

    def __init__(self, world: World, token: str, username: str, name: str) -> None:
        self._world = world
        self.token = token
        self.username = username
        self.name = name
        self.privacy = True
        self.inline = True
        self.joins_groups = True
        self.updates = UpdateQueue(world.signal)
        self.webhook: Webhook | None = None
        self.commands: dict[CommandKey, list[Json]] = {}
        self.texts: dict[tuple[str, str], str] = {}
        self.menus: dict[int, Json] = {}

    def __repr__(self) -> str:
        return f"<bot @{self.username}>"

    @property
    def id(self) -> int:
        return int(self.token.partition(":")[0])

    @property
    def mention(self) -> str:
        return f"@{self.username}"

    def json(self) -> Json:
        """The Bot API's `User`."""
        return {"id": self.id, "is_bot": True, "first_name": self.name, "username": self.username}

    def me(self) -> Json:
        """What getMe gives."""
        return self.json() | {
            "can_join_groups": self.joins_groups,
            "can_read_all_group_messages": not self.privacy,
            "supports_inline_queries": self.inline,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    def tell(self, kind: str, payload: Json) -> None:
        """Queue an update for it."""
        self.updates.put(kind, payload)
