"""The passages that decided a tag, in their context: underlined on a terminal, within 【】 elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from dispatch.output import console, plain, say

if TYPE_CHECKING:
    import datetime as dt

    from dispatch.catalog import Catalog
    from dispatch.intake.topic_rules import TopicBelow
    from dispatch.model import Article, Evidence, ParkTag, TopicTag

_AROUND = 14  # characters before and behind a passage
_SHOWN = 3  # stretches of text a tag
Piece = tuple[str, bool]  # a text, and whether it decided


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of an article with passages in it. `where` is `title`, `credit`, or `text` with the number of the
    paragraph."""

    where: str
    pieces: tuple[Piece, ...]

    @property
    def marked(self) -> str:
        return "".join(f"【{text}】" if decided else text for text, decided in self.pieces)


def stretches(article: Article, evidence: Sequence[Evidence]) -> list[Stretch]:
    """The passages with what stands around them, in the order of the text: title, credit, paragraphs."""
    order = {"title": 0, "credit": 1}
    there = sorted(evidence, key=lambda item: (order.get(item.where, 2), item.block, item.start, -item.end))
    found = []
    for (where, block), items in groupby(there, key=lambda item: (item.where, item.block)):
        text = _text(article, where, block)
        called = where if block < 0 else f"{where} {block + 1}"
        found += [Stretch(called, pieces) for pieces in _pieces(text, list(items))]
    return found


def _text(article: Article, where: str, block: int) -> str:
    if where == "text":
        return article.blocks[block].text if 0 <= block < len(article.blocks) else ""
    return article.title if where == "title" else article.credit


def _pieces(text: str, items: Sequence[Evidence]) -> Iterator[tuple[Piece, ...]]:
    """One stretch for passages that stand near each other."""
    placed = [item for item in items if text[item.start : item.end] == item.text]
    for window in _windows(placed):
        yield tuple(_cut(text, window))
    for item in items:
        if item not in placed:  # somebody has changed the text since
            yield ((item.text, True),)


def _windows(items: Iterable[Evidence]) -> Iterator[list[Evidence]]:
    window: list[Evidence] = []
    for item in items:
        if window and item.start - window[-1].end > 2 * _AROUND:
            yield window
            window = []
        if not window or item.start >= window[-1].end:
            window.append(item)
    if window:
        yield window


def _cut(text: str, window: Sequence[Evidence]) -> Iterator[Piece]:
    at, end = max(0, window[0].start - _AROUND), min(len(text), window[-1].end + _AROUND)
    before = "…" if at else ""
    for item in window:
        yield before + text[at : item.start], False
        yield text[item.start : item.end], True
        at, before = item.end, ""
    yield text[at:end] + ("…" if end < len(text) else ""), False


def national_later(catalog: Catalog, articles: Iterable[Article], date: dt.date | None) -> dict[str, int]:
    """The parks of the articles that were not national yet at a day, with the year in which they became so."""
    names = dict.fromkeys(park.name for article in articles for park in article.parks)
    return {name: since for name in names if (since := catalog.not_yet_national(name, date)) is not None}


def tell_article(article: Article, indent: str = "", later: Mapping[str, int] | None = None) -> None:
    """Print an article's tags, each with the passages that decided. `later` has the years in which parks became
    national after it."""
    from dispatch.model import Role

    for park in article.parks:
        what = "subject" if park.role is Role.SUBJECT else "mention"
        since = f", national since {later[park.name]} only" if later and park.name in later else ""
        _tell(article, park, f"{indent}{what}: {park.name}{since}", indent)
    for topic in article.topics:
        _tell(article, topic, f"{indent}topic: {topic.name} [{topic.key}] {topic.score:.2f}", indent)


def tell_below(article: Article, below: Iterable[TopicBelow], indent: str = "") -> None:
    """Print the topics that an article does not get, each with its score and the passages that spoke for it."""
    for item in below:
        head = f"{indent}below: {item.tag.name} [{item.tag.key}] {item.tag.score:.2f} of {item.needed:.2f}"
        _tell(article, item.tag, head, indent)


def _tell(article: Article, tag: ParkTag | TopicTag, head: str, indent: str) -> None:
    say(head if tag.evidence else f"{head}, given by hand")
    found = stretches(article, tag.evidence)
    width = max((len(stretch.where) for stretch in found[:_SHOWN]), default=0)
    for stretch in found[:_SHOWN]:
        _print(f"{indent}    {stretch.where:<{width}}  ", stretch)
    if len(found) > _SHOWN:
        say(f"{indent}    and {len(found) - _SHOWN} more; all of them: --json")


def _print(head: str, stretch: Stretch) -> None:
    if not sys.stdout.isatty():
        say(head + stretch.marked)
        return
    from rich.text import Text

    shown = Text(plain(head), style="dim")
    for text, decided in stretch.pieces:
        shown.append(plain(text), style="not dim bold underline" if decided else "not dim")
    console().print(shown)
