"""A Bot API for the tests of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from dispatch.testing.bot_api import BotApi


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server
