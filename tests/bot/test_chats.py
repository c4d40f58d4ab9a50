"""What is remembered of chats, on both databases."""

from __future__ import annotations

from collections.abc import Callable

from dispatch.bot import chats
from dispatch.bot.chats import Known
from dispatch.bot.scene import Place
from subscribers.database import Database
from tests.acts import at
from tests.marks import both_databases

BOT, ANN, BOB = 42, 7, 8


@both_databases
def test_a_group_that_becomes_a_supergroup_is_managed_as_before(connect: Callable[[], Database]) -> None:
    db = connect()
    with db.transaction():
        chats.save(db, BOT, Known(-5, "group", "群\0\u202e", may_write=True), "", 1)
        chats.manage(db, BOT, ANN, Place(-5, 0, "managed", "群"), 1)
        chats.manage(db, BOT, BOB, Place(-5, 9, "managed", "群"), 1)
        chats.manage(db, BOT + 1, ANN, Place(-5, 0, "managed", "群"), 1)
        for _ in range(2):  # both service messages tell it
            chats.migrate(db, BOT, -5, -1005, at(2))
    assert [known.title for known in chats.managed_by(db, BOT, ANN)] == ["群"]
    assert [known.chat_id for known in chats.managed_by(db, BOT, ANN)] == [-1005]
    places = [chats.managed_place(db, bot, user) for bot, user in ((BOT, ANN), (BOT, BOB), (BOT + 1, ANN))]
    assert [place.address for place in places if place] == ["-1005", "-1005/9", "-5"]


@both_databases
def test_a_chat_that_is_forgotten_is_managed_by_nobody(connect: Callable[[], Database]) -> None:
    db = connect()
    with db.transaction():
        for chat in (-5, -51):
            chats.save(db, BOT, Known(chat, "group", "群", may_write=True), "", 1)
        chats.manage(db, BOT, ANN, Place(-5, 9, "managed", "群"), 1)
        chats.manage(db, BOT, BOB, Place(-51, 0, "managed", "群"), 1)
        chats.drop(db, BOT, -5)
    assert chats.managed_place(db, BOT, ANN) is None
    assert chats.managed_by(db, BOT, ANN) == []
    assert chats.managed_place(db, BOT, BOB) is not None
    with db.transaction():
        assert [chats.manage_none(db, BOT, BOB) for _ in range(2)] == [True, False]
