"""Email and Telegram keep the promises that every channel makes; webhooks do in test_webhook.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr

from dispatch.channels.email import EmailChannel
from dispatch.channels.telegram import TelegramChannel
from dispatch.digests.render import Renderer
from dispatch.model import Envelope
from dispatch.settings import EmailSettings, TelegramSettings
from dispatch.testing import Arrival, BotApi, ChannelContract, SmtpSink
from dispatch.testing.samples import sample_envelope

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
CHATS = {"anna": "1001", "chen": "1002"}


def renderer() -> Renderer:
    return Renderer(TEMPLATES, None, lambda bulletin, ref, position: "")


class EmailHarness:
    queue = "email"

    def __init__(self, sink: SmtpSink) -> None:
        self.sink = sink
        settings = EmailSettings(host=sink.host, port=sink.port, security="none", from_address="news@x.test")
        self.channel = EmailChannel(settings, renderer())

    def envelope(self, name: str, provider_id: str) -> Envelope:
        return sample_envelope(f"{name}@x.test", channel="email", provider_id=f"{provider_id}@x.test", name=name)

    def arrivals(self) -> Sequence[Arrival]:
        return [
            Arrival(
                mail.recipients[0], mail.raw.decode() + _bodies(mail.parsed), str(mail.parsed["Message-ID"]).strip("<>")
            )
            for mail in self.sink.messages
        ]

    def refuse_once(self) -> None:
        self.sink.answer("RCPT", "451 4.3.0 later", times=1)

    def refuse_for_good(self) -> None:
        self.sink.answer("RCPT", "550 5.1.1 no such user")

    async def vanish(self) -> None:
        await self.sink.stop()


def _bodies(message: object) -> str:
    parts = (getattr(message, "get_body")((kind,)) for kind in ("plain", "html"))  # noqa: B009 - typed as Message
    return "".join(part.get_content() for part in parts if part)


class TelegramHarness:
    queue = "telegram"

    def __init__(self, api: BotApi) -> None:
        self.api = api
        settings = TelegramSettings(token=SecretStr(api.token), api_base=api.base_url)
        self.channel = TelegramChannel(settings, renderer())

    def envelope(self, name: str, provider_id: str) -> Envelope:
        chat = CHATS.setdefault(name, str(2000 + len(CHATS)))
        return sample_envelope(chat, channel="telegram", provider_id=provider_id, name=name)

    def arrivals(self) -> Sequence[Arrival]:
        return [Arrival(str(message.chat), message.html, None) for message in self.api.messages]

    def refuse_once(self) -> None:
        self.api.throttle(None, retry_after=5)

    def refuse_for_good(self) -> None:
        self.api.answer(None, 403, "Forbidden: bot was blocked by the user", times=None)

    async def vanish(self) -> None:
        await self.api.stop()


class TestEmail(ChannelContract):
    @pytest.fixture
    async def harness(self) -> AsyncIterator[EmailHarness]:
        async with SmtpSink() as sink:
            yield EmailHarness(sink)


class TestTelegram(ChannelContract):
    @pytest.fixture
    async def harness(self) -> AsyncIterator[TelegramHarness]:
        async with BotApi() as api:
            harness = TelegramHarness(api)
            yield harness
            await harness.channel.close()
