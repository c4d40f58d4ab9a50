"""Pages learn of new keys by themselves."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from dispatch.delivery.clock import Clock
from dispatch.web.patience import Calls
from subscribers.tokens import Signer

SECONDS = 5.0  # between two looks for keys: strangers can send as many wrong tokens as they like


def fresh_keys(store: Calls, signer: Signer, clock: Clock) -> Middleware:
    """A middleware: where a page does not know a token, which may be signed by a key that was made since, it looks for
    new keys and asks the page again. Pages say so by 404, before they change anything."""
    looked_at = float("-inf")

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal looked_at
        try:
            response = await handler(request)
            if response.status != web.HTTPNotFound.status_code:
                return response
        except web.HTTPNotFound:
            if not _is_due(request, looked_at, clock):
                raise
        else:
            if not _is_due(request, looked_at, clock):
                return response
        looked_at = clock.monotonic()
        await store.call(signer.reload)
        return await handler(request)

    return middleware


def _is_due(request: web.Request, looked_at: float, clock: Clock) -> bool:
    return "token" in request.match_info and clock.monotonic() - looked_at >= SECONDS
