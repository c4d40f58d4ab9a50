"""Methods that put something into a chat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp.web import FileField

from dispatch.testing.telegram.calls import Call, Json, Params, Refusal, Refused, refuse
from dispatch.testing.telegram.chats import Chat, SharedChat
from dispatch.testing.telegram.entities import find_entities
from dispatch.testing.telegram.keyboards import read_markup
from dispatch.testing.telegram.limits import Limits, Windows
from dispatch.testing.telegram.messages import Document, Message
from dispatch.testing.telegram_html import CannotParse, Entity, ParsedText, parse_html, trimmed, utf16_length

MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_FILE = 50_000_000  # bytes of a file that a bot sends
_ACTIONS = frozenset({
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One accepted message: `html` as it was sent, `text` and `entities` as Telegram shows them, all parameters,
    and `at` on the server's clock. `bot` is the name of the bot, `thread` the topic."""

    chat: int | str
    html: str
    text: str
    entities: tuple[Entity, ...]
    at: float
    message_id: int
    params: Params = field(repr=False)
    bot: str = ""
    thread: int | None = None


def send_message(call: Call, limits: Limits | None, windows: Windows) -> Message:
    """sendMessage; raises Refused."""
    if call.chat_id == "":
        raise refuse("chat_id is empty")
    return _put(call, limits, windows, read_text(call), call.text("text"))


def send_document(call: Call, limits: Limits | None, windows: Windows) -> Message:
    """sendDocument, with a file that comes along (multipart); raises Refused."""
    if call.chat_id == "":
        raise refuse("chat_id is empty")
    caption = {"message_text": call.text("caption"), "parse_mode": call.text("parse_mode")}
    try:
        parsed = trimmed(_parse(caption)) if caption["message_text"] else ParsedText("", ())
    except CannotParse as error:
        raise refuse(f"can't parse entities: {error}") from None
    if utf16_length(parsed.text) > MAX_CAPTION:
        raise refuse("message caption is too long")
    return _put(call, limits, windows, parsed, call.text("caption"), _document(call))


def _document(call: Call) -> Document:
    found = call.params.get("document")
    if isinstance(found, str) and found.startswith("attach://"):
        found = call.params.get(found.removeprefix("attach://"))
    if not isinstance(found, FileField):
        raise refuse("there is no document in the request" if not found else "wrong file identifier/HTTP URL specified")
    data = found.file.read()
    if not data:
        raise refuse("file must be non-empty")
    if len(data) > MAX_FILE:
        raise Refused(Refusal(413, "Request Entity Too Large"))
    return Document(found.filename, data)


def _put(
    call: Call,
    limits: Limits | None,
    windows: Windows,
    parsed: ParsedText,
    html: str,
    document: Document | None = None,
) -> Message:
    """Put a message of a bot's into a chat, if it may be."""
    number = call.chat_id
    markup = read_markup(call)
    chat = call.world.chat(call.bot, number, make=True)
    thread = call.integer("message_thread_id") or None
    chat.check_write(call.bot, thread)
    reply_to = _reply_to(call, chat)
    # The place is taken last: what is refused counts towards no limit.
    if limits is not None:
        refusal = windows.take(limits, call.bot.id, chat.id, paid=call.flag("allow_paid_broadcast"))
        if refusal is not None:
            raise Refused(refusal)
    return chat.make(
        call.bot,
        text=parsed.text,
        html=html,
        document=document,
        entities=parsed.entities,
        markup=markup,
        thread=thread,
        reply_to=reply_to,
        params=call.params,
    )


def read_text(call: Call) -> ParsedText:
    """The text as Telegram reads it. Raises Refused."""
    return read_content({
        "message_text": call.text("text"), "parse_mode": call.text("parse_mode"), "entities": call.list_of("entities"),
    })  # fmt: skip


def read_content(content: Json) -> ParsedText:
    """The same of an `InputTextMessageContent`. Raises Refused."""
    try:
        parsed = trimmed(_parse(content))
    except CannotParse as error:
        raise refuse(f"can't parse entities: {error}") from None
    if not parsed.text:
        raise refuse("message text is empty")
    if utf16_length(parsed.text) > MAX_TEXT:
        raise refuse("message is too long")
    return parsed


def _parse(content: Json) -> ParsedText:
    text, mode = str(content.get("message_text") or ""), str(content.get("parse_mode") or "").lower()
    if mode == "html":
        return parse_html(text)
    if mode:
        raise CannotParse(f"this server knows the parse mode HTML only, not {mode}")
    given = tuple(_entity(entry) for entry in content.get("entities") or ())
    return ParsedText(text, given or find_entities(text))


def _entity(entry: Any) -> Entity:
    if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
        raise refuse("can't parse MessageEntity: object expected")
    try:
        offset, length = int(entry["offset"]), int(entry["length"])
    except (KeyError, TypeError, ValueError):
        raise refuse('can\'t parse MessageEntity: field "offset" and "length" must be Integers') from None
    return Entity(entry["type"], offset, length, str(entry.get("url", "")), str(entry.get("language", "")))


def _reply_to(call: Call, chat: Chat) -> Message | None:
    asked = call.table("reply_parameters")
    number = asked.get("message_id") or call.integer("reply_to_message_id")
    if not number:
        return None
    found = chat.find(int(number))
    if found is None and not asked.get("allow_sending_without_reply"):
        raise refuse("message to be replied not found")
    return found


def send_chat_action(call: Call) -> bool:
    chat = call.world.chat(call.bot, call.chat_id, make=True)
    if call.text("action") not in _ACTIONS:
        raise refuse("wrong parameter action in request")
    chat.check_write(call.bot, call.integer("message_thread_id") or None)
    chat.actions.append(call.text("action"))
    return True


def pin_message(call: Call) -> bool:
    chat, message = _pinned(call)
    chat.pinned.append(message)
    return True


def unpin_message(call: Call) -> bool:
    chat, message = _pinned(call)
    if message in chat.pinned:
        chat.pinned.remove(message)
    return True


def _pinned(call: Call) -> tuple[Chat, Message]:
    chat = call.world.chat(call.bot, call.chat_id)
    message = chat.find(call.integer("message_id"))
    if message is None:
        raise refuse("message to pin not found")
    if isinstance(chat, SharedChat) and not chat.open:
        right = "can_edit_messages" if chat.type == "channel" else "can_pin_messages"
        if not chat.member(call.bot).may(right):
            raise refuse("not enough rights to manage pinned messages in the chat")
    return chat, message
