"""What can be followed, as forms offer it, and the words that people write for it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from dispatch.catalog import Catalog

MENTIONS = "+mentions"
_SEPARATORS = re.compile(r"[,，;；、\r\n]+")
_MOST_WORDS = 20  # in one field
_MOST_HINTS = 3  # unknown words for which something near is looked up: that takes long
_MOST_WAITING = 8  # forms that wait for it; the others go without
_MOST_CHARACTERS = 60  # of a word
MOST = 500  # follows that a form can ask for; the catalog of parks has fewer


@dataclass(frozen=True, slots=True)
class Choice:
    tag: str
    label: str


@dataclass(frozen=True, slots=True)
class Group:
    """Choices under a heading; `all` is the one that stands for all of them, where there is one."""

    heading: str
    choices: tuple[Choice, ...]
    all: Choice | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """A word that is nothing to follow, and what may be meant."""

    word: str
    near: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a form asks to follow: tags, each once, and the words that mean none."""

    tags: tuple[str, ...]
    unknown: tuple[Unknown, ...]


class Choices:
    """Reads the catalog for forms; the groups are made once a language."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._kinds: dict[str, tuple[tuple[str, tuple[Group, ...]], ...]] = {}
        self._hints = asyncio.Lock()  # one at a time, so that strangers keep one thread busy at most
        self._waiting = 0

    def label(self, tag: str, language: str) -> str:
        return self._catalog.label(tag, language)

    def bulletins(self, language: str) -> str:
        """The names of the bulletins, as a sentence has them."""
        names = [(found.name_en if language == "en" else "") or found.name for found in self._catalog.offered]
        return (", " if language == "en" else "、").join(
            names if language == "en" else [f"《{name}》" for name in names]
        )

    def kinds(self, language: str) -> tuple[tuple[str, tuple[Group, ...]], ...]:
        """(kind, groups) for parks, topics and columns: all there is to tick."""
        if language not in self._kinds:
            kinds = (
                ("parks", self._parks(language)),
                ("topics", self._topics(language)),
                ("columns", self._columns(language)),
            )
            self._kinds[language] = kinds
        return self._kinds[language]

    def words(self, language: str) -> list[tuple[str, str]]:
        """(what to write, what it is) for a list of suggestions."""
        parks = [
            (park.name_en, park.name) if language == "en" else (park.name, park.province)
            for park in self._catalog.parks
        ]
        provinces = [(name, self.label(f"province:{name}", language)) for name in self._provinces]
        topics = [
            (topic.name_en, topic.name) if language == "en" else (topic.name, "") for topic in self._catalog.topics
        ]
        return parks + provinces + topics

    async def read(self, ticked: Sequence[str], written: str, language: str, *, mentions: bool = False) -> Wanted:
        """What was ticked and what was written beside it. With `mentions`, parks also where they are only mentioned.
        A tick that is none of ours is left out: no page of ours has it."""
        words = list(islice(_words(written), _MOST_WORDS))
        found = {word: self._catalog.find(word) for word in words}
        tags = [tag for tag in ticked if tag in self._tags] + [tag for tag in found.values() if tag]
        if mentions:
            tags = [tag + MENTIONS if tag.startswith("park:") and MENTIONS not in tag else tag for tag in tags]
        unknown = await self._explained([word for word, tag in found.items() if not tag], language)
        return Wanted(tuple(dict.fromkeys(tags))[:MOST], unknown)

    async def _explained(self, words: Sequence[str], language: str) -> tuple[Unknown, ...]:
        """What is near the first of the unknown words, found beside the loop that answers everybody."""
        if not words:
            return ()
        near: list[tuple[Choice, ...]] = []
        if self._waiting < _MOST_WAITING:
            self._waiting += 1
            try:
                async with self._hints:
                    near = await asyncio.to_thread(lambda: [self._near(word, language) for word in words[:_MOST_HINTS]])
            finally:
                self._waiting -= 1
        near += [()] * (len(words) - len(near))
        return tuple(Unknown(word, choices) for word, choices in zip(words, near, strict=True))

    def _near(self, word: str, language: str) -> tuple[Choice, ...]:
        found = self._catalog.suggest(word.rpartition(":")[2], limit=8)
        return tuple(Choice(item.tag, self.label(item.tag, language)) for item in found)

    def _parks(self, language: str) -> tuple[Group, ...]:
        return tuple(
            Group(
                self._catalog.province_name(province, language) if language == "en" else province,
                tuple(
                    Choice(f"park:{park.name}", self.label(f"park:{park.name}", language))
                    for park in self._catalog.parks
                    if park.province == province
                ),
                Choice(f"province:{province}", self.label(f"province:{province}", language)),
            )
            for province in self._provinces
        )

    def _topics(self, language: str) -> tuple[Group, ...]:
        groups = [(group.key, group.name_en if language == "en" else group.name) for group in self._catalog.groups]
        found = [
            Group(
                name,
                tuple(
                    Choice(f"topic:{topic.key}", self.label(f"topic:{topic.key}", language))
                    for topic in self._catalog.topics
                    if topic.group == key
                ),
            )
            for key, name in groups
        ]
        return tuple(group for group in found if group.choices)

    def _columns(self, language: str) -> tuple[Group, ...]:
        return tuple(
            Group(
                (found.name_en if language == "en" else "") or found.name,
                tuple(
                    Choice(f"column:{found.key}/{spec.key}", (spec.name_en if language == "en" else "") or spec.name)
                    for spec in found.columns
                ),
                Choice(f"bulletin:{found.key}", self.label(f"bulletin:{found.key}", language)),
            )
            for found in self._catalog.offered
        )

    @cached_property
    def _provinces(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(park.province for park in self._catalog.parks))

    @cached_property
    def _tags(self) -> frozenset[str]:
        """Everything that a form offers."""
        groups: Iterable[Group] = (group for _, groups in self.kinds("zh") for group in groups)
        return frozenset(
            choice.tag for group in groups for choice in (*group.choices, *([group.all] if group.all else []))
        )


def _words(text: str) -> Iterator[str]:
    for part in _SEPARATORS.split(text):
        word = part.strip()[:_MOST_CHARACTERS]
        if word:
            yield word
