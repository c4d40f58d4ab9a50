"""Digests by the robots of the workplace's chats: a channel a kind (`kinds`), over the guarded connections of webhooks.

A robot posts into a group, so nothing in it is personal but the follows that brought it. No service knows a key by
which a repeated message would be known as such: the lanes are marked.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from dispatch.channels.robots.base import REASONS_BYTES, Body, Robot, wire, within_bytes
from dispatch.channels.robots.kinds import KINDS, kind_of
from dispatch.channels.robots.posts import LONGEST, PERSONAL, post_of
from dispatch.channels.webhook.guard import check_url
from dispatch.channels.webhook.http1 import Answer
from dispatch.channels.webhook.posting import Clock, Posting, Resolve, utc_now
from dispatch.delivery.channel import Lane, Rendered
from dispatch.digests.fitting import Size, fitting
from dispatch.digests.render import Personal, Renderer
from dispatch.digests.slots import Slotted
from dispatch.errors import RenderError, UsageError
from dispatch.model import Content, Envelope, Outcome, Rejected, Retry, Sent
from dispatch.settings import RobotSettings, WebhookSettings

__all__ = ["KINDS", "RenderedPost", "RobotChannel", "RobotConnection", "kind_of"]

_MAYBE = ("timeout", "connection")  # codes of failures after which the message may have arrived all the same


@dataclass(frozen=True, slots=True)
class RenderedPost:
    """A content as the messages of one kind of robot."""

    texts: tuple[Slotted, ...]
    personal: Personal
    robot: Robot

    @property
    def parts(self) -> int:
        return len(self.texts)

    def fill(self, part: int, envelope: Envelope) -> bytes:
        """One message for one group, as JSON in UTF-8."""
        text = self.texts[part]
        written = self.personal.pieces(text.names, envelope.reasons, "")
        values = {
            name: json.dumps(within_bytes(self.robot.own(value), REASONS_BYTES), ensure_ascii=False)[1:-1]
            for name, value in written.items()
        }
        return text.fill(values).encode()


class RobotConnection:
    """Posts through connections that all lanes of the channel share: HTTP keeps them by host."""

    def __init__(self, robot: Robot, posting: Posting, networks: WebhookSettings) -> None:
        self._robot = robot
        self._posting = posting
        self._networks = networks

    async def send(self, envelope: Envelope, rendered: Rendered, part: int) -> Outcome:
        """Post one message to the group behind `envelope.address`."""
        if not isinstance(rendered, RenderedPost):
            raise TypeError(f"a connection to {self._robot.title} got a {type(rendered).__name__}")
        body = rendered.fill(part, envelope)
        try:
            url = check_url(envelope.address, self._networks.allow_networks)
            self._robot.check(url)
        except UsageError as error:
            return Rejected(str(error), "address")
        try:
            request = self._robot.request(url, envelope.secret, body, self._posting.now())
        except UsageError as error:
            return Rejected(str(error), "secret")
        return await self._post(request.url, request.body)

    async def _post(self, url: str, body: bytes) -> Outcome:
        answer = await self._posting.post(url, {"Content-Type": "application/json; charset=utf-8"}, body)
        if not isinstance(answer, Answer):
            return replace(answer, unknown=True) if isinstance(answer, Retry) and answer.code in _MAYBE else answer
        outcome = self._robot.outcome(answer, self._posting.now())
        return replace(outcome, provider_id=self._robot.provider_id(answer)) if isinstance(outcome, Sent) else outcome


class RobotChannel:
    """The channel of one kind of robot. Fulfils `dispatch.delivery.channel.Channel`.

    `networks` are the settings of webhooks, whose guard and time-outs count here too; `resolve`, `tls` and `clock` are
    as theirs.
    """

    def __init__(
        self,
        kind: type[Robot],
        settings: RobotSettings,
        networks: WebhookSettings,
        renderer: Renderer,
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self.name = kind.name
        self._robot = kind(settings)
        self._settings = settings
        self._networks = networks
        self._renderer = renderer
        self._posting = Posting(networks, resolve=resolve, tls=tls, now=clock)

    @property
    def retry_delays(self) -> Sequence[float]:
        return self._settings.retry_delays

    def lanes(self, queue: str) -> Sequence[Lane]:
        """One lane a host, named as its queue (`wecom:HOST`); each robot at its own pace in it."""
        if not self._settings.enabled or not queue.startswith(f"{self.name}:"):
            return ()
        lane = Lane(
            name=queue,
            queue=queue,
            connections=self._settings.connections,
            address_interval=self._robot.interval,
            marked=True,
            resend_unknown=self._settings.resend_unknown,
        )
        return (lane,)

    def render(self, content: Content) -> RenderedPost:
        """As many messages as the settings allow; articles are shortened until they fit. Raises RenderError."""
        found: list[Body] = []

        def fits(tried: Size) -> bool:
            found[:] = self._bodies(content, tried)
            return len(found) <= self._settings.messages and all(self._robot.fits(body) for body in found)

        chosen = fitting(Size.whole(content), LONGEST, fits)
        if not fits(chosen):
            raise RenderError(
                f"not even the titles of a message to {self._robot.title} fit: template {self._robot.template}"
            )
        personal = self._renderer.personal(PERSONAL, content)
        rendered = RenderedPost(tuple(Slotted.parse(wire(body)) for body in found), personal, self._robot)
        for text in rendered.texts:  # a slot without its macro fails here, for the administrator, not at every send
            personal.pieces(text.names, (), "")
        return rendered

    def _bodies(self, content: Content, tried: Size) -> Sequence[Body]:
        post = post_of(self._renderer, content, tried)
        text = self._renderer.text(self._robot.template, tried.of(content), post=post, esc=self._robot.escape)
        return self._robot.bodies(post, text.strip())

    def preview(self, content: Content, envelope: Envelope) -> dict[str, str]:
        """The messages, in lines."""
        rendered = self.render(content)
        bodies = [json.loads(rendered.fill(part, envelope)) for part in range(rendered.parts)]
        return {".json": json.dumps(bodies, ensure_ascii=False, indent=2) + "\n"}

    @asynccontextmanager
    async def open(self, lane: Lane) -> AsyncIterator[RobotConnection]:
        """A connection for any group; nothing is dialled before the first message."""
        self._posting.open()
        yield RobotConnection(self._robot, self._posting, self._networks)

    async def close(self) -> None:
        """Close the connections that were kept open."""
        await self._posting.close()
