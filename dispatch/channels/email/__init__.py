"""Digests by email: one lane a relay, one SMTP session a connection."""

from __future__ import annotations

import email
import email.policy
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from dispatch.channels.email.message import RenderedEmail, build, render
from dispatch.channels.email.session import Session
from dispatch.delivery.channel import Lane, Rendered
from dispatch.digests.render import Renderer
from dispatch.errors import RenderError, SettingsError
from dispatch.model import Content, Envelope, Outcome, Rejected
from dispatch.settings import EmailSettings

__all__ = ["EmailChannel", "EmailConnection", "RenderedEmail"]


class EmailConnection:
    """One SMTP session, opened at the first message, reused, and opened anew when it was lost."""

    def __init__(self, settings: EmailSettings, session: Session) -> None:
        self._settings = settings
        self._session = session

    async def send(self, envelope: Envelope, rendered: Rendered, part: int) -> Outcome:
        """Send the email to `envelope.address`; it has one part. See `outcome` for what comes back."""
        if not isinstance(rendered, RenderedEmail):
            raise TypeError(f"an email connection got a {type(rendered).__name__}")
        built = build(self._settings, envelope, rendered)
        if isinstance(built, Rejected):
            return built
        return await self._session.deliver(self._settings.from_address, built.recipient, built.data, built.utf8)


class EmailChannel:
    """The channel `email`. Fulfils `dispatch.delivery.channel.Channel`."""

    name = "email"

    def __init__(self, settings: EmailSettings, renderer: Renderer) -> None:
        self._settings = settings
        self._renderer = renderer
        # A relay without a host, or no sender at all, makes no lane: messages wait instead of failing.
        usable = [relay for relay in settings.all_relays if relay.host and settings.from_address]
        self._relays = {f"email:{relay.name}": relay for relay in usable}

    @property
    def retry_delays(self) -> Sequence[float]:
        return self._settings.retry_delays

    def lanes(self, queue: str) -> Sequence[Lane]:
        """One lane a relay, all on the queue `email`."""
        if queue != self.name:
            return ()
        return tuple(
            Lane(name, queue, connections=relay.connections, rate=relay.rate, divisible=True)
            for name, relay in self._relays.items()
        )

    def render(self, content: Content) -> RenderedEmail:
        """Subject, HTML (under 100 KB, longer articles shortened) and text. Raises RenderError."""
        return render(self._renderer, self._settings, content)

    def preview(self, content: Content, envelope: Envelope) -> dict[str, str]:
        """The HTML and the text of the message, and all of it as it goes over the wire."""
        built = build(self._settings, envelope, self.render(content))
        if isinstance(built, Rejected):
            raise RenderError(built.reason)
        message = email.message_from_bytes(built.data, policy=email.policy.default)
        bodies = {suffix: message.get_body((kind,)) for suffix, kind in ((".html", "html"), (".txt", "plain"))}
        texts = {suffix: str(part.get_content()) for suffix, part in bodies.items() if part}
        return {**texts, ".eml": built.data.decode("utf-8", "replace")}

    @asynccontextmanager
    async def open(self, lane: Lane) -> AsyncIterator[EmailConnection]:
        """A connection to the lane's relay. Nothing is dialled before the first message."""
        relay = self._relays.get(lane.name)
        if relay is None:
            raise SettingsError(f"there is no relay for the lane {lane.name}")
        session = Session(relay)
        try:
            yield EmailConnection(self._settings, session)
        finally:
            await session.close()

    async def close(self) -> None:
        """Connections close themselves; the channel holds nothing else."""
