"""Issues, columns and lists of them as messages with buttons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from dispatch.bot import naming
from dispatch.bot.codes import code, tag_of
from dispatch.bot.leafing import (
    ArticleButton,
    ColumnButton,
    ColumnsButton,
    FollowButton,
    IssueButton,
    IssuesButton,
)
from dispatch.bot.paging import PAGE, button, in_rows_of, keyboard, page_of, pager
from dispatch.bot.voice import Html, escaped
from dispatch.channels.html_split import extent
from dispatch.digests.words import clip, first_sentence
from dispatch.links import article_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

    from dispatch.bot.desk import Desk
    from dispatch.bot.shelf import Shelf, Volume
    from dispatch.catalog import Catalog
    from dispatch.web.reading import Entry, Section

View = tuple[str, "InlineKeyboardMarkup | None"]
"""The text of a message (HTML) and its buttons."""

_TITLE = 120  # characters of a title in a list
_LEAD = 80


def fitted(head: str, lines: Sequence[str], more: Callable[[int], str], units: int = 3_900, entities: int = 95) -> str:
    """A message of the head and as many lines as there is room for; `more` tells how many are left out."""
    used, marked = extent(head)
    kept = [head]
    for place, line in enumerate(lines):
        length, marks = extent(line)
        used, marked = used + length + 1, marked + marks
        if used > units or marked > entities:
            return "\n".join([*kept, more(len(lines) - place)])
        kept.append(line)
    return "\n".join(kept)


def linked(html: str, url: str) -> str:
    """Words that lead to an address, where Telegram opens it; `html` has no links in it."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return html
    return f'<a href="{url.replace("&", "&amp;").replace(chr(34), "%22")}">{html}</a>'


def bulletin_name(desk: Desk, bulletin: str, title: str) -> str:
    """A bulletin in the reader's language, as far as it has a name there."""
    return naming.bulletin_name(desk.say, desk.catalog, bulletin, title)


def number_line(desk: Desk, issue: Mapping[str, object]) -> str:
    """Which issue it is of its bulletin, plain: from its `year`, `number`, `total` and `ref`."""
    return naming.number_line(desk.say, issue)


def heading(desk: Desk, volume: Volume) -> str:
    """The bulletin and the issue, which lead to its page where it has one."""
    issue = volume.reading.issue
    name = escaped(bulletin_name(desk, issue.bulletin, issue.title))
    line = escaped(number_line(desk, volume.numbers))
    base = desk.office.base_url
    return f"<b>{name}</b> " + (
        linked(line, f"{base}/issues/{quote(issue.bulletin)}/{quote(issue.ref)}") if base else line
    )


def overview(desk: Desk, shelf: Shelf, volume: Volume, *, titles: bool) -> View:
    """An issue: its columns with how many articles each has, or with the titles of these."""
    issue = volume.reading.issue
    told = desk.say("共 {count} 篇", count=volume.count)
    date = f"{issue.date.isoformat()} · " if issue.date else ""
    lines = [line for section in volume.reading.sections for line in _section(desk, volume, section, titles=titles)]
    text = fitted(f"{heading(desk, volume)}\n{date}{told}\n", lines, lambda left: _more(desk, left))
    columns = [
        button(f"{section.called(desk.say.language)} ({len(section.entries)})", _column(volume, section))
        for section in volume.reading.sections
        if section.entries
    ]
    older, newer = shelf.before(desk.db, volume.id), shelf.after(desk.db, volume.id)
    others = [button(desk.say.plain("‹ 上一期"), IssueButton(issue=older))] if older is not None else []
    others += [button(desk.say.plain("下一期 ›"), IssueButton(issue=newer))] if newer is not None else []
    return text, keyboard([*in_rows_of(1, columns[:60]), others])


def _section(desk: Desk, volume: Volume, section: Section, *, titles: bool) -> Iterator[str]:
    name = section.called(desk.say.language)
    if not titles:
        yield desk.say("• {name}：{count} 篇", name=name, count=len(section.entries))
        return
    yield f"\n{named(desk, section)}"
    for entry in section.entries:
        yield f"• {title_of(desk, volume, entry)}"


def _more(desk: Desk, left: int) -> str:
    return desk.say("……还有 {count} 行，见下面的栏目。", count=left)


def _column(volume: Volume, section: Section, page: int = 0) -> IssueButton:
    return IssueButton(issue=volume.id, column=section.position, page=page)


def title_of(desk: Desk, volume: Volume, entry: Entry) -> Html:
    """An article's title, which leads to its page where it has one."""
    issue = volume.reading.issue
    title = escaped(clip(entry.article.title, _TITLE))
    return Html(linked(title, article_url(desk.office.base_url, issue.bulletin, issue.ref, entry.position)))


def column(desk: Desk, shelf: Shelf, volume: Volume, section: Section, page: int) -> View:
    """A page of a column's articles, each with its first sentence and a button to read it here."""
    shown, page, pages = page_of(section.entries, page)
    head = f"{heading(desk, volume)}\n" + f"{named(desk, section)}\n"
    lines = numbered(desk, volume, shown, page * PAGE)
    text = fitted(head, lines, lambda left: _more(desk, left))
    back = [button(desk.say.plain("« 本期目录"), IssueButton(issue=volume.id))]
    if before := shelf.column_before(desk.db, volume.id, section.key):
        back.append(button(desk.say.plain("上一期的本栏目 ›"), _column(*before)))
    turns = pager(page, pages, lambda to: _column(volume, section, to))
    return text, keyboard([*numbers(volume, shown, page * PAGE), turns, _follow(desk, volume, section), back])


def named(desk: Desk, section: Section) -> str:
    """A column's name as a heading."""
    return f"<b>【{escaped(section.called(desk.say.language))}】</b>"


def numbered(desk: Desk, volume: Volume, entries: Sequence[Entry], first: int) -> list[str]:
    """Articles by title and first sentence, counted from `first`."""
    return [
        f"{n}. <b>{title_of(desk, volume, entry)}</b>\n{escaped(clip(first_sentence(entry.article), _LEAD))}\n"
        for n, entry in enumerate(entries, start=first + 1)
    ]


def numbers(volume: Volume, entries: Sequence[Entry], first: int) -> list[list[InlineKeyboardButton]]:
    """The buttons of the numbers that `numbered` gives."""
    made = [
        button(str(n), ArticleButton(issue=volume.id, position=entry.position))
        for n, entry in enumerate(entries, start=first + 1)
    ]
    return in_rows_of(4, made)


def _follow(desk: Desk, volume: Volume, section: Section) -> list[InlineKeyboardButton]:
    tag = f"column:{volume.reading.issue.bulletin}/{section.key}"
    return [follow_button(desk, tag)] if section.key and knows(desk.catalog, tag) else []


def knows(catalog: Catalog, tag: str) -> bool:
    """Whether a tag can be followed still: issues are read whose tags the catalog may have lost."""
    return tag_of(catalog, code(tag)) == tag


def follow_button(desk: Desk, tag: str) -> InlineKeyboardButton:
    """Follow it, or where it is followed, no more."""
    sign = "✅" if tag in desk.follows else "➕"
    return button(f"{sign} {clip(desk.label(tag), 40)}", FollowButton(tag=code(tag)))


def issues(desk: Desk, shelf: Shelf, page: int) -> View:
    """A page of the issues, the newest first."""
    rows = shelf.issues(desk.db, page * PAGE, PAGE + 1)
    if not rows:
        return issues(desk, shelf, 0) if page else (nothing_yet(desk), None)
    turns = [button("‹", IssuesButton(page=page - 1))] if page else []
    turns += [button("›", IssuesButton(page=page + 1))] if len(rows) > PAGE else []
    return desk.say("<b>各期期刊</b>\n选一期查看，或发送期号，如 <code>/issue 534</code>。"), keyboard(
        [*chosen(desk, rows[:PAGE]), turns]
    )


def chosen(desk: Desk, rows: Sequence[Mapping[str, object]]) -> list[list[InlineKeyboardButton]]:
    """A button an issue."""
    return [
        [
            button(
                f"{bulletin_name(desk, str(row['bulletin']), str(row['title']))} {number_line(desk, row)}",
                IssueButton(issue=int(str(row["id"]))),
            )
        ]
        for row in rows
    ]


def nothing_yet(desk: Desk) -> str:
    return desk.say("还没有发布任何一期。可以先用 /follow 关注，发布后会推送给您。")


def columns(desk: Desk, page: int) -> View:
    """A page of the columns that there are to follow; each button leads to its newest articles."""
    tags = [f"column:{found.key}/{spec.key}" for found in desk.catalog.offered for spec in found.columns]
    if not tags:
        return desk.say("还没有可以关注的栏目。可以用 /browse 浏览高新区和主题。"), None
    shown, page, pages = page_of(tags, page)
    rows = [[button(desk.label(tag), ColumnButton(tag=code(tag)))] for tag in shown]
    return desk.say("<b>栏目</b>\n选一个栏目，看它最新的文章。"), keyboard(
        [*rows, pager(page, pages, lambda to: ColumnsButton(page=to))]
    )
