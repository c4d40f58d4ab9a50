"""What keeps strangers from posting by a robot of DingTalk or Feishu: a key that signs, a word that each message must
hold, or both. They are kept together as `KEY keyword:WORD`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dispatch.channels.robots.base import Body
from dispatch.errors import UsageError

MISMATCH = "give its signing secret or keyword: dispatch webhooks rotate"
"""What to do where a service refuses a message for either."""

_KEYWORD = "keyword:"
_LONGEST = 40  # characters of a word


def parsed(secret: str, key: re.Pattern[str], wrong: str) -> tuple[str, str]:
    """The key that signs, of the form `key`, and the word, "" for none. Raises UsageError, which says `wrong`."""
    text, _, word = secret.strip().partition(_KEYWORD)
    signs = text.strip()
    if (signs and not key.fullmatch(signs)) or len(word) > _LONGEST:
        raise UsageError(wrong)
    return signs, word.strip()


def holds(body: Body, word: str) -> bool:
    """Whether a message has the word where people see it."""
    return any(word in text for text in _texts(body))


def _texts(value: Any) -> Iterator[str]:
    """What stands under `text`, `title` and `content`, however deep."""
    for name, found in value.items() if isinstance(value, Mapping) else enumerate(value):
        if isinstance(found, str):
            if name in ("text", "title", "content"):
                yield found
        elif isinstance(found, (Mapping, list)):
            yield from _texts(found)
