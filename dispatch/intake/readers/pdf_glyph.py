"""A character of a PDF with its place."""

from __future__ import annotations

from typing import NamedTuple


class Glyph(NamedTuple):
    """A character: its left and right, its base line, its size in points. `weight` is 0 for a text face, 1 for a face
    of headings (黑体, 小标宋), 2 for bold. `href` is the address behind it, or "". `start` is where its width begins,
    which is left of x0 where the font's boxes are those of the ink (Type 3)."""

    char: str
    x0: float
    x1: float
    base: float
    size: float
    weight: int
    href: str
    start: float
