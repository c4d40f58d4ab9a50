"""The received messages as files to open."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from pathlib import Path

from dispatch.testing.bot_api import ChatMessage
from dispatch.testing.smtp import ReceivedMail
from dispatch.testing.webhook import ReceivedRequest

KINDS = ("email", "telegram", "webhook")
_SUFFIXES = (".html", ".eml", ".txt", ".json")


def clear(folder: Path) -> None:
    """Remove what an earlier demo left, and nothing else."""
    for kind in KINDS:
        for path in (folder / kind).glob("*"):
            if path.suffix in _SUFFIXES and path.is_file():
                path.unlink()
        (folder / kind).mkdir(parents=True, exist_ok=True)


def write_mails(folder: Path, mails: Iterable[ReceivedMail]) -> None:
    """Each mail as it came (.eml), its HTML and its text."""
    for number, mail in enumerate(mails, start=1):
        stem = folder / "email" / _name(number, mail.recipients[0].partition("@")[0])
        stem.with_suffix(".eml").write_bytes(mail.raw)
        for kind, suffix in (("html", ".html"), ("plain", ".txt")):
            part = mail.parsed.get_body((kind,))
            if part is not None:
                stem.with_suffix(suffix).write_text(part.get_content(), encoding="utf-8")


def write_chats(folder: Path, messages: Iterable[ChatMessage]) -> None:
    """Each chat message as text, and all of a chat as a page."""
    chats: dict[str, list[str]] = {}
    for number, message in enumerate(messages, start=1):
        path = folder / "telegram" / f"{_name(number, f'chat{message.chat}')}.txt"
        path.write_text(message.text + "\n", encoding="utf-8")
        chats.setdefault(str(message.chat), []).append(message.html)
    for chat, texts in chats.items():
        bubbles = "\n".join(f"<div>{text}</div>" for text in texts)
        page = _CHAT.format(chat=html.escape(chat), bubbles=bubbles)
        (folder / "telegram" / f"chat{chat}.html").write_text(page, encoding="utf-8")


def write_hooks(folder: Path, requests: Iterable[ReceivedRequest]) -> None:
    for number, request in enumerate(requests, start=1):
        path = folder / "webhook" / f"{_name(number, request.path.strip('/'))}.json"
        path.write_text(json.dumps(request.json, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _name(number: int, words: str) -> str:
    return f"{number:02d}-{re.sub(r'[^A-Za-z0-9_-]+', '-', words)}"


_CHAT = """<!doctype html>
<html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>chat {chat}</title>
<style>
body {{ background: #d5e3ec; font: 15px/1.5 sans-serif; margin: 1rem auto; max-width: 34rem; }}
div {{ background: #fff; border-radius: 12px; padding: 10px 14px; margin: 8px; white-space: pre-wrap; }}
blockquote {{ border-left: 3px solid #4a90c2; margin: 4px 0; padding: 2px 10px; background: #eef5fa; }}
</style>
{bubbles}
</html>
"""
