"""For programs: the whole of what a message to a webhook had to cut, and the schema of such messages."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.web_request import BaseRequest

from dispatch.digests.selection import Selection
from dispatch.web.front import Front, Wholes
from dispatch.web.guard import PUBLIC
from subscribers.tokens import Expired, Purpose

_KEPT = 32  # bodies in memory: all receivers of a variant ask for the same one
# Whoever has the link may keep the answer for a while, but not for others; an issue can be withdrawn.
_HEADERS = {"Cache-Control": "private, max-age=300", "X-Robots-Tag": "noindex, nofollow"}


@dataclass(frozen=True, slots=True)
class _Body:
    """A body that was made, and of what it was made."""

    standing: Hashable
    data: bytes
    tag: str


class WholePages:
    """`/w/{token}`: JSON. The token alone says what is asked for, and its signature is checked before the store is
    asked: guessing costs us nothing."""

    def __init__(self, front: Front, wholes: Wholes) -> None:
        self._front = front
        self._wholes = wholes
        self._kept: OrderedDict[Selection, _Body] = OrderedDict()

    async def get(self, request: web.Request) -> web.Response:
        """The body; 404 for a token that is none, 410 where its time is over or the issue was withdrawn."""
        body = await self._body(self._read(request))
        response = web.Response(headers=_HEADERS)
        response.etag = body.tag
        if _has(request, body.tag):
            response.set_status(304)
            return response
        response.content_type, response.charset = "application/json", "utf-8"
        response.body = body.data
        return response

    def _read(self, request: web.Request) -> Selection:
        parts = self._front.parts
        try:
            words = parts.signer.read_words(Purpose.WHOLE, request.match_info["token"], parts.clock.now())
        except Expired:
            raise web.HTTPGone from None
        found = Selection.read(words) if words is not None else None
        if found is None:
            raise web.HTTPNotFound
        return found

    async def _body(self, selection: Selection) -> _Body:
        store = self._front.parts.store
        standing = await store.call(self._wholes.standing, selection)
        if standing is None:
            raise web.HTTPGone
        found = self._kept.pop(selection, None)
        if found is None or found.standing != standing:
            content = await store.call(self._wholes.content, selection)
            if content is None:
                raise web.HTTPGone
            # Beside the loop: of a long column it takes a while.
            data = await asyncio.to_thread(self._wholes.body, content)
            found = _Body(standing, data, hashlib.sha256(data).hexdigest()[:32])
        self._kept[selection] = found
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found


def _has(request: BaseRequest, tag: str) -> bool:
    """Whether who asks has the body already (RFC 9110, 13.1.2)."""
    return any(known.value in (tag, "*") for known in request.if_none_match or ())


class SchemaPage:
    """`/schemas/{name}`: a published JSON Schema, for everybody."""

    def __init__(self, folder: Path) -> None:
        self._texts = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.json")}

    async def get(self, request: web.Request) -> web.Response:
        text = self._texts.get(request.match_info["name"])
        if text is None:
            raise web.HTTPNotFound
        return web.Response(text=text, content_type="application/schema+json", headers=PUBLIC)
