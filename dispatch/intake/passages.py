"""An article as a row of passages, and the names found in them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from dispatch.catalog.words import fold
from dispatch.intake.characters import simplified
from dispatch.model import Article, BlockKind, Evidence

TITLE, CREDIT, TEXT = "title", "credit", "text"

# How far a rule looks to either side of a name. No rule needs more, and with a bound the work for one name does not
# grow with the paragraph that it stands in.
WINDOW = 40

# A blank between two Chinese characters is left over from a line's end in the source and parts no words; one between
# Chinese and a Latin letter or digit (5G 应用) is a matter of taste. Between two Latin words one blank parts as much as
# several do. A longer gap is none of these, so that the evidence for a word stays short. It begins with the blank
# itself, which is quicker to look for than what stands before it.
_STRAY_BLANK = re.compile(
    r"\s(?:(?<=[^\x00-\x7f\s]\s)\s{0,39}(?=[^\x00-\x7f\s]|[0-9a-z])|(?<=[0-9a-z]\s)\s{0,39}(?=[^\x00-\x7f\s])"
    r"|(?<=[0-9a-z]\s\s)\s{0,38}(?=[0-9a-z]))"
)
_LINE_END = re.compile(r"(?<=[0-9a-z])\n(?=[0-9a-z])")
_ENDS = ("。", ";", "!", "?", ":", "”", ")", "…")
_SENTENCE = re.compile(r"[^。;!?]+[。;!?]?")


def without_stray_blanks(text: str) -> str:
    """A folded text without the blanks that part no words."""
    return _STRAY_BLANK.sub("", text)


class Spans:
    """Stretches of one text, apart and in order; the one at a place is found without a look at the others."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self._spans = spans
        self._starts = [start for start, _ in spans]

    def around(self, start: int, end: int) -> tuple[int, int] | None:
        """The stretch that `start` to `end` lies in."""
        index = bisect_right(self._starts, start) - 1
        return self._spans[index] if index >= 0 and end <= self._spans[index][1] else None


@dataclass(frozen=True)
class Passage:
    """One string of an article. `text` is folded, in simplified characters and without stray blanks; `raw` is as it
    stands."""

    where: str
    block: int
    raw: str
    heading: bool = False

    @cached_property
    def text(self) -> str:
        text = without_stray_blanks(simplified(self.raw))
        return _LINE_END.sub(" ", text) if "\n" in text else text

    @cached_property
    def sentences(self) -> Spans:
        return Spans([match.span() for match in _SENTENCE.finditer(self.text)])

    @cached_property
    def _offsets(self) -> Sequence[int]:
        """Where each character of `text` stands in `raw`."""
        # In the folded text as `text` does: a full-width blank or letter is ASCII there and none in `raw`.
        blanks = {index for match in _STRAY_BLANK.finditer(fold(self.raw)) for index in range(*match.span())}
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
        """The last WINDOW characters before it."""
        return self.passage.text[max(0, self.start - WINDOW) : self.start]

    @property
    def after(self) -> str:
        """The first WINDOW characters after it."""
        return self.passage.text[self.end : self.end + WINDOW]

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


def broken(parts: Sequence[Passage]) -> Iterator[tuple[Passage, Passage]]:
    """Neighbouring paragraphs of which the first ends in the midst of a sentence, as at a page's end."""
    for one, other in pairwise(part for part in parts if part.where == TEXT):
        if one.text and not one.heading and not other.heading and not one.text.endswith(_ENDS):
            yield one, other


def without_overlaps(spans: Sequence[tuple[int, int]]) -> Iterator[int]:
    """The indexes of the spans that remain when, from the left, the longest at each place wins."""
    reached = 0
    for index in sorted(range(len(spans)), key=lambda i: (spans[i][0], -spans[i][1])):
        start, end = spans[index]
        if start >= reached:
            reached = end
            yield index
