"""Documents behind web addresses: one address, those that a page links to, those that a feed lists."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from dispatch.errors import IntakeError
from dispatch.settings import FeedSource, FileSource, PageSource
from dispatch.sources.parsing import parse
from dispatch.sources.source import (
    Document,
    Found,
    Known,
    Memory,
    Refusal,
    Seen,
    Trouble,
    as_file,
    digest_of,
    matches,
)
from dispatch.sources.web import Fetched, Visit, Web, shown, suffix_of

_DAY_MS = 86_400_000
_RETRY_MS = 900_000  # after a first failure; twice as long after each further one, up to a day
_MOST_DOCUMENTS = 50  # fetched in one look; the next one goes on
_MOST_AGAIN = 10  # known ones that are asked for anew in one look
_MOST_TROUBLES = 3  # one after the other, after which a look is given up
_MOST_ATTACHMENTS = 20


@dataclass(frozen=True, slots=True)
class Link:
    """An entry of a listing: an address, or the `content` itself; `text` is what it is called there."""

    key: str
    url: str
    text: str = ""
    mark: str = ""
    content: str = field(default="", repr=False)


class File:
    """One document behind one address. Fulfils `dispatch.sources.source.Source`."""

    kind = "file"
    backs_off = True

    def __init__(self, settings: FileSource | None, web: Web, *, url: str = "", every: float = 3600) -> None:
        """By its settings, or by an address, which then is its name."""
        self.name = settings.name if settings else url
        self.every = settings.every if settings else every
        self._url = settings.url if settings else url
        self.place = shown(self._url)
        self._web = web

    async def look(self, memory: Memory, *, now: int, patient: bool) -> AsyncGenerator[Found, None]:
        state = memory.state
        known = Known(etag=state.get("etag", ""), modified=state.get("last-modified", ""))
        async with self._web.visit(self._url) as visit:
            fetched = await visit.get(self._url, known)
        if fetched is None:
            return
        digest = digest_of(fetched.data)
        if digest != state.get("digest"):
            yield Document(self._url, self.place, as_file(fetched.data, suffix_of(fetched, self._url)), None)
        found = {"etag": fetched.etag, "last-modified": fetched.modified, "digest": digest}
        memory.state = {name: value for name, value in found.items() if value}

    async def finish(self, document: Document, error: str) -> None:
        """A document stays where it is."""


class _Listing(Protocol):
    """What lists documents: a page or a feed."""

    async def links(self, visit: Visit, memory: Memory) -> list[Link]:
        """What is listed and fits, newest first as far as the listing is. Raises IntakeError."""

    async def listed(self, memory: Memory) -> None:
        """All that was listed is known: the listing need not be read again until it changes."""


class Listed:
    """The documents that a page or a feed lists. Fulfils `dispatch.sources.source.Source`."""

    backs_off = True

    def __init__(self, settings: PageSource | FeedSource, web: Web) -> None:
        self.name = settings.name
        self.kind: str = settings.kind
        self.place = shown(settings.url)
        self.every = settings.every
        self._settings = settings
        self._web = web

    async def look(self, memory: Memory, *, now: int, patient: bool) -> AsyncGenerator[Found, None]:
        listing: _Listing = (
            _Page(self._settings, self.place) if isinstance(self._settings, PageSource) else _Feed(self._settings)
        )
        async with self._web.visit(self._settings.url, robots=self._settings.robots) as visit:
            await self._ask(visit)
            links = await listing.links(visit, memory)
            new = [link for link in links if _is_new(link, memory)]
            if "begun" not in memory.state:
                for link in new[self._settings.at_first :]:
                    yield Seen(link.key, Known("passed", mark=link.mark, added_at=now, asked_at=now))
                new = new[: self._settings.at_first]
                memory.state["begun"] = "1"
            # The older ones first, as they came out.
            due = [*reversed(new[-_MOST_DOCUMENTS:]), *self._again(links, memory, now)]
            async for found in _Fetching(self._settings, visit, memory, now).all(due):
                yield found
            if len(new) <= _MOST_DOCUMENTS:
                await listing.listed(memory)

    async def _ask(self, visit: Visit) -> None:
        if self._settings.robots:
            refused = (await visit.may_ask([self._settings.url]))[self._settings.url]
            if refused:
                raise Trouble(f"{self.place}: {refused}; with robots = false it is asked all the same")

    def _again(self, links: Sequence[Link], memory: Memory, now: int) -> list[Link]:
        """Known documents to ask for anew: those that failed, when their time has come, and once a day the newest, in
        case that they have changed."""
        known = sorted(memory.items.items(), key=lambda item: item[1].added_at, reverse=True)
        failed = [key for key, item in known if item.outcome == "failed" and now - item.asked_at >= _pause(item)]
        newest = [key for key, item in known if item.etag or item.modified][:_MOST_AGAIN]
        old = [key for key in newest if now - memory.items[key].asked_at >= _DAY_MS]
        by_key = {link.key: link for link in links}
        keys = [key for key in dict.fromkeys([*failed[:_MOST_DOCUMENTS], *old]) if key.startswith(("http:", "https:"))]
        return [by_key.get(key) or Link(key, key, mark=memory.items[key].mark) for key in keys]

    async def finish(self, document: Document, error: str) -> None:
        """A document stays where it is."""


def _is_new(link: Link, memory: Memory) -> bool:
    known = memory.items.get(link.key)
    return known is None or bool(link.mark and known.mark and link.mark != known.mark)


def _ended(known: Known) -> str:
    """What became of a document whose content is that of before."""
    return "same" if known.outcome == "failed" else known.outcome


def _pause(known: Known) -> float:
    return min(_DAY_MS, _RETRY_MS * 2.0 ** min(known.tries - 1, 10))


class _Page:
    """A page of links, and those that it goes on with."""

    def __init__(self, settings: PageSource, place: str) -> None:
        self._settings = settings
        self._place = place
        self._validators: dict[str, str] = {}

    async def links(self, visit: Visit, memory: Memory) -> list[Link]:
        settings, found = self._settings, dict[str, Link]()
        swept = memory.state.get("swept") == self._sweep
        asked, url = set[str](), settings.url
        for number in range(settings.pages):
            known = Known(etag=memory.state.get("etag", ""), modified=memory.state.get("modified", ""))
            fetched = await visit.get(url, known if swept and not number else None)
            if fetched is None:
                break
            if not number:
                self._validators = {"etag": fetched.etag, "modified": fetched.modified}
            asked.add(url)
            links, following = await self._read(fetched)
            fresh = [link for link in links if link.key not in memory.items and link.key not in found]
            found |= {link.key: link for link in links}
            url = next((target for target in following if target not in asked), "")
            if not url or (swept and not fresh) or (settings.robots and (await visit.may_ask([url]))[url]):
                break
        return list(found.values())

    @property
    def _sweep(self) -> str:
        """What all pages were gone through for: other settings begin anew."""
        settings = self._settings
        return digest_of(repr((settings.url, settings.links, settings.texts, settings.next, settings.pages)).encode())

    async def _read(self, fetched: Fetched) -> tuple[list[Link], list[str]]:
        """What fits, and where the list goes on."""
        read = await _links_of(fetched, self._place)
        settings = self._settings
        fitting = [
            link
            for link in read.links
            if matches(settings.links, *_names(link.url)) and matches(settings.texts, link.text)
        ]
        if settings.next:
            return fitting, [link.url for link in read.links if matches(settings.next, link.url, link.text)]
        return fitting, [read.following] if read.following else []

    async def listed(self, memory: Memory) -> None:
        memory.state.update({**self._validators, "swept": self._sweep} if self._validators else {})


class _Feed:
    """An RSS or Atom feed."""

    def __init__(self, settings: FeedSource) -> None:
        self._settings = settings
        self._validators: dict[str, str] = {}

    async def links(self, visit: Visit, memory: Memory) -> list[Link]:
        settings = self._settings
        known = Known(etag=memory.state.get("etag", ""), modified=memory.state.get("modified", ""))
        fetched = await visit.get(settings.url, known)
        if fetched is None:
            return []
        place = shown(settings.url)
        try:
            read = json.loads(await parse("feed", fetched.data, {"url": fetched.url, "type": fetched.kind}))
        except IntakeError as error:
            raise Trouble(f"{place}: {error}") from None
        self._validators = {"etag": fetched.etag, "modified": fetched.modified}
        found = [link for entry in _tables(read, "entries", place) for link in self._of(entry)]
        return list({link.key: link for link in found}.values())

    def _of(self, entry: Mapping[str, Any]) -> list[Link]:
        settings, text, mark = self._settings, str(entry["text"]), str(entry["mark"])
        url, files = str(entry["url"]), [str(file) for file in entry["files"]]
        if not matches(settings.texts, text):
            return []
        if settings.take == "content":
            fits = matches(settings.links, url, text)
            return [Link(f"entry:{entry['id']}", url, text, mark, str(entry["content"]))] if fits else []
        fitting = [file for file in files if matches(settings.attachments, *_names(file))]
        wanted = [address for address in fitting or [url] if address and matches(settings.links, *_names(address))]
        return [Link(address, address, text, mark) for address in wanted]

    async def listed(self, memory: Memory) -> None:
        memory.state.update(self._validators)


class _Fetching:
    """Fetches what was listed, and what pages among that have attached."""

    def __init__(self, settings: PageSource | FeedSource, visit: Visit, memory: Memory, now: int) -> None:
        self._settings = settings
        self._visit = visit
        self._memory = memory
        self._now = now

    async def all(self, links: Sequence[Link], *, attached: bool = True) -> AsyncIterator[Found]:
        """What became of each, with what is `attached` to those that are pages. Raises Trouble where the server is not
        there for several of them, or asks us to wait."""
        verdicts = await self._may_ask(links)
        troubles = 0
        for link in links:
            try:
                async for found in self._one(link, verdicts.get(link.url, ""), attached=attached):
                    yield found
                troubles = 0
            except IntakeError as error:
                yield Refusal(link.key, shown(link.url), error, self._failed(link))
                troubles = troubles + 1 if isinstance(error, Trouble) else 0
                if isinstance(error, Trouble) and (error.retry_after or troubles == _MOST_TROUBLES):
                    raise

    async def _may_ask(self, links: Sequence[Link]) -> Mapping[str, str]:
        asked = [link.url for link in links if not link.content]
        return await self._visit.may_ask(asked) if self._settings.robots else {}

    def _failed(self, link: Link) -> Known:
        known = self._known(link)
        return replace(known, outcome="failed", tries=known.tries + 1, asked_at=self._now)

    def _known(self, link: Link) -> Known:
        return self._memory.items.get(link.key) or Known(mark=link.mark, added_at=self._now)

    async def _one(self, link: Link, verdict: str, *, attached: bool) -> AsyncIterator[Found]:
        if link.content:
            page = f'<!doctype html><meta charset="utf-8"><title>{_escaped(link.text)}</title>\n{link.content}'
            yield self._document(link, Fetched(page.encode(), link.url, "text/html"))
            return
        if verdict:
            raise IntakeError(f"{shown(link.url)}: {verdict}")
        fetched = await self._visit.get(link.url, self._memory.items.get(link.key))
        if fetched is None:
            known = self._known(link)
            yield Seen(link.key, replace(known, outcome=_ended(known), tries=0, asked_at=self._now, mark=link.mark))
            return
        documents = await self._attached(link, fetched) if attached else []
        if not documents:
            yield self._document(link, fetched)
            return
        async for found in self.all([each for each in documents if _is_new(each, self._memory)], attached=False):
            yield found
        yield Seen(link.key, self._fetched(link, fetched, "page", ""))

    async def _attached(self, link: Link, fetched: Fetched) -> list[Link]:
        """The documents that a page links to."""
        if not fetched.is_html or not self._settings.attachments:
            return []
        read = await _links_of(fetched, shown(link.url))
        fitting = (each for each in read.links if matches(self._settings.attachments, *_names(each.url), each.text))
        return [each for each in fitting if each.key != link.key][:_MOST_ATTACHMENTS]

    def _document(self, link: Link, fetched: Fetched) -> Found:
        digest = digest_of(fetched.data)
        before = self._memory.items.get(link.key)
        if before and before.digest == digest:
            return Seen(link.key, self._fetched(link, fetched, _ended(before), digest))
        if self._memory.has(digest):
            return Seen(link.key, self._fetched(link, fetched, "same", digest))
        path = as_file(fetched.data, suffix_of(fetched, link.url))
        return Document(link.key, shown(link.url), path, self._fetched(link, fetched, "", digest))

    def _fetched(self, link: Link, fetched: Fetched, outcome: str, digest: str) -> Known:
        added_at = self._known(link).added_at
        return Known(outcome, digest, fetched.etag, fetched.modified, link.mark, 0, added_at, self._now)


@dataclass(frozen=True, slots=True)
class _Links:
    links: list[Link]
    following: str


async def _links_of(fetched: Fetched, place: str) -> _Links:
    """The links of a page. Raises IntakeError where it cannot be read."""
    try:
        read = json.loads(await parse("page", fetched.data, {"url": fetched.url, "charset": fetched.charset}))
    except IntakeError as error:
        raise IntakeError(f"{place}: {error}") from None
    found = [Link(str(each["url"]), str(each["url"]), str(each["text"])) for each in _tables(read, "links", place)]
    return _Links(found, str(read["next"]))


def _tables(read: object, name: str, place: str) -> list[Mapping[str, Any]]:
    found = read.get(name) if isinstance(read, dict) else None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise IntakeError(f"{place}: it cannot be read")
    return found


def _names(url: str) -> tuple[str, str]:
    """An address as a pattern may mean it: whole, and without its query."""
    return url, url.partition("?")[0]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
