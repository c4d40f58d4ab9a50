"""Markdown for robots: cut into messages by bytes, at blank lines where that can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dispatch.channels.robots.base import REASONS_BYTES, size
from dispatch.digests.slots import slot

_FILLER = "x" * REASONS_BYTES
# In none of the dialects can markup be escaped in every place. These look the same to a reader of Chinese, and no
# dialect knows them; a mention (`<@…>`, `@all`) calls nobody.
_LOOKALIKES = str.maketrans({
    "<": "＜", ">": "＞", "[": "［", "]": "］", "*": "＊", "`": "｀", "_": "＿", "~": "～", "|": "｜", "\\": "＼",
    "@": "＠", "#": "＃", "\u2028": " ", "\u2029": " ", "\n": " ", "\r": " ",
})  # fmt: skip


def plain(text: str) -> str:
    """Text from outside without anything that could be markup, on one line."""
    return text.translate(_LOOKALIKES)


def filled(text: str) -> int:
    """Bytes of a text once its slots are filled."""
    return size(text.replace(slot("why"), _FILLER))


def paragraphs(text: str) -> list[str]:
    """The pieces between blank lines."""
    return [piece.strip("\n") for piece in text.split("\n\n") if piece.strip()]


def cut(text: str, limit: int, head: Callable[[int], str]) -> Sequence[str]:
    """The messages of a text, each within `limit` bytes as far as a paragraph is: what is longer than a message stays
    whole, and does not fit. `head` gives what message n (from 2) begins with."""
    found: list[str] = []
    for piece in paragraphs(text):
        longer = f"{found[-1]}\n\n{piece}" if found else piece
        if found and filled(longer) > limit:
            found.append(f"{head(len(found) + 1)}\n\n{piece}")
        elif found:
            found[-1] = longer
        else:
            found = [piece]
    return found
