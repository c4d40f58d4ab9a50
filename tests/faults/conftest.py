"""An office with three receivers on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

import pytest

from dispatch.channels.email import EmailChannel
from dispatch.channels.telegram import TelegramChannel
from dispatch.channels.webhook import WebhookChannel
from dispatch.settings import EmailSettings, TelegramSettings, WebhookSettings
from dispatch.testing import BotApi, SmtpSink, WebhookReceiver
from dispatch.testing.samples import sample_content
from tests.faults.office import TOKEN, Office, shared_renderer


@pytest.fixture(scope="session")
def warm() -> None:
    """Import and compile what is slow beforehand: it would eat up the patience with a receiver that stalls."""
    import_module("dispatch.channels.bot_session")
    import_module("dispatch.channels.webhook.transport")
    renderer = shared_renderer(None)
    EmailChannel(EmailSettings(), renderer).render(sample_content())
    TelegramChannel(TelegramSettings(), renderer).render(sample_content())
    WebhookChannel(WebhookSettings(), renderer).render(sample_content())


@pytest.fixture
def pipelining() -> bool:
    """Whether the relay takes commands in groups; tests/faults/test_smtp.py tries both."""
    return True


@pytest.fixture
async def office(tmp_path: Path, warm: None, pipelining: bool) -> AsyncIterator[Office]:
    async with SmtpSink(pipelining=pipelining) as smtp, BotApi(TOKEN) as bot, WebhookReceiver() as hooks:
        made = Office(tmp_path, smtp, bot, hooks)
        yield made
        made.desk.db.close()
