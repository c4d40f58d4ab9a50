"""What the engine asks of a channel. The engine knows this protocol and no channel.

Messages wait in a *queue* (`email`, `telegram`, `telegram:second`, `webhook:hooks.example.com`). A *lane* takes
from one queue at its own pace: a relay, a bot, a host. Two relays are two lanes on the queue `email`.

A channel renders a content once; the engine keeps the result and hands it to `send` for every recipient of that
variant. `send` returns what happened; an exception is a bug or an outage of our own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from dispatch.model import Content, Envelope, Outcome

if TYPE_CHECKING:
    from dispatch.delivery.pace import Pace


@dataclass(frozen=True, slots=True)
class Lane:
    """One way out, with its limits.

    `connections` work side by side; besides, so many messages may be `waiting` for their receivers between two of their
    parts. `rate` is messages a second over all of them (None: no limit), paced
    uniformly; `address_interval` and `group_interval` are the least seconds between two messages to one address,
    the latter for addresses that begin with `-` or `@` (Telegram's groups and channels). A lane that is `divisible` may
    be worked on by several processes at once, each with its share of connections and rate; the others belong to one
    process at a time.
    Where a lane of a queue has a `weight`, its lanes share the messages by their weights (1 for one without); a
    `standby` lane works only while each other one of its queue rests. One that goes `beside` a lease is worked on by
    the process that holds that, where one does.

    Where a receiver cannot tell a repeat from another message, the lane is `marked`: each part is written down as begun
    before it is sent, so that one of which no outcome is known is known as such. It is sent again, or ends with that
    reason where the lane says not to `resend_unknown`.
    """

    name: str
    queue: str
    connections: int = 1
    waiting: int = 0
    rate: float | None = None
    address_interval: float = 0.0
    group_interval: float = 0.0
    divisible: bool = False
    weight: float | None = None
    standby: bool = False
    beside: str = ""
    marked: bool = False
    resend_unknown: bool = True

    def slots(self, processes: int) -> int:
        """Into how many shares the lane is cut where so many processes send."""
        return max(1, min(processes, self.connections)) if self.divisible else 1

    def share(self, slot: int, slots: int) -> Lane:
        """Share `slot` (from 0) of so many: all of them together are the lane."""
        connections = (slot + 1) * self.connections // slots - slot * self.connections // slots
        return replace(self, connections=connections, rate=self.rate and self.rate / slots)


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """What one receiver takes from a lane: `connections` at work for it at a time and `rate` messages a second (None:
    no limit but the lane's); `backoff` is the least rest in seconds where it asks for less."""

    connections: int | None = None
    rate: float | None = None
    backoff: float = 600.0

    def share(self, slots: int) -> GroupLimits:
        """The part of one of so many shares of a lane; each has a connection at least."""
        connections = self.connections and max(1, self.connections // slots)
        return replace(self, connections=connections, rate=self.rate and self.rate / slots)


class Grouping(Protocol):
    """How a channel's addresses fall into groups that one receiver stands behind: a mailbox provider. It is asked for
    each message, so it answers at once and waits for nothing."""

    def group(self, address: str) -> str:
        """The group with limits of its own that an address is in; "" for none."""

    def own_group(self, address: str) -> str:
        """What an address of no group belongs to all the same, by which its receiver's own wish for a rest is kept."""

    def limits(self, group: str) -> GroupLimits:
        """Of either kind of group."""


class Rendered(Protocol):
    """A content in a channel's form, with places left for what is personal."""

    @property
    def parts(self) -> int:
        """How many sends it takes (a long chat text is several). At least 1."""


@runtime_checkable
class Addressable(Rendered, Protocol):
    """One that can be made out to a reader before it is sent."""

    def made_out(self, envelope: Envelope) -> Rendered:
        """The same for one reader: `send` takes it with that envelope alone. Raises RenderError."""


def made_out(rendered: Rendered, envelope: Envelope) -> Rendered:
    """What `send` needs no more than to send, where the channel can make that beforehand."""
    make: Callable[[Envelope], Rendered] | None = getattr(rendered, "made_out", None)
    return rendered if make is None else make(envelope)


class Connection(Protocol):
    """One session with the receiver's side, used by one task at a time."""

    async def send(self, envelope: Envelope, rendered: Rendered, part: int) -> Outcome:
        """Send part `part` (from 0) to one address."""


@runtime_checkable
class Pipelined(Connection, Protocol):
    """A session on which the next message can be announced while one is under way."""

    async def send_then(self, envelope: Envelope, rendered: Rendered, part: int, following: Envelope | None) -> Outcome:
        """Send, and perhaps tell the receiver whom the following message is for; nothing of it itself. The next call
        is for that, or its announcement is dropped."""


class Channel(Protocol):
    """A way to reach an address."""

    @property
    def name(self) -> str: ...

    @property
    def retry_delays(self) -> Sequence[float]:
        """Seconds before the second attempt, the third, …; the last one repeats."""

    def lanes(self, queue: str) -> Sequence[Lane]:
        """The lanes that take from `queue`; none where the queue has no settings (its messages wait)."""

    def render(self, content: Content) -> Rendered:
        """Render for all recipients of a content. Raises RenderError where a template fails."""

    def preview(self, content: Content, envelope: Envelope) -> Mapping[str, str]:
        """What a reader would get, to look at: texts by file suffix (`.html`, `.txt`, `.json`). Raises RenderError."""

    def open(self, lane: Lane) -> AbstractAsyncContextManager[Connection]:
        """A connection of that lane. Opening is lazy: errors of the network come out of `send`."""

    async def close(self) -> None:
        """Give back what the channel holds."""


@runtime_checkable
class Grouped(Protocol):
    """What a channel has besides whose receivers have limits of their own."""

    @property
    def grouping(self) -> Grouping | None:
        """How its addresses are grouped; None where nobody is limited."""


def grouping_of(channel: Channel) -> Grouping | None:
    """How a channel's addresses are grouped; None where they are not."""
    return channel.grouping if isinstance(channel, Grouped) else None


@runtime_checkable
class Paced(Protocol):
    """What a channel has besides of which something else goes out by the same way: the replies of a bot."""

    def pace(self, lane: Lane) -> Pace | None:
        """The pace that a lane shares with that; None where it has one of its own."""


def pace_of(channel: Channel, lane: Lane) -> Pace | None:
    """The pace that a lane shares; None where it has one of its own."""
    return channel.pace(lane) if isinstance(channel, Paced) else None
