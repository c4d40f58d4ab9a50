"""Telegram: what the Bot API does, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from dispatch.testing import BotApi
from tests.faults.office import (
    BLAMED,
    DEAD,
    FAILS,
    LATER,
    LONGEST_REST,
    PATIENCE,
    RESTS,
    Case,
    Expect,
    Office,
    heard,
    lined_up,
    prove,
)

VICTIM, FIRST, LAST = "-5", "4", "6"
HOURS = 3 * 3600

# fmt: off
#    status  description                                                   outcome  in the record
REFUSALS: list[tuple[int, str, Expect, str]] = [
    (403, "Forbidden: bot was blocked by the user",                        DEAD,    "403"),
    (403, "Forbidden: user is deactivated",                                DEAD,    "403"),
    (403, "Forbidden: bot was kicked from the supergroup chat",            DEAD,    "403"),
    (403, "Forbidden: bot is not a member of the channel chat",            DEAD,    "403"),
    (403, "Forbidden: CHAT_WRITE_FORBIDDEN",                               FAILS,   "403"),
    (400, "Bad Request: chat not found",                                   DEAD,    "400"),
    (400, "Bad Request: not enough rights to send text messages",          FAILS,   "400"),
    (400, "Bad Request: can't parse entities",                             FAILS,   "400"),
    (429, "Too Many Requests",                                             LATER,   "429"),
    (500, "Internal Server Error",                                         LATER,   "5xx"),
    (502, "Bad Gateway",                                                   LATER,   "5xx"),
    (503, "Service Unavailable",                                           LATER,   "5xx"),
]

FAULT = ("fault", "expect", "code", "words", "arrivals")
Fault = Callable[[BotApi], None]

#    what happens                                                        outcome  code       words        taken
SILENCE: list[tuple[str, Fault, Expect, str, str, int]] = [
    ("closed",          lambda api: api.close_connection(-5),            LATER,  "lost",    "was lost",        1),
    ("kept and closed", lambda api: api.close_connection(-5, keep=True), LATER,  "lost",    "was lost",        2),
    ("stall",           lambda api: api.stall(-5),                       LATER,  "timeout", "in time",         1),
    ("kept and stall",  lambda api: api.stall(-5, keep=True),            LATER,  "timeout", "in time",         2),
    ("html, 502",       lambda api: api.babble(-5),                      BLAMED, "answer",  "cannot be read",  1),
    ("html, 200",       lambda api: api.babble(-5, status=200),          BLAMED, "answer",  "cannot be read",  1),
    ("half a json",     lambda api: api.babble(-5, '{"ok": fal'),        BLAMED, "answer",  "cannot be read",  1),
    ("other json",      lambda api: api.babble(-5, "[1, 2]"),            BLAMED, "answer",  "cannot be read",  1),
    ("nothing",         lambda api: api.babble(-5, ""),                  BLAMED, "answer",  "cannot be read",  1),
]
# fmt: on


def case(office: Office, expect: Expect, code: str, words: str, asked: float = 0, arrivals: int = 1) -> Case:
    """Three chats, one reader by each other channel, and an issue that all of them follow."""
    first, victim, last = lined_up(office, "telegram", [FIRST, VICTIM, LAST])
    others = (office.reader("email", "other@x.test"), office.reader("webhook", office.hooks.url("/other")))
    office.publish()
    return Case("telegram", victim, (first, last), others, expect, code, words, asked, arrivals)


@pytest.mark.parametrize(("status", "description", "expect", "code"), REFUSALS)
async def test_the_bot_api_refuses(office: Office, status: int, description: str, expect: Expect, code: str) -> None:
    told = case(office, expect, code, description, arrivals=expect not in (FAILS, DEAD))
    office.bot.answer(-5, status, description)
    await prove(office, told)


@pytest.mark.parametrize(FAULT, [row[1:] for row in SILENCE], ids=[row[0] for row in SILENCE])
async def test_the_bot_api_says_nothing_of_use(
    office: Office, fault: Fault, expect: Expect, code: str, words: str, arrivals: int
) -> None:
    office.patience = {"telegram": PATIENCE} if code == "timeout" else {}
    fault(office.bot)
    await prove(office, case(office, expect, code, words, arrivals=arrivals))


async def test_a_chat_that_is_throttled_for_hours_waits_alone(office: Office) -> None:
    told = case(office, LATER, "429", "too many requests", asked=HOURS)
    office.bot.throttle(-5, HOURS)
    await prove(office, told)


async def test_several_chats_throttled_together_are_the_bots_own_limit(office: Office) -> None:
    """The first two wait as long as they are told; from the third on it is the lane that waits."""
    chats = lined_up(office, "telegram", ["4", "5", "6", "7", "8"])
    other = office.reader("email", "other@x.test")
    office.publish()
    office.bot.throttle(None, HOURS, times=None)
    summary = await office.drain()
    assert "the bot's own limit" in summary.outages["telegram:default"]
    assert [len(office.story(chat).attempts) for chat in chats] == [1, 1, 0, 0, 0]
    assert len(office.bot.refused) == 3
    assert office.arrived(other)
    office.bot.clear()
    office.clock.ms += (HOURS + 1) * 1000
    await office.drain()
    assert sorted(message.chat for message in office.bot.messages) == [4, 5, 6, 7, 8]
    assert {office.story(chat).delivery for chat in chats} == {"sent"}


async def test_many_errors_of_the_servers_own_in_a_row_are_an_outage(office: Office) -> None:
    """Not everybody has to spend an attempt before the lane rests."""
    chats = lined_up(office, "telegram", [str(number) for number in range(1, 41)])
    office.publish()
    office.bot.fail(times=None)
    async with asyncio.timeout(30), office.engine() as engine, asyncio.TaskGroup() as group:
        with heard("lane telegram:default stopped") as stopped:
            group.create_task(engine.serve())
            await stopped.wait()
        engine.stop()
    charged = [chat for chat in chats if office.story(chat).attempts]
    assert 1 < len(charged) < 40
    office.bot.clear()
    office.clock.ms += LONGEST_REST
    await office.drain()
    assert {office.story(chat).delivery for chat in chats} == {"sent"}
    assert sorted(message.chat for message in office.bot.messages) == list(range(1, 41))


async def test_the_bots_own_limit_outlives_a_restart(office: Office) -> None:
    """Until the time that was asked for, nothing more is tried: by nobody."""
    lined_up(office, "telegram", ["4", "5", "6", "7", "8"])
    office.publish()
    office.bot.throttle(None, HOURS, times=None)
    await office.drain()
    asked = len(office.bot.refused)
    office.clock.ms += (HOURS - 60) * 1000
    await office.drain()
    assert len(office.bot.refused) == asked


async def test_a_group_that_moved_is_followed(office: Office) -> None:
    [chat] = lined_up(office, "telegram", [VICTIM])
    other = office.reader("telegram", FIRST)
    office.publish()
    office.bot.migrate(int(chat), to=-1005)
    await office.drain()
    story = office.story("-1005")
    assert (story.delivery, story.endpoint, [code for _, code, _ in story.attempts]) == ("planned", "active", ["400"])
    office.clock.ms = story.due_at
    await office.drain()
    assert office.story("-1005").delivery == "sent"
    assert len(office.arrived("-1005")) == len(office.arrived(other)) == 1
    assert not office.arrived(chat)


async def test_a_group_that_moved_to_a_chat_with_a_reader_of_its_own_sends_nothing_twice(office: Office) -> None:
    chat, known = lined_up(office, "telegram", [VICTIM, "-1005"])
    office.publish()
    office.bot.migrate(int(chat), to=-1005)
    await office.drain()
    office.clock.ms += 60_000
    await office.drain()
    assert office.story(chat).endpoint == "gone"
    assert office.story(chat).delivery == "suppressed"
    assert len(office.arrived(known)) == 1


async def test_nobody_listens_at_the_bot_api(office: Office) -> None:
    told = case(office, RESTS, "", "connection refused")
    await office.bot.stop()
    await prove(office, told, office.bot.start)


async def test_the_bot_api_does_not_know_the_token(office: Office) -> None:
    told = case(office, RESTS, "", "does not know the bot's token")
    office.bot.token = "43:OTHER"
    await prove(office, told, lambda: setattr(office.bot, "token", "42:TEST"))
