"""An article as a row of passages, and the names found in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from dispatch.catalog.words import fold
from dispatch.model import Article, BlockKind, Evidence

TITLE, CREDIT, TEXT = "title", "credit", "text"

# A blank between two Chinese characters is left over from a line's end in the source and parts no words.
_STRAY_BLANK = re.compile(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])")
_SENTENCE = re.compile(r"[^。;!?]+[。;!?]?")


@dataclass(frozen=True)
class Passage:
    """One string of an article. `text` is folded and without stray blanks; `raw` is as it stands."""

    where: str
    block: int
    raw: str
    heading: bool = False

    @cached_property
    def text(self) -> str:
        return _STRAY_BLANK.sub("", fold(self.raw))

    @cached_property
    def sentences(self) -> tuple[tuple[int, int], ...]:
        return tuple(match.span() for match in _SENTENCE.finditer(self.text))

    @cached_property
    def _offsets(self) -> Sequence[int]:
        """Where each character of `text` stands in `raw`."""
        blanks = {index for match in _STRAY_BLANK.finditer(self.raw) for index in range(*match.span())}
        return [index for index in range(len(self.raw)) if index not in blanks] if blanks else range(len(self.raw))

    def evidence(self, start: int, end: int) -> Evidence:
        first, last = self._offsets[start], self._offsets[end - 1] + 1
        return Evidence(self.where, self.block, first, last, self.raw[first:last])


@dataclass(frozen=True, slots=True)
class Hit:
    """A stretch of a passage's text that a rule believes."""

    passage: Passage
    start: int
    end: int

    @property
    def word(self) -> str:
        return self.passage.text[self.start : self.end]

    @property
    def before(self) -> str:
        return self.passage.text[: self.start]

    @property
    def after(self) -> str:
        return self.passage.text[self.end :]

    def evidence(self) -> Evidence:
        return self.passage.evidence(self.start, self.end)


def passages(article: Article) -> list[Passage]:
    """Title, credit and blocks, in the order in which they count."""
    return [
        Passage(TITLE, -1, article.title),
        Passage(CREDIT, -1, article.credit),
        *(
            Passage(TEXT, number, block.text, heading=block.kind is BlockKind.HEADING)
            for number, block in enumerate(article.blocks)
        ),
    ]


def lead(parts: Sequence[Passage]) -> Passage | None:
    """The first paragraph."""
    return next((part for part in parts if part.where == TEXT and not part.heading), None)


def without_overlaps(spans: Sequence[tuple[int, int]]) -> Iterator[int]:
    """The indexes of the spans that remain when, from the left, the longest at each place wins."""
    reached = 0
    for index in sorted(range(len(spans)), key=lambda i: (spans[i][0], -spans[i][1])):
        start, end = spans[index]
        if start >= reached:
            reached = end
            yield index
