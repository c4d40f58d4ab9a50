"""What the catalog holds, as frozen values: parks, topics, bulletins with their columns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Park:
    """A national high-tech zone. `name` is what tags and follows use; `since` the year it became national.

    `aliases` mean this park wherever they stand. `loose_aliases` mean other things too (中关村 is also an
    electronics market), so the tagger asks for support before it believes them. `english` are its names in English,
    the first of which readers are shown; articles are not looked through for them.
    """

    name: str
    full_name: str
    province: str
    city: str
    since: int | None = None
    aliases: tuple[str, ...] = ()
    loose_aliases: tuple[str, ...] = ()
    english: tuple[str, ...] = ()

    @property
    def name_en(self) -> str:
        """The name in English; the Chinese one where there is none."""
        return self.english[0] if self.english else self.name


@dataclass(frozen=True, slots=True)
class OtherZone:
    """A zone that is no national high-tech zone: what lies within its name is no park. `kind` is for people."""

    name: str
    province: str
    kind: str


@dataclass(frozen=True, slots=True)
class Topic:
    """Something to follow in an article whatever its park.

    `terms` are words and what each is worth as a sign of the topic. `counter_terms` are longer phrases that
    contain a term and do not mean the topic (支部品牌 is no brand): inside them terms do not count. `description` says
    in Chinese what belongs, `description_en` in English, "" where nobody wrote it.
    """

    key: str
    name: str
    name_en: str
    group: str
    description: str
    terms: tuple[tuple[str, float], ...]
    counter_terms: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    description_en: str = ""

    def described(self, language: str) -> str:
        """What belongs, in a language (`zh` or `en`), else in the other one."""
        return (self.description_en if language == "en" else self.description) or self.description


@dataclass(frozen=True, slots=True)
class TopicGroup:
    """A heading under which topics are listed."""

    key: str
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column that a bulletin is known to have."""

    key: str
    name: str
    name_en: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bulletin:
    """A periodical's profile. With only a key and a name, issues are read by general means.

    `aliases` are former names in mastheads. `numbering` are ways in which issues are numbered, with {number}, {total},
    {year}, {month} and {day}. `credit_patterns` are whole lines of credit, with {credit} for who is named. A bulletin
    that is not `offered` is read, but readers are not shown it before they follow it by its key.
    """

    key: str
    name: str
    name_en: str = ""
    aliases: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    numbering: tuple[str, ...] = ()
    credit_words: tuple[str, ...] = ()
    credit_patterns: tuple[str, ...] = ()
    colophon_words: tuple[str, ...] = ()
    signing_organisations: tuple[str, ...] = ()
    columns: tuple[ColumnSpec, ...] = ()
    offered: bool = True
