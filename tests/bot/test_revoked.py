"""A token that Telegram does not know any more, while the program runs: it waits, tells, and loses nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dispatch.app import App
from dispatch.delivery import alarms
from dispatch.testing import BotApi
from tests.bot.conftest import settings
from tests.bot.program import HeldClock, Program, working


@pytest.fixture
async def program(tmp_path: Path, api: BotApi) -> AsyncIterator[Program]:
    values = settings(tmp_path, api, publish={"approvers": ["chief@x.test"]}, engine={"poll": 0.05})
    app = App(values, HeldClock())
    with app.database() as db:
        async with working(app, api, db) as made:
            yield made
    app.stop_reading()


async def test_a_token_that_is_revoked_stops_the_bot_and_loses_nothing(program: Program) -> None:
    api = program.api
    readers = [api.user(f"R{number}") for number in range(4)]
    for reader in readers:
        await reader.send("/follow 南昌高新区")
        await reader.next()
    await api.settled()
    api.answer(None, 401, "Unauthorized", method="sendMessage")
    ann, bob = api.user("Ann"), api.user("Bob")
    await ann.send("/follow topic:blockchain")  # it comes in, and the answer is refused
    await api.refused.reached(1)
    api.answer(None, 401, "Unauthorized", method="*")
    await bob.send("/help")
    await program.send_out()
    await program.passes(30)
    # Updates are asked for and each of the two replies is tried once a minute; the lane tries at 5, 15, 35, … seconds.
    assert 10 < len(api.refused) <= 3 * 31 + 15
    await program.becomes(lambda: set(program.messages()) == {("queued", 0)})
    assert alarms.watch(program.db, program.app.approvers, program.app.clock.now()) == 0  # it is seen from now on
    await program.passes(11)
    assert alarms.watch(program.db, program.app.approvers, program.app.clock.now()) == 1
    told = program.db.value("SELECT content FROM messages WHERE kind = 'alarm'")
    assert "telegram:default" in told
    assert api.token not in told

    api.clear()
    await program.passes(600, lambda: bool(ann.chat.texts and bob.chat.texts) and program.is_through())
    await api.settled()
    assert "/follow" in (await bob.next()).text
    assert sum("已关注" in text for text in ann.chat.texts) == 1
    for reader in (*readers, ann):  # each has an answer and a digest, each part of it once
        assert len(reader.chat.texts) > 1
        assert len(set(reader.chat.texts)) == len(reader.chat.texts)
    assert len(bob.chat.messages) == 1
    assert program.follows(ann.id) == {"topic:blockchain"}
