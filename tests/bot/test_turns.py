"""Who has to wait for whom: users for themselves, nobody for another one's chat."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiogram.methods import SendMessage

from dispatch.app import App
from dispatch.bot import inbox
from dispatch.bot.inbox import Open
from dispatch.bot.speaking import Speaker, packed
from dispatch.bot.turns import MOST, Speech, Turns
from dispatch.delivery.clock import SystemClock
from dispatch.delivery.store import Store
from dispatch.settings import Settings
from dispatch.testing import BotApi
from tests.acceptance.conftest import free_port
from tests.bot.conftest import Talk, conversing, settings
from tests.delivery.conftest import FakeClock
from tests.marks import both_databases


async def test_nobody_waits_for_the_chats_of_others() -> None:
    """However many replies wait for their chats, what others send is handled and answered."""
    blocked, others, said = asyncio.Event(), asyncio.Event(), list[int]()

    async def handle(update: Open) -> Speech:
        async def speech() -> None:
            if update.actor < 50:
                await blocked.wait()
            said.append(update.actor)
            if len(said) == 50:
                others.set()

        return speech

    async def refuse(update: Open, first: bool) -> None:
        raise AssertionError

    turns = Turns(handle, refuse, SystemClock())
    for actor in range(100):
        turns.put(Open(actor, actor, "{}"))
    async with asyncio.timeout(10):
        await others.wait()
    assert sorted(said) == list(range(50, 100))
    blocked.set()
    await turns.drain()
    assert len(said) == 100


async def test_an_update_that_has_its_turn_is_not_handled_twice() -> None:
    """By webhook what is open is looked up again and again: it may have its turn, be too much, or wait for its chat."""
    spoken, handled, refused = asyncio.Event(), list[int](), list[int]()

    async def handle(update: Open) -> Speech:
        handled.append(update.update_id)

        async def speech() -> None:
            await spoken.wait()

        return speech

    async def refuse(update: Open, first: bool) -> None:
        refused.append(update.update_id)
        await spoken.wait()

    turns = Turns(handle, refuse, FakeClock())
    updates = [Open(number, 7, "{}") for number in range(MOST + 2)]
    for update in [*updates, *updates]:
        turns.put(update)
    spoken.set()
    await turns.drain()
    assert (handled, refused) == (list(range(MOST)), [MOST, MOST + 1])
    turns.put(updates[0])  # a later look finds it open still
    await turns.drain()
    assert handled[-1] == 0


async def test_an_error_in_one_update_leaves_the_others_their_turns(caplog: pytest.LogCaptureFixture) -> None:
    said = []

    async def handle(update: Open) -> Speech:
        if update.update_id == 1:
            raise RuntimeError("of a user's words")

        async def speech() -> None:
            if update.update_id == 2:
                raise RuntimeError("of a user's words")
            said.append(update.update_id)

        return speech

    async def refuse(update: Open, first: bool) -> None:
        raise AssertionError

    turns = Turns(handle, refuse, SystemClock())
    for number in range(1, 5):
        turns.put(Open(number, 7, "{}"))
    await turns.drain()
    assert said == [3, 4]
    assert "RuntimeError at test_turns.py" in caplog.text
    assert "words" not in caplog.text


@pytest.mark.parametrize(
    ("update", "actor"),
    [
        ({"message": {"from": {"id": 5}, "chat": {"id": -9}}}, 5),
        ({"message": {"from": {"id": 1087968824}, "sender_chat": {"id": -9}, "chat": {"id": -9}}}, -9),
        ({"message": {"from": {"id": 136817688}, "sender_chat": {"id": -8}, "chat": {"id": -9}}}, -8),
        ({"message": {"from": {"id": 777000}, "chat": {"id": -9}}}, -9),
        ({"message": {"from": {"id": "x"}}}, 0),
        ({"poll": {}}, 0),
    ],
)
def test_who_acts_is_the_user_or_the_chat_in_whose_name_they_do(update: dict[str, object], actor: int) -> None:
    assert inbox.received({"update_id": 1, **update}).actor == actor


@both_databases
async def test_anonymous_administrators_of_two_groups_are_two(talk: Talk) -> None:
    eve, ann = talk.api.user("Eve"), talk.api.user("Ann")
    loud = talk.api.group("一", members={eve: "creator"}, bot="administrator")
    quiet = talk.api.group("二", members={ann: "creator"}, bot="administrator")
    for _ in range(60):
        loud.send_as_anonymous(eve, "/help")
    quiet.send_as_anonymous(ann, "/follow 南昌高新区")
    assert "已关注" in (await quiet.next()).text
    assert talk.follows(quiet.id) == {"park:南昌高新区"}


async def test_where_nobody_answers_a_reply_counts_as_not_begun(tmp_path: Path) -> None:
    """No connection was made, so it cannot have arrived: it is made when somebody answers, or after the next start."""
    telegram = {"token": "42:TEST", "api_base": f"http://127.0.0.1:{free_port()}"}
    app = App(
        Settings.model_validate({"database": {"url": f"sqlite:///{tmp_path / 'store.db'}"}, "telegram": telegram})
    )
    over, clock, seen = asyncio.Event(), FakeClock(), list[int]()
    replies = packed([SendMessage(chat_id=7, text="words")])

    async def on_sleep(seconds: float) -> None:
        seen.append(begun())
        if len(seen) == 3:
            over.set()

    def begun() -> int:
        with app.database() as db:
            (found,) = inbox.waiting(db, 42)
        return found.begun

    clock.on_sleep = on_sleep
    async with Store(app.connect) as store:
        await store.call(inbox.take_in, 42, [inbox.received({"update_id": 5, "message": {"from": {"id": 7}}})], 1)
        await store.call(inbox.handled, 42, 5, replies)
        line = app.bots.get("default")
        await line.load()
        assert not await Speaker(line, store, 42, clock, over).speak(5, replies, 0)
        await app.bots.close()
    assert seen == [0, 0, 0]
    assert begun() == 0


@both_databases
async def test_only_one_of_two_who_think_that_they_are_to_speak_does(database_url: str, api: BotApi) -> None:
    ann = api.user("Ann", started=True)
    app = App(settings(database_url, api))
    replies = packed([SendMessage(chat_id=ann.id, text=str(number)) for number in range(2)])
    async with Store(app.connect) as store:
        await store.call(inbox.take_in, 42, [inbox.received({"update_id": 5, "message": {"from": {"id": 7}}})], 1)
        await store.call(inbox.handled, 42, 5, replies)
        line = app.bots.get("default")
        await line.load()
        speakers = [Speaker(line, store, 42, SystemClock(), asyncio.Event()) for _ in range(2)]
        ends = await asyncio.gather(*(speaker.speak(5, replies, 0) for speaker in speakers))
        await app.bots.close()
    assert sorted(ends) == [False, True]
    assert ann.chat.texts == ["0", "1"]


@both_databases
async def test_what_was_not_taken_waits_with_its_turn_and_a_stop_does_not_wait_for_it(
    database_url: str, api: BotApi
) -> None:
    """A 429 says that it was not taken: whoever goes on makes the reply, in its order, and once."""
    ann = api.user("Ann")
    app = App(settings(database_url, api))
    async with conversing(app):
        await ann.send("/help")
        await ann.next()
        api.throttle(ann.id, 100, 1, method="sendMessage")
        await ann.send("/manage")
        await api.refused.reached(1)
    api.clear()
    with app.database() as db:
        (waiting,) = inbox.waiting(db, 42)
        assert (waiting.body, waiting.begun) == ("", 0)
    async with conversing(app):
        await ann.next()
        await ann.next()
        await api.settled()
    assert len(ann.chat.messages) == 3
    app.stop_reading()
