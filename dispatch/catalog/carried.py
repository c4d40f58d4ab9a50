"""Which tags an article carries, and which of a bulletin's columns it stands in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dispatch.catalog.values import ColumnSpec, Park
from dispatch.catalog.words import fold_word
from dispatch.model import Article, Role

MENTIONS = "+mentions"

# How alike (0 to 100) a column's name in an issue and in the profile must be to be taken for the same.
_SAME_COLUMN = 75


def tags_of(article: Article, bulletin: str, column_key: str, park_of: Callable[[str], Park | None]) -> tuple[str, ...]:
    """Every stored tag that brings this article to a follower, each once."""
    tags: list[str] = []
    for tag in article.parks:
        tags.append(f"park:{tag.name}{MENTIONS}")
        if tag.role is Role.SUBJECT:
            tags.append(f"park:{tag.name}")
            park = park_of(tag.name)
            tags += [f"province:{park.province}"] if park else []
    tags += [f"topic:{topic.key}" for topic in article.topics]
    tags += [f"column:{bulletin}/{column_key}", f"bulletin:{bulletin}", "all"]
    return tuple(dict.fromkeys(tags))


def column_spec(columns: Sequence[ColumnSpec], name: str, contents_name: str) -> ColumnSpec:
    """The column of this name, else of its name in the contents list, else the likest one; else one that has the name
    for a key."""
    for word in (name, contents_name):
        if word and (found := [spec for spec in columns if fold_word(word) in column_words(spec)]):
            return found[0]
    return _likest(columns, name) or ColumnSpec(name, name)


def column_words(spec: ColumnSpec) -> set[str]:
    """All that a column is found by, folded."""
    return {fold_word(word) for word in (spec.key, spec.name, spec.name_en, *spec.aliases) if word}


def _likest(columns: Sequence[ColumnSpec], name: str) -> ColumnSpec | None:
    from rapidfuzz import fuzz  # not at module import: profiles name nearly all columns

    scored = [(fuzz.ratio(fold_word(name), word), spec) for spec in columns for word in column_words(spec)]
    score, spec = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    return spec if score >= _SAME_COLUMN else None
