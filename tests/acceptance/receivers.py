"""Receivers that keep a journal of all they accepted: a mail server, a Bot API and a webhook receiver, none of them
ours. They live in threads of their own, so that whoever reads the journal may wait for it.

Each takes its time over a message, half of it after the entry in the journal and before the answer: a sender that is
killed then has sent what it never learns of. And each can be told to take no more than so many for now.
"""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from aiosmtpd.smtp import SMTP

TOKEN = "77:stand-in-token"
CONNECTIONS = 4  # of each lane; there is one a channel
CHANNELS = ("email", "telegram", "webhook")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that a receiver took: to whom, and all of its content, packed: a long run brings many. `id` is the
    webhook's."""

    channel: str
    address: str
    packed: bytes
    id: str = ""

    @classmethod
    def pack(cls, channel: str, address: str, content: bytes, id_: str = "") -> Accepted:
        return cls(channel, address, zlib.compress(content, 1), id_)

    @property
    def content(self) -> bytes:
        return zlib.decompress(self.packed)


class Journal:
    """What was accepted, in order. `until` waits for anything that changes together with `tell`."""

    def __init__(self) -> None:
        self._entries: list[Accepted] = []
        self._counts: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._most: dict[str, float] = dict.fromkeys(CHANNELS, math.inf)
        self._turn = 0

    def add(self, entry: Accepted) -> bool:
        """Enter a message, as soon as its channel may take one more. False where the turn it came in is over before."""
        with self._changed:
            turn, channel = self._turn, entry.channel
            self._changed.wait_for(lambda: self._turn != turn or self._counts[channel] < self._most[channel])
            if self._turn != turn:
                return False
            self._entries.append(entry)
            self._counts[channel] += 1
            self._changed.notify_all()
            return True

    def turn(self, most: float = math.inf) -> None:
        """From now on take so many more of each channel. What waits to be taken is refused, and no more is known of it:
        its sender is gone."""
        with self._changed:
            self._turn += 1
            self._most = {channel: self._counts[channel] + most for channel in CHANNELS}
            self._changed.notify_all()

    def take(self, most: float = math.inf) -> None:
        """From now on take so many more of each channel; what waits comes first."""
        with self._changed:
            self._most = {channel: self._counts[channel] + most for channel in CHANNELS}
            self._changed.notify_all()

    def tell(self, change: Callable[[], object]) -> None:
        """Make a change that somebody may wait for."""
        with self._changed:
            change()
            self._changed.notify_all()

    def until(self, reached: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is so, or so many seconds; whether it is."""
        with self._changed:
            return self._changed.wait_for(reached, seconds)

    def of(self, channel: str) -> int:
        """How many messages of a channel there are."""
        return self._counts[channel]

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> Sequence[Accepted]:
        return tuple(self._entries)


@dataclass(frozen=True)
class Receivers:
    """Where the three are, and what they took together."""

    journal: Journal
    smtp_port: int
    bot_url: str
    hooks_url: str

    def settings(self) -> dict[str, str]:
        """Of a program that sends to them, as its environment. The pace is theirs, not ours."""
        connections = str(CONNECTIONS)
        return {
            "DISPATCH_EMAIL__HOST": "127.0.0.1",
            "DISPATCH_EMAIL__PORT": str(self.smtp_port),
            "DISPATCH_EMAIL__SECURITY": "none",
            "DISPATCH_EMAIL__FROM_ADDRESS": "news@bulletin.test",
            "DISPATCH_EMAIL__CONNECTIONS": connections,
            "DISPATCH_TELEGRAM__TOKEN": TOKEN,
            "DISPATCH_TELEGRAM__API_BASE": self.bot_url,
            "DISPATCH_TELEGRAM__RATE": "1000",
            "DISPATCH_TELEGRAM__PAID_BROADCAST": "true",
            "DISPATCH_TELEGRAM__CHAT_INTERVAL": "0",
            "DISPATCH_TELEGRAM__CONNECTIONS": connections,
            "DISPATCH_WEBHOOK__ALLOW_NETWORKS": "127.0.0.0/8",
            "DISPATCH_WEBHOOK__CONNECTIONS": connections,
        }


@contextmanager
def receivers(pace: float = 0.0) -> Iterator[Receivers]:
    """The three at work, taking so many seconds over a message."""
    journal = Journal()
    with ExitStack() as stack:
        port = stack.enter_context(_mail(_Mailbox(journal, pace)))
        bot = stack.enter_context(_http(_Bot(journal, pace)))
        hooks = stack.enter_context(_http(_Hooks(journal, pace)))
        stack.callback(journal.turn)  # nobody is left waiting
        yield Receivers(journal, port, bot.url, hooks.url)


class _Mailbox:
    def __init__(self, journal: Journal, pace: float) -> None:
        self._journal = journal
        self._pace = pace

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        await asyncio.sleep(self._pace / 2)
        entry = Accepted.pack("email", envelope.rcpt_tos[0], bytes(envelope.content))
        if not await asyncio.to_thread(self._journal.add, entry):
            return "451 come back later"
        await asyncio.sleep(self._pace / 2)
        return "250 accepted"


@contextmanager
def _mail(mailbox: _Mailbox) -> Iterator[int]:
    """The mail server in a loop and thread of its own; its port."""
    ready: Future[tuple[int, Callable[[], object]]] = Future()

    async def serve() -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        server = await loop.create_server(lambda: SMTP(mailbox, hostname="127.0.0.1"), "127.0.0.1", 0)
        ready.set_result((server.sockets[0].getsockname()[1], partial(loop.call_soon_threadsafe, ended.set)))
        await ended.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="mail")
    thread.start()
    port, stop = ready.result(30)
    try:
        yield port
    finally:
        stop()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, journal: Journal, pace: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.journal = journal
        self.pace = pace

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def accepted(self, path: str, headers: dict[str, str], body: bytes) -> Accepted | None:
        """The entry for the journal; None for what is refused."""
        raise NotImplementedError

    def answer(self) -> bytes:
        return b""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that is killed hangs up in the middle: that is no error here."""


class _Bot(_Server):
    def accepted(self, path: str, headers: dict[str, str], body: bytes) -> Accepted | None:
        if path != f"/bot{TOKEN}/sendMessage":
            return None
        form = dict(parse_qsl(body.decode()))
        return Accepted.pack("telegram", form["chat_id"], form["text"].encode())

    def answer(self) -> bytes:
        result = {"message_id": 1, "date": 1700000000, "chat": {"id": 1, "type": "private"}, "text": "x"}
        return json.dumps({"ok": True, "result": result}).encode()


class _Hooks(_Server):
    def accepted(self, path: str, headers: dict[str, str], body: bytes) -> Accepted | None:
        return Accepted.pack("webhook", path, body, headers["webhook-id"])


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # the sender died over it
            self.close_connection = True
            return
        entry = self.server.accepted(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        if entry:
            time.sleep(self.server.pace / 2)
            if not self.server.journal.add(entry):
                self.close_connection = True
                return
            time.sleep(self.server.pace / 2)
        answer = self.server.answer() if entry else b"{}"
        self.send_response(200 if entry else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Say nothing."""


@contextmanager
def _http(server: _Server) -> Iterator[_Server]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="http")
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
