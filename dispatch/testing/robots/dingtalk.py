"""DingTalk's custom robots: 20 messages a minute, then none for 10 minutes; 20,000 bytes; a signature or a keyword."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Callable

from aiohttp import web

from dispatch.testing.robots.service import Post, RobotService

_WORDS = {
    0: "ok",
    130101: "send too fast, exceed 20 times per minute",
    300005: "token is not exist",
    400105: "unsupported msgtype",
    460101: "message too long, exceed 20000 bytes",
}
_BLOCKED = 600.0


class DingTalkService(RobotService):
    """`oapi.dingtalk.com`. Each robot asks for a signature by `secret`, or that its messages hold `keyword`, if given.
    `wall` gives the time (s) that signatures are compared with."""

    key = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978"

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        secret: str = "",
        keyword: str = "",
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(tls, clock)
        self._secret = secret
        self._keyword = keyword
        self._wall = wall
        self._blocked: dict[str, float] = {}

    def url(self, key: str = "") -> str:
        return f"{self.base_url}/robot/send?access_token={key or self.key}"

    def key_of(self, request: web.Request) -> str:
        return request.query.get("access_token", "") if request.path == "/robot/send" else ""

    def judge(self, post: Post) -> web.Response | None:
        if self._clock() < self._blocked.get(post.key, 0.0):
            return self.error(130101)
        if self._secret and (words := self._signed(post)):
            return self.error(310000, words)
        content = post.body.get("markdown")
        if post.body.get("msgtype") != "markdown" or not isinstance(content, dict):
            return self.error(400105)
        if not content.get("title") or not content.get("text"):
            return self.error(40035, "缺少参数 title or text")
        if post.size > 20_000:
            return self.error(460101)
        if self._keyword and self._keyword not in json.dumps(content, ensure_ascii=False):
            return self.error(310000, "keywords not in content")
        return None

    def _signed(self, post: Post) -> str:
        moment = post.query.get("timestamp", "")
        if not moment.isdigit() or abs(int(moment) / 1000 - self._wall()) > 3600:
            return "invalid timestamp"
        mac = hmac.new(self._secret.encode(), f"{moment}\n{self._secret}".encode(), hashlib.sha256).digest()
        return "" if post.query.get("sign") == base64.b64encode(mac).decode() else "sign not match"

    def unknown(self, key: str) -> web.Response:
        return self.error(300005)

    def throttled(self, key: str, wait: float) -> web.Response:
        self._blocked[key] = self._clock() + _BLOCKED
        return self.error(130101)

    def taken(self, post: Post) -> web.Response:
        return self.error(0)

    def error(self, code: int, words: str = "") -> web.Response:
        said = words or _WORDS.get(code, "failed")
        return web.json_response({"errcode": code, "errmsg": said})
