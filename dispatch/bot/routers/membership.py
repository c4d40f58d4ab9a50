"""What becomes of the bot in chats: blocked, added, removed, silenced, moved. Nobody asks for anything here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiogram import F, Router
from aiogram.enums import ChatMemberStatus
from aiogram.methods import LeaveChat, SendMessage
from aiogram.types import ChatMemberRestricted

from dispatch.bot import chats
from dispatch.bot.chats import Known
from dispatch.bot.desk import Desk, Replies, Step
from dispatch.bot.helping import greeting
from dispatch.bot.paging import keyboard
from dispatch.bot.permissions import is_hushed
from dispatch.bot.routers.language import in_english
from dispatch.bot.scene import GROUP_ANONYMOUS_BOT, Place, Scene
from dispatch.bot.staging import HERE, Staged
from dispatch.bot.standing import may_write
from dispatch.bot.voice import spoken, voice
from subscribers import presence
from subscribers.audit import Act, Way

if TYPE_CHECKING:
    from aiogram import Bot
    from aiogram.types import ChatMemberUnion, ChatMemberUpdated, Message, User

    from dispatch.bot.standing import Administrators

_OUT = (ChatMemberStatus.LEFT, ChatMemberStatus.KICKED)


def router() -> Router:
    found = Router(name="membership")
    found.my_chat_member.register(_blocked, F.chat.type == "private")
    found.my_chat_member.register(_changed)
    found.chat_member.register(_somebody)
    found.message.register(_moved, F.migrate_to_chat_id | F.migrate_from_chat_id, flags=HERE)
    return found


async def _somebody(update: ChatMemberUpdated, administrators: Administrators) -> list[object]:
    """What somebody may do in a chat is another thing now: it is asked anew."""
    administrators.forget(update.chat.id, update.new_chat_member.user.id)
    return []


async def _blocked(update: ChatMemberUpdated) -> Staged:
    blocked = update.new_chat_member.status in _OUT

    def step(desk: Desk) -> Replies:
        chat, act = str(update.chat.id), _provider(desk)
        if blocked:
            presence.lost(desk.db, chat, desk.office.queue, presence.BLOCKED, act)
        else:
            presence.back(desk.db, chat, desk.office.queue, act)
        return []

    return Staged(_scene(update), step)


async def _changed(update: ChatMemberUpdated, bot: Bot, administrators: Administrators) -> Staged:
    administrators.forget(update.chat.id)
    member = update.new_chat_member
    if member.status in _OUT:
        return Staged(_scene(update), _removed)
    known = Known(update.chat.id, update.chat.type, update.chat.title or "", may_write(member, update.chat.type))
    if not known.may_write:
        return Staged(_scene(update), _muted(known, update) if _for_a_while(member) else _leaving(update))
    if await is_hushed(bot, update):
        return Staged(_scene(update), _leaving(update, hushed=True))
    return Staged(_scene(update), await _welcome(known, update, administrators))


def _removed(desk: Desk) -> Replies:
    chat_id = desk.scene.here.chat_id
    chats.drop(desk.db, desk.office.number, chat_id)
    presence.lost(desk.db, str(chat_id), desk.office.queue, presence.REMOVED, _provider(desk))
    return []


def _muted(known: Known, update: ChatMemberUpdated) -> Step:
    def step(desk: Desk) -> Replies:
        chats.save(desk.db, desk.office.number, known, update.chat.username or "", desk.now)
        presence.muted(desk.db, str(known.chat_id), desk.office.queue, _provider(desk))
        return []

    return step


def _leaving(update: ChatMemberUpdated, *, hushed: bool = False) -> Step:
    """It can say nothing there, and may not stay for nothing: who took its right, or added it without, is told. In a
    `hushed` group no plain member may write."""

    def step(desk: Desk) -> Replies:
        chat_id = update.chat.id
        chats.drop(desk.db, desk.office.number, chat_id)
        presence.lost(desk.db, str(chat_id), desk.office.queue, presence.SILENCED, _provider(desk))
        replies: list[LeaveChat | SendMessage] = [LeaveChat(chat_id=chat_id)]
        if not _nameless(update.from_user):
            replies.append(_told_in_private(update, hushed=hushed))
        return replies

    return step


def _told_in_private(update: ChatMemberUpdated, *, hushed: bool) -> SendMessage:
    user = update.from_user
    say = voice(spoken(user.language_code))
    title = update.chat.title or ""
    if update.chat.type == "channel":
        words = say(
            "我在频道“{title}”没有发布消息的权限，所以退出了。如需使用，请以管理员身份加入我，并允许发布消息。",
            title=title,
        )
    elif hushed:
        words = say(
            "群组“{title}”不允许普通成员发言，我无法推送，所以退出了。如需使用，请把我加为管理员，或允许成员发言后再加我。",
            title=title,
        )
    else:
        words = say("我在群组“{title}”没有发言权限，所以退出了。如需使用，请允许我发言，再把我加回来。", title=title)
    return SendMessage(chat_id=user.id, text=words, parse_mode="HTML")


async def _welcome(known: Known, update: ChatMemberUpdated, administrators: Administrators) -> Step:
    was_out = update.old_chat_member.status in _OUT
    user = update.from_user
    named = not _nameless(user)
    is_admin = named and await administrators.has(known.chat_id, user.id)
    # Members may add a bot. What administrators had before they removed it, only they can have again.
    may_restore = not was_out or not named or is_admin

    def step(desk: Desk) -> Replies:
        chats.save(desk.db, desk.office.number, known, update.chat.username or "", desk.now)
        if is_admin:
            chats.seen_managing(desk.db, desk.office.number, user.id, known.chat_id, desk.now)
        if may_restore:
            presence.back(desk.db, str(known.chat_id), desk.office.queue, _provider(desk))
        if not was_out or known.kind == "channel":
            return []
        offered = is_admin and desk.endpoint is None and desk.scene.language == "en"
        return [desk.answer(greeting(desk), keyboard([in_english()]) if offered else None)]

    return step


async def _moved(message: Message, administrators: Administrators) -> Step:
    old = message.chat.id if message.migrate_to_chat_id else message.migrate_from_chat_id
    new = message.migrate_to_chat_id or message.chat.id
    administrators.forget(message.chat.id)

    def step(desk: Desk) -> Replies:
        if old is not None and old != new:
            chats.migrate(desk.db, desk.office.number, old, new, _provider(desk))
        return []

    return step


def _for_a_while(member: ChatMemberUnion) -> bool:
    """Whether a restriction ends by itself; the Bot API writes a time of 0 for one that does not."""
    return isinstance(member, ChatMemberRestricted) and member.until_date.timestamp() > 0


def _nameless(user: User) -> bool:
    """Whether it is nobody who could be told, or asked about: an anonymous administrator, or a bot."""
    return user.id == GROUP_ANONYMOUS_BOT or user.is_bot


def _scene(update: ChatMemberUpdated) -> Scene:
    here = Place(update.chat.id, 0, update.chat.type, update.chat.title or "")
    user = update.from_user
    return Scene(here, here, user.id, user.full_name, spoken(user.language_code))


def _provider(desk: Desk) -> Act:
    return Act(desk.now, "telegram", Way.PROVIDER)
