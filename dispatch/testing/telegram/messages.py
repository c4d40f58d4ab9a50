"""A message in a chat, as it stands now."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dispatch.testing.recording import Inbox
from dispatch.testing.telegram.calls import Json, Params
from dispatch.testing.telegram.keyboards import Button, buttons
from dispatch.testing.telegram_html import Entity

if TYPE_CHECKING:
    from dispatch.testing.telegram.bots import BotAccount
    from dispatch.testing.telegram.chats import Chat, Topic
    from dispatch.testing.telegram.users import User


@dataclass(frozen=True, slots=True)
class Version:
    """What a message said after an edit."""

    text: str
    html: str
    entities: tuple[Entity, ...]
    markup: Json | None


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was sent."""

    name: str
    data: bytes = field(repr=False)


@dataclass(eq=False, slots=True)
class Message:
    """A message: what it says now, and in `edits` what it said after each edit.

    `html` is the text as the bot sent it, `markup` its `reply_markup`, `params` all that came with it; `thread` the
    `message_thread_id`; `document` a file, whose caption is the text; `service` the fields of a service message;
    `deleted` whether it is gone. `sender_chat` is whom it was sent for, where that is a chat.
    """

    chat: Chat
    message_id: int
    sender: User | BotAccount | None
    text: str = ""
    entities: tuple[Entity, ...] = ()
    html: str = ""
    markup: Json | None = None
    thread: int | None = None
    reply_to: Message | None = None
    sender_chat: Chat | None = None
    via_bot: BotAccount | None = None
    document: Document | None = None
    forward_origin: Json | None = None
    service: Json = field(default_factory=dict)
    params: Params = field(default_factory=dict, repr=False)
    at: float = 0.0
    date: int = field(default_factory=lambda: int(time.time()))
    edit_date: int | None = None
    deleted: bool = False
    inline_message_id: str = ""
    edits: Inbox[Version] = field(default_factory=Inbox, repr=False)
    _read: int = field(default=0, repr=False)

    @property
    def buttons(self) -> list[list[Button]]:
        """The rows of its keyboard."""
        return buttons(self.markup)

    @property
    def labels(self) -> list[str]:
        """The words on all its buttons, in order."""
        return [button.text for row in self.buttons for button in row]

    @property
    def topic(self) -> Topic | None:
        return self.chat.topics.get(self.thread) if self.thread is not None else None

    def button(self, words: str) -> Button:
        """The button with this text, or the first that contains it. Raises AssertionError where there is none."""
        every = [button for row in self.buttons for button in row]
        for wanted in (lambda b: b.text == words, lambda b: words in b.text):
            for button in every:
                if wanted(button):
                    return button
        raise AssertionError(f"no button {words!r} under {self.text[:60]!r}; there are {self.labels}")

    async def edited(self, within: float = 10.0) -> Message:
        """Wait for the next edit that this was not yet called for; itself. Raises AssertionError if none comes."""
        try:
            await self.edits.reached(self._read + 1, within)
        except TimeoutError:
            raise AssertionError(f"not edited: {self.text[:200]!r} {self.labels}") from None
        self._read += 1
        return self

    def transcript(self) -> str:
        """The speaker, the text, and a line for each row of buttons."""
        speaker = self.sender_chat.title if self.sender_chat else self.sender.name if self.sender else ""
        rows = ["  ".join(f"[ {button.text} ]" for button in row) for row in self.buttons]
        return "\n".join([f"{speaker}: {self.text}", *rows])

    def change(self, version: Version) -> None:
        """Let it say something else."""
        self.text, self.html, self.entities, self.markup = version.text, version.html, version.entities, version.markup
        self.edit_date = int(time.time())
        self.edits.put(version)

    def json(self, *, nested: bool = False) -> Json:
        """The Bot API's `Message`; a nested one tells no further of what it replies to."""
        body: Json = {"message_id": self.message_id, "date": self.date, "chat": self.chat.json()}
        if self.sender is not None and self.chat.type != "channel":
            body["from"] = self.sender.json()
        speaker = self.chat if self.chat.type == "channel" else self.sender_chat
        if speaker is not None:
            body["sender_chat"] = speaker.json()
        if self.via_bot is not None:
            body["via_bot"] = self.via_bot.json()
        body |= self._place(nested=nested) | self._content() | self.service
        return body

    def _place(self, *, nested: bool) -> Json:
        place: Json = {}
        if self.thread is not None:
            place["message_thread_id"] = self.thread
        if self.topic is not None:
            place["is_topic_message"] = True
        if self.reply_to is not None and not nested:
            place["reply_to_message"] = self.reply_to.json(nested=True)
        return place

    def _content(self) -> Json:
        content: Json = {}
        if self.document is not None:
            number = f"file-{self.chat.id}-{self.message_id}"
            size = len(self.document.data)
            ids = {"file_id": number, "file_unique_id": number}
            content["document"] = {**ids, "file_name": self.document.name, "file_size": size}
        if self.text:
            content["text" if self.document is None else "caption"] = self.text
        if self.entities:
            content["entities" if self.document is None else "caption_entities"] = [
                entity.json() for entity in self.entities
            ]
        if self.markup and "inline_keyboard" in self.markup:
            content["reply_markup"] = self.markup
        if self.edit_date is not None:
            content["edit_date"] = self.edit_date
        if self.forward_origin is not None:
            content["forward_origin"] = self.forward_origin
        return content
