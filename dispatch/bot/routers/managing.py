"""/manage: a group's or channel's administrator sets it up from the private chat."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiogram import F, Router
from aiogram.exceptions import AiogramError
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.types import (
    ChatAdministratorRights,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    KeyboardButtonRequestChat,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)

from dispatch.bot import chats
from dispatch.bot.chats import Known
from dispatch.bot.desk import Desk, Office, Replies, Step
from dispatch.bot.scene import GROUP_ANONYMOUS_BOT, Place, Scene
from dispatch.bot.staging import HERE
from dispatch.bot.standing import may_write
from dispatch.bot.voice import Voice, text
from subscribers.addresses import telegram_id

if TYPE_CHECKING:
    from aiogram import Bot
    from aiogram.filters import CommandObject
    from aiogram.methods import SendMessage
    from aiogram.types import CallbackQuery, Message

    from dispatch.bot.standing import Administrators
    from dispatch.delivery.store import Store

OFF = "off"
_CHAT = re.compile(r"(?P<chat>-[1-9][0-9]{0,15}|@[A-Za-z][A-Za-z0-9_]{3,31})(?:/(?P<topic>[1-9][0-9]{0,9}))?")
_GROUP, _CHANNEL = 1, 2  # what a shared chat was asked for as (`request_id`)
_BUTTON = 40  # characters of a title

# One text for both, so that nobody learns of a chat by asking that the bot is in it.
_NOT_YOURS = text("我不在那里，或您不是那里的管理员。请先把我加进去（频道里要设为管理员），再试一次。")
_NO_RIGHT = text("我在那里没有发言或发布消息的权限。请先允许我发布，再试一次。")
_UNCLEAR = text("请发送 /manage，或 /manage @名称；/manage off 回到本聊天。")


class Manage(CallbackData, prefix="mg"):
    """A chat's button: its id, or `off`."""

    chat: str


@dataclass(frozen=True, slots=True)
class _Found:
    """A chat that may be managed, or why it may not."""

    place: Place | None = None
    known: Known | None = None
    name: str = ""
    problem: str = ""


def router() -> Router:
    found = Router(name="managing")
    private = F.chat.type == "private"
    found.message.register(_manage, Command("manage", ignore_case=True), private, flags=HERE)
    found.message.register(_here, Command("manage", ignore_case=True), flags=HERE)
    found.message.register(_shared, private, F.chat_shared, flags=HERE)
    found.message.register(_forwarded, private, F.forward_origin.type.in_({"channel", "chat"}), flags=HERE)
    found.callback_query.register(_pressed, Manage.filter(), flags=HERE)
    return found


async def _manage(
    message: Message, command: CommandObject, bot: Bot, office: Office, administrators: Administrators, store: Store,
    scene: Scene,
) -> Step:  # fmt: skip
    wish = (command.args or "").strip()
    if wish.lower() == OFF:
        return _off
    if not wish:
        return _offer(await _own(scene, office, store, administrators))
    match = _CHAT.fullmatch(wish)
    if match is None:
        return lambda desk: desk.told(_UNCLEAR)
    chat = match["chat"]
    topic = int(match["topic"] or 0)
    return _managed(await _look(bot, office, administrators, telegram_id(chat), scene.user_id, topic))


async def _shared(message: Message, bot: Bot, office: Office, administrators: Administrators, scene: Scene) -> Step:
    shared = message.chat_shared
    assert shared is not None  # by the filter
    return _managed(await _look(bot, office, administrators, shared.chat_id, scene.user_id))


async def _forwarded(message: Message, bot: Bot, office: Office, administrators: Administrators, scene: Scene) -> Step:
    origin = message.forward_origin
    chat = getattr(origin, "chat", None) or getattr(origin, "sender_chat", None)
    if chat is None:
        return lambda desk: desk.told(_UNCLEAR)
    return _managed(await _look(bot, office, administrators, chat.id, scene.user_id))


async def _pressed(
    callback: CallbackQuery, callback_data: Manage, bot: Bot, office: Office, administrators: Administrators,
    scene: Scene,
) -> Step:  # fmt: skip
    if not scene.here.is_private:
        return lambda desk: [desk.toast()]
    if callback_data.chat == OFF:
        return _off
    match = _CHAT.fullmatch(callback_data.chat)
    if match is None or callback_data.chat.startswith("@"):
        return lambda desk: desk.told(_UNCLEAR)
    return _managed(await _look(bot, office, administrators, int(match["chat"]), scene.user_id))


async def _here(message: Message, office: Office, administrators: Administrators, scene: Scene) -> Step:
    """In a group it is told how: what is said here is about it anyway."""
    user_id = scene.user_id
    is_admin = user_id not in (0, GROUP_ANONYMOUS_BOT) and await administrators.has(scene.here.chat_id, user_id)

    def step(desk: Desk) -> Replies:
        if is_admin:
            known = Known(scene.here.chat_id, scene.here.kind, scene.here.title, may_write=True)
            chats.save(desk.db, office.number, known, message.chat.username or "", desk.now)
            chats.seen_managing(desk.db, office.number, user_id, scene.here.chat_id, desk.now)
        words = desk.say(
            "管理员可以在这里直接发送命令，也可以在与我的私聊里发送 <code>/manage {chat}</code> 来设置。",
            chat=scene.here.address,
        )
        return [desk.answer(words)]

    return step


def _managed(found: _Found) -> Step:
    """From now on the private chat is about what was found."""

    def step(desk: Desk) -> Replies:
        place, known = found.place, found.known
        if place is None or known is None:
            return desk.told(found.problem)
        chats.save(desk.db, desk.office.number, known, found.name, desk.now)
        chats.manage(desk.db, desk.office.number, desk.scene.user_id, place, desk.now)
        topic = desk.say("的话题 {topic}", topic=place.thread) if place.thread else ""
        words = desk.say("现在管理 <b>{title}</b>{topic}：", title=place.title, topic=topic)
        words += desk.say(
            "私聊里的命令（/follow、/following、/digest……）从现在起都是关于它的。/manage off 回到本聊天。"
        )
        return [*([desk.toast()] if desk.scene.callback_id else []), _closing(desk.answer(words))]

    return step


def _off(desk: Desk) -> Replies:
    was = chats.manage_none(desk.db, desk.office.number, desk.scene.user_id)
    words = desk.say("好的，命令又是关于本聊天的了。") if was else desk.say("您没有在管理别的群组或频道。")
    return [*([desk.toast()] if desk.scene.callback_id else []), _closing(desk.answer(words))]


def _offer(own: Sequence[Known]) -> Step:
    """What is managed, what can be, and how to choose another."""

    def step(desk: Desk) -> Replies:
        place = chats.managed_place(desk.db, desk.office.number, desk.scene.user_id)
        if place is None:
            words = desk.say(
                "选择一个群组或频道，之后私聊里的命令就是关于它的。您和我都要在那里是管理员（群组里我是成员即可）。"
            )
        else:
            words = desk.say("正在管理 <b>{title}</b>。/manage off 回到本聊天。", title=place.title)
        rows = [[_button(chat.title, str(chat.chat_id))] for chat in own]
        rows += [[_button(desk.say.plain("回到本聊天"), OFF)]] if place is not None else []
        first = desk.answer(words, InlineKeyboardMarkup(inline_keyboard=rows) if rows else None)
        how = desk.say("也可以用下面的按钮选择，发送 /manage @名称，或转发频道里的一条消息。")
        return [first, desk.answer(how).model_copy(update={"reply_markup": _choosing(desk.say)})]

    return step


async def _own(scene: Scene, office: Office, store: Store, administrators: Administrators) -> list[Known]:
    """The chats that the user administers, of those where that was seen before."""
    seen = await store.call(chats.managed_by, office.number, scene.user_id)
    still = await asyncio.gather(*(administrators.has(chat.chat_id, scene.user_id) for chat in seen))
    return [chat for chat, does in zip(seen, still, strict=True) if does]


async def _look(
    bot: Bot, office: Office, administrators: Administrators, asked: int | str, user_id: int, topic: int = 0
) -> _Found:
    """A chat, if its administrator asks, and if it can be written to."""
    try:
        chat = await bot.get_chat(asked)
        administrators.forget(chat.id, user_id)
        if chat.type == "private" or not await administrators.has(chat.id, user_id):
            return _Found(problem=_NOT_YOURS)
        me = await bot.get_chat_member(chat.id, office.number)
    except (AiogramError, ValueError):
        return _Found(problem=_NOT_YOURS)
    if not may_write(me, chat.type):
        return _Found(problem=_NO_RIGHT)
    title = chat.title or str(chat.id)
    place = Place(chat.id, topic if chat.is_forum else 0, "managed", title)
    return _Found(place, Known(chat.id, chat.type, title, may_write=True), chat.username or "")


def _button(title: str, chat: str) -> InlineKeyboardButton:
    words = " ".join(title.split())[:_BUTTON] or chat
    return InlineKeyboardButton(text=words, callback_data=Manage(chat=chat).pack())


def _closing(answer: SendMessage) -> SendMessage:
    """It takes the keyboard for choosing away."""
    return answer.model_copy(update={"reply_markup": ReplyKeyboardRemove(remove_keyboard=True)})


def _choosing(say: Voice) -> ReplyKeyboardMarkup:
    """Telegram lets the user choose among the chats that they administer; it offers to add the bot to a channel."""
    group = KeyboardButtonRequestChat(
        request_id=_GROUP,
        chat_is_channel=False,
        bot_is_member=True,
        user_administrator_rights=_rights(),
        request_title=True,
    )
    channel = KeyboardButtonRequestChat(
        request_id=_CHANNEL,
        chat_is_channel=True,
        user_administrator_rights=_rights(post=True),
        bot_administrator_rights=_rights(post=True),
        request_title=True,
    )
    row = [
        KeyboardButton(text=say.plain("选择群组"), request_chat=group),
        KeyboardButton(text=say.plain("选择频道"), request_chat=channel),
    ]
    return ReplyKeyboardMarkup(keyboard=[row], resize_keyboard=True, one_time_keyboard=True)


def _rights(*, post: bool = False) -> ChatAdministratorRights:
    """An administrator, who may post if that is asked for; the Bot API wants the other rights named, too."""
    fields = ChatAdministratorRights.model_fields
    rights = {name: False for name, field in fields.items() if field.is_required()} | {"can_manage_chat": True}
    return ChatAdministratorRights.model_validate(rights | ({"can_post_messages": True} if post else {}))
