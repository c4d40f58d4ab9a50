"""Glyphs of a base line as text: blanks where the eye sees them, marks where the face is bold or an address behind."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise
from statistics import median

from dispatch.intake.readers.pdf_glyph import Glyph
from dispatch.intake.readers.pdf_scripts import with_scripts

_TWICE = 0.1  # of a size: the same character so near is one that was printed twice, as a shadow
_WORD_GAP = 0.17  # sizes between Latin letters that part two words
_WIDE_GAP = 0.9  # sizes that part whatever stands there
_MORE = 0.15  # sizes beyond what is usual on the line that part characters of Chinese
_SPACED = 0.25  # sizes that a typesetter may put between Chinese and Latin of itself
_TAB = 3.0  # sizes within a line that is no running text
_LEAST_PAIRS = 3  # that say what is usual
_LEADER = re.compile(r"\s*(?:[.．·•⋅…‥⋯_]\s?){4,}\s*[-–—(（]?\s*\d{0,4}\s*[-–—)）]?$")
_PAGE = re.compile(r"[-–—(（]?\s*\d{1,4}\s*[-–—)）]?")
_UNIT = re.compile(
    r"[“‘（(《〈「『【\[]*(?:[A-Za-z0-9._%/:@~#?&=+-]+|.)[”’）)》〉」』】\],，。、；;：:！!？?…]*", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of one weight with one address, from `start` to before `end`."""

    start: int
    end: int
    weight: int
    href: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Text on a base line from x0 to x1. `lead` is the width of what stays together at its head; `leader` says that the
    line ends here: dots and the number of a page followed, which are left out, or a tabulator is in it."""

    text: str
    x0: float
    x1: float
    base: float
    size: float
    spans: tuple[Span, ...]
    lead: float = 0.0
    leader: bool = False

    def beside(self, other: Stretch) -> Stretch:
        """This text with another one that stands to the right of it."""
        if self.leader and _PAGE.fullmatch(other.text):
            return replace(self, x1=other.x1)
        joined = with_leader(self.followed(other, " "))
        return replace(joined, leader=True) if other.x0 - self.x1 > _TAB * self.size else joined

    def followed(self, other: Stretch, between: str) -> Stretch:
        """This text with another one behind it."""
        shift = len(self.text) + len(between)
        moved = (replace(span, start=span.start + shift, end=span.end + shift) for span in other.spans)
        first = self if self.size >= other.size else other
        return replace(
            self,
            text=self.text + between + other.text,
            x1=other.x1,
            base=first.base,
            size=first.size,
            spans=tuple(_merged([*self.spans, *moved], between)),
            leader=other.leader,
        )


def stretch_of(glyphs: Sequence[Glyph]) -> list[Stretch]:
    """The text of glyphs sorted from the left; none without any that shows."""
    parts: list[str] = []
    spans: list[Span] = []
    length, blank = 0, False
    glyphs = with_scripts(glyphs)
    usual = _usual_gaps(glyphs)
    last: Glyph | None = None
    for glyph in glyphs:
        if glyph.char.isspace():
            blank = last is not None
            continue
        if last and _again(last, glyph):
            continue
        if last and (blank or _parted(last, glyph, usual)):
            parts.append(" ")
            length += 1
        blank = False
        spans = _grown(spans, length, glyph)
        parts.append(glyph.char)
        length += len(glyph.char)
        last = glyph
    if last is None:
        return []
    text = "".join(parts)
    shown = [glyph for glyph in glyphs if not glyph.char.isspace()]
    size = _usual_size(shown)
    base = next(glyph.base for glyph in shown if glyph.size == size)
    x0, x1 = shown[0].x0, max(glyph.x1 for glyph in shown)
    return [with_leader(Stretch(text, x0, x1, base, size, tuple(spans), _lead(text, shown)))]


def with_leader(stretch: Stretch) -> Stretch:
    """A line of a contents list without its dots and the number of the page."""
    found = _LEADER.search(stretch.text)
    if found is None or found.start() == 0:
        return stretch
    end = found.start()
    spans = tuple(replace(span, end=min(end, span.end)) for span in stretch.spans if span.start < end)
    return replace(stretch, text=stretch.text[:end], spans=spans, leader=True)


def _again(last: Glyph, glyph: Glyph) -> bool:
    near = _TWICE * glyph.size
    return glyph.char == last.char and abs(glyph.x0 - last.x0) < near and abs(glyph.base - last.base) < near


class _Kind(Enum):
    IDEOGRAPH = "ideograph"
    WIDE_SIGN = "wide sign"
    LATIN = "latin"
    SIGN = "sign"


def _kind(char: str) -> _Kind:
    char = char[-1]
    if unicodedata.east_asian_width(char) in ("W", "F", "A"):
        return _Kind.IDEOGRAPH if char.isalpha() else _Kind.WIDE_SIGN
    return _Kind.LATIN if char.isalnum() else _Kind.SIGN


_MIXED = frozenset({_Kind.IDEOGRAPH, _Kind.LATIN})
_PLAIN = (frozenset({_Kind.LATIN}), frozenset({_Kind.LATIN, _Kind.SIGN}))
_PURE = frozenset({_Kind.IDEOGRAPH})


@dataclass(frozen=True, slots=True)
class _Gaps:
    """The usual gaps of a line, in sizes: between characters of Chinese, and between Chinese and Latin."""

    pure: float
    mixed: float | None


def _usual_gaps(glyphs: Sequence[Glyph]) -> _Gaps:
    pure: list[float] = []
    mixed: list[float] = []
    for last, glyph in pairwise(glyphs):
        pair = frozenset((_kind(last.char), _kind(glyph.char)))
        if pair == _PURE:
            pure.append(_between_ideographs(last, glyph))
        elif pair == _MIXED and not (last.char.isspace() or glyph.char.isspace()):
            mixed.append((glyph.x0 - last.x1) / glyph.size)
    return _Gaps(
        median(pure) if len(pure) >= _LEAST_PAIRS else 0.0, median(mixed) if len(mixed) >= _LEAST_PAIRS else None
    )


def _between_ideographs(last: Glyph, glyph: Glyph) -> float:
    """The gap between two characters of Chinese in sizes. A box may be that of the ink, which is smaller than the
    character's width of one size, so what the places at which they begin leave between them counts too."""
    by_boxes = (glyph.x0 - last.x1) / glyph.size
    by_width = (glyph.start - last.start) / glyph.size - 1
    return min(by_boxes, by_width) if last.size == glyph.size else by_boxes


def _parted(last: Glyph, glyph: Glyph, usual: _Gaps) -> bool:
    """Whether the eye sees a blank between two characters.

    pdfium says where a PDF has no blank but a gap, and not whether an author or a typesetter put it there.
    """
    gap = (glyph.x0 - last.x1) / max(last.size, glyph.size)
    if gap > _WIDE_GAP:
        return True
    pair = frozenset((_kind(last.char), _kind(glyph.char)))
    if pair in _PLAIN:
        return gap > _WORD_GAP
    if pair == _PURE:
        return _between_ideographs(last, glyph) > usual.pure + _MORE
    if pair == _MIXED:
        return gap > (_SPACED if usual.mixed is None else usual.mixed) + _MORE
    opens = _kind(last.char) is _Kind.SIGN and _kind(glyph.char) in (_Kind.IDEOGRAPH, _Kind.WIDE_SIGN)
    return opens and gap > (usual.mixed or usual.pure) + _MORE


def _grown(spans: list[Span], start: int, glyph: Glyph) -> list[Span]:
    end = start + len(glyph.char)
    if spans and (spans[-1].weight, spans[-1].href) == (glyph.weight, glyph.href):
        spans[-1] = replace(spans[-1], end=end)
    else:
        spans.append(Span(start, end, glyph.weight, glyph.href))
    return spans


def _merged(spans: Sequence[Span], between: str) -> list[Span]:
    found: list[Span] = []
    for span in spans:
        last = found[-1] if found else None
        near = last is not None and span.start - last.end <= len(between)
        if last and near and (last.weight, last.href) == (span.weight, span.href):
            found[-1] = replace(last, end=span.end)
        else:
            found.append(span)
    return found


def _usual_size(glyphs: Sequence[Glyph]) -> float:
    counts: dict[float, int] = {}
    for glyph in glyphs:
        counts[glyph.size] = counts.get(glyph.size, 0) + 1
    return max(counts, key=lambda size: (counts[size], size))


def _lead(text: str, glyphs: Sequence[Glyph]) -> float:
    found = _UNIT.match(text)
    count = len(found[0].replace(" ", "")) if found else 1
    last = glyphs[min(count, len(glyphs)) - 1]
    return last.x1 - glyphs[0].x0
