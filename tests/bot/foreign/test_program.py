"""The program's own bot, over the emulator that others wrote: /start, a follow, a button, and the digest."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from dispatch.testing import SmtpSink
from tests.acceptance.conftest import SAMPLE
from tests.acceptance.test_running import command, running
from tests.bot.foreign import ForeignApi, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "all is there")

TOKEN = "42:TEST"


async def test_somebody_follows_with_a_button_and_gets_the_digest(tmp_path: Path) -> None:
    async with SmtpSink() as smtp, ForeignApi.running(TOKEN) as api:
        dispatch = command(
            tmp_path,
            smtp,
            DISPATCH_TELEGRAM__TOKEN=TOKEN,
            DISPATCH_TELEGRAM__API_BASE=api.base_url,
            DISPATCH_PUBLISH__APPROVAL="automatic",
        )
        (tmp_path / "inbox").mkdir()
        await asyncio.to_thread(dispatch, "init", ".")
        async with running(dispatch):
            await api.command("/start")
            await api.said("按您的关注推送")
            await api.command("/follow 南昌高新区")
            await api.said("已关注")
            await api.command("/follow 潍")
            (asked, *_) = await api.said("潍")
            await api.press(asked, "潍坊高新区")
            shutil.copy(SAMPLE, tmp_path / "inbox" / SAMPLE.name)
            (digest, *_) = await api.said("2022年第5期")
            assert "南昌高新区" in digest["text"] or "潍坊高新区" in digest["text"]
            buttons = [button["text"] for row in digest["reply_markup"]["inline_keyboard"] for button in row]
            assert any("取消关注" in words for words in buttons), buttons
