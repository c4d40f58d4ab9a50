"""Digests by webhook, as Standard Webhooks describes them (https://www.standardwebhooks.com).

One lane a receiving host. The body is described in `payload`, what its answers mean in `outcome`, whom it reaches in
`guard`. Importing this and making a channel imports no HTTP library; the first connection does.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from dispatch.channels.webhook.filling import Filling
from dispatch.channels.webhook.guard import check_url, queue_of
from dispatch.channels.webhook.hosts import Hosts
from dispatch.channels.webhook.http1 import Answer
from dispatch.channels.webhook.outcome import of_answer
from dispatch.channels.webhook.payload import MAX_BYTES, RenderedWebhook, render
from dispatch.channels.webhook.posting import Clock, Posting, Resolve, utc_now
from dispatch.channels.webhook.signing import BadSecret, new_secret, signed_headers
from dispatch.delivery.channel import Lane, Rendered
from dispatch.digests.render import Renderer
from dispatch.errors import UsageError
from dispatch.model import Content, Envelope, Outcome, Rejected
from dispatch.settings import WebhookSettings

__all__ = ["RenderedWebhook", "WebhookChannel", "WebhookConnection", "check_url", "new_secret", "queue_of"]

_ORIGINS = 1000  # that are remembered as good
# What follows a host in an address that is in the form of `check_url`.
_REST = re.compile(r"/[A-Za-z0-9%/:@!$&'()*+,;=~._?-]{0,1500}")


class _Addresses:
    """Checks addresses before they are used; of one host, all that differ in their paths alone by one look. Whom the
    host's name stands for is looked at when a connection is made."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._networks = settings.allow_networks
        self._good: set[str] = set()

    def checked(self, address: str) -> str:
        """As `check_url`."""
        at = address.find("/", 8)  # after https://
        origin, rest = address[:at], address[at:]
        if at > 0 and origin in self._good and _REST.fullmatch(rest):
            return address
        url = check_url(address, self._networks)
        if at > 0 and url.startswith(f"{origin}/"):
            if len(self._good) >= _ORIGINS:
                self._good.clear()
            self._good.add(origin)
        return url


class WebhookConnection:
    """Posts through connections that all lanes share: HTTP keeps them by host."""

    def __init__(self, posting: Posting, addresses: _Addresses, filling: Filling, hosts: Hosts) -> None:
        self._posting = posting
        self._addresses = addresses
        self._filling = filling
        self._hosts = hosts

    async def send(self, envelope: Envelope, rendered: Rendered, part: int) -> Outcome:
        """Post the body to `envelope.address`, signed with `envelope.secret`; it has one part."""
        if not isinstance(rendered, RenderedWebhook):
            raise TypeError(f"a webhook connection got a {type(rendered).__name__}")
        body = self._filling.fill(rendered, envelope)
        try:
            url = self._addresses.checked(envelope.address)
            headers = signed_headers(envelope.secret, envelope.provider_id, self._posting.now(), body)
        except (UsageError, BadSecret) as error:
            return Rejected(str(error), "address" if isinstance(error, UsageError) else "secret")
        return self._hosts.judged(url, await self._post(url, headers, body))

    async def _post(self, url: str, signature: dict[str, str], body: bytes) -> Outcome:
        answer = await self._posting.post(url, {"Content-Type": "application/json", **signature}, body)
        return of_answer(answer, self._posting.now()) if isinstance(answer, Answer) else answer


class WebhookChannel:
    """The channel `webhook`. Fulfils `dispatch.delivery.channel.Channel`.

    `resolve` finds the addresses of a name (the system's resolver by default), `tls` says which certificates are
    trusted, `clock` gives the time of signatures, aware.
    """

    name = "webhook"

    def __init__(
        self,
        settings: WebhookSettings,
        renderer: Renderer,
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._settings = settings
        self._renderer = renderer
        self._posting = Posting(settings, resolve=resolve, tls=tls, now=clock)
        self._addresses = _Addresses(settings)
        self._filling = Filling(MAX_BYTES)
        self._hosts = Hosts()

    @property
    def grouping(self) -> Hosts:
        """Hosts that want less are spared; see `dispatch.delivery.channel.Grouped`."""
        return self._hosts

    @property
    def retry_delays(self) -> Sequence[float]:
        return self._settings.retry_delays

    def lanes(self, queue: str) -> Sequence[Lane]:
        """One lane a host, named as its queue (`webhook:HOST`, `webhook:HOST:PORT`)."""
        if not self._settings.enabled or not queue.startswith(f"{self.name}:"):
            return ()
        return (Lane(name=queue, queue=queue, connections=self._settings.connections),)

    def render(self, content: Content) -> RenderedWebhook:
        """The JSON body, under 20 KB. Raises RenderError."""
        return render(self._renderer, content)

    def preview(self, content: Content, envelope: Envelope) -> dict[str, str]:
        """The body, in lines."""
        body = json.loads(self.render(content).fill(envelope))
        return {".json": json.dumps(body, ensure_ascii=False, indent=2) + "\n"}

    @asynccontextmanager
    async def open(self, lane: Lane) -> AsyncIterator[WebhookConnection]:
        """A connection for any receiver; nothing is dialled before the first message."""
        self._posting.open()
        yield WebhookConnection(self._posting, self._addresses, self._filling, self._hosts)

    async def close(self) -> None:
        """Close the connections that were kept open."""
        await self._posting.close()
