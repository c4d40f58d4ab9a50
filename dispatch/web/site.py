"""The site: which page answers which address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from dispatch.delivery.clock import Clock
from dispatch.delivery.store import Store
from dispatch.web.guard import guard
from dispatch.web.keys import fresh_keys
from dispatch.web.leaving import LeavePages
from dispatch.web.pages import Pages
from dispatch.web.reading import Library, ReadingPages
from subscribers.tokens import Signer

_MOST_BYTES = 16_384  # of a body: forms are a line long
_SECONDS = 15.0


def make_app(
    store: Store,
    signer: Signer,
    label: Callable[[str, str], str],
    templates: Path,
    override: Path | None,
    clock: Clock,
    *,
    seconds: float = _SECONDS,
) -> web.Application:
    """The application with all pages; `label(tag, language)` is the catalog's.

    `templates` and `override` are the folders that hold `web/`; `seconds` is the time an answer may take.
    Raises RenderError where templates or words cannot be read.
    """
    pages = Pages(templates, override)
    leaving = LeavePages(store, signer, label, pages, clock)
    reading = ReadingPages(Library(store), pages)
    app = web.Application(
        middlewares=[guard(pages, seconds), fresh_keys(store, signer, clock)], client_max_size=_MOST_BYTES
    )
    app.add_routes(
        [
            web.get("/healthz", _healthy),
            web.get("/u/{token}", leaving.ask),
            web.post("/u/{token}", leaving.leave),
            web.get("/issues/{bulletin}/{ref}", reading.issue),
            web.get("/issues/{bulletin}/{ref}/{position:[1-9][0-9]{0,5}}", reading.article),
        ]
    )
    return app


async def _healthy(request: web.Request) -> web.Response:
    return web.Response(text="ok", headers={"Cache-Control": "no-store"})
