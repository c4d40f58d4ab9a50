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
        """The size that leaves nothing out. Of titles alone, no characters are needed."""
        sections = content.sections
        return cls(
            max(lengths_of(content), default=0),
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


def lengths_of(content: Content) -> list[int]:
    """The characters of each article that is shown in full."""
    if content.format != "full":
        return []
    matching = (entry.article for section in content.sections for entry in section.matching)
    return [sum(len(block.text) for block in article.blocks) for article in matching]


def fitting(whole: Size, room: int, fits: Callable[[Size], bool]) -> Size:
    """The largest size that fits. An article of more characters than `room` surely does not: it is not even tried,
    for a table of a million cells takes long to set."""
    size = replace(whole, characters=min(whole.characters, room))
    for name in ("characters", "others", "matching"):
        if fits(size):
            break
        low, high = 0, int(getattr(size, name))
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if fits(replace(size, **{name: middle})) else (low, middle - 1)
        size = replace(size, **{name: low})
    return size
