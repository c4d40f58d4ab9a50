"""Issues that wait for approval, in the chats of those who may give it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from dispatch import archive
from dispatch.bot.desk import Desk, Office
from dispatch.bot.paging import button, keyboard, page_of, pager
from dispatch.bot.scene import Place, Scene
from dispatch.bot.voice import text
from dispatch.channels.approval_buttons import Pressed, Wish, pack
from dispatch.channels.telegram import opens
from dispatch.delivery import control
from dispatch.delivery.control import Part
from dispatch.digests.words import clip
from dispatch.errors import Failure
from dispatch.model import IssueState
from subscribers import audit
from subscribers.audit import Act, Way

if TYPE_CHECKING:
    from dispatch.archive import StoredIssue
    from subscribers.database import Row

_LONGEST_NAME = 64
_LONGEST_TITLE = 100


class End(StrEnum):
    """What became of a press."""

    DONE = "done"
    OVER = "over"  # somebody else was first, or the issue is out
    NEWER = "newer"  # other content came for it
    NONE = "none"  # there is no such issue


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a press, and the issue as it stands now (None: there is none)."""

    end: End
    issue: StoredIssue | None = None


def is_office(office: Office, here: Place, username: str | None) -> bool:
    """Whether a chat is one of those who may approve: itself, or the topic of it that is named. A name is a group's or
    channel's: a person who calls themselves so is nobody."""
    names = {str(here.chat_id), here.address}
    if username and not here.is_private:
        names.add(f"@{username}".lower())
    return any(address.lower() in names for address in office.admins)


def actor(scene: Scene) -> str:
    """A user of Telegram as the record names them: the number, which is theirs alone, and what they call themselves."""
    name = "".join(letter if letter.isprintable() else " " for letter in scene.user_name)
    name = " ".join(name.split())[:_LONGEST_NAME]
    return f"telegram:{scene.user_id}" + (f" ({name})" if name else "")


def decide(desk: Desk, pressed: Pressed) -> Decided:
    """Approve or cancel a held issue, as it was shown. Called in the update's transaction, so one of two wins."""
    decided = look(desk, pressed)
    stored = decided.issue
    if decided.end is not End.DONE or stored is None:
        return decided
    by = actor(desk.scene)
    if pressed.wish is Wish.APPROVE:
        archive.approve(desk.db, stored, by, desk.now)
        action = "approved"
    else:
        control.cancel(desk.db, stored, Part(), by, desk.now)
        action = "cancelled"
    audit.record(desk.db, Act(desk.now, by, Way.BOT), action, "issue", stored.key)
    return Decided(End.DONE, archive.load(desk.db, stored.id))


def look(desk: Desk, pressed: Pressed) -> Decided:
    """Whether what was pressed can be done: `DONE` if so."""
    try:
        stored = archive.load(desk.db, pressed.issue_id)
    except Failure:
        return Decided(End.NONE)
    if stored.state is not IssueState.HELD:
        return Decided(End.OVER, stored)
    return Decided(End.DONE if stored.revision == pressed.revision else End.NEWER, stored)


def outcome(desk: Desk, decided: Decided) -> str:
    """What became of a press, in a line."""
    stored = decided.issue
    if stored is None:
        return desk.say("这一期已经不在了。")
    values = {"issue": stored.name, "by": _by(desk, stored)}
    if decided.end is End.NEWER:
        return desk.say(
            "⚠️ {issue} 有了新的内容（第 {revision} 稿），请先查看：/pending",
            issue=stored.name,
            revision=stored.revision,
        )
    if stored.state is IssueState.CANCELLED:
        return (
            desk.say("🚫 {issue} 已取消（{by}）。", **values)
            if values["by"]
            else desk.say("🚫 {issue} 已取消。", **values)
        )
    return desk.say("✅ {issue} 已批准（{by}）。", **values)


def _by(desk: Desk, stored: StoredIssue) -> str:
    if stored.state is not IssueState.CANCELLED:
        return stored.approved_by
    parts = [part for part in control.cancelled_parts(desk.db, stored.id) if part["column_position"] < 0]
    return str(parts[0]["cancelled_by"]) if parts else ""


def buttons(
    desk: Desk, issue_id: int, revision: int, name: str = "", page: int | None = None
) -> list[InlineKeyboardButton]:
    """What can be done with an issue that waits; in a list the buttons say with which."""
    row = []
    url = desk.office.preview(desk.db, issue_id)
    if opens(url):
        row.append(InlineKeyboardButton(text=desk.say.plain("预览 {issue}", issue=name).strip(), url=url))
    for wish, words in ((Wish.APPROVE, text("批准 {issue}")), (Wish.CANCEL, text("取消 {issue}"))):
        data = pack(Pressed(wish, issue_id, revision, page))
        row.append(button(desk.say.plain(words, issue=name).strip(), data))
    return row


def question(desk: Desk, pressed: Pressed) -> InlineKeyboardMarkup:
    """Whether a cancel is meant: it cannot be taken back."""
    yes = button(desk.say.plain("确定取消"), pack(replace(pressed, wish=Wish.YES)))
    no = button(desk.say.plain("返回"), pack(replace(pressed, wish=Wish.NO)))
    return keyboard([[yes, no]])


def pending(desk: Desk, page: int) -> tuple[str, InlineKeyboardMarkup | None]:
    """The issues that wait, a page of them, with their buttons."""
    rows = archive.rows(desk.db, IssueState.HELD)
    if not rows:
        return desk.say("没有待审核的期刊。"), None
    found, page, pages = page_of(rows, page)
    shown = archive.shown(desk.db)
    lines, below = [desk.say("<b>待审核的期刊：{count}</b>", count=len(rows))], []
    for row in found:
        name = shown(row["bulletin"], row["ref"])
        lines.append(_line(desk, row, name))
        below.append(buttons(desk, row["id"], row["revision"], name, page))
    below.append(pager(page, pages, lambda to: pack(Pressed(Wish.NO, 0, 0, to))))
    return "\n\n".join(lines), keyboard(below)


def _line(desk: Desk, row: Row, name: str) -> str:
    words = desk.say(
        "<b>{issue}</b> {title} {date}：{columns} 个栏目，{articles} 篇文章",
        issue=name,
        title=clip(row["title"], _LONGEST_TITLE),
        date=row["date"] or "",
        columns=row["columns"],
        articles=row["articles"],
    )
    warnings = len(json.loads(row["warnings"]))
    if row["revision"] > 1:
        words += desk.say("，第 {revision} 稿", revision=row["revision"])
    return words + (desk.say("，{count} 处存疑", count=warnings) if warnings else "")
