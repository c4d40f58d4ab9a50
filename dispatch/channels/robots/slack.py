"""Slack: incoming webhooks (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).

One message a second for a webhook; 50 blocks a message, 3,000 characters a section, 150 a header. It signs nothing: the
address is all there is. What became of a message is in the status, and in one word in the body.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dispatch.channels.robots.base import REASONS_BYTES, Body, Error, Robot, said, throttled
from dispatch.channels.robots.pieces import messages, pieces, units, within
from dispatch.channels.webhook.outcome import of_answer
from dispatch.errors import RenderError, UsageError
from dispatch.model import Outcome, Retry, Sent

if TYPE_CHECKING:
    from dispatch.channels.webhook.transport import Answer

MAX_BLOCKS = 50
MAX_SECTION = 3000
MAX_HEADER = 150
MAX_TEXT = 12_000
"""Characters of all blocks: how many Slack takes is not said (`msg_blocks_too_long`), and it is a little more."""

_FALLBACK = 300
_PATH = re.compile(r"/services/[0-9A-Za-z]+/[0-9A-Za-z]+/[0-9A-Za-z]{8,64}")
_WORKFLOW = re.compile(r"/(?:workflows|triggers)/")
_WORD = re.compile(r"[a-z_]{2,60}")
_NEW = "make a new webhook"
_FORM = Error("Slack refuses the form of the message")
_GONE = Error("Slack knows no webhook with this address", endpoint_state="gone", do=_NEW)
_ERRORS = {
    "action_prohibited": Error(
        "a rule of the workspace keeps the webhook from posting there",
        endpoint_state="paused",
        do="ask its administrators, and resume the endpoint",
    ),
    "posting_to_general_channel_denied": Error(
        "the webhook may not post to #general", endpoint_state="paused", do="ask the administrators of the workspace"
    ),
    "invalid_token": Error("the webhook's address is not valid any more", endpoint_state="gone", do=_NEW),
    "channel_not_found": Error("the webhook's channel is not there any more", endpoint_state="gone", do=_NEW),
    "channel_is_archived": Error(
        "the webhook's channel is archived", endpoint_state="paused", do="unarchive it and resume the endpoint"
    ),
    "no_service": _GONE,
    "no_service_id": _GONE,
    "no_active_hooks": replace(_GONE, meaning="the webhook was switched off"),
    "no_team": replace(_GONE, meaning="the workspace is not there any more"),
    "team_disabled": Error("the workspace is switched off", endpoint_state="paused"),
    "user_not_found": Error("Slack does not know whom the message is for"),
    "invalid_payload": _FORM,
    "invalid_blocks": _FORM,
    "invalid_blocks_format": _FORM,
    "missing_text_or_fallback_or_attachments": _FORM,
    "no_text": Error("Slack refuses an empty message"),
    "msg_too_long": Error("Slack refuses the message as too long"),
    "msg_blocks_too_long": Error("Slack refuses the message as too long"),
}
_STATUSES = {
    400: _FORM,
    403: Error("Slack keeps the webhook from posting", endpoint_state="paused", do=_NEW),
    410: Error("the webhook's channel is gone", endpoint_state="paused", do=_NEW),
    413: Error("Slack refuses the message as too long"),
}
_TOO_MANY = "too many messages to this webhook"
_REST = 30.0  # seconds, where Slack does not say how long

# "&", "<" and ">" have an escape. The rest of Slack's markup has none: these look the same to a reader of Chinese.
_ESCAPES = str.maketrans({
    "&": "&amp;", "<": "&lt;", ">": "&gt;", "*": "＊", "_": "＿", "~": "～", "`": "｀", "[": "［", "]": "］",
    "\u2028": " ", "\u2029": " ", "\n": " ", "\r": " ",
})  # fmt: skip
_EMOJI = re.compile(r":(?=(?:100|1234|[\w+'-]*[a-z+-][\w+'-]*):)", re.ASCII | re.IGNORECASE)


class Slack(Robot):
    """Blocks, with a text for notifications. Links are not unfolded, and nobody is called."""

    name = "slack"
    title = "Slack"
    hosts = ("hooks.slack.com", "hooks.slack-gov.com")
    interval = 1.0
    example = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"

    @classmethod
    def check(cls, url: str) -> None:
        path = urlsplit(url).path
        if _WORKFLOW.search(path):
            raise UsageError(
                "this address starts a workflow of Slack, which takes values by name and no message;"
                f" an incoming webhook is needed, as in {cls.example}"
            )
        if not _PATH.search(path):
            raise UsageError(f"the address of a Slack webhook ends in /services/T…/B…/…, as in {cls.example}")

    @property
    def template(self) -> str:
        return "slack/blocks.json.j2"

    def escape(self, text: str) -> str:
        escaped = _EMOJI.sub("：", text).translate(_ESCAPES)
        return f"＞{escaped[4:]}" if escaped.startswith("&gt;") else escaped  # at the beginning of a line, it quotes

    def bodies(self, post: Body, text: str) -> Sequence[Body]:
        try:
            made: dict[str, Any] = json.loads(text)
            fallback, blocks, end = str(made["text"]), list(_sections(made["blocks"])), list(made["end"])
        except (ValueError, LookupError, TypeError) as error:
            raise RenderError(f"template {self.template} makes no blocks: {error!r}") from error
        title = str(post["mark"]) + str(post["title"])
        found = messages(blocks, lambda some: self.fits(_message(title, fallback, 2, [*some, *end])), _binds)
        found[-1] += end
        return [_message(title, fallback, number, some) for number, some in enumerate(found, 1)]

    def fits(self, body: Body) -> bool:
        texts = [text for block in body["blocks"] for text in _texts(block)]
        few = len(body["blocks"]) <= MAX_BLOCKS and all(units(text) <= MAX_SECTION for text in texts)
        return few and sum(map(units, texts)) + REASONS_BYTES <= MAX_TEXT

    def outcome(self, answer: Answer, now: dt.datetime) -> Outcome:
        words = said(answer)
        if answer.status == 200:
            if words == "ok":
                return Sent(code="200", detail=words)
            reason = f"Slack answered 200, but not that it took the message: {words}"
            return Retry(reason, "200", suspect=True, unknown=True)
        if answer.status == 429:
            return throttled(answer, _TOO_MANY, _REST, now)
        word = words.lower().replace(" ", "_")
        error = _ERRORS.get(word) if answer.status < 500 and _WORD.fullmatch(word) else None
        error = error or _STATUSES.get(answer.status)
        return error.outcome(str(answer.status), words) if error else of_answer(answer, now)


def _message(title: str, fallback: str, number: int, blocks: Sequence[Body]) -> Body:
    """A message; those after the first say which one they are."""
    shown = title if number == 1 else f"{within(title, MAX_HEADER - 4)}（{number}）"
    header = {"type": "header", "text": {"type": "plain_text", "text": within(shown, MAX_HEADER), "emoji": False}}
    return {
        "text": within(fallback, _FALLBACK),
        "blocks": [header, *blocks],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _sections(blocks: Sequence[Body]) -> Iterator[Body]:
    """The blocks, each section that is too long as several."""
    for block in blocks:
        if block["type"] != "section":
            yield block
            continue
        for piece in pieces(block["text"]["text"], MAX_SECTION):
            yield {**block, "text": {**block["text"], "text": piece}}


def _texts(block: Body) -> Iterator[str]:
    for element in (block.get("text"), *block.get("elements", ())):
        if isinstance(element, dict):
            yield element["text"]


def _binds(block: Body) -> bool:
    return block["type"] in ("header", "divider")
