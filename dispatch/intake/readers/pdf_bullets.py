"""Bullets that a program drew as shapes: discs, circles and squares left of a line, where others write a character."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from dispatch.intake.readers.pdf_glyph import Glyph

_SMALLEST, _LARGEST = 2.0, 9.0  # points
_ROUND = 1.25  # times as wide as high, or the other way
_LEAST, _MOST = 0.2, 0.7  # sizes of the line that a bullet is large
_MOST_BESIDE = 2_000  # glyphs on the height of a dot
_NEAR = 2.2  # sizes between a bullet and its line
_MIDDLE = (0.05, 0.7)  # sizes above the base line between which the middle of a bullet is


def is_dot(box: tuple[float, float, float, float]) -> bool:
    """Whether a shape has the size of a bullet, and is as high as it is wide."""
    width, height = box[2] - box[0], box[3] - box[1]
    return min(width, height) >= _SMALLEST and max(width, height) <= min(_LARGEST, _ROUND * min(width, height))


def bullets(glyphs: Sequence[Glyph], dots: Sequence[tuple[float, float, float, float]]) -> Iterator[Glyph]:
    """A bullet and a blank for each dot that stands left of a line with nothing before it."""
    by_base = sorted(glyphs, key=lambda glyph: glyph.base) if dots else []
    bases = [glyph.base for glyph in by_base]
    for dot in dots:
        start = bisect_left(bases, dot[1])
        end = bisect_left(bases, dot[3] + _LARGEST / _LEAST)
        if end - start > _MOST_BESIDE:
            continue
        beside = [glyph for glyph in by_base[start:end] if _is_level(glyph, dot) and not glyph.char.isspace()]
        head = min(beside, key=lambda glyph: glyph.x0, default=None)
        if head is None or not (dot[2] <= head.start + 0.1 * head.size and head.x0 - dot[2] < _NEAR * head.size):
            continue
        if _LEAST * head.size <= dot[2] - dot[0] <= _MOST * head.size:
            yield head._replace(char="•", x0=dot[0], x1=dot[2], start=dot[0], href="")
            yield head._replace(char=" ", x0=dot[2], x1=head.x0, start=dot[2], href="")


def _is_level(glyph: Glyph, dot: tuple[float, float, float, float]) -> bool:
    return _MIDDLE[0] <= (glyph.base - (dot[1] + dot[3]) / 2) / max(glyph.size, 1.0) <= _MIDDLE[1]
