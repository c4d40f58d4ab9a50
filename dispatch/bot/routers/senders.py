"""The way back to the bot that wrote to a chat before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiogram import Router

from dispatch.bot.bots import Sender, called, queue_of
from dispatch.bot.desk import Desk, Replies, Step
from dispatch.bot.following import OUTDATED
from dispatch.bot.staging import CHANGES

if TYPE_CHECKING:
    from aiogram.types import CallbackQuery


def router() -> Router:
    found = Router(name="senders")
    found.callback_query.register(_pressed, Sender.filter(), flags=CHANGES)
    return found


async def _pressed(callback: CallbackQuery, callback_data: Sender) -> Step:
    def step(desk: Desk) -> Replies:
        queue, found = queue_of(desk, callback_data.bot), desk.endpoint
        if not queue or found is None:
            return desk.told(OUTDATED)
        if found.address.queue != queue:
            desk.let_send(found, queue)
        words = desk.say("好的，这里的推送由 {bot} 发送。在这里再关注什么，就又由我发送。", bot=called(desk, queue))
        return [desk.toast(), desk.edit(words)]

    return step
