"""People, and all that a test lets them do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from dispatch.testing.telegram.calls import Json
from dispatch.testing.telegram.chats import Chat, PrivateChat, SharedChat, Topic
from dispatch.testing.telegram.entities import find_entities
from dispatch.testing.telegram.groups import Channel, Group
from dispatch.testing.telegram.members import Member
from dispatch.testing.telegram.messages import Message, Version
from dispatch.testing.telegram_html import Entity, ParsedText, parse_html

if TYPE_CHECKING:
    from dispatch.testing.telegram.bots import BotAccount
    from dispatch.testing.telegram.world import World

_PAYLOAD = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """What the bot answered to a press: `text` as a note or, with `alert`, as a dialog."""

    text: str = ""
    alert: bool = False
    url: str = ""
    cache_time: int = 0


@dataclass(frozen=True, slots=True)
class InlineAnswer:
    """What the bot answered to an inline query; `cached` says that the bot was not asked."""

    results: tuple[Json, ...]
    next_offset: str = ""
    cache_time: int = 300
    personal: bool = False
    button: Json | None = None
    cached: bool = False


class User:
    """A person. What a person does goes to the first bot unless `bot` names another."""

    def __init__(self, world: World, number: int, name: str, *, language: str = "", username: str = "") -> None:
        self._world = world
        self.id = number
        self.name = name
        self.language = language
        self.username = username
        self.is_bot = False
        self.deleted = False

    def __repr__(self) -> str:
        return f"<user {self.id} {self.name}>"

    def json(self) -> Json:
        """The Bot API's `User`."""
        body: Json = {"id": self.id, "is_bot": self.is_bot, "first_name": self.name}
        if self.username:
            body["username"] = self.username
        if self.language:
            body["language_code"] = self.language
        return body

    # --- the private chat

    @property
    def chat(self) -> PrivateChat:
        """The private chat with the first bot."""
        return self.chat_with()

    def chat_with(self, bot: BotAccount | None = None) -> PrivateChat:
        return self._world.private_chat(self, bot or self._world.bots[0])

    async def next(self, within: float = 10.0) -> Message:
        """The next message of the first bot in the private chat."""
        return await self.chat.next(within)

    async def start(self, payload: str = "", *, chat: Chat | None = None, bot: BotAccount | None = None) -> Message:
        """Press start, by a link `?start=payload` if there is one (`?startgroup=` with a group as `chat`)."""
        if payload and not _PAYLOAD.fullmatch(payload):
            raise ValueError(f"Telegram takes no start payload like {payload!r}")
        to = bot or self._world.bots[0]
        command = f"/start{to.mention}" if isinstance(chat, Group) else "/start"
        return await self.send(f"{command} {payload}".rstrip(), chat=chat, bot=to)

    async def open(self, url: str) -> Message:
        """Follow a deep link of a bot's: `https://t.me/NAME?start=…` or `tg://resolve?domain=NAME&start=…`."""
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        name = query.get("domain") or parts.path.strip("/")
        bot = next((bot for bot in self._world.bots if bot.username.lower() == name.lower()), None)
        if bot is None or "start" not in query:
            raise ValueError(f"{url} starts none of the bots here")
        return await self.start(query["start"], bot=bot)

    def block(self, bot: BotAccount | None = None) -> None:
        """Block the bot, which hears of it and may write no more."""
        self._set_blocked(bot, blocked=True)

    def unblock(self, bot: BotAccount | None = None) -> None:
        self._set_blocked(bot, blocked=False)

    def _set_blocked(self, bot: BotAccount | None, *, blocked: bool) -> None:
        chat = self.chat_with(bot)
        chat.blocked, chat.started = blocked, True
        before, after = (Member(chat.bot, "kicked"), Member(chat.bot, "member"))
        if blocked:
            before, after = after, before
        chat.bot.tell("my_chat_member", {
            "chat": chat.json(), "from": self.json(), "date": self._world.now(),
            "old_chat_member": before.json(channel=False), "new_chat_member": after.json(channel=False),
        })  # fmt: skip

    def delete_account(self) -> None:
        """From now on the user is deactivated."""
        self.deleted = True

    # --- writing

    async def send(
        self,
        text: str,
        *,
        chat: Chat | None = None,
        thread: Topic | int | None = None,
        reply_to: Message | None = None,
        bot: BotAccount | None = None,
        entities: tuple[Entity, ...] | None = None,
    ) -> Message:
        """Write a message, to the bot or into a group; it has the entities that Telegram finds, or these."""
        where = self._enter(chat, bot)
        number = thread.id if isinstance(thread, Topic) else thread
        if number is None and reply_to is not None and where.type == "supergroup":
            # In a supergroup without topics, too, an answer belongs to the thread of what it answers.
            number = reply_to.thread or reply_to.message_id
        if reply_to is None and number is not None:
            reply_to = where.find(number)
        found = find_entities(text) if entities is None else entities
        return where.make(self, text=text, html=text, entities=found, thread=number, reply_to=reply_to)

    def _enter(self, chat: Chat | None, bot: BotAccount | None) -> Chat:
        if chat is None:
            private = self.chat_with(bot)
            if private.blocked:
                raise ValueError(f"{self!r} has blocked {private.bot!r}; unblock it first")
            private.started = True
            return private
        if isinstance(chat, SharedChat) and not chat.open and not chat.member(self).is_present:
            raise ValueError(f"{self!r} is not in {chat!r}")
        if isinstance(chat, Group) and chat.migrated_to is not None:
            raise ValueError(f"{chat!r} has become {chat.migrated_to!r}")
        return chat

    async def edit(self, message: Message, text: str) -> Message:
        """Change one's own message."""
        if message.sender is not self:
            raise ValueError("this is somebody else's message")
        message.change(Version(text, text, find_entities(text), message.markup))
        message.chat.tell_edited(message)
        return message

    async def forward(self, message: Message, *, chat: Chat | None = None, bot: BotAccount | None = None) -> Message:
        """Forward a message, to the bot or into a group."""
        where = self._enter(chat, bot)
        origin: Json = {"date": message.date}
        if isinstance(message.chat, Channel):
            origin |= {"type": "channel", "chat": message.chat.json(), "message_id": message.message_id}
        elif message.sender_chat is not None:
            origin |= {"type": "chat", "sender_chat": message.sender_chat.json()}
        elif message.sender is not None:
            origin |= {"type": "user", "sender_user": message.sender.json()}
        return where.make(self, text=message.text, html=message.html, entities=message.entities, forward_origin=origin)

    async def share_chat(self, message: Message, words: str, chat: SharedChat) -> Message:
        """Press a button of a reply keyboard that asks for a chat (KeyboardButtonRequestChat), and choose this one."""
        request = message.button(words).raw.get("request_chat")
        if request is None:
            raise ValueError(f"the button {words!r} asks for no chat")
        if bool(request.get("chat_is_channel")) != isinstance(chat, Channel):
            raise ValueError(f"the button {words!r} asks for another kind of chat than {chat!r}")
        if request.get("user_administrator_rights") and not chat.member(self).is_admin:
            raise ValueError(f"{self!r} is no administrator of {chat!r}")
        shared: Json = {"request_id": request["request_id"], "chat_id": chat.id}
        if request.get("request_title"):
            shared["title"] = chat.title
        if request.get("request_username") and chat.username:
            shared["username"] = chat.username
        return message.chat.make(self, service={"chat_shared": shared})

    # --- buttons and inline queries

    async def press(
        self,
        message: Message,
        words: str = "",
        *,
        data: str | None = None,
        inaccessible: bool = False,
        within: float = 10.0,
    ) -> CallbackAnswer:
        """Press a button under a message by its words, or send `data` as if there were one that has it.

        Returns what the bot answered, and raises AssertionError if it does not. Anybody can press anything: forged
        data, and buttons under other people's messages. `inaccessible`: the message is too old for the bot to see.
        """
        if data is None:
            button = message.button(words)
            if button.data is None and not button.url:
                raise ValueError(f"the button {button.text!r} has no data; one of a reply keyboard sends its words")
            if button.data is None:
                raise ValueError(f"the button {button.text!r} leads to {button.url}; the bot hears nothing of it")
            data = button.data
        body: Json = {"from": self.json(), "chat_instance": str(message.chat.id), "data": data}
        if message.inline_message_id:
            body["inline_message_id"] = message.inline_message_id
        elif inaccessible:
            body["message"] = {"chat": message.chat.json(), "message_id": message.message_id, "date": 0}
        else:
            body["message"] = message.json()
        bot = self._world.bot_of(message)
        answer = await self._world.ask(bot, "callback_query", body, within)
        assert isinstance(answer, CallbackAnswer)
        return answer

    async def inline(
        self, query: str, *, offset: str = "", chat_type: str = "sender", bot: BotAccount | None = None,
        within: float = 10.0,
    ) -> InlineAnswer:  # fmt: skip
        """Type `@bot query` in any chat; what the bot, or Telegram's cache, answers."""
        asked = bot or self._world.bots[0]
        if not asked.inline:
            raise ValueError(f"{asked!r} has no inline mode")
        cached = self._world.cached_inline(asked, self, query, offset)
        if cached is not None:
            return replace(cached, cached=True)
        body: Json = {"from": self.json(), "query": query, "offset": offset, "chat_type": chat_type}
        answer = await self._world.ask(asked, "inline_query", body, within)
        assert isinstance(answer, InlineAnswer)
        return answer

    async def share(self, result: Mapping[str, Any], *, chat: Chat, bot: BotAccount | None = None) -> Message:
        """Send a result of an inline query into a chat: a message of this person's, via the bot."""
        content = result.get("input_message_content") or {}
        text = str(content.get("message_text", result.get("title", "")))
        html = str(content.get("parse_mode", "")).lower() == "html"
        parsed = parse_html(text) if html else ParsedText(text, find_entities(text))
        via = bot or self._world.bots[0]
        message = chat.make(
            self, text=parsed.text, html=text, entities=parsed.entities, via_bot=via, markup=result.get("reply_markup")
        )
        self._world.note_inline(message)
        return message

    def commands(self, chat: Chat | None = None, bot: BotAccount | None = None) -> list[str]:
        """The commands that this person is offered in a chat, as the bot registered them for scope and language."""
        return [entry["command"] for entry in self.menu(chat, bot)]

    def menu(self, chat: Chat | None = None, bot: BotAccount | None = None) -> list[Json]:
        """The same with their descriptions (`BotCommand`)."""
        where = chat or self.chat_with(bot)
        return self._world.offered(bot or self._world.bots[0], self, where)
