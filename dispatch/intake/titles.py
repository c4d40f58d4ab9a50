"""The titles of the contents list in the text: equal ones, divided ones, and the likest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from dispatch.intake.body_text import Kind, Text
from dispatch.intake.contents import Contents, Entry
from dispatch.intake.folding import fold
from dispatch.intake.names import nearest

_MOST_CANDIDATES = 3_000  # lines that a title is looked for among when none equals it


class Role(Enum):
    COLUMN = "column"
    TITLE = "title"
    TITLE_GOES_ON = "title goes on"
    LEFT_OUT = "left out"


@dataclass
class Anchors:
    """The roles of lines by index; a line without one is text. `entries` are the list's titles found, by index,
    `unmarked` those taken for titles though the document marks its titles and did not mark these, `guessed` those taken
    for columns by their place alone."""

    roles: dict[int, Role] = field(default_factory=dict)
    entries: dict[int, tuple[int, Entry]] = field(default_factory=dict)
    missing: list[tuple[int, Entry]] = field(default_factory=list)
    unmarked: list[int] = field(default_factory=list)
    guessed: list[int] = field(default_factory=list)


def find_titles(text: Text, contents: Contents) -> Anchors:
    """Anchors with the titles of the list; `missing` are those that the text does not have."""
    search = _Search(text, contents)
    search.search()
    return search.anchors


class _Search:
    """The steps of the search, surest first; each takes what the ones before it left."""

    def __init__(self, text: Text, contents: Contents) -> None:
        self._text = text
        self._contents = contents
        self.anchors = Anchors()

    def search(self) -> None:
        """Find the list's titles: equal ones first, then over two lines, then the likest."""
        wanted = [
            (number, entry) for number, section in enumerate(self._contents.sections) for entry in section.entries
        ]
        wanted = self._equal_titles(wanted)
        wanted = self._divided_titles(wanted)
        self.anchors.missing = self._alike_titles(wanted)

    def _equal_titles(self, wanted: list[tuple[int, Entry]]) -> list[tuple[int, Entry]]:
        places: dict[str, list[int]] = {}
        for index in range(len(self._text) - 1, -1, -1):
            if self._text.keys[index]:
                places.setdefault(self._text.keys[index], []).append(index)
        left = []
        for number, entry in wanted:
            found = places.get(entry.key)
            if found:
                self._set_title(found.pop(), number, entry)
            else:
                left.append((number, entry))
        return left

    def _divided_titles(self, wanted: list[tuple[int, Entry]]) -> list[tuple[int, Entry]]:
        """A title that the text divides over two or three lines."""
        by_key = {entry.key: (number, entry) for number, entry in wanted}
        for index in range(len(self._text)) if by_key else ():
            for size in (2, 3):
                span = range(index, min(index + size, len(self._text)))
                if not all(self._text.kinds[at] is Kind.SHORT and at not in self.anchors.roles for at in span):
                    break
                found = by_key.pop("".join(fold(self._text.lines[at].text) for at in span), None)
                if found:
                    self._set_title(index, *found)
                    self.anchors.roles.update((at, Role.TITLE_GOES_ON) for at in span[1:])
                    break
        return list(by_key.values())

    def _alike_titles(self, wanted: list[tuple[int, Entry]]) -> list[tuple[int, Entry]]:
        """The likest lines, best pair first, each line for one title; the titles that none is like."""
        free = [index for index in range(len(self._text)) if self._is_free(index)][:_MOST_CANDIDATES]
        keys = [self._text.keys[index] for index in free]
        left = list(wanted)
        while left and free:
            pairs = [
                (found[1], -at, found[0]) for at, (_, entry) in enumerate(left) if (found := nearest(entry.key, keys))
            ]
            if not pairs:
                break
            taken: set[int] = set()
            done: set[int] = set()
            for _, at, line in sorted(pairs, reverse=True):
                if line not in taken:
                    taken.add(line)
                    done.add(-at)
                    self._set_title(free[line], *left[-at])
            left = [pair for at, pair in enumerate(left) if at not in done]
            free, keys = _without(free, taken), _without(keys, taken)
        return left

    def _is_free(self, index: int) -> bool:
        return (
            self._text.kinds[index] is Kind.SHORT and index not in self.anchors.roles and bool(self._text.keys[index])
        )

    def _set_title(self, index: int, section: int, entry: Entry) -> None:
        self.anchors.roles[index] = Role.TITLE
        self.anchors.entries[index] = (section, entry)


_Item = TypeVar("_Item")


def _without(items: Sequence[_Item], indexes: set[int]) -> list[_Item]:
    return [item for index, item in enumerate(items) if index not in indexes]
