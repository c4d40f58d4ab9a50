"""Methods about the bot itself: its commands, its names, its menu."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dispatch.testing.telegram.calls import Call, Json, chat_id, refuse

if TYPE_CHECKING:
    from dispatch.testing.telegram.bots import BotAccount, CommandKey
    from dispatch.testing.telegram.chats import Chat
    from dispatch.testing.telegram.users import User

MAX_COMMANDS = 100
MAX_DESCRIPTION = 256
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_LANGUAGE = re.compile(r"[a-z]{2}|")
_SCOPES = {
    "default": (), "all_private_chats": (), "all_group_chats": (), "all_chat_administrators": (),
    "chat": ("chat_id",), "chat_administrators": ("chat_id",), "chat_member": ("chat_id", "user_id"),
}  # fmt: skip
_MAX_TEXTS = {"name": 64, "description": 512, "short_description": 120}
_MENUS = ("commands", "default", "web_app")


def set_commands(call: Call) -> bool:
    key = _key(call)
    commands = call.list_of("commands")
    if len(commands) > MAX_COMMANDS:
        raise refuse("BOT_COMMANDS_TOO_MUCH")
    call.bot.commands[key] = [_command(entry) for entry in commands]
    return True


def get_commands(call: Call) -> list[Json]:
    return call.bot.commands.get(_key(call), [])


def delete_commands(call: Call) -> bool:
    call.bot.commands.pop(_key(call), None)
    return True


def _command(entry: Any) -> Json:
    if not isinstance(entry, dict):
        raise refuse("can't parse BotCommand: expected an Object")
    name, description = str(entry.get("command") or "").removeprefix("/"), str(entry.get("description") or "").strip()
    if not _COMMAND.fullmatch(name):
        raise refuse("BOT_COMMAND_INVALID")
    if not description:
        raise refuse("command description must be non-empty")
    if len(description) > MAX_DESCRIPTION:
        raise refuse("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name, "description": description}


def _key(call: Call) -> CommandKey:
    scope = call.table("scope") or {"type": "default"}
    kind = scope.get("type")
    if kind not in _SCOPES:
        raise refuse("can't parse BotCommandScope: unsupported type specified")
    given = {name: scope.get(name) for name in _SCOPES[kind]}
    if any(value is None for value in given.values()):
        raise refuse(f"can't parse BotCommandScope: can't find field among {', '.join(given)}")
    chat: int | str = 0
    if "chat_id" in given:
        chat = call.world.chat(call.bot, chat_id(given["chat_id"])).id
    return str(kind), chat, int(given.get("user_id") or 0), _language(call)


def _language(call: Call) -> str:
    language = call.text("language_code")
    if not _LANGUAGE.fullmatch(language):
        raise refuse("LANG_CODE_INVALID")
    return language


def offered(bot: BotAccount, user: User, chat: Chat) -> list[Json]:
    """The commands that a user sees in a chat (Bot API, "Determining list of commands")."""
    language = user.language.partition("-")[0]
    for kind, chat_number, user_number in _places(user, chat):
        for code in dict.fromkeys((language, "")):
            found = bot.commands.get((kind, chat_number, user_number, code))
            if found:
                return found
    return []


def _places(user: User, chat: Chat) -> Iterator[tuple[str, int, int]]:
    if chat.type == "private":
        yield "chat", chat.id, 0
        yield "all_private_chats", 0, 0
    else:
        admin = getattr(chat, "members", {}).get(user.id)
        is_admin = admin is not None and admin.is_admin
        yield "chat_member", chat.id, user.id
        if is_admin:
            yield "chat_administrators", chat.id, 0
        yield "chat", chat.id, 0
        if is_admin:
            yield "all_chat_administrators", 0, 0
        yield "all_group_chats", 0, 0
    yield "default", 0, 0


def set_text(call: Call, kind: str) -> bool:
    """setMyName, setMyDescription, setMyShortDescription: a text for each language."""
    text = call.text(kind)
    if len(text) > _MAX_TEXTS[kind]:
        raise refuse(f"bot {kind.replace('_', ' ')} is too long")
    call.bot.texts[kind, _language(call)] = text
    return True


def get_text(call: Call, kind: str) -> Json:
    texts, language = call.bot.texts, _language(call)
    fallback = texts.get((kind, "")) or (call.bot.name if kind == "name" else "")
    return {kind: texts.get((kind, language)) or fallback}


def set_menu(call: Call) -> bool:
    button = call.table("menu_button") or {"type": "default"}
    if button.get("type") not in _MENUS:
        raise refuse("can't parse menu button: unsupported type specified")
    call.bot.menus[call.integer("chat_id")] = button
    return True


def get_menu(call: Call) -> Json:
    menus = call.bot.menus
    return menus.get(call.integer("chat_id")) or menus.get(0) or {"type": "commands"}
