"""What a message says: the content of a claimed message, rendered once for all readers of the same variant."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Generic, TypeVar

from dispatch import archive
from dispatch.delivery import alarms, corrections, health, notices, rights
from dispatch.delivery.channel import Channel, Rendered
from dispatch.delivery.ledger import Work
from dispatch.delivery.store import Store
from dispatch.digests.compose import section
from dispatch.errors import Failure, RenderError
from dispatch.model import Alarm, Content, Digest, Notice
from subscribers.database import Database

log = logging.getLogger(__name__)

_K = TypeVar("_K")
_V = TypeVar("_V")
# Channel, kind, language, format, digests with variants, revisions and what is left out beside, an alarm.
_Key = tuple[str, str, str, str, tuple[tuple[int, int, int, int], ...], Alarm | None]
_VARIANTS, _DIGESTS = 256, 64
_KINDS = (
    "test",
    "confirm",
    corrections.KIND,
    notices.KIND,
    alarms.KIND,
    *rights.KINDS,
)  # of messages, that are contents of their own; the others are digests


def _key(work: Work) -> _Key:
    """What decides how a message reads, but for what is personal."""
    kind = alarms.KIND if work.kind == health.KIND else work.kind if work.kind in _KINDS else "digest"
    variants = tuple([(owed[1], owed[2], owed[4], owed[5]) for owed in work.owed])
    return work.channel, kind, work.language, work.format, variants, work.alarm


def _wanted(variants: Sequence[tuple[int, int, int, int]]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Each digest with the revision that is sent; the variant, and what is left out beside it."""
    return (((digest, revision), (variant, left_out)) for digest, variant, revision, left_out in variants)


def _named(content: Content) -> str:
    """Which variant of which digests it is."""
    digests = {
        f"{section.digest.bulletin}:{section.digest.issue_ref} {section.digest.column}" for section in content.sections
    }
    if not digests:
        return f"a message of the kind {content.kind} ({content.language})"
    articles = sum(len(section.matching) for section in content.sections)
    return f"{', '.join(sorted(digests))} ({articles} articles, {content.language}, {content.format})"


class _Recent(Generic[_K, _V]):
    """The last so many values: memory stays flat however many readers there are."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[_K, _V] = OrderedDict()

    def get(self, key: _K) -> _V | None:
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: _K, value: _V) -> None:
        self._values[key] = value
        if len(self._values) > self._size:
            self._values.popitem(last=False)


class Contents:
    """Renders and remembers. `english` gives a bulletin's English name, `title` what all that we send is called in a
    language, `notice` what those who may approve are told of the issue that a digest is of."""

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        english: Callable[[str], str],
        title: Callable[[str], str] = lambda language: "",
        notice: Callable[[Database, int], Notice] | None = None,
    ) -> None:
        self._store = store
        self._channels = channels
        self._english = english
        self._title = title
        self._notice = notice
        self._digests: _Recent[tuple[int, int], Digest] = _Recent(_DIGESTS)  # of a revision
        self._issues: _Recent[int, str] = _Recent(_DIGESTS)
        self._turns: dict[_Key, tuple[asyncio.Lock, int]] = {}
        self._rendered: _Recent[_Key, Rendered | RenderError] = _Recent(_VARIANTS)

    def ready(self, work: Work) -> Rendered | None:
        """What was rendered before, if it was lately. Raises RenderError, as `rendered` does."""
        found = self._rendered.get(_key(work))
        if isinstance(found, RenderError):
            raise found
        return found

    async def rendered(self, work: Work) -> Rendered:
        """The message's content in its channel's form. Raises RenderError, every time for the same variant."""
        key = _key(work)
        found = self._rendered.get(key)
        if found is None:
            async with self._turn(key):  # who wants the same meanwhile waits for it
                found = self._rendered.get(key)
                if found is None:
                    found = await self._make(key)
                    self._rendered.put(key, found)
        if isinstance(found, RenderError):
            raise found
        return found

    async def _make(self, key: _Key) -> Rendered | RenderError:
        channel, kind, language, form, variants, alarm = key
        try:
            sections = tuple([section(await self._digest(*of), *chosen) for of, chosen in _wanted(variants)])
            if kind == corrections.KIND:  # what was not changed is no news
                sections = tuple(replace(part, others=()) for part in sections)
        except RenderError as error:
            return error
        content = Content(kind, language, form, sections, self._title(language), alarm=alarm)
        if kind == notices.KIND:
            if self._notice is None or not variants:
                return RenderError("nothing is known of an issue that waits for approval")
            content = replace(content, notice=await self._store.call(self._notice, variants[0][0]))
        return self._render(self._channels[channel], content)

    @asynccontextmanager
    async def _turn(self, key: _Key) -> AsyncIterator[None]:
        lock, waiting = self._turns.get(key, (asyncio.Lock(), 0))
        self._turns[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns.pop(key)
            if waiting > 1:
                self._turns[key] = (lock, waiting - 1)

    def issue_of(self, digest_id: int) -> str:
        """The issue of a digest that was rendered lately; "" of another."""
        return self._issues.get(digest_id) or ""

    @staticmethod
    def _render(channel: Channel, content: Content) -> Rendered | RenderError:
        try:
            return channel.render(content)
        except RenderError as error:
            # Once a variant: the readers that have it fail one by one, each on record.
            log.error("%s cannot be rendered for %s: %s", _named(content), channel.name, error)
            return error

    async def _digest(self, digest_id: int, revision: int) -> Digest:
        found = self._digests.get((digest_id, revision))
        if found is None:
            try:
                found = await self._store.call(self._load, digest_id, revision)
            except Failure as error:  # the issue was replaced since
                raise RenderError(str(error)) from error
            self._digests.put((digest_id, revision), found)
            self._issues.put(digest_id, f"{found.bulletin}:{found.issue_ref}")
        return found

    def _load(self, db: Database, digest_id: int, revision: int) -> Digest:
        plain = archive.digest(db, digest_id, revision=revision)
        return replace(plain, title_en=self._english(plain.bulletin) or plain.title)
