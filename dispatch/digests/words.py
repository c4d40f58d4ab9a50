"""The frame around the articles: dates, issues and names in the reader's language; and texts made shorter."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dispatch.model import Article, Block, BlockKind, Digest, Mark

_SENTENCE = re.compile(r".+?[。！？!?][”’」』）)]*")
_SENTENCE_ENDS = "。！？!?；;"
_LEAD = 120


@dataclass(frozen=True, slots=True)
class Words:
    """The table `frame.LANGUAGE.toml`, and what is said with it."""

    table: Mapping[str, Any]
    language: str

    def say(self, key: str, **values: object) -> str:
        """The words of `key` with {names} filled in. Raises LookupError for an unknown key or name."""
        if key not in self.table:
            raise LookupError(f"frame.{self.language}.toml has no {key!r}")
        return str(self.table[key]).format(**values)

    def date_line(self, date: dt.date) -> str:
        return self.say(
            "date", year=date.year, month=date.month, day=date.day, month_name=self.table["months"][date.month - 1]
        )

    def moment(self, at: int) -> str:
        """A time (ms) to the minute, in UTC: who sees to a machine has its log beside it."""
        return f"{dt.datetime.fromtimestamp(at / 1000, dt.UTC):%Y-%m-%d %H:%M} UTC"

    def issue_line(self, digest: Digest) -> str:
        """2022年第5期(总第534期), as far as the numbers are known; else the issue's reference."""
        if digest.number and digest.total:
            return self.say("issue_and_total", year=digest.year, number=digest.number, total=digest.total)
        if digest.number:
            return self.say("issue", year=digest.year, number=digest.number)
        if digest.total:
            return self.say("issue_total", total=digest.total)
        return digest.issue_ref

    def issues_line(self, digests: Sequence[Digest]) -> str:
        """The issue of these digests, short; or how many issues they are of."""
        issues = {(digest.bulletin, digest.issue_ref): digest for digest in digests}
        if len(issues) != 1:
            return self.say("several_issues", count=len(issues))
        (digest,) = issues.values()
        if digest.number:
            return self.say("issue", year=digest.year, number=digest.number)
        return self.issue_line(digest)

    def bulletin_name(self, digest: Digest) -> str:
        return (digest.title_en or digest.title) if self.language == "en" else digest.title

    def column_name(self, digest: Digest) -> str:
        """The column, with the part where it comes in several."""
        name = (digest.column_en or digest.column) if self.language == "en" else digest.column
        if digest.parts > 1:
            return self.say("column_part", column=name, part=digest.part, parts=digest.parts)
        return name


def clip(text: str, length: int) -> str:
    """At most `length` characters, the last of them an ellipsis where something was left out."""
    return text if len(text) <= length else text[: max(length - 1, 0)].rstrip(" ,，、;；:：") + "…"


def first_sentence(article: Article) -> str:
    """The first sentence of the first paragraph, or where there is none of the first item of a list, clipped; ""
    where there is neither."""
    for kind in (BlockKind.PARAGRAPH, BlockKind.ITEM):
        for block in article.blocks:
            if block.kind is kind:
                found = _SENTENCE.match(block.text)
                return clip(found.group() if found else block.text, _LEAD)
    return ""


def shorten(article: Article, limit: int | None) -> tuple[tuple[Block, ...], bool]:
    """The blocks within `limit` characters (None: all of them), and whether something was left out.

    The cut is at the end of a sentence, or within the first one when that alone is too long; a table is whole or left
    out with what follows it; no heading is left without text below it.
    """
    if limit is None or sum(len(block.text) for block in article.blocks) <= limit:
        return article.blocks, False
    kept: list[Block] = []
    room = limit
    for block in article.blocks:
        if len(block.text) > room:
            kept += _beginning(block, room)
            break
        kept.append(block)
        room -= len(block.text)
    while kept and kept[-1].kind is BlockKind.HEADING:
        kept.pop()
    return tuple(kept), True


def _beginning(block: Block, room: int) -> list[Block]:
    """As much of a block as there is room for, if any."""
    text = "" if block.kind is BlockKind.TABLE else _whole_sentences(block.text, room)
    if not text:
        return []
    end = len(text) if block.text.startswith(text) else len(text) - 1  # an ellipsis is no part of a mark
    return [replace(block, text=text, marks=_within(block.marks, end))]


def _within(marks: Sequence[Mark], end: int) -> tuple[Mark, ...]:
    return tuple(replace(mark, end=min(mark.end, end)) for mark in marks if mark.start < end)


def _whole_sentences(text: str, room: int) -> str:
    end = max(text.rfind(mark, 0, room) for mark in _SENTENCE_ENDS) + 1
    if end > room // 2:
        return text[:end]
    return clip(text, room) if room > _LEAD else ""
