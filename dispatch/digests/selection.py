"""Which articles of which digests a message has, in words short enough for a link."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

_WORDS = re.compile(
    r"(digest|correction|test)\.(zh|en)\.(full|titles)(?::[0-9a-f]+\.[0-9a-f]+\.[0-9a-f]+(?:\.[0-9a-f]+)?)+"
)


class Part(NamedTuple):
    """A digest, the sum of its articles' bits, the revision of the issue (0: the one that it has), and the sum of those
    of the articles beside them that are not even named."""

    digest_id: int
    variant: int
    revision: int
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Selection:
    """What decides the content of a message of the kind `digest`, `correction` or `test`."""

    kind: str
    language: str
    format: str
    parts: tuple[Part, ...]

    def words(self) -> str:
        """`digest.zh.full:1a.3.1`: the parts in hexadecimal; `1a.3.1.4` where something is left out."""
        return ":".join([f"{self.kind}.{self.language}.{self.format}", *map(_written, self.parts)])

    @classmethod
    def read(cls, words: str) -> Selection | None:
        """What `words` said; None for words of no selection."""
        if not _WORDS.fullmatch(words):
            return None
        head, *parts = words.split(":")
        kind, language, form = head.split(".")
        read = (Part(*(int(number, 16) for number in part.split("."))) for part in parts)
        return cls(kind, language, form, tuple(read))


def _written(part: Part) -> str:
    numbers = part if part.left_out else part[:3]
    return ".".join(f"{number:x}" for number in numbers)
