"""Places in a rendered text that are filled in for each reader.

A text is rendered once for all readers of a variant, with a mark where something personal stands. `Slotted` cuts it
at the marks; filling is one join a reader. The marks are private-use characters, which readers of issues remove
from every text that comes in: nothing in an article can pose as a mark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}([a-z_]+){_CLOSE}")


def slot(name: str) -> str:
    """The mark that stands for the personal value `name` (lower-case letters and underscores)."""
    return f"{_OPEN}{name}{_CLOSE}"


@dataclass(frozen=True, slots=True)
class Slotted:
    """A text with slots: `pieces` alternates text (even places) and slot names (odd places)."""

    pieces: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Slotted:
        return cls(tuple(_MARK.split(text)))

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.pieces[1::2])

    def fill(self, values: Mapping[str, str]) -> str:
        """The text for one reader. `values` are already escaped for the form; a missing one is a KeyError."""
        parts = list(self.pieces)
        parts[1::2] = [values[name] for name in parts[1::2]]
        return "".join(parts)
