"""Parks, topics and bulletins, from `config/` and an override folder of the installation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column that a bulletin is known to have."""

    key: str
    name: str
    name_en: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bulletin:
    """A periodical's profile. With only a key and a name, issues are read by general means."""

    key: str
    name: str
    name_en: str = ""
    publishers: tuple[str, ...] = ()
    credit_words: tuple[str, ...] = ()
    colophon_words: tuple[str, ...] = ()
    signing_organisations: tuple[str, ...] = ()
    columns: tuple[ColumnSpec, ...] = ()
