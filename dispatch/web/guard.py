"""What holds for every answer: safety headers, plain errors, a time limit, and no token in a log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from dispatch.web.language import preferred
from dispatch.web.pages import Pages
from subscribers.errors import Busy

PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
# Not for long: an issue can be withdrawn.
PUBLIC = {"Cache-Control": "public, max-age=60", "Vary": "Accept-Language"}
_RETRY_SECONDS = "60"
EXPLAINED = (403, 404, 405, 410, 413, 503)

log = logging.getLogger(__name__)


def html(text: str, headers: Mapping[str, str], status: int = 200) -> web.Response:
    return web.Response(text=text, content_type="text/html", headers=dict(headers), status=status)


def guard(pages: Pages, seconds: float) -> Middleware:
    """The middleware around all pages; `seconds` is the time an answer may take."""
    safety = {
        "Content-Security-Policy": pages.policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Referrer-Policy": "no-referrer",  # the address of a page may hold a token
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Server": "dispatch",
    }

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await _answer(request, handler, pages, seconds)
        response.headers.update(safety)
        return response

    return guarded


async def _answer(request: web.Request, handler: Handler, pages: Pages, seconds: float) -> web.StreamResponse:
    try:
        async with asyncio.timeout(seconds):
            return await handler(request)
    except web.HTTPException as error:
        allow = error.headers.get("Allow", "")
        return _error(request, pages, error.status, {"Allow": allow} if allow else {})
    except TimeoutError:
        return _error(request, pages, 503, {"Retry-After": _RETRY_SECONDS})
    except Busy:
        log.warning("the page %s could not be answered: another process keeps the database locked", _route(request))
        return _error(request, pages, 503, {"Retry-After": _RETRY_SECONDS}, "busy")
    except Exception:
        log.exception("the page %s failed", _route(request))
        return _error(request, pages, 500)


def _error(
    request: web.Request, pages: Pages, status: int, more: Mapping[str, str] | None = None, key: str = ""
) -> web.Response:
    """A page of words; `key` says which, where the status does not."""
    headers = {**PRIVATE, **(more or {})}
    language = preferred(request.headers.get("Accept-Language", ""), request.query.get("lang", ""))
    key = key or (str(status) if status in EXPLAINED else "other")
    try:
        return html(pages.render("error", language, key=key), headers, status)
    except Exception:
        # An installation's own template may be what failed: say it without one.
        log.exception("the page of errors failed")
        return web.Response(text=f"{status}\n", status=status, headers=headers)


def _route(request: web.Request) -> str:
    """The pattern of an address: the address itself may hold a token."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "?"
