"""Telegram's Bot API on the loopback interface: getMe and sendMessage, with Telegram's checks, limits and refusals.

    async with BotApi(token="42:TEST") as api:
        api.block(7)
        bot = Bot("42:TEST", session=AiohttpSession(api=TelegramAPIServer.from_base(api.base_url)))
        await bot.send_message(8, "<b>hello</b>", parse_mode="HTML")
        assert api.messages[0].text == "hello"

Bodies may be JSON, a form or multipart, as in "Making requests" of the Bot API. Other methods answer 404 until
`methods` has them.
"""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from dispatch.testing.recording import Inbox, Prepared
from dispatch.testing.server import LoopbackServer, cut
from dispatch.testing.telegram_html import CannotParse, Entity, ParsedText, parse_html, utf16_length

MAX_TEXT = 4096

Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One accepted message: `html` as it was sent, `text` and `entities` as Telegram shows them, all parameters,
    and `at` on the server's clock."""

    chat: int | str
    html: str
    text: str
    entities: tuple[Entity, ...]
    at: float
    message_id: int
    params: Params = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer with `ok: false` (Bot API, "Making requests", `ResponseParameters`)."""

    status: int
    description: str
    parameters: Mapping[str, int] = field(default_factory=dict)

    def response(self) -> web.Response:
        body: dict[str, Any] = {"ok": False, "error_code": self.status, "description": self.description}
        if self.parameters:
            body["parameters"] = dict(self.parameters)
        return web.json_response(body, status=self.status)


@dataclass(frozen=True, slots=True)
class _Silence:
    """No answer of the Bot API: the connection is reset, or stays open without a word. `keep`: the message was taken
    all the same."""

    stall: bool = False
    keep: bool = False


@dataclass(frozen=True, slots=True)
class _Page:
    """An answer that is none of the Bot API's, as a proxy before it gives."""

    status: int
    body: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Messages a second for the bot, seconds between two in a chat, messages a minute in a group; a sliding window
    each (Bot API FAQ, "My bot is hitting limits")."""

    bot_per_second: int = 30
    chat_per_second: int = 1
    group_per_minute: int = 20


class BotApi(LoopbackServer):
    """The server, as an async context manager; `base_url` is what `api_base` wants.

    `limits` (None: none) are counted on `clock`, in seconds. `methods` maps further method names to functions from
    the parameters to the result. Chats are numbers, or names with `@`, as they come in.
    """

    def __init__(
        self,
        token: str = "42:TEST",
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.token = token
        self.limits = limits
        self.clock = clock
        self.messages: Inbox[ChatMessage] = Inbox()
        self.refused: Inbox[tuple[int | str, Refusal]] = Inbox()
        self.methods: dict[str, Callable[[Params], Any]] = {"getMe": lambda params: self._me()}
        self._faults: Prepared[int | str, Refusal | _Silence | _Page] = Prepared()
        self._windows: dict[object, deque[float]] = {}

    def answer(
        self,
        chat: int | str | None,
        status: int,
        description: str,
        *,
        retry_after: int | None = None,
        migrate_to: int | None = None,
        times: int | None = None,
    ) -> None:
        """Refuse the next `times` messages (None: all) to `chat` (None: any) with this status and description."""
        parameters = {"retry_after": retry_after, "migrate_to_chat_id": migrate_to}
        given = {name: value for name, value in parameters.items() if value is not None}
        self._faults.add(Refusal(status, description, given), _for(chat), times)

    def block(self, chat: int | str) -> None:
        """From now on the user has blocked the bot."""
        self.answer(chat, 403, "Forbidden: bot was blocked by the user")

    def forget(self, chat: int | str) -> None:
        """From now on there is no such chat."""
        self.answer(chat, 400, "Bad Request: chat not found")

    def migrate(self, chat: int | str, to: int) -> None:
        """From now on the group is a supergroup with another id."""
        description = "Bad Request: group chat was upgraded to a supergroup chat"
        self.answer(chat, 400, description, migrate_to=to)

    def throttle(self, chat: int | str | None, retry_after: int, times: int | None = 1) -> None:
        """Answer 429 with this `retry_after`."""
        description = f"Too Many Requests: retry after {retry_after}"
        self.answer(chat, 429, description, retry_after=retry_after, times=times)

    def fail(self, chat: int | str | None = None, status: int = 502, times: int | None = 1) -> None:
        """Answer with an error of the server's own."""
        self.answer(chat, status, "Bad Gateway" if status == 502 else "Internal Server Error", times=times)

    def close_connection(self, chat: int | str | None = None, times: int | None = 1, *, keep: bool = False) -> None:
        """Reset the connection instead of an answer; with `keep`, the message was taken before."""
        self._faults.add(_Silence(keep=keep), _for(chat), times)

    def stall(self, chat: int | str | None = None, times: int | None = 1, *, keep: bool = False) -> None:
        """Never answer; with `keep`, the message was taken before."""
        self._faults.add(_Silence(stall=True, keep=keep), _for(chat), times)

    def babble(
        self,
        chat: int | str | None = None,
        body: str = "<html><h1>Bad Gateway</h1></html>",
        *,
        status: int = 502,
        content_type: str = "text/html",
        times: int | None = 1,
    ) -> None:
        """Answer with a body that is no answer of the Bot API's."""
        self._faults.add(_Page(status, body, content_type), _for(chat), times)

    def clear(self) -> None:
        """Forget every fault; what was received stays."""
        self._faults.clear()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request as the Bot API does."""
        token, _, method = request.path.removeprefix("/bot").partition("/")
        if not request.path.startswith("/bot") or not method:
            return Refusal(404, "Not Found").response()
        if token != self.token:
            return Refusal(401, "Unauthorized").response()
        params = await _params(request)
        if method.lower() == "sendmessage":
            return await self._send_message(request, params)
        known = {name.lower(): function for name, function in self.methods.items()}
        if method.lower() not in known:
            return Refusal(404, "Not Found: method not found").response()
        return _ok(known[method.lower()](params))

    async def _send_message(self, request: web.Request, params: Params) -> web.Response:
        chat = _chat(params.get("chat_id"))
        fault = self._faults.take(chat) if chat != "" else None
        if isinstance(fault, _Page):
            return web.Response(status=fault.status, text=fault.body, content_type=fault.content_type)
        if isinstance(fault, _Silence) and not fault.keep:
            return await self._silent(request, fault)
        outcome = fault if isinstance(fault, Refusal) else self._checked(chat, params)
        if isinstance(outcome, Refusal):
            self.refused.put((chat, outcome))
            return outcome.response()
        answer = self._accept(chat, params, outcome)
        return await self._silent(request, fault) if isinstance(fault, _Silence) else answer

    async def _silent(self, request: web.Request, fault: _Silence) -> web.Response:
        if fault.stall:
            await self.stopping.wait()
        return cut(request)

    def _checked(self, chat: int | str, params: Params) -> ParsedText | Refusal:
        """The text as Telegram reads it, or why it is refused; a refusal does not count towards the limits."""
        if chat == "":
            return Refusal(400, "Bad Request: chat_id is empty")
        try:
            parsed = _parse(params)
        except CannotParse as error:
            return Refusal(400, f"Bad Request: can't parse entities: {error}")
        if not parsed.text.strip():
            return Refusal(400, "Bad Request: message text is empty")
        if utf16_length(parsed.text.strip()) > MAX_TEXT:
            return Refusal(400, "Bad Request: message is too long")
        return self._over_limit(chat) or parsed

    def _over_limit(self, chat: int | str) -> Refusal | None:
        if self.limits is None:
            return None
        now = self.clock()
        rules: list[tuple[object, int, float]] = [
            ("bot", self.limits.bot_per_second, 1.0),
            (chat, self.limits.chat_per_second, 1.0),
        ]
        if str(chat).startswith("-"):
            rules.append((("group", chat), self.limits.group_per_minute, 60.0))
        wait = max(self._wait(key, count, seconds, now) for key, count, seconds in rules)
        if wait > 0:
            after = math.ceil(wait)
            return Refusal(429, f"Too Many Requests: retry after {after}", {"retry_after": after})
        for key, _, _ in rules:
            self._windows[key].append(now)
        return None

    def _wait(self, key: object, count: int, seconds: float, now: float) -> float:
        """Seconds until this window has room; 0 where it has room now."""
        window = self._windows.setdefault(key, deque())
        while window and window[0] <= now - seconds:
            window.popleft()
        return window[0] + seconds - now if len(window) >= count else 0.0

    def _accept(self, chat: int | str, params: Params, parsed: ParsedText) -> web.Response:
        number = len(self.messages) + 1
        html = str(params.get("text", ""))
        self.messages.put(ChatMessage(chat, html, parsed.text, parsed.entities, self.clock(), number, params))
        return _ok(
            {
                "message_id": number,
                "from": self._me(),
                "chat": {"id": chat if isinstance(chat, int) else number, "type": _chat_type(chat)},
                "date": int(time.time()),
                "text": parsed.text,
            }
        )

    def _me(self) -> dict[str, Any]:
        number = int(self.token.partition(":")[0])
        return {"id": number, "is_bot": True, "first_name": "Bulletin", "username": "bulletin_test_bot"}


def _for(chat: int | str | None) -> Callable[[int | str], bool]:
    return lambda asked: chat is None or asked == chat


def _ok(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _chat(value: object) -> int | str:
    """A chat id as a number where it is one; "" where it is missing."""
    text = str(value if value is not None else "").strip()
    return int(text) if text.lstrip("-").isdigit() else text


def _chat_type(chat: int | str) -> str:
    if isinstance(chat, int) and chat > 0:
        return "private"
    return "supergroup" if str(chat).startswith("-100") else "group" if isinstance(chat, int) else "channel"


def _parse(params: Params) -> ParsedText:
    text, mode = str(params.get("text", "")), str(params.get("parse_mode") or "").lower()
    if mode == "html":
        return parse_html(text)
    if mode:
        raise CannotParse(f"this server knows the parse mode HTML only, not {mode}")
    return ParsedText(text, ())


async def _params(request: web.Request) -> Params:
    """The parameters from the query and the body, in any of the forms that the Bot API takes."""
    params: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except json.JSONDecodeError:
            body = None
        return params | body if isinstance(body, dict) else params
    return params | dict(await request.post())
