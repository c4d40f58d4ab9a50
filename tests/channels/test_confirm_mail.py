"""The mail that asks for a yes as the reader gets it, and the link to the preferences in all others."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import re

import pytest

from dispatch.assets import templates_dir
from dispatch.channels.email.compose import Built, build
from dispatch.channels.email.render import render
from dispatch.channels.telegram import TelegramChannel
from dispatch.digests.render import Renderer
from dispatch.model import Confirmation, Content, Envelope, Reason
from dispatch.settings import EmailSettings, TelegramSettings
from dispatch.testing.samples import sample_content, sample_envelope

SETTINGS = EmailSettings(host="x", from_address="news@b.test")
RENDERER = Renderer(templates_dir(), None, lambda bulletin, ref, position: "")


def mail(language: str, way: str = "page", network: str = "203.0.113.0/24") -> tuple[str, str, str]:
    """Head, text and HTML."""
    confirmation = Confirmation("https://b.test/c/t", dt.date(2026, 3, 1), 7, way, network, "<agreed & kept>")
    reasons = (Reason("topic:x", "<b>区块链</b>"),)
    made = Envelope(1, "email", "li@x.test", "张三", language, "1@b.test", reasons, confirmation=confirmation)
    built = build(SETTINGS, made, render(RENDERER, SETTINGS, Content("confirm", language, "full", (), "火炬动态")))
    assert isinstance(built, Built)
    message = email.message_from_bytes(built.data, policy=email.policy.default)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    head = "\n".join(f"{name}: {value}" for name, value in message.items())
    return head, str(plain.get_content()), str(html.get_content())


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", ("张三，您好", "203.0.113.0/24", "7天内有效", "2026年3月1日", "不是您本人", "申请关注")),
        ("en", ("Dear 张三", "203.0.113.0/24", "7 days", "1 March 2026", "do nothing", "To be followed")),
    ],
)
def test_it_says_what_is_asked_by_whom_and_for_how_long(language: str, words: tuple[str, ...]) -> None:
    head, text, html = mail(language)
    for word in words:
        assert word in text
        assert word in html
    assert "<agreed & kept>" in text
    assert "&lt;agreed &amp; kept&gt;" in html
    assert "<b>区块链" not in html
    assert "Auto-Submitted: auto-generated" in head
    assert "List-" not in head
    assert "Precedence" not in head


def test_it_has_one_link_and_loads_nothing() -> None:
    _, _, html = mail("zh")
    assert re.findall(r'(?:href|src)="([^"]*)"', html) == ["https://b.test/c/t"]
    assert "url(" not in html


@pytest.mark.parametrize(("way", "words"), [("bot", "聊天机器人"), ("mail", "一封邮件"), ("command", "管理员")])
def test_the_way_is_told_in_words(way: str, words: str) -> None:
    assert words in mail("zh", way, "")[1]


def test_a_digest_links_to_the_preferences_by_mail_and_chat() -> None:
    envelope = sample_envelope("li@x.test", channel="email")
    built = build(SETTINGS, envelope, render(RENDERER, SETTINGS, sample_content()))
    assert isinstance(built, Built)
    message = email.message_from_bytes(built.data, policy=email.policy.default)
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        assert part is not None
        assert envelope.preferences_url in part.get_content()
    chat = TelegramChannel(TelegramSettings(), RENDERER).preview(sample_content(), envelope)[".html"]
    assert f'<a href="{envelope.preferences_url}">更改设置</a>' in chat
