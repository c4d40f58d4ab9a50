"""Telegram's Bot API on the loopback interface, with people, groups and channels that a test drives.

    async with BotApi(token="42:TEST") as api:
        ann = api.user("Ann", language="en")
        ...                                                 # start a bot with api.base_url as its Bot API
        await ann.send("/follow 南昌")
        question = await ann.next()                         # what the bot answers, with text, entities and buttons
        answer = await ann.press(question, "南昌高新区")     # the answerCallbackQuery
        await question.edited()

A bot gets its updates by long polling or by a webhook. What it sends is checked, counted against Telegram's limits and
refused in Telegram's words. Bodies may be JSON, a form or multipart, as in "Making requests" of the Bot API. A method
that the server has not answers 404 until `methods` has it. `docs/testing.md` tells how to test a bot with it.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, suppress
from typing import Any

from aiohttp import web

from dispatch.testing.recording import Inbox
from dispatch.testing.server import LoopbackServer, cut
from dispatch.testing.telegram.bots import BotAccount
from dispatch.testing.telegram.calls import Call, Params, Refusal, Refused, chat_id, read_params
from dispatch.testing.telegram.chats import Chat, PrivateChat, Topic
from dispatch.testing.telegram.faults import InjectedFaults, Page, Silence
from dispatch.testing.telegram.groups import Channel, Group
from dispatch.testing.telegram.keyboards import Button
from dispatch.testing.telegram.limits import Limits, Windows
from dispatch.testing.telegram.members import Member, Status
from dispatch.testing.telegram.messages import Message
from dispatch.testing.telegram.methods import METHODS, Handler
from dispatch.testing.telegram.receiving import get_updates
from dispatch.testing.telegram.sending import MAX_TEXT, ChatMessage, send_document, send_message
from dispatch.testing.telegram.users import CallbackAnswer, InlineAnswer, User
from dispatch.testing.telegram.webhooks import Webhook, push
from dispatch.testing.telegram.world import World

__all__ = [
    "MAX_TEXT",
    "BotAccount",
    "BotApi",
    "Button",
    "CallbackAnswer",
    "Channel",
    "Chat",
    "ChatMessage",
    "Group",
    "InlineAnswer",
    "Limits",
    "Member",
    "Message",
    "PrivateChat",
    "Refusal",
    "Topic",
    "User",
]


class BotApi(LoopbackServer, InjectedFaults):
    """The server, as an async context manager; `base_url` is what `api_base` wants.

    `token` is the first bot's; `bot` adds others. `limits` (None: none) are counted on `clock`, in seconds, which also
    ends queries that wait for an answer too long. `methods` maps further method names to functions from the parameters
    to the result. `messages` are all that bots sent, `refused` the calls that were refused, with their chat.

    Chats are numbers, or names with `@`. With `strangers`, a chat that nobody made takes messages all the same;
    without, it is not found. `webhook_delay` are the seconds until an update that a webhook did not take is posted
    again (None: when `retry_webhooks` says so).
    """

    def __init__(
        self,
        token: str = "42:TEST",
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        strangers: bool = True,
        webhook_delay: float | None = 0.1,
    ) -> None:
        LoopbackServer.__init__(self)
        InjectedFaults.__init__(self)
        self.limits = limits
        self.clock = clock
        self.messages: Inbox[ChatMessage] = Inbox()
        self.refused: Inbox[tuple[int | str, Refusal]] = Inbox()
        self.methods: dict[str, Callable[[Params], Any]] = {}
        self.world = World(clock, strangers=strangers, webhook_delay=webhook_delay)
        self.world.make_bot(token, "bulletin_test_bot", "Bulletin")
        self.world.on_webhook = self._webhook_changed
        self._windows = Windows(clock)
        self._pushing: dict[BotAccount, asyncio.Task[None]] = {}

    # --- who is there

    @property
    def token(self) -> str:
        """The first bot's token; another one makes the old one invalid."""
        return self.me.token

    @token.setter
    def token(self, token: str) -> None:
        self.me.token = token

    @property
    def me(self) -> BotAccount:
        """The first bot."""
        return self.world.bots[0]

    def bot(self, token: str, username: str, name: str = "") -> BotAccount:
        """Another bot, with a token, updates, chats and limits of its own."""
        return self.world.make_bot(token, username, name or username)

    def user(
        self,
        name: str,
        *,
        id: int | None = None,  # noqa: A002 - what the Bot API calls it
        language: str = "",
        username: str = "",
        started: bool = False,
    ) -> User:
        """A person. `started`: has pressed start before, so that the first bot may write."""
        user = self.world.make_user(name, id, language=language, username=username)
        user.chat.started = started
        return user

    def group(
        self,
        title: str,
        *,
        id: int | None = None,  # noqa: A002 - what the Bot API calls it
        members: Mapping[User, Status] | None = None,
        supergroup: bool = True,
        forum: bool = False,
        username: str = "",
        bot: Status = "member",
    ) -> Group:
        """A group in which these people and the first bot have always been (`bot="left"`: the bot has not)."""
        group = self.world.make_group(title, id, supergroup=supergroup, forum=forum, username=username)
        people: dict[User | BotAccount, Status] = dict((members or {}).items())
        self.world.join(group, people | {self.me: bot})
        return group

    def channel(
        self,
        title: str,
        *,
        id: int | None = None,  # noqa: A002 - what the Bot API calls it
        username: str = "",
        admins: Iterable[User] = (),
        bot: Status = "administrator",
    ) -> Channel:
        """A channel, owned by the first of `admins`."""
        channel = self.world.make_channel(title, id, username=username)
        people: dict[User | BotAccount, Status] = dict.fromkeys(admins, "administrator")
        people |= dict.fromkeys(list(people)[:1], "creator")
        self.world.join(channel, people | {self.me: bot})
        return channel

    def chat(self, number: int | str) -> Chat:
        """The chat that the first bot means by this id or `@name`. Raises KeyError where there is none."""
        try:
            return self.world.chat(self.me, number)
        except Refused as error:
            raise KeyError(number) from error

    # --- waiting, and what time does

    async def settled(self, within: float = 10.0) -> None:
        """Wait until every update is confirmed, every query answered, and no call but getUpdates in flight.

        A bot that confirms updates before it has handled them may still be at work: wait for what it does. Raises
        AssertionError, with what is left, after `within` seconds.
        """
        await self.world.settled(within)

    async def polled(self, count: int = 1, within: float = 10.0) -> None:
        """Wait until getUpdates was called so often: a bot is there. Raises TimeoutError."""
        if not await self.world.signal.until(lambda: self.world.polls >= count, within):
            raise TimeoutError(f"getUpdates was called {self.world.polls} times, not {count}")

    def redeliver(self, count: int = 1, bot: BotAccount | None = None) -> None:
        """Give the last `count` confirmed updates once more, as after a confirmation that was lost."""
        (bot or self.me).updates.redeliver(count)

    def retry_webhooks(self) -> None:
        """Post now what a webhook did not take."""
        for bot in self.world.bots:
            if bot.webhook is not None:
                bot.webhook.retries_asked += 1
        self.world.signal.notify()

    def expire_queries(self) -> None:
        """From now on it is too late to answer the queries asked so far."""
        self.world.expire_queries()

    def forget_inline(self) -> None:
        """Forget the answers to inline queries that are remembered for their `cache_time`."""
        self.world.forget_inline()

    # --- serving

    async def start(self) -> None:
        """Listen; a second start after `stop` listens on the same port and goes on posting to webhooks."""
        await super().start()
        for bot in self.world.bots:
            if bot.webhook is not None:
                self._webhook_changed(bot)

    async def stop(self) -> None:
        """Stop listening, and end what is still being answered or posted."""
        self.stopping.set()
        self.world.signal.notify()
        tasks, self._pushing = list(self._pushing.values()), {}
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        await super().stop()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request as the Bot API does."""
        token, _, method = request.path.removeprefix("/bot").partition("/")
        if not request.path.startswith("/bot") or not method:
            return Refusal(404, "Not Found").response()
        bot = next((bot for bot in self.world.bots if bot.token == token), None)
        if bot is None:
            return Refusal(401, "Unauthorized").response()
        call = Call(self.world, bot, method, await read_params(request))
        busy = nullcontext() if method.lower() == "getupdates" else self.world.under_way()
        with busy:
            answer = await self._answer(call)
        return await self._silent(request, answer) if isinstance(answer, Silence) else answer

    async def _answer(self, call: Call) -> web.Response | Silence:
        fault = self._faults.take(call)
        if isinstance(fault, Page):
            return web.Response(status=fault.status, text=fault.body, content_type=fault.content_type)
        if isinstance(fault, Silence) and not fault.keep:
            return fault
        outcome = fault if isinstance(fault, Refusal) else await self._outcome(call)
        if isinstance(outcome, Refusal):
            self.refused.put((call.chat_id, outcome))
        if isinstance(fault, Silence):
            return fault
        return (
            outcome.response() if isinstance(outcome, Refusal) else web.json_response({"ok": True, "result": outcome})
        )

    async def _outcome(self, call: Call) -> Any:
        """A call's result, or the Refusal of it."""
        try:
            result = self._handler(call)(call)
            return await result if inspect.isawaitable(result) else result
        except Refused as error:
            return error.refusal

    def _handler(self, call: Call) -> Handler:
        name = call.method.lower()
        added = {key.lower(): function for key, function in self.methods.items()}
        if name in added:
            return lambda call: added[name](call.params)
        if name == "sendmessage":
            return lambda call: self._send(call, send_message)
        if name == "senddocument":
            return lambda call: self._send(call, send_document)
        if name == "getupdates":
            return lambda call: get_updates(call, self.stopping.is_set)
        if name in METHODS:
            return METHODS[name]
        raise Refused(Refusal(404, "Not Found: method not found"))

    def _send(self, call: Call, send: Callable[[Call, Limits | None, Windows], Message]) -> Any:
        sent = send(call, self.limits, self._windows)
        chat = chat_id(call.params.get("chat_id"))
        self.messages.put(
            ChatMessage(
                chat, sent.html, sent.text, sent.entities, sent.at, sent.message_id, call.params,
                call.bot.username, sent.thread,
            )
        )  # fmt: skip
        return sent.json()

    async def _silent(self, request: web.Request, fault: Silence) -> web.Response:
        if fault.stall:
            await self.stopping.wait()
        return cut(request)

    def _webhook_changed(self, bot: BotAccount) -> None:
        """Let the bot's pushing follow its webhook."""
        task = self._pushing.pop(bot, None)
        if task is not None:
            task.cancel()
        if bot.webhook is not None:
            self._pushing[bot] = asyncio.create_task(self._push(bot, bot.webhook))

    async def _push(self, bot: BotAccount, webhook: Webhook) -> None:
        await push(self.world, bot, webhook, self._called_back)

    async def _called_back(self, bot: BotAccount, method: str, params: Params) -> None:
        """Carry out a method that stood in a webhook's answer; what becomes of it, nobody tells the bot."""
        call = Call(self.world, bot, method, params)
        outcome = await self._outcome(call)
        if isinstance(outcome, Refusal):
            self.refused.put((call.chat_id, outcome))
