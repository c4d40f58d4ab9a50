"""Workflows of Microsoft Teams: they accept whatever they get (202), and post what Teams takes; the rest is lost."""

from __future__ import annotations

import json
import math
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aiohttp import web

from dispatch.testing.recording import Inbox
from dispatch.testing.robots.service import Post, RobotService

_BEFORE, _AFTER = "/powerautomate/automations/direct/workflows/", "/triggers/manual/paths/invoke"
_SIG = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5"
_MAX_BYTES = 28_672
_ADDED = 500  # bytes that Teams adds to a card
_ACTIONS = frozenset({"Action.OpenUrl"})


class TeamsService(RobotService):
    """`*.environment.api.powerplatform.com`, and Teams behind it. `posts` are the messages that a workflow accepted,
    `shown` those of them that stand in the channel, `lost` says why others do not."""

    limit = 4
    window = 1.0
    key = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"

    def __init__(self, tls: ssl.SSLContext | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(tls, clock)
        self.shown: Inbox[Post] = Inbox()
        self.lost: Inbox[str] = Inbox()
        self._off: set[str] = set()

    def url(self, key: str = "") -> str:
        query = f"api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={_SIG}"
        return f"{self.base_url}{_BEFORE}{key or self.key}{_AFTER}?{query}"

    def key_of(self, request: web.Request) -> str:
        return request.path.removeprefix(_BEFORE).removesuffix(_AFTER)

    def switch_off(self, key: str) -> None:
        """Switch a workflow off."""
        self._off.add(key)

    def judge(self, post: Post) -> web.Response | None:
        if not post.query.get("sig"):
            return self._refusal(
                401,
                "DirectApiAuthorizationRequired",
                "The request must be authenticated only by Shared Access scheme.",
            )
        if post.query["sig"] != _SIG:
            return self._refusal(401, "Unauthorized", "The request's signature is not valid.")
        if post.key in self._off:
            return self._disabled("Disabled")
        return None

    def delete(self) -> None:
        """Answer as for a workflow that was deleted and has left its trigger behind."""
        answer = self._disabled("Deleted")
        assert isinstance(answer.body, bytes)
        self.answer(answer.status, answer.body)

    def unknown(self, key: str) -> web.Response:
        return self._refusal(404, "WorkflowNotFound", f"The workflow '{key[:40]}' could not be found.")

    def throttled(self, key: str, wait: float) -> web.Response:
        answer = self._refusal(
            429, "TooManyRequests", f"Rate limit is exceeded. Try again in {math.ceil(wait)} seconds."
        )
        answer.headers["Retry-After"] = str(math.ceil(wait))
        return answer

    def taken(self, post: Post) -> web.Response:
        if reason := _wrong(post.body):
            self.lost.put(reason)
        else:
            self.shown.put(post)
        number = len(self.shown) + len(self.lost)
        return web.Response(status=202, headers={"x-ms-workflow-run-id": f"08584{number:015d}CU01"})

    def error(self, code: int, words: str = "") -> web.Response:
        return self._refusal(code, words or "BadRequest", "The request is refused.")

    def _disabled(self, state: str) -> web.Response:
        words = f"Could not execute workflow trigger 'manual' with state '{state}': trigger is not enabled."
        return self._refusal(400, "WorkflowTriggerIsNotEnabled", words)

    def _refusal(self, status: int, code: str, message: str) -> web.Response:
        return web.json_response({"error": {"code": code, "message": message}}, status=status)


def _wrong(body: Mapping[str, Any]) -> str:
    """What keeps Teams from posting a message, "" where nothing does."""
    attachments = body.get("attachments")
    if body.get("type") != "message" or not isinstance(attachments, list):
        return "the result of the evaluation of 'foreach' expression is of type 'Null'"
    kept = json.dumps(json.dumps(body, ensure_ascii=False), ensure_ascii=False)  # JSON within JSON
    if len(kept.encode()) + _ADDED > _MAX_BYTES:
        return "MessageSizeExceeded"
    cards = [one.get("content") for one in attachments if isinstance(one, Mapping)]
    return "" if cards and all(map(_is_card, cards)) else "the card is not valid"


def _is_card(card: Any) -> bool:
    if not isinstance(card, Mapping) or card.get("type") != "AdaptiveCard" or card.get("version") not in ("1.4", "1.5"):
        return False
    actions = card.get("actions", [])
    texts = list(_texts(card))
    return bool(texts) and all(texts) and all(one.get("type") in _ACTIONS and one.get("url") for one in actions)


def _texts(card: Mapping[str, Any]) -> Iterator[bool]:
    for element in card.get("body", []):
        yield (
            element.get("type") == "TextBlock" and isinstance(element.get("text"), str) and element.get("wrap") is True
        )
