"""What the services of robots share: keys, a limit in a sliding window, faults on request, and all that was posted."""

from __future__ import annotations

import json
import ssl
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from dispatch.testing.recording import Inbox, Prepared
from dispatch.testing.server import LoopbackServer, cut


@dataclass(frozen=True, slots=True)
class Post:
    """A message that was taken: by which robot, what was said in the address besides, and its body."""

    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    size: int


@dataclass(frozen=True, slots=True)
class _Prepared:
    """An answer instead of the service's own; None cuts the connection."""

    response: web.Response | None


class RobotService(LoopbackServer):
    """A service with robots, as an async context manager. `clock` gives seconds: the window of `limit` messages in
    `window` seconds a robot slides by it."""

    limit = 20
    window = 60.0
    key = "693a91f6-7b1c-4bc4-97a0-0ec2a1fa5aaa"
    """The key of the robot that is there from the beginning."""

    def __init__(self, tls: ssl.SSLContext | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(tls)
        self.posts: Inbox[Post] = Inbox()
        self.refusals: Inbox[str] = Inbox()
        self._clock = clock
        self._keys = {self.key}
        self._sent: dict[str, deque[float]] = {}
        self._prepared: Prepared[str, _Prepared] = Prepared()

    @abstractmethod
    def url(self, key: str = "") -> str:
        """The address of a robot, as the service gives it to whoever made it."""

    @abstractmethod
    def key_of(self, request: web.Request) -> str:
        """Which robot a request is for."""

    @abstractmethod
    def judge(self, post: Post) -> web.Response | None:
        """The refusal of a message of a robot that is known; None where it is taken."""

    @abstractmethod
    def unknown(self, key: str) -> web.Response:
        """The answer where no robot has this key."""

    @abstractmethod
    def throttled(self, key: str, wait: float) -> web.Response:
        """The answer to a message too many; after so many seconds there is room again."""

    @abstractmethod
    def taken(self, post: Post) -> web.Response:
        """The answer to a message that was taken."""

    @abstractmethod
    def error(self, code: int, words: str = "") -> web.Response:
        """The answer with an error number of the service."""

    def add(self, key: str) -> str:
        """Make a robot; its address."""
        self._keys.add(key)
        return self.url(key)

    def remove(self, key: str) -> None:
        """Take a robot out of its group."""
        self._keys.discard(key)

    def refuse(self, code: int, words: str = "", times: int | None = None) -> None:
        """Answer the next `times` messages (None: all) with an error number."""
        self._prepared.add(_Prepared(self.error(code, words)), lambda _: True, times)

    def answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, times: int | None = None
    ) -> None:
        """Answer the next `times` messages (None: all) with this status."""
        self._prepared.add(_Prepared(web.Response(status=status, body=body, headers=headers)), lambda _: True, times)

    def reset(self, times: int | None = None) -> None:
        """Take the next `times` messages (None: all), and reset the connection instead of an answer."""
        self._prepared.add(_Prepared(None), lambda _: True, times)

    def clear(self) -> None:
        """Answer as the service does again."""
        self._prepared.clear()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Take or refuse a message."""
        raw = await request.read()
        key = self.key_of(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        post = Post(key, dict(request.query), headers, _object(raw), len(raw))
        if key not in self._keys:
            return self._refused("unknown", self.unknown(key))
        found = self._prepared.take(key)
        if found is not None:
            return self._refused("prepared", cut(request) if found.response is None else _again(found.response))
        if (refusal := self.judge(post)) is not None:
            return self._refused("judged", refusal)
        if (wait := self._wait(key)) > 0:
            return self._refused("throttled", self.throttled(key, wait))
        self._sent.setdefault(key, deque()).append(self._clock())
        self.posts.put(post)
        return self.taken(post)

    def _refused(self, why: str, response: web.Response) -> web.Response:
        self.refusals.put(why)
        return response

    def _wait(self, key: str) -> float:
        sent, now = self._sent.setdefault(key, deque()), self._clock()
        while sent and now - sent[0] >= self.window:
            sent.popleft()
        return 0.0 if len(sent) < self.limit else self.window - (now - sent[0])


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _again(response: web.Response) -> web.Response:
    """A response can be given once."""
    return web.Response(status=response.status, body=response.body, headers=response.headers)
