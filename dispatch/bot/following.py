"""Saying what is followed."""

from __future__ import annotations

from collections.abc import Sequence

from dispatch.bot.desk import Desk
from dispatch.bot.voice import Html


def names(desk: Desk, tags: Sequence[str]) -> Html:
    """The names of tags, in bold."""
    return Html(desk.say.plain("、").join(desk.say("<b>{name}</b>", name=desk.label(tag)) for tag in tags))


def followed_text(desk: Desk, tags: Sequence[str], new: Sequence[str]) -> str:
    """What following these has changed."""
    if not new:
        return desk.say("已经在关注：{names}。", names=names(desk, tags))
    where = desk.say("（{title}）", title=desk.scene.place.title) if desk.scene.is_managed else ""
    return desk.say("已关注{where}：{names}。新一期发布后会推送给您。", where=Html(where), names=names(desk, new))
