"""Slack's incoming webhooks: a message a second on the average, blocks within their limits, a word in each answer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from aiohttp import web

from dispatch.testing.robots.service import Post, RobotService

_STATUSES = {
    400: ("invalid_payload", "invalid_blocks", "no_text", "user_not_found", "msg_blocks_too_long", "no_team"),
    403: ("action_prohibited", "invalid_token", "posting_to_general_channel_denied", "team_disabled"),
    404: ("no_service", "channel_not_found", "no_active_hooks"),
    410: ("channel_is_archived",),
    500: ("rollup_error",),
}
_WORDS = {word: status for status, words in _STATUSES.items() for word in words}
_MOST = 13_200  # characters of all blocks: not published, seen by others


class SlackService(RobotService):
    """`hooks.slack.com`. `refuse_with` says which of Slack's words the next messages are refused with."""

    limit = 10
    window = 10.0
    key = "T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"

    def url(self, key: str = "") -> str:
        return f"{self.base_url}/services/{key or self.key}"

    def key_of(self, request: web.Request) -> str:
        return request.path.removeprefix("/services/")

    def judge(self, post: Post) -> web.Response | None:
        blocks = post.body.get("blocks")
        if not post.body:
            return self.word("invalid_payload")
        if blocks is None:
            return None if post.body.get("text") else self.word("no_text")
        if not isinstance(blocks, list) or not 1 <= len(blocks) <= 50 or not all(map(_is_block, blocks)):
            return self.word("invalid_blocks")
        return self.word("msg_blocks_too_long") if sum(len(text) for text in _texts(blocks)) > _MOST else None

    def refuse_with(self, word: str, times: int | None = None) -> None:
        """Refuse the next `times` messages (None: all) with a word of Slack's, and the status that it comes with."""
        self.answer(_WORDS[word], word.encode(), times=times)

    def unknown(self, key: str) -> web.Response:
        return self.word("no_service")

    def throttled(self, key: str, wait: float) -> web.Response:
        return web.Response(status=429, text="rate_limited", headers={"Retry-After": str(math.ceil(wait))})

    def taken(self, post: Post) -> web.Response:
        return web.Response(text="ok")

    def error(self, code: int, words: str = "") -> web.Response:
        return web.Response(status=code, text=words or _STATUSES[code][0])

    def word(self, word: str) -> web.Response:
        """The refusal with a word of Slack's."""
        return self.error(_WORDS[word], word)


def _is_block(block: Any) -> bool:
    if not isinstance(block, Mapping):
        return False
    kind = block.get("type")
    if kind == "header":
        return _is_text(block.get("text"), 150) and block["text"]["type"] == "plain_text"
    if kind == "section":
        return _is_text(block.get("text"), 3000)
    if kind == "context":
        elements = block.get("elements")
        return isinstance(elements, list) and 1 <= len(elements) <= 10 and all(_is_text(one, 3000) for one in elements)
    return kind == "divider"


def _is_text(text: Any, limit: int) -> bool:
    if not isinstance(text, Mapping) or text.get("type") not in ("plain_text", "mrkdwn"):
        return False
    return isinstance(text.get("text"), str) and 1 <= len(text["text"]) <= limit


def _texts(blocks: list[Mapping[str, Any]]) -> Iterator[str]:
    for block in blocks:
        for element in (block.get("text"), *block.get("elements", ())):
            if isinstance(element, Mapping):
                yield str(element["text"])
