"""Issues to read: a list of them; of each its contents, its columns and its articles."""

from __future__ import annotations

import datetime as dt
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from dispatch import archive
from dispatch.model import Article, Issue, Offer, Role
from dispatch.web.guard import PUBLIC, html
from dispatch.web.language import preferred
from dispatch.web.pages import Pages
from dispatch.web.patience import Calls
from subscribers.database import Database, Row, queries

SQL = queries(Path(__file__).with_name("reading.sql"))
_TOPICS = 4  # of an article that are offered, the surest ones
_KEPT = 8  # issues in memory: readers come for the newest
_PAGE = 30  # issues of a list
_PAGES = re.compile("[1-9][0-9]{0,4}")

Offers = Callable[[Sequence[str], str], Sequence[Offer]]


def no_offers(tags: Sequence[str], language: str) -> Sequence[Offer]:
    """Without a chat."""
    return ()


@dataclass(frozen=True, slots=True)
class Entry:
    """An article with its address: `position` counts the articles of the issue from 1."""

    position: int
    article: Article


@dataclass(frozen=True, slots=True)
class Section:
    """A column of an issue, by its place in it from 1, and by its key in follows ("" where it has none)."""

    position: int
    key: str
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

    def section(self, word: str) -> Section | None:
        """The column at a place, `2`, or of a key, `zones`."""
        return next((section for section in self.sections if word in (str(section.position), section.key)), None)

    def section_of(self, entry: Entry) -> Section:
        return next(section for section in self.sections if entry in section.entries)


class ReadingCache:
    """The issues that were read last, `most` of them. It belongs to the thread of one store."""

    def __init__(self, most: int = _KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[int, str], Reading] = OrderedDict()

    def find(self, db: Database, bulletin: str, ref: str) -> Reading | None:
        """The issue; None where there is none or it may not be read (held, cancelled)."""
        row = db.one(SQL["public_issue"], {"bulletin": bulletin, "ref": ref})
        if row is None:
            return None
        key = (row["id"], row["fingerprint"])
        reading = self._kept.pop(key, None) or load(db, row["id"])
        self._kept[key] = reading
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return reading


class Library:
    """The issues that may be read. Their texts stay in memory, so that readers who come at the moment of sending
    keep the store's thread no longer than a look at the issue's state."""

    def __init__(self, store: Calls) -> None:
        self._store = store
        self._cache = ReadingCache()

    async def find(self, bulletin: str, ref: str) -> Reading | None:
        """The issue; None where there is none or it may not be read (held, cancelled)."""
        return await self._store.call(self._cache.find, bulletin, ref)


def load(db: Database, issue_id: int) -> Reading:
    """An issue in whatever state. Raises Failure where there is none."""
    issue = archive.load(db, issue_id).issue
    sections = []
    first = 1
    for column, row in zip(issue.columns, db.all(SQL["columns"], {"issue_id": issue_id}), strict=True):
        entries = tuple(Entry(n, article) for n, article in enumerate(column.articles, start=first))
        sections.append(Section(row["position"] + 1, row["key"], column.name, row["name_en"], entries))
        first += len(entries)
    return Reading(issue, tuple(sections))


def listed(db: Database, page: int) -> list[Row]:
    """A page of the issues that may be read, and one more where there are more; each with the `issue` that tells its
    numbers and date."""
    rows = db.all(SQL["public_issues"], {"page": _PAGE + 1, "skip": _PAGE * (page - 1)})
    return [{**row, "issue": _headed(row)} for row in rows]


def _headed(row: Row) -> Issue:
    date = dt.date.fromisoformat(row["date"]) if row["date"] else None
    numbers = {name: row[name] for name in ("bulletin", "title", "year", "number", "total")}
    return Issue(**numbers, publisher="", date=date, columns=())


class ReadingPages:
    """`/issues`, and below it `{bulletin}/{ref}`, `{bulletin}/{ref}/c/{column}` and `{bulletin}/{ref}/{position}`."""

    def __init__(self, store: Calls, pages: Pages, *, subscribe: bool, offers: Offers = no_offers) -> None:
        self._store = store
        self._library = Library(store)
        self._pages = pages
        self._subscribe = subscribe
        self._offers = offers

    async def issues(self, request: web.Request) -> web.Response:
        word = request.query.get("page", "1")
        if not _PAGES.fullmatch(word):
            raise web.HTTPNotFound
        page = int(word)
        rows = await self._store.call(listed, page)
        if not rows and page > 1:
            raise web.HTTPNotFound
        return self._render(request, "issues", rows=rows[:_PAGE], page=page, more=len(rows) > _PAGE)

    async def issue(self, request: web.Request) -> web.Response:
        reading = await self._find(request)
        return self._page(request, "issue", reading, [f"bulletin:{reading.issue.bulletin}"])

    async def column(self, request: web.Request) -> web.Response:
        reading = await self._find(request)
        section = reading.section(request.match_info["column"])
        if section is None:
            raise web.HTTPNotFound
        return self._page(request, "column", reading, list(_column_tags(reading, section)), section=section)

    async def article(self, request: web.Request) -> web.Response:
        reading = await self._find(request)
        entry = reading.entry(int(request.match_info["position"]))
        if entry is None:
            raise web.HTTPNotFound
        section = reading.section_of(entry)
        return self._page(
            request,
            "article",
            reading,
            [*_article_tags(entry.article), *_column_tags(reading, section)],
            section=section,
            entry=entry,
            before=reading.entry(entry.position - 1),
            after=reading.entry(entry.position + 1),
        )

    async def _find(self, request: web.Request) -> Reading:
        reading = await self._library.find(request.match_info["bulletin"], request.match_info["ref"])
        if reading is None:
            raise web.HTTPNotFound
        return reading

    def _page(
        self, request: web.Request, name: str, reading: Reading, tags: Sequence[str], **values: object
    ) -> web.Response:
        offers = self._offers(tags, _language(request))
        return self._render(request, name, issue=reading.issue, reading=reading, offers=offers, **values)

    def _render(self, request: web.Request, name: str, **values: object) -> web.Response:
        return html(self._pages.render(name, _language(request), subscribe=self._subscribe, **values), PUBLIC)


def _language(request: web.Request) -> str:
    return preferred(request.headers.get("Accept-Language", ""), request.query.get("lang", ""))


def _article_tags(article: Article) -> Iterator[str]:
    """What brings an article to those who follow it: the parks it is about, and its surest topics."""
    yield from (f"park:{park.name}" for park in article.parks if park.role is Role.SUBJECT)
    surest = sorted(article.topics, key=lambda topic: -topic.score)[:_TOPICS]
    yield from (f"topic:{topic.key}" for topic in surest)


def _column_tags(reading: Reading, section: Section) -> Iterator[str]:
    if section.key:
        yield f"column:{reading.issue.bulletin}/{section.key}"
