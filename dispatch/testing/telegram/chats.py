"""Chats: what stands in them, who is in them, and what a test can do to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from dispatch.testing.recording import Inbox
from dispatch.testing.telegram.calls import Json, refuse
from dispatch.testing.telegram.members import Member, Status
from dispatch.testing.telegram.messages import Message

if TYPE_CHECKING:
    from dispatch.testing.telegram.bots import BotAccount
    from dispatch.testing.telegram.users import User
    from dispatch.testing.telegram.world import World


@dataclass(slots=True)
class Topic:
    """A topic of a forum; `id` is what `message_thread_id` says."""

    id: int
    name: str
    closed: bool = False


class Chat:
    """A chat. `messages` are the bots' messages in their order, each as it stands now; `history` is everybody's.

    `actions` are the bots' chat actions ("typing"), `pinned` is what is pinned.
    """

    type = "private"

    def __init__(self, world: World, number: int, title: str = "", username: str = "") -> None:
        self.world = world
        self.id = number
        self.title = title
        self.username = username
        self.history: list[Message] = []
        self.messages: Inbox[Message] = Inbox()
        self.actions: list[str] = []
        self.pinned: list[Message] = []
        self.topics: dict[int, Topic] = {}
        self._read = 0

    def __repr__(self) -> str:
        return f"<{self.type} {self.id} {self.title}>"

    @property
    def texts(self) -> list[str]:
        """What the bots' messages say that are not deleted."""
        return [message.text for message in self.messages if not message.deleted]

    async def next(self, within: float = 10.0) -> Message:
        """The next message of a bot that this was not yet called for. Raises AssertionError if none comes."""
        try:
            await self.messages.reached(self._read + 1, within)
        except TimeoutError:
            read = [message.text[:200] for message in self.messages]
            raise AssertionError(f"no further message in {self!r}; there were {read}") from None
        self._read += 1
        return self.messages[self._read - 1]

    def skip(self) -> None:
        """Let `next` begin after what is there now."""
        self._read = len(self.messages)

    @property
    def unread(self) -> list[Message]:
        """The bots' messages that `next` did not give yet."""
        return list(self.messages[self._read :])

    def transcript(self) -> str:
        """What can be read in the chat: a paragraph a message, with the speaker's name and the buttons in brackets."""
        shown = (message for message in self.history if not message.deleted and message.text)
        return "\n\n".join(message.transcript() for message in shown)

    async def settled(self, within: float = 10.0) -> None:
        """The world's `settled`."""
        await self.world.settled(within)

    def find(self, number: int) -> Message | None:
        """The message with this id, None if there is none or it is deleted."""
        found = next((message for message in self.history if message.message_id == number), None)
        return None if found is None or found.deleted else found

    def put(self, message: Message) -> Message:
        """Add a message, and queue it for the bots that see it."""
        self.history.append(message)
        sender = message.sender
        if sender is not None and self.world.is_bot(sender) and not message.service:
            self.messages.put(message)
        else:
            self._tell(message)
        return message

    def make(self, sender: User | BotAccount | None, **fields: Any) -> Message:
        """A message with the chat's next id, put into it."""
        number = self.world.next_message_id(self)
        return self.put(Message(self, number, sender, at=self.world.clock(), **fields))

    def json(self) -> Json:
        raise NotImplementedError

    def full_json(self) -> Json:
        """What getChat gives."""
        return self.json() | {
            "accent_color_id": 0,
            "max_reaction_count": 11,
            "accepted_gift_types": {
                "unlimited_gifts": True,
                "limited_gifts": True,
                "unique_gifts": True,
                "premium_subscription": True,
                "gifts_from_channels": True,
            },
        }

    def check_write(self, bot: BotAccount, thread: int | None) -> None:
        """Raise Refused where the bot may not write."""
        raise NotImplementedError

    def receivers(self, message: Message) -> list[BotAccount]:
        """The bots that see a message of somebody else's."""
        raise NotImplementedError

    def _tell(self, message: Message, *, edited: bool = False) -> None:
        kind = "channel_post" if self.type == "channel" else "message"
        for bot in self.receivers(message):
            bot.tell(f"edited_{kind}" if edited else kind, message.json())

    def tell_edited(self, message: Message) -> None:
        """Queue the update of an edit by a person."""
        self._tell(message, edited=True)


class PrivateChat(Chat):
    """A user's chat with a bot."""

    def __init__(self, world: World, user: User, bot: BotAccount) -> None:
        super().__init__(world, user.id, user.name, user.username)
        self.user = user
        self.bot = bot
        self.started = False
        self.blocked = False

    def json(self) -> Json:
        who = self.user.json()
        return {"id": self.id, "type": "private"} | {
            name: who[name] for name in ("first_name", "last_name", "username") if name in who
        }

    def check_write(self, bot: BotAccount, thread: int | None) -> None:
        if self.user.deleted:
            raise refuse("user is deactivated", 403)
        if self.blocked:
            raise refuse("bot was blocked by the user", 403)
        if not self.started:
            if self.world.share_a_group(self.user, bot):
                raise refuse("bot can't initiate conversation with a user", 403)
            raise refuse("chat not found")
        if thread is not None:
            raise refuse("message thread not found")

    def receivers(self, message: Message) -> list[BotAccount]:
        return [self.bot]


class SharedChat(Chat):
    """What groups and channels have in common: members with their rights."""

    def __init__(self, world: World, number: int, title: str, username: str = "") -> None:
        super().__init__(world, number, title, username)
        self.members: dict[int, Member] = {}
        self.open = False  # one that nobody made: every bot may write there, into any topic

    def member(self, who: User | BotAccount) -> Member:
        """What somebody is here; "left" for who never was."""
        return self.members.get(who.id) or Member(who, "left")

    def set_member(self, who: User | BotAccount, status: Status, *, by: User | None = None, **fields: Any) -> None:
        """Change what somebody is, and tell the bots: the one that it is about, and those that are administrators."""
        old = self.member(who)
        new = replace(Member(who, status), **fields)
        self.members[who.id] = new
        actor = by or self.owner
        change = {
            "chat": self.json(),
            "from": actor.json() if actor else self.world.anonymous_admin.json(),
            "date": self.world.now(),
            "old_chat_member": old.json(channel=self.type == "channel"),
            "new_chat_member": new.json(channel=self.type == "channel"),
        }
        for bot in self.world.bots:
            if bot is who:
                bot.tell("my_chat_member", change)
            elif self.member(bot).is_admin:
                bot.tell("chat_member", change)

    @property
    def owner(self) -> User | None:
        owners = (member.who for member in self.members.values() if member.status == "creator")
        return cast("User | None", next(owners, None))  # bots own no chats

    def promote(self, who: User | BotAccount, *, anonymous: bool = False, without: tuple[str, ...] = ()) -> None:
        """Make somebody an administrator, without some rights; `anonymous` writes in the chat's name."""
        self.set_member(who, "administrator", anonymous=anonymous, denied=frozenset(without))

    def demote(self, who: User | BotAccount) -> None:
        """Make an administrator a member again."""
        self.set_member(who, "member")

    def kick_bot(self, bot: BotAccount | None = None) -> None:
        """Remove the bot for good."""
        self.set_member(bot or self.world.bots[0], "kicked")

    def add_bot(self, bot: BotAccount | None = None, *, by: User | None = None, status: Status = "member") -> None:
        """Let a person add the bot (again); in a group, a service message tells it."""
        added = bot or self.world.bots[0]
        self.set_member(added, status, by=by)
        if self.type != "channel":
            self.make(by or self.owner, service={"new_chat_members": [added.json()]})

    readd = add_bot

    def administrators(self) -> list[Member]:
        return [member for member in self.members.values() if member.is_admin]

    def full_json(self) -> Json:
        return super().full_json() | {"permissions": {"can_send_messages": True}}
