"""Feishu's and Lark's custom bots: 100 messages a minute and 5 a second, 20 KB, a signature or a keyword."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from dispatch.testing.robots.service import Post, RobotService

_WORDS = {
    9499: "Bad Request",
    11232: "frequency limited psm[lark.oapi.app_platform_runtime] limited",
    11246: "ErrCode: 11246; ErrMsg: card content exceeds the limit",
    19001: "param invalid: incoming webhook access token invalid",
    19002: "params error, msg_type need",
    19021: "sign match fail or timestamp is not within one hour from current time",
    19024: "Key Words Not Found",
}
_PATH = "/open-apis/bot/v2/hook/"
_TAGS = frozenset({"markdown", "hr", "note", "action", "div"})


class FeishuService(RobotService):
    """`open.feishu.cn`. Each robot asks for a signature by `secret`, or that its messages hold `keyword`, if given.
    `wall` gives the time (s) that signatures are compared with; `legacy` answers as the service did for years."""

    limit = 100
    key = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        secret: str = "",
        keyword: str = "",
        wall: Callable[[], float] = time.time,
        legacy: bool = False,
    ) -> None:
        super().__init__(tls, clock)
        self._secret = secret
        self._keyword = keyword
        self._wall = wall
        self._legacy = legacy
        self._second: dict[str, deque[float]] = {}

    def url(self, key: str = "") -> str:
        return f"{self.base_url}{_PATH}{key or self.key}"

    def key_of(self, request: web.Request) -> str:
        return request.path.removeprefix(_PATH) if request.path.startswith(_PATH) else ""

    def judge(self, post: Post) -> web.Response | None:
        if post.size > 20_480:
            return self.error(9499)
        if post.body.get("msg_type") != "interactive":
            return self.error(19002)
        if self._secret and not self._signed(post):
            return self.error(19021)
        if not _is_card(post.body.get("card")):
            return self.error(11246)
        if self._keyword and self._keyword not in json.dumps(post.body["card"], ensure_ascii=False):
            return self.error(19024)
        return None if self._in_second(post.key) else self.error(11232)

    def _signed(self, post: Post) -> bool:
        moment = str(post.body.get("timestamp", ""))
        if not moment.isdigit() or abs(int(moment) - self._wall()) > 3600:
            return False
        mac = hmac.new(f"{moment}\n{self._secret}".encode(), b"", hashlib.sha256).digest()
        return post.body.get("sign") == base64.b64encode(mac).decode()

    def _in_second(self, key: str) -> bool:
        sent, now = self._second.setdefault(key, deque(maxlen=5)), self._clock()
        if len(sent) == 5 and now - sent[0] < 1:
            return False
        sent.append(now)
        return True

    def unknown(self, key: str) -> web.Response:
        return self.error(19001)

    def throttled(self, key: str, wait: float) -> web.Response:
        return self.error(11232)

    def taken(self, post: Post) -> web.Response:
        if self._legacy:
            return web.json_response({"Extra": None, "StatusCode": 0, "StatusMessage": "success"})
        return web.json_response({"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"})

    def error(self, code: int, words: str = "") -> web.Response:
        said = words or _WORDS.get(code, "failed")
        return web.json_response({"code": code, "msg": said, "data": {}}, status=400 if code == 9499 else 200)


def _is_card(card: Any) -> bool:
    if not isinstance(card, Mapping) or not isinstance(card.get("elements"), list):
        return False
    elements = card["elements"]
    title = card.get("header", {}).get("title", {})
    return bool(title.get("content")) and 0 < len(elements) <= 50 and all(one.get("tag") in _TAGS for one in elements)
