"""Issues that wait for approval, in the chats of those who may give it."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from aiogram.methods import EditMessageText
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions

from dispatch import archive
from dispatch.bot.desk import Desk, Office
from dispatch.bot.naming import bulletin_name, number_line
from dispatch.bot.paging import button, keyboard, page_of, pager
from dispatch.bot.scene import Place, Scene
from dispatch.bot.voice import Voice, text, voice
from dispatch.channels.approval_buttons import Pressed, Wish, pack
from dispatch.channels.telegram import message_of, opens
from dispatch.delivery import control, notices
from dispatch.delivery.control import Part
from dispatch.digests.words import clip
from dispatch.errors import Failure
from dispatch.model import IssueState
from subscribers import audit, directory
from subscribers.addresses import telegram_place
from subscribers.audit import Act, Way
from subscribers.database import queries
from subscribers.model import Address, Preferences

if TYPE_CHECKING:
    from dispatch.archive import StoredIssue
    from subscribers.database import Row

SQL = queries(Path(__file__).with_name("approving.sql"))

_LONGEST_NAME = 64
_LONGEST_TITLE = 100
_MOST_NOTICES = 30  # that are changed when somebody has decided
_ACTOR = re.compile(r"telegram:-?[0-9]+(?: \((?P<name>.+)\))?")  # as `actor` writes it


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
    if decided.end is End.NEWER:
        return _newer(desk, desk.say, stored)
    return _verdict(desk, desk.say, stored)


def _newer(desk: Desk, say: Voice, stored: StoredIssue) -> str:
    return say(
        "⚠️ {issue} 有了新的内容（第 {revision} 稿），请先查看：/pending",
        issue=_called(desk, say, stored),
        revision=stored.revision,
    )


def _verdict(desk: Desk, say: Voice, stored: StoredIssue) -> str:
    """What was decided, and who did."""
    issue, (by, _) = _called(desk, say, stored), _decision(desk, stored)
    if stored.state is IssueState.CANCELLED:
        done, plain = text("🚫 {issue} 已取消（{by}）。"), text("🚫 {issue} 已取消。")
    else:
        done, plain = text("✅ {issue} 已批准（{by}）。"), text("✅ {issue} 已批准。")
    return say(done, issue=issue, by=_person(say, by)) if by else say(plain, issue=issue)


def _called(desk: Desk, say: Voice, stored: StoredIssue) -> str:
    issue = stored.issue
    numbers = {name: getattr(issue, name) for name in ("year", "number", "total", "ref")}
    return _issue_name(desk, say, issue.bulletin, issue.title, numbers)


def _issue_name(desk: Desk, say: Voice, bulletin: str, title: str, numbers: Mapping[str, object]) -> str:
    """As readers know it: 火炬动态 2022年第5期（总第534期）."""
    name = clip(bulletin_name(say, desk.catalog, bulletin, title), _LONGEST_TITLE)
    return f"{name} {number_line(say, numbers)}"


def _decision(desk: Desk, stored: StoredIssue) -> tuple[str, int]:
    """Who approved or cancelled an issue, as the record names them, and when (ms); "" and 0 where that is not known."""
    if stored.state is not IssueState.CANCELLED:
        return stored.approved_by, stored.approved_at or 0
    parts = [part for part in control.cancelled_parts(desk.db, stored.id) if part["column_position"] < 0]
    return (str(parts[0]["cancelled_by"]), int(parts[0]["cancelled_at"])) if parts else ("", 0)


def _person(say: Voice, by: str) -> str:
    """Somebody as a chat knows them: by the name that they have there. The record has their number."""
    found = _ACTOR.fullmatch(by)
    return by if found is None else found["name"] or say.plain("一位管理员")


def told_everywhere(desk: Desk, decided: Decided) -> list[EditMessageText]:
    """The notices of an issue in all chats of this bot's, the one that was pressed among them, say from now on what
    was decided, by whom and when, each in its language; what waits to be sent of them is not. Called inside the
    update's transaction."""
    stored = decided.issue
    if stored is None or decided.end is End.NEWER:
        return []
    span = notices.span(stored.id)
    desk.db.run(SQL["drop_notices"], {**span, "now": desk.now})
    rows = desk.db.all(SQL["notices"], {**span, "queue": desk.office.queue, "most": _MOST_NOTICES})
    return [
        _edit(_chat(row["address"]), message_id, _decided(desk, stored, row))
        for row in rows
        if (message_id := message_of(row["said"])) is not None
    ]


def told_here(desk: Desk, decided: Decided) -> EditMessageText:
    """The notice that was pressed says what became of that, where no row tells that it is one of ours."""
    return _edit(desk.scene.here.chat_id, desk.scene.message_id, outcome(desk, decided))


def _edit(chat: int | str, message_id: int, html: str) -> EditMessageText:
    options = LinkPreviewOptions(is_disabled=True)
    return EditMessageText(
        chat_id=chat, message_id=message_id, text=html, parse_mode="HTML", link_preview_options=options
    )


def _chat(address: str) -> int | str:
    chat, _ = telegram_place(address)
    return chat if chat.startswith("@") else int(chat)


def _decided(desk: Desk, stored: StoredIssue, notice: Row) -> str:
    """What a notice says when nobody need decide any more."""
    say, (_, at) = voice(notice["language"]), _decision(desk, stored)
    columns = stored.issue.columns
    lines = [f"<b>{_verdict(desk, say, stored)}</b>"]
    lines += [_local(desk, notice["address"], at)] if at else []
    lines.append(
        say(
            "{columns} 个栏目，{articles} 篇文章",
            columns=len(columns),
            articles=sum(len(column.articles) for column in columns),
        )
    )
    return "\n".join(lines)


def _local(desk: Desk, address: str, at: int) -> str:
    """A time as a chat's clock shows it, with the zone's name."""
    holder = directory.holder_of(desk.db, Address("telegram", address, desk.office.queue))
    found = directory.endpoint(desk.db, holder.endpoint_id) if holder is not None and not holder.removed else None
    zone = (found.preferences if found is not None else Preferences()).rhythm.timezone
    return dt.datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).strftime(f"%Y-%m-%d %H:%M ({zone})")


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
        return desk.say("没有待审批的期刊。"), None
    found, page, pages = page_of(rows, page)
    shown = archive.shown(desk.db)
    lines, below = [desk.say("<b>待审批的期刊：{count}</b>", count=len(rows))], []
    for row in found:
        name = shown(row["bulletin"], row["ref"])
        lines.append(_line(desk, row))
        below.append(buttons(desk, row["id"], row["revision"], name, page))
    below.append(pager(page, pages, lambda to: pack(Pressed(Wish.NO, 0, 0, to))))
    return "\n\n".join(lines), keyboard(below)


def _line(desk: Desk, row: Row) -> str:
    words = desk.say(
        "<b>{issue}</b> {date}：{columns} 个栏目，{articles} 篇文章",
        issue=_issue_name(desk, desk.say, row["bulletin"], row["title"], row),
        date=row["date"] or "",
        columns=row["columns"],
        articles=row["articles"],
    )
    warnings = len(json.loads(row["warnings"]))
    if row["revision"] > 1:
        words += desk.say("，第 {revision} 稿", revision=row["revision"])
    return words + (desk.say("，{count} 处存疑", count=warnings) if warnings else "")
