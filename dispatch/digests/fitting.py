"""How much of a content is shown where a channel has little room: the most that fits.

Shorter texts come before fewer titles, and fewer titles before fewer articles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from dispatch.model import Content


@dataclass(frozen=True, slots=True)
class Size:
    """Characters of each article, and other titles and articles of each section."""

    characters: int
    others: int
    matching: int

    @classmethod
    def whole(cls, content: Content) -> Size:
        """The size that leaves nothing out."""
        sections = content.sections
        lengths = (
            sum(len(block.text) for block in entry.article.blocks) for section in sections for entry in section.matching
        )
        return cls(
            max(lengths, default=0),
            max((len(section.others) for section in sections), default=0),
            max((len(section.matching) for section in sections), default=0),
        )

    def of(self, content: Content) -> Content:
        """The content with as many titles and articles; shortening their texts is for the template."""
        sections = tuple(
            replace(section, matching=section.matching[: self.matching], others=section.others[: self.others])
            for section in content.sections
        )
        return replace(content, sections=sections)


def fitting(whole: Size, fits: Callable[[Size], bool]) -> Size:
    """The largest size that fits."""
    size = whole
    for name in ("characters", "others", "matching"):
        if fits(size):
            break
        low, high = 0, int(getattr(size, name))
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if fits(replace(size, **{name: middle})) else (low, middle - 1)
        size = replace(size, **{name: low})
    return size
