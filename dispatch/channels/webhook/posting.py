"""What all channels share that post to web addresses: guarded connections, made when they are first asked for, the
headers of ours, and what failures mean."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from dispatch import __version__
from dispatch.channels.webhook.guard import AddressRefused, Guard
from dispatch.channels.webhook.outcome import of_failure
from dispatch.model import Outcome
from dispatch.settings import WebhookSettings

if TYPE_CHECKING:
    from dispatch.channels.webhook.http1 import Answer
    from dispatch.channels.webhook.transport import Poster

Clock = Callable[[], dt.datetime]
Resolve = Callable[[str, int], Awaitable[list[str]]]

_HEADERS = {
    "User-Agent": f"huoju-dispatch/{__version__}",
    "Accept-Encoding": "identity",  # a small compressed answer could be a huge one
}


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Posting:
    """Posts by connections that are kept by host. `resolve` finds the addresses of a name (the system's resolver by
    default), `tls` says which certificates are trusted, `now` gives the time, aware. Making it imports nothing of the
    network; `open` does."""

    def __init__(
        self,
        settings: WebhookSettings,
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        now: Clock = utc_now,
    ) -> None:
        self.now = now
        self._settings = settings
        self._resolve = resolve
        self._tls = tls
        self._poster: Poster | None = None

    def open(self) -> Poster:
        """What posts; nothing is dialled before the first message."""
        if self._poster is None:
            from dispatch.channels.webhook.proxy import Proxy
            from dispatch.channels.webhook.transport import Poster
            from dispatch.guarded_dial import system_resolve

            guard = Guard(tuple(self._settings.allow_networks))
            resolve, proxy = self._resolve or system_resolve, Proxy.of(self._settings.proxy.get_secret_value())
            self._poster = Poster(guard, self._settings.timeout, resolve, self._tls, proxy)
        return self._poster

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer | Outcome:
        """The receiver's answer; or the outcome, where there is none."""
        from dispatch.channels.webhook.transport import BROKEN
        from dispatch.guarded_dial import NameNotResolved

        try:
            return await self.open().post(url, {**_HEADERS, **headers}, body)
        except (AddressRefused, NameNotResolved, *BROKEN) as error:
            return of_failure(error)

    async def close(self) -> None:
        """Close the connections that were kept open."""
        if self._poster is not None:
            await self._poster.close()
            self._poster = None
