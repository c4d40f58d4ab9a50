"""WeCom's robots: 20 messages a minute, 4096 bytes of Markdown, an error number in every answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from dispatch.testing.robots.service import Post, RobotService

_WORDS = {
    0: "ok",
    40008: "invalid message type",
    40058: "markdown.content exceed max length 4096",
    44004: "empty content",
    45008: "article size out of limit",
    45009: "api freq out of limit",
    93000: "invalid webhook url",
}


class WeComService(RobotService):
    """`qyapi.weixin.qq.com`."""

    def url(self, key: str = "") -> str:
        return f"{self.base_url}/cgi-bin/webhook/send?key={key or self.key}"

    def key_of(self, request: web.Request) -> str:
        return request.query.get("key", "") if request.path == "/cgi-bin/webhook/send" else ""

    def judge(self, post: Post) -> web.Response | None:
        kind = post.body.get("msgtype")
        if kind in ("markdown", "markdown_v2"):
            return self._judged(post.body.get(kind))
        if kind == "news":
            return self._news(post.body.get("news"))
        return self.error(40008)

    def _judged(self, content: Any) -> web.Response | None:
        text = content.get("content") if isinstance(content, Mapping) else None
        if not text:
            return self.error(44004)
        return self.error(40058) if len(str(text).encode()) > 4096 else None

    def _news(self, content: Any) -> web.Response | None:
        articles = content.get("articles") if isinstance(content, Mapping) else None
        if not articles or len(articles) > 8:
            return self.error(45008)
        fits = all(
            article.get("title")
            and article.get("url")
            and len(article["title"].encode()) <= 128
            and len(article.get("description", "").encode()) <= 512
            for article in articles
        )
        return None if fits else self.error(40058, "articles exceed max length")

    def unknown(self, key: str) -> web.Response:
        return self.error(93000)

    def throttled(self, key: str, wait: float) -> web.Response:
        return self.error(45009)

    def taken(self, post: Post) -> web.Response:
        return self.error(0)

    def error(self, code: int, words: str = "") -> web.Response:
        said = words or _WORDS.get(code, "failed")
        hint = (
            f", hint: [1700000000000000000000000], more info at https://open.work.weixin.qq.com/devtool/query?e={code}"
        )
        return web.json_response({"errcode": code, "errmsg": said + (hint if code else "")})
