"""What can be followed, as forms offer it, and the words that people write for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from dispatch.catalog import Catalog
from dispatch.errors import UsageError

MENTIONS = "+mentions"
_SEPARATORS = re.compile(r"[,，;；、\r\n]+")
_MOST_WORDS = 50  # in one field
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

    def label(self, tag: str, language: str) -> str:
        return self._catalog.label(tag, language)

    def bulletins(self, language: str) -> str:
        """The names of the bulletins, as a sentence has them."""
        names = [(found.name_en if language == "en" else "") or found.name for found in self._catalog.bulletins]
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
        parks = [(park.name, park.province) for park in self._catalog.parks]
        provinces = [(name, self.label(f"province:{name}", language)) for name in self._provinces]
        topics = [
            (topic.name_en, topic.name) if language == "en" else (topic.name, "") for topic in self._catalog.topics
        ]
        return parks + provinces + topics

    def read(self, ticked: Sequence[str], written: str, language: str, *, mentions: bool = False) -> Wanted:
        """What was ticked and what was written beside it. With `mentions`, parks also where they are only mentioned.
        A tick that is none of ours is left out: no page of ours has it."""
        tags = [tag for tag in ticked if tag in self._tags]
        unknown = []
        for word in list(_words(written))[:_MOST_WORDS]:
            tag = self._resolve(word)
            if tag:
                tags.append(tag)
            else:
                unknown.append(Unknown(word, self._near(word, language)))
        if mentions:
            tags = [tag + MENTIONS if tag.startswith("park:") and MENTIONS not in tag else tag for tag in tags]
        return Wanted(tuple(dict.fromkeys(tags))[:MOST], tuple(unknown))

    def _resolve(self, word: str) -> str:
        """The tag of a word as people write it, with or without the kind in front; "" for what is none."""
        for form in (word, f"park:{word}", f"province:{word}", f"topic:{word}", f"column:{word}", f"bulletin:{word}"):
            try:
                return self._catalog.resolve(form)
            except UsageError:
                continue
        return ""

    def _near(self, word: str, language: str) -> tuple[Choice, ...]:
        found = self._catalog.suggest(word.rpartition(":")[2], limit=8)
        return tuple(Choice(item.tag, self.label(item.tag, language)) for item in found)

    def _parks(self, language: str) -> tuple[Group, ...]:
        return tuple(
            Group(
                province,
                tuple(
                    Choice(f"park:{park.name}", park.name) for park in self._catalog.parks if park.province == province
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
            for found in self._catalog.bulletins
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
