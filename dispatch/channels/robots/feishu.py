"""Feishu 飞书 and Lark: the custom bot of a group (https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot).

100 messages a minute and 5 a second for a robot, fewer when everybody's clocks strike; 20 KB a message. A robot asks
for a signature, for a word that each message must hold, or for certain senders.
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
from urllib.parse import urlsplit

from dispatch.channels.robots.base import REASONS_BYTES, Body, Error, Request, Robot, answered, size, wire
from dispatch.channels.robots.locks import MISMATCH, holds, parsed
from dispatch.channels.robots.markdown import plain
from dispatch.errors import RenderError, UsageError
from dispatch.model import Outcome

if TYPE_CHECKING:
    from dispatch.channels.webhook.http1 import Answer

MAX_BYTES = 20_000
MAX_ELEMENTS = 50

_PATH = re.compile(r"/open-apis/bot/v2/hook/[0-9A-Za-z-]{8,64}")
_SECRET = re.compile(r"[0-9A-Za-z]{3,64}")
_WRONG = "what a Feishu robot signs with is letters and digits; a word that it asks for is keyword:WORD"
_ERRORS = {
    9499: Error("Feishu refuses the form of the message"),
    11232: Error("too many messages to this robot", rest=60),
    11233: Error("too many messages to this group", rest=60),
    11246: Error("Feishu refuses the card"),
    11310: Error("Feishu refuses the card"),
    19001: Error("Feishu knows no robot with this address", endpoint_state="gone", do="make a new robot"),
    19002: Error("Feishu refuses the form of the message"),
    19005: Error("the robot is not in the group any more", endpoint_state="gone", do="make a new robot"),
    19007: Error("the robot is not switched on", endpoint_state="paused", do="switch it on, and resume the endpoint"),
    19021: Error("Feishu refuses the signature, or this machine's clock", endpoint_state="paused", do=MISMATCH),
    19022: Error("Feishu refuses this sender's address", endpoint_state="paused", do="add it to the robot's list"),
    19024: Error("Feishu misses the robot's keyword", endpoint_state="paused", do=MISMATCH),
    19036: Error("Feishu refuses the link"),
    230001: Error("Feishu refuses the form of the message"),
    230028: Error("Feishu takes the message for improper"),
    230099: Error("Feishu refuses the card"),
}


class Feishu(Robot):
    """What it signs with, and `keyword:…` for a word that each message must hold; both may stand side by side."""

    name = "feishu"
    title = "Feishu 飞书"
    hosts = ("open.feishu.cn", "open.larksuite.com")
    interval = 0.6
    example = "https://open.feishu.cn/open-apis/bot/v2/hook/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"

    @classmethod
    def check(cls, url: str) -> None:
        if not _PATH.search(urlsplit(url).path):
            raise UsageError(f"the address of a Feishu robot ends in /open-apis/bot/v2/hook/…, as in {cls.example}")

    @classmethod
    def check_secret(cls, secret: str) -> str:
        parsed(secret, _SECRET, _WRONG)
        return secret.strip()

    @property
    def template(self) -> str:
        return "feishu/card.json.j2"

    def escape(self, text: str) -> str:
        return plain(text)

    def bodies(self, post: Body, text: str) -> Sequence[Body]:
        try:
            card = json.loads(text)
            header, elements = card["header"], card["elements"]
        except (ValueError, LookupError, TypeError) as error:
            raise RenderError(f"template {self.template} makes no card: {error!r}") from error
        cards: list[list[Body]] = [[]]
        for element in elements:
            if cards[-1] and not self.fits(_message(header, [*cards[-1], element])):
                cards.append([])
            cards[-1].append(element)
        return [_message(header, found) for found in cards]

    def fits(self, body: Body) -> bool:
        few = len(body["card"]["elements"]) <= MAX_ELEMENTS
        return few and size(wire(body)) + REASONS_BYTES + 300 <= MAX_BYTES  # a signature and a keyword may be added

    def request(self, url: str, secret: str, body: bytes, now: dt.datetime) -> Request:
        key, keyword = parsed(secret, _SECRET, _WRONG)
        text = body.decode()
        found = json.loads(text) if keyword else {}
        if found and not holds(found, keyword):
            found["card"]["elements"].append({"tag": "markdown", "content": keyword})
            text = wire(found)
        if key:
            moment = str(int(now.timestamp()))
            text = f'{{"timestamp":"{moment}","sign":"{signature(key, moment)}",{text[1:]}'
        return Request(url, text.encode())

    def outcome(self, answer: Answer, now: dt.datetime) -> Outcome:
        return answered(answer, ("code", "StatusCode"), _ERRORS, now)


def signature(secret: str, moment: str) -> str:
    """The value of `sign` in the body, at a time (s): base64 of the HMAC-SHA256 of nothing, with `moment\\nsecret` for
    its key."""
    mac = hmac.new(f"{moment}\n{secret}".encode(), b"", hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


def _message(header: Body, elements: Sequence[Body]) -> Body:
    card = {"config": {"wide_screen_mode": True}, "header": header, "elements": list(elements)}
    return {"msg_type": "interactive", "card": card}
