"""What readers may have done with all that is stored about them: a copy of it, and its end.

The links are good for an hour, and come by mail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from dispatch.web.forms import check_site
from dispatch.web.front import Front, Over, Rights
from dispatch.web.guard import PRIVATE
from subscribers.audit import Act
from subscribers.database import Database
from subscribers.errors import NotFound
from subscribers.tokens import Purpose

_SIGNS = "secret"  # the key of a webhook's, in all that is stored
_FILE = "dispatch-data.json"


def copy(db: Database, rights: Rights, subscriber_id: int) -> Mapping[str, Any] | None:
    """All that is stored, without what signs messages; None where nothing is."""
    try:
        found: Mapping[str, Any] = _open(rights.data(db, subscriber_id))
        return found
    except NotFound:
        return None


def _open(value: Any) -> Any:
    """Data without the secrets in it: whoever has a webhook's could send to it in our name."""
    if isinstance(value, Mapping):
        return {name: _open(item) for name, item in value.items() if name != _SIGNS}
    if isinstance(value, str) and f'"{_SIGNS}"' in value:  # the content of a message that waits
        try:
            return json.dumps(_open(json.loads(value)), ensure_ascii=False)
        except ValueError:
            return value
    return [_open(item) for item in value] if isinstance(value, list | tuple) else value


def erase(db: Database, rights: Rights, subscriber_id: int, act: Act) -> bool:
    """Erase; whether that is done. Doing it twice changes nothing more."""
    try:
        return rights.erase(db, subscriber_id, act)
    except NotFound:
        return True


class OwnDataPages:
    """`/d/{token}` and `/e/{token}`."""

    def __init__(self, front: Front, rights: Rights) -> None:
        self._front = front
        self._rights = rights

    async def ask_data(self, request: web.Request) -> web.Response:
        """GET: what the file will have."""
        return self._ask(request, "data", Purpose.DATA)

    async def ask_erase(self, request: web.Request) -> web.Response:
        """GET: what will be gone, and what stays."""
        return self._ask(request, "erase", Purpose.ERASE)

    async def data(self, request: web.Request) -> web.Response:
        """POST: the file."""
        check_site(request)
        try:
            subscriber_id = self._front.read(request, Purpose.DATA)
        except Over:
            return self._late(request)
        found = await self._front.parts.store.call(copy, self._rights, subscriber_id)
        if found is None:
            return self._front.notice("gone", self._front.language(request), 410)
        return web.Response(
            text=json.dumps(found, ensure_ascii=False, indent=2, default=str) + "\n",
            content_type="application/json",
            headers={**PRIVATE, "Content-Disposition": f'attachment; filename="{_FILE}"'},
        )

    async def erase(self, request: web.Request) -> web.Response:
        """POST: erase."""
        check_site(request)
        try:
            subscriber_id = self._front.read(request, Purpose.ERASE)
        except Over:
            return self._late(request)
        done = await self._front.parts.store.call(erase, self._rights, subscriber_id, self._front.act())
        language = self._front.language(request)
        return (
            self._front.notice("erased", language) if done else self._front.notice("erase_busy", language, button="do")
        )

    def _ask(self, request: web.Request, name: str, purpose: Purpose) -> web.Response:
        try:
            self._front.read(request, purpose)
        except Over:
            return self._late(request)
        return self._front.show(name, self._front.language(request))

    def _late(self, request: web.Request) -> web.Response:
        return self._front.notice("link_late", self._front.language(request), 410)
