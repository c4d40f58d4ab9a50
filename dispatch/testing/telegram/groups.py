"""Groups with their topics, and channels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dispatch.testing.telegram.calls import Json, refuse
from dispatch.testing.telegram.chats import SharedChat, Topic
from dispatch.testing.telegram.entities import command_of, find_entities
from dispatch.testing.telegram.members import Member
from dispatch.testing.telegram.messages import Message

if TYPE_CHECKING:
    from dispatch.testing.telegram.bots import BotAccount
    from dispatch.testing.telegram.users import User
    from dispatch.testing.telegram.world import World


class Group(SharedChat):
    """A group or supergroup; a forum has topics."""

    def __init__(self, world: World, number: int, title: str, *, supergroup: bool, forum: bool, username: str) -> None:
        super().__init__(world, number, title, username)
        self.type = "supergroup" if supergroup else "group"
        self.forum = forum
        self.general_closed = False
        self.migrated_to: Group | None = None
        self.last_bot: BotAccount | None = None
        self.members_may_write = True

    def json(self) -> Json:
        body: Json = {"id": self.id, "type": self.type, "title": self.title}
        if self.username:
            body["username"] = self.username
        return body | ({"is_forum": True} if self.forum else {})

    def check_write(self, bot: BotAccount, thread: int | None) -> None:
        if self.migrated_to is not None:
            raise refuse("group chat was upgraded to a supergroup chat", migrate_to_chat_id=self.migrated_to.id)
        if self.open:
            return
        self._check_member(self.member(bot))
        self._check_thread(self.member(bot), thread)

    def _check_member(self, member: Member) -> None:
        if member.status == "kicked":
            raise refuse(f"bot was kicked from the {self.type} chat", 403)
        if member.status == "left":
            raise refuse(f"bot is not a member of the {self.type} chat", 403)
        if member.status == "restricted" and not member.can_send:
            raise refuse("not enough rights to send text messages to the chat")
        if member.status == "member" and not self.members_may_write:
            raise refuse("not enough rights to send text messages to the chat")

    def _check_thread(self, member: Member, thread: int | None) -> None:
        if thread is None:
            if self.general_closed and not member.may("can_manage_topics"):
                raise refuse("TOPIC_CLOSED")
            return
        topic = self.topics.get(thread)
        if topic is None:
            raise refuse("message thread not found")
        if topic.closed and not member.may("can_manage_topics"):
            raise refuse("TOPIC_CLOSED")

    def receivers(self, message: Message) -> list[BotAccount]:
        return [bot for bot in self.world.bots if self.member(bot).is_present and self._sees(bot, message)]

    def _sees(self, bot: BotAccount, message: Message) -> bool:
        """Telegram's privacy mode: commands for this bot, replies to it, and what the group does."""
        if not bot.privacy or self.member(bot).is_admin or message.service:
            return True
        if (message.reply_to is not None and message.reply_to.sender is bot) or message.via_bot is bot:
            return True
        command = command_of(message.text, message.entities)
        if "@" in command:
            return command.lower().endswith(bot.mention.lower())
        return bool(command) and self.last_bot in (None, bot)

    def put(self, message: Message) -> Message:
        if message.sender in self.world.bots:
            self.last_bot = next(bot for bot in self.world.bots if bot is message.sender)
        return super().put(message)

    def full_json(self) -> Json:
        return super().full_json() | {"permissions": {"can_send_messages": self.members_may_write}}

    def restrict_bot(self, bot: BotAccount | None = None, *, can_send: bool = False) -> None:
        """Let the bot stay without a right to write, or give it back."""
        self.set_member(bot or self.world.bots[0], "restricted", can_send=can_send)

    def topic(self, name: str, by: User | None = None) -> Topic:
        """Begin a topic; the bots see the service message that its id comes from."""
        if not self.forum:
            raise ValueError(f"{self!r} is no forum")
        number = self.world.next_message_id(self)
        self.topics[number] = Topic(number, name)
        service = {"forum_topic_created": {"name": name, "icon_color": 7322096}}
        self.put(Message(self, number, by or self.owner, thread=number, service=service))
        return self.topics[number]

    def delete_topic(self, topic: Topic) -> None:
        """Delete a topic and what stands in it. Telegram tells bots nothing of it."""
        del self.topics[topic.id]
        for message in self.history:
            message.deleted = message.deleted or message.thread == topic.id

    def close_topic(self, topic: Topic | None = None) -> None:
        """Close a topic (None: General) for all but administrators who manage topics."""
        self._set_closed(topic, closed=True)

    def reopen_topic(self, topic: Topic | None = None) -> None:
        self._set_closed(topic, closed=False)

    def _set_closed(self, topic: Topic | None, *, closed: bool) -> None:
        if topic is None:
            self.general_closed = closed
        else:
            topic.closed = closed
        name = "forum_topic_closed" if closed else "forum_topic_reopened"
        self.make(self.owner, thread=topic.id if topic else None, service={name: {}})

    def send_as_anonymous(self, user: User, text: str, *, topic: Topic | None = None) -> Message:
        """What an administrator writes who remains anonymous: it comes from @GroupAnonymousBot, in the group's name."""
        if not self.member(user).is_admin:
            raise ValueError(f"{user!r} is no administrator of {self!r}")
        thread = topic.id if topic else None
        return self.make(
            self.world.anonymous_admin,
            sender_chat=self,
            text=text,
            html=text,
            entities=find_entities(text),
            thread=thread,
            reply_to=self.find(thread) if thread else None,
        )

    def migrate(self) -> Group:
        """Turn a basic group into a supergroup with another id, which is returned; the old one refuses."""
        if self.type != "group":
            raise ValueError(f"{self!r} is a supergroup")
        new = self.world.make_group(self.title, supergroup=True)
        new.members = {number: replace(member) for number, member in self.members.items()}
        self.make(self.owner, service={"migrate_to_chat_id": new.id})
        self.migrated_to = new
        new.make(self.owner, service={"migrate_from_chat_id": self.id})
        return new


class Channel(SharedChat):
    """A channel."""

    type = "channel"

    def json(self) -> Json:
        body: Json = {"id": self.id, "type": "channel", "title": self.title}
        return body | ({"username": self.username} if self.username else {})

    def check_write(self, bot: BotAccount, thread: int | None) -> None:
        member = self.member(bot)
        if self.open:
            return
        if member.status == "kicked":
            raise refuse("bot was kicked from the channel chat", 403)
        if not member.is_present:
            raise refuse("bot is not a member of the channel chat", 403)
        if not member.may("can_post_messages"):
            raise refuse("need administrator rights in the channel chat")
        if thread is not None:
            raise refuse("message thread not found")

    def receivers(self, message: Message) -> list[BotAccount]:
        return [bot for bot in self.world.bots if self.member(bot).is_admin]

    def post(self, text: str) -> Message:
        """A post of one of its administrators."""
        return self.make(None, sender_chat=self, text=text, html=text, entities=find_entities(text))
