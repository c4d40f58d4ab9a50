"""What comes of reading a file, and its way from the process that read it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from dispatch.codec import article_json, issue_json
from dispatch.model import Article, Evidence, Issue

_MANY = 1_000_000_000  # more than any number of an issue


@dataclass(frozen=True, slots=True)
class Reading:
    """An issue as it was read from a source, tagged, with what the reader was unsure of."""

    source: str
    issue: Issue
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes of a file: an issue, a single article, or the reason why there is none."""

    reading: Reading | None = None
    article: Article | None = None
    error: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether numbers are within what they can be, and places within their texts: nobody vouches for who says so.
        That values are of their types is `codec.from_json`'s care."""
        articles = [self.article] if self.article else []
        if self.reading:
            issue = self.reading.issue
            if not (0 <= issue.year <= 9999 and 0 <= issue.number < _MANY and 0 <= issue.total < _MANY):
                return False
            articles += [article for column in issue.columns for article in column.articles]
        return all(map(_is_sound, articles))

    def json(self) -> dict[str, Any]:
        """The answer as plain values, from which `codec.from_json` makes it again."""
        return {
            "reading": _reading_json(self.reading) if self.reading else None,
            "article": article_json(self.article) if self.article else None,
            "error": self.error,
        }


def _is_sound(article: Article) -> bool:
    evidence = [item for park in article.parks for item in park.evidence]
    evidence += [item for topic in article.topics for item in topic.evidence]
    return (
        all(0 <= mark.start <= mark.end <= len(block.text) for block in article.blocks for mark in block.marks)
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
