"""The bots that the program is: one paced connection to the Bot API each, for the broadcast and the replies alike.

aiogram takes 170 MB and a second to import, so that is done when a bot is first used (`load`).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from dispatch.channels.throttle import Throttle
from dispatch.delivery.channel import GroupLimits, Lane
from dispatch.delivery.clock import Clock
from dispatch.delivery.pace import Pace, is_group
from dispatch.errors import SettingsError
from dispatch.settings import Bot as BotSettings
from dispatch.settings import TelegramSettings
from subscribers.addresses import telegram_place

if TYPE_CHECKING:
    from aiogram import Bot
    from aiogram.methods import TelegramMethod

    Result = TypeVar("Result")

_REPLIES = 8  # requests beside the broadcast's: updates are asked for and replies are given meanwhile
_TOPICS = 1_000  # that are remembered as deleted
_MOST = 200  # messages of a lane that wait for their chats between two parts


class Told:
    """Topics of whose end their chats were told: what was on its way to one when it was deleted meets it again."""

    def __init__(self) -> None:
        self._addresses: set[str] = set()

    def is_news(self, address: str) -> bool:
        """Whether a topic (`-100123/45`) was not told of yet; it counts as told from now on."""
        if address in self._addresses:
            return False
        if len(self._addresses) >= _TOPICS:
            self._addresses.clear()
        self._addresses.add(address)
        return True

    def forget(self, address: str) -> None:
        """It could not be told."""
        self._addresses.discard(address)


class SharedBot:
    """A bot of the settings. Chats that it is with have their messages in `queue`; `lane` sends these."""

    def __init__(self, settings: BotSettings, queue: str, clock: Clock, *, resend_unknown: bool = True) -> None:
        self.settings = settings
        self.queue = queue
        self.lane = _lane(settings, queue, resend_unknown=resend_unknown)
        self.pace = Pace(self.lane, clock)
        self.throttle = Throttle()
        self.deleted_topics = Told()
        self._api: Bot | None = None

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def api(self) -> Bot:
        """aiogram's bot, made when it is first asked for; nothing is asked of the server for it."""
        if self._api is None:
            self._api = _make_bot(self.settings)
        return self._api

    async def load(self) -> Bot:
        """The same, with what it takes imported in a thread: it takes seconds on a slow machine, and leases and other
        lanes go on meanwhile."""
        await asyncio.to_thread(import_module, "dispatch.channels.bot_session")
        return self.api

    async def call(
        self,
        method: TelegramMethod[Result],
        chat: str,
        *,
        urgent: bool = True,
        begin: Callable[[], Awaitable[None]] | None = None,
    ) -> Result:
        """Ask for a method that writes to a chat (an id or @name, with or without a topic), at the pace of the bot;
        what is `urgent` goes before the broadcast. `begin` is awaited when its turn has come, before anything is sent.
        Raises what aiogram does, 429 included: wait for that elsewhere."""
        from aiogram.exceptions import TelegramRetryAfter

        bot = await self.load()
        well = False
        await self.pace.acquire(chat, urgent=urgent)
        try:
            if begin is not None:
                await begin()
            result = await bot(method)
            well = True
        except TelegramRetryAfter:
            if self.throttle.refused(chat):
                self.pace.slow_down()
            raise
        finally:
            self.pace.done(chat, well=well)
        self.throttle.accepted()
        return result

    async def close(self) -> None:
        """Give the connections back; the next use opens new ones."""
        api, self._api = self._api, None
        if api is not None:
            await api.session.close()


class Bots:
    """All bots that have a token, by name; the first one has the queue `telegram`."""

    def __init__(self, settings: TelegramSettings, clock: Clock) -> None:
        usable = [bot for bot in settings.all_bots if bot.token.get_secret_value()]
        self._bots = {
            bot.name: SharedBot(bot, queue_of(bot.name, place), clock, resend_unknown=settings.resend_unknown)
            for place, bot in enumerate(usable)
        }

    def __iter__(self) -> Iterator[SharedBot]:
        return iter(self._bots.values())

    def get(self, name: str) -> SharedBot:
        """Raises SettingsError for a name that no bot has."""
        if name not in self._bots:
            raise SettingsError(f"there is no bot {name}; there are: {', '.join(self._bots) or 'none'}")
        return self._bots[name]

    def of_queue(self, queue: str) -> SharedBot | None:
        """The bot that the chats of a queue are with."""
        return next((bot for bot in self if bot.queue == queue), None)

    async def close(self) -> None:
        for bot in self:
            await bot.close()


class Chats:
    """How chats fall into groups with limits of their own, whose messages wait without holding up the others': a
    Telegram group or channel, with all topics of its forum, is one. Fulfils `dispatch.delivery.channel.Grouping`.
    """

    def __init__(self, settings: TelegramSettings) -> None:
        bots = settings.all_bots or (settings,)
        self._interval = max(bot.group_interval for bot in bots)
        self._private = max(bot.chat_interval for bot in bots)

    def group(self, address: str) -> str:
        chat, _ = telegram_place(address)
        return chat if is_group(chat) else ""

    def own_group(self, address: str) -> str:
        return telegram_place(address)[0]

    def limits(self, group: str) -> GroupLimits:
        interval = self._interval if is_group(group) else self._private
        return GroupLimits(connections=1, rate=1 / interval if interval else None, backoff=1.0)


def queue_of(name: str, place: int) -> str:
    """The queue of the bot at a place, from 0, of the settings."""
    return "telegram" if place == 0 else f"telegram:{name}"


def lease_of(name: str) -> str:
    """What the process holds that talks to a bot's chat users."""
    return f"bot/{name}"


def _lane(bot: BotSettings, queue: str, *, resend_unknown: bool) -> Lane:
    """As many messages in parts may wait for their chats between two parts as go out meanwhile."""
    waiting = math.ceil(bot.rate * max(bot.chat_interval, bot.group_interval))
    return Lane(
        name=f"telegram:{bot.name}",
        queue=queue,
        connections=bot.connections,
        waiting=min(waiting, _MOST),
        rate=bot.rate,
        address_interval=bot.chat_interval,
        group_interval=bot.group_interval,
        beside=lease_of(bot.name),
        marked=True,
        resend_unknown=resend_unknown,
    )


def _make_bot(settings: BotSettings) -> Bot:
    from aiogram import Bot
    from aiogram.client.telegram import TelegramAPIServer

    from dispatch.channels.bot_session import BoundedSession

    server = TelegramAPIServer.from_base(settings.api_base)
    session = BoundedSession(api=server, limit=settings.connections + _REPLIES, timeout=settings.timeout)
    return Bot(settings.token.get_secret_value(), session=session)
