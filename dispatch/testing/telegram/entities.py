"""The entities that Telegram finds by itself in what people write: commands, mentions, links, hashtags, addresses."""

from __future__ import annotations

import re

from dispatch.testing.telegram_html import Entity, utf16_length

_KINDS = (
    ("url", re.compile(r"(?:https?://|t\.me/|www\.)[^\s<>\"'「」《》，。；、]+", re.IGNORECASE)),
    ("email", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)),
    ("bot_command", re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w@/])")),
    ("mention", re.compile(r"(?<![\w@])@[A-Za-z0-9_]{3,32}(?!\w)")),
    ("hashtag", re.compile(r"(?<![\w#])#\w*[^\W\d]\w*")),
)


def find_entities(text: str) -> tuple[Entity, ...]:
    """In the order of the text; none within another."""
    found: list[tuple[int, int, str]] = []
    for kind, pattern in _KINDS:
        for match in pattern.finditer(text):
            start, end = match.span()
            if all(end <= taken or other <= start for taken, other, _ in found):
                found.append((start, end, kind))
    return tuple(
        Entity(kind, utf16_length(text[:start]), utf16_length(text[start:end])) for start, end, kind in sorted(found)
    )


def command_of(text: str, entities: tuple[Entity, ...]) -> str:
    """The first command of a message as it was written (`/follow@some_bot`), "" where there is none."""
    units = text.encode("utf-16-le", "surrogatepass")
    for entity in entities:
        if entity.type == "bot_command":
            start = 2 * entity.offset
            return units[start : start + 2 * entity.length].decode("utf-16-le")
    return ""
