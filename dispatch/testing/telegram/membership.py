"""Methods about chats and who is in them."""

from __future__ import annotations

from dispatch.testing.telegram.calls import Call, Json, refuse
from dispatch.testing.telegram.chats import Chat, PrivateChat, SharedChat
from dispatch.testing.telegram.groups import Group
from dispatch.testing.telegram.members import Member


def get_chat(call: Call) -> Json:
    chat = _readable(call)
    if isinstance(chat, PrivateChat) and not chat.started and not call.world.share_a_group(chat.user, call.bot):
        raise refuse("chat not found")
    return chat.full_json()


def get_member(call: Call) -> Json:
    chat, number = _readable(call), call.integer("user_id")
    who = next((bot for bot in call.world.bots if bot.id == number), None) or call.world.users.get(number)
    if who is None:
        raise refuse("invalid user_id specified" if number <= 0 else "user not found")
    if isinstance(chat, SharedChat):
        if chat.type == "channel" and not chat.open and not chat.member(call.bot).is_admin:
            raise refuse("member list is inaccessible")
        return chat.member(who).json(channel=chat.type == "channel")
    return Member(who, "member").json(channel=False)


def get_administrators(call: Call) -> list[Json]:
    chat = _readable(call)
    if not isinstance(chat, SharedChat):
        raise refuse("there are no administrators in the private chat")
    if chat.type == "channel" and not chat.open and not chat.member(call.bot).is_admin:
        raise refuse("member list is inaccessible")
    # Other bots are left out (Bot API, "getChatAdministrators").
    listed = [m for m in chat.administrators() if not call.world.is_bot(m.who) or m.who is call.bot]
    return [member.json(channel=chat.type == "channel") for member in listed]


def count_members(call: Call) -> int:
    chat = _readable(call)
    return sum(member.is_present for member in chat.members.values()) if isinstance(chat, SharedChat) else 2


def leave(call: Call) -> bool:
    chat = call.world.chat(call.bot, call.chat_id)
    if not isinstance(chat, SharedChat):
        raise refuse("chat member status can't be changed in private chats")
    _check_present(call, chat)
    chat.open = False
    chat.set_member(call.bot, "left")
    return True


def _readable(call: Call) -> Chat:
    """The chat, of which the bot must be a member. Raises Refused."""
    chat = call.world.chat(call.bot, call.chat_id)
    if isinstance(chat, Group) and chat.migrated_to is not None:
        raise refuse("group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to.id)
    if isinstance(chat, SharedChat):
        _check_present(call, chat)
    return chat


def _check_present(call: Call, chat: SharedChat) -> None:
    member = chat.member(call.bot)
    if (
        chat.open
        or member.is_present
        or (chat.username and member.status != "kicked" and call.method.lower() == "getchat")
    ):
        return
    if member.status == "kicked":
        raise refuse(f"bot was kicked from the {chat.type} chat", 403)
    raise refuse(f"bot is not a member of the {chat.type} chat", 403)
