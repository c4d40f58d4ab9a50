"""What the engine asks of a channel. The engine knows this protocol and no channel.

A channel renders a content once; the engine keeps the result and hands it to `send` for every recipient of that
variant. `send` returns what happened; an exception is a bug or an outage of our own.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from dispatch.model import Content, Envelope, Outcome


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast a lane may go.

    `connections` work side by side; `rate` is messages a second over all of them (None: no limit), paced
    uniformly; `address_interval` gives the least seconds between two messages to one address.
    """

    connections: int = 1
    rate: float | None = None
    address_interval: float = 0.0
    group_interval: float = 0.0


class Rendered(Protocol):
    """A content in a channel's form, with places left for what is personal."""

    @property
    def parts(self) -> int:
        """How many sends it takes (a long chat text is several). At least 1."""


class Connection(Protocol):
    """One session with the receiver's side. Used by one task at a time."""

    async def send(self, envelope: Envelope, rendered: Rendered, part: int) -> Outcome:
        """Send part `part` (from 0) to one address."""


class Channel(Protocol):
    """A way to reach an address."""

    @property
    def name(self) -> str: ...

    def limits(self, lane: str) -> Limits: ...

    def render(self, content: Content) -> Rendered:
        """Render for all recipients. Raises RenderError where a template fails."""

    def open(self, lane: str) -> AbstractAsyncContextManager[Connection]:
        """A connection of that lane. Opening may be lazy: errors of the network come out of `send`."""
