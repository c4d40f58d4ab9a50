"""The whole way by chat: somebody follows a park with the bot of a running program, and gets the digest there."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from dispatch.bot.codes import start_payload
from dispatch.testing import BotApi, SmtpSink
from tests.acceptance.conftest import SAMPLE, Command
from tests.acceptance.test_running import command, running


async def talking(folder: Path, smtp: SmtpSink, api: BotApi) -> Command:
    return command(
        folder,
        smtp,
        DISPATCH_TELEGRAM__TOKEN=api.token,
        DISPATCH_TELEGRAM__API_BASE=api.base_url,
        DISPATCH_PUBLISH__APPROVAL="automatic",
    )


async def test_who_follows_by_chat_gets_the_digest_there(tmp_path: Path) -> None:
    async with SmtpSink() as smtp, BotApi() as api:
        ann, bob = api.user("Ann"), api.user("Bob")
        (tmp_path / "inbox").mkdir()
        dispatch = await talking(tmp_path, smtp, api)
        await asyncio.to_thread(dispatch, "init", ".")
        async with running(dispatch):
            await ann.start(start_payload(["park:南昌高新区"]))
            assert "南昌高新区" in (await ann.next(30)).text
            await bob.send("/help")
            await bob.next(30)
            shutil.copy(SAMPLE, tmp_path / "inbox" / SAMPLE.name)
            assert "南昌高新区" in (await ann.next(30)).text
        await ann.send("/help")
        async with running(dispatch):
            while "/follow" not in (await ann.next(30)).text:
                pass
        assert len([text for text in ann.chat.texts if "/follow" in text]) == 1
        assert len(bob.chat.messages) == 1
