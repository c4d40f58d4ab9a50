"""Discord's webhooks: 5 messages in 2 seconds, embeds within their limits, and in each answer how much room is left."""

from __future__ import annotations

import math
import re
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from dispatch.testing.robots.service import Post, RobotService

_WORDS = {
    10003: (404, "Unknown Channel"),
    10015: (404, "Unknown Webhook"),
    50006: (400, "Cannot send an empty message"),
    50013: (403, "Missing Permissions"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    160005: (400, "Thread is locked"),
    200000: (400, "Message was blocked by automatic moderation"),
    220001: (400, "Webhooks posted to forum channels must have a thread_name or thread_id"),
}
_PATH = re.compile(r"/api/(?:v\d+/)?webhooks/(\d+/[\w-]+)/?")
_LENGTHS = (("title", 256), ("description", 4096))


class DiscordService(RobotService):
    """`discord.com`. With `forum`, the webhook's channel takes messages into `threads` alone."""

    limit = 5
    window = 2.0
    key = "223704706495545344/3d89bb7572e0fb30d8128367b3b1b44fecd1726de135cbe28a41"

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        forum: bool = False,
        threads: tuple[str, ...] = (),
    ) -> None:
        super().__init__(tls, clock)
        self._forum = forum
        self._threads = threads
        self._id = 1_000_000_000_000_000_000

    def url(self, key: str = "") -> str:
        return f"{self.base_url}/api/webhooks/{key or self.key}"

    def key_of(self, request: web.Request) -> str:
        found = _PATH.fullmatch(request.path)
        return found.group(1) if found else ""

    def judge(self, post: Post) -> web.Response | None:
        thread = post.query.get("thread_id", "")
        if thread and thread not in self._threads:
            return self.error(10003)
        if self._forum and not thread and not post.body.get("thread_name"):
            return self.error(220001)
        embeds = post.body.get("embeds")
        if not post.body.get("content") and not embeds:
            return self.error(50006)
        wrong = _wrong(embeds or [])
        return self._invalid(*wrong) if wrong else None

    def throttle(self, seconds: float, *, everything: bool = False, times: int | None = None) -> None:
        """Answer the next `times` messages (None: all) that there are too many: of this webhook, or in `everything`
        that this sender does."""
        answer = self._too_many(seconds, everything=everything)
        assert isinstance(answer.body, bytes)
        self.answer(429, answer.body, dict(answer.headers), times)

    def unknown(self, key: str) -> web.Response:
        return self.error(10015)

    def throttled(self, key: str, wait: float) -> web.Response:
        return self._too_many(wait, everything=False)

    def taken(self, post: Post) -> web.Response:
        sent = self._sent[post.key]
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.limit - len(sent)),
            "X-RateLimit-Reset-After": f"{self.window - (sent[-1] - sent[0]):.3f}",
            "X-RateLimit-Bucket": "abcd1234",
        }
        if post.query.get("wait") != "true":
            return web.Response(status=204, headers=headers)
        self._id += 1
        # The whole message, as it is shown from now on.
        said = {"type": 0, "content": "", **post.body, "id": str(self._id), "mentions": [], "attachments": []}
        return web.json_response(said, headers=headers)

    def error(self, code: int, words: str = "") -> web.Response:
        status, said = _WORDS.get(code, (400, "failed"))
        return web.json_response({"message": words or said, "code": code}, status=status)

    def _invalid(self, path: tuple[str, ...], code: str, words: str) -> web.Response:
        errors: dict[str, Any] = {"_errors": [{"code": code, "message": words}]}
        for name in reversed(path):
            errors = {name: errors}
        return web.json_response({"message": "Invalid Form Body", "code": 50035, "errors": errors}, status=400)

    def _too_many(self, wait: float, *, everything: bool) -> web.Response:
        headers = {"Retry-After": str(math.ceil(wait)), "X-RateLimit-Scope": "global" if everything else "user"}
        body = {"message": "You are being rate limited.", "retry_after": round(wait, 3), "global": everything}
        return web.json_response(body, status=429, headers=headers)


def _wrong(embeds: Any) -> tuple[tuple[str, ...], str, str] | None:
    """The first thing that is wrong with some embeds: where, Discord's code, its words."""
    if not isinstance(embeds, list) or len(embeds) > 10:
        return ("embeds",), "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length."
    for number, embed in enumerate(embeds):
        if not isinstance(embed, Mapping) or not (embed.get("title") or embed.get("description")):
            return ("embeds", str(number), "description"), "BASE_TYPE_REQUIRED", "This field is required"
        for path, text, limit in _lengths(embed):
            if not 1 <= len(text) <= limit:
                words = f"Must be between 1 and {limit} in length."
                return ("embeds", str(number), *path), "BASE_TYPE_BAD_LENGTH", words
        if "url" in embed and not str(embed["url"]).startswith(("http://", "https://")):
            return ("embeds", str(number), "url"), "URL_TYPE_INVALID_URL", "Not a well formed URL."
    if sum(len(text) for embed in embeds for _, text, _ in _lengths(embed)) > 6000:
        return ("embeds",), "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000"
    return None


def _lengths(embed: Mapping[str, Any]) -> list[tuple[tuple[str, ...], str, int]]:
    found: list[tuple[tuple[str, ...], str, int]] = [
        ((name,), str(embed[name]), limit) for name, limit in _LENGTHS if name in embed
    ]
    if "footer" in embed:
        found.append((("footer", "text"), str(embed["footer"].get("text", "")), 2048))
    if "author" in embed:
        found.append((("author", "name"), str(embed["author"].get("name", "")), 256))
    return found
