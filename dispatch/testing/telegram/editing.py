"""Methods that change or remove messages."""

from __future__ import annotations

from typing import Any

from dispatch.testing.telegram.calls import Call, refuse
from dispatch.testing.telegram.chats import Chat, SharedChat
from dispatch.testing.telegram.keyboards import check_inline
from dispatch.testing.telegram.messages import Message, Version
from dispatch.testing.telegram.sending import read_text

_SAME = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content "
    "and reply markup of the message"
)


def edit_text(call: Call) -> Any:
    """editMessageText: without `reply_markup`, the keyboard goes."""
    parsed = read_text(call)
    markup = check_inline(call.structure("reply_markup"))
    message = _own(call)
    return _change(message, Version(parsed.text, call.text("text"), parsed.entities, markup))


def edit_markup(call: Call) -> Any:
    """editMessageReplyMarkup."""
    markup = check_inline(call.structure("reply_markup"))
    message = _own(call)
    return _change(message, Version(message.text, message.html, message.entities, markup))


def _change(message: Message, new: Version) -> Any:
    old = Version(message.text, message.html, message.entities, message.markup)
    if (old.text, old.entities, old.markup) == (new.text, new.entities, new.markup):
        raise refuse(_SAME)
    message.change(new)
    return True if message.inline_message_id else message.json()


def _own(call: Call) -> Message:
    """The message that is to be edited, which must be the bot's. Raises Refused."""
    if call.text("inline_message_id"):
        message = call.world.inline_message(call.text("inline_message_id"))
        if message.via_bot is not call.bot:
            raise refuse("MESSAGE_ID_INVALID")
        return message
    chat, number = call.world.chat(call.bot, call.chat_id), call.integer("message_id")
    if not number:
        raise refuse("message identifier is not specified")
    _check_reach(call, chat)
    found = chat.find(number)
    if found is None:
        raise refuse("message to edit not found")
    if found.sender is not call.bot:
        raise refuse("message can't be edited")
    return found


def _check_reach(call: Call, chat: Chat) -> None:
    """An edit is refused where a message would be; a closed topic's messages can be edited."""
    chat.check_write(call.bot, None)


def delete(call: Call) -> bool:
    """deleteMessage."""
    chat = call.world.chat(call.bot, call.chat_id)
    _delete(call, chat, call.integer("message_id"))
    return True


def delete_many(call: Call) -> bool:
    """deleteMessages: those that are not there are passed over."""
    chat = call.world.chat(call.bot, call.chat_id)
    numbers = call.list_of("message_ids")
    if not 1 <= len(numbers) <= 100:
        raise refuse("too many message identifiers specified" if numbers else "message identifiers are not specified")
    for number in numbers:
        if chat.find(int(number)) is not None:
            _delete(call, chat, int(number))
    return True


def _delete(call: Call, chat: Chat, number: int) -> None:
    if not number:
        raise refuse("message identifier is not specified")
    message = chat.find(number)
    if message is None:
        raise refuse("message to delete not found")
    own = message.sender is call.bot
    if isinstance(chat, SharedChat) and not own and not chat.member(call.bot).may("can_delete_messages"):
        raise refuse("message can't be deleted")
    message.deleted = True
