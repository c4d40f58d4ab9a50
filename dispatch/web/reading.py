"""Issues to read: the table of contents of one, and its articles."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from dispatch import archive
from dispatch.delivery.store import Store
from dispatch.model import Article, Issue
from dispatch.web.guard import PUBLIC, html
from dispatch.web.language import preferred
from dispatch.web.pages import Pages
from subscribers.database import Database, queries

SQL = queries(Path(__file__).with_name("reading.sql"))
_KEPT = 8  # issues in memory: readers come for the newest


@dataclass(frozen=True, slots=True)
class Entry:
    """An article with its address: `position` counts the articles of the issue from 1."""

    position: int
    article: Article


@dataclass(frozen=True, slots=True)
class Section:
    """A column of an issue."""

    name: str
    name_en: str
    entries: tuple[Entry, ...]

    def called(self, language: str) -> str:
        return (self.name_en or self.name) if language == "en" else self.name


@dataclass(frozen=True, slots=True)
class Reading:
    """An issue as its pages need it."""

    issue: Issue
    sections: tuple[Section, ...]

    def entry(self, position: int) -> Entry | None:
        return next(
            (entry for section in self.sections for entry in section.entries if entry.position == position), None
        )

    def section_of(self, entry: Entry) -> Section:
        return next(section for section in self.sections if entry in section.entries)


class Library:
    """The issues that may be read. Their texts stay in memory, so that readers who come at the moment of sending
    keep the store's thread no longer than a look at the issue's state."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[tuple[int, str], Reading] = OrderedDict()

    async def find(self, bulletin: str, ref: str) -> Reading | None:
        """The issue; None where there is none or it may not be read (held, cancelled)."""
        return await self._store.call(self._read, bulletin, ref)

    def _read(self, db: Database, bulletin: str, ref: str) -> Reading | None:
        row = db.one(SQL["public_issue"], {"bulletin": bulletin, "ref": ref})
        if row is None:
            return None
        key = (row["id"], row["fingerprint"])
        reading = self._kept.pop(key, None) or _load(db, row["id"])
        self._kept[key] = reading
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return reading


def _load(db: Database, issue_id: int) -> Reading:
    issue = archive.load(db, issue_id).issue
    english = [row["name_en"] for row in db.all(SQL["english_columns"], {"issue_id": issue_id})]
    sections = []
    position = 1
    for column, name_en in zip(issue.columns, english, strict=True):
        entries = tuple(Entry(n, article) for n, article in enumerate(column.articles, start=position))
        sections.append(Section(column.name, name_en, entries))
        position += len(entries)
    return Reading(issue, tuple(sections))


class ReadingPages:
    """`/issues/{bulletin}/{ref}` and `/issues/{bulletin}/{ref}/{position}`."""

    def __init__(self, library: Library, pages: Pages) -> None:
        self._library = library
        self._pages = pages

    async def issue(self, request: web.Request) -> web.Response:
        reading = await self._find(request)
        return self._page(request, "issue", reading)

    async def article(self, request: web.Request) -> web.Response:
        reading = await self._find(request)
        entry = reading.entry(int(request.match_info["position"]))
        if entry is None:
            raise web.HTTPNotFound
        return self._page(
            request,
            "article",
            reading,
            section=reading.section_of(entry),
            entry=entry,
            before=reading.entry(entry.position - 1),
            after=reading.entry(entry.position + 1),
        )

    async def _find(self, request: web.Request) -> Reading:
        reading = await self._library.find(request.match_info["bulletin"], request.match_info["ref"])
        if reading is None:
            raise web.HTTPNotFound
        return reading

    def _page(self, request: web.Request, name: str, reading: Reading, **values: object) -> web.Response:
        language = preferred(request.headers.get("Accept-Language", ""))
        text = self._pages.render(name, language, issue=reading.issue, reading=reading, **values)
        return html(text, PUBLIC)
