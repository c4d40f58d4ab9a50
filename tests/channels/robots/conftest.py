"""A channel of each kind of robot, over the wire to its service on the loopback interface."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from dispatch.assets import templates_dir
from dispatch.channels.robots import KINDS, RobotChannel
from dispatch.digests.render import Renderer
from dispatch.model import Content, Envelope, Outcome
from dispatch.settings import RobotSettings, WebhookSettings
from dispatch.testing.samples import sample_article, sample_content, sample_envelope

LOOPBACK = WebhookSettings(allow_networks=(ipaddress.ip_network("127.0.0.0/8"),))
NOW = dt.datetime(2022, 6, 1, 8, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))


def page(bulletin: str, ref: str, position: int) -> str:
    return f"https://bulletin.example/{bulletin}/{ref}/{position}"


def no_page(bulletin: str, ref: str, position: int) -> str:
    return ""


def ticking() -> Callable[[], float]:
    """A clock that goes on by a second whenever somebody looks: a service's window of a few seconds is never full."""
    return map(float, count()).__next__


def channel_of(kind: str, *, pages: bool = True, **changes: Any) -> RobotChannel:
    """A channel with these settings of [robots]."""
    renderer = Renderer(templates_dir(), None, page if pages else no_page)
    return RobotChannel(KINDS[kind], RobotSettings(**changes), LOOPBACK, renderer, clock=lambda: NOW)


def envelope_to(kind: str, url: str, **changes: Any) -> Envelope:
    return replace(sample_envelope(url, channel=kind, secret=""), **changes)


@asynccontextmanager
async def open_channel(channel: RobotChannel) -> AsyncIterator[Callable[..., Any]]:
    """Something that sends all parts of a content, up to the first that is not taken."""

    async def send(envelope: Envelope, content: Content | None = None) -> Sequence[Outcome]:
        rendered = channel.render(content or sample_content())
        found: list[Outcome] = []
        async with channel.open(channel.lanes(f"{channel.name}:any")[0]) as connection:
            for part in range(rendered.parts):
                found.append(await connection.send(envelope, rendered, part))
                if type(found[-1]).__name__ != "Sent":
                    break
        return found

    try:
        yield send
    finally:
        await channel.close()


@pytest.fixture
def content() -> Content:
    return sample_content()


@pytest.fixture
def long_content() -> Content:
    """Forty articles that all match: more than one message of any service."""
    content = sample_content()
    entry = content.sections[0].matching[0]
    matching = tuple(replace(entry, position=n, article=sample_article(f"第{n}篇：{'高新区' * 12}")) for n in range(40))
    return replace(content, sections=(replace(content.sections[0], matching=matching, others=()),))
