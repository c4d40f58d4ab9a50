"""/mydata and /forget: all that is stored about a person, and its end. Of private chats alone."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

from aiogram import Router
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.methods import SendDocument
from aiogram.types import BufferedInputFile

from dispatch.bot import chats, inbox
from dispatch.bot.desk import Desk, Replies, Step
from dispatch.bot.following import OUTDATED
from dispatch.bot.paging import button, keyboard
from dispatch.bot.staging import HERE
from dispatch.bot.voice import text
from dispatch.delivery import personal
from subscribers import audit
from subscribers import personal as people

if TYPE_CHECKING:
    from aiogram.types import CallbackQuery, Message

    from subscribers.database import Database

EVERY_MS = 600_000
"""How often somebody can have their data: it is all read and sent."""

YES, NO = "y", "n"
_PRIVATE = text("这与个人数据有关，请在与机器人的私聊中发送。")
_NONE = text("这里没有保存您的数据。")
_GIVEN = "data given"  # on record


class Forget(CallbackData, prefix="fg"):
    """A press: erase all, or nothing."""

    act: str


def router() -> Router:
    found = Router(name="rights")
    found.message.register(_mydata, Command("mydata", ignore_case=True), flags=HERE)
    found.message.register(_forget, Command("forget", ignore_case=True), flags=HERE)
    found.callback_query.register(_pressed, Forget.filter(), flags=HERE)
    return found


# ----------------------------------------------------------------------------------------------- /mydata


async def _mydata(message: Message) -> Step:
    return _at_home(_data)


def _data(desk: Desk) -> Replies:
    found = desk.endpoint
    if found is None:
        return desk.told(_NONE)
    given = desk.db.value(inbox.SQL["data_given"], {"id": str(found.id), "action": _GIVEN})
    if given is not None and desk.now - given < EVERY_MS:
        return desk.told(text("刚刚已经发送过您的数据。十分钟后可以再要一次。"))
    told = json.dumps(personal.data(desk.db, found.subscriber_id), ensure_ascii=False, indent=2)
    audit.record(desk.db, desk.act, _GIVEN, audit.ENDPOINT, found.id)
    day = dt.datetime.fromtimestamp(desk.now / 1000, dt.UTC)
    document = BufferedInputFile(told.encode(), f"data-{day:%Y-%m-%d}.json")
    caption = desk.say("这是我们保存的关于您的全部数据（JSON）。要全部删除，请发送 /forget。")
    return [SendDocument(chat_id=desk.scene.here.chat_id, document=document, caption=caption, parse_mode="HTML")]


def _at_home(step: Step) -> Step:
    """The step, in the user's own chat; elsewhere they are told to go there."""

    def checked(desk: Desk) -> Replies:
        here = desk.scene.here
        return step(desk) if here.is_private and here.chat_id == desk.scene.user_id else desk.told(_PRIVATE)

    return checked


# ----------------------------------------------------------------------------------------------- /forget


async def _forget(message: Message) -> Step:
    return _at_home(_asked)


def _asked(desk: Desk) -> Replies:
    found = desk.endpoint
    if found is None and not _manages(desk):
        return desk.told(_NONE)
    words = desk.say(
        "<b>删除我的数据</b>\n"
        "我们会删除关于您的全部数据：关注、设置、关键词、发送记录中与您有关的内容，以及您在我们这里的其他地址"
        "（如同一人的邮箱）。之后不再给您发送任何内容，直到您自己再次关注。"
        "只保留一个无法还原的标记，以确保这一点。您管理的群组和频道不受影响。\n"
        "<b>这无法撤销。</b>想先留一份，请发送 /mydata。"
    )
    yes = button(desk.say.plain("确定，删除我的全部数据"), Forget(act=YES).pack())
    return [desk.answer(words, keyboard([[yes], [button(desk.say.plain("不删除"), Forget(act=NO).pack())]]))]


async def _pressed(callback: CallbackQuery, callback_data: Forget) -> Step:
    def step(desk: Desk) -> Replies:
        if callback_data.act == NO:
            return [desk.toast(), desk.edit(desk.say("好的，什么也没有删除。"))]
        return _erased(desk) if callback_data.act == YES else desk.told(OUTDATED)

    return _at_home(step)


def _erased(desk: Desk) -> Replies:
    """From this moment on nothing is sent to them. The rest is done when they have been told; after a crash the
    housekeeping finds the mark and does it."""
    say, found = desk.say, desk.endpoint  # as they were spoken to until now
    if found is None and not _manages(desk):
        return desk.told(_NONE)
    for query in ("manage_none", "seen_nowhere"):
        desk.db.run(chats.SQL[query], _user(desk))
    if found is not None:
        who, act = found.subscriber_id, desk.act
        people.stop(desk.db, who, act)

        def erase(db: Database) -> None:
            personal.erase(db, who, act, unanswered=False)

        desk.later.append(erase)
    done = say("已为您停止一切推送，并删除您的数据。这是最后一条消息；想再次使用时，请发送 /start。")
    return [desk.toast(), desk.edit(done)]


def _manages(desk: Desk) -> bool:
    """Whether something is known of chats that they manage."""
    return any(desk.db.all(chats.SQL[query], _user(desk)) for query in ("managing", "seen_where"))


def _user(desk: Desk) -> dict[str, int]:
    return {"bot": desk.office.number, "user_id": desk.scene.user_id}
