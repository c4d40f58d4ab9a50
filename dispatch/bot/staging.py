"""Before a handler: where the update happened, who acts, and whether they may. After it: what it wants done, with
that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aiogram import BaseMiddleware
from aiogram.dispatcher.flags import get_flag
from aiogram.methods import AnswerCallbackQuery
from aiogram.types import CallbackQuery, InaccessibleMessage, InlineQuery, Message, TelegramObject

from dispatch.bot import chats
from dispatch.bot.chats import Known, managed_place
from dispatch.bot.scene import GROUP_ANONYMOUS_BOT, Place, Scene, is_about, is_marked, place_of
from dispatch.bot.voice import spoken, text

if TYPE_CHECKING:
    from dispatch.bot.desk import Desk, Replies, Step
    from dispatch.bot.standing import Administrators
    from dispatch.delivery.store import Store

CHANGES = {"changes": True}
"""The flag of a handler that changes what a place follows or how: `flags=CHANGES` where it is registered.
In a group it is for administrators only."""

STANDING = {"standing": True}
"""The flag of a handler that changes nothing, and wants to know whether the user may: `scene.may_change`."""

HERE = {"here": True}
"""The flag of a handler that is about the chat itself, also while its user manages another one."""

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Staged:
    """What is to be done, and where it was asked."""

    scene: Scene
    step: Step


class Staging(BaseMiddleware):
    """Gives handlers `scene`; whoever may not change a chat is told so instead."""

    def __init__(self, number: int, store: Store, administrators: Administrators) -> None:
        self._number = number
        self._store = store
        self._administrators = administrators

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        scene = await self._scene(event, at_home=bool(get_flag(data, "here")))
        if scene is None:
            return [AnswerCallbackQuery(callback_query_id=event.id)] if isinstance(event, CallbackQuery) else []
        if scene.is_managed and not _is_about(event, scene.place):
            return Staged(replace(scene, place=scene.here), _of_another)
        if scene.is_managed and not await self._administrators.has(scene.place.chat_id, scene.user_id):
            return Staged(replace(scene, place=scene.here), _not_sure)
        if get_flag(data, "changes") or get_flag(data, "standing"):
            scene = replace(scene, may_change=await self._may_change(event, scene))
            if get_flag(data, "changes") and not scene.may_change:
                return Staged(scene, _refused)
        step = await handler(event, {**data, "scene": scene})
        if not callable(step):
            return step
        if get_flag(data, "changes") and isinstance(event, Message) and _is_named_admin(scene):
            step = _noting(step, event.chat.username or "")
        return Staged(scene, step)

    async def _scene(self, event: TelegramObject, *, at_home: bool) -> Scene | None:
        if isinstance(event, InlineQuery):
            return _typed(event)
        if isinstance(event, Message):
            message: Message | InaccessibleMessage = event
            user = event.from_user
        elif isinstance(event, CallbackQuery) and event.message is not None:
            message, user = event.message, event.from_user
        else:
            return None
        here = place_of(message) if isinstance(message, Message) else Place(message.chat.id, 0, message.chat.type)
        scene = Scene(
            here=here,
            place=here,
            user_id=user.id if user else 0,
            user_name=user.full_name if user else "",
            language=spoken(user.language_code if user else None),
            message_id=message.message_id,
            callback_id=event.id if isinstance(event, CallbackQuery) else "",
            is_old=isinstance(message, InaccessibleMessage),
        )
        if at_home or not here.is_private:
            return scene
        # A press is about what the message with the button is about, whatever has been chosen since.
        said = isinstance(event, Message) or not isinstance(message, Message) or is_marked(message)
        if not said:
            return scene
        managed = await self._store.call(managed_place, self._number, scene.user_id)
        if managed is None and isinstance(event, CallbackQuery) and isinstance(message, Message):
            managed = _NOWHERE
        return scene if managed is None else replace(scene, place=managed)

    async def _may_change(self, event: TelegramObject, scene: Scene) -> bool:
        """In groups and channels their administrators, also those who stay anonymous."""
        place = scene.place
        if place.is_private:
            return place.chat_id == scene.user_id
        user = event.from_user if isinstance(event, Message | CallbackQuery) else None
        if user is not None and user.is_bot and scene.user_id != GROUP_ANONYMOUS_BOT:
            return False
        if isinstance(event, Message) and event.sender_chat is not None and not scene.is_managed:
            anonymous = event.sender_chat.id == place.chat_id
            return anonymous and (scene.user_id in (0, GROUP_ANONYMOUS_BOT) or place.kind == "channel")
        return await self._administrators.has(place.chat_id, scene.user_id)


def _is_named_admin(scene: Scene) -> bool:
    """Whether somebody who changes something here is an administrator by name, as was just found out."""
    return not scene.here.is_private and scene.user_id not in (0, GROUP_ANONYMOUS_BOT)


def _noting(step: Step, name: str) -> Step:
    """The same, and that the user was seen to administer the chat: it is offered to them in the private one."""

    def noting(desk: Desk) -> Replies:
        here = desk.scene.here
        known = Known(here.chat_id, here.kind, here.title, may_write=True)
        chats.met(desk.db, desk.office.number, known, name, desk.now)
        chats.seen_managing(desk.db, desk.office.number, desk.scene.user_id, here.chat_id, desk.now)
        return step(desk)

    return noting


def _typed(query: InlineQuery) -> Scene:
    """What somebody types behind the bot's name is about no chat that is known: their own stands for it."""
    user = query.from_user
    here = Place(user.id)
    language = spoken(user.language_code)
    return Scene(here, here, user.id, user.full_name, language, query_id=query.id)


_NOWHERE = Place(0, kind="managed")
"""Managed by nobody: the message is about a chat, and none is chosen any more."""


def _is_about(event: TelegramObject, place: Place) -> bool:
    """Whether something in a private chat is meant for the chat that is managed. The mark in a message of our own is
    ours, whoever presses its button."""
    if isinstance(event, Message):
        return True
    message = event.message if isinstance(event, CallbackQuery) else None
    return isinstance(message, Message) and is_about(message, place)


def _refused(desk: Desk) -> Replies:
    return desk.told(text("只有这里的管理员可以更改关注和设置。您可以在私聊里为自己关注。"))


def _of_another(desk: Desk) -> Replies:
    return desk.told(text("这条消息是关于另一个群组或频道的。请先用 /manage 选择它，再试一次。"))


def _not_sure(desk: Desk) -> Replies:
    return desk.told(text("现在无法确认您是那里的管理员，所以什么也没有做。/manage off 回到本聊天。"))


__all__ = ["CHANGES", "HERE", "STANDING", "Staged", "Staging"]
