"""An issue for those who approve it, before it goes out: in any state, by a signed link that is good for a while."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from dispatch import archive
from dispatch.archive import StoredIssue
from dispatch.delivery.unreached import unreached
from dispatch.errors import Failure
from dispatch.web.front import Front, Over
from dispatch.web.reading import Reading, Section, load
from subscribers.database import Database
from subscribers.tokens import Purpose


@dataclass(frozen=True, slots=True)
class Preview:
    """An issue with what the archive knows about it."""

    stored: StoredIssue
    reading: Reading
    nobodys: frozenset[int]  # the positions of the articles that nobody would get


def look(db: Database, issue_id: int) -> Preview | None:
    """The issue of a token; None where it was taken away, or exchanged for a newer version, which has its own link."""
    try:
        nobodys = frozenset(article.position for article in unreached(db, issue_id))
        return Preview(archive.load(db, issue_id), load(db, issue_id), nobodys)
    except Failure:
        return None


class PreviewPages:
    """`/preview/{token}` and `/preview/{token}/{column}`."""

    def __init__(self, front: Front) -> None:
        self._front = front

    async def issue(self, request: web.Request) -> web.Response:
        """The columns that readers would get, and what the intake warns of."""
        try:
            found = await self._find(request)
        except Over:
            return self._late(request)
        return self._show(request, "preview", found)

    async def column(self, request: web.Request) -> web.Response:
        """A column as its digest has it for who follows all of it: every article in full."""
        try:
            found = await self._find(request)
        except Over:
            return self._late(request)
        section = found.reading.section(request.match_info["column"])
        if section is None:
            raise web.HTTPNotFound
        return self._show(request, "preview_column", found, section)

    async def _find(self, request: web.Request) -> Preview:
        found = await self._front.parts.store.call(look, self._front.read(request, Purpose.PREVIEW))
        if found is None:
            raise web.HTTPNotFound
        return found

    def _show(self, request: web.Request, name: str, found: Preview, section: Section | None = None) -> web.Response:
        return self._front.show(
            name,
            self._front.language(request),
            stored=found.stored,
            reading=found.reading,
            nobodys=found.nobodys,
            issue=found.reading.issue,
            section=section,
            token=request.match_info["token"],
        )

    def _late(self, request: web.Request) -> web.Response:
        return self._front.notice("link_late", self._front.language(request), 410)
