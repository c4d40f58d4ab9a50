"""The names of a bulletin's columns, and how names and titles are found to be the same."""

from __future__ import annotations

from collections.abc import Sequence

from dispatch.catalog import Bulletin
from dispatch.intake.folding import fold, heading_key

ALIKE = 75.0  # of 100: two spellings of one title, or of one column's name


class ColumnNames:
    """Finds the known column that a line names."""

    def __init__(self, profile: Bulletin | None) -> None:
        self._keys: dict[str, str] = {}
        for column in profile.columns if profile else ():
            for name in (column.name, *column.aliases):
                self._keys[fold(name)] = column.key

    def find(self, text: str) -> str:
        """The key of the column whose name or alias a heading is; "" for none."""
        if len(text) > 60:
            return ""
        return self._keys.get(heading_key(text), "") or self._keys.get(fold(text), "")

    def same(self, one: str, other: str) -> bool:
        """Whether two headings name one column: by the profile, else by their likeness."""
        known = self.find(one), self.find(other)
        if all(known):
            return known[0] == known[1]
        return alike(heading_key(one), heading_key(other))


def alike(one: str, other: str) -> bool:
    """Whether two folded texts are spellings of one."""
    from rapidfuzz import fuzz  # not at module import: who only sends reads no issue

    return bool(one and other) and fuzz.ratio(one, other) >= ALIKE


def nearest(key: str, keys: Sequence[str], cutoff: float = ALIKE) -> tuple[int, float] | None:
    """The index and likeness (0 to 100) of the text most like `key`, or None below the cutoff."""
    if not key:
        return None
    from rapidfuzz import fuzz, process

    found = process.extractOne(key, keys, scorer=fuzz.ratio, score_cutoff=cutoff)
    return None if found is None else (found[2], found[1])
