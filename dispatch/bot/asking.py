"""What people mean by what they write, above all by the names of things to follow."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from dispatch.catalog import Catalog
from dispatch.catalog.carried import MENTIONS

NEAR = 8
"""Suggestions for a word."""

_MOST = 10  # names in one message
_MOST_NEAR = 3  # unknown ones for which something near is looked up
_LONGEST = 64  # characters of a name
_SEPARATORS = re.compile(r"[,，;；、\r\n]+")


def folded(words: str | None) -> str:
    """Words to compare with ours: written small or large, wide or narrow, with blanks around them or none."""
    return unicodedata.normalize("NFKC", words or "").casefold().strip()


@dataclass(frozen=True, slots=True)
class Unknown:
    """A word that is no name, and the tags of what may be meant, the likeliest first."""

    word: str
    near: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a message names: the tags that are certain, and the words that are not."""

    tags: tuple[str, ...]
    unknown: tuple[Unknown, ...]

    @property
    def near(self) -> tuple[str, ...]:
        """All that may be meant by those words."""
        return tuple(dict.fromkeys(tag for unknown in self.unknown for tag in unknown.near))


async def read(catalog: Catalog, words: str, limit: int = NEAR) -> Asked:
    """The names in a line of words, parted by commas and the like, or by white space where each is one. What is near
    a word, at most `limit`, is looked up beside the loop, for it takes a while."""
    found = _parted(catalog, words)
    tags = [tag for _, tag in found if tag is not None]
    strange = [word for word, tag in found if tag is None]
    near = await asyncio.to_thread(lambda: [_near(catalog, word, limit) for word in strange[:_MOST_NEAR]])
    near += [()] * (len(strange) - len(near))
    unknown = tuple(Unknown(word, tags) for word, tags in zip(strange, near, strict=True))
    return Asked(tuple(dict.fromkeys(tags)), unknown)


def _parted(catalog: Catalog, words: str) -> list[tuple[str, str | None]]:
    """Each name with its tag, where it has one."""
    found = [(word, catalog.find(word)) for word in islice(_words(_SEPARATORS.split(words)), _MOST)]
    if len(found) == 1 and found[0][1] is None:
        spaced = [(word, catalog.find(word)) for word in islice(_words(words.split()), _MOST)]
        if all(tag is not None for _, tag in spaced):
            return spaced
    return found


def _words(parts: Iterable[str]) -> Iterator[str]:
    for part in parts:
        if word := part.strip()[:_LONGEST].strip():
            yield word


def _near(catalog: Catalog, word: str, limit: int) -> tuple[str, ...]:
    """What may be meant; parks with their mentions where these are asked for."""
    name = word.replace("：", ":").rpartition(":")[2]
    mentions = MENTIONS if name.endswith(MENTIONS) else ""
    tags = [found.tag for found in catalog.suggest(name.removesuffix(MENTIONS), limit)]
    return tuple(tag + mentions if tag.startswith("park:") else tag for tag in tags)
