"""An office with three receivers on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dispatch.testing import BotApi, SmtpSink, WebhookReceiver
from tests.faults.office import TOKEN, Office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with SmtpSink() as smtp, BotApi(TOKEN) as bot, WebhookReceiver() as hooks:
        made = Office(tmp_path, smtp, bot, hooks)
        yield made
        made.desk.db.close()
