"""WeCom 企业微信: the robot of a group (https://developer.work.weixin.qq.com/document/path/99110).

20 messages a minute for a robot; 4096 bytes of Markdown; 1 to 8 articles in a `news`, of 128 bytes a title and 512 a
description. It signs nothing: the key in the address is all there is.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dispatch.channels.robots.base import Body, Error, Robot, answered, query_of, within_bytes
from dispatch.channels.robots.markdown import cut, filled, plain
from dispatch.errors import UsageError
from dispatch.model import Outcome

if TYPE_CHECKING:
    from dispatch.channels.webhook.http1 import Answer

MAX_MARKDOWN = 4096
MAX_TITLE = 128
MAX_DESCRIPTION = 512
MAX_ARTICLES = 8

_KEY = re.compile(r"[0-9A-Za-z-]{8,64}")
_ERRORS = {
    -1: Error("WeCom is busy", retry=True),
    40058: Error("WeCom refuses the message as too long or of a wrong form"),
    40008: Error("WeCom does not know this form of message"),
    44004: Error("WeCom refuses an empty message"),
    45002: Error("WeCom refuses the message as too long"),
    45008: Error("WeCom refuses the number of articles"),
    45009: Error("more than 20 messages a minute to this robot", rest=60),
    45033: Error("too many calls at a time", rest=10),
    93000: Error("WeCom knows no robot with this key", endpoint_state="gone", do="make a new one in the group"),
    93004: Error("the robot was stopped", endpoint_state="paused", do="switch it on, and resume the endpoint"),
    93008: Error("the robot is not in the group any more", endpoint_state="gone", do="make a new robot in the group"),
}  # fmt: skip


class WeCom(Robot):
    """`[robots] wecom_format`: `markdown` (all versions of the app), `markdown_v2` (4.1.36 and later), `news` (cards
    that lead to the pages; Markdown where there are no pages)."""

    name = "wecom"
    title = "WeCom 企业微信"
    hosts = ("qyapi.weixin.qq.com",)
    interval = 3.0
    example = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"

    @classmethod
    def check(cls, url: str) -> None:
        if not _KEY.fullmatch(query_of(url).get("key", "")):
            raise UsageError(f"the address of a WeCom robot ends in ?key=…, as in {cls.example}")

    def escape(self, text: str) -> str:
        return plain(text)

    def bodies(self, post: Body, text: str) -> Sequence[Body]:
        form = self.settings.wecom_format
        if form == "news" and (articles := _articles(post)):
            chunks = [articles[at : at + MAX_ARTICLES] for at in range(0, len(articles), MAX_ARTICLES)]
            return [{"msgtype": "news", "news": {"articles": chunk}} for chunk in chunks]
        kind = "markdown_v2" if form == "markdown_v2" else "markdown"
        head = plain(str(post["title"]))
        texts = cut(text, MAX_MARKDOWN, lambda part: f"**{head}**（{part}）")
        return [{"msgtype": kind, kind: {"content": content}} for content in texts]

    def fits(self, body: Body) -> bool:
        kind = body["msgtype"]
        return kind == "news" or filled(body[kind]["content"]) <= MAX_MARKDOWN

    def outcome(self, answer: Answer, now: dt.datetime) -> Outcome:
        return answered(answer, ("errcode",), _ERRORS, now)


def _articles(post: Body) -> list[dict[str, str]]:
    """The cards of a post; none unless each article has a page to lead to."""
    entries = [entry for section in post["sections"] for entry in section["entries"]]
    if not entries or not all(entry["url"] for entry in entries):
        return []
    return [
        {
            "title": within_bytes(entry["title"], MAX_TITLE),
            "description": within_bytes(entry["lead"], MAX_DESCRIPTION),
            "url": entry["url"],
        }
        for entry in entries
    ]
