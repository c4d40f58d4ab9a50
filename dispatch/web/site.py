"""The site: which page answers which address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from dispatch.assets import schemas_dir
from dispatch.web.choices import Choices
from dispatch.web.confirming import ConfirmPages
from dispatch.web.front import Front, Parts
from dispatch.web.guard import guard
from dispatch.web.keys import fresh_keys
from dispatch.web.leaving import LeavePages
from dispatch.web.own_data import OwnDataPages
from dispatch.web.pages import Pages
from dispatch.web.patience import Patient
from dispatch.web.preferences import PreferencesPages
from dispatch.web.previewing import PreviewPages
from dispatch.web.reading import ReadingPages
from dispatch.web.subscribing import SubscribePages
from dispatch.web.updates import UpdatePages
from dispatch.web.whole import SchemaPage, WholePages

_MOST_BYTES = 65_536  # of a body: a form with every park ticked
_SECONDS = 15.0


def make_app(
    parts: Parts, templates: Path, override: Path | None = None, *, seconds: float = _SECONDS
) -> web.Application:
    """The application with all pages.

    `templates` and `override` are the folders that hold `web/`; `seconds` is the time an answer may take.
    Raises RenderError where templates or words cannot be read.
    """
    pages = Pages(templates, override)
    parts = replace(parts, store=Patient(parts.store, parts.clock))
    app = web.Application(
        middlewares=[guard(pages, seconds), fresh_keys(parts.store, parts.signer, parts.clock)],
        client_max_size=_MOST_BYTES,
    )
    app.add_routes([web.get("/healthz", _healthy), *_reading(parts, pages), *_personal(parts, pages)])
    app.add_routes(_programs(parts, pages))
    if parts.updates:
        app.add_routes([web.post("/telegram/{bot}", UpdatePages(parts.updates).take)])
    return app


def _reading(parts: Parts, pages: Pages) -> Sequence[web.RouteDef]:
    """What everybody may read."""
    reading = ReadingPages(parts.store, pages, subscribe=parts.subscribe, offers=parts.offers)
    return [
        web.get("/issues", reading.issues),
        web.get("/issues/{bulletin}/{ref}", reading.issue),
        web.get("/issues/{bulletin}/{ref}/c/{column}", reading.column),
        web.get("/issues/{bulletin}/{ref}/{position:[1-9][0-9]{0,5}}", reading.article),
    ]


def _programs(parts: Parts, pages: Pages) -> Sequence[web.RouteDef]:
    """What programs that receive webhooks ask for."""
    routes = [web.get("/schemas/{name}", SchemaPage(schemas_dir()).get)]
    if parts.wholes is not None:
        routes.append(web.get("/w/{token}", WholePages(Front(parts, pages), parts.wholes).get))
    return routes


def _personal(parts: Parts, pages: Pages) -> Sequence[web.RouteDef]:
    """What a signed link leads to, and the form that leads to the first of them."""
    front, choices = Front(parts, pages), Choices(parts.catalog)
    confirming, leaving = ConfirmPages(front, choices), LeavePages(front, choices)
    preferences, preview = PreferencesPages(front, choices), PreviewPages(front)
    routes = [
        web.get("/u/{token}", leaving.ask),
        web.post("/u/{token}", leaving.leave),
        web.post("/u/{token}/why", leaving.why),
        web.post("/u/{token}/back", leaving.back),
        web.get("/c/{token}", confirming.ask),
        web.post("/c/{token}", confirming.confirm),
        web.get("/p/{token}", preferences.show),
        web.post("/p/{token}", preferences.change),
        web.get("/preview/{token}", preview.issue),
        web.get("/preview/{token}/{column}", preview.column),
    ]
    if parts.subscribe:
        subscribing = SubscribePages(front, choices)
        routes += [web.get("/subscribe", subscribing.form), web.post("/subscribe", subscribing.ask)]
    if parts.rights is not None:
        own = OwnDataPages(front, parts.rights)
        routes += [
            web.get("/d/{token}", own.ask_data),
            web.post("/d/{token}", own.data),
            web.get("/e/{token}", own.ask_erase),
            web.post("/e/{token}", own.erase),
        ]
    return routes


async def _healthy(request: web.Request) -> web.Response:
    return web.Response(text="ok", headers={"Cache-Control": "no-store"})
