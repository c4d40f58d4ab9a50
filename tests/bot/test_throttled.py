"""Telegram asks for less while digests go out and people talk with the bot."""

from __future__ import annotations

from pathlib import Path

from dispatch.app import App
from dispatch.settings import Settings
from dispatch.testing import BotApi
from dispatch.testing.telegram.users import User
from tests.bot.conftest import settings
from tests.bot.program import HeldClock, Program, working

READERS = 8
DIGESTS = 5  # columns of the sample
HOUR = 3600


def held(tmp_path: Path, api: BotApi) -> Settings:
    return settings(tmp_path, api, engine={"poll": 0.05})


async def followers(program: Program, count: int = READERS) -> list[User]:
    """People who follow everything, and whose answers are read."""
    found = [program.api.user(f"R{number}") for number in range(count)]
    for reader in found:
        await reader.send("/follow all")
        await reader.next()
    await program.api.settled()
    return found


def digests(reader: User) -> list[str]:
    """What came after the answer to `/follow`, but for answers to `/help`."""
    return [text for text in reader.chat.texts[1:] if "/follow" not in text]


async def test_two_chats_that_are_throttled_wait_alone_and_also_after_a_restart(tmp_path: Path, api: BotApi) -> None:
    clock = HeldClock()
    app = App(held(tmp_path, api), clock)
    with app.database() as db:
        async with working(app, api, db) as program:
            readers = await followers(program)
            slow, others = readers[:2], readers[2:]
            for reader in slow:
                api.throttle(reader.id, HOUR, None)
            await program.send_out()
            await others[0].send("/help")
            everybody = sum(len(program.deliveries(reader.id)) for reader in readers)
            assert everybody == READERS * DIGESTS
            await program.becomes(lambda: all(program.deliveries(one.id) == ["sent"] * DIGESTS for one in others))
            await program.becomes(lambda: any("/follow" in text for text in others[0].chat.texts[1:]))
            await program.becomes(lambda: not db.value("SELECT COUNT(*) FROM messages WHERE state = 'sending'"))
            asked = [chat for chat, _ in api.refused]
            assert set(asked) == {reader.id for reader in slow}
            # What else was in hand for the chat when it was told is put off with the first.
            soonest = db.value("SELECT MIN(due_at) FROM messages WHERE state = 'queued'")
            assert soonest > clock.ms + (HOUR - 60) * 1000
    app.stop_reading()

    again = App(held(tmp_path, api), clock)
    with again.database() as db:
        async with working(again, api, db) as program:
            await program.passes((soonest - clock.ms) / 60_000 - 1)
            assert len(api.refused) == len(asked), "it was asked before its time"
            assert not any(digests(reader) for reader in slow)
            api.clear()
            await program.passes(600, program.is_through)
            assert all(program.deliveries(reader.id) == ["sent"] * DIGESTS for reader in readers)
    again.stop_reading()
    for reader in readers:
        assert sorted(digests(reader)) == sorted(set(digests(others[1])))


async def test_a_bot_that_is_over_its_limit_rests_and_nobody_loses_anything(tmp_path: Path, api: BotApi) -> None:
    app = App(held(tmp_path, api), HeldClock())
    with app.database() as db:
        async with working(app, api, db) as program:
            readers = await followers(program)
            api.throttle(None, 30, 6, method="sendMessage")
            await program.send_out()
            await api.refused.reached(3)
            ann = api.user("Ann")
            await ann.send("/follow topic:blockchain")
            await program.passes(600, lambda: program.is_through() and bool(ann.chat.texts))
            assert all(program.deliveries(reader.id) == ["sent"] * DIGESTS for reader in readers)
            assert program.follows(ann.id) == {"topic:blockchain"}
    app.stop_reading()
    assert len(api.refused) == 6
    assert sum("已关注" in text for text in ann.chat.texts) == 1
    for reader in readers:
        assert sorted(digests(reader)) == sorted(set(digests(readers[0])))


async def test_who_talks_while_digests_go_out_does_not_wait_for_their_end(tmp_path: Path, api: BotApi) -> None:
    pace = {"rate": 25, "chat_interval": 0}
    app = App(settings(tmp_path, api, telegram=pace, engine={"poll": 0.05}))
    with app.database() as db:
        async with working(app, api, db) as program:
            await followers(program, 20)
            await program.send_out()
            talkers = [api.user(f"T{number}") for number in range(4)]
            for talker in talkers:
                await talker.send("/help")
            for talker in talkers:
                await talker.next()
            left = db.value("SELECT COUNT(*) FROM deliveries WHERE state = 'planned'")
            assert left > 20, "the answers came when nearly all was out"
    app.stop_reading()
