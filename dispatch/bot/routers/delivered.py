"""The buttons below a delivered digest: drop a follow, nothing for a day, what the column had before.

They are about the chat that the digest stands in, also while its user manages another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiogram import Router
from aiogram.filters.callback_data import CallbackData

from dispatch.bot import views
from dispatch.bot.codes import code, tag_of
from dispatch.bot.desk import MOST_FOLLOWS, Desk, Replies, Step, TooMany
from dispatch.bot.following import TOO_MANY, names
from dispatch.bot.leafing import IssueButton, TagCode
from dispatch.bot.moments import moment
from dispatch.bot.paging import PAGE, button, keyboard
from dispatch.bot.staging import CHANGES, HERE
from dispatch.bot.voice import text
from dispatch.channels.telegram_buttons import Mute, Previous, Unfollow, pack, unpack
from subscribers import directory
from subscribers.model import PAUSED_BY_READER, Endpoint, EndpointState

if TYPE_CHECKING:
    from aiogram.types import CallbackQuery, InlineKeyboardButton

    from dispatch.bot.scene import Scene
    from dispatch.bot.shelf import Column, Shelf

_DAY_MS = 86_400_000


class RefollowButton(CallbackData, prefix="rdu"):
    """Follow again what a button has dropped."""

    tag: TagCode


class UnmuteButton(CallbackData, prefix="rdm"):
    """End the quiet day."""


def router() -> Router:
    found = Router(name="delivered")
    changes = {**CHANGES, **HERE}
    found.callback_query.register(_unfollow, _is(Unfollow), flags=changes)
    found.callback_query.register(_mute, _is(Mute), flags=changes)
    found.callback_query.register(_previous, _is(Previous), flags=HERE)
    found.callback_query.register(_refollow, RefollowButton.filter(), flags=changes)
    found.callback_query.register(_unmute, UnmuteButton.filter(), flags=changes)
    return found


def _is(kind: type[Unfollow | Mute | Previous]) -> Any:
    """Lets presses of one kind of button through, and gives the handler what was `pressed`."""

    def reads(callback: CallbackQuery) -> bool | dict[str, Any]:
        found = unpack(callback.data or "")
        return {"pressed": found} if isinstance(found, kind) else False

    return reads


def _owner(desk: Desk, endpoint_id: int) -> Endpoint | None:
    """The endpoint of the chat that the button stands in, if it is still the one that the digest was sent to."""
    found = desk.live
    return found if found is not None and found.id == endpoint_id else None


def _too_old(desk: Desk) -> Replies:
    return desk.told(text("这个按钮属于以前的订阅，已经失效。发送 /following 查看现在的关注。"))


# -------------------------------------------------------------------------------------------------- one follow


async def _unfollow(callback: CallbackQuery, pressed: Unfollow) -> Step:
    def step(desk: Desk) -> Replies:
        if _owner(desk, pressed.endpoint_id) is None:
            return _too_old(desk)
        tag = pressed.tag(desk.follows)
        if not tag:
            return desk.told(text("这一项已经取消关注。发送 /following 查看现在的关注。"))
        desk.unfollow([tag])
        back = button(desk.say.plain("↩ 恢复关注"), RefollowButton(tag=code(tag)))
        undo = keyboard([[back]]) if views.knows(desk.catalog, tag) else None
        return [desk.toast(), desk.answer(desk.say("已取消关注：{names}。", names=names(desk, [tag])), undo)]

    return step


async def _refollow(callback: CallbackQuery, callback_data: RefollowButton) -> Step:
    def step(desk: Desk) -> Replies:
        tag = tag_of(desk.catalog, callback_data.tag)
        if tag is None or desk.endpoint is None:
            return _too_old(desk)
        try:
            desk.follow([tag])
        except TooMany:
            return desk.told(TOO_MANY, most=MOST_FOLLOWS)
        return [desk.edit(desk.say("已恢复关注：{names}。", names=names(desk, [tag]))), desk.toast()]

    return step


# --------------------------------------------------------------------------------------------------- a quiet day


async def _mute(callback: CallbackQuery, pressed: Mute) -> Step:
    def step(desk: Desk) -> Replies:
        found = _owner(desk, pressed.endpoint_id)
        if found is None:
            return _too_old(desk)
        until = desk.now + _DAY_MS
        paused = found.state is EndpointState.PAUSED
        if paused and (found.paused_until is None or found.paused_until >= until):
            return desk.told(text("推送已经暂停。发送 /pause 查看或恢复。"))
        directory.pause(desk.db, found, desk.act, until)
        undo = keyboard([[button(desk.say.plain("↩ 立即恢复"), UnmuteButton())]])
        told = desk.say(
            "{moment}之前不再推送。这期间发布的内容不会补发，可以用 /latest 查看。",
            moment=moment(desk, until, found.preferences.rhythm.timezone),
        )
        return [desk.toast(), desk.answer(told, undo)]

    return step


async def _unmute(callback: CallbackQuery) -> Step:
    def step(desk: Desk) -> Replies:
        found = desk.endpoint
        if found is None or (found.state, found.reason) != (EndpointState.PAUSED, PAUSED_BY_READER):
            return desk.told(text("推送没有暂停，或者不能在这里恢复。发送 /pause 查看。"))
        directory.resume(desk.db, found, desk.act)
        return [desk.edit(desk.say("推送已恢复。")), desk.toast()]

    return step


# -------------------------------------------------------------------------------------------- the issue before


async def _previous(callback: CallbackQuery, pressed: Previous, scene: Scene, shelf: Shelf) -> Step:
    def look(desk: Desk) -> Replies:
        if _owner(desk, pressed.endpoint_id) is None:
            return _too_old(desk)
        digest = shelf.column_of(desk.db, pressed.digest_id)
        found = shelf.column_before(desk.db, *digest) if digest is not None else None
        if found is None:
            return desk.told(text("这个栏目没有更早的内容了。"))
        volume, section = found
        entries = shelf.entries_with(desk.db, volume, section, desk.follows)
        head = f"{views.heading(desk, volume)}\n{views.named(desk, section)}"
        head += "\n" if entries else "\n" + desk.say("这一期没有您关注的文章。")
        lines = views.numbered(desk, volume, entries[:PAGE], 0)
        whole = button(desk.say.plain("本栏目全部文章"), IssueButton(issue=volume.id, column=section.position))
        rows = [*views.numbers(volume, entries[:PAGE], 0), [whole], _earlier(desk, shelf, pressed, found)]
        more = desk.say("……另有 {count} 篇，见“本栏目全部文章”。", count=len(entries) - PAGE)
        if len(entries) > PAGE:
            lines.append(more)
        return [desk.toast(), desk.answer(views.fitted(head, lines, lambda left: "…"), keyboard(rows))]

    return await shelf.answering(scene, look)


def _earlier(desk: Desk, shelf: Shelf, pressed: Previous, found: Column) -> list[InlineKeyboardButton]:
    """The button to the issue before that one, if the column stood in one."""
    volume, section = found
    digest = shelf.digest_of(desk.db, volume, section)
    if digest is None or shelf.column_before(desk.db, volume.id, section.key) is None:
        return []
    data = pack(Previous(pressed.endpoint_id, digest))
    return [button(desk.say.plain("‹ 上一期"), data)]
