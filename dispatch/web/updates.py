"""Where the Bot API posts what chat users send to a bot (Bot API, "setWebhook")."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from subscribers.errors import DatabaseError

log = logging.getLogger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 (its name)
_MOST_BYTES = 2_000_000  # of an update; one with a long message that answers a long one has some fifty thousand


@dataclass(frozen=True, slots=True)
class Post:
    """Where the updates of a bot are posted to. `take` writes one down, and raises ValueError for what is none."""

    secret: str = field(repr=False)
    take: Callable[[str], Awaitable[None]]


class UpdatePages:
    """Takes updates by the secret that only the Bot API was told."""

    def __init__(self, posts: Mapping[str, Post]) -> None:
        self._posts = posts

    async def take(self, request: web.Request) -> web.Response:
        """200 once the update is written down: until then the Bot API sends it again."""
        post = self._posts.get(request.match_info["bot"])
        said = request.headers.get(SECRET_HEADER, "")
        if post is None or not hmac.compare_digest(said.encode("utf-8", "surrogateescape"), post.secret.encode()):
            raise web.HTTPNotFound
        data = await request.clone(client_max_size=_MOST_BYTES).read()
        try:
            await post.take(data.decode())
        except ValueError:
            return web.Response(status=400, text="no update")
        except DatabaseError as error:
            log.error("an update cannot be written down; it comes again: %s", error)
            return web.Response(status=503, text="later")
        return web.Response(text="ok")
