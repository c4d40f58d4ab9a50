"""Digests by email: one lane a relay, one SMTP session a connection."""

from __future__ import annotations

import email
import email.policy
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

from dispatch.channels.email.addressing import wire_address
from dispatch.channels.email.compose import Built, MadeOut, Shapes, Stencil
from dispatch.channels.email.provider_answers import wants_new_connection
from dispatch.channels.email.providers import Providers
from dispatch.channels.email.render import render
from dispatch.channels.email.session import Route, Session, Tls
from dispatch.delivery.channel import Grouping, Lane, Rendered
from dispatch.digests.render import Renderer
from dispatch.errors import RenderError, SettingsError, SigningError
from dispatch.model import Content, Envelope, Outcome, Rejected, Retry
from dispatch.settings import EmailSettings

if TYPE_CHECKING:
    from dispatch.channels.email.signing import SigningPool

__all__ = ["EmailChannel", "EmailConnection", "Stencil"]


class EmailConnection:
    """One SMTP session, opened at the first message, reused, and opened anew when it was lost."""

    def __init__(
        self, sender: str, session: Session, signing: SigningPool | None, tls: Tls, providers: Providers | None
    ) -> None:
        self._sender = sender
        self._session = session
        self._signing = signing
        self._tls = tls
        self._providers = providers
        self._carried: Counter[str] = Counter()  # by provider, on this session

    @property
    def tls(self) -> str:
        """The version and cipher that the lane's newest session speaks, `no TLS` without; "" before there was one."""
        return self._tls.spoken

    async def send(self, envelope: Envelope, rendered: Rendered, part: int) -> Outcome:
        """Send the email to `envelope.address`; it has one part. See `outcome` for what comes back."""
        return await self.send_then(envelope, rendered, part, None)

    async def send_then(self, envelope: Envelope, rendered: Rendered, part: int, following: Envelope | None) -> Outcome:
        """The same; the SMTP envelope of the following message may go out in the same write."""
        if isinstance(rendered, Stencil):
            rendered = rendered.made_out(envelope)
        if not isinstance(rendered, MadeOut):
            raise TypeError(f"an email connection got a {type(rendered).__name__}")
        built = rendered.built
        if isinstance(built, Rejected):
            return built
        try:
            data = built.pieces if self._signing is None else await self._signed(built, self._signing)
        except SigningError as error:
            return Rejected(str(error), code="dkim") if error.lasting else Retry(str(error), code="dkim", suspect=True)
        route = Route(built.sender, built.recipient, built.utf8)
        if self._providers is not None:
            following = await self._spare(self._providers, envelope, following)
        outcome = await self._session.deliver(route, data, self._route(following))
        if isinstance(outcome, Retry) and wants_new_connection(outcome):
            await self._session.close()
        return outcome

    async def _spare(self, providers: Providers, envelope: Envelope, following: Envelope | None) -> Envelope | None:
        """Close a session that has carried as many messages as the provider takes on one; the following message, unless
        it is for a new session for that reason."""
        if not self._session.carried:
            self._carried.clear()
        group = providers.group(envelope.address)
        if self._is_spent(providers, group):
            await self._session.close()
            self._carried.clear()
        self._carried[group] += 1
        if following is None or self._is_spent(providers, providers.group(following.address)):
            return None
        return following

    def _is_spent(self, providers: Providers, group: str) -> bool:
        most = providers.messages_per_connection(group)
        return bool(most) and self._carried[group] >= most

    @staticmethod
    async def _signed(built: Built, signing: SigningPool) -> list[bytes]:
        """The body has no more white space than its canonical form (RFC 6376 3.4.4): base64 and lines of ours."""
        digest = sha256()
        for piece in built.body:
            digest.update(piece)
        return [await signing.sign(built.head, digest.digest()), *built.pieces]

    def _route(self, envelope: Envelope | None) -> Route | None:
        recipient = wire_address(envelope.address) if envelope is not None else None
        if envelope is None or recipient is None:
            return None
        return Route(envelope.return_path or self._sender, recipient, not recipient.isascii())


def _signing_pool(settings: EmailSettings) -> SigningPool | None:
    """What signs, where a key is set. Raises SettingsError."""
    if settings.dkim_key is None and settings.dkim_ed25519_key is None:
        return None
    from dispatch.channels.email.dkim_keys import signing_keys  # not at module import: cryptography takes 7 MB
    from dispatch.channels.email.signing import SigningPool

    return SigningPool(signing_keys(settings), settings.dkim_workers)


class EmailChannel:
    """The channel `email`. Fulfils `dispatch.delivery.channel.Channel`."""

    name = "email"

    def __init__(self, settings: EmailSettings, renderer: Renderer) -> None:
        self._settings = settings
        self._renderer = renderer
        # A relay without a host, or no sender at all, makes no lane: messages wait instead of failing.
        usable = [relay for relay in settings.all_relays if relay.host and settings.from_address]
        self._relays = {f"email:{relay.name}": relay for relay in usable}
        self._sender = wire_address(settings.from_address) or settings.from_address
        self._tls = {name: Tls() for name in self._relays}
        self._shapes = Shapes()
        self._signing = _signing_pool(settings)
        self._providers = Providers.of(settings)

    @property
    def grouping(self) -> Grouping | None:
        """By mailbox provider, unless that is switched off."""
        return self._providers

    @property
    def retry_delays(self) -> Sequence[float]:
        return self._settings.retry_delays

    def lanes(self, queue: str) -> Sequence[Lane]:
        """One lane a relay, all on the queue `email`."""
        if queue != self.name:
            return ()
        return tuple(
            Lane(
                name,
                queue,
                connections=relay.connections,
                rate=relay.rate,
                divisible=True,
                weight=relay.weight,
                standby=relay.standby,
            )
            for name, relay in self._relays.items()
        )

    def render(self, content: Content) -> Stencil:
        """Subject, HTML (under 100 KB, longer articles shortened) and text. Raises RenderError."""
        return Stencil(self._settings, render(self._renderer, self._settings, content), self._shapes)

    def preview(self, content: Content, envelope: Envelope) -> dict[str, str]:
        """The HTML and the text of the message, and all of it as it goes over the wire."""
        built: Built | Rejected = self.render(content).fill(envelope)
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
        session = Session(relay, self._tls[lane.name])
        try:
            yield EmailConnection(self._sender, session, self._signing, self._tls[lane.name], self._providers)
        finally:
            await session.close()

    async def close(self) -> None:
        """Connections close themselves; what is being looked up is given up."""
        if self._providers is not None:
            await self._providers.close()
        if self._signing is not None:
            await self._signing.close()
