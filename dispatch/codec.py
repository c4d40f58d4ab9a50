"""Articles to and from plain JSON values: what the archive stores and what `--json` prints."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from dispatch.model import Article, Block, BlockKind, Column, Evidence, Issue, Mark, MarkKind, ParkTag, Role, TopicTag

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Json = dict[str, Any]
T = TypeVar("T")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def blocks_json(blocks: Sequence[Block]) -> list[Json]:
    return [block_json(block) for block in blocks]


def block_json(block: Block) -> Json:
    """`kind` and `text`; `rows`, `marks` and `depth` where the block has any."""
    found: Json = {"kind": block.kind.value, "text": block.text}
    if block.rows:
        found["rows"] = [list(row) for row in block.rows]
    if block.marks:
        found["marks"] = [_mark_json(mark) for mark in block.marks]
    if block.depth:
        found["depth"] = block.depth
    return found


def _mark_json(mark: Mark) -> Json:
    found: Json = {"kind": mark.kind.value, "start": mark.start, "end": mark.end}
    return {**found, "href": mark.href} if mark.href else found


def read_block(value: Mapping[str, Any]) -> Block:
    """The block that `block_json` wrote."""
    return Block(
        kind=BlockKind(value["kind"]),
        text=value["text"],
        rows=tuple(tuple(row) for row in value.get("rows", ())),
        marks=tuple(
            Mark(MarkKind(mark["kind"]), mark["start"], mark["end"], mark.get("href", ""))
            for mark in value.get("marks", ())
        ),
        depth=value.get("depth", 0),
    )


def parks_json(parks: Sequence[ParkTag]) -> list[Json]:
    return [
        {"name": park.name, "role": park.role.value, "evidence": [asdict(item) for item in park.evidence]}
        for park in parks
    ]


def topics_json(topics: Sequence[TopicTag]) -> list[Json]:
    return [asdict(topic) | {"evidence": [asdict(item) for item in topic.evidence]} for topic in topics]


def article_json(article: Article) -> Json:
    return {
        "title": article.title,
        "credit": article.credit,
        "parks": parks_json(article.parks),
        "topics": topics_json(article.topics),
        "blocks": blocks_json(article.blocks),
    }


def issue_json(issue: Issue) -> Json:
    return {
        "bulletin": issue.bulletin,
        "ref": issue.ref,
        "title": issue.title,
        "publisher": issue.publisher,
        "year": issue.year,
        "number": issue.number,
        "total": issue.total,
        "date": issue.date.isoformat() if issue.date else None,
        "columns": [
            {
                "name": column.name,
                "contents_name": column.contents_name,
                "articles": [article_json(article) for article in column.articles],
            }
            for column in issue.columns
        ],
    }


def from_json(kind: type[T], data: bytes) -> T:
    """A frozen value from JSON text that nobody vouches for: it has all fields, and each is of its type.

    Raises ValueError, whose words may hold what the text says; also for text with a NUL, which no database takes.
    """
    if _NUL.search(data):
        raise ValueError("a NUL within a text")
    return cast(T, _adapter(cast(Any, kind)).validate_json(data, strict=True))


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # only where something is checked: it takes longer to load than all else here

    return TypeAdapter(kind)


def read_issue(value: Mapping[str, Any]) -> Issue:
    """The issue that `issue_json` wrote."""
    parts = ("title", "credit", "blocks", "parks", "topics")
    return Issue(
        date=dt.date.fromisoformat(value["date"]) if value["date"] else None,
        columns=tuple(
            Column(
                column["name"],
                column["contents_name"],
                tuple(read_article(*(article[name] for name in parts)) for article in column["articles"]),
            )
            for column in value["columns"]
        ),
        **{name: value[name] for name in ("bulletin", "title", "publisher", "year", "number", "total")},
    )


def read_article(
    title: str,
    credit: str,
    blocks: Sequence[Mapping[str, Any]],
    parks: Sequence[Mapping[str, Any]],
    topics: Sequence[Mapping[str, Any]],
) -> Article:
    """The article whose parts `article_json` wrote."""
    return Article(
        title=title,
        credit=credit,
        blocks=tuple(map(read_block, blocks)),
        parks=tuple(ParkTag(park["name"], Role(park["role"]), _evidence(park["evidence"])) for park in parks),
        topics=tuple(
            TopicTag(topic["key"], topic["name"], topic["score"], _evidence(topic["evidence"])) for topic in topics
        ),
    )


def _evidence(items: Sequence[Mapping[str, Any]]) -> tuple[Evidence, ...]:
    return tuple(Evidence(**item) for item in items)
