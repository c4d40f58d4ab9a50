"""What comes of reading a file, and its way from the process that read it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from dispatch.catalog import Catalog
from dispatch.codec import article_json, issue_json
from dispatch.intake.cleaning import clean
from dispatch.model import Article, Block, Column, Evidence, Issue, ParkTag, TopicTag

LONGEST_KEY = 100
MAX_COLUMNS, MAX_ARTICLES = 100, 2_000
_MANY = 1_000_000_000  # more than any number of an issue
_KEY = re.compile(rf"[\w-]{{1,{LONGEST_KEY}}}")
_HREF = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_LONGEST_LABEL = 1_000  # characters of a title, a credit or a name
_LONGEST_WARNING, _MOST_WARNINGS = 2_000, 1_000

# How many of each an issue may have, far above any that is printed: what is held here grows with them.
_MOST = {
    "columns": MAX_COLUMNS,
    "articles": MAX_ARTICLES,
    "paragraphs": 50_000,
    "table cells": 200_000,
    "stretches of emphasis and links": 100_000,
    "tags and passages for them": 100_000,
    "characters": 5_000_000,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """An issue as it was read from a source, tagged, with what the reader was unsure of."""

    source: str
    issue: Issue
    warnings: tuple[str, ...]

    def tidied(self, source: str) -> Reading:
        """The reading as that of `source`, whatever it says itself; each name, title and warning one line without
        characters that nobody sees, and not too many warnings."""
        issue = self.issue
        warnings = tuple(clean_line(warning)[:_LONGEST_WARNING] for warning in self.warnings[:_MOST_WARNINGS])
        if left := len(self.warnings) - len(warnings):
            warnings += (f"{left:,} more warnings are not kept.",)
        columns = tuple(map(_tidied_column, issue.columns))
        title, publisher = clean_line(issue.title), clean_line(issue.publisher)
        return Reading(source, replace(issue, title=title, publisher=publisher, columns=columns), warnings)

    def known_to(self, catalog: Catalog) -> Reading:
        """The reading with just those tags that the catalog has."""
        columns = tuple(
            replace(column, articles=tuple(known_tags(article, catalog) for article in column.articles))
            for column in self.issue.columns
        )
        return replace(self, issue=replace(self.issue, columns=columns))


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes of a file: an issue, a single article, or the reason why there is none."""

    reading: Reading | None = None
    article: Article | None = None
    error: str = ""

    @property
    def excess(self) -> str:
        """What there is too much of, as `more than 100 columns`; "" where all is within bounds."""
        counts = dict.fromkeys(_MOST, 0)
        if self.reading:
            counts["columns"] = len(self.reading.issue.columns)
        for article in self._articles:
            counts["articles"] += 1
            for name, count in _counted(article):
                counts[name] += count
        many = next((f"more than {most:,} {name}" for name, most in _MOST.items() if counts[name] > most), "")
        return many or next((f"a title or name of more than {_LONGEST_LABEL:,} characters" for _ in self._long), "")

    @property
    def is_sound(self) -> bool:
        """Whether numbers are within what they can be, places within their texts, and keys and links such as the
        program makes: nobody vouches for who says so. That values are of their types is `codec.from_json`'s care."""
        if self.reading:
            issue = self.reading.issue
            if not (0 <= issue.year <= 9999 and 0 <= issue.number < _MANY and 0 <= issue.total < _MANY):
                return False
            if not _KEY.fullmatch(issue.bulletin):
                return False
        return all(map(_is_sound, self._articles))

    @property
    def _articles(self) -> Iterator[Article]:
        if self.article:
            yield self.article
        if self.reading:
            for column in self.reading.issue.columns:
                yield from column.articles

    @property
    def _long(self) -> Iterator[str]:
        """Titles, credits and names that are longer than those can be."""
        labels = [text for article in self._articles for text in (article.title, article.credit)]
        if self.reading:
            issue = self.reading.issue
            labels += [issue.title, issue.publisher]
            labels += [text for column in issue.columns for text in (column.name, column.contents_name)]
        return (label for label in labels if len(label) > _LONGEST_LABEL)

    def json(self) -> dict[str, Any]:
        """The answer as plain values, from which `codec.from_json` makes it again."""
        return {
            "reading": _reading_json(self.reading) if self.reading else None,
            "article": article_json(self.article) if self.article else None,
            "error": self.error,
        }


def too_much(what: str) -> str:
    """Why a file is refused that gives more than an issue can have, and what to do."""
    return f"{what}, too much for an issue; divide it"


def tidied(article: Article) -> Article:
    """An article whose title and credit are one line each, without characters that nobody sees."""
    return replace(article, title=clean_line(article.title), credit=clean_line(article.credit))


def known_tags(article: Article, catalog: Catalog) -> Article:
    """An article with just those tags that the catalog has: who follows a park or topic gets no other's."""
    parks = tuple(tag for tag in article.parks if _is_known_park(tag, catalog))
    topics = tuple(tag for tag in article.topics if _is_known_topic(tag, catalog))
    return replace(article, parks=parks, topics=topics)


def clean_line(text: str) -> str:
    """A text on one line. One that has nothing to remove stays as it is, and so do the places in it; in another, each
    character that nobody sees is a blank."""
    if clean(text) == text and "\n" not in text:
        return text
    return "".join(char if char != "\n" and clean(char) == char else " " for char in text)


def _is_known_park(tag: ParkTag, catalog: Catalog) -> bool:
    park = catalog.park(tag.name)
    return park is not None and park.name == tag.name


def _is_known_topic(tag: TopicTag, catalog: Catalog) -> bool:
    topic = catalog.topic(tag.key)
    return topic is not None and (topic.key, topic.name) == (tag.key, tag.name)


def _tidied_column(column: Column) -> Column:
    return Column(clean_line(column.name), clean_line(column.contents_name), tuple(map(tidied, column.articles)))


def _counted(article: Article) -> Iterator[tuple[str, int]]:
    """How many there are in an article, by the names of `_MOST`."""
    passages = sum(len(park.evidence) for park in article.parks) + sum(len(topic.evidence) for topic in article.topics)
    yield "paragraphs", len(article.blocks)
    yield "table cells", sum(max(1, len(row)) for block in article.blocks for row in block.rows)
    yield "stretches of emphasis and links", sum(len(block.marks) for block in article.blocks)
    yield "tags and passages for them", passages + len(article.parks) + len(article.topics)
    yield "characters", sum(map(_length, article.blocks))


def _length(block: Block) -> int:
    return len(block.text) + sum(len(mark.href) for mark in block.marks)


def _is_sound(article: Article) -> bool:
    evidence = [item for park in article.parks for item in park.evidence]
    evidence += [item for topic in article.topics for item in topic.evidence]
    return (
        all(0 <= mark.start <= mark.end <= len(block.text) for block in article.blocks for mark in block.marks)
        and all(_HREF.match(mark.href) for block in article.blocks for mark in block.marks if mark.href)
        and all(0 <= block.depth < _MANY for block in article.blocks)
        and all(math.isfinite(topic.score) for topic in article.topics)
        and all(_is_placed(item, article) for item in evidence)
    )


def _is_placed(item: Evidence, article: Article) -> bool:
    """Whether a passage lies within the text that it is said to be of."""
    if item.where == "text":
        text = article.blocks[item.block].text if 0 <= item.block < len(article.blocks) else ""
    else:
        text = {"title": article.title, "credit": article.credit}.get(item.where, "")
    return 0 <= item.start <= item.end <= len(text)


def _reading_json(reading: Reading) -> dict[str, Any]:
    return {"source": reading.source, "issue": issue_json(reading.issue), "warnings": list(reading.warnings)}
