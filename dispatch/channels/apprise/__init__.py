"""Digests by any other service, passed on by Apprise (https://appriseit.com), which is an optional extra.

Apprise answers yes or no. Yes means that a service answered with a status of success, whatever its body said, so what
it takes counts as *accepted, unconfirmed*. No service is asked for a repeated message as such: the lanes are marked.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from dispatch.channels.apprise.rendering import Form, RenderedApprise, render
from dispatch.channels.apprise.threads import AllBusy, Threads
from dispatch.channels.robots.base import printable
from dispatch.channels.webhook.guard import Guard
from dispatch.delivery.channel import Lane, Rendered
from dispatch.digests.render import Renderer
from dispatch.errors import UsageError
from dispatch.model import Content, Envelope, Outcome, Rejected, Retry, Sent
from dispatch.settings import AppriseSettings, WebhookSettings

if TYPE_CHECKING:
    from dispatch.channels.apprise.address import Plugin
    from dispatch.channels.apprise.confined import Call
    from dispatch.channels.apprise.rendering import Post

__all__ = ["UNCONFIRMED", "AppriseChannel", "AppriseConnection", "RenderedApprise"]

UNCONFIRMED = "unconfirmed"
"""The code of what was accepted without a word from the service's own body."""

_INTERVAL = 5.5  # seconds between two messages to one address, which Apprise keeps by default for the sake of services

# What Apprise says of an error of the connection begins so; the libraries' words follow, which are not shown.
_BROKE = "Socket Exception"
_REFUSED = Retry("nobody listens at the receiver's address (connection refused)", "refused", outage=True)
_CAUSES = (
    ("Connection refused", _REFUSED),
    ("Failed to resolve", Retry("the receiver's name cannot be resolved", "dns", outage=True)),
    ("CERTIFICATE_VERIFY_FAILED", Retry("the receiver's certificate is not trusted", "tls", suspect=True)),
    ("timed out", Retry("the receiver did not answer in time", "timeout", suspect=True, unknown=True)),
    ("Connection aborted", Retry("the connection to the receiver broke", "connection", suspect=True, unknown=True)),
    ("Connection broken", Retry("the connection to the receiver broke", "connection", suspect=True, unknown=True)),
)


class AppriseConnection:
    """Sends by threads that all lanes of the channel share."""

    def __init__(self, threads: Threads, networks: WebhookSettings) -> None:
        self._threads = threads
        self._networks = networks

    async def send(self, envelope: Envelope, rendered: Rendered, part: int) -> Outcome:
        """Pass the message on to the service of `envelope.address`; it has one part."""
        from dispatch.channels.apprise.address import check

        if not isinstance(rendered, RenderedApprise):
            raise TypeError(f"a connection of Apprise got a {type(rendered).__name__}")
        guard = Guard(tuple(self._networks.allow_networks))
        try:
            address, plugin = check(envelope.address, guard)
        except UsageError as error:
            return Rejected(str(error), "address")
        return await self._pass_on(plugin, address, rendered.fill(envelope, Form.of(plugin)), guard)

    async def _pass_on(self, plugin: Plugin, address: str, post: Post, guard: Guard) -> Outcome:
        from dispatch.channels.apprise.confined import Call

        seconds = self._networks.timeout
        plugin.socket_connect_timeout = plugin.socket_read_timeout = seconds
        call = Call(guard)
        try:
            accepted = await self._threads.run(partial(_notify, plugin, post, call), seconds)
        except AllBusy:
            return Retry("every thread of Apprise waits for a receiver", "busy", outage=True)
        except TimeoutError:
            return Retry("the receiver did not answer in time", "timeout", suspect=True, unknown=True)
        finally:
            call.cut()
        return _outcome(accepted, call, address)


class AppriseChannel:
    """The channel `apprise`. Fulfils `dispatch.delivery.channel.Channel`.

    `networks` are the settings of webhooks, whose networks and time-out count here too.
    """

    name = "apprise"

    def __init__(self, settings: AppriseSettings, networks: WebhookSettings, renderer: Renderer) -> None:
        self._settings = settings
        self._networks = networks
        self._renderer = renderer
        self._threads = Threads(settings.threads)

    @property
    def retry_delays(self) -> Sequence[float]:
        return self._settings.retry_delays

    def lanes(self, queue: str) -> Sequence[Lane]:
        """One lane a service (`apprise:pover`), and one a host of those that somebody runs (`apprise:gotify:HOST`)."""
        if not self._settings.enabled or not queue.startswith(f"{self.name}:"):
            return ()
        lane = Lane(
            name=queue,
            queue=queue,
            connections=self._settings.threads,
            address_interval=_INTERVAL,
            marked=True,
            resend_unknown=self._settings.resend_unknown,
        )
        return (lane,)

    def render(self, content: Content) -> RenderedApprise:
        """In as many forms as are asked for later. Raises RenderError."""
        return render(self._renderer, content)

    def preview(self, content: Content, envelope: Envelope) -> dict[str, str]:
        """The message in both forms, as where there is much room."""
        rendered = self.render(content)
        posts = {f".{kind}": rendered.fill(envelope, Form(kind == "md")) for kind in ("md", "txt")}
        return {suffix: f"{post.title}\n\n{post.text}\n" for suffix, post in posts.items()}

    @asynccontextmanager
    async def open(self, lane: Lane) -> AsyncIterator[AppriseConnection]:
        """A connection for any receiver; nothing is dialled before the first message."""
        import asyncio

        from dispatch.channels.apprise.address import load

        await asyncio.to_thread(load)
        yield AppriseConnection(self._threads, self._networks)

    async def close(self) -> None:
        """Nothing is kept open."""


def _notify(plugin: Plugin, post: Post, call: Call) -> bool:
    """Whether Apprise says that the service took it. Runs in a thread."""
    from dispatch.channels.apprise.address import load
    from dispatch.channels.apprise.confined import confined

    notifier = load().Apprise(asset=plugin.asset)
    notifier.add(plugin)
    form = "markdown" if Form.of(plugin).markup else "text"
    try:
        with confined(call):
            return bool(notifier.notify(body=post.text, title=post.title, body_format=form))
    finally:
        call.close()


def _outcome(accepted: bool, call: Call, address: str) -> Outcome:
    if accepted:
        return Sent(code=UNCONFIRMED, detail="accepted, unconfirmed")
    if call.refused:
        return Rejected(call.refused[0], "address")
    for words, outcome in _CAUSES:
        if any(text.startswith(_BROKE) and words in text for _, text in call.said):
            return outcome
    said = [text for level, text in call.said if level >= logging.WARNING]
    reason = _discreet(said[0], address) if said else "it does not say why"
    return Retry(f"Apprise could not pass it on: {reason}", "refused by the service", suspect=True)


def _discreet(text: str, address: str) -> str:
    """What Apprise says, on one line, without what must not be read by others."""
    from dispatch.channels.apprise.address import secrets_of

    for secret in secrets_of(address):
        text = text.replace(secret, "***")
    return printable(text)
