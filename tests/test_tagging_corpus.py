"""The labelled articles have the form that their README promises, and no article stands in both halves."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest

from dispatch.catalog import Catalog, load_catalog

_FOLDER = Path(__file__).parent / "data" / "tagging"
_KEYS = ("title", "credit", "date", "subjects", "mentions", "optional_parks", "topics", "optional", "trap")
_MAY_BE_MISSING = {"optional_parks"}
_MUST_SAY_SOMETHING = ("title", "date", "trap")
_MOST_TOPICS = 5
_SHORTEST = 80  # characters of a text
_PIECE = 12  # characters; texts that share many pieces of this length are one text twice
_ALIKE = 0.2  # share of the shorter text's pieces


@dataclass(frozen=True, slots=True)
class _Labelled:
    """One file: its head as it stands there, and its text."""

    path: Path
    keys: tuple[str, ...]
    head: dict[str, str]
    text: str

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    def names(self, key: str) -> list[str]:
        return [name.strip() for name in self.head.get(key, "").split(",") if name.strip()]

    @property
    def parks(self) -> list[str]:
        return [*self.names("subjects"), *self.names("mentions"), *self.names("optional_parks")]

    @property
    def written(self) -> str:
        """All that a reader sees, with names that a line end cut in one piece again."""
        return "\n".join((self.head["title"], self.head["credit"], self.text.replace("\n", "")))


def _read(path: Path) -> _Labelled:
    head, _, text = path.read_text(encoding="utf-8").partition("\n\n")
    pairs = [line.partition(":") for line in head.splitlines()]
    return _Labelled(path, tuple(key for key, _, _ in pairs), {key: value.strip() for key, _, value in pairs}, text)


_ARTICLES = [_read(path) for path in sorted(_FOLDER.glob("*/*.txt"))]
_MEASURED = [article for article in _ARTICLES if article.path.parent.name == "measured"]
_each = pytest.mark.parametrize("article", _ARTICLES, ids=str)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@_each
def test_the_head_has_the_keys_of_the_readme_in_their_order(article: _Labelled) -> None:
    allowed = [key for key in _KEYS if key in article.keys or key not in _MAY_BE_MISSING]
    assert list(article.keys) == allowed
    assert all(article.head[key] for key in _MUST_SAY_SOMETHING)
    assert dt.date.fromisoformat(article.head["date"]) >= dt.date(1988, 1, 1)
    assert re.fullmatch(r"no|yes \(.+\)", article.head["trap"])


@_each
def test_the_file_is_plain_text_with_a_paragraph_a_line(article: _Labelled) -> None:
    raw = article.path.read_bytes().decode("utf-8")
    assert re.fullmatch(r"\d{3}-[a-z0-9]+(-[a-z0-9]+)*", article.path.stem)
    assert not set("\r�") & set(raw)
    assert raw.endswith("\n")
    lines = article.text.splitlines()
    assert all(line and line == line.strip() for line in lines)
    assert sum(map(len, lines)) >= _SHORTEST


@_each
def test_parks_and_topics_are_of_the_catalog_and_said_once(article: _Labelled, catalog: Catalog) -> None:
    assert set(article.parks) <= {park.name for park in catalog.parks}
    assert len(article.parks) == len(set(article.parks))
    topics = [*article.names("topics"), *article.names("optional")]
    assert set(topics) <= {topic.key for topic in catalog.topics}
    assert len(topics) == len(set(topics))
    assert len(article.names("topics")) <= _MOST_TOPICS


@pytest.mark.parametrize("article", [article for article in _ARTICLES if article.head["trap"] == "no"], ids=str)
def test_a_park_by_its_whole_name_is_labelled(article: _Labelled, catalog: Catalog) -> None:
    """Not so in a trap, which may name a park and mean another thing."""
    named = {park.name for park in catalog.parks if park.name.endswith("高新区") and park.name in article.written}
    named |= {park.name for park in catalog.parks if park.full_name in article.written}
    assert named <= set(article.parks)


def test_numbers_and_titles_are_not_given_twice() -> None:
    numbers = Counter((article.path.parent.name, article.path.name[:3]) for article in _ARTICLES)
    titles = Counter(article.head["title"] for article in _ARTICLES)
    assert [number for number, count in numbers.items() if count > 1] == []
    assert [title for title, count in titles.items() if count > 1] == []


def test_no_text_stands_twice_in_either_half_or_both() -> None:
    sizes: Counter[str] = Counter()
    holders: defaultdict[str, set[str]] = defaultdict(set)
    for article in _ARTICLES:
        whole = "".join(article.text.split())
        for piece in {whole[start : start + _PIECE] for start in range(len(whole) - _PIECE + 1)}:
            holders[piece].add(str(article))
            sizes[str(article)] += 1
    shared = Counter(pair for those in holders.values() for pair in combinations(sorted(those), 2))
    assert [pair for pair, count in shared.items() if count > _ALIKE * min(sizes[pair[0]], sizes[pair[1]])] == []


def test_the_measured_half_is_wide_enough_to_mean_something(catalog: Catalog) -> None:
    provinces = {park.name: park.province for park in catalog.parks}
    parks = {park for article in _MEASURED for park in article.parks}
    topics = Counter(topic for article in _MEASURED for topic in article.names("topics"))
    assert len(_MEASURED) >= 75
    assert sum(article.head["trap"] != "no" for article in _MEASURED) >= 25
    assert len(parks) >= 60
    assert {provinces[park] for park in parks} == set(provinces.values())
    assert sum(count >= 2 for count in topics.values()) >= 45
    assert any(not article.names("topics") for article in _MEASURED)
    assert sum(len(article.text) > 2000 for article in _MEASURED) >= 3
