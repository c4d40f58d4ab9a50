"""Whatever is written, typed or pressed: it is answered, breaks nothing, and changes nobody else's subscription.

Each seed is another lot of the same make; a lot that has found something is repeated by its seed.
"""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from dispatch.app import App
from dispatch.bot import inbox
from dispatch.bot.commands import GROUPS
from dispatch.channels.telegram_buttons import Button, Mute, Previous, Unfollow, pack, tag_hash
from dispatch.testing import BotApi
from dispatch.testing.telegram.groups import Group
from dispatch.testing.telegram.messages import Message
from dispatch.testing.telegram.users import User
from dispatch.testing.telegram_html import utf16_length
from tests.bot.conftest import Talk, answered, conversing, settings
from tests.bot.issues import three
from tests.marks import both_databases

pytestmark = both_databases

SEEDS = [1, 2]
PEOPLE = 12
EACH = 5  # that one person does: more would be slowed down
_MAX_DATA = 64  # bytes

RANGES = [
    (0x20, 0x7E), (0x4E00, 0x9FFF), (0x1F300, 0x1FAFF), (0x0, 0x1F), (0x7F, 0x9F), (0x0590, 0x06FF), (0x0300, 0x036F),
    (0x0E00, 0x0E7F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F), (0xE000, 0xF8FF),
    (0xFFF0, 0xFFFF), (0xFF00, 0xFF60), (0x1D400, 0x1D7FF), (0x20000, 0x2A6DF), (0xE0000, 0xE007F),
    (0x10FFF0, 0x10FFFF),
]  # fmt: skip
PIECES = [
    "南昌高新区", "高新区", "江西省", "区块链", "park:", "topic:blockchain", "column:huoju/torch", "bulletin:huoju",
    "all", "+mentions", "534", "huoju:534", "٣", "५", "1e9", "-1", "9" * 30, "23:59", "24:00", "7:5", "Asia/Shanghai",
    "Etc/../UTC", "daily", "weekly", "off", "on", "en", "zh", "' OR 1=1 --", "\"", "NEAR(a b, 5)", "a AND NOT b", "*",
    "col:x", "^", "(", "%s", "{0}", "{name}", "<b>", "</b>", "&lt;", "&#0;", "<a href='x'>", "\n", "\r\n", "\t", " ",
    ",", "，", "、", "；", "：", "-广告", "+招商", "@bulletin_test_bot", "/start", "👩‍👩‍👧‍👦", "🇨🇳", "e\u0301" * 5,
    "\ufeff", "\0", "ﷺ", "İ", "ß", "ﬁ", "ſ",
]  # fmt: skip


def words(chance: random.Random, most: int = 4096) -> str:
    """A text of all kinds of letters, at most so many UTF-16 units long; nothing that JSON could not say."""
    made = ""
    for _ in range(chance.choice((1, 2, 3, 8, 30))):
        if chance.random() < 0.5:
            made += chance.choice(PIECES)
        else:
            low, high = chance.choice(RANGES)
            made += "".join(chr(chance.randint(low, high)) for _ in range(chance.choice((1, 1, 3, 10))))
        if chance.random() < 0.05:
            made = made[:most] * chance.choice((3, 40, 400))
        made = made[:most]
    while utf16_length(made) > most:
        made = made[: len(made) - 1 - (utf16_length(made) - most) // 2]
    return made.strip() or "x"


def data_of(chance: random.Random, known: list[str]) -> str:
    """Data of a button: one that there is, changed somewhere, or anything."""
    if chance.random() < 0.25:
        made = words(chance, 40)
    else:
        fields = chance.choice(known).split(":")
        if chance.random() < 0.8:
            place = chance.randrange(len(fields))
            number = str(chance.choice((-1, 0, 1, 2, 3, 7, 2**31, 2**63, 2**64, 10**30)))
            fields[place] = chance.choice((number, words(chance, 12), "", fields[-1], fields[0]))
        if chance.random() < 0.1:
            fields.append(words(chance, 5))
        made = ":".join(fields)
    while len(made.encode()) > _MAX_DATA:
        made = made[:-1]
    return made or "x"


def subscription(talk: Talk, *addresses: int) -> list[Any]:
    """All that stands of what these chats follow, and how."""
    return [talk.endpoint(address) for address in addresses]


class Victims:
    """Somebody, and a group with its administrators: both follow, and both have messages with buttons."""

    def __init__(self, talk: Talk, bob: User, group: Group) -> None:
        self._talk = talk
        self.bob = bob
        self.group = group
        self.messages: list[Message] = []
        self.data: list[str] = []

    async def subscribe(self) -> None:
        carol = self._talk.api.user("Carol")
        self.group.set_member(carol, "administrator")
        for who, chat in ((self.bob, None), (carol, self.group)):
            where = chat or self.bob.chat
            for command in ("/follow 南昌高新区 区块链", "/words -广告", "/following", "/digest", "/quiet", "/browse"):
                await who.send(command, chat=chat)
                self._keep(await where.next())
            endpoint = self._talk.endpoint(where.id)
            assert endpoint is not None
            digest = self._talk.db.value("SELECT MAX(id) FROM digests")
            buttons: list[Button] = [Unfollow(endpoint.id, tag_hash(tag)) for tag in endpoint.follows]
            buttons += [Mute(endpoint.id), Previous(endpoint.id, digest)]
            row = [InlineKeyboardButton(text="x", callback_data=pack(button)) for button in buttons]
            keyboard = InlineKeyboardMarkup(inline_keyboard=[row])
            line = self._talk.app.bots.get("default")
            await line.api.send_message(where.id, "期刊", reply_markup=keyboard)
            self._keep(await where.next())
        for command in ("/search 区块链", "/issue 534", "/latest", "/column", "/pause", "/language", "/manage"):
            reader = self._talk.api.user("Reader")
            await reader.send(command)
            self._keep(await reader.next())
        await self._talk.api.settled()

    def _keep(self, message: Message) -> None:
        self.messages.append(message)
        self.data += [button.data for row in message.buttons for button in row if button.data]


@pytest.fixture
async def talk(migrated_url: str, api: BotApi) -> AsyncIterator[Talk]:
    pace = {"rate": 1000, "paid_broadcast": True, "chat_interval": 0, "group_interval": 0}
    app = App(settings(migrated_url, api, telegram=pace, web={"base_url": "https://bulletin.test"}))
    with app.database() as db:
        async with conversing(app):
            yield Talk(api, app, db)
    app.stop_reading()


@pytest.fixture
async def victims(talk: Talk) -> Victims:
    three(talk)
    bob = talk.api.user("Bob")
    made = Victims(talk, bob, talk.api.group("群", members={bob: "creator"}))
    await made.subscribe()
    return made


def stranger(talk: Talk, victims: Victims, chance: random.Random) -> User:
    """Somebody of any name who is in the group, too."""
    found = talk.api.user(words(chance, 60), language=chance.choice(("zh-hans", "en", "", "xx-\u202e")))
    victims.group.set_member(found, "member")
    return found


def unharmed(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    """No handler and no reply has failed."""
    wrong = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert wrong == []
    refused = {refusal.description.partition(":")[2].strip() for _, refusal in talk.api.refused}
    assert all(words.startswith("message is not modified") for words in refused), refused
    said = [message.text for message in talk.api.messages]
    assert not [text for text in said if "出了点问题" in text or "went wrong" in text]


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_is_written(talk: Talk, victims: Victims, caplog: pytest.LogCaptureFixture, seed: int) -> None:
    chance = random.Random(seed)
    commands = ["", *(f"/{command.name} " for group in GROUPS for command in group.commands)]
    before = subscription(talk, victims.bob.id, victims.group.id)
    for _ in range(PEOPLE * 2):
        user = stranger(talk, victims, chance)
        for _ in range(EACH):
            text = (chance.choice(commands) + words(chance))[:2000].strip()
            await user.send(text, chat=victims.group if chance.random() < 0.3 else None)
    await answered(talk)
    unharmed(talk, caplog)
    assert subscription(talk, victims.bob.id, victims.group.id) == before


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_is_pressed(talk: Talk, victims: Victims, caplog: pytest.LogCaptureFixture, seed: int) -> None:
    chance = random.Random(seed)
    before = subscription(talk, victims.bob.id, victims.group.id)
    for _ in range(PEOPLE * 2):
        user = stranger(talk, victims, chance)
        await user.send("/follow topic:blockchain")
        own = await user.next()
        for _ in range(EACH):
            message = chance.choice([own, *victims.messages])
            await user.press(message, data=data_of(chance, victims.data), inaccessible=chance.random() < 0.1)
    await answered(talk)
    unharmed(talk, caplog)
    assert subscription(talk, victims.bob.id, victims.group.id) == before


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_is_typed_behind_the_name(
    talk: Talk, victims: Victims, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    chance = random.Random(seed)
    before = subscription(talk, victims.bob.id, victims.group.id)
    for _ in range(PEOPLE):
        user = stranger(talk, victims, chance)
        for _ in range(EACH):
            offset = "" if chance.random() < 0.7 else words(chance, 30)
            answer = await user.inline(words(chance, 256), offset=offset)
            assert len(answer.results) <= 50
    await answered(talk)
    unharmed(talk, caplog)
    assert subscription(talk, victims.bob.id, victims.group.id) == before


async def test_half_a_letter_keeps_nobody_from_an_answer(talk: Talk) -> None:
    """JSON can say one half of a surrogate pair, which is no text; Telegram does not send it, and others might."""
    ann = talk.api.user("Ann", started=True)
    for number, text in enumerate(("\ud83d", "/follow \ud83d", "/start \ude00", "/search \ud83d\ud83d"), start=1):
        chat = {"id": ann.id, "type": "private", "first_name": "\ud83d"}
        sender = {"id": ann.id, "is_bot": False, "first_name": "\ud83d"}
        body = {"message_id": number, "date": 1, "chat": chat, "from": sender, "text": text}
        inbox.take_in(talk.db, 42, [inbox.received({"update_id": number, "message": body})], talk.app.clock.now())
    await ann.send("/help")
    assert "/follow" in (await ann.next()).text
    await talk.api.settled()
