"""Messages made of parts, for services that take JSON: texts cut into pieces, and parts put together into messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

Part = TypeVar("Part")

_LINE = re.compile(r"\n+")
_SENTENCE = re.compile(r"[。！？；!?;]+[”』」）)]*|\. ")
_BROKEN = re.compile(r"(?:\\|&[a-z]{0,4}|[\ud800-\udbff])\Z")  # the beginning of an escape, cut from its end


def units(text: str) -> int:
    """Characters as JavaScript and C# count them, in UTF-16: as many as ours, or more."""
    return len(text) + sum(char > "\uffff" for char in text)


def within(text: str, limit: int) -> str:
    """As much of an escaped text as there are `limit` characters for."""
    return text if units(text) <= limit else _beginning(text, limit - 1) + "…"


def pieces(text: str, limit: int) -> list[str]:
    """An escaped text in pieces of at most `limit` characters: cut between lines where that can be, else behind a
    sentence, else anywhere but inside of an escape."""
    found: list[str] = []
    while units(text) > limit:
        head = _beginning(text, limit)
        cut = _last(_LINE, head) or _last(_SENTENCE, head) or len(head)
        found.append(text[:cut].strip("\n"))
        text = text[cut:].strip("\n")
    return [*found, text] if text or not found else found


def messages(
    parts: Sequence[Part], fits: Callable[[Sequence[Part]], bool], binds: Callable[[Part], bool]
) -> list[list[Part]]:
    """Parts in messages, as many in each as fit; none ends with a part that `binds`, such as a heading or a line
    above what follows. A part that fits into no message is one of its own, and does not fit."""
    found: list[list[Part]] = [[]]
    for part in parts:
        if found[-1] and not fits([*found[-1], part]):
            found.append(_unbound(found[-1], binds))
        found[-1].append(part)
    return [message for message in found if message]


def _unbound(message: list[Part], binds: Callable[[Part], bool]) -> list[Part]:
    """The parts at a message's end that belong to what follows, taken off; all it has are left where they are."""
    end = len(message)
    while end > 1 and binds(message[end - 1]):
        end -= 1
    moved = message[end:]
    del message[end:]
    return moved


def _beginning(text: str, limit: int) -> str:
    head = text[:limit]
    while units(head) > limit:
        head = head[:-1]
    return _BROKEN.sub("", head)


def _last(pattern: re.Pattern[str], text: str) -> int:
    """Where the last match ends; 0 where there is none in the second half, for a message is no place for crumbs."""
    return max((match.end() for match in pattern.finditer(text) if match.end() * 2 > len(text)), default=0)
