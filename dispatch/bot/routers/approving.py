"""/pending and /status in the chats of those who may approve, and the buttons below the notices there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.methods import EditMessageReplyMarkup
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from dispatch.bot.approving import (
    Decided,
    End,
    buttons,
    decide,
    is_office,
    look,
    outcome,
    pending,
    question,
    told_everywhere,
    told_here,
)
from dispatch.bot.desk import Desk, Office, Replies, Step
from dispatch.bot.overview import overview
from dispatch.bot.scene import Scene, place_of
from dispatch.bot.staging import HERE
from dispatch.bot.voice import Html, text
from dispatch.channels.approval_buttons import PREFIX, Pressed, Wish, unpack
from dispatch.delivery.status_reader import Reader

if TYPE_CHECKING:
    from aiogram.methods import TelegramMethod

    from dispatch.bot.standing import Administrators
    from dispatch.delivery.clock import Clock
    from dispatch.delivery.store import Store


def router() -> Router:
    found = Router(name="approving")
    found.message.register(_pending, Command("pending", ignore_case=True), _for_office, flags=HERE)
    found.message.register(_status, Command("status", ignore_case=True), _for_office, flags=HERE)
    found.callback_query.register(_pressed, F.data.startswith(PREFIX), flags=HERE)
    return found


def _for_office(message: Message, office: Office) -> bool:
    """Elsewhere these commands are unknown."""
    return is_office(office, place_of(message), message.chat.username)


async def _pending(message: Message) -> Step:
    return lambda desk: [desk.answer(*pending(desk, 0))]


async def _status(message: Message, store: Store, clock: Clock) -> Step:
    found = await store.call(Reader().read, clock.now())  # before the transaction: counting takes a while
    return lambda desk: [desk.answer(overview(desk.say, found))]


async def _pressed(callback: CallbackQuery, office: Office, scene: Scene, administrators: Administrators) -> Step:
    pressed = unpack(callback.data or "")
    message = callback.message
    if pressed is None or message is None:
        return lambda desk: desk.told(text("这个按钮已经不能用了。"))
    may = is_office(office, scene.here, message.chat.username)
    if may and not scene.here.is_private:
        may = await administrators.has(scene.here.chat_id, scene.user_id)
    if not may or callback.from_user.is_bot:
        return lambda desk: desk.told(text("只有可以审批的人能使用这些按钮。"))

    def step(desk: Desk) -> Replies:
        if pressed.wish is Wish.NO:
            return [desk.toast(), _back(desk, message, pressed)]
        if pressed.wish is Wish.CANCEL:
            decided = look(desk, pressed)
            if decided.end is End.DONE:
                return [desk.toast(), _keyboard(desk, question(desk, pressed))]
        else:
            decided = decide(desk, pressed)
        return _told(desk, message, pressed, decided)

    return step


def _told(desk: Desk, message: Any, pressed: Pressed, decided: Decided) -> Replies:
    """Who pressed hears it at once, and the message says it to all; so do the notices in the other chats."""
    words = outcome(desk, decided)
    toast = desk.toast(_plain(words), alert=decided.end is not End.DONE)
    edits = told_everywhere(desk, decided)
    here = [
        edit for edit in edits if (edit.chat_id, edit.message_id) == (desk.scene.here.chat_id, desk.scene.message_id)
    ]
    others = [edit for edit in edits if edit not in here] if decided.end is End.DONE else []
    if pressed.page is not None:
        list_, keyboard = pending(desk, pressed.page)
        return [toast, desk.edit(f"{words}\n\n{list_}", keyboard), *others]
    if not isinstance(message, Message):
        return [toast, desk.answer(words), *others]
    return [toast, *(here or [told_here(desk, decided)]), *others]


def _back(desk: Desk, message: Any, pressed: Pressed) -> TelegramMethod[Any]:
    if pressed.page is not None:
        return desk.edit(*pending(desk, pressed.page))
    decided = look(desk, pressed)
    if decided.end is not End.DONE or decided.issue is None:
        return _keyboard(desk, None)
    row = buttons(desk, decided.issue.id, decided.issue.revision)
    return _keyboard(desk, InlineKeyboardMarkup(inline_keyboard=[row]))


def _keyboard(desk: Desk, keyboard: InlineKeyboardMarkup | None) -> EditMessageReplyMarkup:
    """The message keeps its words and has these buttons."""
    values: dict[str, Any] = {} if keyboard is None else {"reply_markup": keyboard}
    return EditMessageReplyMarkup(chat_id=desk.scene.here.chat_id, message_id=desk.scene.message_id, **values)


def _plain(html: str) -> str:
    """A line of ours without its markup."""
    return Html(html).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
