"""Leaving, by the link in a message (RFC 8058): a GET asks and changes nothing, a POST acts at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from dispatch.delivery.clock import Clock
from dispatch.delivery.store import Store
from dispatch.web.guard import PRIVATE, html
from dispatch.web.language import preferred
from dispatch.web.pages import Pages
from subscribers import directory
from subscribers.audit import READER, Act, Way
from subscribers.database import Database, queries
from subscribers.model import EndpointState
from subscribers.tokens import Leave, Signer

SQL = queries(Path(__file__).with_name("leaving.sql"))


@dataclass(frozen=True, slots=True)
class Reader:
    """What a page may know of the endpoint of a token. `language` is "" where the endpoint is no longer known."""

    language: str
    left: bool
    follows: bool


def look(db: Database, leave: Leave) -> Reader:
    """Whom a token is about; an endpoint that is not known any more has left."""
    row = db.one(SQL["reader"], {"id": leave.endpoint_id, "tag": leave.tag})
    if row is None:
        return Reader("", left=True, follows=False)
    return Reader(row["language"], row["state"] == EndpointState.SUPPRESSED, bool(row["follows"]))


def carry_out(db: Database, leave: Leave, act: Act) -> Reader:
    """Do what a token says, all of it or nothing; who the reader was before. Doing it twice changes nothing more."""
    with db.transaction():
        reader = look(db, leave)
        if leave.tag:
            directory.unfollow(db, leave.endpoint_id, [leave.tag], act)
        elif not reader.left:  # the first opt-out keeps its time; also an address that is gone may come back
            directory.opt_out(db, leave.endpoint_id, act)
    return reader


class LeavePages:
    """`/u/{token}`. The pages never show whose token it is: who finds a forwarded message learns no address."""

    def __init__(
        self, store: Store, signer: Signer, label: Callable[[str, str], str], pages: Pages, clock: Clock
    ) -> None:
        self._store = store
        self._signer = signer
        self._label = label
        self._pages = pages
        self._clock = clock

    async def ask(self, request: web.Request) -> web.Response:
        """GET and HEAD: what would happen, and a form. Mail scanners follow every link, so nothing changes."""
        leave = self._read(request)
        reader = await self._store.call(look, leave)
        done = reader.left or (bool(leave.tag) and not reader.follows)
        return self._page(request, "left" if done else "leave", reader, "" if reader.left else leave.tag)

    async def leave(self, request: web.Request) -> web.Response:
        """POST: leave, or drop the follow of the token. Any body will do, for nobody posts by accident, and whoever
        wants to leave should not fail for the form of it; only `all=1` makes a difference."""
        leave = self._read(request)
        if await _wants_all(request):
            leave = Leave(leave.endpoint_id)
        by_reader = Act(self._clock.now(), READER, Way.PAGE)
        reader = await self._store.call(carry_out, leave, by_reader)
        return self._page(request, "left", reader, "" if reader.left else leave.tag)

    def _read(self, request: web.Request) -> Leave:
        leave = self._signer.read_leave(request.match_info["token"])
        if leave is None:
            raise web.HTTPNotFound
        return leave

    def _page(self, request: web.Request, name: str, reader: Reader, tag: str) -> web.Response:
        language = reader.language or preferred(request.headers.get("Accept-Language", ""))
        label = self._label(tag, language) if tag else ""
        return html(self._pages.render(name, language, label=label), PRIVATE)


async def _wants_all(request: web.Request) -> bool:
    try:
        fields = await request.post()
    except web.RequestPayloadError:
        raise web.HTTPBadRequest from None
    except (web.HTTPException, TimeoutError, OSError):  # too large, too slow, gone
        raise
    except Exception:  # no form after all, or one of a kind that the framework stumbles over: it says nothing more
        return False
    return fields.get("all") == "1"
