"""One article as messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dispatch.bot.leafing import ArticleButton, IssueButton
from dispatch.bot.paging import button, in_rows_of, keyboard
from dispatch.bot.views import follow_button, knows
from dispatch.channels.html_split import MAX_ENTITIES, MAX_UNITS, extent, split
from dispatch.digests.fitting import Size, fitting
from dispatch.model import Content, Digest, DigestArticle, Role
from dispatch.model import Section as Shown

if TYPE_CHECKING:
    from aiogram.types import InlineKeyboardMarkup

    from dispatch.bot.desk import Desk
    from dispatch.bot.shelf import Volume
    from dispatch.digests.render import Renderer
    from dispatch.web.reading import Entry, Section

MAX_PARTS = 4
"""Messages of one article; what is longer is cut at the end of a sentence, with a link to the page."""

_TEMPLATE = "telegram/article.html.j2"
_UNITS = MAX_PARTS * MAX_UNITS * 2 // 3  # a part that ends at a good place is at least two thirds full
_ENTITIES = MAX_PARTS * MAX_ENTITIES * 2 // 3
_MOST_FOLLOWS = 3  # buttons for parks, and for topics


def parts(desk: Desk, renderer: Renderer, volume: Volume, section: Section, entry: Entry) -> tuple[str, ...]:
    """The article as Telegram's HTML, each part a message. Raises RenderError."""
    content = _content(desk, volume, section, entry)

    def build(size: Size) -> str:
        html = renderer.text(_TEMPLATE, size.of(content), limit=size.characters)
        return re.sub(r"\n{3,}", "\n\n", html).strip()

    def fits(size: Size) -> bool:
        units, entities = extent(build(size))
        return units <= _UNITS and entities <= _ENTITIES

    size = fitting(Size.whole(content), MAX_PARTS * MAX_UNITS, fits)
    return split(build(size), {}, entities=MAX_ENTITIES - 1)


def _content(desk: Desk, volume: Volume, section: Section, entry: Entry) -> Content:
    issue = volume.reading.issue
    found = desk.catalog.bulletin(issue.bulletin)
    shown = DigestArticle(entry.article, 1, entry.position)
    digest = Digest(
        id=0,
        bulletin=issue.bulletin,
        issue_ref=issue.ref,
        title=issue.title,
        title_en=found.name_en if found is not None else "",
        publisher=issue.publisher,
        year=issue.year,
        number=issue.number,
        total=issue.total,
        date=issue.date,
        column=section.name,
        column_en=section.name_en,
        part=1,
        parts=1,
        articles=(shown,),
    )
    return Content("digest", desk.say.language, "full", (Shown(digest, (shown,), ()),))


def below(desk: Desk, volume: Volume, section: Section, entry: Entry) -> InlineKeyboardMarkup:
    """What can be done with an article: follow what it is about, go on to its neighbours."""
    follows = [follow_button(desk, tag) for tag in _tags(volume, section, entry) if knows(desk.catalog, tag)]
    reading = volume.reading
    turns = [
        button(words, ArticleButton(issue=volume.id, position=position))
        for words, position in (
            (desk.say.plain("‹ 上一篇"), entry.position - 1),
            (desk.say.plain("下一篇 ›"), entry.position + 1),
        )
        if reading.entry(position) is not None
    ]
    back = button(f"« {section.called(desk.say.language)}", IssueButton(issue=volume.id, column=section.position))
    return keyboard([*in_rows_of(2, follows), turns, [back]])


def _tags(volume: Volume, section: Section, entry: Entry) -> Iterator[str]:
    subjects = [park.name for park in entry.article.parks if park.role is Role.SUBJECT]
    yield from (f"park:{name}" for name in subjects[:_MOST_FOLLOWS])
    topics = sorted(entry.article.topics, key=lambda topic: -topic.score)
    yield from (f"topic:{topic.key}" for topic in topics[:_MOST_FOLLOWS])
    if section.key:
        yield f"column:{volume.reading.issue.bulletin}/{section.key}"
