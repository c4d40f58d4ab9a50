"""Who and what there is: bots, people, groups and channels, and what they ask each other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from dispatch.testing.telegram.bots import BotAccount
from dispatch.testing.telegram.calls import Json, refuse
from dispatch.testing.telegram.chats import Chat, PrivateChat, SharedChat
from dispatch.testing.telegram.groups import Channel, Group
from dispatch.testing.telegram.members import Member, Status
from dispatch.testing.telegram.messages import Message
from dispatch.testing.telegram.profile import offered
from dispatch.testing.telegram.signal import Signal
from dispatch.testing.telegram.users import CallbackAnswer, InlineAnswer, User

Answer = CallbackAnswer | InlineAnswer
QUERY_SECONDS = 30.0
"""How long a query may be answered, on the world's clock."""


@dataclass(eq=False, slots=True)
class Query:
    """A callback query or inline query that waits for the bot's answer; `expired` once that comes too late."""

    id: str
    bot: BotAccount
    kind: str
    body: Json
    at: float
    answer: asyncio.Future[Answer]
    expired: bool = False


class World:
    """All that the server knows. A test reaches it through `BotApi`."""

    def __init__(self, clock: Callable[[], float], *, strangers: bool, webhook_delay: float | None) -> None:
        self.clock = clock
        self.strangers = strangers
        self.webhook_delay = webhook_delay
        self.signal = Signal()
        self.bots: list[BotAccount] = []
        self.users: dict[int, User] = {}
        self.shared: dict[int, SharedChat] = {}
        self.queries: dict[str, Query] = {}
        self.on_webhook: Callable[[BotAccount], None] = lambda bot: None
        self.anonymous_admin = User(self, 1087968824, "Group", username="GroupAnonymousBot")
        self.anonymous_admin.is_bot = True
        self._private: dict[tuple[int, str], PrivateChat] = {}
        self._inline_cache: dict[tuple[str, str, str, int], tuple[float, InlineAnswer]] = {}
        self._inline_messages: dict[str, Message] = {}
        self.polls = 0
        self._busy = 0
        self._ids = {kind: count(first) for kind, first in _FIRST_IDS.items()}
        self._message_ids: dict[int, Iterator[int]] = {}
        self._own_message_ids = count(1)

    def now(self) -> int:
        return int(time.time())

    # --- making

    def make_bot(self, token: str, username: str, name: str) -> BotAccount:
        bot = BotAccount(self, token, username, name)
        self.bots.append(bot)
        return bot

    def make_user(self, name: str, number: int | None = None, *, language: str = "", username: str = "") -> User:
        user = User(self, self._free("user", number), name, language=language, username=username)
        self.users[user.id] = user
        return user

    def make_group(
        self, title: str, number: int | None = None, *, supergroup: bool = True, forum: bool = False, username: str = ""
    ) -> Group:
        group_id = self._free("supergroup" if supergroup else "group", number)
        group = Group(self, group_id, title, supergroup=supergroup, forum=forum, username=username)
        self.shared[group_id] = group
        return group

    def make_channel(self, title: str, number: int | None = None, *, username: str = "") -> Channel:
        channel = Channel(self, self._free("supergroup", number), title, username)
        self.shared[channel.id] = channel
        return channel

    def join(self, chat: SharedChat, members: Mapping[User | BotAccount, Status]) -> None:
        """Let them be there as if they always had been: nobody is told."""
        chat.members |= {who.id: Member(who, status) for who, status in members.items()}

    def _free(self, kind: str, number: int | None) -> int:
        if number is not None:
            return number
        step = 1 if kind == "user" else -1
        return next(
            found for n in self._ids[kind] if (found := step * n) not in self.users and found not in self.shared
        )

    def next_message_id(self, chat: Chat) -> int:
        """Supergroups and channels count by themselves; all other chats count together, as they do for an account.
        The first message of the former says that they were made: so no topic gets the number of General, 1."""
        if chat.type in ("supergroup", "channel"):
            return next(self._message_ids.setdefault(chat.id, count(2)))
        return next(self._own_message_ids)

    # --- finding

    def is_bot(self, who: object) -> bool:
        return any(who is bot for bot in self.bots)

    def bot_of(self, message: Message) -> BotAccount:
        """The bot that hears of a button's press."""
        bot = message.via_bot or next((bot for bot in self.bots if bot is message.sender), None)
        if bot is None:
            raise ValueError("no bot sent this message")
        return bot

    def private_chat(self, user: User, bot: BotAccount) -> PrivateChat:
        key = (user.id, bot.username)
        if key not in self._private or self._private[key].user is not user:
            self._private[key] = PrivateChat(self, user, bot)
        return self._private[key]

    def share_a_group(self, user: User, bot: BotAccount) -> bool:
        return any(chat.member(user).is_present and chat.member(bot).is_present for chat in self.shared.values())

    def chat(self, bot: BotAccount, number: int | str, *, make: bool = False) -> Chat:
        """The chat that a bot means. `make`: one that nobody made is begun, if strangers are allowed.

        Raises Refused where there is none.
        """
        if number == "":
            raise refuse("chat_id is empty")
        if isinstance(number, int) and number > 0:
            if number in self.users:
                return self.private_chat(self.users[number], bot)
        else:
            found = self._find_shared(number)
            if found is not None:
                return found
        if make and self.strangers:
            return self._stranger(bot, number)
        raise refuse("chat not found")

    def _find_shared(self, number: int | str) -> SharedChat | None:
        if isinstance(number, int):
            return self.shared.get(number)
        name = number.removeprefix("@").lower()
        return next((chat for chat in self.shared.values() if chat.username.lower() == name), None)

    def _stranger(self, bot: BotAccount, number: int | str) -> Chat:
        if isinstance(number, int) and number > 0:
            private = self.private_chat(self.make_user(f"User {number}", number), bot)
            private.started = True
            return private
        if isinstance(number, int):
            chat: SharedChat = self.make_group(f"Group {number}", number, supergroup=str(number).startswith("-100"))
        elif number.startswith("@"):
            chat = self.make_channel(number, username=number.removeprefix("@"))
        else:
            raise refuse("chat not found")
        chat.open = True
        return chat

    # --- asking the bot

    async def ask(self, bot: BotAccount, kind: str, body: Json, within: float) -> Answer:
        """Queue a query, and wait for its answer. Raises AssertionError where none comes."""
        number = str(next(self._ids["query"]))
        query = Query(number, bot, kind, body, self.clock(), asyncio.get_running_loop().create_future())
        self.queries[number] = query
        bot.tell(kind, {"id": number} | body)
        try:
            async with asyncio.timeout(within):
                return await query.answer
        except TimeoutError:
            query.expired = True
            self.signal.notify()
            raise AssertionError(
                f"the bot did not answer the {kind}: {body.get('data', body.get('query'))!r}"
            ) from None

    def open_query(self, number: str, bot: BotAccount, kind: str) -> Query:
        """The query that a bot answers. Raises Refused where it is too old, answered, or not the bot's."""
        query = self.queries.get(number)
        known = query is not None and query.bot is bot and query.kind == kind and not query.answer.done()
        if query is None or not known or query.expired or self.clock() - query.at > QUERY_SECONDS:
            if query is not None:
                query.expired = True
            raise refuse("query is too old and response timeout expired or query ID is invalid")
        return query

    def settle(self, query: Query, answer: Answer) -> None:
        query.answer.set_result(answer)
        if isinstance(answer, InlineAnswer) and answer.cache_time > 0:
            self._remember(query, answer)
        self.signal.notify()

    def expire_queries(self) -> None:
        """From now on every query that was asked is too old."""
        for query in self.queries.values():
            query.expired = True
        self.signal.notify()

    def _remember(self, query: Query, answer: InlineAnswer) -> None:
        who = query.body["from"]["id"] if answer.personal else 0
        key = (query.bot.username, query.body["query"], query.body["offset"], who)
        self._inline_cache[key] = (self.clock() + answer.cache_time, answer)

    def cached_inline(self, bot: BotAccount, user: User, query: str, offset: str) -> InlineAnswer | None:
        """What Telegram still remembers of an earlier answer."""
        for who in (0, user.id):
            until, answer = self._inline_cache.get((bot.username, query, offset, who), (0.0, None))
            if answer is not None and self.clock() < until:
                return answer
        return None

    def forget_inline(self) -> None:
        self._inline_cache.clear()

    def note_inline(self, message: Message) -> None:
        """Give a message sent via a bot the id by which the bot can edit it."""
        message.inline_message_id = f"inline-{next(self._ids['query'])}"
        self._inline_messages[message.inline_message_id] = message

    def inline_message(self, number: str) -> Message:
        try:
            return self._inline_messages[number]
        except KeyError:
            raise refuse("MESSAGE_ID_INVALID") from None

    def offered(self, bot: BotAccount, user: User, chat: Chat) -> list[Json]:
        return offered(bot, user, chat)

    # --- waiting

    def polled(self) -> None:
        """Count a call of getUpdates, so that a test can wait for a bot to be there."""
        self.polls += 1
        self.signal.notify()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """While something is being answered, the world is not settled."""
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            self.signal.notify()

    async def settled(self, within: float = 10.0) -> None:
        """Wait until every update is confirmed, every query answered, and no call in flight.

        A bot that confirms updates before it has handled them may still be at work: wait for what it does.
        Raises AssertionError, with what is left, after `within` seconds.
        """
        if not await self.signal.until(lambda: not self._left(), within):
            raise AssertionError(f"not settled: {self._left()}")

    def _left(self) -> list[Any]:
        left: list[Any] = [f"{self._busy} calls in flight"] if self._busy else []
        left += [update for bot in self.bots for update in bot.updates.pending]
        return left + [query.body for query in self.queries.values() if not query.answer.done() and not query.expired]


_FIRST_IDS = {"user": 100_001, "group": 500_001, "supergroup": 1_000_000_500_001, "query": 7_000_000_001}
