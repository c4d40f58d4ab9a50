"""The bots that channel and conversation share: one pace, one throttle, one connection to the Bot API."""

from __future__ import annotations

import subprocess
import sys

import pytest
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import SendMessage

from dispatch.assets import templates_dir
from dispatch.channels.telegram import TelegramChannel
from dispatch.channels.telegram_bots import Bots, Chats
from dispatch.delivery.channel import grouping_of, pace_of
from dispatch.delivery.clock import SystemClock
from dispatch.digests.render import Renderer
from dispatch.errors import SettingsError
from dispatch.model import Retry
from dispatch.settings import TelegramSettings
from dispatch.testing.bot_api import BotApi
from tests.channels.test_telegram import content, envelope, linked


def settings_for(base: str = "http://127.0.0.1:1", **changes: object) -> TelegramSettings:
    return TelegramSettings.model_validate({"token": "42:TEST", "api_base": base, **changes})


def test_the_first_bot_has_the_plain_queue_and_each_its_own_pace() -> None:
    bots = Bots(settings_for(bots=[{"name": "second", "token": "43:TEST", "rate": 5}]), SystemClock())
    assert [(bot.name, bot.queue, bot.lane.beside) for bot in bots] == [
        ("default", "telegram", "bot/default"),
        ("second", "telegram:second", "bot/second"),
    ]
    assert bots.get("second").pace.rate == 5
    assert bots.get("default").pace is not bots.get("second").pace
    with pytest.raises(SettingsError, match="there is no bot third; there are: default, second"):
        bots.get("third")


def test_a_channel_shares_the_pace_of_the_bots_it_is_given_and_has_its_own_without() -> None:
    settings = settings_for()
    renderer = Renderer(templates_dir(), None, linked)
    bots = Bots(settings, SystemClock())
    shared = TelegramChannel(settings, renderer, bots)
    (lane,) = shared.lanes("telegram")
    assert pace_of(shared, lane) is bots.get("default").pace
    assert pace_of(TelegramChannel(settings, renderer), lane) is None


def test_a_group_with_its_topics_is_one_and_private_chats_have_no_limits_but_the_lanes() -> None:
    settings = settings_for()
    chats = Chats(settings)
    found = [chats.group(address) for address in ("-1005", "-1005/7", "-1005/8", "-10051", "@news", "7")]
    assert found == ["-1005", "-1005", "-1005", "-10051", "@news", ""]
    assert chats.limits("-1005").rate == pytest.approx(20 / 60)
    assert grouping_of(TelegramChannel(settings, Renderer(templates_dir(), None, linked))) is not None


async def test_replies_are_sent_and_what_is_refused_for_several_slows_the_bot() -> None:
    async with BotApi() as api:
        bots = Bots(settings_for(api.base_url, rate=20), SystemClock())
        bot = bots.get("default")
        sent = await bot.call(SendMessage(chat_id=7, text="hello"), "7")
        assert (sent.message_id, api.messages[0].text) == (1, "hello")
        api.throttle(None, retry_after=1, times=3)
        for chat in (4, 5):
            with pytest.raises(TelegramRetryAfter):
                await bot.call(SendMessage(chat_id=chat, text="x"), str(chat))
        assert bot.pace.rate == 20, "one busy chat, or two, are not the bot's limit"
        with pytest.raises(TelegramRetryAfter):
            await bot.call(SendMessage(chat_id=6, text="x"), "6")
        assert bot.pace.rate == 10
        await bot.call(SendMessage(chat_id=8, text="x"), "8")
        assert 10 < (bot.pace.rate or 0) < 11
        await bots.close()


async def test_a_closed_bot_opens_again() -> None:
    async with BotApi() as api:
        bot = Bots(settings_for(api.base_url), SystemClock()).get("default")
        for text in ("one", "two"):
            await bot.call(SendMessage(chat_id=len(text), text=text), text)
            await bot.close()
        assert [message.text for message in api.messages] == ["one", "two"]


async def test_the_broadcasts_refusals_count_with_those_of_replies() -> None:
    async with BotApi() as api:
        settings = settings_for(api.base_url)
        bots = Bots(settings, SystemClock())
        channel = TelegramChannel(settings, Renderer(templates_dir(), None, linked), bots)
        api.throttle(None, retry_after=1, times=3)
        for chat in (4, 5):
            with pytest.raises(TelegramRetryAfter):
                await bots.get("default").call(SendMessage(chat_id=chat, text="x"), str(chat))
        (lane,) = channel.lanes("telegram")
        async with channel.open(lane) as connection:
            outcome = await connection.send(envelope(), channel.render(content("一句。")), 0)
        await bots.close()
    assert isinstance(outcome, Retry)
    assert (outcome.outage, outcome.code) == (True, "429")


def test_making_bots_imports_nothing_of_telegram() -> None:
    code = (
        "import sys\n"
        "from dispatch.channels.telegram_bots import Bots\n"
        "from dispatch.delivery.clock import SystemClock\n"
        "from dispatch.settings import TelegramSettings\n"
        "import dispatch.channels.telegram_buttons\n"
        "assert len(list(Bots(TelegramSettings(token='1:a'), SystemClock()))) == 1\n"
        "sys.exit('aiogram' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
