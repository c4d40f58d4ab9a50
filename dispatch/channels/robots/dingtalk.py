"""DingTalk 钉钉: the custom robot of a group (https://open.dingtalk.com/document/robots/custom-robot-access).

20 messages a minute for a robot, and who sends more is blocked for 10 minutes; 20,000 bytes a message. A robot asks for
a signature, for a word that each message must hold, or for neither (its senders' addresses).
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from dispatch.channels.robots.base import (
    REASONS_BYTES,
    Body,
    Error,
    Request,
    Robot,
    answered,
    query_of,
    size,
    wire,
)
from dispatch.channels.robots.locks import MISMATCH, holds, parsed
from dispatch.channels.robots.markdown import cut, plain
from dispatch.errors import UsageError
from dispatch.model import Outcome

if TYPE_CHECKING:
    from dispatch.channels.webhook.http1 import Answer

MAX_BYTES = 20_000
_TEXT = 12_000  # bytes of Markdown: as JSON it is longer, and nobody reads more in a chat
_BLOCKED = 600.0  # seconds
_TOKEN = re.compile(r"[0-9A-Za-z]{16,128}")
_SECRET = re.compile(r"SEC[0-9A-Za-z]{3,128}")
_WRONG = "what a DingTalk robot signs with begins with SEC; a word that it asks for is keyword:WORD"
_ERRORS = {
    -1: Error("DingTalk is busy", retry=True),
    40035: Error("DingTalk misses something in the message"),
    43004: Error("DingTalk refuses the form of the message"),
    130101: Error("more than 20 messages a minute to this robot, which is blocked for 10 minutes", rest=_BLOCKED),
    300001: Error("DingTalk knows no robot with this access_token", endpoint_state="gone", do="make a new robot"),
    300005: Error("DingTalk knows no robot with this access_token", endpoint_state="gone", do="make a new robot"),
    310000: Error("DingTalk refuses signature, keyword or sender", endpoint_state="paused", do=MISMATCH),
    400013: Error("the group was dissolved", endpoint_state="gone"),
    400101: Error("DingTalk knows no robot with this access_token", endpoint_state="gone", do="make a new robot"),
    400102: Error("the robot was stopped", endpoint_state="paused", do="switch it on, and resume the endpoint"),
    400105: Error("DingTalk does not know this form of message"),
    400106: Error("the robot does not exist any more", endpoint_state="gone", do="make a new robot"),
    410100: Error("too many messages, and the robot is blocked for 10 minutes", rest=_BLOCKED),
    430101: Error("DingTalk takes a link in the message for unsafe"),
    430102: Error("DingTalk takes words in the message for improper"),
    430103: Error("DingTalk takes a picture in the message for improper"),
    430104: Error("DingTalk takes the message for improper"),
    460101: Error("DingTalk refuses the message as too long"),
}


class DingTalk(Robot):
    """What it signs with is `SEC…`, a word that each message must hold `keyword:…`; both may stand side by side."""

    name = "dingtalk"
    title = "DingTalk 钉钉"
    hosts = ("oapi.dingtalk.com", "oapi.dingtalk.io")
    interval = 3.0
    example = "https://oapi.dingtalk.com/robot/send?access_token=0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978"

    @classmethod
    def check(cls, url: str) -> None:
        if not _TOKEN.fullmatch(query_of(url).get("access_token", "")):
            raise UsageError(f"the address of a DingTalk robot ends in ?access_token=…, as in {cls.example}")

    @classmethod
    def check_secret(cls, secret: str) -> str:
        parsed(secret, _SECRET, _WRONG)
        return secret.strip()

    def escape(self, text: str) -> str:
        return plain(text)

    def bodies(self, post: Body, text: str) -> Sequence[Body]:
        title = " ".join(part for part in (str(post["mark"]), str(post["title"])) if part)
        texts = cut(text, _TEXT, lambda part: f"**{plain(title)}**（{part}）")
        return [{"msgtype": "markdown", "markdown": {"title": title[:100], "text": content}} for content in texts]

    def fits(self, body: Body) -> bool:
        return size(wire(body)) + REASONS_BYTES + 200 <= MAX_BYTES  # a keyword may be added

    def request(self, url: str, secret: str, body: bytes, now: dt.datetime) -> Request:
        key, keyword = parsed(secret, _SECRET, _WRONG)
        if keyword:
            body = _with_keyword(body, keyword)
        if not key:
            return Request(url, body)
        moment = str(int(now.timestamp() * 1000))
        return Request(f"{url}&timestamp={moment}&sign={signature(key, moment)}", body)

    def outcome(self, answer: Answer, now: dt.datetime) -> Outcome:
        return answered(answer, ("errcode",), _ERRORS, now)


def signature(secret: str, moment: str) -> str:
    """The value of `sign` in the address, at a time (ms): base64 of the HMAC-SHA256 of `moment\\nsecret`, quoted."""
    mac = hmac.new(secret.encode(), f"{moment}\n{secret}".encode(), hashlib.sha256)
    return quote_plus(base64.b64encode(mac.digest()))


def _with_keyword(body: bytes, keyword: str) -> bytes:
    """The message, which holds the word where people see it."""
    found = json.loads(body)
    if holds(found, keyword):
        return body
    found["markdown"]["text"] += f"\n\n{keyword}"
    return wire(found).encode()
