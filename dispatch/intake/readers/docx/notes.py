"""Footnotes and endnotes: numbered in the order in which the text refers to them."""

from __future__ import annotations

from collections.abc import Callable

from dispatch.intake.readers.docx.spans import Text, joined

_KINDS = ("footnote", "endnote")


class Notes:
    """The notes of a document. Both kinds are counted together, so that a mark in the text means one note."""

    def __init__(self, load: Callable[[str], dict[str, Text]]) -> None:
        """`load` reads the notes of a kind, by id; it is asked when the first one is referred to."""
        self._load = load
        self._texts: dict[str, dict[str, Text]] = {}
        self._numbers: dict[tuple[str, str], int] = {}

    def mark(self, kind: str, key: str) -> str:
        """What stands in the text for a note, `[1]`; "" for one that is not there or has been read already."""
        if kind not in _KINDS or (kind, key) in self._numbers or not self._of(kind, key).text:
            return ""
        self._numbers[kind, key] = len(self._numbers) + 1
        return f"[{self._numbers[kind, key]}]"

    def text(self, kind: str, key: str) -> Text:
        """A note that has a mark, the mark before it."""
        return joined([Text(f"[{self._numbers[kind, key]}]"), self._of(kind, key)], " ")

    def _of(self, kind: str, key: str) -> Text:
        if kind not in self._texts:
            self._texts[kind] = self._load(kind)
        return self._texts[kind].get(key, Text(""))
